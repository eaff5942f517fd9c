"""The folds of repeated cross-validation, made once for all methods."""

from copy import copy
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import check_random_state

from skchem_dl._rows import is_missing
from skchem_dl.model_selection._parameters import check_at_least, is_whole

_N_FOLDS = _N_REPEATS = 5
_MAX_SEED = np.iinfo(np.int32).max


class Fold(NamedTuple):
    """Rows to learn from and rows to judge by."""

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray


def repeated_folds(
    cv: Any,
    n_repeats: int | None,
    X: Any,
    y: Any,
    groups: Any,
    *,
    classifier: bool,
    random_state: Any,
) -> list[Fold]:
    """Draw the folds of every repeat.

    Parameters
    ----------
    cv : int, splitter, iterable of (train, test) or None
        None is 5 folds.
    n_repeats : int or None
        None is 5 where `cv` is a number of folds, and otherwise 1.
    X, y, groups
        As for a splitter's ``split``.
    classifier : bool
        A number of folds is stratified by the classes, where each row has one.
    random_state : int, RandomState instance or None
        Seed of every repeat, where `cv` is a number of folds or there is more than one repeat.

    Returns
    -------
    list of Fold

    Raises
    ------
    ValueError
        If `cv` cannot be repeated, or one of the numbers is too small.
    """
    if cv is None or is_whole(cv):
        n_folds = _N_FOLDS if cv is None else check_at_least("cv", cv, 2)
        cv = (StratifiedKFold if classifier and _has_classes(y) else KFold)(n_folds, shuffle=True)
        n_repeats = _N_REPEATS if n_repeats is None else n_repeats
        seeded = True
    else:
        n_repeats = 1 if n_repeats is None else n_repeats
        seeded = n_repeats != 1
    if not seeded:
        return _numbered(_splits(cv, X, y, groups), getattr(cv, "n_repeats", 1))
    check_at_least("n_repeats", n_repeats, 1)
    splits = []
    for seed in check_random_state(random_state).randint(_MAX_SEED, size=n_repeats):
        splits += _splits(_reseeded(cv, int(seed)), X, y, groups)
    return _numbered(splits, n_repeats)


def _has_classes(y: Any) -> bool:
    labels = np.asarray(y)
    return labels.ndim == 1 and not is_missing(labels).any()


def _reseeded(cv: Any, seed: int) -> Any:
    """Give a copy of the splitter that draws other folds."""
    if not getattr(cv, "shuffle", True) or not hasattr(cv, "random_state"):
        raise ValueError(
            f"n_repeats asks for other folds in every repeat, but cv={cv!r} would make the same "
            "again. Use a splitter with shuffle=True, or leave n_repeats at None."
        )
    cv = copy(cv)
    cv.random_state = seed
    return cv


def _splits(cv: Any, X: Any, y: Any, groups: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    pairs = list(cv.split(X, y, groups) if hasattr(cv, "split") else cv)
    if not pairs:
        raise ValueError(f"cv={cv!r} makes no fold.")
    return pairs


def _numbered(splits: list[tuple[np.ndarray, np.ndarray]], n_repeats: int) -> list[Fold]:
    per_repeat = len(splits) // n_repeats
    return [
        Fold(*divmod(number, per_repeat), np.asarray(train), np.asarray(test))
        for number, (train, test) in enumerate(splits)
    ]
