"""Strata for targets that are numbers."""

from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from skchem_dl._rows import is_missing
from skchem_dl.model_selection._parameters import check_at_least


class BinnedStratifiedKFold(StratifiedKFold):
    """K-fold that spreads high and low y evenly over the folds: stratified, for regression.

    y is cut into bins at its quantiles, which are then stratified like classes. A y of no more
    than `n_bins` different values is stratified by these, so that it serves classification too.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    n_bins : int, default=10
        Number of bins of y; fewer where there are not `n_splits` molecules for each.
    shuffle : bool, default=False
        Shuffle each bin's molecules first.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.

    See Also
    --------
    ScaffoldKFold : Stratifies scaffolds with ``stratify=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from skchem_dl.model_selection import BinnedStratifiedKFold
    >>> y = np.array([0.1, 0.2, 0.3, 7.1, 7.2, 7.3])
    >>> for train, test in BinnedStratifiedKFold(3, n_bins=2).split(y, y):
    ...     print(y[test])
    [0.1 7.1]
    [0.2 7.2]
    [0.3 7.3]
    """

    def __init__(self, n_splits=5, *, n_bins=10, shuffle=False, random_state=None):
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)
        self.n_bins = check_at_least("n_bins", n_bins, 2)

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows of each fold.

        Parameters
        ----------
        X : of length n
            Anything with rows.
        y : array-like of shape (n,)
            The targets.
        groups : ignored
            Not used; there by scikit-learn's convention.

        Yields
        ------
        train, test : ndarray of shape (n_train,) and (n_test,), int
            Row numbers.

        Raises
        ------
        ValueError
            If y is missing, has gaps or several columns, or too few rows.
        """
        strata = strata_of(y, self.n_bins, self.n_splits, type(self).__name__)
        return super().split(X, strata, groups)


def strata_of(y: Any, n_bins: int, n_splits: int, owner: str) -> np.ndarray:
    """Cut y into bins at its quantiles, or number its values where they are few.

    Parameters
    ----------
    y : array-like of shape (n,)
    n_bins, n_splits : int
        At most so many bins, and at least so many rows for each.
    owner : str
        Who asks, for the error message.

    Returns
    -------
    ndarray of shape (n,), int

    Raises
    ------
    ValueError
        If y is missing, has gaps or several columns.
    """
    if y is None:
        raise ValueError(f"{owner} stratifies by y, but y is None.")
    y = np.asarray(y)
    if y.ndim != 1 and y.shape[1:] != (1,):
        raise ValueError(
            f"{owner} stratifies by one target, but y has the shape {y.shape}. Choose a column, "
            "or split without stratification."
        )
    y = y.ravel()
    unknown = np.flatnonzero(is_missing(y))
    if len(unknown):
        raise ValueError(
            f"{owner} stratifies by y, but {len(unknown)} of its {len(y)} values are missing, "
            f"the first in row {unknown[0]}. Drop these rows, or split without stratification."
        )
    if y.dtype.kind == "O" and all(isinstance(value, Real) for value in y):
        y = y.astype(np.float64)  # pandas' own number types
    values, codes = np.unique(y, return_inverse=True)
    are_classes = len(values) <= n_bins and np.bincount(codes).max(initial=0) >= n_splits
    if are_classes or y.dtype.kind not in "iuf":
        return codes
    n_bins = max(1, min(n_bins, len(y) // n_splits))
    edges = np.quantile(y, np.arange(1, n_bins) / n_bins, method="inverted_cdf")
    return np.searchsorted(edges, y)
