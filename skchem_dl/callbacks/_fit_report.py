"""What training tells scikit-learn's callbacks: a task for each member and each epoch."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from skorch.callbacks import Callback

from skchem_dl._fit_tasks import has_callbacks
from skchem_dl.callbacks._best_epoch import StopTraining


class FitReport:
    """The tasks of one fit; nothing if no callback is set.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        With its parameters checked.
    reconstruct : callable
        Maps the nets of a fit, some of them in training, to the attributes of a fitted estimator.
    """

    def __init__(self, estimator: Any, reconstruct: Callable[[list[Any]], dict[str, Any]]) -> None:
        self.stopped = False  # a callback requested a stop: train no further members
        self._finished: list[Any] = []
        self._estimator = estimator
        self._reconstruct = reconstruct
        self._data: dict[str, Any] = {}
        self._root: Any = None
        if has_callbacks(estimator):
            n_members, n_epochs = estimator.n_members, estimator._n_epochs()
            n_subtasks = n_epochs if n_members == 1 else n_members
            self._root = estimator._init_callback_context(max_subtasks=n_subtasks)

    def begin(self, X: Any, y: Any, weights: np.ndarray | None, rows: np.ndarray) -> None:
        """Begin the fit; callbacks get the rows that can be learned from, if they ask for them."""
        if self._root is None:
            return
        metadata = None if weights is None else {"sample_weight": weights[rows]}
        self._data = {
            "X": cache(lambda: _safe_indexing(X, rows)),
            "y": cache(lambda: None if y is None else y[rows]),
            "metadata": metadata,
        }
        self._root.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def reporter(self) -> "EpochReporter | None":
        """Return the skorch callback of the next member, or None."""
        return None if self._root is None else EpochReporter(self)

    def begin_member(self) -> Any:
        """Begin a member, and return the task that its epochs belong to."""
        if self._estimator.n_members == 1:
            return self._root
        task = self._root.subcontext("member", max_subtasks=self._estimator._n_epochs())
        self.begin_task(task)
        return task

    def end_member(self, task: Any, net: Any) -> None:
        """End a member."""
        if task is not self._root:
            self.stopped = self.end_task(task, net)
        self._finished.append(net)

    def begin_task(self, task: Any) -> None:
        """Call the callbacks before a task."""
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_task(self, task: Any, net: Any) -> bool:
        """Call the callbacks after a task, and return whether one of them wants to stop."""
        return task.call_on_fit_task_end(
            estimator=self._estimator,
            **self._data,
            reconstruction_attributes=lambda: self._reconstruct([*self._finished, net]),
        )

    def end_without_data(self, task: Any) -> None:
        """End a task that was cut short."""
        task.call_on_fit_task_end(estimator=self._estimator)

    def end(self) -> None:
        """End the fit, after the estimator is fitted."""
        if self._root is not None:
            self._root.call_on_fit_task_end(
                estimator=self._estimator, **self._data, reconstruction_attributes={}
            )


class EpochReporter(Callback):
    """Reports the epochs of one network.

    Parameters
    ----------
    report : FitReport
    """

    def __init__(self, report: FitReport) -> None:
        self.report: Any = report
        self._member: Any = None
        self._epoch: Any = None

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin the member."""
        self._member = self.report.begin_member()

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin the epoch."""
        self._epoch = self._member.subcontext("epoch")
        self.report.begin_task(self._epoch)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """End the epoch, and training if a callback has asked for it."""
        epoch, self._epoch = self._epoch, None
        if self.report.end_task(epoch, net):
            raise StopTraining

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """End the member, and forget the fit: the net outlives it."""
        report, self.report = self.report, None
        member, epoch = self._member, self._epoch
        self._member = self._epoch = None
        if epoch is not None:
            report.end_without_data(epoch)
        if member is not None and not (net.failed or net.abandoned):
            report.end_member(member, net)
