"""Dealing whole groups out to folds and to parts of given sizes."""

from collections.abc import Sequence

import numpy as np


def spread_groups(
    sizes: np.ndarray, n_folds: int, rng: np.random.RandomState | None = None
) -> np.ndarray:
    """Deal groups out to folds of nearly equal numbers of molecules.

    The largest group goes first. Each goes to the lightest fold or, with `rng`, to any in which
    it still fits into the fold's fair share; only where it fits into none, to the lightest. Two
    folds differ by no more than the largest group, and hardly at all where there are many groups
    of one.

    Parameters
    ----------
    sizes : ndarray of shape (n_groups,), int
        Molecules in each group; at least `n_folds` groups.
    n_folds : int
    rng : RandomState, default=None
        Draws the fold, and the order of groups of the same size.

    Returns
    -------
    ndarray of shape (n_groups,), int
        The fold of each group; none is empty.
    """
    start = np.arange(len(sizes)) if rng is None else rng.permutation(len(sizes))
    order = start[np.argsort(-sizes[start], kind="stable")]
    share = sizes.sum() / n_folds
    loads = np.zeros(n_folds, dtype=np.int64)
    fold_of = np.empty(len(sizes), dtype=np.int64)
    for position, group in enumerate(order):
        candidates = np.flatnonzero(loads == loads.min())
        # The last groups may all be needed for the folds that have none yet.
        spare = len(order) - position > np.count_nonzero(loads == 0)
        if rng is not None and spare:
            fitting = np.flatnonzero(loads + sizes[group] <= share)
            candidates = fitting if len(fitting) else candidates
        fold = candidates[0 if rng is None else rng.randint(len(candidates))]
        fold_of[group] = fold
        loads[fold] += sizes[group]
    return fold_of


def fill_parts(sizes: Sequence[int] | np.ndarray, cutoffs: Sequence[float]) -> np.ndarray:
    """Put groups, in the order given, each into the first part in which it fits.

    Parameters
    ----------
    sizes : sequence of int, of length n_groups
        Molecules in each group.
    cutoffs : sequence of float
        How many molecules the first part may hold, the first two together, and so on; what fits
        into none is put into one more part, the last.

    Returns
    -------
    ndarray of shape (n_groups,), int
        The part of each group, 0 to ``len(cutoffs)``.
    """
    loads = [0] * (len(cutoffs) + 1)
    parts = np.full(len(sizes), len(cutoffs))
    for group, size in enumerate(np.asarray(sizes).tolist()):
        for part, cutoff in enumerate(cutoffs):
            if sum(loads[: part + 1]) + size <= cutoff:
                parts[group] = part
                break
        loads[parts[group]] += size
    return parts
