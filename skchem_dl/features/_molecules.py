"""Reading molecules: every kind of input, one list of items, and a reason for each bad row."""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from rdkit import rdBase
from rdkit.Chem import (
    AssignStereochemistry,
    BondStereo,
    ChiralType,
    HybridizationType,
    Mol,
    MolFromSmiles,
    MolToSmiles,
    SanitizeMol,
    SmilesParserParams,
)

from skchem_dl.exceptions import InvalidMolecule

# RDKit's ring perception grows faster than linearly: 5,000 characters take it up to 0.1 s,
# 80,000 take 26 s. Longer text is refused before parsing.
MAX_SMILES_LENGTH = 5_000

TETRAHEDRAL = (ChiralType.CHI_TETRAHEDRAL_CW, ChiralType.CHI_TETRAHEDRAL_CCW)

_EXPECTED = (
    "Expected a list, tuple, 1-D or (n, 1) numpy array, pandas or polars Series, or one-column "
    "frame of SMILES strings or RDKit Mol objects"
)
_HYDROGEN_ATOM = re.compile(r"\[\d*H")
_UNSANITIZED = SmilesParserParams()
_UNSANITIZED.sanitize = False  # type: ignore[assignment]  # RDKit's stubs are wrong

# RDKit's log is the process's: threads that quieten it or read it at the same time would let it
# speak, take each other's reasons, and could leave it off.
_log_lock = threading.Lock()


class ParsedMolecules(NamedTuple):
    """What parsing made of some rows; `mols` and `texts` hold the valid ones only."""

    mols: list[Mol]
    texts: list[str | None]  # as given; None where that was a Mol
    valid: np.ndarray  # (n,) bool
    invalid: list[InvalidMolecule]

    def smiles(self) -> list[str]:
        """Give each valid row's text as it was written, or the canonical SMILES of a Mol."""
        return [
            MolToSmiles(mol) if text is None else text.strip()
            for mol, text in zip(self.mols, self.texts, strict=True)
        ]

    def refuse(self, reasons: dict[int, str]) -> None:
        """Make rows invalid, given by their places in `mols`, which stay there."""
        rows = np.flatnonzero(self.valid)
        for place, reason in reasons.items():
            text = self.texts[place]
            value = MolToSmiles(self.mols[place]) if text is None else text
            self.invalid.append(InvalidMolecule(int(rows[place]), value, reason))
        self.valid[rows[list(reasons)]] = False
        self.invalid.sort(key=lambda problem: problem.row)


@contextmanager
def quiet_rdkit() -> Iterator[None]:
    """Keep RDKit's log quiet, one thread at a time, and leave it as it was."""
    with _log_lock, rdBase.BlockLogs():
        yield


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
    mols, texts, invalid = [], [], []
    valid = np.ones(len(items), dtype=bool)
    with quiet_rdkit():
        for row, item in enumerate(items):
            text = item.strip() if isinstance(item, str) else None
            mol = _parse(item, text, stereo)
            if isinstance(mol, str):
                valid[row] = False
                invalid.append(InvalidMolecule(row, item, mol))
            else:
                mols.append(mol)
                texts.append(item if isinstance(item, str) else None)
    return ParsedMolecules(mols, texts, valid, invalid)


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


def _parse(item: Any, text: str | None, stereo: bool) -> Mol | str:
    """Give the molecule, or the reason why there is none."""
    if text is None:
        return _check_mol(item) if isinstance(item, Mol) else _why_not_text(item)
    reason = why_not_smiles(text)
    if reason:
        return reason
    mol = MolFromSmiles(text) if stereo else _flat_mol(text)
    if mol is None:
        return _rdkit_reason(text)
    return mol if mol.GetNumAtoms() else "no atoms"


def _flat_mol(text: str) -> Mol | None:
    """Parse as `MolFromSmiles` does, but for stereochemistry."""
    if _HYDROGEN_ATOM.search(text):
        return MolFromSmiles(text)  # which knows what hydrogens to leave as atoms
    mol = MolFromSmiles(text, _UNSANITIZED)
    if mol is not None:
        try:
            SanitizeMol(mol)
        except ValueError:  # every RDKit sanitisation error is one; the caller asks for the reason
            return None
    return mol


def _why_not_text(item: Any) -> str:
    if item is None or type(item).__name__ in ("NAType", "NaTType") or _is_nan(item):
        return "missing value"
    return f"expected a SMILES string or an RDKit Mol, got {type(item).__name__}"


def _is_nan(item: Any) -> bool:
    return isinstance(item, float) and item != item


def why_not_smiles(text: str) -> str | None:
    """Say what is wrong with a text that RDKit should not even see."""
    if not text:
        return "empty string"
    if len(text) > MAX_SMILES_LENGTH:
        return f"{len(text)} characters long, more than {MAX_SMILES_LENGTH}"
    if not (text.isascii() and text.isprintable()) or " " in text:
        strange = next(c for c in text if not (c.isascii() and c.isprintable()) or c == " ")
        where = text.index(strange)
        if strange.isspace():
            return f"text after the SMILES, from position {where + 1}; pass the SMILES alone"
        return f"character {strange!r} at position {where + 1} is not SMILES"
    return None


def _check_mol(mol: Mol) -> Mol | str:
    """Give a copy of a Mol, sanitised as one read from text is, if it was not already."""
    if not mol.GetNumAtoms():
        return "no atoms"
    mol = Mol(mol)  # descriptors and MolToSmiles write properties into the Mol they read
    if not _is_sanitized(mol):
        try:
            SanitizeMol(mol)
        except ValueError as error:  # every RDKit sanitisation error is one
            return str(error).strip()
        _perceive_stereo(mol)
    elif not _knows_stereo(mol):
        twin = Mol(mol)
        _perceive_stereo(twin)  # this may also change the rings, so not on `mol`
        _copy_stereo(twin, mol)
    return mol


def _perceive_stereo(mol: Mol) -> None:
    """Find centres and double bonds as in what is read from text."""
    AssignStereochemistry(mol, cleanIt=True, force=True, flagPossibleStereoCenters=True)


def _knows_stereo(mol: Mol) -> bool:
    """Say whether stereochemistry was perceived, and its labels are there.

    They are lost on the way to a worker process. After `SanitizeMol`, which one calls after parsing
    without sanitisation, there never were any.
    """
    return bool(mol.HasProp("_StereochemDone")) and all(
        atom.HasProp("_CIPCode") or atom.GetChiralTag() not in TETRAHEDRAL
        for atom in mol.GetAtoms()
    )


def _copy_stereo(twin: Mol, mol: Mol) -> None:
    for atom, other in zip(mol.GetAtoms(), twin.GetAtoms(), strict=True):
        atom.SetChiralTag(other.GetChiralTag())
        if other.HasProp("_CIPCode"):
            atom.SetProp("_CIPCode", other.GetProp("_CIPCode"))
        if other.HasProp("_ChiralityPossible"):
            atom.SetIntProp("_ChiralityPossible", 1)
    for bond, other in zip(mol.GetBonds(), twin.GetBonds(), strict=True):
        if bond.GetStereo() == BondStereo.STEREONONE != other.GetStereo():
            if len(other.GetStereoAtoms()) == 2:
                bond.SetStereoAtoms(*other.GetStereoAtoms())
            bond.SetStereo(other.GetStereo())
    mol.SetIntProp("_StereochemDone", 1, True)


def _is_sanitized(mol: Mol) -> bool:
    try:
        mol.GetRingInfo().NumRings()
    except RuntimeError:
        return False
    return not mol.NeedsUpdatePropertyCache() and all(
        atom.GetHybridization() != HybridizationType.UNSPECIFIED
        for atom in mol.GetAtoms()
        if atom.GetAtomicNum()
    )


def _rdkit_reason(text: str) -> str:
    """Parse again, listening to RDKit's error log; the caller holds its lock."""
    with rdBase.CaptureErrorLog() as log:
        MolFromSmiles(text)
        lines = [re.sub(r"^\[[\d:]+\] ", "", line) for line in log.messages.splitlines()]
    reason = next((line for line in lines if line.strip()), "RDKit cannot parse it")
    reason = reason.removeprefix("SMILES Parse Error: ")
    # The row's text is already in the message.
    reason = re.split(r" (?:while parsing|for input):", reason)[0]
    position = re.search(r"around position (\d+)", log.messages)
    return reason + (f" around position {position[1]}" if position else "")
