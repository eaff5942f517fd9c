"""CSV and SMI files, read record by record."""

import csv
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from skchem_dl._readers.columns import header_score, refuse_molecule_as_header
from skchem_dl._readers.delimited import (
    SAMPLE_SIZE,
    explain_csv_error,
    guess_separator,
    separator_line,
)
from skchem_dl._readers.lines import (
    Lines,
    Record,
    csv_records,
    open_lines,
    smi_records,
    without_blank_end,
)
from skchem_dl.screening._formats import Format, find_smiles_column

_N_CHECKED = 100  # rows of an SMI file
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
        self.reasons: dict[int, str] = {}
        self.smiles = [record.fields[smiles_at] for record in records]
        self._names = names

    def cells(self) -> list[list[str]]:
        """Return the rows as text."""
        return [record.fields for record in self.records]

    def table(self) -> Any:
        """Return the rows as a table of strings, in which nothing can be misread as a number."""
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
    guess_delimiter : bool, default=False
        Whether the delimiter of `form` is only what the file's name tells.

    Attributes
    ----------
    form : Format
        With the delimiter that the file has.
    names : list of str
        Its columns; "smiles" and "name" for an SMI file without a header.
    header : Record or None
        None if there is none. Its text includes Excel's line ``sep=;`` before it.
    """

    def __init__(
        self,
        path: Path,
        form: Format,
        encoding: str,
        smiles_column: str | None,
        *,
        guess_delimiter: bool = False,
    ) -> None:
        self.path, self.form, self._encoding = path, form, encoding
        self._has_separator_line = False
        if form.kind == "smi":
            self._start_smi()
            return
        self._find_delimiter(smiles_column, guess_delimiter)
        with self._opened() as records:
            first = next(records, None)
        if first is None:
            raise ValueError(f"{path} is empty; expected a line with the columns' names.")
        self.header: Record | None = first
        self.names = first.fields
        self._smiles_at = find_smiles_column(self.names, smiles_column, path)
        refuse_molecule_as_header(
            self.names[self._smiles_at],
            path,
            ", or rename a file of nothing but SMILES (and names behind a space) to .smi, which "
            "needs none",
        )

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
                f"header:{shown}{more}\nFix those lines; nothing has been predicted yet."
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

    def _start_smi(self) -> None:
        """Find the header, and refuse a file of another kind."""
        with self._opened() as records:
            some = list(islice(records, _N_CHECKED))
        for mark in ",;":
            if some and all(mark in record.fields[0] for record in some):
                raise ValueError(
                    f"{self.path}: the fields seem to be separated by {mark!r}, but in .smi files "
                    "a space or a tab follows the SMILES. Rename the file to .csv, and add a "
                    "header line if it has none."
                )
        has_header = bool(some) and "smiles" in some[0].fields[0].lower()
        self.header = some[0] if has_header else None
        smiles, name = some[0].fields if has_header else ("smiles", "name")
        self.names, self._smiles_at = [smiles, name or "name"], 0

    def _find_delimiter(self, smiles_column: str | None, guess: bool) -> None:
        """Look for Excel's line ``sep=;``, then guess the delimiter if it is not known."""
        with self._open_lines() as lines:
            sample = lines.read_sample(SAMPLE_SIZE + 1)
        named = separator_line(sample)
        self._has_separator_line = named is not None
        if not guess:
            return
        delimiter = (
            named[1]
            if named
            else guess_separator(sample, header_score(smiles_column, []), self.form.delimiter)
        )
        self.form = self.form._replace(delimiter=delimiter)

    @contextmanager
    def _opened(self) -> Iterator[Iterator[Record]]:
        """Open it as an iterator of records; errors name the line."""
        with self._open_lines() as lines:
            if self.form.kind == "smi":
                yield without_blank_end(smi_records(lines))
                return
            if self._has_separator_line:
                next(iter(lines))  # the header's text will include it
            delimiter = self.form.delimiter
            try:
                yield without_blank_end(csv_records(lines, delimiter), delimiter)
            except csv.Error as error:
                raise explain_csv_error(error, self.path, lines.record_line) from error

    def _open_lines(self) -> AbstractContextManager[Lines]:
        return open_lines(self.path, self._encoding, gzipped=self.form.gzipped, newline="")
