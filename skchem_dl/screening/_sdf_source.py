"""SD files, read record by record."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from skchem_dl._readers.lines import Record, open_lines
from skchem_dl._readers.mol_blocks import read_molecules_of
from skchem_dl._readers.sdf import own_columns, parse_record, sdf_records
from skchem_dl.screening._formats import Format


class SDFChunk:
    """Some records of an SD file.

    Parameters
    ----------
    records : list of Record
    names : list of str
        The columns: those of titles and of SMILES, then the data fields.
    """

    def __init__(self, records: list[Record], names: list[str]) -> None:
        self.records = records
        self._names = names
        self._parsed = [parse_record(record) for record in records]
        self.smiles, self.reasons = read_molecules_of(self._parsed)

    def cells(self) -> list[list[str]]:
        """Return the rows as text; a field that a record lacks is empty."""
        return [["" if cell is None else cell for cell in row] for row in self._rows()]

    def table(self) -> Any:
        """Return the rows as a table of strings; a field that a record lacks is null."""
        import pyarrow as pa

        columns = zip(*self._rows(), strict=True)
        return pa.table([pa.array(column, pa.string()) for column in columns], names=self._names)

    def _rows(self) -> Iterator[list[str | None]]:
        fields = self._names[2:]
        for record, smiles in zip(self._parsed, self.smiles, strict=True):
            yield [record.title, smiles, *map(record.fields.get, fields)]


class SDFSource:
    """An SD file.

    Parameters
    ----------
    path : Path
    form : Format
    encoding : str

    Attributes
    ----------
    form : Format
    names : list of str
        Its columns: those of titles and of SMILES, then the data fields of all records in the
        order in which they first occur.
    """

    def __init__(self, path: Path, form: Format, encoding: str) -> None:
        self.path, self.form, self._encoding = path, form, encoding
        self._n_rows = 0
        fields: dict[str, None] = {}
        with self._opened() as records:
            for record in records:
                self._n_rows += 1
                fields |= dict.fromkeys(parse_record(record).fields)
        self.names = [*own_columns(fields), *fields]

    def count_rows(self) -> int:
        """Return the number of records."""
        return self._n_rows

    def chunks(self, start: int, size: int) -> Iterator[SDFChunk]:
        """Yield the records from `start` on, `size` at a time."""
        with self._opened() as records:
            rows = islice(records, start, None)
            while some := list(islice(rows, size)):
                yield SDFChunk(some, self.names)

    @contextmanager
    def _opened(self) -> Iterator[Iterator[Record]]:
        # As RDKit does, lines are cut at "\n" only: a title may hold a stray "\r".
        with open_lines(
            self.path, self._encoding, gzipped=self.form.gzipped, newline="\n"
        ) as lines:
            yield sdf_records(lines)
