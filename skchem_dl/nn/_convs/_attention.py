"""Convolutions that choose whom to listen to."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._convs._base import AtomConv, GraphConv, register_conv
from skchem_dl.nn._kernels import Kernels
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear, halves, pad_rows
from skchem_dl.nn._plan import Plan
from skchem_dl.nn._selection import Exchange, Hearing

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

    has_heads = True

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

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Attend to neighbours, ``(n_before, h) -> (n, h)``."""
        values = self.values[layer](state).view(-1, *self.shape)
        source, destination = (pad_rows(state) @ self._to_logits(layer))[: len(state)].chunk(2, 1)
        bonds = self.to_bonds[layer](exchange.bond_codes)
        hearing = exchange.with_self
        logits = sum_of_ends(self.kernels, hearing, source, destination, bonds)
        mixed = self.kernels.attend(hearing, values, F.leaky_relu(logits, _SLOPE))
        return mixed.flatten(1) + self.biases[layer]

    def _to_logits(self, layer: int) -> Tensor:
        """Give the matrix from a state to its logits as source and as destination, ``(h, 2 k)``.

        The product of values with an attention vector is linear in the state too, and the product
        of the two maps costs less than a pass over all values.
        """
        linear: Any = self.values[layer]
        maps = linear.weight.view(*self.shape, -1)  # (k, d, h)
        attention = torch.stack([self.to_source[layer], self.to_destination[layer]], dim=1)
        return (attention @ maps).transpose(0, 1).flatten(0, 1).T


@register_conv("gatv2")
class GATv2(AtomConv):
    """Graph attention network whose attention ranks neighbours differently for each atom.

    An atom attends to itself too.

    References
    ----------
    .. [1] Brody, S.; Alon, U.; Yahav, E. How Attentive are Graph Attention Networks? ICLR 2022.
       https://doi.org/10.48550/arXiv.2105.14491
    """

    has_heads = True

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.shape = _heads(dim, n_heads)
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.of_source = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))
        self.of_destination = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))
        self.of_bonds = nn.ModuleList(CodeEmbedding(schema.bond_sizes, dim) for _ in range(n_steps))
        self.attention = _parameters(n_steps, *self.shape)

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Attend to neighbours, ``(n_before, h) -> (n, h)``."""
        source, destination = self.of_source[layer](state), self.of_destination[layer](state)
        bonds = self.of_bonds[layer](exchange.bond_codes)
        hearing = exchange.with_self
        mixed = sum_of_ends(self.kernels, hearing, source, destination, bonds)
        rows = F.leaky_relu(mixed, _SLOPE).view(-1, *self.shape)
        logits = (rows * self.attention[layer]).sum(-1)
        return self.kernels.attend(hearing, source.view(-1, *self.shape), logits).flatten(1)


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

    n_start_exchanges = 1
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

    def start(self, plan: Plan) -> Tensor:
        """Let each atom look at its bonds and what is behind them, ``(n, h)``."""
        kernels, exchange = self.kernels, plan.exchanges[0]
        state = F.leaky_relu(self.atoms(plan.atom_codes) + self.atoms_bias)
        atoms = kernels.at_source(exchange, self.neighbours(plan.atom_codes))
        bonds = self.bonds(exchange.bond_codes) + self.bonds_bias
        messages = F.leaky_relu(atoms + kernels.take(bonds, exchange.bond_kind))
        own = self.before(exchange, state)
        of_atom, of_message, bias = halves(self.first_logits)
        hearing = kernels.at_destination(exchange, own @ of_atom + bias)
        logits = F.leaky_relu(hearing + messages @ of_message)
        shares = softmax_of_messages(kernels, exchange, logits)
        # The linear map of a weighted sum is the weighted sum of linear maps, on half the rows.
        mixed = kernels.sum_messages(exchange, shares * messages)
        hears = (exchange.degree > 0)[:, None]
        context = self.first_values.map(mixed) + hears * self.first_values.bias
        return self.first_gate(F.elu(context), own).relu()

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Attend to neighbours, ``(n_before, h) -> (n, h)``."""
        kernels = self.kernels
        own = self.before(exchange, state)
        of_own, of_neighbour, bias = halves(self.logits[layer])
        hearing = kernels.at_destination(exchange, own @ of_own + bias)
        heard = kernels.at_source(exchange, state @ of_neighbour)
        values = self.values[layer](state)[:, None, :]
        context = kernels.attend(exchange, values, F.leaky_relu(hearing + heard))[:, 0]
        return self.gates[layer](F.elu(context), own).relu()


def sum_of_ends(
    kernels: Kernels, hearing: Hearing, source: Tensor, destination: Tensor, bonds: Tensor
) -> Tensor:
    """Give each message the sum of its ends' vectors.

    Parameters
    ----------
    kernels : Kernels
    hearing : Hearing
        N messages, each row's own among them.
    source, destination : Tensor (n_before, h)
        Of a row where it is a message's source, or its destination.
    bonds : Tensor (U, h)
        Of each kind of bond; a row's message to itself passes over none.

    Returns
    -------
    Tensor (N, h)
    """
    no_bond = bonds.new_zeros(1, bonds.shape[1])
    ends = torch.cat([source, destination, bonds, no_bond])
    return kernels.sum_neighbours(hearing.ends, ends)


def softmax_of_messages(kernels: Kernels, exchange: Exchange, logits: Tensor) -> Tensor:
    """Give the share of each message among those that its row hears, ``(N, k) -> (N, k)``."""
    highest = _highest(exchange, logits.detach()).index_select(0, exchange.destination.index)
    weights = (logits - highest).exp()
    return weights / kernels.at_destination(exchange, kernels.sum_messages(exchange, weights))


def _highest(exchange: Exchange, logits: Tensor) -> Tensor:
    """Give the highest logit of the messages to each row, ``(n, k)``; -inf where there is none."""
    highest = logits.new_full((len(exchange), logits.shape[1]), -torch.inf)
    index = exchange.destination.index[:, None].expand_as(logits)
    return highest.scatter_reduce_(0, index, logits, "amax")


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
