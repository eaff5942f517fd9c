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

import torch
from torch import Tensor

from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._selection import Exchange, Messages, Selection, to_offsets

# Odd numbers without a pattern (those of SplitMix64, as signed integers).
_FACTORS = (-0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15, -0x61C8864680B583EB)


@dataclass
class Level:
    """The rows of one state.

    Attributes
    ----------
    first : Tensor (n,), int64
        An atom (or directed edge) that each row stands for.
    row : Selection (A,) or (E,)
        The row of each atom (or edge).
    distinct : bool
        Whether a row stands for all atoms (or edges) with the same environment, not for one.
    """

    first: Tensor
    row: Selection
    distinct: bool

    @property
    def counts(self) -> Tensor | None:
        """How many each row stands for; None where it is one."""
        return self.row.inverse()[1].diff() if self.distinct else None


@dataclass
class Ending:
    """The way from a state back to the batch's atoms.

    Attributes
    ----------
    messages : Messages or None
        From directed edges to atoms; None where the rows are atoms already.
    atom_codes : Tensor (n, atom fields)
        Of the atom that each row stands for.
    atoms : Selection (A,)
        The row of each atom.
    """

    messages: Messages | None
    atom_codes: Tensor
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
        Whether a message depends on the bond that it passes over.
    n_distinct : int, default=None
        How many states, from the first on, have a row for each distinct environment and not for
        each atom or edge; None means all.

    Attributes
    ----------
    atom_codes : Tensor (n, atom fields), uint8
        Of each row of the first state (for an edge, of the atom it leaves).
    bond_codes : Tensor (n, bond fields), uint8, or None
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
        self._n_distinct = n_exchanges + 1 if n_distinct is None else n_distinct
        # With the degree, which some convolutions divide messages by.
        self._atom_keys = _mix(_keys_of_codes(batch.atom_codes), batch.in_offsets.diff())
        bond_keys = _keys_of_codes(batch.bond_codes)
        kinds = _distinct(bond_keys)
        self._kinds = Selection(batch.both_ways(kinds.row.index), kinds.row.n_from)
        self._bond_codes = batch.bond_codes.index_select(0, kinds.first)
        keys = self._atom_keys
        if on_bonds:
            keys = _mix(keys.index_select(0, batch.source), batch.both_ways(bond_keys))
        self._said_over = batch.both_ways(bond_keys) if hears_bonds else None
        self._keys = [keys]
        self.levels = [self._level(0, keys)]
        self.exchanges = [self._exchange(step) for step in range(1, n_exchanges + 1)]
        first = self.levels[0].first
        of_atoms = batch.source.index_select(0, first) if on_bonds else first
        self.atom_codes = batch.atom_codes.index_select(0, of_atoms)
        self.bond_codes = None
        if on_bonds:
            self.bond_codes = batch.both_ways(batch.bond_codes).index_select(0, first)

    def molecules(self) -> Selection:
        """Give the molecule of each row, where none stands for several."""
        molecule = torch.repeat_interleave(self.batch.atom_offsets.diff())
        if self.on_bonds:
            molecule = molecule.index_select(0, self.batch.source)
        return Selection(molecule, len(self.batch))

    def ending(self, state: int) -> Ending:
        """Give the way from a state, by number, to the batch's atoms."""
        level = self.levels[state]
        if not self.on_bonds:
            return Ending(None, self.batch.atom_codes.index_select(0, level.first), level.row)
        keys = _mix(self._atom_keys, self._arriving(_mix(self._keys[state])))
        atoms = _distinct(keys) if level.distinct else _each(self._atom_keys)
        edges, offsets = _runs(self.batch.in_edges, self.batch.in_offsets, atoms.first)
        messages = Messages(_compose(level.row, edges), offsets)
        return Ending(messages, self.batch.atom_codes.index_select(0, atoms.first), atoms.row)

    def _level(self, state: int, keys: Tensor) -> Level:
        return _distinct(keys) if state < self._n_distinct else _each(keys)

    def _exchange(self, state: int) -> Exchange:
        """Find the rows of a state, and what they hear of the one before."""
        batch, last = self.batch, self.levels[-1]
        self._keys.append(self._next_keys(self._keys[-1]))
        level = self._level(state, self._keys[-1])
        self.levels.append(level)
        if self.on_bonds:
            edges, offsets = self._others(level.first)
            heard = edges
        else:
            edges, offsets = _runs(batch.in_edges, batch.in_offsets, level.first)
            heard = batch.source.index_select(0, edges)
        same = not (last.distinct or level.distinct)
        return Exchange(
            _compose(last.row, heard),
            offsets,
            before=None if same else _compose(last.row, level.first),
            origin=_compose(self.levels[0].row, level.first),
            counts=level.counts,
            degree_before=self._degree(last),
            bond_kind=_compose(self._kinds, edges),
            bond_codes=self._bond_codes,
        )

    def _degree(self, level: Level) -> Tensor:
        atoms = self.batch.source.index_select(0, level.first) if self.on_bonds else level.first
        return self.batch.in_offsets.diff().index_select(0, atoms) - int(self.on_bonds)

    def _next_keys(self, keys: Tensor) -> Tensor:
        batch = self.batch
        if self.on_bonds:
            said = _mix(keys)
            heard = self._arriving(said).index_select(0, batch.source)
            return _mix(keys, heard - said.roll(len(said) // 2))
        said = keys.index_select(0, batch.source)
        return _mix(keys, self._arriving(_mix(said, self._said_over)))

    def _arriving(self, said: Tensor) -> Tensor:
        """Sum over the edges into each atom, modulo 2^64, ``(E,) -> (A,)``."""
        sums = to_offsets(said.index_select(0, self.batch.in_edges))
        return sums.index_select(0, self.batch.in_offsets).diff()

    def _others(self, edges: Tensor) -> tuple[Tensor, Tensor]:
        """List what enters the atoms that edges leave, but for the edges' reverses."""
        batch = self.batch
        left = batch.source.index_select(0, edges)
        entering, offsets = _runs(batch.in_edges, batch.in_offsets, left)
        backward = torch.repeat_interleave(batch.reverse(edges), offsets.diff())
        # The reverse of an edge is always among them, and just once.
        return entering[entering != backward], offsets - torch.arange(
            len(offsets), device=offsets.device
        )


def _each(rows: Tensor) -> Level:
    """Give every row a row of its own."""
    numbers = torch.arange(len(rows), device=rows.device)
    offsets = torch.arange(len(rows) + 1, device=rows.device)
    return Level(numbers, Selection(numbers, len(rows), (numbers, offsets)), distinct=False)


def _distinct(keys: Tensor) -> Level:
    """Give equal keys one row."""
    values, order = torch.sort(keys, stable=True)
    new = torch.ones_like(values, dtype=torch.bool)
    torch.ne(values[1:], values[:-1], out=new[1:])
    starts = new.nonzero()[:, 0]
    index = torch.empty_like(order)
    index[order] = new.cumsum(0) - 1
    offsets = torch.cat([starts, starts.new_tensor([len(keys)])])
    return Level(order[starts], Selection(index, len(starts), (order, offsets)), distinct=True)


def _compose(rows: Selection, places: Tensor) -> Selection:
    """Select some of a selection."""
    return Selection(rows.index.index_select(0, places), rows.n_from)


def _runs(values: Tensor, offsets: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
    """Put some runs of `values` behind one another; give them and where each begins."""
    lengths = offsets.diff().index_select(0, which)
    begins = to_offsets(lengths)
    shift = offsets.index_select(0, which) - begins[:-1]
    total = int(begins[-1])
    place = torch.repeat_interleave(shift, lengths, output_size=total)
    place += torch.arange(total, device=place.device)
    return values.index_select(0, place), begins


def _keys_of_codes(codes: Tensor) -> Tensor:
    """Give rows of codes equal keys just if they are equal, ``(n, fields) -> (n,)``."""
    keys = torch.zeros(len(codes), dtype=torch.int64, device=codes.device)
    for column in codes.unbind(1):
        keys = keys * 256 + column
        if codes.shape[1] > 7:
            keys = _mix(keys)
    return _mix(keys)


def _mix(keys: Tensor, others: Tensor | None = None) -> Tensor:
    """Hash numbers, or pairs of them, to numbers without a pattern."""
    if others is not None:
        keys = keys * _FACTORS[2] + others
    for factor, bits in zip(_FACTORS[:2], (30, 27), strict=True):
        keys = (keys ^ (keys >> bits)) * factor
    return keys ^ (keys >> 31)
