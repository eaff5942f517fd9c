"""`MolGraphs`: n molecular graphs in a handful of flat numpy arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["GraphSchema", "MolGraphs"]


@dataclass(frozen=True)
class GraphSchema:
    """What the codes of a `MolGraphs` mean: fields in order, each with its number of categories.

    A network sizes its embeddings by the schema and refuses graphs of another one.

    Parameters
    ----------
    atom_fields, bond_fields : tuple of (str, int)
        Name and number of categories of each column of `atom_codes` and `bond_codes`. Code 0
        always means "other": whatever the field has no category of its own for.
    version : int, default=1
        Raised whenever the meaning of a code changes.

    See Also
    --------
    skchem_dl.MolGraphs : The graphs that have one.

    Examples
    --------
    >>> from skchem_dl import MolGraphizer
    >>> schema = MolGraphizer().fit_transform(["CCO"]).schema
    >>> schema.bond_fields
    (('order', 5), ('conjugated', 3), ('in_ring', 3), ('stereo', 7))
    """

    atom_fields: tuple[tuple[str, int], ...]
    bond_fields: tuple[tuple[str, int], ...]
    version: int = 1

    @property
    def atom_sizes(self) -> tuple[int, ...]:
        """Categories of each atom field."""
        return tuple(size for _, size in self.atom_fields)

    @property
    def bond_sizes(self) -> tuple[int, ...]:
        """Categories of each bond field."""
        return tuple(size for _, size in self.bond_fields)


class MolGraphs:
    """A ragged array of n molecular graphs, shape ``(n,)``.

    Everything lives in a few flat arrays, so that a batch is one fancy index of each, joblib can
    memory-map it to workers, and a drug-sized molecule takes about 600 bytes. It is indexed like
    a 1-D numpy array (an int, too, gives a `MolGraphs`, of length 1), so scikit-learn's splitters
    work on it. An empty graph stands in the row of an invalid molecule.

    Parameters
    ----------
    atom_codes : ndarray of shape (A, atom fields), uint8
        Category of each field of each atom; `schema` tells what they mean.
    bond_codes : ndarray of shape (B, bond fields), uint8
        Category of each field of each bond; each bond is stored once.
    bond_atoms : ndarray of shape (B, 2), int32
        The two atoms of each bond, numbered from the start of their molecule.
    atom_offsets : ndarray of shape (n + 1,), int64
        Molecule i has the atoms ``atom_offsets[i]:atom_offsets[i + 1]``.
    bond_offsets : ndarray of shape (n + 1,), int64
        Likewise for the bonds.
    schema : GraphSchema
        What the codes mean.
    molecule_features : ndarray of shape (n, d), float32, default=None
        Numbers that belong to the molecule as a whole.

    See Also
    --------
    MolGraphizer : Makes them from SMILES.

    Examples
    --------
    >>> from skchem_dl import MolGraphizer
    >>> graphs = MolGraphizer().fit_transform(["CCO", "C", "c1ccccc1"])
    >>> graphs
    MolGraphs(3 molecules, 10 atoms, 8 bonds)
    >>> graphs[[2, 0]].n_atoms
    array([6, 3])
    """

    __slots__ = (
        "__weakref__",  # Dask sends what it can refer to once, and all else with every task
        "atom_codes",
        "atom_offsets",
        "bond_atoms",
        "bond_codes",
        "bond_offsets",
        "molecule_features",
        "schema",
    )
    ndim = 1

    def __init__(
        self,
        atom_codes: np.ndarray,
        bond_codes: np.ndarray,
        bond_atoms: np.ndarray,
        atom_offsets: np.ndarray,
        bond_offsets: np.ndarray,
        schema: GraphSchema,
        molecule_features: np.ndarray | None = None,
    ) -> None:
        self.atom_codes = atom_codes
        self.bond_codes = bond_codes
        self.bond_atoms = bond_atoms
        self.atom_offsets = atom_offsets
        self.bond_offsets = bond_offsets
        self.schema = schema
        self.molecule_features = molecule_features
        _check_arrays(self)

    @property
    def shape(self) -> tuple[int]:
        """The number of molecules, as a tuple: ``(n,)``."""
        return (len(self),)

    @property
    def n_atoms(self) -> np.ndarray:
        """Atoms of each molecule, shape ``(n,)``; 0 where the molecule was invalid."""
        return np.diff(self.atom_offsets)

    @property
    def n_bonds(self) -> np.ndarray:
        """Bonds of each molecule, shape ``(n,)``."""
        return np.diff(self.bond_offsets)

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return sum(array.nbytes for array in self._arrays() if array is not None)

    def __len__(self) -> int:
        return len(self.atom_offsets) - 1

    def __iter__(self) -> Iterator["MolGraphs"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> "MolGraphs":
        rows = self._rows(key)
        atoms, atom_offsets = _take_ranges(self.atom_offsets, rows)
        bonds, bond_offsets = _take_ranges(self.bond_offsets, rows)
        features = self.molecule_features
        return MolGraphs(
            self.atom_codes[atoms],
            self.bond_codes[bonds],
            self.bond_atoms[bonds],
            atom_offsets,
            bond_offsets,
            self.schema,
            None if features is None else features[rows],
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MolGraphs):
            return NotImplemented
        return self.schema == other.schema and all(
            a is b
            if a is None or b is None
            else np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            for a, b in zip(self._arrays(), other._arrays(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable arrays inside

    def __repr__(self) -> str:
        features = self.molecule_features
        extra = "" if features is None else f", {features.shape[1]} molecule features"
        return (
            f"MolGraphs({len(self)} molecules, {len(self.atom_codes)} atoms, "
            f"{len(self.bond_codes)} bonds{extra})"
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        # Without this numpy would walk it as a sequence and build a nested object array.
        raise TypeError(
            "MolGraphs is a ragged array of graphs, not a matrix: give it to MolGNNRegressor or "
            "MolGNNClassifier. Where a step needs a matrix (BaggingRegressor, scalers, forests), "
            "pass the SMILES as an (n, 1) array to a whole pipeline instead."
        )

    def __sizeof__(self) -> int:
        return super().__sizeof__() + self.nbytes

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "__weakref__"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    @classmethod
    def concatenate(cls, parts: Sequence["MolGraphs"]) -> "MolGraphs":
        """Join several, molecule after molecule.

        Parameters
        ----------
        parts : sequence of MolGraphs
            At least one; all of the same schema and number of molecule features.

        Returns
        -------
        MolGraphs
            All molecules, in the order of the parts.

        Raises
        ------
        ValueError
            If there are none, or if they don't fit together.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("Got no MolGraphs to concatenate; at least one is needed.")
        first = parts[0]
        for i, part in enumerate(parts):
            if part.schema != first.schema or part._n_features() != first._n_features():
                raise ValueError(
                    f"Part {i} does not fit part 0: schema {part.schema} with "
                    f"{part._n_features()} molecule features, expected {first.schema} with "
                    f"{first._n_features()}. Make all parts with the same MolGraphizer."
                )
        return cls(
            np.concatenate([part.atom_codes for part in parts]),
            np.concatenate([part.bond_codes for part in parts]),
            np.concatenate([part.bond_atoms for part in parts]),
            _offsets(np.concatenate([part.n_atoms for part in parts])),
            _offsets(np.concatenate([part.n_bonds for part in parts])),
            first.schema,
            None
            if first.molecule_features is None
            else np.concatenate([part.molecule_features for part in parts]),
        )

    def with_molecule_features(self, features: np.ndarray | None) -> "MolGraphs":
        """Give the same graphs with other molecule features; the arrays are shared.

        Parameters
        ----------
        features : ndarray of shape (n, d), float32, or None
            A row of numbers for each molecule; None takes away those there are.

        Returns
        -------
        MolGraphs
            The same n molecules.

        Raises
        ------
        ValueError
            If there is not one row a molecule.
        """
        return MolGraphs(
            self.atom_codes,
            self.bond_codes,
            self.bond_atoms,
            self.atom_offsets,
            self.bond_offsets,
            self.schema,
            features,
        )

    def directed_edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Give source and destination atom of both directions of every bond.

        Returns
        -------
        source, destination : ndarray of shape (2 * B,), int64
            Atoms are numbered through all molecules. The first B edges run as the bonds are
            stored, the last B the other way, so edge ``e`` and ``(e + B) % (2 * B)`` are one bond.
        """
        shift = np.repeat(self.atom_offsets[:-1], self.n_bonds)
        one, other = self.bond_atoms[:, 0] + shift, self.bond_atoms[:, 1] + shift
        return np.concatenate([one, other]), np.concatenate([other, one])

    def to_dgl(self) -> Any:
        """Give one batched DGL graph.

        Returns
        -------
        dgl.DGLGraph
            Bond b is the directed edges 2b and 2b + 1. ``ndata["codes"]`` and ``edata["codes"]``
            hold the categories, ``batch_num_nodes()`` the molecules; `molecule_features` do not
            fit in.

        Raises
        ------
        ImportError
            If DGL is not installed.
        """
        from skchem_dl._dgl import to_dgl

        return to_dgl(self)

    @classmethod
    def from_dgl(cls, graph: Any, schema: GraphSchema) -> "MolGraphs":
        """Take back a batched DGL graph that `to_dgl` could have made.

        Parameters
        ----------
        graph : dgl.DGLGraph
            With ``ndata["codes"]``, ``edata["codes"]`` and both directions of each bond.
        schema : GraphSchema
            What the codes mean.

        Returns
        -------
        MolGraphs
            As many molecules as the batch has graphs.

        Raises
        ------
        ValueError
            If its edges are not the two directions of each bond, or it has codes that the schema
            has no categories for.
        """
        from skchem_dl._dgl import from_dgl

        return from_dgl(graph, schema)

    def _arrays(self) -> tuple[np.ndarray | None, ...]:
        return (
            self.atom_codes,
            self.bond_codes,
            self.bond_atoms,
            self.atom_offsets,
            self.bond_offsets,
            self.molecule_features,
        )

    def _n_features(self) -> int | None:
        return None if self.molecule_features is None else self.molecule_features.shape[1]

    def _rows(self, key: Any) -> np.ndarray:
        """Turn any numpy-style key into row numbers."""
        if isinstance(key, tuple):  # scikit-learn indexes with (rows, Ellipsis)
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(f"MolGraphs has one dimension, got the index {key!r}.")
            key = key[0]
        rows = np.atleast_1d(np.arange(len(self))[key])
        if rows.ndim != 1:
            raise IndexError(f"MolGraphs has one dimension, got the index {key!r}.")
        return rows


def _offsets(lengths: np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _take_ranges(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray | slice, np.ndarray]:
    """Say which flat elements the chosen rows own, and the new offsets."""
    starts, lengths = offsets[rows], offsets[rows + 1] - offsets[rows]
    taken = _offsets(lengths)
    if len(rows) and (np.diff(rows) == 1).all():  # one piece: a view will do
        return slice(int(starts[0]), int(starts[0] + taken[-1])), taken
    return np.arange(taken[-1]) + np.repeat(starts - taken[:-1], lengths), taken


def _check_arrays(graphs: MolGraphs) -> None:
    """Refuse arrays that don't belong together."""
    n = len(graphs)
    for what, array, fields, offsets in (
        ("atom_codes", graphs.atom_codes, graphs.schema.atom_fields, graphs.atom_offsets),
        ("bond_codes", graphs.bond_codes, graphs.schema.bond_fields, graphs.bond_offsets),
    ):
        expected = (int(offsets[-1]), len(fields))
        if array.shape != expected:
            raise ValueError(f"{what} has shape {array.shape}, expected {expected}.")
    if len(graphs.bond_offsets) != n + 1:
        raise ValueError(
            f"bond_offsets is for {len(graphs.bond_offsets) - 1} molecules, atom_offsets for {n}."
        )
    if graphs.bond_atoms.shape != (len(graphs.bond_codes), 2):
        raise ValueError(
            f"bond_atoms has shape {graphs.bond_atoms.shape}, expected "
            f"{(len(graphs.bond_codes), 2)}."
        )
    features = graphs.molecule_features
    if features is not None and (features.ndim != 2 or len(features) != n):
        raise ValueError(
            f"molecule_features has shape {features.shape}, expected ({n}, d): one row a molecule."
        )
