"""Text files of columns: which character separates them, and what may be wrong."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

SEPARATORS = (",", ";", "\t", "|")
# Enough characters to detect the separator.
SAMPLE_SIZE = 65_536
_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=([^\w\"\r\n])\"?(\r\n|\r|\n|$)", re.IGNORECASE)


def separator_line(text: str) -> tuple[str, str] | None:
    """Return Excel's first line ``sep=;``, if there is one, and the separator that it names."""
    found = _SEPARATOR_LINE.match(text)
    return (found[0], found[1]) if found else None


def guess_separator(
    text: str, score_header: Callable[[list[str]], float], usual: str = SEPARATORS[0]
) -> str:
    """Return the separator that shows the wanted columns and cuts all rows alike.

    Parameters
    ----------
    text : str
        The file, or more than its first `SAMPLE_SIZE` characters.
    score_header : callable
        Tells how well the columns that are looked for are found in a header.
    usual : str
        Preferred if nothing tells the separators apart.
    """

    def fitness(separator: str) -> tuple[float, bool, int]:
        sample = io.StringIO(text[:SAMPLE_SIZE], newline="")
        try:
            records = [row for row in csv.reader(sample, delimiter=separator) if any(row)]
        except csv.Error:
            return 0, False, 0
        if not records:
            return 0, True, 0
        if len(text) > SAMPLE_SIZE and len(records) > 1:  # the last record may be cut
            records.pop()
        header = [cell.strip() for cell in records[0]]
        alike = len(header) > 1 and {len(record) for record in records} == {len(header)}
        return score_header(header), alike, len(header)

    return max(sorted(SEPARATORS, key=lambda separator: separator != usual), key=fitness)


def explain_csv_error(error: csv.Error, path: Path, line: int) -> ValueError:
    """Return the error for a record that Python's csv cannot read.

    Parameters
    ----------
    error : csv.Error
    path : Path
    line : int
        Where the record begins, from 1.
    """
    if "field limit" in str(error):
        return ValueError(
            f"{path}: the record that begins in line {line} has a cell of more than "
            f"{csv.field_size_limit():,} characters. Often a quote in or before that line is never "
            "closed, and the rest of the file is taken for one cell: close or remove it. If the "
            "cell is so long, remove that column."
        )
    return ValueError(
        f"{path}: the quotes in the record that begins in line {line} are wrong ({error}). A "
        'cell that begins with " must end with ", and " inside it is written "".'
    )
