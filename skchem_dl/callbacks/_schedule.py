"""How the learning rate changes while training goes on."""

import math
from collections.abc import Callable
from typing import Any

from skorch.callbacks import Callback

_WARM_UP = 0.1  # of all steps
_ONE_CYCLE_PEAK = 0.3


def constant(progress: float) -> float:
    """Stay at the learning rate."""
    return 1.0


def cosine(progress: float) -> float:
    """Rise linearly over the first tenth, then fall to 0 along half a cosine."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    return _half_cosine((progress - _WARM_UP) / (1 - _WARM_UP))


def one_cycle(progress: float) -> float:
    """Rise from 1/25 to 1 over the first three tenths, then fall to 0, both along cosines.

    Smith, L. N.; Topin, N. Super-Convergence, 2018, https://doi.org/10.48550/arXiv.1708.07120.
    """
    if progress < _ONE_CYCLE_PEAK:
        return 1 - 0.96 * _half_cosine(progress / _ONE_CYCLE_PEAK)
    return _half_cosine((progress - _ONE_CYCLE_PEAK) / (1 - _ONE_CYCLE_PEAK))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "one_cycle": one_cycle,
}


class LearningRateSchedule(Callback):
    """Set the learning rate before every training step, from how much of training is done.

    "cosine" [1]_, "one_cycle" [2]_ and "constant" are in `SCHEDULES`. Where the schedule is the
    last it only notes the rate, and leaves it to other callbacks.

    Parameters
    ----------
    schedule : callable
        Maps progress, from 0 to 1, to a factor of the learning rate.

    See Also
    --------
    PlateauSchedule : Looks at the loss instead.

    References
    ----------
    .. [1] Loshchilov, I.; Hutter, F. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017. https://doi.org/10.48550/arXiv.1608.03983
    .. [2] Smith, L. N.; Topin, N. Super-Convergence. 2018.
       https://doi.org/10.48550/arXiv.1708.07120

    Examples
    --------
    >>> from skchem_dl.callbacks import SCHEDULES, LearningRateSchedule
    >>> one_cycle = LearningRateSchedule(SCHEDULES["one_cycle"])
    >>> [round(one_cycle.schedule(progress), 2) for progress in (0.0, 0.3, 1.0)]
    [0.04, 1.0, 0.0]
    """

    def __init__(self, schedule: Callable[[float], float]) -> None:
        self.schedule = schedule

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Find out how many steps an epoch has."""
        self._n_steps = -(-len(dataset_train) // net.batch_size)
        self._step = 0

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Set the learning rate."""
        if not training or self.schedule is constant:
            return
        epochs = len(net.history) - 1 + (self._step + 0.5) / self._n_steps
        _set_rate(net, net.lr * self.schedule(epochs / net.max_epochs))
        self._step += 1

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Note the learning rate in the history."""
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])


class PlateauSchedule(Callback):
    """Halve the learning rate whenever the loss has not fallen for some epochs.

    The loss is that of validation, or of training where nothing is held out. This is torch's
    `ReduceLROnPlateau`, worked out of the history alone, so that there is no state to resume.

    Parameters
    ----------
    factor : float, default=0.5
        Of the learning rate at each reduction.
    patience : int, default=5
        Epochs without improvement that are waited for.
    threshold : float, default=1e-4
        An improvement is a loss lower by more than this share.

    See Also
    --------
    LearningRateSchedule : Follows a plan instead.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> model = make_mlp_pipeline(lr_schedule="plateau", max_epochs=2, random_state=0)
    >>> model.fit(["CCO", "CCC", "CCN"], [1.0, 2.0, 3.0])[-1].history_[-1]["lr"]
    0.001
    """

    def __init__(self, factor: float = 0.5, patience: int = 5, threshold: float = 1e-4) -> None:
        self.factor = factor
        self.patience = patience
        self.threshold = threshold

    def on_epoch_begin(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Set the learning rate of the epoch."""
        column = "train_loss" if dataset_valid is None else "valid_loss"
        losses = [row[column] for row in net.history[:-1]]
        _set_rate(net, net.lr * self.factor ** self._n_reductions(losses))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Note the learning rate in the history."""
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])

    def _n_reductions(self, losses: list[float]) -> int:
        best, waited, reductions = math.inf, 0, 0
        for loss in losses:
            waited += 1
            if loss < best * (1 - self.threshold):
                best, waited = loss, 0
            if waited > self.patience:
                reductions, waited = reductions + 1, 0
        return reductions


SCHEDULE_NAMES = (*SCHEDULES, "plateau")


def make_schedule(lr_schedule: str | Callable[[float], float]) -> Callback:
    """Give the callback that changes the learning rate.

    Parameters
    ----------
    lr_schedule : str or callable
        One of `SCHEDULE_NAMES`, or a function of progress.

    Returns
    -------
    skorch callback
    """
    if lr_schedule == "plateau":
        return PlateauSchedule()
    return LearningRateSchedule(
        SCHEDULES[lr_schedule] if isinstance(lr_schedule, str) else lr_schedule
    )


def _set_rate(net: Any, rate: float) -> None:
    for group in net.optimizer_.param_groups:
        group["lr"] = rate * group.get("lr_factor", 1.0)


def _half_cosine(t: float) -> float:
    """Fall from 1 to 0 as t goes from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * t))
