"""Errors and warnings about molecules that could not be read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["InvalidMolecule", "InvalidMoleculeError", "InvalidMoleculeWarning"]

_N_SHOWN = 5
_LONGEST_SHOWN = 80  # characters
_LARGEST_SHOWN = 500  # atoms


class InvalidMolecule(NamedTuple):
    """One row that is not a molecule, and why.

    Attributes
    ----------
    row : int
        Its position, from 0.
    value : object
        What stood there.
    reason : str
        What is wrong with it, in RDKit's words where they are known.

    See Also
    --------
    skchem_dl.InvalidMoleculeError : Carries one for each such row.

    Examples
    --------
    >>> from skchem_dl.exceptions import InvalidMolecule
    >>> InvalidMolecule(2, "C(", "syntax error")
    InvalidMolecule(row=2, value='C(', reason='syntax error')
    """

    row: int
    value: object
    reason: str


class _AboutInvalidRows(Exception):
    """What the error and the warning have in common: they carry the rows."""

    def __init__(
        self, message: str, invalid: Sequence[InvalidMolecule] = (), n_rows: int = 0
    ) -> None:
        super().__init__(message)
        self.invalid = list(invalid)
        self.n_rows = n_rows

    def __reduce__(self):
        # The default would rebuild from the message alone and lose the rows between processes.
        return type(self), (str(self), self.invalid, self.n_rows)


class InvalidMoleculeError(_AboutInvalidRows, ValueError):
    """Some rows are not molecules (``on_invalid="raise"``).

    Parameters
    ----------
    message : str
        What is wrong, and what to do.
    invalid : sequence of InvalidMolecule, default=()
        Every offending row.
    n_rows : int, default=0
        How many rows were read in all.

    Attributes
    ----------
    invalid : list of InvalidMolecule
        Every offending row: position, value and RDKit's reason.
    n_rows : int
        How many rows were read in all.

    See Also
    --------
    InvalidMoleculeWarning : What there is with ``on_invalid="nan"``.

    Examples
    --------
    >>> from skchem_dl import InvalidMoleculeError, MorganFingerprinter
    >>> try:
    ...     MorganFingerprinter().fit_transform(["CCO", "C("])
    ... except InvalidMoleculeError as error:
    ...     print([row for row, value, reason in error.invalid], "of", error.n_rows)
    [1] of 2
    """


class InvalidMoleculeWarning(_AboutInvalidRows, UserWarning):
    """Some rows are not molecules: they became NaN, empty or padding, or were left out.

    Parameters
    ----------
    message : str
        What is wrong.
    invalid : sequence of InvalidMolecule, default=()
        Every such row.
    n_rows : int, default=0
        How many rows were read in all.

    Attributes
    ----------
    invalid : list of InvalidMolecule
        Every such row: position, value and RDKit's reason.
    n_rows : int
        How many rows were read in all.

    See Also
    --------
    InvalidMoleculeError : What there is with ``on_invalid="raise"``.

    Examples
    --------
    >>> import warnings
    >>> from skchem_dl import MorganFingerprinter
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     X = MorganFingerprinter(on_invalid="nan").fit_transform(["CCO", "C("])
    >>> caught[0].message.invalid[0].row
    1
    """


def describe_invalid(
    invalid: Sequence[InvalidMolecule],
    n_rows: int,
    labels: Sequence[object] | None = None,
    label_name: str = "index",
) -> str:
    """Return how many of how many rows are not valid molecules, and the first five of them.

    Parameters
    ----------
    invalid : sequence of InvalidMolecule
        The offending rows.
    n_rows : int
        How many rows there were in all.
    labels : sequence, optional
        The rows' pandas labels, or lines of a file, shown beside the positions.
    label_name : str
        What to call them.

    Returns
    -------
    str
        Text for the error and for the warning alike.
    """
    lines = []
    for row, value, reason in invalid:
        label = "" if labels is None else f" ({label_name} {labels[row]!r})"
        lines.append(f"row {row}{label}: {shorten(_show(value))}: {reason}")
    are = "is not a valid molecule" if len(invalid) == 1 else "are not valid molecules"
    return f"{len(invalid)} of {n_rows} rows {are}:\n{first_five(lines)}"


def _show(value: Any) -> str:
    """Return a Mol as its SMILES or SMARTS, anything else as Python writes it."""
    if not hasattr(value, "GetNumAtoms"):
        return repr(value)
    if value.GetNumAtoms() > _LARGEST_SHOWN:  # its text would be cut, and takes long to write
        return f"Mol of {value.GetNumAtoms()} atoms"
    from rdkit.Chem import Mol, MolToSmarts, MolToSmiles

    mol = Mol(value)  # writing it stores properties
    return f"Mol {MolToSmarts(mol) if mol.HasQuery() else MolToSmiles(mol, canonical=False)!r}"


def first_five(problems: Sequence[str]) -> str:
    """Write the first five under one another, and how many more there are."""
    lines = [f"  {problem}" for problem in problems[:_N_SHOWN]]
    if len(problems) > _N_SHOWN:
        lines.append(f"  ... and {len(problems) - _N_SHOWN} more")
    return "\n".join(lines)


def shorten(text: str) -> str:
    """Cut what is too long for a message."""
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
