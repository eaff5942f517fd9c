"""The valid rows of everything that has rows, and results for them among all rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp

from skchem_dl._output import follow_sparse_interface
from skchem_dl._rows import as_plain, count_in_rows, is_missing, spread_rows
from skchem_dl.features._molecules import row_subset


def float_dtype(X: Any) -> np.dtype | None:
    """Return the type of numbers as scikit-learn computes with them; None of all else."""
    dtype = getattr(X, "dtype", None)
    if not isinstance(dtype, np.dtype) or dtype.kind not in "fiub":
        return None
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


@contextmanager
def counted_among(n_valid: int, n: int) -> Iterator[None]:
    """Note among which rows an error counts the rows, where some were left out."""
    try:
        yield
    except Exception as error:
        if 0 < n_valid < n:
            error.add_note(f"Rows are counted among the {n_valid} valid ones of {n}.")
        raise


def valid_targets(y: Any, rows: np.ndarray) -> Any:
    """Return the targets of valid rows; with the others, gaps among them may be gone."""
    y = row_subset(as_rows(y), rows)
    if getattr(y, "dtype", None) != np.dtype(object):
        return y
    plain = as_plain(np.asarray(y))
    return y if plain.dtype.kind == "O" else plain


def valid_validation(params: dict[str, Any]) -> dict[str, Any]:
    """Return the valid rows of a validation set, which may by chance be as long as X."""
    if "X_val" not in params:
        return params
    rows = np.flatnonzero(not_all_nan(as_rows(params["X_val"])))
    return {name: row_subset(as_rows(values), rows) for name, values in params.items()}


def as_rows(values: Any) -> Any:
    """Return what can be indexed by rows: CSR, arrays and frames."""
    if sp.issparse(values):
        return values.tocsr()
    return values if hasattr(values, "shape") else np.asarray(values)


def not_all_nan(X: Any) -> np.ndarray:
    """Check which rows have anything but NaN; without columns, all do."""
    values = X if sp.issparse(X) else np.asarray(X).reshape(X.shape[0], -1)
    return count_in_rows(values, is_missing) < max(1, np.prod(X.shape[1:]))


def spread(values: Any, X: Any) -> Any:
    """Return the results for the valid rows of X in their places among all rows."""
    if isinstance(values, list):  # scikit-learn's forests: one array a task
        return [spread(task, X) for task in values]
    values = follow_sparse_interface(values)
    valid = not_all_nan(X)
    if valid.all():
        return values
    values = values[: int(valid.sum())]
    if sp.issparse(values):
        return spread_rows(values.tocsr(), valid)  # imputers give CSC
    rows = spread_rows(np.asarray(values), valid)
    if hasattr(values, "iloc"):  # set_output asked for a frame
        index = X.index if hasattr(X, "iloc") else None
        return type(values)(rows, index=index, columns=values.columns)
    return type(values)(rows, schema=values.columns) if hasattr(values, "columns") else rows
