"""Which rows are trained on, which are held out, and in what portions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skchem_dl.estimators._data import hold_out, mean_of_one, resolve_batch_size


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [(1, 32), (300, 32), (1025, 32), (3360, 64), (8192, 128), (10**6, 256)],
)
def test_automatic_batch_size(n_rows, expected):
    assert resolve_batch_size("auto", n_rows) == expected
    assert resolve_batch_size(7, n_rows) == 7


@given(
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=40),
    fraction=st.floats(0.05, 0.5),
    seed=st.integers(0, 2**40),
)
def test_groups_are_held_out_whole(sizes, fraction, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.arange(len(groups)) * 2 + 5
    training, held_out = hold_out(rows, fraction, seed, labels=None, groups=groups)
    assert sorted([*training, *held_out]) == rows.tolist()
    sides = [set(groups[(part - 5) // 2]) for part in (training, held_out)]
    assert all(sides)
    assert not sides[0] & sides[1]


def test_groups_of_unequal_size_come_close_to_the_fraction():
    # One group has half of all molecules: held out by number of groups, it would often be taken.
    groups = np.r_[np.zeros(100, dtype=int), np.arange(1, 101)]
    shares = [
        len(hold_out(np.arange(200), 0.1, seed, labels=None, groups=groups)[1]) / 200
        for seed in range(20)
    ]
    assert np.abs(np.array(shares) - 0.1).max() < 0.06


def test_rare_classes_are_held_out_with_their_groups():
    # Actives in 2 of 100 groups: most draws hold out none of them.
    groups = np.arange(1000) // 10
    labels = np.isin(groups, [17, 54]).astype(float)
    for seed in range(20):
        sides = hold_out(np.arange(1000), 0.1, seed, labels=labels, groups=groups)
        assert sum(len(np.unique(labels[side])) for side in sides) >= 3
    both = [
        len(np.unique(labels[hold_out(np.arange(1000), 0.1, s, labels=labels, groups=groups)[1]]))
        for s in range(20)
    ]
    assert np.mean(both) > 1.8


@pytest.mark.parametrize("fraction", [0.1, 0.9])
def test_two_groups(fraction):
    groups = np.array([0, 0, 0, 1])
    sides = hold_out(np.arange(4), fraction, 0, labels=None, groups=groups)
    assert all(map(len, sides))


def test_classes_are_held_out_in_proportion():
    labels = np.repeat([0, 1], [80, 20])
    _, held_out = hold_out(np.arange(100), 0.2, 0, labels=labels, groups=None)
    assert np.bincount(labels[held_out]).tolist() == [16, 4]


def test_too_few():
    with pytest.raises(ValueError, match="holds molecules out, but there is only 1"):
        hold_out(np.arange(1), 0.1, 0, labels=None, groups=None)
    with pytest.raises(ValueError, match="all 3 molecules are in 'a'"):
        hold_out(np.arange(3), 0.1, 0, labels=None, groups=np.array(["a"] * 3))


def test_weights_that_leave_nothing():
    targets, rows = np.array([[1.0], [np.nan], [3.0]]), np.arange(3)
    np.testing.assert_array_equal(
        mean_of_one(np.array([[1.0], [5.0], [3.0]]), targets, rows), [[0.5], [2.5], [1.5]]
    )
    with pytest.raises(ValueError, match=r"Nothing counts.*3 row\(s\) has the weight 0"):
        mean_of_one(np.array([[0.0], [5.0], [0.0]]), targets, rows)
