"""A text file of columns as it stands: records, header, separator. Nothing is converted yet."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from skchem_dl._readers.delimited import explain_csv_error, guess_separator, separator_line
from skchem_dl.datasets._bytes import decode, read_unpacked
from skchem_dl.exceptions import InvalidMolecule, first_five, shorten


class Table(NamedTuple):
    """The n rows below a header, as text."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]  # in which line of the file each row begins, counted from 1
    encoding: str
    separator: str  # "" for SD files
    invalid: tuple[InvalidMolecule, ...] = ()  # rows that have no SMILES, and why

    def column(self, name: str) -> list[str]:
        """Return the cells of a column."""
        position = self.header.index(name)
        return [row[position] for row in self.rows]

    def where(self, row: int) -> str:
        """Say where a row stands."""
        return f"row {row} (line {self.lines[row]})"


def read_table(
    path: Path,
    encoding: str | None = None,
    separator: str | None = None,
    score_header: Callable[[list[str]], float] = lambda header: 0,
) -> Table:
    """Read a table, and find out encoding and separator where they are not given.

    The standard library's reader is used rather than pandas', which fills short rows, shifts or
    cuts long ones and renames repeated columns without a word, and does not tell lines.

    Parameters
    ----------
    path : Path
    encoding, separator : str or None
    score_header : callable
        Tells how well the columns that are looked for are found in a header; a separator that
        makes more of them appear is the better guess.

    Returns
    -------
    Table
        Cells without white space around them. Rows of nothing but empty cells are no rows.

    Raises
    ------
    ValueError
        If the file is empty, is no text, has no rows, or its quotes, header or rows are wrong.
    """
    text, encoding = decode(read_unpacked(path), encoding, path)
    first_line = 1
    if named := separator_line(text):
        text, first_line = text.removeprefix(named[0]), 2
        separator = separator or named[1]
    if separator is None:
        separator = guess_separator(text, score_header)
    numbered = [
        (line, cells)
        for line, record in _records(text, separator, path, first_line)
        if any(cells := [cell.strip() for cell in record])
    ]
    if not numbered:
        raise ValueError(f"{path} is empty. Expected a header and one row for each molecule.")
    header = _check_header(numbered[0][1], path)
    if len(numbered) == 1:
        raise ValueError(f"{path} has the header {header}, but no rows below it.")
    lines, rows = zip(*numbered[1:], strict=True)
    table = Table(path, header, list(rows), list(lines), encoding, separator)
    _check_lengths(table)
    return table


def _records(
    text: str, separator: str, path: Path, first_line: int
) -> Iterator[tuple[int, list[str]]]:
    """Return each record with the line in which it begins; a quoted cell may span lines."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        strict=True,
        skipinitialspace=separator != " ",
    )
    line = first_line
    try:
        for record in reader:
            yield line, record
            line = first_line + reader.line_num
    except csv.Error as error:
        raise explain_csv_error(error, path, line) from error


def _check_header(header: list[str], path: Path) -> list[str]:
    """Return names to unnamed columns, and refuse a name that occurs twice."""
    header = [name or f"column {position}" for position, name in enumerate(header, start=1)]
    for name, count in Counter(header).items():
        if count > 1:
            positions = [i for i, other in enumerate(header, start=1) if other == name]
            raise ValueError(
                f"{path}: the header has {name!r} more than once, as columns {positions}. Rename "
                "all but one."
            )
    return header


def _check_lengths(table: Table) -> None:
    expected = len(table.header)
    wrong = [
        f"line {line} has {len(row)}: {shorten(str(row))}"
        for line, row in zip(table.lines, table.rows, strict=True)
        if len(row) != expected
    ]
    if wrong:
        raise ValueError(
            f"{table.path}: {len(wrong)} of {len(table.rows)} rows do not have as many cells as "
            f"the header, which has {expected} (separator {table.separator!r}):\n"
            f"{first_five(wrong)}\n"
            'A separator inside a cell needs quotes around it: "...". If the separator was '
            "guessed wrong, pass separator=."
        )
