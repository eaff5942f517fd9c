"""Scores that leave out what was not measured and what could not be predicted."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names, r2_score
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils import check_array, check_consistent_length

from skchem_dl._rows import as_labels, is_missing

__all__ = ["MaskedReport", "MaskedScorer", "masked_scorer"]


class MaskedReport(NamedTuple):
    """What a masked score is made of, one entry a task.

    Attributes
    ----------
    scores : ndarray of shape (t,)
        NaN where the metric is not defined (no measured row; one class only).
    n_used : ndarray of shape (t,)
        Rows that count.
    n_missing : ndarray of shape (t,)
        Rows without a measured target.
    n_invalid : int
        Rows without a prediction, since they are no molecules.

    See Also
    --------
    MaskedScorer.report : Gives one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from skchem_dl.metrics import masked_scorer
    >>> X, y = np.zeros((3, 1)), np.array([[1.0, np.nan], [3.0, 2.0], [5.0, 4.0]])
    >>> mean = DummyRegressor().fit(X, [[3.0, 3.0]] * 3)
    >>> masked_scorer("neg_mean_absolute_error").report(mean, X, y).n_used
    array([3, 2])
    """

    scores: np.ndarray
    n_used: np.ndarray
    n_missing: np.ndarray
    n_invalid: int


class MaskedScorer(_BaseScorer):
    """A scorer that skips NaN targets and NaN predictions; made by `masked_scorer`.

    Parameters
    ----------
    score_func : callable
        Of true and predicted values of one task.
    sign : int
        1 where more is better, -1 where less is.
    kwargs : dict
        For `score_func`.
    response_method : str or tuple of str, default="predict"
        The method of the estimator, or which of several it has.

    See Also
    --------
    masked_scorer : Makes one of scikit-learn's scorer of a name.
    sklearn.metrics.make_scorer : Makes scikit-learn's own.

    Examples
    --------
    >>> from skchem_dl.metrics import masked_scorer
    >>> type(masked_scorer("roc_auc")).__name__
    'MaskedScorer'
    """

    def report(self, estimator: Any, X: Any, y: Any) -> MaskedReport:
        """Give the score of each task, and count what was left out.

        Parameters
        ----------
        estimator : fitted estimator or pipeline
            What is judged.
        X : molecules or features of length n
            What the estimator takes.
        y : array-like of shape (n,) or (n, t)
            NaN where there is no measurement.

        Returns
        -------
        MaskedReport
            Scores and numbers of rows, t of each.

        Raises
        ------
        ValueError
            If the estimator does not give one value a task.
        """
        return self._report(estimator, X, y, None)

    def _score(self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any) -> Any:
        report = self._report(estimator, X, y_true, kwargs.get("sample_weight"))
        if np.isnan(report.scores).all():
            hint = f" ({self._score_func.__name__} also needs both classes in a task.)"
            raise ValueError(
                f"No task can be scored: rows used a task {report.n_used.tolist()}, missing "
                f"{report.n_missing.tolist()}, invalid molecules {report.n_invalid}."
                + (hint if self._response_method != "predict" else "")
            )
        return float(np.nanmean(report.scores))

    def _report(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> MaskedReport:
        targets = _columns(np.asarray(as_labels(y)))
        predicted = _response(estimator, self._response_method, X, targets)
        check_consistent_length(predicted, targets)
        invalid = np.any(is_missing(predicted), axis=1)
        measured = np.logical_not(is_missing(targets))
        scores = [
            self._task_score(targets[rows, task], predicted[rows, task], rows, sample_weight)
            for task, rows in enumerate((measured & ~invalid[:, None]).T)
        ]
        return MaskedReport(
            np.array(scores),
            (measured & ~invalid[:, None]).sum(axis=0),
            (~measured).sum(axis=0),
            int(invalid.sum()),
        )

    def _task_score(self, y: Any, predicted: Any, rows: Any, sample_weight: Any) -> float:
        needs_classes = self._response_method != "predict"
        if not len(y) or (needs_classes and len(np.unique(y)) < 2):
            return np.nan
        weights = {}
        if sample_weight is not None:
            weights["sample_weight"] = np.asarray(sample_weight)[rows]
        y, predicted = _plain(y), _plain(predicted)
        return self._sign * self._score_func(y, predicted, **weights, **self._kwargs)


def masked_scorer(name: str) -> MaskedScorer:
    """Make a scorer that leaves out NaN targets and invalid molecules.

    Each task (column of y) is scored on its measured rows, and the mean over tasks is the score.
    scikit-learn's own scorers return NaN or raise there. `MaskedScorer.report` counts what was
    left out.

    Parameters
    ----------
    name : str
        Any of scikit-learn's scorer names for one column: "roc_auc", "average_precision", "r2",
        "neg_root_mean_squared_error", "accuracy", ...

    Returns
    -------
    MaskedScorer
        For ``scoring=`` in `cross_val_score`, `GridSearchCV` and so on.

    Raises
    ------
    ValueError
        If scikit-learn has no such scorer.

    See Also
    --------
    sklearn.metrics.get_scorer : Scikit-learn's own, for y without gaps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from skchem_dl.metrics import masked_scorer
    >>> y = np.array([[1.0, np.nan], [3.0, 2.0], [5.0, 4.0]])
    >>> mean = DummyRegressor().fit(np.zeros((3, 1)), np.nan_to_num(y))
    >>> masked_scorer("neg_mean_absolute_error").report(mean, np.zeros((3, 1)), y).n_missing
    array([0, 1])
    """
    if name not in get_scorer_names():
        raise ValueError(
            f"No scorer {name!r}; sklearn.metrics.get_scorer_names() lists those there are."
        )
    scorer = get_scorer(name)
    return MaskedScorer(scorer._score_func, scorer._sign, scorer._kwargs, scorer._response_method)


def masked_mean_r2(y: Any, predicted: np.ndarray, sample_weight: Any = None) -> float:
    """Give R² on what is measured and predicted, the mean over tasks.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, t)
        NaN means "not measured".
    predicted : ndarray of the same shape
        NaN in the rows of invalid molecules.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If nothing is left to compare.
    """
    y = _columns(check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan"))
    predicted = _columns(predicted)
    if y.shape != predicted.shape:
        raise ValueError(f"y is for {y.shape} (rows, tasks), predictions are {predicted.shape}.")
    weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    counted = ~(np.isnan(y) | np.isnan(predicted))
    # A single row has no R2, which is no reason to have none of the other tasks.
    least = min(2, counted.sum(axis=0).max(initial=1))
    scores = [
        r2_score(y[rows, task], predicted[rows, task], sample_weight=weights[rows])
        for task, rows in enumerate(counted.T)
        if rows.sum() >= least
    ]
    if not scores:
        raise ValueError(f"None of the {len(y)} rows has both a measured target and a prediction.")
    return float(np.mean(scores))


def _response(estimator: Any, methods: Any, X: Any, targets: np.ndarray) -> np.ndarray:
    """Give predictions, ``(n, t)``: values, labels, or probabilities of the positive class."""
    methods = (methods,) if isinstance(methods, str) else methods
    method = next((m for m in methods if hasattr(estimator, m)), None)
    if method is None:
        raise AttributeError(f"{estimator} has none of the methods {methods} that the score needs.")
    values = getattr(estimator, method)(X)
    n_tasks = targets.shape[1]
    if isinstance(values, list):  # scikit-learn's forests: one (n, 2) array a task
        # A task may have had one class only in training; its one column is then of that class.
        columns = zip(values, estimator.classes_, targets.T, strict=True)
        values = np.column_stack(
            [task @ (labels == _positive(labels, column)) for task, labels, column in columns]
        )
    values = np.asarray(values)
    if method == "predict_proba" and n_tasks == 1 and values.ndim == 2 and values.shape[1] == 2:
        values = values[:, 1]
    values = _columns(values)
    if values.shape[1] != n_tasks:
        raise ValueError(
            f"{method} gave {values.shape[1]} columns for {n_tasks} column(s) of y; masked scores "
            "are for regression, for two classes, and for yes-no labels."
        )
    return values


def _positive(labels: np.ndarray, column: np.ndarray) -> Any:
    """Give the class whose probability is asked for: the last one, as of scikit-learn's scorers."""
    return max([*labels.tolist(), *column[~is_missing(column)].tolist()])


def _columns(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _plain(values: np.ndarray) -> np.ndarray:
    """Drop the object dtype that None or the float dtype that NaN forced on labels."""
    if values.dtype.kind == "O":
        return np.array(values.tolist())
    return values
