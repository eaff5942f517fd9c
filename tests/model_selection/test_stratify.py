"""Bins of y, spread evenly."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeRegressor

from skchem_dl.model_selection import BinnedStratifiedKFold
from skchem_dl.model_selection._stratify import strata_of

from .cases import solubility

X, Y = solubility()


def folds_of(splitter, y):
    return [test.tolist() for _, test in splitter.split(np.zeros(len(y)), y)]


def test_bins_hold_equally_many():
    strata = strata_of(Y, 10, 3, "test")
    assert len(set(strata)) == 10
    counts = np.bincount(strata)
    assert counts.max() - counts.min() <= 6  # 161 values, some of them equal
    order = np.argsort(Y, kind="stable")
    assert (np.diff(strata[order]) >= 0).all()
    for stratum in range(9):
        assert Y[strata == stratum].max() < Y[strata == stratum + 1].min()


def test_each_fold_has_its_share_of_each_bin():
    strata = strata_of(Y, 10, 4, "test")
    found = folds_of(BinnedStratifiedKFold(4), Y)
    assert sorted(np.concatenate(found)) == list(range(len(Y)))
    for test in found:
        shares = np.bincount(strata[test], minlength=10) / np.bincount(strata)
        assert abs(shares - 0.25).max() < 0.1


def test_means_are_nearer_to_each_other_than_by_chance():
    def spread(kind):
        splitters = (kind(5, shuffle=True, random_state=seed) for seed in range(10))
        return np.mean([np.std([Y[t].mean() for t in folds_of(s, Y)]) for s in splitters])

    assert spread(BinnedStratifiedKFold) < spread(KFold) / 2


@pytest.mark.parametrize("y", [[0, 1] * 9, ["a", "b", "c"] * 6, [1.5, 2.5, 9.0] * 6, [True] * 18])
def test_few_values_are_their_own_strata(y):
    assert folds_of(BinnedStratifiedKFold(3), y) == folds_of(StratifiedKFold(3), np.array(y, str))


@pytest.mark.parametrize("as_type", [list, np.array, pd.Series, lambda y: np.array(y)[:, None]])
def test_kinds_of_y(as_type):
    assert folds_of(BinnedStratifiedKFold(3), as_type(Y)) == folds_of(BinnedStratifiedKFold(3), Y)
    nullable = pd.Series(Y, dtype="Float64")
    assert folds_of(BinnedStratifiedKFold(3), nullable) == folds_of(BinnedStratifiedKFold(3), Y)


def test_few_molecules_make_few_bins():
    y = np.arange(12.0)
    assert len(set(strata_of(y, 10, 4, "test"))) == 3
    assert [len(test) for test in folds_of(BinnedStratifiedKFold(4), y)] == [3, 3, 3, 3]


def test_a_value_that_many_share_stays_in_one_bin():
    y = np.r_[np.full(30, 5.0), np.arange(30)]  # a censored assay
    strata = strata_of(y, 10, 3, "test")
    assert len(set(strata[:30])) == 1


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "BinnedStratifiedKFold stratifies by y, but y is None"),
        (np.zeros((9, 2)), r"one target, but y has the shape \(9, 2\)"),
        ([1.0, np.nan, 2.0, None], "2 of its 4 values are missing, the first in row 1"),
    ],
)
def test_what_cannot_be_stratified(y, message):
    with pytest.raises(ValueError, match=message):
        next(BinnedStratifiedKFold(3).split(np.zeros(9), y))


def test_wrong_number_of_bins():
    with pytest.raises(ValueError, match=r"n_bins must be an integer of at least 2, got 2\.5"):
        BinnedStratifiedKFold(n_bins=2.5)


def test_in_cross_validation():
    features = np.column_stack([Y, Y**2])
    scores = cross_val_score(DecisionTreeRegressor(), features, Y, cv=BinnedStratifiedKFold(4))
    assert (scores > 0.9).all()
    assert repr(BinnedStratifiedKFold(4)) == (
        "BinnedStratifiedKFold(n_bins=10, n_splits=4, random_state=None, shuffle=False)"
    )


def test_few_values_of_which_none_occurs_often_enough_are_binned():
    assert np.bincount(strata_of(np.arange(9.0), 10, 3, "x")).min() >= 3
