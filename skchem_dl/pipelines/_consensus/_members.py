"""One model of a consensus on one fold: its fit, and its predictions as a matrix."""

from contextlib import nullcontext
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from skchem_dl._rows import is_missing
from skchem_dl.features._molecules import row_subset
from skchem_dl.pipelines._consensus._folds import Fold
from skchem_dl.pipelines._consensus._targets import Targets
from skchem_dl.pipelines._per_target import positive_probabilities


def fit_and_predict(
    name: str,
    member: Any,
    X: Any,
    targets: Targets,
    sample_weight: np.ndarray | None,
    fold: Fold,
) -> Any:
    """Fit a member; return what it predicts for rows held out, (n_held_out, c), or else itself."""
    train, test = fold
    params, context = {}, nullcontext()
    if sample_weight is not None:
        params[_weight_name(member)] = sample_weight[train]
        # Members were not asked to request it, and get it by name.
        context = config_context(enable_metadata_routing=False)
    try:
        with context:
            member.fit(row_subset(X, train), targets.take(train).for_members(), **params)
    except Exception as error:
        error.add_note(f"In the fit of {name!r}, one of a consensus, on {len(train)} rows.")
        raise
    if not len(test):
        return member
    held_out = row_subset(X, test)
    return predict_matrix(name, member, held_out, targets.n_columns, targets.class_names)


def predict_matrix(
    name: str, member: Any, X: Any, n_columns: int, classes: np.ndarray | None
) -> np.ndarray:
    """Return numbers, or probabilities of each class or of each label being 1, (n, c) float64."""
    if is_classifier(member):
        values = _probabilities(member, X, classes)
    else:
        values = np.asarray(member.predict(X), dtype=np.float64)
    values = values.reshape(len(values), -1)
    if values.shape[1] != n_columns:
        raise ValueError(
            f"{name!r} returned predictions of shape {values.shape}; expected {n_columns} "
            "column(s)."
        )
    return values


def _probabilities(member: Any, X: Any, classes: np.ndarray | None) -> np.ndarray:
    values = member.predict_proba(X)
    if classes is None:
        return np.asarray(positive_probabilities(values, member.classes_), dtype=np.float64)
    # A fold may lack classes, which the member then does not know.
    found = np.zeros((len(values), len(classes)))
    found[:, np.searchsorted(classes, member.classes_)] = values
    found[np.any(is_missing(values), axis=1)] = np.nan
    return found / found.sum(axis=1, keepdims=True)  # of float32, they sum to 1 to 7 digits


def _weight_name(estimator: Any) -> str:
    """Return what an estimator's `fit` calls the weights of molecules: of its last step."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__{_weight_name(last)}"
    inner = getattr(estimator, "estimator", None)  # SkipInvalidRows passes parameters on
    return _weight_name(inner) if inner is not None else "sample_weight"
