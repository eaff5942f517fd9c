"""A consensus of regressors."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from skchem_dl.metrics import masked_mean_r2
from skchem_dl.pipelines._consensus._base import BaseConsensus
from skchem_dl.pipelines._consensus._targets import Targets, read_numbers
from skchem_dl.pipelines._consensus._weights import squared_error_weights, variance_of_errors


class ConsensusRegressor(RegressorMixin, BaseConsensus):
    """Weighted mean of several kinds of regressors, with weights from cross-validation.

    What each member predicts for molecules that it was not fitted on decides its weight [1]_:
    weights are not negative, their sum is 1, and they minimize the squared error, for each target
    by itself. They are shrunk toward equal weights, so that 50 molecules decide little and
    thousands a lot. Then every member is fitted on all molecules.

    Out-of-fold predictions also calibrate standard deviations: how far the consensus was wrong is
    fitted by how far its members were apart.

    It is like `sklearn.ensemble.StackingRegressor`, but for several targets with gaps, invalid
    molecules and groups, and with weights that can be read as shares.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Members by name, as for `sklearn.ensemble.VotingRegressor`: ready pipelines, which each
        featurize the molecules, or estimators that all take the features that come before the
        consensus. "drop" in the place of one leaves it out.
    cv : int or splitter, default=None
        Number of folds, drawn at random (of whole groups if `fit` is given any), or a splitter.
        None makes 5 folds of fewer than 500 molecules and 3 of more. A molecule is not held out if
        the others lacked a measurement of one of several targets.
    shrinkage : float, default=100.0
        How many molecules equal weights are worth. 0 follows the molecules held out alone, infinity
        makes all weights equal.
    n_jobs : int, default=None
        Worker processes, each of which fits one member on one fold at a time.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds and, unless it is None, of all members, whose own seeds it replaces.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,) or (t, n_members)
        Weight of each member, for each target if y has several columns.
    variance_ : ndarray of shape (2,) or (t, 2)
        The expected squared error is ``variance_[0] + variance_[1] * spread ** 2``, where the
        spread is the weighted standard deviation of the members' predictions. 0 and 1 if nothing
        was held out.
    estimators_ : list of estimator
        The fitted members.
    named_estimators_ : Bunch
        The same by name.
    oof_predictions_ : ndarray of shape (n,) or (n, t)
        What the consensus predicts for each molecule by models that were not fitted on it; NaN if
        it was not held out, or is invalid.
    oof_errors_ : dict of str to float or ndarray of shape (t,)
        Root mean squared error of these predictions, of each member alone and of the "consensus".
    oof_score_ : float
        Their R2, the mean over the targets: an estimate of `score` on molecules of the same kind.
    n_features_in_ : int
        Columns of X, if it is a matrix.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, if they had any.

    See Also
    --------
    make_consensus_pipeline : A graph network, a kernel method and boosted trees, from SMILES.
    sklearn.ensemble.VotingRegressor : Takes the weights as a parameter.
    sklearn.ensemble.StackingRegressor : Fits another model to predictions for molecules held out.

    References
    ----------
    .. [1] Breiman, L. Stacked Regressions. Mach. Learn. 1996, 24, 49-64.
       https://doi.org/10.1007/BF00117832

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import (
    ...     ConsensusRegressor,
    ...     make_linear_pipeline,
    ...     make_neighbors_pipeline,
    ... )
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> members = [("linear", make_linear_pipeline()), ("neighbors", make_neighbors_pipeline())]
    >>> model = ConsensusRegressor(members, random_state=0).fit(X, y)
    >>> mean, std = model.predict(X[:3], return_std=True)
    >>> list(model.oof_errors_)
    ['linear', 'neighbors', 'consensus']
    """

    # Routed on request of the caller alone, so that enabling routing changes nothing.
    __metadata_request__predict = {"return_std": True}

    def predict(
        self, X: Any, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict the targets.

        Parameters
        ----------
        X : of length n
            As in `fit`.
        return_std : bool, default=False
            Also return the standard deviation to expect of the error.

        Returns
        -------
        y : ndarray of shape (n,) or (n, t), float64
            NaN in the rows of invalid molecules.
        std : ndarray of the same shape
            With ``return_std=True`` only; in the units of y. It holds for molecules that are as far
            from those of `fit` as the folds, or `groups`, are from each other.
        """
        values = self._predict_all(X)
        mean = self._average(values)
        if not return_std:
            return self._shaped(mean)
        constant, slope = np.atleast_2d(self.variance_).T
        variance = constant + slope * self._average((values - mean) ** 2)
        return self._shaped(mean), self._shaped(np.sqrt(variance))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R2, the mean over the targets, on the valid molecules and measured targets.

        Parameters
        ----------
        X : of length n
            As in `fit`.
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
        predicted = self._shaped(self._average(self._predict_all(X)))
        return masked_mean_r2(y, predicted, sample_weight)

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0] if self._is_flat else values

    def _read_y(self, y: Any, valid: np.ndarray) -> Targets:
        return read_numbers(y, valid)

    def _weigh_one(
        self, y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray
    ) -> np.ndarray:
        return squared_error_weights(y, predictions[:, :, 0], sample_weight, self.shrinkage)

    def _error(self, y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray) -> float:
        return np.sqrt(np.average((predictions[:, 0] - y) ** 2, weights=sample_weight))

    def _judge(self, targets: Targets, held_out: np.ndarray, sample_weight: np.ndarray) -> None:
        super()._judge(targets, held_out, sample_weight)
        together = self._average(held_out)
        squared_errors = (together - targets.values) ** 2
        squared_spreads = self._average((held_out - together) ** 2)
        found = []
        for errors, spreads in zip(squared_errors.T, squared_spreads.T, strict=True):
            rows = np.flatnonzero(~np.isnan(errors))
            of_rows = errors[rows], spreads[rows], sample_weight[rows]
            found.append(variance_of_errors(*of_rows) if len(rows) else np.array([0.0, 1.0]))
        self.variance_ = found[0] if targets.is_flat else np.array(found)

    def _oof_score(self, targets: Targets, predictions: np.ndarray) -> float:
        return masked_mean_r2(targets.values, predictions)
