"""What the parts of a row contribute to a network's prediction: atoms, tokens or columns."""

from typing import Any

import numpy as np

from skchem_dl.estimators._base import BaseNeuralEstimator
from skchem_dl.estimators._busy_waiting import limit_busy_waiting
from skchem_dl.estimators._engine import TrainingNet
from skchem_dl.estimators._inputs import Inputs
from skchem_dl.inspection._network_gradients import gradient_contributions
from skchem_dl.inspection._readout_masking import readout_contributions

_BATCH = 128


def network_contributions(
    model: BaseNeuralEstimator, features: Any, method: str, target: int
) -> list[np.ndarray]:
    """Give what each part of each row contributes, in the units of y, or in log-odds.

    Parameters
    ----------
    model : BaseNeuralEstimator
        Fitted; of an ensemble the mean is taken.
    features : of length n
        What it predicts from.
    method : {"readout_masking", "integrated_gradients", "gradient_x_input"}
    target : int
        Which of its outputs.

    Returns
    -------
    list of n arrays of shape (parts,), float64
        Of atoms, of tokens, or of the columns of a matrix; empty for an invalid row.
    """
    task = model._task
    unit = task.scale[target] if task.is_numeric else 1.0
    inputs = model._read(features, reset=False)
    found: list[np.ndarray] = [np.zeros(0)] * len(inputs.valid)
    valid = np.flatnonzero(inputs.valid)
    for start in range(0, len(valid), _BATCH):
        rows = valid[start : start + _BATCH]
        of_members = [_of_net(net, inputs, rows, method, target) for net in model.nets_]
        for row, *of_parts in zip(rows.tolist(), *of_members, strict=True):
            found[row] = unit * np.mean(of_parts, axis=0)
    return found


def _of_net(
    net: TrainingNet, inputs: Inputs, rows: np.ndarray, method: str, target: int
) -> list[np.ndarray]:
    with limit_busy_waiting(net.device):
        if method == "readout_masking":
            return readout_contributions(net, inputs, rows, target)
        return gradient_contributions(net, inputs, rows, method, target)
