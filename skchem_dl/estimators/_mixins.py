"""What y means: regression or classification, on top of any network."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, column_or_1d
from torch import nn

from skchem_dl._rows import as_plain
from skchem_dl._targets import multilabel_values, refuse_empty_columns
from skchem_dl.estimators._losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from skchem_dl.estimators._tasks import (
    ClassificationTask,
    RegressionTask,
    check_labels,
    read_labels,
)
from skchem_dl.metrics import masked_mean_r2


class RegressionMixin(RegressorMixin):
    """`predict` and `score` for numbers."""

    _regression_constraints: dict[str, list] = {
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "normalize_y": ["boolean"],
    }

    # Routed on request of the caller alone, so that enabling routing changes nothing.
    __metadata_request__predict = {"return_std": True}

    def predict(
        self, X: Any, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict the targets.

        Parameters
        ----------
        X : of length n
            Features, as the class says.
        return_std : bool, default=False
            Also give the standard deviation between the members of an ensemble.

        Returns
        -------
        y : ndarray of shape (n,) or (n, t), float64
            NaN in the rows of invalid molecules.
        std : ndarray of the same shape
            With ``return_std=True`` only; in the units of y.

        Raises
        ------
        ValueError
            If a standard deviation is asked of a single network.
        """
        self._check_is_fitted()
        if return_std and len(self.nets_) < 2:
            raise ValueError(
                f"return_std=True needs an ensemble, but it was fitted with n_members="
                f"{len(self.nets_)}. Set n_members to 2 or more (5 is usual) and fit again."
            )
        members = self._predict_members(X)
        mean = members[0] if len(members) == 1 else np.mean(members, axis=0)
        return (mean, np.std(members, axis=0, ddof=1)) if return_std else mean

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Give R², the mean over the tasks, on the valid molecules and measured targets.

        Parameters
        ----------
        X : of length n
            Features, as the class says.
        y : array-like of shape (n,) or (n, t)
            Targets; NaN means "not measured".
        sample_weight : array-like of shape (n,), default=None
            How much each molecule counts.

        Returns
        -------
        float
            1 if every prediction is right, 0 if they are no better than the mean of y.

        Raises
        ------
        ValueError
            If nothing is left to compare.
        """
        self._check_is_fitted()
        return masked_mean_r2(y, np.mean(self._predict_members(X), axis=0), sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _predict_members(self, X: Any) -> list[np.ndarray]:
        return [self._task.decode(raw.astype(np.float64)) for raw in self._outputs(X)]

    def _read_y(self, y: Any) -> np.ndarray:
        return check_array(
            y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y"
        )

    def _read_targets(
        self, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, *, reset: bool
    ) -> np.ndarray:
        missing = np.isnan(y[rows])
        if y.ndim == 1 and missing.any():
            raise ValueError(
                f"Input y contains NaN: {int(missing.sum())} of {len(y)} values are missing, the "
                f"first in row {int(rows[np.flatnonzero(missing)[0]])}. Leave those rows out: "
                "keep = ~np.isnan(y); fit(X[keep], y[keep])."
            )
        if reset:
            refuse_empty_columns(missing)
            weight = None if weights is None else weights[rows]
            self._task = RegressionTask(y[rows], self.normalize_y, weight)
        return self._task.encode(y)

    def _make_loss(self) -> nn.Module:
        return self._task.make_loss(self.loss, self.quantile)


class ClassificationMixin(ClassifierMixin):
    """`predict`, `predict_proba` and `score` for classes and yes-no labels."""

    _classification_constraints: dict[str, list] = {
        "loss": [StrOptions(set(CLASSIFICATION_LOSSES))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def predict(self, X: Any) -> np.ndarray:
        """Predict classes.

        Parameters
        ----------
        X : of length n
            Features, as the class says.

        Returns
        -------
        y : ndarray of shape (n,) or (n, t)
            Labels as in `fit`, or 0/1; NaN (None among strings) in the rows of invalid molecules.
        """
        probabilities = self.predict_proba(X)
        return self._task.decode(probabilities)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : of length n
            Features, as the class says.

        Returns
        -------
        p : ndarray of shape (n, classes) or (n, t), float64
            In the order of `classes_`; for several labels, of each being 1. NaN in the rows of
            invalid molecules.
        """
        self._check_is_fitted()
        members = [self._task.probabilities(raw.astype(np.float64)) for raw in self._outputs(X)]
        return np.mean(members, axis=0)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Give the share of valid molecules whose (measured) labels are all predicted right.

        Parameters
        ----------
        X : of length n
            Features, as the class says.
        y : array-like of shape (n,) or (n, t)
            Labels; in (n, t), NaN means "not measured".
        sample_weight : array-like of shape (n,), default=None
            How much each molecule counts.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ValueError
            If nothing is left to compare, or y has other columns than in `fit`.
        """
        probabilities = self.predict_proba(X)
        check_consistent_length(probabilities, y)
        y = read_labels(y)
        counted = ~np.isnan(probabilities).any(axis=1)
        if self._task.multilabel:
            expected = (len(probabilities), self._task.out_dim)
            if y.shape != expected:
                raise ValueError(f"y has shape {y.shape}; expected {expected}, as in fit.")
            y = multilabel_values(y)
            counted &= ~np.isnan(y).all(axis=1)
        if not counted.any():
            raise ValueError(f"None of the {len(y)} rows has both a label and a prediction.")
        y, predicted = as_plain(y[counted]), self._task.decode(probabilities[counted])
        weight = None if sample_weight is None else np.asarray(sample_weight)[counted]
        if self._task.multilabel:
            right = (np.isnan(y) | (y == predicted)).all(axis=1)
            return float(np.average(right, weights=weight))
        return float(accuracy_score(y, predicted, sample_weight=weight))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _read_y(self, y: Any) -> np.ndarray:
        y = check_array(
            read_labels(y),
            ensure_2d=False,
            dtype=None,
            ensure_all_finite=False,
            input_name="y",
        )
        return column_or_1d(y, warn=True) if y.ndim == 1 or y.shape[1] == 1 else y

    def _read_targets(
        self, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, *, reset: bool
    ) -> np.ndarray:
        labels = check_labels(y[rows], rows)
        if reset:
            if labels.ndim == 2:
                refuse_empty_columns(np.isnan(labels))
            self._task = ClassificationTask(labels)
            self.classes_ = self._task.classes
        encoded = self._task.encode(labels)
        targets = np.full((len(y), encoded.shape[1]), np.nan, dtype=np.float32)
        targets[rows] = encoded
        return targets

    def _weigh_classes(self, targets: np.ndarray) -> None:
        self._task.weigh_classes(self.class_weight, targets)

    def _make_loss(self) -> nn.Module:
        return self._task.make_loss(self.loss)
