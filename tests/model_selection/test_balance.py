"""Dealing groups out: nothing lost, nothing empty, and as even as groups allow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skchem_dl.model_selection._balance import fill_parts, spread_groups

group_sizes = st.lists(st.integers(1, 30), min_size=1, max_size=40)
seeds = st.none() | st.integers(0, 100)


def spread(sizes, n_folds, seed):
    rng = None if seed is None else np.random.RandomState(seed)
    fold_of = spread_groups(np.array(sizes), n_folds, rng)
    return fold_of, np.bincount(fold_of, weights=sizes, minlength=n_folds)


@given(group_sizes, st.integers(2, 10), seeds)
def test_folds_differ_by_no_more_than_the_largest_group(sizes, n_folds, seed):
    if len(sizes) < n_folds:
        sizes = sizes + [1] * n_folds
    fold_of, loads = spread(sizes, n_folds, seed)
    assert len(fold_of) == len(sizes)
    assert loads.sum() == sum(sizes)
    assert len(loads) == n_folds
    assert loads.min() > 0
    assert loads.max() - loads.min() <= max(sizes)


@settings(max_examples=20)
@given(group_sizes, st.integers(2, 5), seeds)
def test_many_groups_of_one_even_everything_out(sizes, n_folds, seed):
    # As in real files, in which most scaffolds occur once.
    sizes = sizes + [1] * (n_folds * max(sizes) + sum(sizes))
    _, loads = spread(sizes, n_folds, seed)
    assert loads.max() - loads.min() <= 1


def test_largest_first_to_the_lightest():
    fold_of, loads = spread([3, 7, 2, 5, 2], 2, None)
    assert fold_of.tolist() == [1, 0, 0, 1, 1]  # 7 | 5, 5+3, 7+2 (the first 2), 8+2
    assert loads.tolist() == [9, 10]


@given(group_sizes)
def test_not_even_a_group_too_many_leaves_a_fold_empty(sizes):
    fold_of, _ = spread(sizes, len(sizes), 0)
    assert sorted(fold_of) == list(range(len(sizes)))


def test_another_seed_spreads_otherwise():
    sizes = [9, 8, 7, 6, 5, 4, 3, 2, 1]
    found = {tuple(spread(sizes, 3, seed)[0]) for seed in range(10)}
    assert len(found) > 5
    assert tuple(spread(sizes, 3, 4)[0]) in found


@given(group_sizes, st.floats(0.5, 0.9), st.floats(0.05, 0.3))
def test_parts_keep_to_their_cutoffs(sizes, train, valid):
    n = sum(sizes)
    cutoffs = [train * n, (train + valid) * n]
    parts = fill_parts(sizes, cutoffs)
    loads = np.bincount(parts, weights=sizes, minlength=3)
    assert loads[0] <= cutoffs[0]
    if loads[1]:
        assert loads[1] <= cutoffs[1]
    # Nothing was put last that would still fit into the first part at the end.
    last = [size for size, part in zip(sizes, parts, strict=True) if part > 0]
    assert all(loads[0] + size > cutoffs[0] for size in last)


@pytest.mark.parametrize(
    ("sizes", "cutoffs", "parts"),
    [
        ([5, 3, 1, 1], [8, 9], [0, 0, 1, 2]),
        ([9, 3, 1, 1], [8, 9], [1, 0, 0, 0]),  # 9 are over 8, but not over 9 together
        ([10, 3, 1, 1], [8, 9], [2, 0, 0, 0]),
        ([2, 2], [1], [1, 1]),
    ],
)
def test_first_part_in_which_a_group_fits(sizes, cutoffs, parts):
    assert fill_parts(sizes, cutoffs).tolist() == parts
