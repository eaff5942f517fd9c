"""Convolutions that treat all neighbours alike, whatever bonds lead to them."""

from typing import Any

import torch
from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._convs._base import AtomConv, register_conv
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear
from skchem_dl.nn._selection import Exchange


@register_conv("gcn")
class GCN(AtomConv):
    """Graph convolution of Kipf and Welling: a normalised mean over neighbours and self.

    References
    ----------
    .. [1] Kipf, T. N.; Welling, M. Semi-Supervised Classification with Graph Convolutional
       Networks. ICLR 2017. https://doi.org/10.48550/arXiv.1609.02907
    """

    hears_bonds = False

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.linears = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(n_before, h) -> (n, h)``."""
        linear: Any = self.linears[layer]
        # A sum's linear map is the sum of linear maps, of fewer rows.
        scaled = linear.map(state) * _norm(exchange.degree_before, state)
        mixed = self.kernels.sum_neighbours(exchange, scaled) + self.before(exchange, scaled)
        return mixed * _norm(exchange.degree, state) + linear.bias


def _norm(degree: Tensor, state: Tensor) -> Tensor:
    """Give one over the root of the degree, where each atom is its own neighbour too."""
    return (degree.to(state.dtype) + 1).rsqrt()[:, None]


@register_conv("sage")
class SAGE(AtomConv):
    """GraphSAGE: a linear map of the atom, plus one of the mean of its neighbours.

    References
    ----------
    .. [1] Hamilton, W. L.; Ying, R.; Leskovec, J. Inductive Representation Learning on Large
       Graphs. NeurIPS 2017. https://doi.org/10.48550/arXiv.1706.02216
    """

    hears_bonds = False

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.own = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))
        self.neighbours = nn.ModuleList(RowsLinear(dim, dim, bias=False) for _ in range(n_steps))

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(n_before, h) -> (n, h)``."""
        heard = self.kernels.sum_neighbours(exchange, self.neighbours[layer](state))
        mean = heard / exchange.degree.clamp(min=1)[:, None]
        return self.before(exchange, self.own[layer](state)) + mean


@register_conv("gin")
class GIN(AtomConv):
    """Graph isomorphism network: a small network on the sum of neighbours and weighted self.

    References
    ----------
    .. [1] Xu, K.; Hu, W.; Leskovec, J.; Jegelka, S. How Powerful are Graph Neural Networks?
       ICLR 2019. https://doi.org/10.48550/arXiv.1810.00826
    """

    hears_bonds = False

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.epsilon = nn.Parameter(torch.zeros(n_steps))
        self.networks = nn.ModuleList(
            nn.Sequential(RowsLinear(dim, dim), self.activation, RowsLinear(dim, dim))
            for _ in range(n_steps)
        )

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(n_before, h) -> (n, h)``."""
        own = self.before(exchange, state)
        mixed = self.kernels.sum_neighbours(exchange, state) + (1 + self.epsilon[layer]) * own
        return self.networks[layer](mixed)
