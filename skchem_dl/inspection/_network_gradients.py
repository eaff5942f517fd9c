"""How much a network's output owes to each part of what it is shown: atoms, tokens or bits.

A part's *scale* is what its vector is multiplied by: 1 shows it as it is, 0 hides it. Both methods
here are derivatives by the scales, so what a contribution means does not depend on how the network
writes a part down.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skchem_dl.estimators._engine import TrainingNet
from skchem_dl.estimators._inputs import GraphInputs, Inputs, TokenInputs
from skchem_dl.nn import CNN
from skchem_dl.nn._sparse import as_matrix

# Points of the Gauss-Legendre rule: sums then miss the output by 1 % or less, as a rule.
N_STEPS = 50
# Outputs (M, k) as a function of all parts' scales.
Scaled = Callable[[Tensor], Tensor]


def gradient_contributions(
    net: TrainingNet, inputs: Inputs, rows: np.ndarray, method: str, target: int
) -> list[np.ndarray]:
    """Give what each part of each row contributes, in the units of the network's output.

    Parameters
    ----------
    net : TrainingNet
    inputs : Inputs
    rows : ndarray of shape (m,)
        Valid ones.
    method : {"integrated_gradients", "gradient_x_input"}
    target : int
        Which of the outputs.

    Returns
    -------
    list of m arrays of shape (parts,), float64
        Of atoms, of tokens, or of the d columns of a matrix.
    """
    with torch.inference_mode(False):  # where the caller has it on, there are no gradients
        batch = inputs.batch(rows).to(net.device)
        scaled, shape, lengths = _scalable(net.module_, batch, inputs)
        slopes = _mean_slopes(scaled, shape, net.device, method, target)
    return list(slopes) if lengths is None else np.split(slopes, np.cumsum(lengths)[:-1])


def _mean_slopes(
    scaled: Scaled, shape: tuple[int, ...], device: str, method: str, target: int
) -> np.ndarray:
    """Average the derivative by each scale over the way from 0 to 1, or take it at 1."""
    points, weights = _path(method)
    total = torch.zeros(shape, dtype=torch.float64, device=device)
    for point, weight in zip(points.tolist(), weights.tolist(), strict=True):
        scale = torch.full(shape, point, dtype=torch.float32, device=device, requires_grad=True)
        with torch.enable_grad():
            # Rows do not depend on each other, so the sum has the gradients of all of them.
            output = scaled(scale)[:, target].sum()
        (slope,) = torch.autograd.grad(output, scale)
        total += weight * slope
    return total.cpu().numpy()


def _path(method: str) -> tuple[np.ndarray, np.ndarray]:
    if method == "gradient_x_input":
        return np.ones(1), np.ones(1)
    points, weights = np.polynomial.legendre.leggauss(N_STEPS)
    return (points + 1) / 2, weights / 2


def _scalable(
    module: nn.Module, batch: Any, inputs: Inputs
) -> tuple[Scaled, tuple[int, ...], np.ndarray | None]:
    """Give a network's outputs by the scales, the scales' shape, and how many each row has.

    The last is None where every row has the same columns.
    """
    if isinstance(inputs, GraphInputs):
        lengths = batch.n_atoms
        return lambda s: module(replace(batch, atom_scale=s)), (int(lengths.sum()),), lengths
    if isinstance(inputs, TokenInputs):
        lengths = (batch != 0).sum(1).cpu().numpy()
        return partial(_run_tokens, module, batch), (int(lengths.sum()),), lengths
    batch = as_matrix(batch)
    return lambda s: module(batch * s), tuple(batch.shape), None


def _run_tokens(module: nn.Module, codes: Tensor, scale: Tensor) -> Tensor:
    """Run a network on tokens whose vectors are multiplied by their scales."""
    assert isinstance(module, CNN)
    hook = module.embedding.register_forward_hook(
        lambda _, given, vectors: vectors * _spread(scale, given[0])[:, None]
    )
    try:
        return module(codes)
    finally:
        hook.remove()


def _spread(scale: Tensor, codes: Tensor) -> Tensor:
    """Give each place its token's scale; the padding between rows has none."""
    return scale.new_zeros(codes.shape).masked_scatter(codes != 0, scale)
