"""Records of text files: the text of each, and the fields that it holds."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

BYTE_ORDER_MARK = "\ufeff"
_CX_SMILES = re.compile(r"\S+[ \t]+\|[^|]*\|(?=[ \t]|$)")


class Record(NamedTuple):
    """One record of a text file."""

    line: int  # where it begins, from 1
    raw: str  # all of it, with the end of its line
    fields: list[str]


class Lines:
    """Lines of a file without its byte order mark.

    It keeps the lines since the last record, so that a record can be written again unchanged, and
    the line where it began.

    Parameters
    ----------
    file : text file
    path : Path
        For the messages.
    """

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file, self._path = file, path
        self.line = 0
        self.record_line = 1
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.line += 1
            if "\0" in line:
                raise ValueError(describe_nul(self._path, self.line))
            self.taken.append(line)
            yield line.removeprefix(BYTE_ORDER_MARK) if self.line == 1 else line

    def read_sample(self, size: int) -> str:
        """Return the next characters, which are then no longer among the lines."""
        return self._file.read(size).removeprefix(BYTE_ORDER_MARK)

    def record(self, fields: list[str]) -> Record:
        """Return the lines since the last record as one."""
        record = Record(self.record_line, "".join(self.taken), fields)
        self.taken.clear()
        self.record_line = self.line + 1
        return record


@contextmanager
def open_lines(path: Path, encoding: str, *, gzipped: bool, newline: str) -> Iterator[Lines]:
    """Open a text file that may be gzipped; errors of compression and encoding name the file."""
    open_bytes: Any = gzip.open if gzipped else open
    with (
        open_bytes(path, "rb") as raw,
        io.TextIOWrapper(raw, encoding=encoding, newline=newline) as file,
    ):
        lines = Lines(file, path)
        try:
            yield lines
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is not {encoding}, soon after line {lines.line}: {error}. Set encoding= "
                "to the encoding of the file, 'cp1252' for instance."
            ) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is damaged or was cut short: {error}") from error


def csv_records(lines: Lines, delimiter: str) -> Iterator[Record]:
    """Read CSV."""
    for fields in csv.reader(lines, delimiter=delimiter, strict=True):
        yield lines.record(fields or [""])  # an empty line is a row of one empty field


def smi_records(lines: Lines) -> Iterator[Record]:
    """Read SMI: a SMILES or CXSMILES, and after spaces or tabs a name, which may hold more."""
    for line in lines:
        text = line.strip(" \t\r\n")
        extended = _CX_SMILES.match(text)
        if extended:
            yield lines.record([extended[0], text[extended.end() :].lstrip(" \t")])
        else:
            yield lines.record([*re.split(r"[ \t]+", text, maxsplit=1), ""][:2])


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
    """Return the end of a record's line, "" for the last of a file that ends without."""
    return raw[len(raw.rstrip("\r\n")) :]


def describe_nul(path: Path, line: int) -> str:
    """Return the message for a NUL character in a text file."""
    return (
        f"{path}: line {line} contains a NUL character (a zero byte), which text files do not "
        "have. If every other byte is zero, the file is UTF-16: set encoding='utf-16-le' or "
        "'utf-16-be'. Otherwise the file is binary or damaged: export or copy it again, or remove "
        "the zero bytes."
    )
