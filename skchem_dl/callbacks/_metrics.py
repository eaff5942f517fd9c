"""What is measured of every epoch beside the losses."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import Tensor

# A norm costs a pass over all gradients, so not every step has its own taken.
_STEPS_BETWEEN_NORMS = 8


class EpochMetrics(Callback):
    """Record metrics of every epoch, as ``train_NAME`` and ``valid_NAME``, in the history.

    Those of the training molecules are collected while the weights move and dropout is on, so they
    lag behind those of the validation molecules.

    Parameters
    ----------
    metrics : callable
        Maps targets ``(n, t)`` and the network's output ``(n, k)`` to a dict of floats.
    training : bool, default=True
        Also collect the training molecules' targets and outputs, which takes memory.

    See Also
    --------
    TargetMetrics : Records the metrics of each target.
    TensorBoardLogger : Logs what is recorded.

    Examples
    --------
    >>> from skchem_dl.callbacks import EpochMetrics
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> def bias(target, output):
    ...     return {"bias": float((output - target).mean())}
    >>> model = make_mlp_pipeline(max_epochs=2, callbacks=[EpochMetrics(bias)], random_state=0)
    >>> "train_bias" in model.fit(["CCO", "CCC", "CCN"], [1.0, 2.0, 3.0])[-1].history_[-1]
    True
    """

    def __init__(
        self,
        metrics: Callable[[np.ndarray, np.ndarray], dict[str, float]],
        training: bool = True,
    ) -> None:
        self.metrics = metrics
        self.training = training

    def _compute(self, net: Any, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        return self.metrics(targets, outputs)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget the epoch before."""
        self._seen: dict[str, list[tuple[Tensor, Tensor]]] = {"train": [], "valid": []}

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, y_pred: Any = None, **kwargs: Any
    ) -> None:
        """Collect targets and outputs."""
        if training and not self.training:
            return
        targets = batch[1] if isinstance(batch[1], Tensor) else batch[1][0]
        self._seen["train" if training else "valid"].append((targets, y_pred.detach()))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compute and record."""
        for prefix, seen in self._seen.items():
            if seen:
                parts = zip(*seen, strict=True)
                targets, outputs = (torch.cat(batches).cpu().numpy() for batches in parts)
                for name, value in self._compute(net, targets, outputs).items():
                    net.history.record(f"{prefix}_{name}", value)
        self._seen = {}

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Let go of an epoch that was not finished."""
        self._seen = {}


class TargetMetrics(EpochMetrics):
    """Record the metrics of each target of every epoch, which the history has the means of.

    Target k has ``train_rmse_k``, ``valid_rmse_k`` and likewise ``mae`` and ``r2``; of several
    yes-no labels it has ``roc_auc`` and ``label_accuracy``. A metric that is not defined is NaN.

    Parameters
    ----------
    targets : list of int, default=None
        Columns of y; None records all of them.

    Raises
    ------
    ValueError
        In `fit`, if y has no such column.

    See Also
    --------
    EpochMetrics : Records a function of your own.

    Examples
    --------
    >>> import numpy as np
    >>> from skchem_dl.callbacks import TargetMetrics
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> model = make_mlp_pipeline(max_epochs=2, callbacks=[TargetMetrics([1])], random_state=0)
    >>> y = np.array([[1.0, 30.0], [2.0, 20.0], [3.0, 10.0]])
    >>> history = model.fit(["CCO", "CCC", "CCN"], y)[-1].history_
    >>> [name for name in history[-1] if name.startswith("train_rmse")]
    ['train_rmse', 'train_rmse_1']
    """

    training = True

    def __init__(self, targets: Sequence[int] | None = None) -> None:
        self.targets = targets

    def _compute(self, net: Any, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        of_each = net.task.target_metrics(targets, outputs)
        n_targets = len(next(iter(of_each.values())))
        chosen = range(n_targets) if self.targets is None else self.targets
        unknown = [k for k in chosen if k not in range(n_targets)]
        if unknown:
            raise ValueError(
                f"TargetMetrics(targets={self.targets!r}): {unknown[0]!r} is not a column of y, "
                f"which has {n_targets}. Use 0 to {n_targets - 1}."
            )
        return {f"{name}_{k}": float(values[k]) for name, values in of_each.items() for k in chosen}


class GradientNorm(Callback):
    """Record the norm of the gradient, the mean over some steps of the epoch, as ``grad_norm``.

    See Also
    --------
    TensorBoardLogger : Logs what is recorded.

    Examples
    --------
    >>> from skchem_dl.callbacks import GradientNorm
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> model = make_mlp_pipeline(max_epochs=2, callbacks=[GradientNorm()], random_state=0)
    >>> model.fit(["CCO", "CCC", "CCN"], [1.0, 2.0, 3.0])[-1].history_[-1]["grad_norm"] > 0
    True
    """

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget the epoch before."""
        self._step = 0
        self._norms: list[float] = []

    def on_grad_computed(self, net: Any, named_parameters: Any = None, **kwargs: Any) -> None:
        """Take the norm."""
        if self._step % _STEPS_BETWEEN_NORMS == 0:
            grads = [p.grad for _, p in named_parameters if p.grad is not None]
            norms = torch.stack(torch._foreach_norm(grads))
            self._norms.append(torch.linalg.vector_norm(norms).item())
        self._step += 1

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the mean."""
        net.history.record("grad_norm", float(np.mean(self._norms)))
