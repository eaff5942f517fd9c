"""Records of SD files with predictions added; the text of a record stays as it is."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rdkit.Chem import Mol, MolToMolBlock
from rdkit.Chem.rdDepictor import Compute2DCoords

from skchem_dl._readers.lines import Record
from skchem_dl._readers.sdf import BLANK, RECORD_END, split_end
from skchem_dl.features._molecules import parse_molecules
from skchem_dl.features._reading import quiet_rdkit
from skchem_dl.screening._encoder import Encoder
from skchem_dl.screening._formats import Format
from skchem_dl.screening._predictor import Predictions, as_text

# RDKit takes 0.1 s to lay out so many atoms, and a minute for 3,000.
_MAX_DRAWN = 300
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class SDFSink:
    """Records with the predictions as further data fields.

    Rows of other files get a mol block with 2D coordinates, or one without atoms where there is no
    valid molecule, and their columns as data fields.

    Parameters
    ----------
    form : Format
    encoding : str
    source : Source
        What the rows come from; records of an SD file are copied.
    columns : list of str
        Names of what is added.
    """

    def __init__(self, form: Format, encoding: str, source: Any, columns: list[str]) -> None:
        self._encoder = Encoder(encoding, gzipped=form.gzipped)
        self._copies = source.form.kind == "sdf"
        self._fields = _field_names(source.names, columns, check_own=not self._copies)
        self._n_own = len(source.names)
        names = [name.strip().casefold() for name in source.names]
        self._title_at = names.index("name") if names.count("name") == 1 else None

    def start(self) -> bytes:
        """Return what comes before the first record."""
        return self._encoder.start("")

    def encode(self, chunk: Any, predictions: Predictions) -> bytes:
        """Return records."""
        added = as_text(predictions)
        if self._copies:
            names = self._fields[self._n_own :]
            records = [
                _extended(record, names, cells)
                for record, cells in zip(chunk.records, added, strict=True)
            ]
        else:
            rows = zip(_mol_blocks(chunk.smiles), chunk.cells(), added, strict=True)
            records = [self._made(block, [*cells, *more]) for block, cells, more in rows]
        return self._encoder.encode("".join(records))

    def finish(self, pieces: Path) -> Path:
        """Return the pieces as they are."""
        return pieces

    def _made(self, block: str, cells: Sequence[str]) -> str:
        """Return the record for a row of another kind of file."""
        title = "" if self._title_at is None else _one_line(cells[self._title_at])
        return f"{title}{block}{_data(self._fields, cells)}{RECORD_END}\n"


def _extended(record: Record, names: Sequence[str], cells: Sequence[str]) -> str:
    """Return a record with more fields before its end."""
    line_end = "\r\n" if "\r\n" in record.raw else "\n"
    text, end = split_end(record.raw)
    if text and not text.endswith("\n"):  # the file ends before the record does
        text += line_end
    last_line = text[text.rfind("\n", 0, len(text) - 1) + 1 :]
    # A blank line ends the field before. RDKit takes a space for part of the field.
    if last_line.rstrip("\r\n") and not last_line.startswith("M  END"):
        text += line_end
    data = _data(names, cells).replace("\n", line_end)
    return f"{text}{data}{end or RECORD_END + line_end}"


def _data(names: Sequence[str], cells: Sequence[str]) -> str:
    """Return data fields; those that are empty are left out."""
    return "".join(
        f">  <{name}>\n{_value(cell)}\n\n" for name, cell in zip(names, cells, strict=True) if cell
    )


def _value(cell: str) -> str:
    """Return a value's lines; a space keeps them from being the end of the field or the record."""
    return "\n".join(
        f" {line}"
        if line.startswith(RECORD_END) or not (line.strip(BLANK) or line[:1] in (" ", "\t"))
        else line
        for line in _LINE_BREAK.split(cell)
    )


def _one_line(text: str) -> str:
    text = _LINE_BREAK.sub(" ", text)
    return f" {text}" if text.startswith(RECORD_END) else text


def _mol_blocks(smiles: Sequence[Any]) -> list[str]:
    """Return a mol block with 2D coordinates for each row, without atoms where none is valid.

    Their first line, the title, is empty. Large molecules have no coordinates, and with them no
    stereochemistry.
    """
    parsed = parse_molecules(smiles)
    valid = iter(parsed.mols)
    mols = [next(valid) if is_valid else Mol() for is_valid in parsed.valid]
    return [_mol_block(mol) for mol in mols]


def _mol_block(mol: Mol) -> str:
    with quiet_rdkit():
        if mol.GetNumAtoms() > _MAX_DRAWN:
            return MolToMolBlock(mol, includeStereo=False)
        Compute2DCoords(mol)
        return MolToMolBlock(mol)


def _field_names(own: Sequence[str], added: Sequence[str], *, check_own: bool) -> list[str]:
    """Return the names of all fields, or raise a ValueError if an SD file cannot hold them."""
    own = [name or f"column {position}" for position, name in enumerate(own, start=1)]
    checked = [*own, *added] if check_own else list(added)
    twice = sorted({name for name in checked if checked.count(name) > 1})
    if twice:
        raise ValueError(f"An SD file cannot hold two fields of one name, here {twice}.")
    broken = [name for name in checked if _LINE_BREAK.search(name)]
    if broken:
        raise ValueError(
            f"The name of a field of an SD file is one line; expected no line breaks in {broken}."
        )
    return [*own, *added]
