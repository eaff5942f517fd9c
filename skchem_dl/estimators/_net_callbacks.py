"""The callbacks of one network: which there are, in which order, and what they have done."""

from collections.abc import Callable, Sequence
from typing import Any

from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, PrintLog
from skorch.callbacks import Checkpoint as SkorchCheckpoint

from skchem_dl.callbacks import (
    BestEpoch,
    Checkpoint,
    EpochMetrics,
    GradientNorm,
    ProgressBar,
    TensorBoardLogger,
)
from skchem_dl.callbacks._given import copy_callbacks, unnamed
from skchem_dl.callbacks._schedule import make_schedule
from skchem_dl.estimators._scored_net import score_in_units


def make_callbacks(
    *,
    lr_schedule: str | Callable[[float], float],
    max_grad_norm: float | None,
    task: Any,
    best_epoch: BestEpoch | None,
    label: str | None,
    user: Sequence[Callback],
    reporter: Callback | None,
    logger: TensorBoardLogger | None,
    checkpoint: Checkpoint | None,
) -> list[Callback]:
    """Choose the callbacks for one training, in the order that they need.

    Parameters
    ----------
    lr_schedule : str or callable
        Name of a schedule, or a function of progress.
    max_grad_norm : float or None
        Gradients are scaled down to this norm.
    task : RegressionTask or ClassificationTask
        What the targets mean.
    best_epoch : BestEpoch or None
        None trains all epochs and keeps the last.
    label : str or None
        What the progress bar says; None shows none.
    user : sequence of skorch callbacks
        Copied, since training changes them; so are the logger and the checkpoint.
    reporter : skorch callback or None
        Reports to scikit-learn's callbacks.
    logger : TensorBoardLogger or None
    checkpoint : Checkpoint or None

    Returns
    -------
    list of skorch callbacks
    """
    callbacks: list[Any] = [
        make_schedule(lr_schedule),
        EpochMetrics(task.metrics, task.measures_training),
    ]
    if logger is not None:
        callbacks.append(GradientNorm())  # before it is clipped
    if max_grad_norm is not None:
        callbacks.append(GradientNormClipping(max_grad_norm))
    copied = copy_callbacks(user)
    score_in_units(copied, task)
    callbacks += copied
    if label is not None:
        callbacks.append(ProgressBar(label))
    if reporter is not None:
        callbacks.append(reporter)
    # The best epoch's may end the training; the last two look at what all others have done.
    last = copy_callbacks([one for one in (logger, checkpoint) if one is not None])
    return [*callbacks, *([] if best_epoch is None else [best_epoch]), *last]


def prints(user: Sequence[Any]) -> bool:
    """Return whether the user asks for skorch's table of epochs, which is silent at verbose=0."""
    return any(isinstance(unnamed(callback), PrintLog) for callback in user)


def has_stopped(callback: Callback) -> bool:
    """Return whether KeyboardInterrupt came from skorch's early stopping, not from the user."""
    return isinstance(callback, EarlyStopping) and callback.misses_ == callback.patience


def restored_epoch(callback: Callback, history: Any) -> int:
    """Return the epoch whose weights a callback has put back, counted from 1, or 0."""
    if isinstance(callback, BestEpoch) or (
        isinstance(callback, EarlyStopping) and callback.load_best
    ):
        return getattr(callback, "best_epoch_", 0)
    if isinstance(callback, SkorchCheckpoint) and callback.load_best:
        # With a file of the history, that has gone back to this epoch as well.
        return max((row["epoch"] for row in history if row.get(callback.event_name)), default=0)
    return 0


def columns_note(name: str, history: Any) -> str:
    """Return which columns there are, since a missing one is what callbacks raise KeyError for."""
    columns = sorted(history[-1]) if history else []
    hint = (
        ""
        if "valid_loss" in columns
        else (" Columns that begin with valid_ need early_stopping=True or X_val.")
    )
    return f"Raised by the callback {name!r}. Columns of this epoch: {columns}.{hint}"
