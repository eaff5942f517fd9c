"""Callbacks that users pass: which ones work, how they are copied, and how they are pickled."""

import pickle
import sys
from collections.abc import Iterable, Sequence
from copy import copy
from inspect import signature
from typing import Any

from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    EpochTimer,
    InputShapeSetter,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    WandbLogger,
)

# They show a training, and change nothing in it.
_ONLY_SHOW = (
    EpochTimer,
    MlflowLogger,
    NeptuneLogger,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    WandbLogger,
)


class UnpicklableCallback(Callback):
    """Stands for a callback that could not be pickled with its estimator.

    Parameters
    ----------
    name : str
        Class of the callback.
    reason : str
        Why it could not be pickled.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason


def unnamed(callback: Any) -> Any:
    """Return the callback of a (name, callback) pair, as skorch takes them too."""
    return callback[1] if isinstance(callback, tuple) else callback


def check_callbacks(callbacks: Iterable[Any], *, lr_schedule: Any, has_validation: bool) -> None:
    """Refuse callbacks that would fail later, or have no effect.

    Parameters
    ----------
    callbacks : iterable of callbacks or (name, callback) pairs
    lr_schedule : str or callable
        The estimator's.
    has_validation : bool
        Whether there are molecules to validate on.

    Raises
    ------
    TypeError
        If one is not an instance of a skorch callback.
    ValueError
        If one does not fit the networks, or their other parameters.
    """
    for callback in map(unnamed, callbacks):
        if not isinstance(callback, Callback):
            raise TypeError(
                f"callbacks holds {callback!r}; expected skorch callbacks{_hint(callback)}."
            )
        if isinstance(callback, UnpicklableCallback):
            raise ValueError(
                f"This estimator was copied or sent to another process without its "
                f"{callback.name}, which cannot be pickled: {callback.reason}. Fit where it was "
                "made (n_jobs=1), or set callbacks again."
            )
        if isinstance(callback, InputShapeSetter):
            raise ValueError(
                f"callbacks holds {_name(callback)}, but the networks take their input width from "
                "X themselves. Leave it out."
            )
        if isinstance(callback, LRScheduler) and lr_schedule != "constant":
            raise ValueError(
                f"callbacks holds {_name(callback)}, but lr_schedule={lr_schedule!r} would set the "
                'learning rate of every step anew. Set lr_schedule="constant" to use the callback.'
            )
        is_scoring = isinstance(callback, BatchScoring | EpochScoring)
        if is_scoring and not (has_validation or callback.on_train):
            raise ValueError(
                f"callbacks holds {_name(callback)}({callback.scoring!r}), but there are no "
                "molecules to validate on, so it would never run. Set early_stopping=True, pass "
                "X_val, or set its on_train=True."
            )
        if isinstance(callback, WandbLogger) and callback.save_model and not has_validation:
            raise ValueError(
                f"{_name(callback)}(save_model=True) saves the model of the best validation loss, "
                "but there are no molecules to validate on. Set early_stopping=True, pass X_val, "
                "or set save_model=False."
            )


def copy_callbacks(callbacks: Sequence[Any]) -> list[Any]:
    """Return a copy of each callback, with the same arguments, for one training.

    Training changes a callback's own attributes, so each training has a copy. Arguments are shared:
    a writer, a run or a trial is the user's, and most of them cannot be copied.

    Parameters
    ----------
    callbacks : sequence of callbacks or (name, callback) pairs

    Returns
    -------
    list
        As it was given, with each callback replaced.
    """
    copies = {id(callback): _copied(callback) for callback in map(unnamed, callbacks)}
    for copied in copies.values():
        for name, value in vars(copied).items():
            if id(value) in copies:  # LoadInitState(checkpoint) reads what the copy has written
                setattr(copied, name, copies[id(value)])
    return [
        (given[0], copies[id(given[1])]) if isinstance(given, tuple) else copies[id(given)]
        for given in callbacks
    ]


def _copied(callback: Any) -> Any:
    if hasattr(callback, "__sklearn_clone__"):
        return callback.__sklearn_clone__()
    if not isinstance(callback, Callback):
        return callback  # refused in `fit`
    try:
        return type(callback)(**callback.get_params(deep=False))
    except TypeError:  # it has other attributes than its constructor's arguments
        names = list(signature(type(callback)).parameters)
        if all(hasattr(callback, name) for name in names):
            return type(callback)(**{name: getattr(callback, name) for name in names})
        return copy(callback)  # it keeps them under other names


def picklable_callbacks(callbacks: Any) -> Any:
    """Return callbacks as they can be pickled: a placeholder for each one that cannot.

    Parameters
    ----------
    callbacks : list or tuple of callbacks or (name, callback) pairs, or anything else

    Returns
    -------
    Of the same type.
    """
    if not isinstance(callbacks, list | tuple):
        return callbacks
    kept = [
        (given[0], _picklable(given[1])) if isinstance(given, tuple) else _picklable(given)
        for given in callbacks
    ]
    return type(callbacks)(kept)


def _picklable(callback: Any) -> Any:
    if not isinstance(callback, Callback):
        return callback
    reason = _reason_not_to_pickle(callback)
    return callback if reason is None else UnpicklableCallback(_name(callback), reason)


def _reason_not_to_pickle(callback: Any) -> str | None:
    """Return why no process can send a callback to another one, or None."""
    # OptunaPruning has its own way.
    values = [] if hasattr(callback, "__sklearn_clone__") else vars(callback).values()
    if any(map(is_in_memory, values)):
        return "its Optuna trial is in the memory of one process; give the study a storage"
    try:
        pickle.dumps(callback)
    except TypeError as error:
        return str(error)
    except (AttributeError, pickle.PicklingError):
        return None  # a lambda or a local class: joblib's workers take it
    return None


def steers(callback: Any) -> bool:
    """Return whether a callback may change the weights that a training ends with.

    Pruning ends a training and changes nothing in it: another trial may continue it.
    """
    optuna = sys.modules.get("optuna")
    prunes = optuna is not None and any(
        isinstance(value, optuna.trial.BaseTrial) for value in vars(callback).values()
    )
    return not (prunes or isinstance(callback, _ONLY_SHOW))


def is_in_memory(value: Any) -> bool:
    """Return whether a value is an Optuna trial that no other process can report to."""
    optuna = sys.modules.get("optuna")
    return (
        optuna is not None
        and isinstance(value, optuna.Trial)
        and isinstance(value.storage, optuna.storages.InMemoryStorage)
    )


def is_pruning(error: BaseException) -> bool:
    """Return whether an error is Optuna's signal that a trial ends here."""
    optuna = sys.modules.get("optuna")
    return optuna is not None and isinstance(error, optuna.TrialPruned)


def _name(callback: Any) -> str:
    return type(callback).__name__


def _hint(value: Any) -> str:
    """Return what to do with something that is not a skorch callback, if that can be told."""
    if isinstance(value, type) and issubclass(value, Callback):
        return f": pass an instance, {value.__name__}()"
    if isinstance(value, type) and value.__module__.endswith("lr_scheduler"):
        return f': pass LRScheduler("{value.__name__}")'
    if hasattr(value, "on_fit_task_begin"):
        return "; scikit-learn's callbacks go into set_callbacks(...)"
    return ""
