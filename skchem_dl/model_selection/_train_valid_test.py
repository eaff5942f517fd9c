"""One split into three sets."""

from copy import copy
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import indexable

from skchem_dl.features._molecules import row_subset
from skchem_dl.model_selection._parameters import is_fraction, is_whole
from skchem_dl.model_selection._scaffold_split import ScaffoldShuffleSplit

_DEFAULT_SIZE = 0.1


def train_valid_test_split(
    *arrays: Any,
    splitter: Any,
    valid_size: float | int | None = None,
    test_size: float | int | None = None,
    groups: Any = None,
) -> list[Any]:
    """Split into a training, a validation and a test set, by any splitter.

    A splitter with a `test_size` (`ScaffoldShuffleSplit`, `TimeSplit`, scikit-learn's
    `ShuffleSplit`, ...) splits off the test set, and then the validation set from the rest. Of
    k-folds one fold is the test set and one the validation set, those nearest in size to the fair
    share (of equals the first): ten folds make 80/10/10.

    Parameters
    ----------
    *arrays : lists, arrays, Series, frames or MolGraphs of length n
        X, then y if there is one, then anything else that goes with the rows.
    splitter : splitter
        ``ScaffoldShuffleSplit(1, shuffle=False)`` gives DeepChem's scaffold split.
    valid_size, test_size : float or int, default=None
        Fractions of all molecules or numbers of molecules (of `GroupShuffleSplit`, of groups);
        None is 0.1. They replace the splitter's own; k-folds have none.
    groups : array-like of shape (n,), default=None
        Passed to the splitter.

    Returns
    -------
    list of length 3 * len(arrays)
        Training, validation and test part of the first array, then of the second, and so on, each
        of the kind that was passed (tuples become lists).

    Raises
    ------
    TypeError, ValueError
        If sizes do not fit the splitter or the molecules, and whatever the splitter raises.

    See Also
    --------
    sklearn.model_selection.train_test_split : Two sets, at random.
    ScaffoldShuffleSplit, TimeSplit : Splitters for it.

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.model_selection import ScaffoldShuffleSplit, train_valid_test_split
    >>> X, y = load_solubility(return_X_y=True)
    >>> X_train, X_valid, X_test, y_train, y_valid, y_test = train_valid_test_split(
    ...     X, y, splitter=ScaffoldShuffleSplit(1, shuffle=False)
    ... )
    >>> len(X_train), len(X_valid), len(X_test)
    (1025, 128, 129)
    """
    if not arrays:
        raise TypeError("train_valid_test_split needs at least one array, X, got none.")
    *arrays, groups = indexable(*arrays, groups)
    y = arrays[1] if len(arrays) > 1 else None
    if hasattr(splitter, "test_size"):
        sizes = [_DEFAULT_SIZE if size is None else size for size in (valid_size, test_size)]
        parts = _split_by_size(splitter, arrays[0], y, groups, *sizes)
    elif valid_size is None and test_size is None:
        parts = _two_folds(splitter, arrays[0], y, groups)
    else:
        raise ValueError(
            f"valid_size and test_size do not apply to {type(splitter).__name__}, whose number of "
            "folds decides: leave them at None."
        )
    return [row_subset(array, rows) for array in arrays for rows in parts]


def _split_by_size(
    splitter: Any, X: Any, y: Any, groups: Any, valid_size: float, test_size: float
) -> tuple[np.ndarray, ...]:
    if isinstance(splitter, ScaffoldShuffleSplit):
        return splitter._split_three(X, groups, valid_size, test_size)
    units = len(X) if not hasattr(X, "shape") else X.shape[0]
    if isinstance(splitter, GroupShuffleSplit) and groups is not None:
        units = len(np.unique(groups))  # which is what its sizes count
    rest, test = _split_off(splitter, _count(test_size, units), X, y, groups)
    remaining = [None if array is None else row_subset(array, rest) for array in (X, y, groups)]
    train, valid = _split_off(splitter, _count(valid_size, units), *remaining)
    return rest[train], rest[valid], test


def _split_off(
    splitter: Any, test_size: int, X: Any, y: Any, groups: Any
) -> tuple[np.ndarray, np.ndarray]:
    one = copy(splitter)
    one.n_splits, one.test_size = 1, test_size
    if hasattr(one, "train_size"):
        one.train_size = None
    return next(iter(one.split(X, y, groups)))


def _count(size: float | int, units: int) -> int:
    if not (is_fraction(size) or is_whole(size)):
        raise ValueError(f"Sizes are fractions between 0 and 1 or whole numbers, got {size!r}.")
    return round(size * units) if is_fraction(size) else int(size)


def _two_folds(splitter: Any, X: Any, y: Any, groups: Any) -> tuple[np.ndarray, ...]:
    """Take the two folds nearest to the fair share: a large scaffold can make one far larger."""
    folds = list(splitter.split(X, y, groups))
    n = sum(map(len, folds[0]))
    order = np.argsort([abs(len(test) - n / len(folds)) for _, test in folds], kind="stable")
    rest, test = folds[order[0]]
    valid = folds[order[1 % len(folds)]][1]
    train = np.setdiff1d(rest, valid)
    if not len(train) or len(np.intersect1d(test, valid)):
        raise ValueError(
            "A training, a validation and a test set need a splitter of at least three folds that "
            f"do not overlap, got {splitter!r}."
        )
    return train, valid, test
