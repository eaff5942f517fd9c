"""Convolutions that choose whom to listen to."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._convs._base import AtomConv, GraphConv, register_conv
from skchem_dl.nn._kernels import Kernels
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear, halves

_SLOPE = 0.2  # of the leaky relu, as in both papers


@register_conv("gat")
class GAT(AtomConv):
    """Graph attention network; bonds have a say in the attention.

    An atom attends to itself too.

    References
    ----------
    .. [1] Velickovic, P. et al. Graph Attention Networks. ICLR 2018.
       https://doi.org/10.48550/arXiv.1710.10903
    """

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.shape = _heads(dim, n_heads)
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.values = nn.ModuleList(RowsLinear(dim, dim, bias=False) for _ in range(n_steps))
        self.biases = _parameters(n_steps, dim, zero=True)
        self.to_source = _parameters(n_steps, *self.shape)
        self.to_destination = _parameters(n_steps, *self.shape)
        # A linear map of the bond, and its product with an attention vector: one number a head.
        self.to_bonds = nn.ModuleList(
            CodeEmbedding(schema.bond_sizes, n_heads) for _ in range(n_steps)
        )

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Attend to neighbours, ``(A, h) -> (A, h)``."""
        values = self.values[layer](state).view(-1, *self.shape)
        source = (values * self.to_source[layer]).sum(-1)
        destination = (values * self.to_destination[layer]).sum(-1)
        bonds = batch.both_ways(self.to_bonds[layer](batch.bond_codes))
        ends = self.kernels.at_source(batch, source) + self.kernels.at_destination(
            batch, destination
        )
        of_edges = F.leaky_relu(ends + bonds, _SLOPE)
        of_self = F.leaky_relu(source + destination, _SLOPE)
        mixed = attend(self.kernels, batch, values, of_edges, of_self)
        return mixed.flatten(1) + self.biases[layer]


@register_conv("gatv2")
class GATv2(AtomConv):
    """Graph attention network whose attention ranks neighbours differently for each atom.

    An atom attends to itself too.

    References
    ----------
    .. [1] Brody, S.; Alon, U.; Yahav, E. How Attentive are Graph Attention Networks? ICLR 2022.
       https://doi.org/10.48550/arXiv.2105.14491
    """

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.shape = _heads(dim, n_heads)
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.of_source = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))
        self.of_destination = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))
        self.of_bonds = nn.ModuleList(CodeEmbedding(schema.bond_sizes, dim) for _ in range(n_steps))
        self.attention = _parameters(n_steps, *self.shape)

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Attend to neighbours, ``(A, h) -> (A, h)``."""
        source, destination = self.of_source[layer](state), self.of_destination[layer](state)
        bonds = batch.both_ways(self.of_bonds[layer](batch.bond_codes))
        edges = self.kernels.at_source(batch, source) + self.kernels.at_destination(
            batch, destination
        )
        of_edges = self._logits(layer, edges + bonds)
        of_self = self._logits(layer, source + destination)
        values = source.view(-1, *self.shape)
        return attend(self.kernels, batch, values, of_edges, of_self).flatten(1)

    def _logits(self, layer: int, mixed: Tensor) -> Tensor:
        rows = F.leaky_relu(mixed, _SLOPE).view(-1, *self.shape)
        return (rows * self.attention[layer]).sum(-1)


@register_conv("attentivefp")
class AttentiveFP(GraphConv):
    """Attentive FP: attention over neighbours, and gated recurrent units.

    Its readout is ``readout="attentivefp"``.

    References
    ----------
    .. [1] Xiong, Z. et al. Pushing the Boundaries of Molecular Representation for Drug Discovery
       with the Graph Attention Mechanism. J. Med. Chem. 2020, 63, 8749-8760.
       https://doi.org/10.1021/acs.jmedchem.9b00959
    """

    counts_start = True  # the first layer is the one that looks at bonds
    activates = True

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.atoms_bias = nn.Parameter(torch.zeros(dim))
        self.neighbours = CodeEmbedding(schema.atom_sizes, dim)
        self.bonds = CodeEmbedding(schema.bond_sizes, dim)
        self.bonds_bias = nn.Parameter(torch.zeros(dim))
        self.first_logits = nn.Linear(2 * dim, 1)
        self.first_values = RowsLinear(dim, dim)
        self.first_gate = nn.GRUCell(dim, dim)
        self.logits = nn.ModuleList(nn.Linear(2 * dim, 1) for _ in range(n_steps))
        self.values = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))
        self.gates = nn.ModuleList(nn.GRUCell(dim, dim) for _ in range(n_steps))

    def start(self, batch: GraphBatch) -> Tensor:
        """Let each atom look at its bonds and what is behind them, ``(A, h)``."""
        kernels = self.kernels
        state = F.leaky_relu(self.atoms(batch.atom_codes) + self.atoms_bias)
        atoms = kernels.at_source(batch, self.neighbours(batch.atom_codes))
        bonds = batch.both_ways(self.bonds(batch.bond_codes) + self.bonds_bias)
        edges = F.leaky_relu(atoms + bonds)
        of_atom, of_edge, bias = halves(self.first_logits)
        own = kernels.at_destination(batch, state @ of_atom + bias)
        logits = F.leaky_relu(own + edges @ of_edge)
        shares = softmax_of_edges(kernels, batch, logits)
        # The linear map of a weighted sum is the weighted sum of linear maps, on half the rows.
        mixed = kernels.sum_edges(batch, shares * edges)
        context = mixed @ self.first_values.weight.T + _has_edges(batch) * self.first_values.bias
        return self.first_gate(F.elu(context), state).relu()

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Attend to neighbours, ``(A, h) -> (A, h)``."""
        kernels = self.kernels
        of_own, of_neighbour, bias = halves(self.logits[layer])
        own = kernels.at_destination(batch, state @ of_own + bias)
        neighbours = kernels.at_source(batch, state @ of_neighbour)
        shares = softmax_of_edges(kernels, batch, F.leaky_relu(own + neighbours))
        values = self.values[layer](state)[:, None, :]
        context = kernels.sum_weighted(batch, values, shares)[:, 0]
        return self.gates[layer](F.elu(context), state).relu()


def attend(
    kernels: Kernels, batch: GraphBatch, values: Tensor, of_edges: Tensor, of_self: Tensor
) -> Tensor:
    """Mix neighbours and self by softmax over them.

    Parameters
    ----------
    kernels : Kernels
    batch : GraphBatch
    values : Tensor (A, k, d)
        k heads.
    of_edges : Tensor (E, k)
        Logit of each edge's source for its destination.
    of_self : Tensor (A, k)
        Logit of each atom for itself.

    Returns
    -------
    Tensor (A, k, d)
    """
    highest = torch.maximum(_highest(batch, of_edges.detach()), of_self.detach())
    edges = (of_edges - highest.index_select(0, batch.destination)).exp()
    own = (of_self - highest).exp()
    total = kernels.sum_edges(batch, edges) + own
    mixed = kernels.sum_weighted(batch, values, edges) + own[..., None] * values
    return mixed / total[..., None]


def softmax_of_edges(kernels: Kernels, batch: GraphBatch, logits: Tensor) -> Tensor:
    """Give the share of each edge among those that enter its atom, ``(E, k) -> (E, k)``."""
    highest = _highest(batch, logits.detach()).index_select(0, batch.destination)
    weights = (logits - highest).exp()
    return weights / kernels.at_destination(batch, kernels.sum_edges(batch, weights))


def _highest(batch: GraphBatch, logits: Tensor) -> Tensor:
    """Give the highest logit of the edges into each atom, ``(A, k)``; -inf where there is none."""
    highest = logits.new_full((len(batch.atom_codes), logits.shape[1]), -torch.inf)
    index = batch.destination[:, None].expand_as(logits)
    return highest.scatter_reduce_(0, index, logits, "amax")


def _has_edges(batch: GraphBatch) -> Tensor:
    return (batch.in_offsets.diff() > 0)[:, None]


def _heads(dim: int, n_heads: int) -> tuple[int, int]:
    if dim % n_heads:
        raise ValueError(f"hidden_dim={dim} cannot be shared out among n_heads={n_heads}.")
    return n_heads, dim // n_heads


def _parameters(n_steps: int, *shape: int, zero: bool = False) -> nn.ParameterList:
    tensors = [torch.zeros(shape) for _ in range(n_steps)]
    if not zero:
        for tensor in tensors:
            nn.init.xavier_normal_(tensor)
    return nn.ParameterList(tensors)
