"""Convolutions whose messages depend on the bond that they pass over."""

import numpy as np
import torch
from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._convs._base import AtomConv, GraphConv, register_conv
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear
from skchem_dl.nn._plan import Plan
from skchem_dl.nn._selection import Exchange, Selection

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

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(n_before, h) -> (n, h)``."""
        bonds = self.kernels.take(self.bonds[layer](exchange.bond_codes), exchange.bond_kind)
        messages = (self.kernels.at_source(exchange, state) + bonds).relu()
        own = self.before(exchange, state)
        mixed = self.kernels.sum_messages(exchange, messages) + (1 + self.epsilon[layer]) * own
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

    def start(self, plan: Plan) -> Tensor:
        """Embed the atoms, ``(n, h)``."""
        return self.activation(self.atoms(plan.atom_codes))

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Pass each neighbour through the matrix of its bond, ``(n_before, h) -> (n, h)``."""
        hidden = (self.bonds(exchange.bond_codes) + self.bonds_bias).relu()
        dim = state.shape[1]
        matrices = self.matrices(hidden).view(-1, dim, dim)
        order, offsets = exchange.bond_kind.inverse_rows
        leaving = self.kernels.take(state, exchange.source.of(order))
        parts = leaving.split(np.diff(offsets).tolist())
        sent = [part @ matrix for part, matrix in zip(parts, matrices, strict=True)]
        back = _back_in_order(order, exchange.source.device)
        messages = self.kernels.take(torch.cat(sent or [leaving]), back)
        arriving = self.kernels.sum_messages(exchange, messages) + self.bias
        return self.gate(self.activation(arriving), self.before(exchange, state))


def _back_in_order(order: np.ndarray, device: torch.device | str) -> Selection:
    """Select what was sorted so that it is as it was before."""
    numbers = np.arange(len(order) + 1)
    places = np.empty_like(order)
    places[order] = numbers[:-1]
    return Selection(places, len(order), device, (order, numbers))
