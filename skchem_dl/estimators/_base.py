"""The template that all estimators follow: read X and y, train, predict, put rows back."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from rdkit.Chem import Mol
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import nn

from skchem_dl._fit_tasks import CallbackSupportMixin, with_callbacks
from skchem_dl._rows import is_missing, spread_rows
from skchem_dl.callbacks._fit_report import FitReport
from skchem_dl.callbacks._schedule import SCHEDULE_NAMES
from skchem_dl.estimators._copies import CopiedMixin
from skchem_dl.estimators._data import TrainingRows, hold_out, mean_of_one
from skchem_dl.estimators._devices import PRECISIONS
from skchem_dl.estimators._engine import (
    TrainingNet,
    get_weights,
    keep_finished,
    run_rows,
    train,
)
from skchem_dl.estimators._inputs import Inputs
from skchem_dl.estimators._nets import draw_seed, history_rows, make_net, member_seed
from skchem_dl.estimators._optimizers import OPTIMIZERS
from skchem_dl.estimators._tracking import Tracking


class BaseNeuralEstimator(CallbackSupportMixin, CopiedMixin, BaseEstimator):
    """What all six estimators share.

    A kind of network says how it reads X (`_read`) and which module learns from it (`_module`);
    `RegressionMixin` and `ClassificationMixin` say what y means.
    """

    _parameter_constraints: dict[str, list] = {
        "optimizer": [StrOptions(set(OPTIMIZERS)), type],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions(set(SCHEDULE_NAMES)), callable],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "predict_batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "precision": [StrOptions(set(PRECISIONS))],
        "device": [str],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "log_dir": [str, PathLike, None],
        "checkpoint_dir": [str, PathLike, None],
        "callbacks": [list, tuple, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        loss,
        optimizer,
        lr,
        lr_schedule,
        momentum,
        weight_decay,
        max_grad_norm,
        batch_size,
        predict_batch_size,
        max_epochs,
        early_stopping,
        validation_fraction,
        n_iter_no_change,
        n_members,
        precision,
        device,
        warm_start,
        random_state,
        log_dir,
        checkpoint_dir,
        callbacks,
        verbose,
    ):
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.batch_size = batch_size
        self.predict_batch_size = predict_batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_members = n_members
        self.precision = precision
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.log_dir = log_dir
        self.checkpoint_dir = checkpoint_dir
        self.callbacks = callbacks
        self.verbose = verbose

    # Learning rate of pretrained weights, relative to that of a new head.
    _pretrained_lr_factor = 1.0

    # Passed on by searches and pipelines as soon as routing is enabled: groups to keep scaffolds
    # apart in the inner split too, X_val for Pipeline(transform_input=["X_val"]).
    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}

    @property
    def net_(self) -> TrainingNet:
        """The trained skorch net, of an ensemble the first."""
        self._check_is_fitted()
        return self.nets_[0]

    @property
    def module_(self) -> nn.Module:
        """Its torch module."""
        return self.net_.module_

    @property
    def n_iter_(self) -> int:
        """Epochs trained; of an ensemble the most."""
        self._check_is_fitted()
        return max((row["epoch"] for row in self.history_), default=0)

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> "BaseNeuralEstimator":
        """Train the network.

        Ctrl-C ends training after the running batch and raises KeyboardInterrupt. The estimator is
        then fitted: with the best epoch so far where `early_stopping` is on, otherwise with the
        weights as they are (an ensemble with the members that were finished). Where there is a
        `checkpoint_dir`, the same call goes on.

        Parameters
        ----------
        X : of length n
            Features, as the class says. Rows that stand for invalid molecules are left out.
        y : array-like of shape (n,) or (n, t)
            Targets; in (n, t), NaN means "not measured".
        sample_weight : array-like of shape (n,), default=None
            How much each molecule counts in the loss; one of weight 0 is left out.
        groups : array-like of shape (n,), default=None
            Group of each molecule (its scaffold, say): with ``early_stopping=True``, no group is
            both trained on and held out.
        X_val, y_val : like X and y, default=None
            Molecules to validate on, instead of some held out; `early_stopping` watches them, and
            without it they are in `history_` only.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If X is not what the class takes, a parameter is wrong, no row is left to learn from,
            or of `X_val` and `y_val` only one is given.
        ImportError
            If an extra is missing that a parameter needs, as `log_dir` does.
        """
        self._validate_params()
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        report = FitReport(self, _fitted_attributes)
        with self._kept_whole():
            inputs = self._read(X, reset=not goes_on)
            if y is None:
                raise ValueError(
                    f"This {type(self).__name__} estimator requires y to be passed, but the target "
                    "y is None."
                )
            y = self._read_y(y)
            rows, weights = self._rows_that_count(inputs, y, sample_weight)
            report.begin(X, y, weights, rows)
            targets = self._read_targets(y, rows, weights, reset=not goes_on)
            self._weigh_classes(targets[rows])
            data = TrainingRows(inputs, targets, rows, self._target_weights(targets, rows, weights))
            validation = self._read_validation(X_val, y_val)
            self._train(data, validation, _read_groups(groups, y), goes_on, report)
            report.end()
        return self

    @contextmanager
    def _kept_whole(self) -> Iterator[None]:
        """Stay as it was where a fit fails: no old network may stand among new targets."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            if vars(self).get("nets_") is before.get("nets_"):  # after Ctrl-C there are new ones
                self.__dict__ = before
            raise

    def embed(self, X: Any) -> np.ndarray:
        """Give what the network makes of each molecule before its head.

        `skchem_dl.pipelines.NeuralEmbedder` is this as a transformer.

        Parameters
        ----------
        X : of length n
            Features, as the class says.

        Returns
        -------
        embedding : ndarray of shape (n, h), float32
            NaN in the rows of invalid molecules; of an ensemble, the members' side by side.
        """
        self._check_is_fitted()
        return np.hstack(self._outputs(X, "embed"))

    @property
    def embedding_dim_(self) -> int:
        """Width h of `embed`'s vectors."""
        self._check_is_fitted()
        return sum(net.module_.embedding_dim for net in self.nets_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "nets_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        tags.target_tags.required = True
        return tags

    @abstractmethod
    def _read(self, X: Any, *, reset: bool) -> Inputs:
        """Check X and hold it ready; with `reset`, remember what later X must look like."""

    @abstractmethod
    def _module(self) -> tuple[type[nn.Module], dict[str, Any]]:
        """Give the module's class and its arguments, but for ``out_dim``."""

    @abstractmethod
    def _read_y(self, y: Any) -> np.ndarray:
        """Check the shape and kind of y."""

    @abstractmethod
    def _read_targets(
        self, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, *, reset: bool
    ) -> np.ndarray:
        """Give all rows' targets as ``_task`` codes them; with `reset`, set it from `rows`."""

    @abstractmethod
    def _make_loss(self) -> nn.Module:
        """Give the loss that the parameters ask for."""

    def _pretrained_arrays(self) -> Mapping[str, np.ndarray] | None:
        """Return weights to start from, without an output layer; None draws them at random."""
        return None

    def _n_epochs(self) -> int:
        """Return the number of epochs of a fit."""
        return self.max_epochs

    def _weigh_classes(self, targets: np.ndarray) -> None:
        """Set how much each class counts, where there are any."""

    def _target_weights(
        self, targets: np.ndarray, rows: np.ndarray, weights: np.ndarray | None
    ) -> np.ndarray | None:
        """Give how much each target counts, ``(n, 1)`` or ``(n, t)``; None if all do alike."""
        parts = [self._task.weights(targets), None if weights is None else weights[:, None]]
        there = [part for part in parts if part is not None]
        if not there:
            return None
        return mean_of_one(np.prod(np.broadcast_arrays(*there), axis=0), targets, rows)

    def _check_matrix(self, X: Any, *, featurizer: str, factory: str, **options: Any) -> Any:
        """Check a matrix as scikit-learn does, but tell those who pass molecules what to do."""
        try:
            return validate_data(self, X, ensure_all_finite=False, **options)
        except (TypeError, ValueError) as error:
            if getattr(getattr(X, "dtype", None), "kind", "O") in "biufc":
                raise  # without a copy as objects, which would take eight times the memory
            rows = X.iloc[:1] if hasattr(X, "iloc") else X
            first = np.asarray(rows, dtype=object).ravel()[:1].tolist()
            if not (first and isinstance(first[0], str | Mol)):
                raise
            raise TypeError(
                f"{type(self).__name__} expects an (n, d) matrix of numbers, got the "
                f"{type(first[0]).__name__} {first[0]!r}. Make one with {featurizer}()."
                f"fit_transform(smiles), or give SMILES to skchem_dl.pipelines.{factory}()."
            ) from error

    def _rows_that_count(
        self, inputs: Inputs, y: np.ndarray, sample_weight: Any
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Give the rows that can be learnt from, and all rows' weights."""
        check_consistent_length(inputs.valid, y)
        labelled = _has_target(y)
        counted, weights = inputs.valid & labelled, None
        if sample_weight is not None:
            weights = _check_sample_weight(
                sample_weight, inputs.valid, dtype=np.float32, ensure_non_negative=True
            )
            counted &= weights > 0
        rows = np.flatnonzero(counted)
        self.n_invalid_ = int((~inputs.valid).sum())
        self.n_unlabelled_ = int((inputs.valid & ~labelled).sum())
        if not len(rows):
            raise ValueError(
                f"None of the {len(y)} rows can be learnt from: {self.n_invalid_} are invalid "
                f"molecules, {self.n_unlabelled_} have no target, the others no weight."
            )
        return rows, weights

    def _read_validation(self, X_val: Any, y_val: Any) -> TrainingRows | None:
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was passed without {missing}; pass both, or neither.")
        if X_val is None:
            return None
        try:
            inputs = self._read(X_val, reset=False)
            y_val = self._read_y(y_val)
            check_consistent_length(inputs.valid, y_val)
            rows = np.flatnonzero(inputs.valid & _has_target(y_val))
            if not len(rows):
                raise ValueError(f"None of the {len(y_val)} rows has a molecule and a target.")
            targets = self._read_targets(y_val, rows, None, reset=False)
        except TypeError as error:
            raise TypeError(
                f"In X_val and y_val: {error} (A Pipeline featurises X_val too, with "
                'transform_input=["X_val"] and metadata routing enabled.)'
            ) from error
        except ValueError as error:
            raise ValueError(f"In X_val and y_val: {error}") from error
        return TrainingRows(inputs, targets, rows, self._target_weights(targets, rows, None))

    def _train(
        self,
        data: TrainingRows,
        validation: TrainingRows | None,
        groups: np.ndarray | None,
        goes_on: bool,
        report: FitReport,
    ) -> None:
        known = [get_weights(net) for net in self.nets_] if goes_on else []
        start = [known[k] if k < len(known) else None for k in range(self.n_members)]
        pretrained = self._pretrained_arrays()
        tracking = Tracking(self, data, validation, groups, [*start, pretrained])
        with tracking.opened(draw_seed(self.random_state)) as seed:
            self.__dict__.pop("run_dir_", None)  # of an earlier fit
            if tracking.run_dir is not None:
                self.run_dir_ = str(tracking.run_dir)
            if validation is None and self.early_stopping:
                data, validation = self._hold_out(data, groups, seed)
            finished: list[TrainingNet] = []
            net = None
            try:
                for member, weights in enumerate(start):
                    net = make_net(
                        self,
                        member_seed(seed, member),
                        member,
                        tracking,
                        len(data),
                        reporter=report.reporter(),
                        pretrained=pretrained,
                    )
                    train(net, data, validation, weights)
                    finished.append(net)
                    if report.stopped:
                        break
                    if member + 1 < self.n_members:
                        keep_finished(net)
            except KeyboardInterrupt:
                if finished:
                    self._take(finished)
                elif net is not None and net.initialized_:
                    self._take([net])
                raise
            except Exception:
                if net is not None and net.abandoned:
                    tracking.finish()
                raise
            self._take(finished)
            tracking.finish()

    def _take(self, nets: list[TrainingNet]) -> None:
        """Be fitted with these networks."""
        for net in nets:
            net.checkpoints = net.pretrained = None
            for row in net.history:
                row["batches"] = []  # of no more use, and most of a pickle
        self.nets_ = nets
        self.history_ = history_rows(nets)

    def _hold_out(
        self, data: TrainingRows, groups: np.ndarray | None, seed: int
    ) -> tuple[TrainingRows, TrainingRows]:
        """Hold rows out for early stopping."""
        rows, held_out = hold_out(
            data.rows,
            self.validation_fraction,
            seed,
            labels=self._task.strata(data.targets[data.rows]),
            groups=None if groups is None else groups[data.rows],
        )
        return replace(data, rows=rows), replace(data, rows=held_out)

    def _check_is_fitted(self) -> None:
        if "nets_" not in vars(self):  # what scikit-learn does takes longer
            check_is_fitted(self)

    def _outputs(self, X: Any, method: str = "forward") -> list[np.ndarray]:
        """Apply each member's module to the valid rows; the others are NaN."""
        inputs = self._read(X, reset=False)
        return [self._run(net, method, inputs) for net in self.nets_]

    def _run(self, net: TrainingNet, method: str, inputs: Inputs) -> np.ndarray:
        rows = np.flatnonzero(inputs.valid)
        # With no valid row at all, one that is not tells how wide the output is.
        used = rows if len(rows) else np.arange(1)
        net.predict_batch_size = self.predict_batch_size  # it may have been changed since `fit`
        values = run_rows(net, method, inputs, used)
        return spread_rows(values[: len(rows)], inputs.valid)


def check_widths(name: str, widths: Iterable[int], *, at_least: int = 0) -> list[int]:
    """Check the widths of layers or filters.

    Parameters
    ----------
    name : str
        The parameter they came from.
    widths : iterable of int
    at_least : int, default=0
        How many there must be.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If one is no positive integer, or if there are too few.
    """
    found = list(widths)
    wrong = [w for w in found if not isinstance(w, Integral) or isinstance(w, bool) or w < 1]
    if wrong or len(found) < at_least:
        raise ValueError(
            f"{name}={tuple(found)!r}; expected at least {at_least} positive integers"
            + (f", but {wrong[0]!r} is none." if wrong else ".")
        )
    return [int(width) for width in found]


def _fitted_attributes(nets: list[TrainingNet]) -> dict[str, Any]:
    """Return what makes an estimator fitted with nets as they are now, which may change later."""
    return {"nets_": [net.snapshot() for net in nets], "history_": history_rows(nets)}


def _has_target(y: np.ndarray) -> np.ndarray:
    """Say which rows of a multi-task y have any measurement."""
    return np.any(~is_missing(y), axis=1) if y.ndim == 2 else np.ones(len(y), dtype=bool)


def _read_groups(groups: Any, y: np.ndarray) -> np.ndarray | None:
    if groups is None:
        return None
    check_consistent_length(groups, y)
    groups = np.asarray(groups)
    return groups.astype(str) if groups.dtype.kind == "O" else groups  # None among scaffolds
