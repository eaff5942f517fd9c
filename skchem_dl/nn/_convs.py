"""Graph convolutions, one class each.

A convolution maps a *state* to the next one; what the state is, is its own affair: a row an atom,
or a row a directed edge. To add one, write a class with `GraphConv`'s methods and decorate it:
the estimators' ``conv=`` takes it from the registry.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._kernels import Kernels
from skchem_dl.nn._layers import ACTIVATIONS, CodeEmbedding

CONVS: dict[str, type["GraphConv"]] = {}


def register_conv(name: str) -> Callable[[type["GraphConv"]], type["GraphConv"]]:
    """Make a convolution known as ``conv=name``."""

    def register(cls: type["GraphConv"]) -> type["GraphConv"]:
        CONVS[name] = cls
        return cls

    return register


class GraphConv(nn.Module):
    """What a stack of convolutions asks of each kind.

    Parameters
    ----------
    schema : GraphSchema
        What goes in.
    dim : int
        Width h of the state.
    n_steps : int
        How often `step` will be called.
    activation : str
        Name in `skchem_dl.nn.ACTIVATIONS`.
    kernels : Kernels
        Sums and gathers.
    """

    counts_start = False  # whether the first state is one of the ``n_layers``

    def __init__(
        self, schema: GraphSchema, dim: int, n_steps: int, activation: str, kernels: Kernels
    ) -> None:
        super().__init__()
        self.kernels = kernels
        self.activation = ACTIVATIONS[activation]()

    def start(self, batch: GraphBatch) -> Tensor:
        """Give the first state, before its activation."""
        raise NotImplementedError

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Give the next state, before its activation; `first` is what `start` gave."""
        raise NotImplementedError

    def finish(self, batch: GraphBatch, state: Tensor) -> Tensor:
        """Give each atom's vector, ``(A, h)``."""
        return state


@register_conv("gcn")
class GCN(GraphConv):
    """Graph convolution of Kipf and Welling: a normalised mean over neighbours and self.

    References
    ----------
    .. [1] Kipf, T. N.; Welling, M. Semi-Supervised Classification with Graph Convolutional
       Networks. ICLR 2017. https://doi.org/10.48550/arXiv.1609.02907
    """

    def __init__(
        self, schema: GraphSchema, dim: int, n_steps: int, activation: str, kernels: Kernels
    ) -> None:
        super().__init__(schema, dim, n_steps, activation, kernels)
        self.atoms = CodeEmbedding(schema.atom_sizes, dim)
        self.linears = nn.ModuleList(nn.Linear(dim, dim) for _ in range(n_steps))

    def start(self, batch: GraphBatch) -> Tensor:
        """Embed the atoms, ``(A, h)``."""
        return self.atoms(batch.atom_codes)

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Mix neighbours, ``(A, h) -> (A, h)``."""
        degree = batch.in_offsets.diff().to(state.dtype) + 1  # the atom is its own neighbour
        norm = degree.rsqrt()[:, None]
        scaled = state * norm
        mixed = (self.kernels.sum_neighbours(batch, scaled) + scaled) * norm
        return self.linears[layer](mixed)


@register_conv("dmpnn")
class DMPNN(GraphConv):
    """Directed message passing of Yang et al., the architecture of chemprop.

    Messages live on directed bonds, so that none runs straight back to where it came from.

    References
    ----------
    .. [1] Yang, K. et al. Analyzing Learned Molecular Representations for Property Prediction.
       J. Chem. Inf. Model. 2019, 59, 3370-3388. https://doi.org/10.1021/acs.jcim.9b00237
    """

    counts_start = True  # as in the paper, where a depth of 3 means two exchanges

    def __init__(
        self, schema: GraphSchema, dim: int, n_steps: int, activation: str, kernels: Kernels
    ) -> None:
        super().__init__(schema, dim, n_steps, activation, kernels)
        # chemprop's W_i acts on [atom, bond] of each directed bond; split in two, its larger half
        # runs over the atoms, half as many.
        self.atoms_in = CodeEmbedding(schema.atom_sizes, dim)
        self.bonds_in = CodeEmbedding(schema.bond_sizes, dim)
        self.hidden = nn.Linear(dim, dim, bias=False)  # shared by all steps
        self.atoms_out = CodeEmbedding(schema.atom_sizes, dim)
        self.messages_out = nn.Linear(dim, dim)

    def start(self, batch: GraphBatch) -> Tensor:
        """Embed each bond with the atom it leaves, ``(E, h)``."""
        atoms = self.kernels.at_source(batch, self.atoms_in(batch.atom_codes))
        bonds = self.bonds_in(batch.bond_codes)
        return (_both_ways(atoms) + bonds).flatten(0, 1)

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Pass messages on, but not back, ``(E, h) -> (E, h)``."""
        arriving = self.kernels.sum_edges(batch, state)
        others = self.kernels.at_source(batch, arriving) - _reverse(state)
        # The first state before its activation, as in chemprop's code; the paper writes it after.
        return first + self.hidden(others)

    def finish(self, batch: GraphBatch, state: Tensor) -> Tensor:
        """Give each atom what arrives at it, ``(E, h) -> (A, h)``."""
        arriving = self.kernels.sum_edges(batch, state)
        return self.activation(self.atoms_out(batch.atom_codes) + self.messages_out(arriving))


def _both_ways(edges: Tensor) -> Tensor:
    """View edges as (2, B, h): each bond there, and back."""
    return edges.view(2, len(edges) // 2, edges.shape[1])


def _reverse(edges: Tensor) -> Tensor:
    """Give each edge the value of its reverse."""
    there, back = _both_ways(edges)
    return torch.cat([back, there])
