"""What a graph convolution is.

A convolution maps a *state* to the next one; what the state is, is its own affair: a row an atom,
or a row a directed edge. To add one, write a class with `GraphConv`'s methods and decorate it:
the estimators' ``conv=`` takes it from the registry.
"""

from collections.abc import Callable

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
    n_heads : int, default=1
        Attentions side by side, for those that attend.
    """

    counts_start = False  # whether the first state is one of the ``n_layers``
    activates = False  # whether its states are past their activation

    def __init__(
        self,
        schema: GraphSchema,
        dim: int,
        n_steps: int,
        activation: str,
        kernels: Kernels,
        n_heads: int = 1,
    ) -> None:
        super().__init__()
        self.kernels = kernels
        self.activation = ACTIVATIONS[activation]()
        self._build(schema, dim, n_steps, n_heads)

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        """Make the layers."""
        raise NotImplementedError

    def start(self, batch: GraphBatch) -> Tensor:
        """Give the first state, before its activation."""
        raise NotImplementedError

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Give the next state, before its activation; `first` is what `start` gave."""
        raise NotImplementedError

    def finish(self, batch: GraphBatch, state: Tensor) -> Tensor:
        """Give each atom's vector, ``(A, h)``."""
        return state

    def to_atoms(self, batch: GraphBatch, state: Tensor) -> Tensor:
        """Sum the state at each atom, ``(A, h)``, for what looks at whole molecules."""
        return state

    def from_atoms(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Give each row of the state the value of its atom."""
        return atoms


class AtomConv(GraphConv):
    """A convolution whose state is a row an atom, and at first the embedding of its codes."""

    atoms: CodeEmbedding

    def start(self, batch: GraphBatch) -> Tensor:
        """Embed the atoms, ``(A, h)``."""
        return self.atoms(batch.atom_codes)
