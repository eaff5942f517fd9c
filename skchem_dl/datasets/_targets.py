"""The target columns of a table: numbers or class labels, with their gaps."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from skchem_dl._rows import is_missing
from skchem_dl.datasets._numbers import (
    NotNumber,
    guess_decimal,
    hint,
    is_missing_text,
    read_numbers,
)
from skchem_dl.datasets._table import Table
from skchem_dl.exceptions import first_five, shorten


class Targets(NamedTuple):
    """The targets of the n rows of a table."""

    values: np.ndarray  # (n, t) float64 with NaN, or object with None, where a value is missing
    not_numbers: list[NotNumber]
    decimal: str | None

    def rows_without(self) -> np.ndarray:
        """Return the rows, by number, that have no value in any column."""
        return np.flatnonzero(is_missing(self.values).all(axis=1))


def read_number_columns(
    table: Table, names: list[str], decimal: str | None, na_values: Collection[str]
) -> Targets:
    """Read numbers; what is none becomes NaN and is listed.

    Parameters
    ----------
    table : Table of n rows
    names : list of t str
    decimal : "." or ",", or None to guess
    na_values : collection of str

    Returns
    -------
    Targets
    """
    columns = [table.column(name) for name in names]
    if decimal is None:
        decimal = guess_decimal((text for column in columns for text in column), table.separator)
    read = [
        read_numbers(column, name, decimal, na_values)
        for name, column in zip(names, columns, strict=True)
    ]
    problems = sorted(problem for _, found in read for problem in found)
    return Targets(np.column_stack([values for values, _ in read]), problems, decimal)


def read_label_columns(table: Table, names: list[str], na_values: Collection[str]) -> Targets:
    """Read class labels as text, None where they are missing.

    Parameters
    ----------
    table : Table of n rows
    names : list of t str
    na_values : collection of str

    Returns
    -------
    Targets
    """
    columns = [
        [None if is_missing_text(text, na_values) else text for text in table.column(name)]
        for name in names
    ]
    values = np.empty((len(table.rows), len(names)), dtype=object)
    values[:] = list(zip(*columns, strict=True))
    return Targets(values, [], None)


def describe_not_numbers(table: Table, targets: Targets) -> str:
    """Say how many cells are no numbers, then show the first five.

    Parameters
    ----------
    table : Table
    targets : Targets

    Returns
    -------
    str
    """
    lines = []
    for row, column, value in targets.not_numbers:
        why = hint(value, targets.decimal or ".")
        lines.append(
            f"{table.where(row)}, {column!r}: {shorten(repr(value))}" + (f" ({why})" if why else "")
        )
    return (
        f"{table.path}: {len(lines)} of {targets.values.size} target values are not numbers:\n"
        f"{first_five(lines)}"
    )
