"""Convolutions whose messages depend on the bond that they pass over."""

import torch
from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._convs._base import AtomConv, GraphConv, register_conv
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear

# Width of the network that turns a bond into a matrix, as in the reference implementations.
_EDGE_NETWORK_DIM = 128


@register_conv("gine")
class GINE(AtomConv):
    """Graph isomorphism network with bonds: each neighbour's message is relu(atom + bond).

    References
    ----------
    .. [1] Hu, W. et al. Strategies for Pre-training Graph Neural Networks. ICLR 2020.
       https://doi.org/10.48550/arXiv.1905.12265
    """

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.bonds = nn.ModuleList(CodeEmbedding(schema.bond_sizes, dim) for _ in range(n_steps))
        self.epsilon = nn.Parameter(torch.zeros(n_steps))
        self.networks = nn.ModuleList(
            nn.Sequential(RowsLinear(dim, dim), self.activation, RowsLinear(dim, dim))
            for _ in range(n_steps)
        )

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(A, h) -> (A, h)``."""
        bonds = batch.both_ways(self.bonds[layer](batch.bond_codes))
        messages = (self.kernels.at_source(batch, state) + bonds).relu()
        mixed = self.kernels.sum_edges(batch, messages) + (1 + self.epsilon[layer]) * state
        return self.networks[layer](mixed)


@register_conv("mpnn")
class MPNN(GraphConv):
    """Message passing of Gilmer et al.: a matrix for each bond, and a gated recurrent unit.

    Bonds are of few kinds, so a matrix is made for each kind in the batch instead of each bond, and
    messages of one kind are one product.

    References
    ----------
    .. [1] Gilmer, J. et al. Neural Message Passing for Quantum Chemistry. ICML 2017.
       https://doi.org/10.48550/arXiv.1704.01212
    """

    activates = True

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        # All steps share these.
        self.bonds = CodeEmbedding(schema.bond_sizes, _EDGE_NETWORK_DIM)
        self.bonds_bias = nn.Parameter(torch.zeros(_EDGE_NETWORK_DIM))
        self.matrices = nn.Linear(_EDGE_NETWORK_DIM, dim * dim)
        self.bias = nn.Parameter(torch.zeros(dim))
        self.gate = nn.GRUCell(dim, dim)

    def start(self, batch: GraphBatch) -> Tensor:
        """Embed the atoms, ``(A, h)``."""
        return self.activation(self.atoms(batch.atom_codes))

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Pass each neighbour through the matrix of its bond, ``(A, h) -> (A, h)``."""
        kinds = batch.bond_kinds()
        hidden = (self.bonds(kinds.codes) + self.bonds_bias).relu()
        dim = state.shape[1]
        matrices = self.matrices(hidden).view(-1, dim, dim)
        leaving = self.kernels.at_source(batch, state).index_select(0, kinds.order)
        parts = leaving.split(kinds.counts)
        sent = [part @ matrix for part, matrix in zip(parts, matrices, strict=True)]
        messages = torch.cat(sent or [leaving]).index_select(0, kinds.position)
        arriving = self.kernels.sum_edges(batch, messages) + self.bias
        return self.gate(self.activation(arriving), state)
