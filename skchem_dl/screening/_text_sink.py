"""Rows of text files with predictions appended; the original text is copied unchanged."""

import csv
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from skchem_dl._readers.lines import Record, line_end
from skchem_dl.screening._encoder import Encoder
from skchem_dl.screening._formats import Format
from skchem_dl.screening._predictor import Predictions, as_text

_LINE_END = "\r\n"


class TextSink:
    """Rows of text, with the predictions as further fields.

    Parameters
    ----------
    form : Format
    encoding : str
    source : Source
        What the rows come from; those of the same format are copied as they stand.
    columns : list of str
        Names of what is added.
    """

    def __init__(self, form: Format, encoding: str, source: Any, columns: list[str]) -> None:
        if form.kind == "smi" and source.form.kind != "smi":
            raise ValueError(
                "An .smi file holds a SMILES and a name, and has no place for the other columns; "
                "write .csv, .tsv or .parquet instead."
            )
        self._form, self._source, self._columns = form, source, columns
        self._encoder = Encoder(encoding, gzipped=form.gzipped)
        self._as_it_stands = source.form._replace(gzipped=form.gzipped) == form
        header = getattr(source, "header", None)
        self._line_end = (line_end(header.raw) if header else "") or "\n"

    def start(self) -> bytes:
        """Return the header, where there should be one."""
        lines: list[str] = []
        if not self._as_it_stands:
            lines = self._lines([[*self._source.names, *self._columns]])
        elif self._source.header is not None:
            lines = self._extended([self._source.header], [self._columns])
        return self._encoder.start("".join(lines))

    def encode(self, chunk: Any, predictions: Predictions) -> bytes:
        """Return rows.

        Parameters
        ----------
        chunk : Chunk
        predictions : Predictions

        Returns
        -------
        bytes
        """
        added = as_text(predictions)
        if self._as_it_stands:
            lines = self._extended(chunk.records, added)
        else:
            rows = zip(chunk.cells(), added, strict=True)
            lines = self._lines([*cells, *more] for cells, more in rows)
        return self._encoder.encode("".join(lines))

    def finish(self, pieces: Path) -> Path:
        """Leave them as they are.

        Parameters
        ----------
        pieces : Path

        Returns
        -------
        Path
        """
        return pieces

    def _extended(self, records: list[Record], added: Iterable[Iterable[str]]) -> list[str]:
        """Append fields to rows whose text is copied unchanged."""
        lines = []
        for record, more in zip(records, self._joined(added), strict=True):
            end = line_end(record.raw)
            text = record.raw[: len(record.raw) - len(end)]
            if self._form.kind == "smi" and not record.fields[1]:
                text = text.rstrip(" \t") + self._form.delimiter  # or the name would be a number
            lines.append(f"{text}{self._form.delimiter}{more}{end or self._line_end}")
        return lines

    def _lines(self, rows: Iterable[Iterable[str]]) -> list[str]:
        return [line + self._line_end for line in self._joined(rows)]

    def _joined(self, rows: Iterable[Iterable[str]]) -> list[str]:
        """Join the fields of each row, with quotes where they are needed."""
        lines: list[str] = []
        # It quotes the characters of its own line end only, and a file may have another.
        writer = csv.writer(
            SimpleNamespace(write=lines.append),
            delimiter=self._form.delimiter,
            lineterminator=_LINE_END,
        )
        writer.writerows(rows)
        return [line.removesuffix(_LINE_END) for line in lines]
