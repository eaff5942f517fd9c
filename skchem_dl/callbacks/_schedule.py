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

    Where the schedule is `constant` it only notes the rate, and leaves it to other callbacks.

    Parameters
    ----------
    schedule : callable
        Maps progress, from 0 to 1, to a factor of the learning rate.
    """

    def __init__(self, schedule: Callable[[float], float]) -> None:
        self.schedule = schedule

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start counting."""
        self._epoch = 0
        self._step = 0
        self._n_steps = 1

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Find out how many steps an epoch has."""
        self._n_steps = -(-len(dataset_train) // net.batch_size)
        self._step = 0

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Set the learning rate."""
        if not training or self.schedule is constant:
            return
        progress = (self._epoch + (self._step + 0.5) / self._n_steps) / net.max_epochs
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * self.schedule(progress)
        self._step += 1

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Note the learning rate in the history."""
        self._epoch += 1
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])


def _half_cosine(t: float) -> float:
    """Fall from 1 to 0 as t goes from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * t))
