"""Reading molecules: every kind of input, one list of items, and a reason for each bad row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import Mol, MolToSmiles

from skchem_dl.exceptions import InvalidMolecule
from skchem_dl.features._reading import quiet_rdkit, read_molecule

_EXPECTED = (
    "Expected a list, tuple, 1-D or (n, 1) numpy array, pandas or polars Series, or one-column "
    "frame of SMILES strings or RDKit Mol objects"
)


class ParsedMolecules(NamedTuple):
    """The molecules of some rows; `mols`, `texts` and `given` hold the valid rows only."""

    mols: list[Mol]
    texts: list[str | None]  # the SMILES; None if the row held a Mol, labels, or no plain SMILES
    given: list[Any]
    valid: np.ndarray  # (n,) bool
    invalid: list[InvalidMolecule]

    def smiles(self) -> list[str]:
        """Return the SMILES of each valid row as it was written, canonical where it was not."""
        return [
            MolToSmiles(mol) if text is None else text
            for mol, text in zip(self.mols, self.texts, strict=True)
        ]

    def refuse(self, reasons: dict[int, str]) -> None:
        """Make rows invalid, given by their places in `mols`, which stay there."""
        rows = np.flatnonzero(self.valid)
        for place, reason in reasons.items():
            given = self.given[place]
            value = given if isinstance(given, str) else MolToSmiles(self.mols[place])
            self.invalid.append(InvalidMolecule(int(rows[place]), value, reason))
        self.valid[rows[list(reasons)]] = False
        self.invalid.sort(key=lambda problem: problem.row)


def as_items(X: Any, smiles_column: str | int | None = None) -> tuple[Sequence[Any], Any]:
    """Turn any accepted container into one flat sequence of cells.

    Parameters
    ----------
    X : list, tuple, ndarray, Series or frame
        The molecules.
    smiles_column : str or int, optional
        The column that holds them, where `X` is a wider frame (or 2-D array).

    Returns
    -------
    items : sequence of length n
        SMILES strings, Mols, or whatever else stood there.
    labels : sequence of length n, or None
        pandas row labels, where they are anything but 0, 1, 2, ...

    Raises
    ------
    TypeError
        If `X` is no container of molecules (a single string, a sparse matrix, a dict ...).
    ValueError
        If `X` has more than one column and no `smiles_column` is given, or if it is empty.
    """
    if hasattr(X, "columns") or (getattr(X, "ndim", 0) > 1 and not sp.issparse(X)):
        X = _single_column(X, smiles_column)
    items = _flatten(X)
    if len(items) == 0:
        raise ValueError(f"Found 0 molecules; at least 1 is required. {_EXPECTED}.")
    return items, _labels(X)


def row_subset(X: Any, rows: np.ndarray) -> Any:
    """Take rows by position out of any container that `as_items` accepts."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if isinstance(X, list | tuple):
        return [X[i] for i in rows]
    if hasattr(X, "to_pylist"):  # pyarrow
        return X.take(rows)
    return X[rows]  # numpy and polars


def parse_molecules(items: Sequence[Any], *, stereo: bool = True) -> ParsedMolecules:
    """Parse a sequence of SMILES strings or Mols; RDKit's log stays quiet.

    Parameters
    ----------
    items : sequence of length n
        SMILES strings or Mols, or anything else (which is then invalid).
    stereo : bool, default=True
        Perceive stereochemistry in text, which takes a fifth of the time.

    Returns
    -------
    ParsedMolecules
        The valid molecules in order, and the invalid rows with their reasons.
    """
    mols, texts, given, invalid = [], [], [], []
    valid = np.ones(len(items), dtype=bool)
    with quiet_rdkit():
        for row, item in enumerate(items):
            reading = read_molecule(item, stereo=stereo)
            if isinstance(reading, str):
                valid[row] = False
                invalid.append(InvalidMolecule(row, item, reading))
            else:
                mols.append(reading.mol)
                texts.append(reading.smiles)
                given.append(item)
    return ParsedMolecules(mols, texts, given, valid, invalid)


def _single_column(X: Any, smiles_column: str | int | None) -> Any:
    """Pick the column of molecules out of a frame or a 2-D array."""
    if not hasattr(X, "columns"):
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"Got an array of {X.ndim} dimensions. {_EXPECTED}.")
        column = 0 if smiles_column is None and X.shape[1] == 1 else smiles_column
        if isinstance(column, int | np.integer) and -X.shape[1] <= column < X.shape[1]:
            return X[:, column]
        raise ValueError(
            f"Got an array of shape {X.shape} and smiles_column={smiles_column!r}. {_EXPECTED}, or "
            "set smiles_column to the position of the column that holds the SMILES."
        )
    # Of pyarrow, columns are the data; of pandas, any name may be that of a column.
    columns = list(X.columns if hasattr(X, "iloc") else getattr(X, "column_names", X.columns))
    if smiles_column is None and len(columns) == 1:
        smiles_column = columns[0]
    if smiles_column is None:
        raise ValueError(
            f"Got a frame of {len(columns)} columns, {columns[:10]}. Say which one holds the "
            "SMILES with smiles_column=, or pass that column alone."
        )
    if columns.count(smiles_column) != 1:
        raise ValueError(
            f"smiles_column={smiles_column!r} must name exactly one column of the frame; its "
            f"columns are {columns[:10]}."
        )
    return X[smiles_column]


def _flatten(X: Any) -> Sequence[Any]:
    if isinstance(X, str | bytes | Mol):
        raise TypeError(
            f"Got a single {type(X).__name__}, {str(X)[:80]!r}. {_EXPECTED}; for one molecule pass "
            "a list of one."
        )
    if isinstance(X, list | tuple):
        # [[smiles], [smiles]] is how an (n, 1) array looks as plain lists.
        if len(X) and all(isinstance(item, list | tuple) and len(item) == 1 for item in X):
            return [item[0] for item in X]
        return X
    if getattr(X, "ndim", 1) == 1:
        # Columns of pandas and polars, numpy arrays, columns of pyarrow.
        for method in ("to_list", "tolist", "to_pylist"):
            if hasattr(X, method):
                return getattr(X, method)()
    raise TypeError(f"Got {type(X).__name__}. {_EXPECTED}.")


def _labels(X: Any) -> Any:
    index = getattr(X, "index", None)
    if index is None or callable(index):  # a list's index is a method
        return None
    labels = index.tolist()
    return None if labels == list(range(len(labels))) else labels
