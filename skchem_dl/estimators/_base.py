"""The template that all estimators follow: read X and y, train, predict, put rows back."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from rdkit.Chem import Mol
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import nn

from skchem_dl._rows import is_missing, spread_rows
from skchem_dl.callbacks import SCHEDULES
from skchem_dl.estimators._engine import (
    OPTIMIZERS,
    TrainingNet,
    TrainingRows,
    get_weights,
    make_callbacks,
    resolve_device,
    run_rows,
    set_weights,
    train,
)
from skchem_dl.estimators._inputs import Inputs


class BaseNeuralEstimator(BaseEstimator):
    """What all six estimators share.

    A kind of network says how it reads X (`_read`) and which module learns from it (`_module`);
    `RegressionMixin` and `ClassificationMixin` say what y means.
    """

    _parameter_constraints: dict[str, list] = {
        "optimizer": [StrOptions(set(OPTIMIZERS)), type],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions(set(SCHEDULES)), callable],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "predict_batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "random_state": ["random_state"],
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
        weight_decay,
        max_grad_norm,
        batch_size,
        predict_batch_size,
        max_epochs,
        early_stopping,
        validation_fraction,
        n_iter_no_change,
        n_members,
        device,
        random_state,
        callbacks,
        verbose,
    ):
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.batch_size = batch_size
        self.predict_batch_size = predict_batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_members = n_members
        self.device = device
        self.random_state = random_state
        self.callbacks = callbacks
        self.verbose = verbose

    @property
    def net_(self) -> TrainingNet:
        """The trained skorch net, of an ensemble the first."""
        check_is_fitted(self)
        return self.nets_[0]

    @property
    def module_(self) -> nn.Module:
        """Its torch module."""
        return self.net_.module_

    @property
    def n_iter_(self) -> int:
        """Epochs trained, of an ensemble the most."""
        check_is_fitted(self)
        return max(row["epoch"] for row in self.history_)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "BaseNeuralEstimator":
        """Train the network.

        Parameters
        ----------
        X : of length n
            Features, as the class says. Rows that stand for invalid molecules are left out.
        y : array-like of shape (n,) or (n, t)
            Targets; in (n, t), NaN means "not measured".
        sample_weight : array-like of shape (n,), default=None
            How much each molecule counts in the loss; one of weight 0 is left out.

        Returns
        -------
        self
        """
        self._validate_params()
        inputs = self._read(X, reset=True)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        y = self._read_y(y)
        check_consistent_length(inputs.valid, y)
        counted = inputs.valid & _has_target(y)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(
                sample_weight, inputs.valid, dtype=np.float32, ensure_non_negative=True
            )
            counted &= weights > 0
        rows = np.flatnonzero(counted)
        if not len(rows):
            raise ValueError(
                f"None of the {len(y)} rows can be learnt from: {int((~inputs.valid).sum())} are "
                "invalid molecules, the others have no target or no weight."
            )
        targets = self._read_targets(y, rows, weights)
        self._train(
            TrainingRows(inputs, targets, rows, None if weights is None else weights[:, None])
        )
        return self

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
        check_is_fitted(self)
        return np.hstack(self._outputs(X, "embed"))

    @property
    def embedding_dim_(self) -> int:
        """Width h of `embed`'s vectors."""
        check_is_fitted(self)
        return sum(net.module_.embedding_dim for net in self.nets_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "nets_")

    def __getstate_for_file__(self) -> dict[str, Any]:
        """Give what `skchem_dl.save` writes: the attributes, and of the nets the weights alone."""
        state = {name: value for name, value in vars(self).items() if name != "nets_"}
        if "nets_" in vars(self):
            state["weights"] = [get_weights(net) for net in self.nets_]
        return state

    def __setstate_from_file__(self, state: dict[str, Any]) -> None:
        """Take the attributes back, and build nets around the weights."""
        weights = state.pop("weights", None)
        self.__dict__.update(state)
        if weights is not None:
            self.nets_ = [self._make_net(0, k, device="cpu") for k in range(len(weights))]
            for net, its_weights in zip(self.nets_, weights, strict=True):
                set_weights(net, its_weights)

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
        self, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None
    ) -> np.ndarray:
        """Set ``_task`` from the rows that count, and give all rows' targets as it codes them."""

    def _check_matrix(self, X: Any, *, featurizer: str, factory: str, **options: Any) -> Any:
        """Check a matrix as scikit-learn does, but tell those who pass molecules what to do."""
        try:
            return validate_data(self, X, ensure_all_finite=False, **options)
        except (TypeError, ValueError) as error:
            first = np.asarray(X, dtype=object).ravel()[:1].tolist()
            if not (first and isinstance(first[0], str | Mol)):
                raise
            raise TypeError(
                f"{type(self).__name__} expects an (n, d) matrix of numbers, got the "
                f"{type(first[0]).__name__} {first[0]!r}. Make one with {featurizer}()."
                f"fit_transform(smiles), or give SMILES to skchem_dl.pipelines.{factory}()."
            ) from error

    def _train(self, training: TrainingRows) -> None:
        seed = _draw_seed(self.random_state)
        validation = None
        if self.early_stopping:
            rows, held_out = self._split(training.rows, training.targets, seed)
            validation = replace(training, rows=held_out)
            training = replace(training, rows=rows)
        nets = [self._make_net(_member_seed(seed, k), k) for k in range(self.n_members)]
        for net in nets:
            train(net, training, validation)
        self.nets_ = nets
        self.history_ = _history_rows(nets)

    def _make_net(self, seed: int, member: int, device: str | None = None) -> TrainingNet:
        name = type(self).__name__
        label = name if self.n_members == 1 else f"{name} {member + 1}/{self.n_members}"
        module, arguments = self._module()
        arguments = {f"module__{name}": value for name, value in arguments.items()}
        callbacks = make_callbacks(
            lr_schedule=self.lr_schedule,
            max_grad_norm=self.max_grad_norm,
            patience=self.n_iter_no_change if self.early_stopping else None,
            label=label if self.verbose else None,
            user=self.callbacks,
        )
        return TrainingNet(
            module,
            module__out_dim=self._task.out_dim,
            **arguments,
            criterion=self._task.make_loss(),
            optimizer=self.optimizer,
            lr=self.lr,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            predict_batch_size=self.predict_batch_size,
            max_epochs=self.max_epochs,
            train_split=None,
            callbacks=callbacks,
            callbacks__print_log=None,
            device=device or resolve_device(self.device),
            seed=seed,
            verbose=0,
        )

    def _split(
        self, rows: np.ndarray, targets: np.ndarray, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hold out rows for early stopping, every class among them where that is possible."""
        if len(rows) < 2:
            raise ValueError(
                "early_stopping=True holds molecules out, but there is only 1. Set it to False."
            )
        labels = self._task.strata(targets[rows])
        return train_test_split(
            rows,
            test_size=self.validation_fraction,
            random_state=seed % 2**32,
            stratify=labels if _can_stratify(labels, len(rows), self.validation_fraction) else None,
        )

    def _outputs(self, X: Any, method: str = "forward") -> list[np.ndarray]:
        """Apply each member's module to the valid rows; the others are NaN."""
        inputs = self._read(X, reset=False)
        return [self._run(net, method, inputs) for net in self.nets_]

    def _run(self, net: TrainingNet, method: str, inputs: Inputs) -> np.ndarray:
        rows = np.flatnonzero(inputs.valid)
        # With no valid row at all, one that is not tells how wide the output is.
        used = rows if len(rows) else np.arange(1)
        function = getattr(net.module_, method)
        values = run_rows(function, inputs, used, self.predict_batch_size, net.device)
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


def _has_target(y: np.ndarray) -> np.ndarray:
    """Say which rows of a multi-task y have any measurement."""
    return np.any(~is_missing(y), axis=1) if y.ndim == 2 else np.ones(len(y), dtype=bool)


def _can_stratify(labels: np.ndarray | None, n: int, fraction: float) -> bool:
    if labels is None:
        return False
    counts = np.unique(labels, return_counts=True)[1]
    return counts.min() >= 2 and len(counts) <= min(n * fraction, n * (1 - fraction))


def _draw_seed(random_state: Any) -> int:
    if random_state is None:  # numpy's global generator stays as it is
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _member_seed(seed: int, member: int) -> int:
    """Derive a member's seed; the first has the estimator's own, so it is the single network."""
    if member == 0:
        return seed
    return int(np.random.SeedSequence([seed, member]).generate_state(1)[0])


def _history_rows(nets: list[TrainingNet]) -> list[dict[str, Any]]:
    """Give skorch's histories, an epoch a row, without their batches and bookkeeping."""
    rows = []
    for member, net in enumerate(nets):
        for row in net.history:
            kept = {
                name: value
                for name, value in row.items()
                if name != "batches" and not name.endswith(("_best", "_batch_count"))
            }
            rows.append(kept if len(nets) == 1 else {"member": member, **kept})
    return rows
