"""What a graph network has to compute for a batch, and what it need not compute twice.

After k exchanges of messages an atom's vector depends on nothing but its environment of radius k:
its own codes, its neighbours' and bonds' to depth k. Most environments occur many times, within a
molecule (the carbons of a phenyl ring) and between molecules, and equal environments have equal
vectors. So a state holds one row for each *distinct* environment: of some 3,900 directed bonds in
64 drug-like molecules, 120 are distinct at the start, 700 after one exchange and 1,500 after two.
Products, sums and their gradients shrink accordingly, with the same numbers out.

Environments are told apart as in the test of Weisfeiler and Leman [1]_: a row's key is a hash of
its last key and of the sum of its messages' hashes, modulo 2^64. Among a million environments two
have the same key with a probability of 3e-8.

References
----------
.. [1] Weisfeiler, B.; Leman, A. The reduction of a graph to canonical form and the algebra which
   appears therein. Nauchno-Technicheskaya Informatsiya 1968, 2, 12-16.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._selection import (
    Codes,
    Exchange,
    Messages,
    Selection,
    runs,
    to_device,
    to_offsets,
)

# Odd numbers without a pattern, those of SplitMix64.
_FACTORS = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15], dtype=np.uint64)
_SHIFTS = np.array([30, 27, 31], dtype=np.uint64)
_BITS_OF_A_CODE = np.uint64(8)
_CODES_OF_64_BITS = 8


@dataclass
class Level:
    """The rows of one state.

    Attributes
    ----------
    first : ndarray of shape (n,), int64
        An atom (or directed edge) that each row stands for.
    row : Selection (A,) or (E,)
        The row of each atom (or edge).
    distinct : bool
        Whether a row stands for all atoms (or edges) with the same environment, not for one.
    """

    first: np.ndarray
    row: Selection
    distinct: bool

    @property
    def counts(self) -> Tensor | None:
        """How many each row stands for; None where it is one."""
        if not self.distinct:
            return None
        return to_device(np.diff(self.row.inverse_rows[1]), self.row.device)


@dataclass
class Ending:
    """The way from a state back to the batch's atoms.

    Attributes
    ----------
    messages : Messages or None
        From directed edges to atoms; None where the rows are atoms already.
    atom_codes : Codes (n, atom fields)
        Of the atom that each row stands for.
    atoms : Selection (A,)
        The row of each atom.
    """

    messages: Messages | None
    atom_codes: Codes
    atoms: Selection


class Plan:
    """The rows of every state, and the exchanges between them.

    Parameters
    ----------
    batch : GraphBatch
    n_exchanges : int
    on_bonds : bool
        Whether rows are directed edges, each of which hears those that enter the atom it leaves,
        but not its own reverse; otherwise they are atoms, which hear their neighbours.
    hears_bonds : bool, default=True
        Whether a message between atoms depends on the bond that it passes over.
    n_distinct : int, default=None
        How many states, from the first on, have a row for each distinct environment and not for
        each atom or edge; None means all.

    Attributes
    ----------
    atom_codes : Codes (n, atom fields)
        Of each row of the first state (for an edge, of the atom it leaves).
    bond_codes : Codes (n, bond fields), or None
        Of each row of the first state, where those are edges.
    levels : list of Level
        The rows of each state.
    exchanges : list of Exchange
        What is said between a state and the next.
    """

    def __init__(
        self,
        batch: GraphBatch,
        n_exchanges: int,
        *,
        on_bonds: bool,
        hears_bonds: bool = True,
        n_distinct: int | None = None,
    ) -> None:
        self.batch = batch
        self.on_bonds = on_bonds
        self._device = batch.device
        self._n_distinct = n_exchanges + 1 if n_distinct is None else n_distinct
        scaled = batch.atom_scale is not None
        if scaled:
            self._n_distinct = 0
        self._n_entering = np.diff(batch.in_offsets)
        # With the degree, which some convolutions divide messages by.
        self._atom_keys = _mix(_keys_of_codes(batch.atom_codes), self._n_entering)
        bond_keys = _keys_of_codes(batch.bond_codes)
        kinds = self._each(len(bond_keys)) if scaled else self._distinct(bond_keys)
        self._kinds = Selection(_both_ways(kinds.row.rows), kinds.row.n_from, self._device)
        self._bond_codes = self._codes_of_bonds(kinds.first)
        keys = self._atom_keys
        if on_bonds:
            keys = _mix(keys[batch.source], _both_ways(bond_keys))
        self._said_over = _both_ways(bond_keys) if hears_bonds else None
        self._keys = [keys]  # of the states that have a row for each distinct environment
        self.levels = [self._distinct(keys) if self._n_distinct else self._each(len(keys))]
        self.exchanges: list[Exchange] = []
        for state in range(1, n_exchanges + 1):
            self._add_state(state)
        self._describe_first(self.levels[0].first)

    def _describe_first(self, first: np.ndarray) -> None:
        """Give the codes of the rows of the first state."""
        batch = self.batch
        self.atom_codes = self._codes_of_atoms(self._atom_of(first))
        self.bond_codes = None
        if self.on_bonds:
            bonds = np.minimum(first, batch.reverse(first))  # the one of the two that is stored
            self.bond_codes = self._codes_of_bonds(bonds)

    def molecules(self) -> Selection:
        """Give the molecule of each row, where none stands for several."""
        molecule = runs(to_offsets(self.batch.n_atoms), self._device)
        return molecule.of(self.batch.source) if self.on_bonds else molecule

    def ending(self, state: int) -> Ending:
        """Give the way from a state, by number, to the batch's atoms."""
        batch, level = self.batch, self.levels[state]
        if not self.on_bonds:
            return Ending(None, self._codes_of_atoms(level.first), level.row)
        if level.distinct:
            said = _mix(self._keys[state])
            atoms = self._distinct(_mix(self._atom_keys, self._arriving(said)))
        else:
            atoms = self._each(len(self._atom_keys))
        edges, offsets = _some_runs(batch.in_edges, batch.in_offsets, atoms.first)
        messages = Messages(level.row.of(edges), offsets)
        return Ending(messages, self._codes_of_atoms(atoms.first), atoms.row)

    def _add_state(self, state: int) -> None:
        """Find the rows of the next state, and what they hear of the last."""
        last = self.levels[-1]
        if state < self._n_distinct:
            self._keys.append(self._next_keys(self._keys[-1]))
            level = self._distinct(self._keys[-1])
        else:
            level = self._each(len(last.row)) if last.distinct else last
        again = self.exchanges and not self.levels[-2].distinct  # all rows heard all before
        self.levels.append(level)
        self.exchanges.append(self.exchanges[-1] if again else self._exchange(last, level))

    def _exchange(self, last: Level, level: Level) -> Exchange:
        """Find what the rows of a state hear of the one before."""
        batch = self.batch
        if self.on_bonds:
            edges, offsets = self._others(level.first)
            heard = edges
        else:
            edges, offsets = _some_runs(batch.in_edges, batch.in_offsets, level.first)
            heard = batch.source[edges]
        degree = self._n_entering[self._atom_of(last.first)] - int(self.on_bonds)
        return Exchange(
            last.row.of(heard),
            offsets,
            before=None if level is last else last.row.of(level.first),
            origin=self.levels[0].row.of(level.first),
            counts=level.counts,
            total=len(level.row),
            degree_before=self._tensor(degree),
            bond_kind=self._kinds.of(edges),
            bond_codes=self._bond_codes,
        )

    def _next_keys(self, keys: np.ndarray) -> np.ndarray:
        source = self.batch.source
        if self.on_bonds:
            said = _mix(keys)
            back = np.roll(said, len(said) // 2)
            return _mix(keys, self._arriving(said)[source] - back)
        return _mix(keys, self._arriving(_mix(keys[source], self._said_over)))

    def _arriving(self, said: np.ndarray) -> np.ndarray:
        """Sum over the edges into each atom, modulo 2^64, ``(E,) -> (A,)``."""
        sums = np.zeros(len(said) + 1, dtype=np.uint64)
        np.cumsum(said[self.batch.in_edges], out=sums[1:])
        return np.diff(sums[self.batch.in_offsets])

    def _others(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """List what enters the atoms that edges leave, but for the edges' reverses."""
        batch = self.batch
        entering, offsets = _some_runs(batch.in_edges, batch.in_offsets, batch.source[edges])
        backward = np.repeat(batch.reverse(edges), np.diff(offsets))
        # The reverse of an edge is always among them, and just once.
        return entering[entering != backward], offsets - np.arange(len(offsets))

    def _atom_of(self, first: np.ndarray) -> np.ndarray:
        return self.batch.source[first] if self.on_bonds else first

    def _each(self, n: int) -> Level:
        """Give each of n atoms or edges a row of its own."""
        numbers = np.arange(n + 1)
        row = Selection(numbers[:-1], n, self._device, inverse=(numbers[:-1], numbers))
        return Level(numbers[:-1], row, distinct=False)

    def _distinct(self, keys: np.ndarray) -> Level:
        """Give equal keys one row."""
        order = np.argsort(keys)
        values = keys[order]
        new = np.ones(len(keys), dtype=bool)
        np.not_equal(values[1:], values[:-1], out=new[1:])
        starts = np.flatnonzero(new)
        rows = np.empty_like(order)
        rows[order] = np.cumsum(new) - 1
        inverse = order, np.append(starts, len(keys))
        row = Selection(rows, len(starts), self._device, inverse)
        return Level(order[starts], row, distinct=True)

    def _codes_of_atoms(self, atoms: np.ndarray) -> Codes:
        scale = self.batch.atom_scale
        shown = None if scale is None else scale[self._tensor(atoms)]
        return Codes(self._tensor(self.batch.atom_codes[atoms]), shown)

    def _codes_of_bonds(self, bonds: np.ndarray) -> Codes:
        batch, scale = self.batch, self.batch.atom_scale
        shown = None
        if scale is not None:
            one, other = (
                scale[self._tensor(ends[bonds])] for ends in (batch.source, batch.destination)
            )
            shown = (one + other) / 2
        return Codes(self._tensor(batch.bond_codes[bonds]), shown)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return to_device(array, self._device)


def _both_ways(bonds: np.ndarray) -> np.ndarray:
    """Give each edge what its bond has."""
    return np.concatenate([bonds, bonds])


def _some_runs(
    values: np.ndarray, offsets: np.ndarray, which: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put some runs of `values` behind one another; give them and where each begins."""
    lengths = np.diff(offsets)[which]
    begins = to_offsets(lengths)
    place = np.repeat(offsets[which] - begins[:-1], lengths)
    place += np.arange(len(place))
    return values[place], begins


def _keys_of_codes(codes: np.ndarray) -> np.ndarray:
    """Give rows of codes equal keys just if they are equal, ``(n, fields) -> (n,)``."""
    keys = np.zeros(len(codes), dtype=np.uint64)
    for start in range(0, codes.shape[1], _CODES_OF_64_BITS):
        packed = np.zeros(len(codes), dtype=np.uint64)
        for values in codes.T[start : start + _CODES_OF_64_BITS]:
            packed = (packed << _BITS_OF_A_CODE) | values
        keys = _mix(keys, packed)
    return keys


def _mix(keys: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Hash numbers, or pairs of them, to numbers without a pattern."""
    if others is not None:
        keys = keys * _FACTORS[2] + others.astype(np.uint64, copy=False)
    keys = (keys ^ (keys >> _SHIFTS[0])) * _FACTORS[0]
    keys = (keys ^ (keys >> _SHIFTS[1])) * _FACTORS[1]
    return keys ^ (keys >> _SHIFTS[2])
