"""Early stopping that keeps the best epoch's weights."""

from typing import Any

import numpy as np
from skorch.callbacks import Callback


class StopTraining(Exception):  # a signal, not an error
    """Ends training after the epoch; skorch's own signal, KeyboardInterrupt, is the user's."""


class BestEpoch(Callback):
    """Watch the validation loss, stop when it no longer falls, restore the best epoch.

    The loss is averaged over a few epochs before it is compared: on a small validation set single
    epochs are lucky, and early ones more often than they are good.

    Parameters
    ----------
    patience : int, default=10
        Epochs without improvement after which training ends.
    window : int, default=3
        Epochs that are averaged.

    Attributes
    ----------
    best_epoch_ : int
        The epoch whose weights were restored, counted from 1.
    best_loss_ : float
        Its averaged validation loss.
    """

    def __init__(self, patience: int = 10, window: int = 3) -> None:
        self.patience = patience
        self.window = window

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget earlier trainings."""
        self.best_loss_ = np.inf
        self.best_epoch_ = 0
        self._weights: dict[str, Any] | None = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compare, and keep a copy of the weights where they are the best so far."""
        losses = net.history[:, "valid_loss"]
        loss = float(np.mean(losses[-self.window :]))
        net.history.record("valid_loss_smoothed", loss)
        if loss < self.best_loss_:
            self.best_loss_, self.best_epoch_ = loss, len(losses)
            self._weights = {
                name: tensor.detach().clone() for name, tensor in net.module_.state_dict().items()
            }
        elif len(losses) - self.best_epoch_ >= self.patience:
            raise StopTraining

    def restore(self, net: Any) -> None:
        """Put the best epoch's weights back into the module."""
        if self._weights is not None:
            net.module_.load_state_dict(self._weights)
            self._weights = None
