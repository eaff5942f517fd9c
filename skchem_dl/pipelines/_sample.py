"""Estimators whose cost grows faster than the number of rows, fitted on some of the rows."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params

from skchem_dl.features._molecules import row_subset


class RandomSample(MetaEstimatorMixin, BaseEstimator):
    """Fit an estimator on at most so many rows, drawn at random.

    Parameters
    ----------
    estimator : estimator
    max_rows : int, default=5000
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    estimator_ : estimator
        The fitted one.
    n_rows_ : int
        Rows it was fitted on.
    """

    def __init__(self, estimator, max_rows=5000, random_state=None):
        self.estimator = estimator
        self.max_rows = max_rows
        self.random_state = random_state

    @property
    def classes_(self) -> np.ndarray:
        """Classes of the inner classifier."""
        return self.estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Their names, if they had any."""
        return self.estimator_.feature_names_in_

    def fit(self, X: Any, y: Any, **params: Any) -> "RandomSample":
        """Fit a clone on the rows drawn; parameters of length n are subset."""
        rows = self._draw(y)
        params = _check_method_params(X, params, indices=rows)
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(row_subset(X, rows), row_subset(y, rows), **params)
        self.n_rows_ = len(rows)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict, (n,)."""
        return self.estimator_.predict(X)

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities, (n, classes)."""
        return self.estimator_.predict_proba(X)

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def _draw(self, y: Any) -> np.ndarray:
        """Return row numbers, of each class at least one, (n,) -> (m,) ascending."""
        n = len(y)
        if n <= self.max_rows:
            return np.arange(n)
        order = check_random_state(self.random_state).permutation(n)
        if is_classifier(self) and np.ndim(y) == 1:
            first = np.unique(np.asarray(y)[order], return_index=True)[1]
            order = np.concatenate([order[first], np.delete(order, first)])
        return np.sort(order[: self.max_rows])
