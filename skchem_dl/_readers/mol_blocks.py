"""Convert mol blocks of SD files to SMILES."""

import re
from collections.abc import Sequence
from io import BytesIO

from rdkit import rdBase
from rdkit.Chem import ForwardSDMolSupplier, MolFromMolBlock, MolToSmiles

from skchem_dl._readers.sdf import RECORD_END, SDFRecord
from skchem_dl.features._reading import (
    MAX_SMILES_LENGTH,
    forget_unknown_centers,
    quiet_rdkit,
    why_not_one_molecule,
)

# As long SMILES are refused before RDKit sees them. A block has a line for each atom and bond.
_MAX_LINES = 4 * MAX_SMILES_LENGTH
_LOGGED = re.compile(r"^\[[\d:]+\] (?:ERROR: )?(.*\S)", re.MULTILINE)


def read_molecules_of(records: Sequence[SDFRecord]) -> tuple[list[str | None], dict[int, str]]:
    """Read the mol blocks of some records as RDKit's suppliers do, with default settings.

    Parameters
    ----------
    records : sequence of SDFRecord of length n

    Returns
    -------
    smiles : list of str or None, of length n
        Canonical SMILES; None if the record has no valid molecule.
    reasons : dict of int to str
        Reasons for the records without one.
    """
    smiles: list[str | None] = []
    reasons = {}
    with quiet_rdkit():
        for row, record in enumerate(records):
            text, reason = (None, record.problem) if record.problem else _read(record.mol_block)
            smiles.append(text)
            if reason is not None:
                reasons[row] = reason
    return smiles, reasons


def _read(block: str) -> tuple[str | None, str | None]:
    """Return the canonical SMILES, or the reason if there is no valid molecule."""
    if not block.strip():
        return None, "empty record"
    # Titles and comments may hold anything, and RDKit's log is bytes that need not be UTF-8.
    block = block.encode("ascii", "replace").decode()
    if "\r" in block and "\n" not in block:
        return None, "lines that end with \\r alone: convert the line ends of the file"
    if block.count("\n") > _MAX_LINES:
        return None, f"a mol block of more than {_MAX_LINES} lines"
    try:
        mol = MolFromMolBlock(block)
    except RuntimeError as error:  # a violated invariant of RDKit's
        return None, f"RDKit fails: {str(error).strip().splitlines()[0]}"
    if mol is None:
        return None, _rdkit_reason(block)
    reason = why_not_one_molecule(mol)
    if reason is not None:
        return None, reason
    forget_unknown_centers(mol)
    return MolToSmiles(mol), None


def _rdkit_reason(block: str) -> str:
    """Parse again, listening to RDKit's error log; the caller holds its lock."""
    with rdBase.CaptureErrorLog() as log:
        # Unlike `MolFromMolBlock`, it reports every reason as an error.
        list(ForwardSDMolSupplier(BytesIO(f"{block}\n{RECORD_END}\n".encode())))
    # A violated invariant prints a stack trace before, in lines without the time.
    found = _LOGGED.search(log.messages)
    return found[1] if found else "RDKit cannot read the mol block"
