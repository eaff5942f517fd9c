"""What a graph convolution is.

A convolution maps a *state* to the next one. A state has a row for each distinct environment of an
atom, or of a directed edge (see `_plan.py`). To add one, write a class with `GraphConv`'s methods
and decorate it: the estimators' ``conv=`` takes it from the registry.
"""

from collections.abc import Callable

from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._kernels import Kernels
from skchem_dl.nn._layers import CodeEmbedding, make_activation
from skchem_dl.nn._plan import Ending, Plan
from skchem_dl.nn._selection import Exchange

CONVS: dict[str, type["GraphConv"]] = {}


def register_conv(name: str) -> Callable[[type["GraphConv"]], type["GraphConv"]]:
    """Make a convolution known as ``conv=name``.

    Parameters
    ----------
    name : str
        What it is to be called.

    Returns
    -------
    callable
        Decorates a `GraphConv`, which `GNN` and the estimators then know by the name.

    See Also
    --------
    GraphConv : What to write.

    Examples
    --------
    >>> from skchem_dl.nn import CONVS, register_conv
    >>> @register_conv("isomorphism")
    ... class Isomorphism(CONVS["gin"]):
    ...     pass
    >>> CONVS.pop("isomorphism").__name__
    'Isomorphism'
    """

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

    See Also
    --------
    register_conv : Makes a class known by a name.
    GNN : Calls it.

    Examples
    --------
    >>> from skchem_dl.nn import CONVS
    >>> sorted(CONVS)
    ['attentivefp', 'dmpnn', 'gat', 'gatv2', 'gcn', 'gin', 'gine', 'mpnn', 'sage']
    """

    on_bonds = False  # whether a row is a directed edge, not an atom
    hears_bonds = True  # whether a message between atoms depends on the bond
    n_start_exchanges = 0  # how many exchanges of messages `start` makes
    counts_start = False  # whether the first state is one of the ``n_layers``
    activates = False  # whether its states are past their activation
    has_heads = False  # whether its states are those of ``n_heads`` heads side by side

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
        self.activation = make_activation(activation)
        self._build(schema, dim, n_steps, n_heads)

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        """Make the layers."""
        raise NotImplementedError

    def start(self, plan: Plan) -> Tensor:
        """Give the first state, before its activation.

        Parameters
        ----------
        plan : Plan
            The rows of each state.

        Returns
        -------
        Tensor (n, h)
            A row for each distinct atom, or directed edge.

        Raises
        ------
        NotImplementedError
            By this class, which has none.
        """
        raise NotImplementedError

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Give the next state, before its activation.

        Parameters
        ----------
        layer : int
            How many steps were made.
        exchange : Exchange
            The messages from this state to the next.
        state : Tensor (n_before, h)
            This state.
        first : Tensor (n, h)
            What `start` gave.

        Returns
        -------
        Tensor (n, h)
            The next state.

        Raises
        ------
        NotImplementedError
            By this class, which has none.
        """
        raise NotImplementedError

    def finish(self, ending: Ending, state: Tensor) -> Tensor:
        """Give the vector of each distinct atom.

        Parameters
        ----------
        ending : Ending
            The way from the last state back to atoms.
        state : Tensor (n, h)
            The last state.

        Returns
        -------
        Tensor (n, h)
            Here the state itself.
        """
        return state

    def before(self, exchange: Exchange, state: Tensor) -> Tensor:
        """Give what each row of the next state was in this one.

        Parameters
        ----------
        exchange : Exchange
            The messages between the two.
        state : Tensor (n_before, h)
            This state.

        Returns
        -------
        Tensor (n, h)
            Its rows, in the order of the next state's.
        """
        return state if exchange.before is None else self.kernels.take(state, exchange.before)


class AtomConv(GraphConv):
    """A convolution whose state is a row an atom, and at first the embedding of its codes."""

    atoms: CodeEmbedding

    def start(self, plan: Plan) -> Tensor:
        """Embed the atoms, ``(n, h)``."""
        return self.atoms(plan.atom_codes)
