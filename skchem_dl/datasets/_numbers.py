"""From cells to numbers: decimal marks, missing values, and what is no number."""

import math
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np

# Empty, or what spreadsheets, R and pandas write for it; in any case.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[+-]?(\d+,?\d*|,\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)
_MINUS = str.maketrans({"\u2212": "-"})  # the typographic minus of papers


class NotNumber(NamedTuple):
    """A cell of a target column that holds text."""

    row: int
    column: str
    value: str


def is_missing_text(text: str, na_values: Collection[str]) -> bool:
    """Say whether a cell is empty or says that there is no value."""
    return text.casefold() in _MISSING or text in na_values


def guess_decimal(texts: Iterable[str], separator: str) -> str:
    """Say which mark the numbers are written with.

    It is the comma if some have one, none has a point, and they cannot be thousands
    (``1,234``); in a file separated by semicolons they are not taken for thousands, since
    spreadsheets write that file where the comma is the decimal mark.

    Parameters
    ----------
    texts : iterable of str
    separator : str

    Returns
    -------
    "." or ","
    """
    numbers = [
        text
        for text in (text.translate(_MINUS) for text in texts)
        if _NUMBER.fullmatch(text) or _COMMA_NUMBER.fullmatch(text) or _GROUPED.fullmatch(text)
    ]
    with_comma = [text for text in numbers if "," in text]
    if not with_comma or any("." in text for text in numbers):
        return "."
    if separator != ";" and all(_GROUPED.fullmatch(text) for text in with_comma):
        return "."
    return ","


def read_numbers(
    texts: list[str], column: str, decimal: str, na_values: Collection[str]
) -> tuple[np.ndarray, list[NotNumber]]:
    """Turn the cells of one column into numbers.

    Parameters
    ----------
    texts : list of str of length n
    column : str
    decimal : "." or ","
    na_values : collection of str
        What else means "missing".

    Returns
    -------
    values : ndarray of shape (n,), float64
        NaN where the value is missing or no number.
    problems : list of NotNumber
    """
    values = np.full(len(texts), np.nan)
    problems = []
    for row, text in enumerate(texts):
        if is_missing_text(text, na_values):  # first: "-999" may mean so
            continue
        number = _number(text, decimal)
        if number is None:
            problems.append(NotNumber(row, column, text))
        else:
            values[row] = number
    return values, problems


def hint(text: str, decimal: str) -> str:
    """Guess what somebody meant who wrote this for a number; empty if there is no telling."""
    if text[:1] in "<>≤≥~≈":
        return "a limit, not a value"
    if _GROUPED.fullmatch(text):
        return "thousands or decimals? Pass decimal=',' if these are decimals, or take them out"
    if decimal == "." and _COMMA_NUMBER.fullmatch(text):
        return "a decimal comma, but decimal='.'"
    if decimal == "," and _NUMBER.fullmatch(text):
        return "a decimal point, but decimal=','"
    return ""


def _number(text: str, decimal: str) -> float | None:
    text = text.translate(_MINUS)
    if decimal == ",":
        if not _COMMA_NUMBER.fullmatch(text):
            return None
        text = text.replace(",", ".")
    elif not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None
