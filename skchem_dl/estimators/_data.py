"""What one training goes over: rows of inputs and targets, in whole batches, some held out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from torch import Tensor

from skchem_dl.estimators._inputs import Inputs

_GROUP_DRAWS = 20  # groups differ in size and classes, so the best of some draws is taken
_AUTO_BATCHES = 64
_AUTO_BATCH_SIZES = (32, 256)


@dataclass(frozen=True)
class TrainingRows:
    """The rows one loop goes over."""

    inputs: Inputs
    targets: Any  # (n, t) float32, aligned with the inputs, or what gives such rows by index
    rows: np.ndarray  # which of the n
    weights: np.ndarray | None = None  # (n, 1) or (n, t) float32

    def __len__(self) -> int:
        return len(self.rows)

    def target_arrays(self) -> list[np.ndarray]:
        """Return all arrays that the targets are made of, to tell them from others."""
        return [self.targets] if isinstance(self.targets, np.ndarray) else self.targets.arrays()


class BatchLoader:
    """Whole batches by index, where torch's `DataLoader` would collate samples one by one."""

    def __init__(
        self, data: TrainingRows, batch_size: int, shuffle_seeds: Iterator[Sequence[int]] | None
    ) -> None:
        self.data = data
        self.batch_size = batch_size
        self.shuffle_seeds = shuffle_seeds

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        rows = self.data.rows
        if self.shuffle_seeds is not None:
            rows = np.random.default_rng(next(self.shuffle_seeds)).permutation(rows)
        for start in range(0, len(rows), self.batch_size):
            chosen = rows[start : start + self.batch_size]
            yield self.data.inputs.batch(chosen), self._targets(chosen)

    def _targets(self, rows: np.ndarray) -> Tensor | tuple[Tensor, Tensor]:
        targets = torch.from_numpy(self.data.targets[rows])
        if self.data.weights is None:
            return targets
        return targets, torch.from_numpy(self.data.weights[rows])


def mean_of_one(weights: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Scale weights so that their mean over all measured targets is 1.

    Parameters
    ----------
    weights : ndarray of shape (n, 1) or (n, t)
    targets : ndarray of shape (n, t)
        NaN where there was no measurement.
    rows : ndarray of shape (m,)
        Which of the n count.

    Returns
    -------
    ndarray of float32

    Raises
    ------
    ValueError
        If all of them are 0.
    """
    measured = ~np.isnan(targets[rows])
    total = float((measured * weights[rows].astype(np.float64)).sum())
    if total == 0:
        raise ValueError(
            f"Nothing counts: all that was measured in {len(rows)} row(s) has the weight 0, by "
            "sample_weight or class_weight."
        )
    return (weights * (measured.sum() / total)).astype(np.float32)


def resolve_batch_size(batch_size: int | str, n_rows: int) -> int:
    """Give the number of molecules a step.

    Parameters
    ----------
    batch_size : int or "auto"
        "auto" makes some 64 steps an epoch, of 32 to 256 molecules.
    n_rows : int
        Molecules to train on.

    Returns
    -------
    int
    """
    if not isinstance(batch_size, str):
        return int(batch_size)
    wanted = 2 ** round(np.log2(max(1, n_rows / _AUTO_BATCHES)))
    return int(np.clip(wanted, *_AUTO_BATCH_SIZES))


def hold_out(
    rows: np.ndarray,
    fraction: float,
    seed: int,
    *,
    labels: np.ndarray | None,
    groups: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Hold rows out for early stopping.

    Parameters
    ----------
    rows : ndarray of shape (m,)
        Rows that may be held out.
    fraction : float
        How many of them.
    seed : int
    labels : ndarray of shape (m,), or None
        Every class is held out in proportion, where that is possible.
    groups : ndarray of shape (m,), or None
        No group is on both sides; of several draws the one with most classes on both sides is
        taken, then the one nearest to the fraction.

    Returns
    -------
    training, held_out : ndarray

    Raises
    ------
    ValueError
        If there is only one row, or one group.
    """
    if len(rows) < 2:
        raise ValueError(
            "early_stopping=True holds molecules out, but there is only 1. Set it to False."
        )
    if groups is not None:
        return _hold_out_groups(rows, fraction, seed, labels, groups)
    return train_test_split(
        rows,
        test_size=fraction,
        random_state=seed % 2**32,
        stratify=labels if _can_stratify(labels, len(rows), fraction) else None,
    )


def _hold_out_groups(
    rows: np.ndarray,
    fraction: float,
    seed: int,
    labels: np.ndarray | None,
    groups: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    found, codes = np.unique(groups, return_inverse=True)
    if len(found) == 1:
        raise ValueError(
            f"early_stopping=True holds whole groups out, but all {len(rows)} molecules are in "
            f"{str(groups[0])!r}. Pass X_val and y_val, finer groups, or early_stopping=False."
        )
    n_held_out = int(np.clip(round(fraction * len(found)), 1, len(found) - 1))
    splitter = GroupShuffleSplit(_GROUP_DRAWS, test_size=n_held_out, random_state=seed % 2**32)

    def badness(sides: tuple[np.ndarray, np.ndarray]) -> tuple[int, float]:
        """Count the classes that a side lacks; among equals, compare the sizes."""
        kinds = [0, 0] if labels is None else [len(np.unique(labels[side])) for side in sides]
        return -sum(kinds), abs(len(sides[1]) - fraction * len(rows))

    training, held_out = min(splitter.split(rows, groups=codes), key=badness)
    return rows[training], rows[held_out]


def _can_stratify(labels: np.ndarray | None, n: int, fraction: float) -> bool:
    if labels is None:
        return False
    counts = np.unique(labels, return_counts=True)[1]
    return counts.min() >= 2 and len(counts) <= min(n * fraction, n * (1 - fraction))
