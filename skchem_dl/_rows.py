"""Missing values, valid rows, and putting results for these back among all rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp


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


def count_in_rows(X: Any, holds: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Count the (stored) values of each row for which something holds.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    holds : callable
        Takes an array, gives one of the same shape, bool.

    Returns
    -------
    ndarray of shape (n,)
    """
    if not sp.issparse(X):
        return holds(X).sum(axis=1)
    row_of = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    return np.bincount(row_of, weights=holds(X.data), minlength=X.shape[0])


def valid_rows(X: Any, names: Sequence[str] | None = None) -> np.ndarray:
    """Find the rows that stand for molecules: all but those of nothing but NaN.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    names : sequence of str, optional
        Names of the columns, for the message.

    Returns
    -------
    ndarray of shape (n,), bool

    Raises
    ------
    ValueError
        If a row is NaN or infinite in part.
    """
    if _all_finite(X.data if sp.issparse(X) else X):
        return np.ones(X.shape[0], dtype=bool)
    n_nan = count_in_rows(X, np.isnan)
    bad = count_in_rows(X, _not_finite) > 0
    invalid = n_nan == X.shape[1]
    partly = np.flatnonzero(bad & ~invalid)
    if len(partly):
        raise ValueError(_describe_partly(X, int(partly[0]), len(partly), names))
    return ~invalid


def spread_rows(values: Any, valid: np.ndarray) -> Any:
    """Give every row its place: `values` where `valid`, NaN (None among strings) elsewhere.

    Parameters
    ----------
    values : ndarray of shape (m, ...), or CSR of shape (m, d)
        One row for each true entry of `valid`, in order.
    valid : ndarray of shape (n,), bool

    Returns
    -------
    ndarray of shape (n, ...), or CSR of shape (n, d)
        `values` itself where all are valid; otherwise floats (integers become float64), or
        objects where the values are no numbers.
    """
    if valid.all():
        return values
    if sp.issparse(values):
        return _spread_sparse(values, valid)
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


def _spread_sparse(rows: Any, valid: np.ndarray) -> Any:
    """Store NaN in every column of the other rows: a CSR cannot say "all missing" in less."""
    n, d = len(valid), rows.shape[1]
    lengths = np.full(n, d)
    lengths[valid] = np.diff(rows.indptr)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    n_stored = int(indptr[-1])
    index_dtype = sp.get_index_dtype(maxval=max(n_stored, d))  # not all estimators take int64
    from_valid = np.repeat(valid, lengths)
    data = np.full(n_stored, np.nan, dtype=np.result_type(rows.dtype, np.float32))
    data[from_valid] = rows.data
    indices = np.tile(np.arange(d, dtype=index_dtype), n - int(valid.sum()))
    columns = np.empty(n_stored, dtype=index_dtype)
    columns[from_valid] = rows.indices
    columns[~from_valid] = indices
    return type(rows)((data, columns, indptr.astype(index_dtype)), shape=(n, d))


def as_plain(values: np.ndarray) -> np.ndarray:
    """Give objects as numbers or truth values, where they are nothing else.

    Parameters
    ----------
    values : ndarray of shape (n, ...)

    Returns
    -------
    ndarray of the same shape
        `values` itself where there is text among them, or a gap.
    """
    if values.dtype.kind != "O":
        return values
    plain = np.array(values.tolist())
    kind = plain.dtype.kind
    return plain if kind in "biu" or (kind == "f" and not np.isnan(plain).any()) else values


def _is_missing(value: Any) -> bool:
    # pandas' NA is not even unequal to itself.
    return value is None or type(value).__name__ == "NAType" or value != value


def _all_finite(values: np.ndarray) -> bool:
    if values.dtype.kind in "iub":
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        # A sum is several times as fast; one that overflows says nothing.
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def _not_finite(values: np.ndarray) -> np.ndarray:
    return ~np.isfinite(values)


def _describe_partly(X: Any, row: int, n_rows: int, names: Sequence[str] | None) -> str:
    values = X[[row]]
    values = (values.toarray() if sp.issparse(values) else np.asarray(values))[0]
    column = int(np.flatnonzero(~np.isfinite(values))[0])
    name = "" if names is None else f" ({names[column]!r})"
    return (
        f"Input X contains NaN or infinity in part of {n_rows} row(s), first in row {row}, column "
        f"{column}{name}: {values[column]}. Impute missing values before this step, e.g. with "
        "skchem_dl.preprocessing.DescriptorScaler. (Only a row of nothing but NaN stands for an "
        "invalid molecule and is passed over.)"
    )


def as_labels(y: Any) -> Any:
    """Give y as what has a shape, with gaps among text that is in a list.

    Parameters
    ----------
    y : array-like of n rows

    Returns
    -------
    array, Series or frame
    """
    if hasattr(y, "shape"):
        return y
    values = np.asarray(y)
    if values.dtype.kind == "U":  # numpy writes NaN as "nan"
        objects = np.asarray(y, dtype=object)
        return objects if is_missing(objects).any() else values
    return values
