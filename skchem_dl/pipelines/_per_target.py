"""Several targets with gaps for estimators that take one target, or no gaps."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.utils import check_array, check_consistent_length, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params

from skchem_dl._rows import as_labels, is_missing
from skchem_dl._targets import check_multilabel, missing_as_nan, refuse_empty_columns
from skchem_dl.features._molecules import row_subset
from skchem_dl.metrics import masked_mean_r2


def needs_fit_per_target(estimator: Any, y: Any) -> bool:
    """Check whether y is a matrix that the estimator does not take as it is."""
    targets = _as_matrix(y)
    if targets is None:
        return False
    takes_several = get_tags(estimator).target_tags.multi_output
    return (targets.shape[1] > 1 and not takes_several) or has_gaps(targets)


def has_gaps(y: Any) -> bool:
    """Check whether y is a matrix with missing values."""
    targets = _as_matrix(y)
    return targets is not None and bool(is_missing(targets).any())


def masked_score(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    """Return the score of targets with gaps, as the networks define it.

    R2, the mean over the targets; or the fraction of rows whose measured labels are all right.
    """
    targets, predicted = np.asarray(as_labels(y)), np.asarray(estimator.predict(X))
    if not is_classifier(estimator):
        return masked_mean_r2(missing_as_nan(targets), predicted, sample_weight)
    targets = check_multilabel(targets, np.arange(len(targets)))
    if targets.shape != predicted.shape:
        raise ValueError(f"y has shape {targets.shape}; expected {predicted.shape}, as in fit.")
    counted = ~np.isnan(targets).all(axis=1)
    if not counted.any():
        raise ValueError(f"None of the {len(targets)} rows has a measured label.")
    right = (np.isnan(targets) | (targets == predicted)).all(axis=1)
    weights = None if sample_weight is None else np.asarray(sample_weight)[counted]
    return float(np.average(right[counted], weights=weights))


def positive_probabilities(values: Any, classes: Any) -> Any:
    """Return the probability of 1 in each of several labels, (n, t).

    `values` as they are unless they are a list, as scikit-learn's estimators of several targets
    return it, of labels that are all 0 or 1.
    """
    if not isinstance(values, list) or not all(np.isin(of_one, (0, 1)).all() for of_one in classes):
        return values
    return np.column_stack(
        [matrix @ (labels == 1) for matrix, labels in zip(values, classes, strict=True)]
    )


def _all_have(method: str):
    """Return a check whether the estimator has a method."""
    return available_if(lambda self: hasattr(self.estimator, method))


class PerTarget(BaseEstimator):
    """Fit a clone of an estimator for each column of y, on the rows where it is measured.

    `SkipInvalidRows` makes it where `needs_fit_per_target`. A label of which only one class was
    measured is predicted by a constant, as many classifiers refuse to be fitted on it.

    Parameters
    ----------
    estimator : estimator
        For one target.

    Attributes
    ----------
    estimators_ : list of estimator
        One for each column of y.
    classes_ : list of ndarray
        0 and 1 for each column, if it is a classifier.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self.estimators_[0].n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Their names, if they had any."""
        return self.estimators_[0].feature_names_in_

    @property
    def classes_(self) -> list[np.ndarray]:
        """0 and 1 for each column, as scikit-learn has it for several labels."""
        if not is_classifier(self):
            raise AttributeError("Regressors have no classes_.")
        return [np.array([0, 1]) for _ in self.estimators_]

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None, **params: Any):
        """Fit one clone a column; parameters of length n are subset, and so is X_val."""
        targets = self._read(y)
        refuse_empty_columns(np.isnan(targets))
        validation = None if X_val is None else self._read(y_val)
        weights_val = params.pop("sample_weight_val", None)
        self.estimators_ = []
        for column in range(targets.shape[1]):
            rows, its_y = _measured(targets, column)
            its_params = _check_method_params(X, params, indices=rows)
            if validation is not None:
                rows_val, its_params["y_val"] = _measured(validation, column)
                its_params["X_val"] = row_subset(X_val, rows_val)
                if weights_val is not None:
                    its_params["sample_weight_val"] = np.asarray(weights_val)[rows_val]
            try:
                fitted = self._fit_one(row_subset(X, rows), its_y, its_params)
            except Exception as error:
                error.add_note(
                    f"In the fit of column {column} of y, which has {len(rows)} measured values."
                )
                raise
            self.estimators_.append(fitted)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict each target, (n, t)."""
        return np.column_stack([fitted.predict(X) for fitted in self.estimators_])

    @_all_have("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each label being 1, (n, t)."""
        found = [fitted.predict_proba(X) for fitted in self.estimators_]
        return positive_probabilities(found, [fitted.classes_ for fitted in self.estimators_])

    @_all_have("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Compute decision values, (n, t): positive where a label is predicted to be 1."""
        return np.column_stack(
            [
                fitted.decision_function(X)
                if hasattr(fitted, "decision_function")
                else 2.0 * fitted.predict(X) - 1  # the constant of one class
                for fitted in self.estimators_
            ]
        )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score on what is measured."""
        check_consistent_length(X, y)
        return masked_score(self, X, y, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type, tags.input_tags = inner.estimator_type, inner.input_tags
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.target_tags = inner.target_tags
        return tags

    def _read(self, y: Any) -> np.ndarray:
        """Return y as float64 with NaN for gaps, (n, t)."""
        targets = _as_matrix(y)
        if targets is None:
            raise ValueError(f"y has shape {np.shape(y)}; expected (rows, targets).")
        if is_classifier(self):
            return check_multilabel(targets, np.arange(len(targets)))
        return check_array(
            missing_as_nan(targets), dtype=np.float64, ensure_all_finite="allow-nan", input_name="y"
        )

    def _fit_one(self, X: Any, y: np.ndarray, params: dict[str, Any]) -> Any:
        if is_classifier(self):
            y = y.astype(np.int64)
            if len(np.unique(y)) == 1:
                return DummyClassifier().fit(X, y)
        return clone(self.estimator).fit(X, y, **params)


def _as_matrix(y: Any) -> np.ndarray | None:
    """Return y as an array if it has rows and columns, (n, t); otherwise None."""
    if y is None:
        return None
    values = np.asarray(as_labels(y))
    return values if values.ndim == 2 else None


def _measured(targets: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows where a column is measured, and its values there."""
    rows = np.flatnonzero(~np.isnan(targets[:, column]))
    return rows, targets[rows, column]
