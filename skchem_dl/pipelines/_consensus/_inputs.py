"""Which rows a consensus is fitted on."""

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from skchem_dl.graphs import MolGraphs
from skchem_dl.pipelines._consensus._targets import Targets
from skchem_dl.pipelines._valid_rows import not_all_nan


def valid_rows(X: Any) -> np.ndarray:
    """Check which rows are valid; what only the members can read is, (n,) bool."""
    if isinstance(X, MolGraphs):
        return X.n_atoms > 0
    values = np.asarray(X) if hasattr(X, "columns") else X
    if values.dtype.kind not in "fiub":  # molecules
        return np.ones(X.shape[0], dtype=bool)
    return not_all_nan(values)


def rows_that_count(
    valid: np.ndarray, targets: Targets, sample_weight: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that can be learned from, and their weights."""
    measured = ~np.isnan(targets.values).all(axis=1)
    weights = np.ones(len(valid))
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, weights, ensure_non_negative=True)
    rows = np.flatnonzero(valid & measured & (weights > 0))
    if not len(rows):
        n_without = int((valid & ~measured).sum())
        raise ValueError(
            f"None of the {len(valid)} rows can be learnt from: {int((~valid).sum())} are invalid "
            f"molecules, {n_without} have no target, the others no weight."
        )
    return rows, weights[rows]


def groups_of(groups: Any, rows: np.ndarray) -> np.ndarray | None:
    """Return the groups of some rows, if there are any."""
    if groups is None:
        return None
    groups = np.asarray(groups)
    return (groups.astype(str) if groups.dtype.kind == "O" else groups)[rows]
