"""Checkpoints from which the same fit goes on after a crash."""

import inspect
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from skorch.callbacks import Callback
from skorch.history import History
from torch import Tensor

from skchem_dl.callbacks._best_epoch import StopTraining
from skchem_dl.callbacks._checkpoint_folder import CheckpointFolder, open_folder, resume_folder

_MOST_COST = 0.02  # of the time of training, where no cadence is chosen
_NOTHING = object()
_ONE_PROCESS = ("_written_at", "_cost")  # clocks of a process that is gone


class Checkpoint(Callback):
    """Keep what is needed to go on with a fit that was killed.

    The same `fit` call on the same data finds its checkpoint by a digest of parameters, data and
    versions, goes on after the last epoch that was kept, and ends with the weights, history and
    predictions of a fit that was never interrupted, to the bit. Where `random_state` is None, the
    seed is kept as well. When the fit is finished its checkpoints are deleted, so that the same
    call then starts anew.

    Estimators make one themselves where ``checkpoint_dir`` is set; pass this one in ``callbacks``
    to choose the cadence, or to name the fit to resume.

    Parameters
    ----------
    dir : path, default=None
        Each fit has a folder in here. None is the estimator's ``checkpoint_dir``.
    every : int, default=None
        Epochs between checkpoints. None writes as often as costs 2 % of the time at most.
    resume_from : path, default=None
        The folder of the fit to go on with; another fit's is refused.

    See Also
    --------
    TensorBoardLogger : The course of a fit, which goes on as well.

    Notes
    -----
    Of callbacks of your own the attributes that are numbers, text, tensors, or lists and dicts of
    them are kept, and of what has a ``state_dict`` that. Checkpoints hold no code: they are read
    with ``torch.load(weights_only=True)``, and a digest tells a damaged one.

    Examples
    --------
    >>> from skchem_dl.callbacks import Checkpoint
    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> model = make_gnn_pipeline(callbacks=[Checkpoint("checkpoints", every=10)], random_state=0)
    """

    def __init__(
        self,
        dir: str | Path | None = None,
        *,
        every: int | None = None,
        resume_from: str | Path | None = None,
    ) -> None:
        self.dir = dir
        self.every = every
        self.resume_from = resume_from

    def open(
        self, parent: str | Path | None, identity: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> AbstractContextManager[CheckpointFolder]:
        """Open the folder of a fit.

        Parameters
        ----------
        parent : path or None
            The estimator's ``checkpoint_dir``.
        identity : mapping
            Parameters, data and versions.
        facts : mapping
            What was drawn for a new fit.

        Returns
        -------
        context manager of a CheckpointFolder
            Nobody else uses the folder meanwhile.

        Raises
        ------
        ValueError
            If there is no folder, `every` is less than 1, or `resume_from` is no checkpoint of this
            fit.
        """
        if self.every is not None and self.every < 1:
            raise ValueError(f"Checkpoint(every={self.every!r}); expected at least 1, or None.")
        if self.resume_from is not None:
            return resume_folder(Path(self.resume_from), identity)
        where = self.dir or parent
        if where is None:
            raise ValueError("Checkpoint() needs a folder: Checkpoint(dir), or checkpoint_dir.")
        return open_folder(Path(where), identity, facts)

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Go on from the last checkpoint, if there is one."""
        self._written_at, self._cost = time.perf_counter(), 0.0
        state = net.checkpoints.read(net.member)
        if state is not None:
            set_state(net, state)
            if state["finished"]:
                raise StopTraining

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Write one, where it is time to; an epoch that ends training is done again on resuming."""
        if net.stopping:
            return
        began = time.perf_counter()
        if self.every is None:
            due = self._cost <= _MOST_COST * (began - self._written_at)
        else:
            due = len(net.history) % self.every == 0
        if due:
            net.checkpoints.write(net.member, len(net.history), get_state(net))
            self._written_at = time.perf_counter()
            self._cost = self._written_at - began

    def finish(self, net: Any) -> None:
        """Keep the trained network while the other members of its ensemble are trained.

        Parameters
        ----------
        net : skorch.NeuralNet
            The one that was trained.
        """
        state = {**get_state(net), "finished": True}
        net.checkpoints.write(net.member, len(net.history), state)


def get_state(net: Any) -> dict[str, Any]:
    """Give all that the rest of a training depends on.

    Parameters
    ----------
    net : TrainingNet
        Between two epochs.

    Returns
    -------
    dict
        Of tensors, numbers and text.
    """
    return {
        "finished": False,
        "module": net.module_.state_dict(),
        "optimizer": net.optimizer_.state_dict(),
        "history": [_plain_items(row, leave_out=("batches",)) for row in net.history],
        "callbacks": {name: _callback_state(callback) for name, callback in net.callbacks_},
    }


def set_state(net: Any, state: Mapping[str, Any]) -> None:
    """Put a net where another one was.

    Parameters
    ----------
    net : TrainingNet
        Initialised, with training begun.
    state : mapping
        From `get_state`.
    """
    net.module_.load_state_dict(state["module"])
    net.optimizer_.load_state_dict(state["optimizer"])
    net.history_ = History({**row, "batches": []} for row in state["history"])
    for name, callback in net.callbacks_:  # those that only show come and go
        _set_callback_state(callback, state["callbacks"].get(name, {"plain": {}, "inner": {}}))


def _callback_state(callback: Any) -> dict[str, Any]:
    """Give the attributes of a callback that change while it works, where they can be kept."""
    given = {*inspect.signature(type(callback)).parameters, *_ONE_PROCESS}
    own = {name: value for name, value in vars(callback).items() if name not in given}
    inner = {
        name: value.state_dict()
        for name, value in own.items()
        if hasattr(value, "load_state_dict") and not isinstance(value, type)
    }
    return {"plain": _plain_items(own), "inner": _plain_items(inner)}


def _set_callback_state(callback: Any, state: Mapping[str, Any]) -> None:
    for name, value in state["plain"].items():
        setattr(callback, name, _like(getattr(callback, name, None), value))
    for name, inner in state["inner"].items():
        getattr(callback, name).load_state_dict(inner)


def _like(existing: Any, value: Any) -> Any:
    """Give a plain value the type of what stands in its place: a Counter, an enum, ..."""
    if isinstance(existing, type(value)) and type(existing) is not type(value):
        if isinstance(existing, dict):
            existing.clear()
            existing.update(value)
            return existing
        if isinstance(existing, list):
            existing[:] = value
            return existing
        make = getattr(type(existing), "_make", type(existing))
        return make(value)
    return value


def _plain_items(values: Mapping[str, Any], leave_out: Sequence[str] = ()) -> dict[str, Any]:
    items = {name: _plain(value) for name, value in values.items() if name not in leave_out}
    return {name: value for name, value in items.items() if value is not _NOTHING}


def _plain(value: Any) -> Any:
    """Give a value as `torch.load` takes it back without code, or _NOTHING where it can't."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | Tensor):
        return value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, str):
        return str.__str__(value)  # of an enum its value, not its name
    if isinstance(value, dict):
        keys, items = ([_plain(part) for part in parts] for parts in (value, value.values()))
        broken = any(part is _NOTHING for part in (*keys, *items))
        return _NOTHING if broken else dict(zip(keys, items, strict=True))
    if isinstance(value, list | tuple):
        plain = [_plain(item) for item in value]
        broken = any(part is _NOTHING for part in plain)
        return _NOTHING if broken else (tuple if isinstance(value, tuple) else list)(plain)
    return _NOTHING
