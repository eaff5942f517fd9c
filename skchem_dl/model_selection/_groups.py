"""From whatever was passed for X and groups to one code per molecule."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from rdkit.Chem import Mol
from sklearn.utils.validation import column_or_1d

from skchem_dl._rows import is_missing
from skchem_dl.features._molecules import ParsedMolecules, as_items, parse_molecules
from skchem_dl.similarity._butina import INVALID_LABEL

# A parsed molecule takes some 20 kB: a chunk bounds how many live at once.
_CHUNK_SIZE = 1_000


INVALID_GROUP = "invalid molecule"  # the scaffold of such rows; their cluster is INVALID_LABEL


class GroupCodes(NamedTuple):
    """Groups as numbers, in the order in which they first occur.

    Rows that are not valid molecules have the code -1 and are in none of the groups: a test set of
    such rows alone would judge nothing.
    """

    codes: np.ndarray  # (n,) int
    sizes: np.ndarray  # (n_groups,) int
    first_rows: np.ndarray  # (n_groups,) int, ascending


def read_groups(
    X: Any,
    groups: Any,
    smiles_column: str | int | None,
    of_molecules: Callable[[Sequence[Any]], np.ndarray],
    owner: str,
) -> GroupCodes:
    """Number the groups that were passed or, without any, those that the molecules make.

    Parameters
    ----------
    X : list, tuple, ndarray, Series or frame of n molecules
        Not looked at where `groups` are given.
    groups : array-like of shape (n,), or None
    smiles_column : str, int or None
        The column that holds the molecules, where X has several.
    of_molecules : callable
        Takes the molecules as a sequence, gives their groups.
    owner : str
        Who asks, for the error message.

    Returns
    -------
    GroupCodes

    Raises
    ------
    TypeError, ValueError
        If there are no groups and X does not hold molecules.
    """
    if groups is None:
        labels = of_molecules(molecule_items(X, smiles_column, owner))
        invalid = [INVALID_GROUP, INVALID_LABEL]
    else:
        labels = column_or_1d(groups, dtype=None)
        invalid = [INVALID_GROUP]  # -1 may be any group
    # Not np.unique, which cannot sort None among texts, and would copy long scaffolds many times.
    known: dict[Any, int] = dict.fromkeys(invalid, -1)
    codes = np.empty(len(labels), dtype=np.int64)
    first_rows: list[int] = []
    unknown = is_missing(labels)  # one group, though no NaN equals another
    for row, label in enumerate(labels.tolist()):
        key = None if unknown[row] else label
        if key not in known:
            known[key] = len(first_rows)
            first_rows.append(row)
        codes[row] = known[key]
    sizes = np.bincount(codes[codes >= 0], minlength=len(first_rows))
    return GroupCodes(codes, sizes, np.array(first_rows, dtype=np.int64))


def molecule_items(X: Any, smiles_column: str | int | None, owner: str) -> Sequence[Any]:
    """Give the molecules in X as one flat sequence.

    Parameters
    ----------
    X : list, tuple, ndarray, Series or frame of n molecules
    smiles_column : str, int or None
        The column that holds the molecules, where X has several.
    owner : str
        Who asks, for the error message.

    Returns
    -------
    sequence of length n

    Raises
    ------
    TypeError, ValueError
        If X does not hold molecules.
    """
    advice = (
        f"{owner} makes groups of molecules. Where X is something else (a matrix, MolGraphs), pass "
        "the groups as well: groups=scaffold_groups(smiles), say."
    )
    try:
        items, _ = as_items(X, smiles_column)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error} {advice}") from error
    if not any(isinstance(item, str | Mol) for item in items):
        raise TypeError(
            f"X holds no SMILES string and no RDKit Mol; row 0 is a {type(items[0]).__name__}, "
            f"{str(items[0])[:80]!r}. {advice}"
        )
    return items


def parse_in_chunks(
    items: Sequence[Any], *, stereo: bool = True
) -> Iterator[tuple[np.ndarray, ParsedMolecules]]:
    """Parse some molecules at a time.

    Parameters
    ----------
    items : sequence of length n
        SMILES strings, Mols, or whatever else stood there.
    stereo : bool, default=True
        Perceive stereochemistry in text.

    Yields
    ------
    rows : ndarray of int
        The positions of the chunk's valid molecules among all.
    parsed : ParsedMolecules
    """
    for start in range(0, len(items), _CHUNK_SIZE):
        parsed = parse_molecules(items[start : start + _CHUNK_SIZE], stereo=stereo)
        yield start + np.flatnonzero(parsed.valid), parsed
