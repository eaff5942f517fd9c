"""Where a fit is logged and kept: what the parameters and the callbacks say of it, together."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skchem_dl.callbacks import Checkpoint, TensorBoardLogger
from skchem_dl.callbacks._checkpoint_folder import CheckpointFolder
from skchem_dl.callbacks._given import check_callbacks, steers, unnamed
from skchem_dl.callbacks._run import Run, describe_params, digest_arrays, identify_params
from skchem_dl.estimators._data import TrainingRows
from skchem_dl.estimators._devices import resolve_device


class Tracking:
    """The log and the checkpoints of one fit.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        With its parameters checked and its task set.
    data : TrainingRows
    validation : TrainingRows or None
    groups : ndarray or None
    start : sequence of dict of str to ndarray, or None
        Weights that each network starts from.

    Raises
    ------
    TypeError
        If a callback is not a skorch callback.
    ValueError
        If there are two loggers, or two checkpoints, or a callback that does not fit the networks.
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        data: TrainingRows,
        validation: TrainingRows | None,
        groups: np.ndarray | None,
        start: Sequence[Mapping[str, np.ndarray] | None],
    ) -> None:
        self._estimator = estimator
        self._data = (data, validation, groups, start)
        given = list(estimator.callbacks or ())
        check_callbacks(
            given,
            lr_schedule=estimator.lr_schedule,
            has_validation=validation is not None or estimator.early_stopping,
        )
        self.logger = _only(TensorBoardLogger, given)
        if self.logger is None and estimator.log_dir is not None:
            self.logger = TensorBoardLogger()
        self.checkpoint = _only(Checkpoint, given)
        if self.checkpoint is None and estimator.checkpoint_dir is not None:
            self.checkpoint = Checkpoint()
        ours = (TensorBoardLogger, Checkpoint)
        self.user_callbacks = [c for c in given if not isinstance(unnamed(c), ours)]
        self.folder: CheckpointFolder | None = None
        self._run = Run(type(estimator).__name__, *describe_params(estimator), estimator._task)

    @contextmanager
    def opened(self, seed: int) -> Iterator[int]:
        """Keep the folders of the fit open.

        Parameters
        ----------
        seed : int
            For a new fit.

        Yields
        ------
        int
            Its seed, which of a resumed fit is the one that it began with.
        """
        if self.checkpoint is None:
            self._make_run_folder(None)
            yield seed
            return
        estimator = self._estimator
        identity = self._identify(seed)
        facts = {"seed": seed, "log": None}
        with self.checkpoint.open(estimator.checkpoint_dir, identity, facts) as self.folder:
            self._make_run_folder(self.folder.facts["log"])
            if self._run.folder is not None:
                self.folder.keep({"log": str(self._run.folder)})
            yield self.folder.facts["seed"]

    @property
    def run_dir(self) -> Path | None:
        """Where the fit is logged."""
        return self._run.folder

    def run_of(self, member: int) -> Run:
        """Give what callbacks know of the training of one network."""
        folder = self._run.folder
        if folder is None or self._estimator.n_members == 1:
            return self._run
        return replace(self._run, folder=folder / f"member-{member}")

    def finish(self) -> None:
        """Delete the checkpoints: the same call starts anew."""
        if self.folder is not None:
            self.folder.remove()

    def _make_run_folder(self, known: str | None) -> None:
        if self.logger is None:
            return
        folder = Path(known) if known is not None and Path(known).is_dir() else None
        if folder is None:
            folder = self.logger.make_folder(self._estimator.log_dir, self._run)
        self._run = replace(self._run, folder=folder)

    def _identify(self, seed: int) -> dict[str, dict[str, str]]:
        """Give what makes two fits the same; of random_state=None the seed is no part."""
        data, validation, groups, start = self._data
        digests = {
            "X": digest_arrays(data.inputs.arrays()),
            "y": digest_arrays(data.target_arrays()),
        }
        if data.weights is not None:
            digests["sample_weight"] = digest_arrays([data.weights])
        if groups is not None:
            digests["groups"] = digest_arrays([groups])
        if validation is not None:
            digests["X_val"] = digest_arrays(validation.inputs.arrays())
            digests["y_val"] = digest_arrays(validation.target_arrays())
        weights = [array for one in start if one is not None for array in one.values()]
        if weights:
            digests["weights to start from"] = digest_arrays(weights)
        steering = [given for given in self.user_callbacks if steers(unnamed(given))]
        params = identify_params(self._estimator, steering)
        if self._estimator.random_state is not None:
            params["seed"] = str(seed)
        kind = {"estimator": type(self._estimator).__name__}
        # What "to the same bits" depends on.
        machine = {name: version(name) for name in ("skchem_dl", "torch")}
        machine["resolved device"] = resolve_device(self._estimator.device)
        machine["torch threads"] = str(torch.get_num_threads())
        return {"kind": kind, "params": params, "data": digests, "machine": machine}


def _only(kind: type, callbacks: Sequence[Any]) -> Any:
    """Give the one of its kind, or None."""
    found = [unnamed(callback) for callback in callbacks if isinstance(unnamed(callback), kind)]
    if len(found) > 1:
        raise ValueError(f"callbacks has {len(found)} {kind.__name__}s; one at most can be used.")
    return found[0] if found else None
