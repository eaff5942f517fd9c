"""Which rows an exchange of messages reads, and which it writes."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

_MAX_16_BITS = 2**16


class Selection:
    """Rows of a matrix by number, with repeats.

    Numbers are worked out in numpy, whose sorts are several times as fast as torch's, and sent to
    the device that works with the rows.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
    n_from : int
        Rows that the matrix has.
    device : torch.device or str, default="cpu"
    inverse : tuple of two arrays, optional
        What `inverse_rows` would find out.
    """

    def __init__(
        self,
        rows: np.ndarray,
        n_from: int,
        device: torch.device | str = "cpu",
        inverse: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.rows = rows
        self.n_from = n_from
        self.device = device
        if inverse is not None:
            self.inverse_rows = inverse

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def index(self) -> Tensor:
        """The numbers as a tensor, ``(n,)``, int64."""
        return to_device(self.rows, self.device)

    @cached_property
    def inverse_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The places that each row goes to.

        Row i goes to ``places[offsets[i]:offsets[i + 1]]``; `places` has n numbers and `offsets`
        ``n_from + 1``.
        """
        counts = np.bincount(self.rows, minlength=self.n_from)
        return stable_argsort(self.rows, self.n_from), to_offsets(counts)

    @cached_property
    def inverse(self) -> tuple[Tensor, Tensor]:
        """The same as tensors, for gradients."""
        places, offsets = self.inverse_rows
        return to_device(places, self.device), to_device(offsets, self.device)

    def of(self, places: np.ndarray) -> "Selection":
        """Select some of what is selected."""
        return Selection(self.rows[places], self.n_from, self.device)


@dataclass
class Codes:
    """Codes of atoms or bonds, to be embedded.

    Attributes
    ----------
    values : Tensor (n, fields), uint8
    scale : Tensor (n,), or None
        What the vector of each is multiplied by; None means one.
    """

    values: Tensor
    scale: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass
class Messages:
    """Messages from the rows of one matrix to those of another.

    Attributes
    ----------
    source : Selection (N,)
        The row that each message comes from. Messages to one row are next to each other.
    starts : ndarray of shape (n + 1,), int64
        Row i hears messages ``starts[i]`` to ``starts[i + 1] - 1``.
    """

    source: Selection
    starts: np.ndarray
    dgl_graph: Any = field(default=None, init=False, repr=False)  # the DGL kernels make it

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def offsets(self) -> Tensor:
        """`starts` as a tensor."""
        return to_device(self.starts, self.source.device)

    @cached_property
    def degree(self) -> Tensor:
        """How many messages each row hears, ``(n,)``."""
        return self.offsets.diff()

    @cached_property
    def destination(self) -> Selection:
        """The row that hears each message, ``(N,)``."""
        return runs(self.starts, self.source.device)

    @cached_property
    def hearers(self) -> Tensor:
        """The row that hears each message, in the order of the rows that they come from."""
        return self.destination.of(self.source.inverse_rows[0]).index

    @cached_property
    def n_slots(self) -> int:
        """The most messages that any row hears."""
        return int(np.diff(self.starts).max(initial=1))

    @cached_property
    def slots(self) -> Tensor:
        """The place of each message in a table ``(n_slots, n)``: column i is what row i hears."""
        row = self.destination.rows
        number = np.arange(len(row)) - self.starts[row]
        return to_device(number * len(self) + row, self.source.device)


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
    total : int
        How many they stand for together.
    degree_before : Tensor (n_before,), int64
        How many messages each row of this state hears, were it to hear all of the batch.
    bond_kind : Selection (N,)
        The kind of bond that each message comes over, a row of `bond_codes`.
    bond_codes : Codes (U, bond fields)
        Of each kind of bond.
    """

    before: Selection | None
    origin: Selection
    counts: Tensor | None
    total: int
    degree_before: Tensor
    bond_kind: Selection
    bond_codes: Codes

    @cached_property
    def with_self(self) -> "Hearing":
        """The same messages, and behind those to a row one from itself."""
        n_from, device = self.source.n_from, self.source.device
        own = np.arange(len(self)) if self.before is None else self.before.rows
        starts = self.starts + np.arange(len(self.starts))
        hearer = self.destination.rows
        of_others = np.arange(len(hearer)) + hearer  # their places among all
        source = np.empty(starts[-1], dtype=np.int64)
        source[starts[1:] - 1] = own
        source[of_others] = self.source.rows
        n_ends = 2 * n_from + len(self.bond_codes) + 1
        ends = np.empty((len(source), 3), dtype=np.int64)
        ends[:, 0] = source
        ends[:, 1] = np.repeat(own + n_from, np.diff(starts))
        ends[:, 2] = n_ends - 1
        ends[of_others, 2] = self.bond_kind.rows + 2 * n_from
        of_ends = Selection(ends.ravel(), n_ends, device)
        return Hearing(
            Selection(source, n_from, device),
            starts,
            Messages(of_ends, np.arange(0, ends.size + 1, 3)),
        )


@dataclass
class Hearing(Messages):
    """What each row hears of others and of itself.

    Attributes
    ----------
    ends : Messages
        What each message is about: its source, its destination and the bond between them. They are
        rows of a matrix with one for each row of the state as source, one for each as destination,
        one for each kind of bond and one for none.
    """

    ends: Messages


def runs(offsets: np.ndarray, device: torch.device | str = "cpu") -> Selection:
    """Give the number of the run that each row is in, ``(n + 1,) -> (N,)``."""
    numbers = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return Selection(numbers, len(offsets) - 1, device, (np.arange(len(numbers)), offsets))


def to_offsets(counts: np.ndarray) -> np.ndarray:
    """Give where runs of these lengths begin, and where the last ends, ``(n,) -> (n + 1,)``."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def stable_argsort(numbers: np.ndarray, limit: int) -> np.ndarray:
    """Sort numbers from 0 to ``limit - 1``, as ``numbers.argsort(kind="stable")`` does."""
    # numpy has a radix sort for 16 bits, ten times as fast.
    small = numbers.astype(np.uint16) if limit <= _MAX_16_BITS else numbers
    return small.argsort(kind="stable")


def to_device(array: np.ndarray, device: torch.device | str) -> Tensor:
    """Give an array as a tensor."""
    # torch warns of arrays it may not write to, and joblib maps large arrays read-only.
    array = np.ascontiguousarray(array)
    tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
    return tensor.to(device, non_blocking=True)
