"""Convolutions that treat all neighbours alike, whatever bonds lead to them."""

import torch
from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._convs._base import AtomConv, register_conv
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear


@register_conv("gcn")
class GCN(AtomConv):
    """Graph convolution of Kipf and Welling: a normalised mean over neighbours and self.

    References
    ----------
    .. [1] Kipf, T. N.; Welling, M. Semi-Supervised Classification with Graph Convolutional
       Networks. ICLR 2017. https://doi.org/10.48550/arXiv.1609.02907
    """

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.linears = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(A, h) -> (A, h)``."""
        degree = batch.in_offsets.diff().to(state.dtype) + 1  # the atom is its own neighbour
        norm = degree.rsqrt()[:, None]
        scaled = state * norm
        mixed = (self.kernels.sum_neighbours(batch, scaled) + scaled) * norm
        return self.linears[layer](mixed)


@register_conv("sage")
class SAGE(AtomConv):
    """GraphSAGE: a linear map of the atom, plus one of the mean of its neighbours.

    References
    ----------
    .. [1] Hamilton, W. L.; Ying, R.; Leskovec, J. Inductive Representation Learning on Large
       Graphs. NeurIPS 2017. https://doi.org/10.48550/arXiv.1706.02216
    """

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.own = nn.ModuleList(RowsLinear(dim, dim) for _ in range(n_steps))
        self.neighbours = nn.ModuleList(RowsLinear(dim, dim, bias=False) for _ in range(n_steps))

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(A, h) -> (A, h)``."""
        degree = batch.in_offsets.diff().clamp(min=1)[:, None]
        mean = self.kernels.sum_neighbours(batch, state) / degree
        return self.own[layer](state) + self.neighbours[layer](mean)


@register_conv("gin")
class GIN(AtomConv):
    """Graph isomorphism network: a small network on the sum of neighbours and weighted self.

    References
    ----------
    .. [1] Xu, K.; Hu, W.; Leskovec, J.; Jegelka, S. How Powerful are Graph Neural Networks?
       ICLR 2019. https://doi.org/10.48550/arXiv.1810.00826
    """

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.epsilon = nn.Parameter(torch.zeros(n_steps))
        self.networks = nn.ModuleList(
            nn.Sequential(RowsLinear(dim, dim), self.activation, RowsLinear(dim, dim))
            for _ in range(n_steps)
        )

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(A, h) -> (A, h)``."""
        mixed = self.kernels.sum_neighbours(batch, state) + (1 + self.epsilon[layer]) * state
        return self.networks[layer](mixed)
