"""Which rows of a table stay: those with a target, with a molecule, of a molecule seen before."""

from collections.abc import Sequence

import numpy as np
from rdkit.Chem import MolToSmiles

from skchem_dl._warnings import warn_caller
from skchem_dl.datasets._duplicates import group_rows
from skchem_dl.datasets._table import Table
from skchem_dl.datasets._targets import Targets, describe_not_numbers
from skchem_dl.exceptions import (
    InvalidMolecule,
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    describe_invalid,
    first_five,
    shorten,
)
from skchem_dl.features._molecules import parse_molecules

# Parsed Mols are large: a chunk bounds how many live at once.
_CHUNK_SIZE = 1_000


class Selection:
    """The rows of a table that stay, and why the others do not.

    Parameters
    ----------
    table : Table of n rows

    Attributes
    ----------
    left_out : dict of int to str
        Row to reason.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.left_out: dict[int, str] = {}

    @property
    def rows(self) -> np.ndarray:
        """The rows that stay, in order."""
        stay = [row for row in range(len(self.table.rows)) if row not in self.left_out]
        return np.array(stay, dtype=np.intp)

    def check_numbers(self, targets: Targets, on_non_numeric: str) -> None:
        """Raise or warn if there are targets that are no numbers."""
        if not targets.not_numbers:
            return
        message = describe_not_numbers(self.table, targets)
        if on_non_numeric == "raise":
            raise ValueError(
                f'{message}\nFix them; or name texts that mean "missing" with na_values=[...], or '
                'set on_non_numeric="nan" to take all of them for missing, or labels=True if they '
                "are classes."
            )
        warn_caller(f"{message}\nThey are taken for missing.")

    def check_missing(self, targets: Targets, names: list[str], on_missing: str) -> None:
        """Raise for rows without any target, or leave them out."""
        missing = targets.rows_without()
        if not len(missing) or on_missing == "keep":
            return
        if on_missing == "raise":
            shown = first_five([self._show(row, names) for row in missing])
            raise ValueError(
                f"{self.table.path}: {len(missing)} of {len(self.table.rows)} rows have no value "
                f'of {" or ".join(map(repr, names))}:\n{shown}\nSet on_missing="drop" to leave '
                'them out, or "keep" to have NaN there.'
            )
        self.left_out |= dict.fromkeys(missing.tolist(), "no target")

    def check_molecules(self, invalid: list[InvalidMolecule], on_invalid: str) -> None:
        """Raise for rows that are no molecules, or warn and leave them out."""
        if not invalid:
            return
        message = describe_invalid(invalid, len(self.table.rows), self.table.lines, "line")
        message = f"{self.table.path}: {message}"
        if on_invalid == "raise":
            raise InvalidMoleculeError(
                f'{message}\nFix them, or set on_invalid="drop" to leave them out, or "keep" to '
                "have them stay.",
                invalid,
                len(self.table.rows),
            )
        left = "They are left out." if on_invalid == "drop" else "They are kept."
        warn_caller(InvalidMoleculeWarning(f"{message}\n{left}", invalid, len(self.table.rows)))
        if on_invalid == "drop":
            reasons = {problem.row: f"no molecule: {problem.reason}" for problem in invalid}
            self.left_out = reasons | self.left_out

    def check_duplicates(
        self, keys: Sequence[str | None], duplicates: str
    ) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """Raise for molecules that occur again, or leave out all but the first row of each.

        Parameters
        ----------
        keys : sequence of length n
            The molecules' canonical SMILES; None, where there is no molecule, is never a repeat.
        duplicates : {"first", "mean", "error"}

        Returns
        -------
        repeated : list of tuple of int
            The rows of each molecule that occurs more than once.
        groups : ndarray of shape (n_rows,), int
            The molecule's number for each row that stayed so far.
        """
        rows = self.rows
        groups = group_rows([keys[row] or int(row) for row in rows])
        members: dict[int, list[int]] = {}
        for row, group in zip(rows.tolist(), groups.tolist(), strict=True):
            members.setdefault(group, []).append(row)
        repeated = [tuple(found) for found in members.values() if len(found) > 1]
        if repeated and duplicates == "error":
            shown = [
                f"{keys[found[0]]}: {', '.join(map(self.table.where, found))}" for found in repeated
            ]
            raise ValueError(
                f"{self.table.path}: {len(repeated)} molecules occur more than once:\n"
                f'{first_five(shown)}\nSet duplicates="mean" to average their targets, "first" to '
                'take their first rows, or "keep" to keep all.'
            )
        for first, *others in repeated:
            self.left_out |= dict.fromkeys(others, f"the molecule of an earlier row: {first}")
        return repeated, groups

    def _show(self, row: int, names: list[str]) -> str:
        cells = dict(zip(self.table.header, self.table.rows[row], strict=True))
        return f"{self.table.where(row)}: {', '.join(shorten(repr(cells[name])) for name in names)}"


def read_molecules(
    table: Table, smiles_name: str, *, canonical: bool
) -> tuple[list[InvalidMolecule], list[str | None]]:
    """Parse the SMILES of a table of n rows, chunk by chunk.

    Parameters
    ----------
    table : Table
    smiles_name : str
    canonical : bool
        Whether to write the canonical SMILES, which takes half as long again.

    Returns
    -------
    invalid : list of InvalidMolecule
    keys : list of length n
        Canonical SMILES; None where there is no molecule, or where they were not asked for.
    """
    texts = table.column(smiles_name)
    known = {problem.row: problem for problem in table.invalid}
    invalid: list[InvalidMolecule] = []
    keys: list[str | None] = [None] * len(texts)
    for start in range(0, len(texts), _CHUNK_SIZE):
        parsed = parse_molecules(texts[start : start + _CHUNK_SIZE])
        found = (problem._replace(row=problem.row + start) for problem in parsed.invalid)
        invalid += [known.get(problem.row, problem) for problem in found]
        if canonical:
            for row, mol in zip(np.flatnonzero(parsed.valid), parsed.mols, strict=True):
                keys[start + row] = MolToSmiles(mol)
    return invalid, keys
