"""What a network is pretrained to predict: descriptors and substructures of the molecules."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from scipy.special import ndtri
from torch import Tensor, nn
from torch.nn import functional as F

from skchem_dl.estimators._task_metrics import mean_of_defined, regression_metrics
from skchem_dl.estimators._tasks import RegressionTask

_WINSORIZED_AT = 6.0  # standard deviations
_LEAST_SHARE = 1e-4  # minimum fraction of molecules that differ from the most common value


class PretrainingTargets:
    """Targets of n molecules in little memory; rows of it are float32 matrices.

    Parameters
    ----------
    scores : ndarray of shape (n, d), float16
        Descriptors as normal scores, NaN where RDKit cannot compute them.
    bits : ndarray of shape (n, b / 8), uint8
        Which of b substructures a molecule has, packed by `numpy.packbits`.
    """

    def __init__(self, scores: np.ndarray, bits: np.ndarray) -> None:
        self.scores = scores
        self.bits = bits

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def n_descriptors(self) -> int:
        """Number of descriptors d."""
        return self.scores.shape[1]

    @property
    def n_bits(self) -> int:
        """Number of substructures b."""
        return 8 * self.bits.shape[1]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return descriptors and bits side by side, (m, d + b) float32."""
        parts = [self.scores[rows], np.unpackbits(self.bits[rows], axis=1)]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def arrays(self) -> list[np.ndarray]:
        """Return the underlying arrays, for hashing."""
        return [self.scores, self.bits]


def normal_scores(descriptors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace each column by the normal scores of its ranks.

    Parameters
    ----------
    descriptors : ndarray of shape (n, d)
        NaN or infinite where there is no value.

    Returns
    -------
    scores : ndarray of shape (n, k), float16
        Of mean 0 and standard deviation 1, winsorized at 6.
    kept : ndarray of shape (k,), int
        The columns that are not (nearly) constant.
    """
    kept, scores = [], []
    for column, values in enumerate(descriptors.T):
        found = np.isfinite(values)
        distinct, code, counts = np.unique(values[found], return_inverse=True, return_counts=True)
        if len(distinct) < 2 or found.sum() - counts.max() < _LEAST_SHARE * len(values):
            continue
        ranks = np.cumsum(counts) - counts / 2  # ties share the mean of their ranks
        ranked = ndtri(ranks / found.sum())[code]
        ranked = (ranked - ranked.mean()) / ranked.std()
        scores.append(np.full(len(values), np.nan, dtype=np.float16))
        scores[-1][found] = np.clip(ranked, -_WINSORIZED_AT, _WINSORIZED_AT)
        kept.append(column)
    if not kept:
        return np.empty((len(descriptors), 0), dtype=np.float16), np.array([], dtype=int)
    return np.stack(scores, axis=1), np.array(kept)


def pack_bits(counts: sp.csr_array) -> np.ndarray:
    """Pack which counts are not 0, (n, b) -> (n, b / 8) uint8."""
    n_rows, n_bits = counts.shape
    row = np.repeat(np.arange(n_rows), np.diff(counts.indptr))
    packed = np.zeros((n_rows, n_bits // 8), dtype=np.uint8)
    np.bitwise_or.at(packed, (row, counts.indices // 8), np.uint8(128) >> counts.indices % 8)
    return packed


class PretrainingTask(RegressionTask):
    """Descriptors, of which metrics are computed for validation molecules, and substructures.

    Parameters
    ----------
    n_descriptors, n_bits : int
    entropy : float
        Mean entropy of the substructures, in nats.
    """

    measures_training = False  # a million rows of outputs do not fit in memory

    def __init__(self, n_descriptors: int, n_bits: int, entropy: float) -> None:
        super().__init__(np.zeros((1, n_descriptors + n_bits)), normalize=False)
        self.n_descriptors = n_descriptors
        self.entropy = entropy

    def target_metrics(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Compare the descriptors, (n, d + b) with (n, d + b)."""
        return regression_metrics(
            targets[:, : self.n_descriptors], outputs[:, : self.n_descriptors]
        )

    def metrics(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Return the mean R2 over the descriptors."""
        return {"r2": mean_of_defined(self.target_metrics(targets, outputs)["r2"])}


class PretrainingLoss(nn.Module):
    """Squared error of descriptors, plus the logistic loss of substructures.

    Each is a mean relative to that of a constant prediction: 1 is nothing learned, 0 is perfect.

    Parameters
    ----------
    n_descriptors : int
    entropy : float
        Mean entropy of the substructures, in nats.
    bit_weight : float
        Weight of their loss.
    """

    def __init__(self, n_descriptors: int, entropy: float, bit_weight: float) -> None:
        super().__init__()
        self.n_descriptors = n_descriptors
        self.entropy = entropy
        self.bit_weight = bit_weight

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Compare (n, d + b) with (n, d + b), NaN for descriptors without a value."""
        d = self.n_descriptors
        scores, expected = predicted[:, :d], target[:, :d]
        measured = ~expected.isnan()
        loss = (torch.where(measured, scores - expected, 0.0) ** 2).sum() / measured.sum().clamp(1)
        if target.shape[1] == d:
            return loss
        bits = F.binary_cross_entropy_with_logits(predicted[:, d:], target[:, d:])
        return loss + self.bit_weight / self.entropy * bits


def mean_entropy(bits: np.ndarray) -> float:
    """Return the mean entropy of packed bits in nats, (n, b / 8) -> ()."""
    if not bits.shape[1]:
        return 1.0
    ones = sum(np.unpackbits(part, axis=1).sum(axis=0) for part in np.array_split(bits, 64))
    share = np.clip(ones / len(bits), 1e-6, 1 - 1e-6)
    return float(-(share * np.log(share) + (1 - share) * np.log(1 - share)).mean())
