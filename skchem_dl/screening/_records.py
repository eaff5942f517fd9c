"""Records of text files: what stood there, and the fields that it holds."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

_BOM = "\ufeff"


class Record(NamedTuple):
    """One row of a text file."""

    line: int  # where it begins, from 1
    raw: str  # all of it, with the end of its line
    fields: list[str]


class Lines:
    """Lines of a file without its byte order mark.

    Whoever makes records of them asks for the lines since the last one, so that a record can be
    written again as it stood, and for the line where it began.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.line = 0
        self.record_line = 1
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.line += 1
            self.taken.append(line)
            yield line.removeprefix(_BOM) if self.line == 1 else line

    def record(self, fields: list[str]) -> Record:
        """Give the lines since the last record as one."""
        record = Record(self.record_line, "".join(self.taken), fields)
        self.taken.clear()
        self.record_line = self.line + 1
        return record


def csv_records(lines: Lines, delimiter: str) -> Iterator[Record]:
    """Read CSV."""
    for fields in csv.reader(lines, delimiter=delimiter, strict=True):
        yield lines.record(fields or [""])  # an empty line is a row of one empty field


def smi_records(lines: Lines) -> Iterator[Record]:
    """Read SMI: a SMILES, and after spaces or tabs a name, which may hold more of them."""
    for line in lines:
        parts = re.split(r"[ \t]+", line.strip(" \t\r\n"), maxsplit=1)
        yield lines.record([*parts, ""][:2])


def without_blank_end(records: Iterable[Record], delimiter: str = "") -> Iterator[Record]:
    """Leave out blank lines that nothing follows; a tab may part two fields, both empty."""
    blank = " \t\r\n".replace(delimiter, "")
    held: list[Record] = []
    for record in records:
        held.append(record)
        if record.raw.strip(blank):
            yield from held
            held.clear()


def line_end(raw: str) -> str:
    """Give the end of a record's line, "" for the last of a file that ends without."""
    return raw[len(raw.rstrip("\r\n")) :]
