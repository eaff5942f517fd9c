"""What is measured of every epoch beside the losses."""

from collections.abc import Callable
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

    See Also
    --------
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

    def __init__(self, metrics: Callable[[np.ndarray, np.ndarray], dict[str, float]]) -> None:
        self.metrics = metrics

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget the epoch before."""
        self._seen: dict[str, list[tuple[Tensor, Tensor]]] = {"train": [], "valid": []}

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, y_pred: Any = None, **kwargs: Any
    ) -> None:
        """Collect targets and outputs."""
        targets = batch[1] if isinstance(batch[1], Tensor) else batch[1][0]
        self._seen["train" if training else "valid"].append((targets, y_pred.detach()))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compute and record."""
        for prefix, seen in self._seen.items():
            if seen:
                parts = zip(*seen, strict=True)
                targets, outputs = (torch.cat(batches).cpu().numpy() for batches in parts)
                for name, value in self.metrics(targets, outputs).items():
                    net.history.record(f"{prefix}_{name}", value)
        self._seen = {}

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Let go of an epoch that was not finished."""
        self._seen = {}


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
