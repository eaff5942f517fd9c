"""Losses that leave out missing targets."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

REGRESSION_LOSSES: dict[str, Callable[..., Tensor]] = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
}


class RegressionLoss(nn.Module):
    """Mean over the measured targets of a loss on standardised values.

    Parameters
    ----------
    name : {"mse", "mae", "huber"}
        Squared error, absolute error, or squared up to 1 and absolute beyond.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compare ``(n, t)`` with ``(n, t)``, NaN for "not measured"; weights are ``(n, 1)``."""
        measured = ~target.isnan()
        loss = REGRESSION_LOSSES[self.name](
            predicted, target.where(measured, predicted.detach()), reduction="none"
        )
        return _weighted_mean(loss, measured, weight)


class BinaryLogLoss(nn.Module):
    """Mean logistic loss over the measured labels."""

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compare ``(n, t)`` with ``(n, t)`` of 0, 1, or NaN for "not measured"."""
        measured = ~target.isnan()
        loss = F.binary_cross_entropy_with_logits(
            logits, target.where(measured, 0.0), reduction="none"
        )
        return _weighted_mean(loss * measured, measured, weight)


class MulticlassLogLoss(nn.Module):
    """Mean cross entropy."""

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compare ``(n, classes)`` with class numbers ``(n, 1)``."""
        loss = F.cross_entropy(logits, target.squeeze(1).to(torch.int64), reduction="none")
        return _weighted_mean(loss[:, None], torch.ones_like(target, dtype=torch.bool), weight)


def _weighted_mean(loss: Tensor, measured: Tensor, weight: Tensor | None) -> Tensor:
    """Give the mean over what is measured; `loss` is 0 elsewhere."""
    if weight is None:
        return loss.sum() / measured.sum().clamp(min=1)
    return (loss * weight).sum() / (measured * weight).sum().clamp(min=torch.finfo(loss.dtype).tiny)
