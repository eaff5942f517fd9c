"""Losses that leave out missing targets."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FOCUS = 2.0  # gamma of the focal loss


def _mse(predicted: Tensor, target: Tensor, quantile: float) -> Tensor:
    return F.mse_loss(predicted, target, reduction="none")


def _mae(predicted: Tensor, target: Tensor, quantile: float) -> Tensor:
    return F.l1_loss(predicted, target, reduction="none")


def _huber(predicted: Tensor, target: Tensor, quantile: float) -> Tensor:
    return F.huber_loss(predicted, target, reduction="none")


def _quantile(predicted: Tensor, target: Tensor, quantile: float) -> Tensor:
    missing = target - predicted
    return torch.maximum(quantile * missing, (quantile - 1) * missing)


REGRESSION_LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "mse": _mse,
    "mae": _mae,
    "huber": _huber,
    "quantile": _quantile,
}
CLASSIFICATION_LOSSES = {"log_loss": 0.0, "focal": _FOCUS}


class RegressionLoss(nn.Module):
    """Mean over the measured targets of a loss on standardised values.

    Parameters
    ----------
    name : {"mse", "mae", "huber", "quantile"}
        Squared error; absolute error; squared up to 1 and absolute beyond; or the pinball loss,
        whose least value is at a quantile of the target [1]_.
    quantile : float
        Which one, between 0 and 1.

    References
    ----------
    .. [1] Koenker, R.; Bassett, G. Regression Quantiles, Econometrica 1978, 46, 33,
       doi 10.2307/1913643.
    """

    def __init__(self, name: str, quantile: float = 0.5) -> None:
        super().__init__()
        self.name = name
        self.quantile = quantile

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compare ``(n, t)`` with ``(n, t)``, NaN for "not measured"; weights are ``(n, 1)``."""
        measured = ~target.isnan()
        target = target.where(measured, predicted.detach())
        loss = REGRESSION_LOSSES[self.name](predicted, target, self.quantile)
        return _weighted_mean(loss * measured, measured, weight)


class BinaryLogLoss(nn.Module):
    """Mean logistic loss over the measured labels.

    Parameters
    ----------
    gamma : float, default=0
        Above 0 the loss is focal [1]_: labels that are already right count less, by the power gamma
        of the probability of the wrong label.

    References
    ----------
    .. [1] Lin, T.-Y. et al. Focal Loss for Dense Object Detection, ICCV 2017,
       doi 10.48550/arXiv.1708.02002.
    """

    def __init__(self, gamma: float = 0.0) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compare ``(n, t)`` with ``(n, t)`` of 0, 1, or NaN for "not measured"."""
        measured = ~target.isnan()
        loss = F.binary_cross_entropy_with_logits(
            logits, target.where(measured, 0.0), reduction="none"
        )
        return _weighted_mean(_focus(loss, self.gamma) * measured, measured, weight)


class MulticlassLogLoss(nn.Module):
    """Mean cross entropy.

    Parameters
    ----------
    gamma : float, default=0
        As in `BinaryLogLoss`.
    """

    def __init__(self, gamma: float = 0.0) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compare ``(n, classes)`` with class numbers ``(n, 1)``."""
        loss = F.cross_entropy(logits, target.squeeze(1).to(torch.int64), reduction="none")
        loss = _focus(loss, self.gamma)[:, None]
        return _weighted_mean(loss, torch.ones_like(target, dtype=torch.bool), weight)


def _focus(loss: Tensor, gamma: float) -> Tensor:
    """Multiply by the power gamma of 1 - p, where p is what the right label was given."""
    return loss if gamma == 0 else loss * (-torch.expm1(-loss)) ** gamma


def _weighted_mean(loss: Tensor, measured: Tensor, weight: Tensor | None) -> Tensor:
    """Give the mean over what is measured; `loss` is 0 elsewhere.

    Weights are not divided by their sum: in small batches they would then cancel out. Their mean
    over all rows is 1 instead.
    """
    weighted = loss if weight is None else loss * weight
    return weighted.sum() / measured.sum().clamp(min=1)
