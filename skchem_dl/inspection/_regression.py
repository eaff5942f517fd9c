"""Measured and predicted values of one task, without the rows that lack either."""

from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from skchem_dl._steps import last_step


class MeasuredPredicted(NamedTuple):
    """What is both measured and predicted, and how many rows are not."""

    y_true: np.ndarray  # (m,)
    y_pred: np.ndarray  # (m,)
    y_std: np.ndarray | None  # (m,)
    n_not_measured: int
    n_not_predicted: int


def predict(estimator: Any, X: Any, *, return_std: bool) -> tuple[Any, Any]:
    """Predict, and give the standard deviations or None.

    Parameters
    ----------
    estimator : fitted regressor or pipeline
    X : of length n
    return_std : bool

    Returns
    -------
    y_pred, y_std : of length n

    Raises
    ------
    TypeError
        If standard deviations are asked of a model that has none.
    """
    if not return_std:
        return estimator.predict(X), None
    last = last_step(estimator)
    if "return_std" not in signature(last.predict).parameters:
        raise TypeError(
            f"The predict of {type(last).__name__} gives no standard deviation (return_std=True); "
            "that of our regressors does, with n_members of 2 or more. Of a search, pass the "
            "best_estimator_."
        )
    return estimator.predict(X, return_std=True)


def pair_up(y_true: Any, y_pred: Any, y_std: Any, task: int | str | None) -> MeasuredPredicted:
    """Take one task and the rows where it is both measured and predicted.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,) or (n, t)
        NaN where there was no measurement, or no molecule.
    y_std : array-like of the same shape, or None
    task : int, str or None
        The column; a name where `y_true` is a frame. None where there is one only.

    Returns
    -------
    MeasuredPredicted

    Raises
    ------
    ValueError
        If shapes differ, if there are several tasks and none is chosen, if no row is left, or if a
        standard deviation is negative.
    """
    arrays = {"y_true": y_true, "y_pred": y_pred, "y_std": y_std}
    tables = {name: _table(values, name) for name, values in arrays.items() if values is not None}
    check_consistent_length(*tables.values())
    n_tasks = {name: table.shape[1] for name, table in tables.items()}
    if len(set(n_tasks.values())) > 1:
        raise ValueError(f"Numbers of tasks differ: {n_tasks}.")
    column = _column_of(task, n_tasks["y_true"], getattr(y_true, "columns", None))
    measured, predicted = tables["y_true"][:, column], tables["y_pred"][:, column]
    std = tables["y_std"][:, column] if "y_std" in tables else None
    is_predicted = ~np.isnan(predicted) if std is None else ~np.isnan(predicted + std)
    is_measured = ~np.isnan(measured)
    both = is_predicted & is_measured
    if not both.any():
        raise ValueError(
            f"None of the {len(both)} rows has both a measured and a predicted value: "
            f"{int(is_measured.sum())} are measured, {int(is_predicted.sum())} predicted."
        )
    if std is not None and (std[both] < 0).any():
        raise ValueError(f"y_std holds a negative standard deviation, {std[both].min()}.")
    return MeasuredPredicted(
        measured[both],
        predicted[both],
        None if std is None else std[both],
        int((is_predicted & ~is_measured).sum()),
        int((~is_predicted).sum()),
    )


def describe_rows(n_shown: int, n_not_measured: int, n_not_predicted: int) -> list[str]:
    """Say how many molecules are shown and why others are not, a line each.

    Parameters
    ----------
    n_shown, n_not_measured, n_not_predicted : int

    Returns
    -------
    list of str
    """
    lines = [f"{n_shown:,} molecule{'s' * (n_shown != 1)}"]
    if n_not_predicted:
        lines.append(f"{n_not_predicted:,} left out: not predicted")
    if n_not_measured:
        lines.append(f"{n_not_measured:,} left out: not measured")
    return lines


def _table(values: Any, name: str) -> np.ndarray:
    checked = check_array(
        values,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        input_name=name,
    )
    return checked.reshape(len(checked), -1)


def _column_of(task: int | str | None, n_tasks: int, names: Any) -> int:
    choices = list(range(n_tasks)) if names is None else list(names)
    if task is None and n_tasks == 1:
        return 0
    if task in choices:
        return choices.index(task)
    if isinstance(task, int) and 0 <= task < n_tasks:
        return task
    raise ValueError(f"task={task!r}; there are {n_tasks}, choose one with task= of {choices}.")
