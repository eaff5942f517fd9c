"""CSV and SMI files, read record by record."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from skchem_dl.screening._formats import Format, find_smiles_column
from skchem_dl.screening._records import (
    Lines,
    Record,
    csv_records,
    smi_records,
    without_blank_end,
)

_N_SHOWN = 5


class TextChunk:
    """Some rows of a text file.

    Parameters
    ----------
    records : list of Record
    names : list of str
        The file's columns.
    smiles_at : int
        Position of the SMILES among them.
    """

    def __init__(self, records: list[Record], names: list[str], smiles_at: int) -> None:
        self.records = records
        self.smiles = [record.fields[smiles_at] for record in records]
        self._names = names

    def cells(self) -> list[list[str]]:
        """Give the rows as text."""
        return [record.fields for record in self.records]

    def table(self) -> Any:
        """Give the rows as a table of strings, in which nothing can be misread as a number."""
        import pyarrow as pa

        columns = zip(*self.cells(), strict=True)
        return pa.table([pa.array(column, pa.string()) for column in columns], names=self._names)


class TextSource:
    """A CSV file with a header, or an SMI file with or without one.

    Parameters
    ----------
    path : Path
    form : Format
    encoding : str
    smiles_column : str or None

    Attributes
    ----------
    form : Format
    names : list of str
        Its columns; "smiles" and "name" for an SMI file without a header.
    header : Record or None
        None if there is none.
    """

    def __init__(self, path: Path, form: Format, encoding: str, smiles_column: str | None) -> None:
        self.path, self.form, self._encoding = path, form, encoding
        with self._opened() as records:
            first = next(records, None)
        if form.kind == "smi":
            self.header = first if first and "smiles" in first.fields[0].lower() else None
            smiles, name = self.header.fields if self.header else ("smiles", "name")
            self.names, self._smiles_at = [smiles, name or "name"], 0
            return
        if first is None:
            raise ValueError(f"{path} is empty; expected a line with the columns' names.")
        self.header, self.names = first, first.fields
        self._smiles_at = find_smiles_column(self.names, smiles_column, path)

    def count_rows(self) -> int:
        """Read it all, and count the rows.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If a row has too few or too many fields, or is no text in that encoding.
        """
        n_rows, n_wrong, width = 0, 0, len(self.names)
        shown = ""
        with self._opened() as records:
            for record in self._rows(records):
                n_rows += 1
                if len(record.fields) != width:
                    n_wrong += 1
                    if n_wrong <= _N_SHOWN:
                        shown += f"\n  line {record.line}: {len(record.fields)} field(s)"
        if n_wrong:
            more = f"\n  ... and {n_wrong - _N_SHOWN} more" if n_wrong > _N_SHOWN else ""
            raise ValueError(
                f"{self.path}: {n_wrong} of {n_rows} rows do not have the {width} fields of the "
                f"header:{shown}{more}\nMend those lines; nothing has been predicted yet."
            )
        return n_rows

    def chunks(self, start: int, size: int) -> Iterator[TextChunk]:
        """Yield the rows from `start` on, `size` at a time.

        Parameters
        ----------
        start : int
        size : int

        Yields
        ------
        TextChunk
        """
        with self._opened() as records:
            rows = islice(self._rows(records), start, None)
            while some := list(islice(rows, size)):
                yield TextChunk(some, self.names, self._smiles_at)

    def _rows(self, records: Iterator[Record]) -> Iterator[Record]:
        return islice(records, 0 if self.header is None else 1, None)

    @contextmanager
    def _opened(self) -> Iterator[Iterator[Record]]:
        """Open it as an iterator of records, and say of errors where they are."""
        open_bytes: Any = gzip.open if self.form.gzipped else open
        with (
            open_bytes(self.path, "rb") as raw,
            io.TextIOWrapper(raw, encoding=self._encoding, newline="") as file,
        ):
            numbered = Lines(file)
            try:
                if self.form.kind == "smi":
                    yield without_blank_end(smi_records(numbered))
                else:
                    delimiter = self.form.delimiter
                    yield without_blank_end(csv_records(numbered, delimiter), delimiter)
            except csv.Error as error:
                raise ValueError(
                    f"{self.path}, in the row that begins in line {numbered.record_line}: {error}"
                ) from error
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{self.path} is not {self._encoding}, soon after line {numbered.line}: "
                    f"{error}. Say what it is with encoding=, 'cp1252' for instance."
                ) from error
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise ValueError(f"{self.path} is damaged or was cut short: {error}") from error
