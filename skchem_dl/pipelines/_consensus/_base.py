"""What the consensus of regressors and that of classifiers share."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble._base import _BaseHeterogeneousEnsemble, _set_random_states
from sklearn.utils import Bunch, check_consistent_length, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skchem_dl.features._molecules import row_subset
from skchem_dl.pipelines._consensus._folds import Fold, make_folds
from skchem_dl.pipelines._consensus._inputs import groups_of, rows_that_count, valid_rows
from skchem_dl.pipelines._consensus._members import fit_and_predict, predict_matrix
from skchem_dl.pipelines._consensus._targets import Targets
from skchem_dl.pipelines._valid_rows import as_rows

_FEW = 500  # molecules; of fewer, models miss those held out more, and fits are cheap


class BaseConsensus(_BaseHeterogeneousEnsemble):
    """Members fitted on all rows, and weights from predictions for rows held out."""

    _parameter_constraints: dict[str, list] = {
        "estimators": [list],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), None],
        "shrinkage": [Interval(Real, 0, None, closed="both")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }
    # Passed on by searches and pipelines as soon as routing is enabled.
    __metadata_request__fit = {"groups": True}

    def __init__(self, estimators, *, cv=None, shrinkage=100.0, n_jobs=None, random_state=None):
        super().__init__(estimators)
        self.cv = cv
        self.shrinkage = shrinkage
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def n_features_in_(self) -> int:
        """Columns that the members were fitted on."""
        return self.estimators_[0].n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Their names, if they had any."""
        return self.estimators_[0].feature_names_in_

    @property
    def named_estimators_(self) -> Bunch:
        """The fitted members by name."""
        check_is_fitted(self)
        return Bunch(**dict(zip(self._names, self.estimators_, strict=True)))

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None) -> Any:
        """Compute the weights by cross-validation, and fit every member on all molecules.

        Parameters
        ----------
        X : of length n
            What the members take. Empty graphs and rows of nothing but NaN stand for invalid
            molecules and are left out.
        y : array-like of shape (n,) or (n, t)
            Targets; in (n, t), NaN means "not measured".
        sample_weight : array-like of shape (n,), default=None
            How much each molecule counts, in the fits and for the weights; one of weight 0 is left
            out. All members have to take it.
        groups : array-like of shape (n,), default=None
            Group of each molecule, for instance its scaffold: no group is both trained on and
            held out.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or a member is wrong, no row is left to learn from, or a member predicts
            none of the molecules held out.
        """
        self._validate_params()
        names, members = self._members()
        X = as_rows(X)
        check_consistent_length(X, y, sample_weight, groups)
        valid = valid_rows(X)
        targets = self._read_y(y, valid)
        rows, weights = rows_that_count(valid, targets, sample_weight)
        X, known = row_subset(X, rows), targets.take(rows)
        rng = check_random_state(self.random_state)
        cv = (5 if len(rows) < _FEW else 3) if self.cv is None else self.cv
        folds = make_folds(cv, X, known.for_members(), known.labels(), groups_of(groups, rows), rng)
        given = None if sample_weight is None else weights
        fitted, held_out = self._fit_members(names, members, X, known, given, folds, rng)
        _refuse_members_without_predictions(names, held_out, folds)
        self._take_kind(known)
        self._names = names
        self.estimators_ = fitted
        self.weights_ = self._weigh(known, held_out, weights)
        self._judge(known, held_out, weights)
        predictions = np.full((len(valid), known.n_columns), np.nan)
        predictions[rows] = self._average(held_out)
        self.oof_predictions_ = self._shaped(predictions)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimators_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = self._all_take_several_targets()
        return tags

    def _all_take_several_targets(self) -> bool:
        """Check whether y may have several columns, False of `estimators` that `fit` refuses."""
        try:
            members = [member for _, member in self.estimators if member != "drop"]
            return all(get_tags(member).target_tags.multi_output for member in members)
        except (AttributeError, TypeError, ValueError):
            return False

    @abstractmethod
    def _read_y(self, y: Any, valid: np.ndarray) -> Targets:
        """Check y, and return it as numbers."""

    def _shaped(self, predictions: np.ndarray) -> np.ndarray:
        """Return predictions in the shape of y, or of probabilities."""
        return predictions

    def _take_kind(self, targets: Targets) -> None:
        """Remember what is predicted."""
        self._is_flat = targets.is_flat
        self._n_columns = targets.n_columns
        self._class_names = targets.class_names

    @abstractmethod
    def _weigh_one(
        self, y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray
    ) -> np.ndarray:
        """Compute the weights for one target, (n,), (M, n, c), (n,) -> (M,)."""

    @abstractmethod
    def _error(self, y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray) -> float:
        """Compute the error that weights minimize, in its own units, (n,), (n, c), (n,)."""

    @abstractmethod
    def _oof_score(self, targets: Targets, predictions: np.ndarray) -> float:
        """Score out-of-fold predictions, (n, c), as `score` does."""

    def _members(self) -> tuple[list[str], list[Any]]:
        self._validate_estimators()
        kept = [(name, member) for name, member in self.estimators if member != "drop"]
        return [name for name, _ in kept], [member for _, member in kept]

    def _fit_members(
        self,
        names: list[str],
        members: list[Any],
        X: Any,
        targets: Targets,
        sample_weight: np.ndarray | None,
        folds: list[Fold],
        rng: np.random.RandomState,
    ) -> tuple[list[Any], np.ndarray]:
        """Return the members fitted on all rows, and out-of-fold predictions, (M, n, c)."""
        n = len(targets.values)
        tasks = [*folds, (np.arange(n), np.arange(0))]
        copies = [clone(member) for member in members for _ in tasks]
        if self.random_state is not None:
            for copy in copies:
                _set_random_states(copy, rng)
        names = [name for name in names for _ in tasks]
        results = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_and_predict)(name, copy, X, targets, sample_weight, tasks[k % len(tasks)])
            for k, (name, copy) in enumerate(zip(names, copies, strict=True))
        )
        total = np.zeros((len(members), n, targets.n_columns))
        for k, predicted in enumerate(results):
            member, task = divmod(k, len(tasks))
            if task < len(folds):
                total[member, folds[task][1]] += predicted
        times = np.zeros(n)
        for _, test in folds:  # some splitters hold rows out several times
            times[test] += 1
        times[times == 0] = np.nan
        return results[len(folds) :: len(tasks)], total / times[:, None]

    def _weigh(
        self, targets: Targets, held_out: np.ndarray, sample_weight: np.ndarray
    ) -> np.ndarray:
        """Compute the weights, (M,) or (t, M)."""
        n_members = len(held_out)
        weights = []
        for y, predictions in _by_target(targets, held_out):
            rows = _complete_rows(y, predictions)
            if len(rows):
                weights.append(self._weigh_one(y[rows], predictions[:, rows], sample_weight[rows]))
            else:
                weights.append(np.full(n_members, 1 / n_members))
        return weights[0] if targets.is_flat else np.array(weights)

    def _judge(self, targets: Targets, held_out: np.ndarray, sample_weight: np.ndarray) -> None:
        """Set the errors of out-of-fold predictions, of all members and of the consensus."""
        together = self._average(held_out)
        everyone = np.concatenate([held_out, together[None]])
        errors = []
        for y, of_all in _by_target(targets, everyone):
            rows = _complete_rows(y, of_all)
            errors.append(
                [self._error(y[rows], one[rows], sample_weight[rows]) for one in of_all]
                if len(rows)
                else [np.nan] * len(everyone)
            )
        self.oof_errors_ = {
            name: float(column[0]) if targets.is_flat else column
            for name, column in zip([*self._names, "consensus"], np.array(errors).T, strict=True)
        }
        any_row = not np.isnan(together).all()
        self.oof_score_ = self._oof_score(targets, together) if any_row else np.nan

    def _average(self, predictions: np.ndarray) -> np.ndarray:
        """Return the weighted mean of the members' predictions, (M, n, c) -> (n, c)."""
        weights = self._column_weights(predictions.shape[2])
        known = np.where(weights[:, None] == 0, 0.0, predictions)  # NaN times 0 is NaN
        return np.einsum("mnc,mc->nc", known, weights)

    def _column_weights(self, n_columns: int) -> np.ndarray:
        """Return the weights of each column of predictions, (M, c)."""
        weights = np.atleast_2d(self.weights_).T
        return np.broadcast_to(weights, (len(weights), n_columns))

    def _predict_all(self, X: Any) -> np.ndarray:
        """Return what the members predict, 0 of those without any weight, (M, n, c)."""
        check_is_fitted(self)
        X = as_rows(X)
        found = np.zeros((len(self.estimators_), X.shape[0], self._n_columns))
        for m in np.flatnonzero(np.atleast_2d(self.weights_).any(axis=0)):
            found[m] = predict_matrix(
                self._names[m], self.estimators_[m], X, self._n_columns, self._class_names
            )
        return found


def _refuse_members_without_predictions(
    names: list[str], held_out: np.ndarray, folds: list[Fold]
) -> None:
    if not folds:
        return
    rows = np.unique(np.concatenate([test for _, test in folds]))
    for name, predictions in zip(names, held_out, strict=True):
        if np.isnan(predictions[rows]).all():
            raise ValueError(
                f"{name!r} predicted NaN for all {len(rows)} molecules held out; expected numbers. "
                "Check that it can be fitted on these molecules alone, or drop it."
            )


def _complete_rows(y: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the rows that are measured and that all predict, (n,), (M, n, c) -> (m,)."""
    return np.flatnonzero(~np.isnan(y) & ~np.isnan(predictions).any(axis=(0, 2)))


def _by_target(targets: Targets, predictions: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return measurements and predictions of each target, (n,) and (M, n, c)."""
    if targets.are_classes:
        return [(targets.values[:, 0], predictions)]
    return [(targets.values[:, j], predictions[:, :, [j]]) for j in range(targets.values.shape[1])]
