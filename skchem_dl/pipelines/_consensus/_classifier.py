"""A consensus of classifiers."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_consistent_length

from skchem_dl._rows import as_labels, as_plain, spread_rows
from skchem_dl._targets import check_multilabel
from skchem_dl.pipelines._consensus._base import BaseConsensus
from skchem_dl.pipelines._consensus._targets import Targets, read_classes
from skchem_dl.pipelines._consensus._weights import log_loss_weights

_SMALLEST = 1e-15  # probability, in log losses that are reported


class ConsensusClassifier(ClassifierMixin, BaseConsensus):
    """Weighted mean of several kinds of classifiers' probabilities, weighted by cross-validation.

    What each member predicts for molecules that it was not fitted on decides its weight: weights
    are not negative, their sum is 1, and they minimize the log loss [1]_, of several labels for
    each by itself. They are shrunk toward equal weights, so that 50 molecules decide little and
    thousands a lot. Then every member is fitted on all molecules.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Members by name, as for `sklearn.ensemble.VotingClassifier`: ready pipelines, which each
        featurize the molecules, or estimators that all take the features that come before the
        consensus. They must have `predict_proba`. "drop" in the place of one leaves it out.
    cv : int or splitter, default=None
        Number of folds, drawn at random and stratified (of whole groups if `fit` is given any), or
        a splitter. None makes 5 folds of fewer than 500 molecules and 3 of more. A molecule is not
        held out if the others were without one of the classes.
    shrinkage : float, default=100.0
        How many molecules equal weights are worth. 0 follows the molecules held out alone, infinity
        makes all weights equal.
    n_jobs : int, default=None
        Worker processes, each of which fits one member on one fold at a time.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds and, unless it is None, of all members, whose own seeds it replaces.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes; of several labels, their numbers.
    weights_ : ndarray of shape (n_members,) or (t, n_members)
        Weight of each member, for each label if y has several columns.
    estimators_ : list of estimator
        The fitted members.
    named_estimators_ : Bunch
        The same by name.
    oof_predictions_ : ndarray of shape (n, n_classes) or (n, t)
        Probabilities of the consensus for each molecule by models that were not fitted on it; NaN
        if it was not held out, or is invalid.
    oof_errors_ : dict of str to float or ndarray of shape (t,)
        Log loss of these probabilities, of each member alone and of the "consensus".
    oof_score_ : float
        The share of molecules whose labels they predict right: an estimate of `score` on molecules
        of the same kind.
    n_features_in_ : int
        Columns of X, if it is a matrix.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, if they had any.

    See Also
    --------
    make_consensus_pipeline : A graph network, a kernel method and boosted trees, from SMILES.
    sklearn.ensemble.VotingClassifier : Takes the weights as a parameter.
    sklearn.ensemble.StackingClassifier : Fits another model to predictions for molecules held out.

    References
    ----------
    .. [1] Smyth, P.; Wolpert, D. Linearly Combining Density Estimators via Stacking. Mach. Learn.
       1999, 36, 59-83. https://doi.org/10.1023/A:1007511322260

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import (
    ...     ConsensusClassifier,
    ...     make_linear_pipeline,
    ...     make_neighbors_pipeline,
    ... )
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> members = [
    ...     ("linear", make_linear_pipeline("classification")),
    ...     ("neighbors", make_neighbors_pipeline("classification")),
    ... ]
    >>> model = ConsensusClassifier(members, random_state=0).fit(X, y > -3)
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable class, or each label whose probability is above 0.5.

        Parameters
        ----------
        X : of length n
            As in `fit`.

        Returns
        -------
        y : ndarray of shape (n,) or (n, t)
            Labels as in `fit`, or 0/1; NaN (None among strings) in the rows of invalid molecules.
        """
        return self._decode(self.predict_proba(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : of length n
            As in `fit`.

        Returns
        -------
        p : ndarray of shape (n, n_classes) or (n, t), float64
            In the order of `classes_`; of several labels, of each being 1. NaN in the rows of
            invalid molecules.
        """
        return self._average(self._predict_all(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of valid molecules whose (measured) labels are all predicted right.

        Parameters
        ----------
        X : of length n
            As in `fit`.
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
        y = np.asarray(as_labels(y))
        counted = ~np.isnan(probabilities).any(axis=1)
        if not self._is_flat:
            if y.shape != probabilities.shape:
                raise ValueError(
                    f"y has shape {y.shape}; expected {probabilities.shape}, as in fit."
                )
            y = check_multilabel(y, np.arange(len(y)))
            counted &= ~np.isnan(y).all(axis=1)
        if not counted.any():
            raise ValueError(f"None of the {len(y)} rows has both a label and a prediction.")
        weights = None if sample_weight is None else np.asarray(sample_weight)[counted]
        return self._accuracy(as_plain(y[counted]), probabilities[counted], weights)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output
        return tags

    def _accuracy(self, y: np.ndarray, probabilities: np.ndarray, weights: Any) -> float:
        predicted = self._decode(probabilities)
        if self._is_flat:
            return float(accuracy_score(y, predicted, sample_weight=weights))
        right = (np.isnan(y) | (y == predicted)).all(axis=1)
        return float(np.average(right, weights=weights))

    def _decode(self, probabilities: np.ndarray) -> np.ndarray:
        """Return labels, missing where the probabilities are NaN."""
        valid = ~np.isnan(probabilities).any(axis=1)
        if self._is_flat:
            labels = self.classes_[np.argmax(probabilities[valid], axis=1)]
        else:
            labels = (probabilities[valid] > 0.5).astype(np.int64)
        return spread_rows(labels, valid)

    def _read_y(self, y: Any, valid: np.ndarray) -> Targets:
        return read_classes(y, valid)

    def _take_kind(self, targets: Targets) -> None:
        super()._take_kind(targets)
        self.classes_: np.ndarray = targets.classes  # type: ignore[assignment]

    def _weigh_one(
        self, y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray
    ) -> np.ndarray:
        likelihoods = np.array([self._likelihoods(y, one) for one in predictions])
        return log_loss_weights(likelihoods, sample_weight, self.shrinkage)

    def _error(self, y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray) -> float:
        logs = np.log(np.clip(self._likelihoods(y, predictions), _SMALLEST, None))
        return -np.average(logs, weights=sample_weight)

    def _likelihoods(self, y: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """Return the predicted probability of what was observed, (n,), (n, c) -> (n,)."""
        if self._is_flat:
            return np.take_along_axis(predictions, y.astype(np.int64)[:, None], axis=1)[:, 0]
        return np.where(y == 1, predictions[:, 0], 1 - predictions[:, 0])

    def _oof_score(self, targets: Targets, predictions: np.ndarray) -> float:
        rows = np.flatnonzero(~np.isnan(predictions).any(axis=1))
        y = targets.for_members()[rows]
        return self._accuracy(y, predictions[rows], None)
