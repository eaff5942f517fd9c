"""Early stopping that keeps the best epoch's weights."""

import math
from typing import Any

import numpy as np
from skorch.callbacks import Callback


class StopTraining(Exception):  # a signal, not an error
    """Ends training after the epoch; skorch's own signal, KeyboardInterrupt, is the user's.

    To be raised by a callback's ``on_epoch_end``; the other callbacks see the epoch all the same.

    See Also
    --------
    BestEpoch : Raises it when the validation set no longer gets better.

    Examples
    --------
    >>> from skorch.callbacks import Callback
    >>> from skchem_dl.callbacks import StopTraining
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> class AtOnce(Callback):
    ...     def on_epoch_end(self, net, **kwargs):
    ...         raise StopTraining
    >>> model = make_mlp_pipeline(callbacks=[AtOnce()], random_state=0)
    >>> model.fit(["CCO", "CCC", "CCN"], [1.0, 2.0, 3.0])[-1].n_iter_
    1
    """


class BestEpoch(Callback):
    """Watch the validation set, stop when it no longer gets better, restore the best epoch.

    What is watched is averaged over a few epochs before it is compared, so that none before that is
    kept: on a small validation set single epochs are lucky, and early ones more often than they are
    good. For classifiers it is a metric rather than the loss: on molecules unlike those of training
    the loss soon rises, as the network grows too sure of itself, while it still learns to rank
    them. The loss decides between equals, and stands in where the metric is not defined (one class
    only).

    Estimators make one themselves where ``early_stopping=True``.

    Parameters
    ----------
    patience : int, default=10
        Epochs without improvement after which training ends.
    window : int, default=3
        Epochs that are averaged.
    metric : str, default=None
        Column of the history of which more is better; None watches the loss alone.

    Attributes
    ----------
    best_epoch_ : int
        The epoch whose weights were restored, counted from 1; 0 where training ended too soon.
    best_loss_ : float
        Its averaged validation loss.
    best_metric_ : float
        Its averaged metric; NaN where only the loss was watched.

    See Also
    --------
    StopTraining : What it raises.

    References
    ----------
    .. [1] Prechelt, L. Early Stopping - But When? In Neural Networks: Tricks of the Trade, 2nd ed.;
       Springer, 2012; 53-67. https://doi.org/10.1007/978-3-642-35289-8_5

    Examples
    --------
    >>> from skchem_dl.callbacks import BestEpoch
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> model = make_mlp_pipeline(max_epochs=5, early_stopping=True, random_state=0)
    >>> model = model.fit(X[:50], y[:50])
    >>> [best] = [c for _, c in model[-1].net_.callbacks_ if isinstance(c, BestEpoch)]
    >>> 3 <= best.best_epoch_ <= 5
    True
    """

    _weights: dict[str, Any] | None = None
    best_epoch_ = 0

    def __init__(self, patience: int = 10, window: int = 3, metric: str | None = None) -> None:
        self.patience = patience
        self.window = window
        self.metric = metric

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget earlier trainings."""
        self.best_loss_ = math.inf
        self.best_metric_ = math.nan
        self.best_epoch_ = 0
        self._weights = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compare, and keep a copy of the weights where they are the best so far."""
        loss = self._smooth(net, "valid_loss")
        metric = math.nan if self.metric is None else self._smooth(net, self.metric)
        epoch = len(net.history)
        if epoch < self.window:  # nothing to compare yet; training that ends here keeps its end
            return
        if self._is_better(loss, metric):
            self.best_loss_, self.best_metric_, self.best_epoch_ = loss, metric, epoch
            self._weights = {
                name: tensor.detach().clone() for name, tensor in net.module_.state_dict().items()
            }
        elif epoch - self.best_epoch_ >= self.patience:
            raise StopTraining

    def restore(self, net: Any) -> None:
        """Put the best epoch's weights back into the module.

        Parameters
        ----------
        net : skorch.NeuralNet
            The one that was trained.
        """
        if self._weights is not None:
            net.module_.load_state_dict(self._weights)
            self._weights = None

    def _smooth(self, net: Any, column: str) -> float:
        value = float(np.mean([row[column] for row in net.history[-self.window :]]))
        net.history.record(f"{column}_smoothed", value)
        return value

    def _is_better(self, loss: float, metric: float) -> bool:
        if math.isnan(metric) or math.isnan(self.best_metric_) or metric == self.best_metric_:
            return loss < self.best_loss_
        return metric > self.best_metric_
