"""Several targets with gaps, as the networks and the baselines read them."""

import numpy as np

from skchem_dl._rows import is_missing


def missing_as_nan(y: np.ndarray) -> np.ndarray:
    """Return y with NaN for None and pandas' NA."""
    return np.where(is_missing(y), np.nan, y) if y.dtype.kind == "O" else y


def multilabel_values(y: np.ndarray) -> np.ndarray:
    """Return ``(n, t)`` labels as float64, any kind of missing ones as NaN."""
    return missing_as_nan(y).astype(np.float64)


def check_multilabel(y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return ``(n, t)`` labels as float64 if they are 0, 1 or missing.

    `rows` are the row numbers of the n, for the message.
    """
    expected = f"y of {y.shape[1]} columns must hold 0, 1 and NaN (not measured)"
    try:
        values = multilabel_values(y)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{expected}, but: {error}.") from error
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(f"{expected}; row {rows[row]}, column {column} is {y[row, column]!r}.")
    return values


def refuse_empty_columns(missing: np.ndarray) -> None:
    """Raise a ValueError if a column of y is missing altogether."""
    empty = missing.all(axis=0)
    if empty.any():
        raise ValueError(
            f"Column {empty.argmax()} of y has no measured value at all. Leave it out."
        )
