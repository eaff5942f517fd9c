"""Rows of one molecule: which they are, and their mean."""

from collections.abc import Hashable, Sequence

import numpy as np


def group_rows(keys: Sequence[Hashable]) -> np.ndarray:
    """Number the distinct keys in the order of their first rows.

    Parameters
    ----------
    keys : sequence of length n
        One for each row, the same for the same molecule.

    Returns
    -------
    ndarray of shape (n,), int
        Each row's group, 0, 1, 2, ...
    """
    numbers: dict[Hashable, int] = {}
    groups = [numbers.setdefault(key, len(numbers)) for key in keys]
    return np.array(groups, dtype=np.intp)


def first_rows(groups: np.ndarray) -> np.ndarray:
    """Return the first row of each group, ``(n,) -> (n_groups,)``, in order."""
    return np.unique(groups, return_index=True)[1]


def mean_by_group(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Average the values of each group, leaving out NaN.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, t)
    groups : ndarray of shape (n,), int

    Returns
    -------
    ndarray of shape (n_groups,) or (n_groups, t)
        NaN where a group has no value.
    """
    measured = ~np.isnan(values)
    n_groups = groups.max(initial=-1) + 1
    total = np.zeros((n_groups, *values.shape[1:]))
    count = np.zeros_like(total)
    np.add.at(total, groups, np.where(measured, values, 0.0))
    np.add.at(count, groups, measured)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
