"""Several metrics at once, each the way round that it is read."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import get_scorer

from skchem_dl._rows import is_missing
from skchem_dl.metrics import MaskedScorer, masked_scorer

_REGRESSION = {
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "r2": "r2",
}
_CLASSIFICATION = {"roc_auc": "roc_auc", "average_precision": "average_precision"}
_MULTI_CLASS = {"roc_auc": "roc_auc_ovr", "average_precision": "average_precision"}


class Metric(NamedTuple):
    """A scorer, and whether the value that is shown is better when greater."""

    scorer: Callable[[Any, Any, Any], float]
    greater_is_better: bool

    def value(self, estimator: Any, X: Any, y: Any) -> float:
        """Score, without the minus that scikit-learn puts before errors.

        Parameters
        ----------
        estimator : fitted estimator
        X : molecules or features of length n
        y : array-like of length n

        Returns
        -------
        float
        """
        score = float(self.scorer(estimator, X, y))
        return score if self.greater_is_better else -score


_OF_THE_TABLE = {"method", "repeat", "fold", "fit_seconds", "predict_seconds", "error"}


def resolve_metrics(scoring: Any, *, classifier: bool, y: Any) -> dict[str, Metric]:
    """Turn what ``scoring=`` may be into metrics by name.

    Parameters
    ----------
    scoring : str, callable, list of str, dict of str to str or callable, or None
    classifier : bool
        For the defaults.
    y : array-like of length n

    Returns
    -------
    dict of str to Metric
        A name of scikit-learn's without ``neg_``.

    Raises
    ------
    TypeError, ValueError
        If `scoring` is nothing of the kind, or scikit-learn has no such scorer.
    """
    classes = _classes(y) if classifier else []
    if scoring is None:
        default = _CLASSIFICATION if classifier else _REGRESSION
        scoring = _MULTI_CLASS if len(classes) > 2 else default
    return {
        name: _as_metric(_scorer(scorer, classes) if isinstance(scorer, str) else scorer)
        for name, scorer in _named(scoring).items()
    }


def _classes(y: Any) -> list[Any]:
    """Give the classes in one column, sorted; none where there are several columns."""
    labels = np.asarray(y)
    return np.unique(labels[~is_missing(labels)]).tolist() if labels.ndim == 1 else []


def _scorer(name: str, classes: list[Any]) -> Any:
    """Make a scorer that leaves out what is missing, where that can be."""
    if len(classes) > 2:
        return get_scorer(name)
    scorer = masked_scorer(name)
    takes_one = "pos_label" in signature(scorer._score_func).parameters
    if len(classes) < 2 or not takes_one or scorer._kwargs.get("average", "binary") != "binary":
        return scorer
    # Otherwise scikit-learn would look for the class 1 among those called "no" and "yes".
    options = {**scorer._kwargs, "pos_label": classes[1]}
    return MaskedScorer(scorer._score_func, scorer._sign, options, scorer._response_method)


def _named(scoring: Any) -> dict[str, Any]:
    if isinstance(scoring, str):
        scoring = [scoring]
    elif callable(scoring):
        scoring = {getattr(scoring, "__name__", "score"): scoring}
    if not isinstance(scoring, Mapping):
        if not isinstance(scoring, list | tuple) or not all(
            isinstance(name, str) for name in scoring
        ):
            raise TypeError(
                f"scoring={scoring!r}; expected a name of scikit-learn's, a list of them, a "
                "callable, or a dict of names to names or callables."
            )
        scoring = {name.removeprefix("neg_"): name for name in scoring}
    if not scoring:
        raise ValueError("scoring is empty; expected at least one metric.")
    taken = sorted(_OF_THE_TABLE & set(scoring))
    if taken:
        raise ValueError(f"scoring has the name(s) {taken}, which the table of scores has itself.")
    return dict(scoring)


def _as_metric(scorer: Any) -> Metric:
    if not callable(scorer):
        raise TypeError(f"scoring has {scorer!r}, which is neither a name nor a callable.")
    return Metric(scorer, getattr(scorer, "_sign", 1) > 0)
