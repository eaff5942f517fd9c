"""Folds for out-of-fold predictions, which leave every model something of all kinds to learn."""

from numbers import Integral
from typing import Any

import numpy as np

Fold = tuple[np.ndarray, np.ndarray]  # rows to train on, rows held out


def make_folds(
    cv: Any,
    X: Any,
    y: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None,
    rng: np.random.RandomState,
) -> list[Fold]:
    """Split n rows.

    Parameters
    ----------
    cv : int or splitter
    X, y : of length n
        For a splitter.
    labels : ndarray of shape (n, k), bool
        Which rows show what each model has to see: a class, or a measurement of one of several
        targets. Rows are not held out if a label would be missing from the others.
    groups : ndarray of shape (n,) or None
        No group is both trained on and held out.
    rng : RandomState

    Returns
    -------
    list of (ndarray, ndarray)
        Empty if everything is needed for training.

    Raises
    ------
    ValueError
        If all rows are of one group.
    """
    rows = np.arange(len(y))
    if not isinstance(cv, Integral):
        folds = list(cv.split(X, y, groups))
    else:
        if groups is not None:
            held_out = _whole_groups(int(cv), labels, groups, rng)
        elif len(rows) > 2:
            held_out = _spread(min(int(cv), len(rows)), _strata(labels), rng)
        else:
            held_out = []
        folds = [(np.setdiff1d(rows, test), test) for test in held_out]
    folds = [_completed(train, test, labels, groups) for train, test in folds]
    return [fold for fold in folds if len(fold[1])]


def _strata(labels: np.ndarray) -> np.ndarray:
    """Return the rarest label of each row, (n, k) -> (n,)."""
    if not labels.shape[1]:
        return np.zeros(len(labels), dtype=np.int64)
    counts = labels.sum(axis=0)
    return np.where(labels, counts, len(labels) + 1).argmin(axis=1)


def _spread(n_folds: int, strata: np.ndarray, rng: np.random.RandomState) -> list[np.ndarray]:
    """Deal rows out at random, those of each stratum evenly."""
    order = np.lexsort([rng.permutation(len(strata)), strata])
    fold_of = np.empty(len(strata), dtype=np.int64)
    fold_of[order] = np.arange(len(strata)) % n_folds
    return [np.flatnonzero(fold_of == fold) for fold in range(n_folds)]


def _whole_groups(
    cv: int, labels: np.ndarray, groups: np.ndarray, rng: np.random.RandomState
) -> list[np.ndarray]:
    """Deal groups out at random, the strata as evenly as they allow."""
    names, codes = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"All {len(groups)} molecules that can be learned from are in the group "
            f"{str(names[0])!r}; expected at least two groups. Pass finer groups, or none."
        )
    # Shares of each group in the rows, and in the rows of each stratum.
    strata = np.unique(_strata(labels), return_inverse=True)[1]
    shares = np.zeros((len(names), strata.max() + 2))
    np.add.at(shares, (codes, strata), 1.0)
    shares[:, -1] = shares.sum(axis=1)
    shares /= shares.sum(axis=0)
    fold_of = _balanced(shares, min(cv, len(names)), rng)[codes]
    return [np.flatnonzero(fold_of == fold) for fold in np.unique(fold_of)]


def _balanced(shares: np.ndarray, n_folds: int, rng: np.random.RandomState) -> np.ndarray:
    """Deal groups out, the largest first, each to where folds stay most alike, (G, k) -> (G,)."""
    loads = np.zeros((n_folds, shares.shape[1]))
    fold_of = np.empty(len(shares), dtype=np.int64)
    for group in np.lexsort([rng.permutation(len(shares)), -shares[:, -1]]):
        # How much the sum of squared loads grows.
        fold_of[group] = (loads @ shares[group]).argmin()
        loads[fold_of[group]] += shares[group]
    return fold_of


def _completed(
    train: np.ndarray, test: np.ndarray, labels: np.ndarray, groups: np.ndarray | None
) -> Fold:
    """Move a row, or its group, from the test to the training rows for each label missing there."""
    for label in np.flatnonzero(labels[test].any(axis=0)):
        if labels[train, label].any():
            continue
        needed = test[labels[test, label].argmax()]
        moved = test == needed if groups is None else groups[test] == groups[needed]
        train, test = np.union1d(train, test[moved]), test[~moved]
    return train, test
