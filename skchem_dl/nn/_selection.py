"""Which rows an exchange of messages reads, and which it writes."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass
class Selection:
    """Rows of a matrix by number, with repeats.

    Attributes
    ----------
    index : Tensor (n,), int64
    n_from : int
        Rows that the matrix has.
    """

    index: Tensor
    n_from: int
    _inverse: tuple[Tensor, Tensor] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.index)

    def inverse(self) -> tuple[Tensor, Tensor]:
        """Give the places that each row went to, for gradients, worked out once.

        Returns
        -------
        places : Tensor (n,), int64
        offsets : Tensor (n_from + 1,), int64
            Row i went to ``places[offsets[i]:offsets[i + 1]]``.
        """
        if self._inverse is None:
            counts = torch.bincount(self.index, minlength=self.n_from)
            self._inverse = torch.argsort(self.index, stable=True), to_offsets(counts)
        return self._inverse


@dataclass
class Messages:
    """Messages from the rows of one matrix to those of another.

    Attributes
    ----------
    source : Selection (N,)
        The row that each message comes from. Messages to one row are next to each other.
    offsets : Tensor (n + 1,), int64
        Row i hears messages ``offsets[i]`` to ``offsets[i + 1] - 1``.
    """

    source: Selection
    offsets: Tensor
    dgl_graph: Any = field(default=None, init=False, repr=False)  # the DGL kernels make it
    _destination: Selection | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def degree(self) -> Tensor:
        """How many messages each row hears, ``(n,)``."""
        return self.offsets.diff()

    @property
    def destination(self) -> Selection:
        """The row that hears each message, ``(N,)``."""
        if self._destination is None:
            self._destination = runs(self.offsets, len(self.source))
        return self._destination


@dataclass
class Exchange(Messages):
    """The messages between a state and the next.

    Attributes
    ----------
    before : Selection (n,) or None
        What each row of the next state was in this one; None where it is the same row.
    origin : Selection (n,)
        What it was in the first state.
    counts : Tensor (n,), int64, or None
        How many atoms or edges each row of the next state stands for; None means one.
    degree_before : Tensor (n_before,), int64
        How many messages each row of this state hears, were it to hear all of the batch.
    bond_kind : Selection (N,)
        The kind of bond that each message comes over, a row of `bond_codes`.
    bond_codes : Tensor (U, bond fields), uint8
        Codes of each kind of bond.
    """

    before: Selection | None
    origin: Selection
    counts: Tensor | None
    degree_before: Tensor
    bond_kind: Selection
    bond_codes: Tensor


def runs(offsets: Tensor, n_rows: int) -> Selection:
    """Give the number of the run that each of `n_rows` rows is in, ``(n + 1,) -> (n_rows,)``."""
    run = torch.repeat_interleave(offsets.diff(), output_size=n_rows)
    each = torch.arange(n_rows, device=offsets.device)
    return Selection(run, len(offsets) - 1, (each, offsets))


def to_offsets(counts: Tensor) -> Tensor:
    """Give where runs of these lengths begin, and where the last ends, ``(n,) -> (n + 1,)``."""
    return torch.nn.functional.pad(counts.cumsum(0), (1, 0))
