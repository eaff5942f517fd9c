"""Methods compared on the same folds."""

from collections.abc import Mapping
from functools import wraps
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import check_consistent_length

from skchem_dl._rows import as_labels, is_missing
from skchem_dl._warnings import warn_caller
from skchem_dl.features._molecules import row_subset
from skchem_dl.model_selection._comparison import Comparison, import_pandas
from skchem_dl.model_selection._repeats import Fold, repeated_folds
from skchem_dl.model_selection._scoring import Metric, resolve_metrics

_PREDICTIONS = ("predict", "predict_proba", "decision_function")
_NOT_PREDICTED = "not predicted"


def compare(
    pipelines: Mapping[str, Any],
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    n_repeats: int | None = None,
    scoring: Any = None,
    groups: Any = None,
    n_jobs: int | None = None,
    random_state: Any = 0,
    error_score: Any = np.nan,
    verbose: int = 0,
) -> Comparison:
    """Cross-validate several methods on the same folds, to tell which are better than others.

    By default 5 times 5 folds, as Ash et al. [1]_ advise: enough scores for a test of significance
    (`Comparison.test`). Every method is fitted on the same molecules, and judged on those that it
    predicts; if some leave out more than others, there is a warning.

    Parameters
    ----------
    pipelines : dict of str to estimator
        All regressors, or all classifiers. They are cloned.
    X : list, tuple, ndarray, Series or frame of n molecules
        Or whatever else the estimators take and rows can be taken of.
    y : array-like of shape (n,) or (n, t)
        NaN where there is no measurement, for estimators that take it.
    cv : int, splitter or iterable of (train, test), default=None
        None is 5 folds. A number of folds is shuffled, and stratified by the classes where each
        molecule has one.
    n_repeats : int, default=None
        How often the folds are drawn. None is 5 where `cv` is None or a number, and otherwise 1: a
        splitter is used as it is. With more, its ``shuffle`` must be on.
    scoring : str, callable, list of str, or dict of str to str or callable, default=None
        Names of scikit-learn's scorers or scorers. None is RMSE, MAE and R2, or area under the ROC
        curve and average precision. Names stand for `metrics.masked_scorer`, which leaves out what
        was not measured and invalid molecules (but for three classes and more, which it cannot
        do). Errors, which scikit-learn negates, are given as they are, without ``neg_`` in the
        name.
    groups : array-like of shape (n,), default=None
        For splitters that keep groups together.
    n_jobs : int, default=None
        Fits at a time; None is 1, unless in a `joblib.parallel_config` context.
    random_state : int, RandomState instance or None, default=0
        Seed of the folds, where `cv` is a number or there are repeats. Comparisons with the same
        seed, X and y have the same folds.
    error_score : "raise" or float, default=nan
        The scores of a fit that fails: there is a warning, and all others stay.
    verbose : int, default=0
        A progress bar over the fits, if positive.

    Returns
    -------
    Comparison
        Its `scores` have a row for each method and fold.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError, ValueError
        If the arguments do not fit together, or every fit fails.

    Warns
    -----
    FitFailedWarning
        If some fail, with the first reason of each method.

    See Also
    --------
    skchem_dl.inspection.ComparisonDisplay : A picture of it.
    skchem_dl.pipelines.make_baselines : Methods to start from.

    References
    ----------
    .. [1] Ash, J. R. et al. Practically Significant Method Comparison Protocols for Machine
       Learning in Small Molecule Drug Discovery. J. Chem. Inf. Model. 2025.
       https://doi.org/10.1021/acs.jcim.5c01609

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.model_selection import compare
    >>> from skchem_dl.pipelines import make_linear_pipeline, make_mean_pipeline
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> methods = {"mean": make_mean_pipeline(), "linear": make_linear_pipeline()}
    >>> comparison = compare(methods, X, y, cv=3, n_repeats=2)
    >>> comparison.scores.shape
    (12, 9)
    >>> comparison.summary().index.tolist()
    ['linear', 'mean']
    """
    pd = import_pandas()
    classifier = _all_classifiers(pipelines)
    check_consistent_length(X, y, groups)
    y = as_labels(y)
    metrics = resolve_metrics(scoring, classifier=classifier, y=y)
    _check_error_score(error_score)
    folds = repeated_folds(
        cv, n_repeats, X, y, groups, classifier=classifier, random_state=random_state
    )
    jobs = [(name, fold) for fold in folds for name in pipelines]
    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_run)(name, pipelines[name], X, y, fold, metrics, error_score)
        for name, fold in jobs
    )
    rows = list(_with_progress(results, len(jobs), verbose))
    _report_failures(rows)
    _report_not_predicted([(row["method"], row.pop(_NOT_PREDICTED)) for row in rows])
    order = {name: place for place, name in enumerate(pipelines)}
    rows.sort(key=lambda row: (order[row["method"]], row["repeat"], row["fold"]))
    greater = {name: metric.greater_is_better for name, metric in metrics.items()}
    return Comparison(pd.DataFrame(rows), greater)


def _all_classifiers(pipelines: Mapping[str, Any]) -> bool:
    """Say whether they are classifiers, if they are all of one kind."""
    if not isinstance(pipelines, Mapping) or not pipelines:
        raise TypeError(
            f"pipelines must be a dict of names to estimators, and not empty; got {pipelines!r}."
        )
    kinds = {name: _kind(pipeline) for name, pipeline in pipelines.items()}
    if len(set(kinds.values())) > 1 or "neither" in kinds.values():
        raise ValueError(f"pipelines must be all regressors or all classifiers; got {kinds}.")
    return "classifier" in kinds.values()


def _kind(pipeline: Any) -> str:
    if not hasattr(pipeline, "__sklearn_tags__"):
        return "neither"
    if is_classifier(pipeline):
        return "classifier"
    return "regressor" if is_regressor(pipeline) else "neither"


def _check_error_score(error_score: Any) -> None:
    if error_score != "raise" and not isinstance(error_score, int | float | np.number):
        raise ValueError(f"error_score={error_score!r}; expected 'raise' or a number.")


def _run(
    name: str,
    pipeline: Any,
    X: Any,
    y: Any,
    fold: Fold,
    metrics: Mapping[str, Metric],
    error_score: Any,
) -> dict[str, Any]:
    """Fit one method on one fold, and score it."""
    row: dict[str, Any] = {"method": name, "repeat": fold.repeat, "fold": fold.fold}
    row |= dict.fromkeys([*metrics, "fit_seconds", "predict_seconds"], np.nan)
    row["error"] = row[_NOT_PREDICTED] = None
    start = perf_counter()
    try:
        fitted = clone(pipeline).fit(row_subset(X, fold.train), row_subset(y, fold.train))
    except Exception as error:
        _note(row, error, metrics, error_score)
        return row
    row["fit_seconds"] = perf_counter() - start
    X_test, y_test = row_subset(X, fold.test), row_subset(y, fold.test)
    once = _PredictsOnce(fitted, X_test)
    for metric in metrics:
        try:
            row[metric] = metrics[metric].value(once, X_test, y_test)
        except Exception as error:
            _note(row, error, [metric], error_score)
    row["predict_seconds"], row[_NOT_PREDICTED] = once.seconds, once.n_missing
    return row


def _note(row: dict[str, Any], error: Exception, metrics: Any, error_score: Any) -> None:
    if error_score == "raise":
        raise error
    row |= dict.fromkeys(metrics, error_score)
    row["error"] = f"{type(error).__name__}: {error}"


class _PredictsOnce:
    """A fitted estimator that remembers what it predicted for the test molecules."""

    def __init__(self, fitted: Any, X: Any) -> None:
        self._fitted, self._X = fitted, X
        self._known: dict[str, Any] = {}
        self.seconds = 0.0
        self.n_missing = 0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._fitted, name)
        if name not in _PREDICTIONS:
            return value

        @wraps(value)  # scikit-learn's scorers look at the name
        def predict(X: Any, **params: Any) -> Any:
            if X is not self._X or params:
                return value(X, **params)
            if name not in self._known:
                start = perf_counter()
                self._known[name] = value(X)
                self.seconds += perf_counter() - start
                self.n_missing = max(self.n_missing, _n_missing(self._known[name]))
            return self._known[name]

        return predict


def _n_missing(predicted: Any) -> int:
    """Count the molecules that have no prediction."""
    table = np.asarray(predicted[0] if isinstance(predicted, list) else predicted)
    return int(is_missing(table.reshape(len(table), -1)).any(axis=1).sum())


def _with_progress(results: Any, total: int, verbose: int) -> Any:
    from tqdm.auto import tqdm

    with tqdm(results, desc="compare", total=total, unit="fit", disable=verbose <= 0) as bar:
        for row in bar:
            bar.set_postfix_str(row["method"])
            yield row


def _report_failures(rows: list[dict[str, Any]]) -> None:
    failed = [row for row in rows if row["error"] is not None]
    if not failed:
        return
    first = {row["method"]: row["error"] for row in reversed(failed)}
    reasons = "\n".join(
        f"{name}, {sum(row['method'] == name for row in failed)} time(s): {error}"
        for name, error in first.items()
    )
    message = f"{len(failed)} of {len(rows)} fits or their scores failed.\n{reasons}"
    if all(np.isnan(row["fit_seconds"]) for row in rows):
        raise ValueError(message)
    warn_caller(message, FitFailedWarning)


def _report_not_predicted(counts: list[tuple[str, int | None]]) -> None:
    """Warn if methods were judged on different molecules: each on those that it predicts."""
    totals: dict[str, int] = {}
    for method, count in counts:
        if count is not None:  # the fit failed, which is told already
            totals[method] = totals.get(method, 0) + count
    if len(set(totals.values())) > 1:
        warn_caller(
            "Methods are not judged on the same molecules, since not all predict the same ones. "
            f"Predictions that are missing: {totals}."
        )
