"""Invalid molecules passed over by any scikit-learn estimator."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils._set_output import _safe_set_output
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, _num_samples, check_is_fitted

from skchem_dl._rows import spread_rows
from skchem_dl.features._molecules import row_subset


def _inner_has(method: str):
    def check(self: "SkipInvalidRows") -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)  # its own error, if any
        return True

    return check


class SkipInvalidRows(MetaEstimatorMixin, BaseEstimator):
    """Give any estimator or transformer the behaviour of ours towards invalid molecules.

    A row of nothing but NaN, as featurisers with ``on_invalid="nan"`` make it, is left out of
    `fit` and `score` and comes back as NaN (None among string labels) from `predict`,
    `predict_proba` and `transform`. Rows keep their number and order. Rows that are NaN in part
    reach the estimator as they are. Put imputers and scalers inside it: outside, they would fill
    the empty rows with invented values.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn estimator, transformer, clusterer or pipeline.

    Attributes
    ----------
    estimator_ : estimator
        The fitted one.
    classes_ : ndarray
        Its classes, if it has any.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skchem_dl.pipelines import SkipInvalidRows
    >>> X = np.array([[0.0], [1.0], [np.nan], [3.0]])
    >>> SkipInvalidRows(Ridge(alpha=1e-6)).fit(X, [0, 1, 99, 3]).predict(X).round(3)
    array([0., 1., nan, 3.])
    """

    _parameter_constraints: dict[str, list] = {"estimator": [object]}

    def __init__(self, estimator):
        self.estimator = estimator

    @property
    def classes_(self) -> np.ndarray:
        """Classes of the inner classifier."""
        return self.estimator_.classes_

    def fit(self, X: Any, y: Any = None, **params: Any) -> "SkipInvalidRows":
        """Fit a clone of the estimator on the valid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
        y : array-like of length n, default=None
        **params
            For the estimator's `fit`; those of length n are subset too.

        Returns
        -------
        self
        """
        rows = self._valid_rows(X, least=1)
        if _routing_enabled():
            params = process_routing(self, "fit", **params).estimator.fit
        params = _check_method_params(X, params, indices=rows)
        self.estimator_ = clone(self.estimator).fit(
            row_subset(X, rows), None if y is None else row_subset(_as_rows(y), rows), **params
        )
        if hasattr(self.estimator_, "n_features_in_"):
            self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        return self

    @available_if(_inner_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Predict; NaN, or None among strings, in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)

        Returns
        -------
        y : ndarray of length n
        """
        return self._call("predict", X)

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)

        Returns
        -------
        p : ndarray of shape (n, classes)
        """
        return self._call("predict_proba", X)

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Give decision values; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)

        Returns
        -------
        values : ndarray of length n
        """
        return self._call("decision_function", X)

    @available_if(_inner_has("transform"))
    def transform(self, X: Any) -> Any:
        """Transform; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)

        Returns
        -------
        rows : ndarray or DataFrame of length n
        """
        return self._call("transform", X)

    @available_if(_inner_has("transform"))
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, then transform.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
        y : array-like of length n, default=None
        **params
            For `fit`.

        Returns
        -------
        rows : ndarray or DataFrame of length n
        """
        return self.fit(X, y, **params).transform(X)

    @available_if(_inner_has("fit_predict"))
    def fit_predict(self, X: Any, y: Any = None, **params: Any) -> np.ndarray:
        """Fit a clusterer and give each row its cluster; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
        y : ignored by clusterers
        **params
            For `fit`.

        Returns
        -------
        labels : ndarray of shape (n,)
        """
        self.fit(X, y, **params)
        valid = np.zeros(_num_samples(X), dtype=bool)
        valid[self._valid_rows(X)] = True
        return spread_rows(self.estimator_.labels_, valid)

    @available_if(_inner_has("score"))
    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Score the estimator on the valid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
        y : array-like of length n, default=None
        **params
            For the estimator's `score`; those of length n are subset too.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        rows = self._valid_rows(X, least=1)
        if _routing_enabled():
            params = process_routing(self, "score", **params).estimator.score
        params = _check_method_params(X, params, indices=rows)
        return self.estimator_.score(
            row_subset(_as_rows(X), rows),
            None if y is None else row_subset(_as_rows(y), rows),
            **params,
        )

    @available_if(_inner_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Give the inner transformer's names.

        Parameters
        ----------
        input_features : array-like of str, default=None

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        return self.estimator_.get_feature_names_out(input_features)

    @available_if(_inner_has("transform"))
    def set_output(self, *, transform: str | None = None) -> "SkipInvalidRows":
        """Choose the container that `transform` gives.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None

        Returns
        -------
        self
        """
        _safe_set_output(self.estimator, transform=transform)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Route metadata to the estimator.

        Returns
        -------
        MetadataRouter
        """
        mapping = MethodMapping()
        for method in ("fit", "score"):
            mapping.add(caller=method, callee=method)
        mapping.add(caller="fit_transform", callee="fit").add(caller="fit_predict", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        for name in ("estimator_type", "target_tags", "classifier_tags", "regressor_tags"):
            setattr(tags, name, getattr(inner, name))
        tags.transformer_tags = inner.transformer_tags
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = True
        return tags

    def _valid_rows(self, X: Any, least: int = 0) -> np.ndarray:
        rows = np.flatnonzero(_not_all_nan(X))
        if len(rows) < least:
            raise ValueError(f"All {_num_samples(X)} rows are NaN (invalid molecules).")
        return rows

    def _call(self, method: str, X: Any) -> Any:
        check_is_fitted(self)
        X = _as_rows(X)
        valid = _not_all_nan(X)
        # With no valid row at all, zeros tell how wide the output is.
        some = row_subset(X, np.flatnonzero(valid)) if valid.any() else np.zeros((1, X.shape[1]))
        values = getattr(self.estimator_, method)(some)
        if not valid.any():
            values = values[:0]
        if valid.all():
            return values
        if sp.issparse(values):
            values = values.toarray()
        spread = spread_rows(np.asarray(values), valid)
        if hasattr(values, "columns"):  # set_output asked for a frame
            index = {"index": X.index} if hasattr(values, "iloc") and hasattr(X, "index") else {}
            columns = values.columns
            return type(values)(spread, **index).set_axis(columns, axis=1)
        return spread


def _as_rows(values: Any) -> Any:
    """Give lists as arrays; frames, series, arrays and CSR as they are."""
    return values if hasattr(values, "shape") else np.asarray(values)


def _not_all_nan(X: Any) -> np.ndarray:
    """Say which rows have anything but NaN."""
    if sp.issparse(X):
        X = X.tocsr()
        row_of = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        n_nan = np.bincount(row_of, weights=np.isnan(X.data), minlength=X.shape[0])
        return n_nan < X.shape[1]
    values = np.asarray(X)
    if values.dtype.kind == "f":
        return ~np.isnan(values).reshape(len(values), -1).all(axis=1)
    if values.dtype.kind == "O":
        missing = np.frompyfunc(lambda v: v is None or v != v, 1, 1)(values).astype(bool)
        return ~missing.reshape(len(values), -1).all(axis=1)
    return np.ones(len(values), dtype=bool)
