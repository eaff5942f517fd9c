"""Optimizers by name or class, with weight decay for weight matrices only."""

from collections.abc import Collection
from typing import Any

import torch
from torch import nn

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


def make_optimizer(
    optimizer: str | type[torch.optim.Optimizer],
    module: nn.Module,
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    pretrained: Collection[str] = (),
    pretrained_lr_factor: float = 1.0,
) -> torch.optim.Optimizer:
    """Build an optimizer by name or class.

    Parameters
    ----------
    optimizer : str or class
        Name in `OPTIMIZERS`, or a torch optimizer.
    module : nn.Module
        What it trains.
    lr, weight_decay : float
        Weight decay is for matrices only.
    momentum : float
        Of "sgd"; the others have their own ways.
    pretrained : collection of str, default=()
        Names of the parameters that start from pretrained weights.
    pretrained_lr_factor : float, default=1.0
        Their learning rate, relative to `lr`.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    TypeError
        If it is a class of something else.
    ValueError
        If it cannot be made from groups of parameters.
    """
    if isinstance(optimizer, type) and not issubclass(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer={optimizer!r}; expected a name or a torch.optim.Optimizer class."
        )
    trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
    new = [p for name, p in trained.items() if name not in pretrained]
    groups = _groups(new, weight_decay)
    if len(new) < len(trained):
        known = [p for name, p in trained.items() if name in pretrained]
        factor = {"lr": lr * pretrained_lr_factor, "lr_factor": pretrained_lr_factor}
        groups += [group | factor for group in _groups(known, weight_decay)]
    options: dict[str, Any] = {"lr": lr}
    if isinstance(optimizer, str):
        if optimizer != "rmsprop":  # torch has no fused one
            options["fused"] = True  # one pass over the weights instead of one an operation
        if optimizer == "sgd":
            options["momentum"] = momentum
        optimizer = OPTIMIZERS[optimizer]
    try:
        return optimizer(groups, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"optimizer={optimizer.__name__} cannot be made with parameter groups, lr and "
            f"weight_decay: {error}"
        ) from error


def _groups(parameters: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Return two groups, with and without weight decay."""
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
