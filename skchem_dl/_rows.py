"""Putting results for the valid rows back among all rows."""

import numpy as np


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
