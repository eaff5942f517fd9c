"""What y holds, as one matrix of numbers for all kinds of targets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skchem_dl._rows import as_labels, as_plain, is_missing
from skchem_dl._targets import check_multilabel, missing_as_nan, refuse_empty_columns


@dataclass(frozen=True)
class Targets:
    """Measured values, or numbers of classes, with NaN in gaps and in rows that do not count."""

    values: np.ndarray  # (n, t) float64
    is_flat: bool  # whether y was of shape (n,)
    classes: np.ndarray | None = None  # (K,); of several labels, their numbers

    @property
    def are_classes(self) -> bool:
        """Whether they are numbers of classes."""
        return self.classes is not None and self.is_flat

    @property
    def class_names(self) -> np.ndarray | None:
        """Return the classes, unless they are several labels, or numbers."""
        return self.classes if self.are_classes else None

    @property
    def n_columns(self) -> int:
        """Return how many numbers are predicted for a row: targets, or classes."""
        return self.values.shape[1] if self.classes is None else len(self.classes)

    def for_members(self) -> np.ndarray:
        """Return y as the members are to learn it."""
        if self.are_classes:
            codes = np.nan_to_num(self.values[:, 0]).astype(np.int64)
            return self.classes[codes]  # type: ignore[index]
        if self.classes is not None and not np.isnan(self.values).any():
            return self.values.astype(np.int64)
        return self.values[:, 0] if self.values.shape[1] == 1 else self.values

    def labels(self) -> np.ndarray:
        """Return which rows show what each model has to see, (n, k) bool."""
        if self.classes is None:
            measured = ~np.isnan(self.values)
            return measured[:, :0] if measured.shape[1] == 1 else measured
        kinds = range(len(self.classes)) if self.are_classes else range(2)
        return np.hstack([self.values == kind for kind in kinds])

    def take(self, rows: np.ndarray) -> "Targets":
        """Return those of some rows."""
        return Targets(self.values[rows], self.is_flat, self.classes)


def read_numbers(y: Any, valid: np.ndarray) -> Targets:
    """Return numbers, with gaps only in y of several columns."""
    values = check_array(
        missing_as_nan(_as_array(y)),
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite="allow-nan",
        input_name="y",
    )
    is_flat = values.ndim == 1
    if is_flat:
        _refuse_gaps(np.isnan(values), valid)
    values = np.where(valid[:, None], values.reshape(len(values), -1), np.nan)
    if valid.any():
        refuse_empty_columns(np.isnan(values))
    return Targets(values, is_flat)


def read_classes(y: Any, valid: np.ndarray) -> Targets:
    """Return classes by number, or several labels of 0, 1 and NaN."""
    labels = _as_array(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = column_or_1d(labels, warn=True)
    rows = np.flatnonzero(valid)
    if labels.ndim != 1:
        values = np.full(labels.shape, np.nan)
        values[rows] = check_multilabel(labels[rows], rows)
        if len(rows):
            refuse_empty_columns(np.isnan(values))
        return Targets(values, False, np.arange(labels.shape[1]))
    _refuse_gaps(is_missing(labels), valid)
    known = as_plain(labels[rows])
    if known.dtype.kind == "f" and np.isinf(known).any():
        first = rows[np.isinf(known).argmax()]
        raise ValueError(f"Input y contains infinity, first in row {first}.")
    check_classification_targets(known)
    classes, codes = np.unique(known, return_inverse=True)
    values = np.full((len(labels), 1), np.nan)
    values[rows, 0] = codes
    return Targets(values, True, classes)


def _as_array(y: Any) -> np.ndarray:
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    values = np.asarray(as_labels(y))
    if values.ndim not in (1, 2):
        raise ValueError(f"y has shape {values.shape}; expected (rows,) or (rows, targets).")
    return values


def _refuse_gaps(missing: np.ndarray, valid: np.ndarray) -> None:
    gaps = np.flatnonzero(missing & valid)
    if len(gaps):
        raise ValueError(
            f"Input y contains NaN: {len(gaps)} of {len(missing)} values are missing, the first in "
            f"row {gaps[0]}. Leave those rows out."
        )
