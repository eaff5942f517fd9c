"""From atoms to molecules, one class each.

To add a readout, write a class with `Readout`'s methods and decorate it: the estimators'
``readout=`` takes it from the registry.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._kernels import REDUCTIONS, Kernels
from skchem_dl.nn._layers import halves

READOUTS: dict[str, Callable[[int, Kernels], "Readout"]] = {}
_SET2SET_STEPS = 3
_ATTENTIVE_STEPS = 2


def register_readout(name: str) -> Callable[[type["Readout"]], type["Readout"]]:
    """Make a readout known as ``readout=name``.

    Parameters
    ----------
    name : str
        What it is to be called.

    Returns
    -------
    callable
        Decorates a `Readout`, which `GNN` and the estimators then know by the name.

    See Also
    --------
    Readout : What to write.

    Examples
    --------
    >>> from skchem_dl.nn import READOUTS, Readout, register_readout
    >>> @register_readout("first atom")
    ... class FirstAtom(Readout):
    ...     def forward(self, batch, atoms):
    ...         return atoms[batch.atom_offsets[:-1]]
    >>> READOUTS.pop("first atom").__name__
    'FirstAtom'
    """

    def register(cls: type["Readout"]) -> type["Readout"]:
        READOUTS[name] = cls
        return cls

    return register


class Readout(nn.Module):
    """What the network asks of a readout.

    Parameters
    ----------
    dim : int
        Width h of the atoms' vectors.
    kernels : Kernels
        Sums and gathers.

    Attributes
    ----------
    out_dim : int
        Width of the molecules' vectors.

    See Also
    --------
    register_readout : Makes a class known by a name.
    GNN : Calls it.

    Examples
    --------
    >>> from skchem_dl.nn import READOUTS
    >>> sorted(READOUTS)  # doctest: +NORMALIZE_WHITESPACE
    ['attention', 'attentivefp', 'max', 'mean', 'set2set', 'sum', 'sum_mean_max',
     'weighted_sum_max']
    """

    def __init__(self, dim: int, kernels: Kernels) -> None:
        super().__init__()
        self.kernels = kernels
        self.out_dim = dim
        self._build(dim)

    def _build(self, dim: int) -> None:
        """Make the layers, if there are any."""

    def forward(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Read the molecules out of their atoms.

        Parameters
        ----------
        batch : GraphBatch
            Tells which atoms are whose.
        atoms : Tensor (A, h)
            The atoms' vectors.

        Returns
        -------
        Tensor (M, out_dim)
            The molecules' vectors.

        Raises
        ------
        NotImplementedError
            By this class, which has none.
        """
        raise NotImplementedError


class Reduction(Readout):
    """Sum, mean or maximum of a molecule's atoms.

    Parameters
    ----------
    dim : int
        Width h of the atoms' vectors.
    kernels : Kernels
    how : {"mean", "sum", "max"}
    """

    def __init__(self, dim: int, kernels: Kernels, how: str) -> None:
        super().__init__(dim, kernels)
        self.how = how

    def forward(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Read out, ``(A, h) -> (M, h)``."""
        return self.kernels.reduce_molecules(batch, atoms, self.how)


def _reduction(how: str) -> Callable[[int, Kernels], Readout]:
    return lambda dim, kernels: Reduction(dim, kernels, how)


READOUTS.update({how: _reduction(how) for how in REDUCTIONS})


@register_readout("sum_mean_max")
class SumMeanMax(Readout):
    """All three side by side."""

    def _build(self, dim: int) -> None:
        self.out_dim = 3 * dim

    def forward(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Read out, ``(A, h) -> (M, 3 h)``."""
        total = self.kernels.reduce_molecules(batch, atoms, "sum")
        mean = total / batch.atom_offsets.diff().clamp(min=1)[:, None]
        highest = self.kernels.reduce_molecules(batch, atoms, "max")
        return torch.cat([total, mean, highest], dim=1)


@register_readout("weighted_sum_max")
class WeightedSumMax(Readout):
    """Sum of the atoms by learnt weights from 0 to 1, and their maximum, side by side.

    As in dgllife's GCN and GAT.

    References
    ----------
    .. [1] Li, M. et al. DGL-LifeSci: An Open-Source Toolkit for Deep Learning on Graphs in Life
       Science. ACS Omega 2021, 6, 27233-27238. https://doi.org/10.1021/acsomega.1c04017
    """

    def _build(self, dim: int) -> None:
        self.out_dim = 2 * dim
        self.gate = nn.Linear(dim, 1)

    def forward(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Read out, ``(A, h) -> (M, 2 h)``."""
        weighted = self.gate(atoms).sigmoid() * atoms
        total = self.kernels.reduce_molecules(batch, weighted, "sum")
        highest = self.kernels.reduce_molecules(batch, atoms, "max")
        return torch.cat([total, highest], dim=1)


@register_readout("attention")
class Attention(Readout):
    """Mean of the atoms by learnt weights.

    References
    ----------
    .. [1] Li, Y.; Tarlow, D.; Brockschmidt, M.; Zemel, R. Gated Graph Sequence Neural Networks.
       ICLR 2016. https://doi.org/10.48550/arXiv.1511.05493
    """

    def _build(self, dim: int) -> None:
        self.gate = nn.Linear(dim, 1)

    def forward(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Read out, ``(A, h) -> (M, h)``."""
        return weighted_mean(self.kernels, batch, atoms, self.gate(atoms))


@register_readout("set2set")
class Set2Set(Readout):
    """A recurrent network that asks the atoms several times.

    References
    ----------
    .. [1] Vinyals, O.; Bengio, S.; Kudlur, M. Order Matters: Sequence to Sequence for Sets.
       ICLR 2016. https://doi.org/10.48550/arXiv.1511.06391
    """

    def _build(self, dim: int) -> None:
        self.out_dim = 2 * dim
        self.recurrent = nn.LSTMCell(2 * dim, dim)

    def forward(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Read out, ``(A, h) -> (M, 2 h)``."""
        question = atoms.new_zeros(len(batch), atoms.shape[1])
        memory, answer = torch.zeros_like(question), question
        for _ in range(_SET2SET_STEPS):
            asked = torch.cat([question, answer], dim=1)
            question, memory = self.recurrent(asked, (question, memory))
            match = (atoms * self.kernels.at_atoms(batch, question)).sum(1, keepdim=True)
            answer = weighted_mean(self.kernels, batch, atoms, match)
        return torch.cat([question, answer], dim=1)


@register_readout("attentivefp")
class AttentiveFPReadout(Readout):
    """Attention of a molecule over its atoms, and gated recurrent units, as in Attentive FP.

    References
    ----------
    .. [1] Xiong, Z. et al. Pushing the Boundaries of Molecular Representation for Drug Discovery
       with the Graph Attention Mechanism. J. Med. Chem. 2020, 63, 8749-8760.
       https://doi.org/10.1021/acs.jmedchem.9b00959
    """

    def _build(self, dim: int) -> None:
        steps = range(_ATTENTIVE_STEPS)
        self.logits = nn.ModuleList(nn.Linear(2 * dim, 1) for _ in steps)
        self.values = nn.ModuleList(nn.Linear(dim, dim) for _ in steps)
        self.gates = nn.ModuleList(nn.GRUCell(dim, dim) for _ in steps)

    def forward(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Read out, ``(A, h) -> (M, h)``."""
        molecules = self.kernels.reduce_molecules(batch, atoms, "sum")
        has_atoms = (batch.atom_offsets.diff() > 0)[:, None]
        for logits, values, gate in zip(self.logits, self.values, self.gates, strict=True):
            of_molecule, of_atom, bias = halves(logits)
            asked = self.kernels.at_atoms(batch, molecules.relu() @ of_molecule + bias)
            scores = F.leaky_relu(asked + atoms @ of_atom)
            # The linear map of a mean is the mean of linear maps, on a row a molecule.
            context = values(weighted_mean(self.kernels, batch, atoms, scores)) * has_atoms
            molecules = gate(F.elu(context), molecules)
        return molecules


def weighted_mean(kernels: Kernels, batch: GraphBatch, atoms: Tensor, logits: Tensor) -> Tensor:
    """Take the mean of each molecule's atoms, weighted by the softmax of their logits.

    Parameters
    ----------
    kernels : Kernels
    batch : GraphBatch
    atoms : Tensor (A, h)
    logits : Tensor (A, 1)

    Returns
    -------
    Tensor (M, h)
        Zeros for a molecule without atoms.
    """
    highest = kernels.reduce_molecules(batch, logits.detach(), "max")
    weights = (logits - kernels.at_atoms(batch, highest)).exp()
    total = kernels.reduce_molecules(batch, weights, "sum")
    summed = kernels.reduce_molecules(batch, weights * atoms, "sum")
    return summed / torch.where(total > 0, total, 1.0)
