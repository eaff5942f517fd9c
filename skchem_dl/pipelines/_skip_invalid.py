"""Invalid molecules passed over by any scikit-learn estimator."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils._set_output import _safe_set_output
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, check_is_fitted

from skchem_dl._fit_tasks import CallbackSupportMixin, inner_fit, with_callbacks
from skchem_dl.features._molecules import row_subset
from skchem_dl.pipelines._per_target import (
    PerTarget,
    has_gaps,
    masked_score,
    needs_fit_per_target,
    positive_probabilities,
)
from skchem_dl.pipelines._valid_rows import (
    as_rows,
    counted_among,
    float_dtype,
    not_all_nan,
    spread,
    valid_targets,
    valid_validation,
)

# As scikit-learn's gradient boosting and our networks call them.
_VALIDATION = ("X_val", "y_val", "sample_weight_val")


def _inner_has(*methods: str):
    """Say whether the estimator has one of some methods."""

    def check(self: "SkipInvalidRows") -> bool:
        inner = getattr(self, "estimator_", self.estimator)
        if not any(hasattr(inner, method) for method in methods):
            getattr(inner, methods[0])  # its own error
        return True

    return check


class SkipInvalidRows(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    """Give any estimator or transformer the behaviour of ours towards invalid molecules.

    A row of nothing but NaN, as featurisers with ``on_invalid="nan"`` make it, is left out of
    `fit` and `score` and comes back as NaN (None among string labels) from `predict`,
    `predict_proba` and `transform`. Rows keep their number and order. Rows that are NaN in part
    reach the estimator as they are. Put imputers and scalers inside it: outside, they would fill
    the empty rows with invented values.

    It also takes molecules: scikit-learn's voting, bagging and calibrated classifiers would choose
    the first class where their members predict NaN, so wrap them, behind
    ``MolStandardizer(on_invalid="nan")``.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn estimator, transformer, clusterer or pipeline.
    per_target : bool, default=False
        If True, y may have several columns with gaps (NaN or None where there is no measurement):
        a clone is fitted for each column on the rows where it is measured. y without gaps goes to
        the estimator as it is if the estimator takes several targets. Several labels must be 0 or
        1, and `predict_proba` returns the probability of 1 for each, (n, t), as our networks do.
        Leave it at False for estimators that take gaps themselves.

    Attributes
    ----------
    estimator_ : estimator
        The fitted one.
    classes_ : ndarray of shape (n_classes,), or list of them
        Its classes, if it is a classifier; a list of those of each label if there are several.
    n_features_in_ : int
        Columns of X, where that is a matrix.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, where they had any.

    See Also
    --------
    make_linear_pipeline, make_forest_pipeline : Pipelines with one inside.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skchem_dl.pipelines import SkipInvalidRows
    >>> X = np.array([[0.0], [1.0], [np.nan], [3.0]])
    >>> SkipInvalidRows(Ridge(alpha=1e-6)).fit(X, [0, 1, 99, 3]).predict(X).round(3)
    array([ 0.,  1., nan,  3.])

    Two targets, neither measured for each molecule:

    >>> y = np.array([[0, np.nan], [1, -1], [np.nan, np.nan], [np.nan, -3]])
    >>> SkipInvalidRows(Ridge(alpha=1e-6), per_target=True).fit(X, y).predict(X).round(3)
    array([[ 0., -0.],
           [ 1., -1.],
           [nan, nan],
           [ 3., -3.]])
    """

    _parameter_constraints: dict[str, list] = {"estimator": [object], "per_target": ["boolean"]}

    def __init__(self, estimator, *, per_target=False):
        self.estimator = estimator
        self.per_target = per_target

    @property
    def classes_(self) -> np.ndarray:
        """Classes of the inner classifier."""
        return self.estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """Columns that the inner estimator was fitted on."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Their names, where they had any."""
        return self.estimator_.feature_names_in_

    def fit(self, X: Any, y: Any = None, **params: Any) -> "SkipInvalidRows":
        """Fit a clone of the estimator on the valid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.
        y : array-like of length n, default=None
            Targets.
        **params
            For the estimator's `fit`; those of length n are subset too, and X_val with its y_val.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If no row is valid.
        """
        self._fit("fit", as_rows(X), y, params)
        return self

    @available_if(_inner_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Predict; NaN, or None among strings, in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.

        Returns
        -------
        y : ndarray of length n
            One prediction a row.
        """
        return self._call("predict", X)

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.

        Returns
        -------
        p : ndarray of shape (n, classes)
            In the order of `classes_`; of several labels, a list of such if the estimator returns
            one, or with ``per_target=True`` of shape (n, t), the probability of 1 for each.
        """
        found = self._call("predict_proba", X)
        return positive_probabilities(found, self.classes_) if self.per_target else found

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Give decision values; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.

        Returns
        -------
        values : ndarray of length n
            One a row, or one for each class.
        """
        return self._call("decision_function", X)

    @available_if(_inner_has("transform"))
    def transform(self, X: Any) -> Any:
        """Transform; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.

        Returns
        -------
        rows : ndarray or DataFrame of length n
            As the estimator and `set_output` have them.
        """
        return self._call("transform", X)

    @available_if(_inner_has("fit_transform"))
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit a clone of the estimator on the valid rows, and transform them.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.
        y : array-like of length n, default=None
            Targets.
        **params
            For the estimator's `fit_transform`; those of length n are subset too.

        Returns
        -------
        rows : ndarray or DataFrame of length n
            As the estimator and `set_output` have them.

        Raises
        ------
        ValueError
            If no row is valid.
        """
        X = as_rows(X)
        return spread(self._fit("fit_transform", X, y, params), X)

    @available_if(_inner_has("fit_predict"))
    def fit_predict(self, X: Any, y: Any = None, **params: Any) -> np.ndarray:
        """Fit a clusterer and give each row its cluster; NaN in invalid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.
        y : array-like of length n, default=None
            Clusterers ignore it.
        **params
            For the estimator's `fit_predict`; those of length n are subset too.

        Returns
        -------
        labels : ndarray of shape (n,)
            Numbers of clusters.

        Raises
        ------
        ValueError
            If no row is valid.
        """
        X = as_rows(X)
        return spread(self._fit("fit_predict", X, y, params), X)

    @available_if(_inner_has("score"))
    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Score the estimator on the valid rows.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            What the estimator takes, with rows of NaN for invalid molecules.
        y : array-like of length n, default=None
            Targets.
        **params
            For the estimator's `score`; those of length n are subset too.

        Returns
        -------
        float
            The estimator's own score.

        Raises
        ------
        ValueError
            If no row is valid.
        """
        check_is_fitted(self)
        X, y, params = self._valid_part("score", as_rows(X), y, params)
        if self.per_target and has_gaps(y):
            return masked_score(self.estimator_, X, y, **params)
        return self.estimator_.score(X, y, **params)

    @available_if(_inner_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Give the inner transformer's names.

        Parameters
        ----------
        input_features : array-like of shape (d,), of str, default=None
            Names of the columns of X.

        Returns
        -------
        names : ndarray of shape (width,), of str
            One for each column.
        """
        check_is_fitted(self)
        return self.estimator_.get_feature_names_out(input_features)

    @available_if(_inner_has("transform", "fit_transform"))
    def set_output(self, *, transform: str | None = None) -> "SkipInvalidRows":
        """Choose the container that `transform` and `fit_transform` give.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            None leaves it as it is.

        Returns
        -------
        self : object
            The wrapper itself.
        """
        for estimator in (self.estimator, getattr(self, "estimator_", None)):
            if estimator is not None:
                _safe_set_output(estimator, transform=transform)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Route metadata to the estimator.

        Returns
        -------
        MetadataRouter
            What scikit-learn asks for where metadata routing is enabled.
        """
        mapping = MethodMapping()
        for method in ("fit", "fit_transform", "fit_predict", "score"):
            mapping.add(caller=method, callee=method)
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        for name in ("estimator_type", "target_tags", "classifier_tags", "regressor_tags"):
            setattr(tags, name, getattr(inner, name))
        tags.transformer_tags = inner.transformer_tags
        if self.per_target:  # `get_tags` makes new ones each time
            tags.target_tags.multi_output = True
            if tags.classifier_tags is not None:
                tags.classifier_tags.multi_label = True
        tags.input_tags = inner.input_tags
        tags.non_deterministic = inner.non_deterministic
        return tags

    @with_callbacks
    def _fit(self, method: str, X: Any, y: Any, params: dict[str, Any]) -> Any:
        n = X.shape[0]
        X, y, params = self._valid_part(method, X, y, params)
        estimator = clone(self.estimator)
        if self.per_target and needs_fit_per_target(estimator, y):
            estimator = PerTarget(estimator)
        with counted_among(X.shape[0], n), inner_fit(self, estimator, X, y):
            result = getattr(estimator, method)(X, y, **params)
        self.estimator_ = estimator
        self._float_dtype = float_dtype(X)
        return result

    def _valid_part(
        self, method: str, X: Any, y: Any, params: dict[str, Any]
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take the valid rows of everything that has rows."""
        check_consistent_length(X, y)
        rows = np.flatnonzero(not_all_nan(X))
        if not len(rows):
            raise ValueError(f"All {X.shape[0]} row(s) are NaN (invalid molecules).")
        if _routing_enabled():
            params = process_routing(self, method, **params).estimator[method]
        own_rows = {name: params[name] for name in _VALIDATION if params.get(name) is not None}
        params = {name: value for name, value in params.items() if name not in own_rows}
        return (
            row_subset(X, rows),
            None if y is None else valid_targets(y, rows),
            {**_check_method_params(X, params, indices=rows), **valid_validation(own_rows)},
        )

    def _call(self, method: str, X: Any) -> Any:
        check_is_fitted(self)
        X = as_rows(X)
        rows = np.flatnonzero(not_all_nan(X))
        valid_part = row_subset(X, rows) if len(rows) else self._stand_in(X)
        # NaN has made float32 of what the estimator may have been fitted to, and KMeans minds.
        if self._float_dtype is not None and float_dtype(valid_part) != self._float_dtype:
            valid_part = valid_part.astype(self._float_dtype)
        with counted_among(len(rows), X.shape[0]):
            found = getattr(self.estimator_, method)(valid_part)
        return spread(found, X)

    def _stand_in(self, X: Any) -> Any:
        """Give one valid row that tells how wide the output is, where X has none."""
        on_molecules = not hasattr(self, "n_features_in_")
        if hasattr(X, "columns"):
            return type(X)({name: ["C" if on_molecules else 0.0] for name in X.columns})
        if on_molecules and X.dtype == object:
            return np.full((1, *X.shape[1:]), "C", dtype=object)
        return np.zeros((1, *X.shape[1:]), dtype=X.dtype)
