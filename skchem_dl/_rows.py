"""Missing values, and putting results for the valid rows back among all rows."""

from typing import Any

import numpy as np


def is_missing(values: np.ndarray) -> np.ndarray:
    """Say which values are NaN, None or pandas' NA.

    Parameters
    ----------
    values : ndarray of any shape and type

    Returns
    -------
    ndarray of the same shape, bool
    """
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind == "O":
        return np.frompyfunc(_is_missing, 1, 1)(values).astype(bool)
    return np.zeros(values.shape, dtype=bool)


def spread_rows(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Give every row its place: `values` where `valid`, NaN (None among strings) elsewhere.

    Parameters
    ----------
    values : ndarray of shape (m, ...)
        One row for each true entry of `valid`, in order.
    valid : ndarray of shape (n,), bool

    Returns
    -------
    ndarray of shape (n, ...)
        `values` itself where all are valid; otherwise floats (integers become float64), or
        objects where the values are no numbers.
    """
    if valid.all():
        return values
    kind = values.dtype.kind
    if kind == "f":
        dtype, missing = values.dtype, np.nan
    elif kind in "iub":
        dtype, missing = np.dtype(np.float64), np.nan
    else:
        dtype, missing = np.dtype(object), None
    rows = np.full((len(valid), *values.shape[1:]), missing, dtype=dtype)
    rows[valid] = values
    return rows


def _is_missing(value: Any) -> bool:
    # pandas' NA is not even unequal to itself.
    return value is None or type(value).__name__ == "NAType" or value != value
