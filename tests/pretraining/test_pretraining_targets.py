"""Targets of pretraining, against hand-computed values, scipy and numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from skchem_dl import MorganFingerprinter
from skchem_dl.pretraining._targets import (
    PretrainingLoss,
    PretrainingTargets,
    mean_entropy,
    normal_scores,
    pack_bits,
)


def test_normal_scores_of_four_values():
    # Ranks 0.5, 1.5, 2.5 and 3.5 of 4: quantiles 1/8, 3/8, 5/8, 7/8.
    scores, kept = normal_scores(np.array([[30.0], [10.0], [40.0], [20.0]]))
    expected = norm.ppf([5 / 8, 1 / 8, 7 / 8, 3 / 8])
    np.testing.assert_allclose(scores[:, 0], expected / expected.std(), atol=2e-3)
    assert kept.tolist() == [0]


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=60).filter(lambda v: len(set(v)) > 1))
def test_normal_scores_share_the_mean_rank_of_ties(values):
    scores, _ = normal_scores(np.array(values, dtype=float)[:, None])
    expected = norm.ppf((rankdata(values) - 0.5) / len(values))
    expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(scores[:, 0], np.clip(expected, -6, 6), atol=5e-3)


def test_missing_values_stay_missing_and_constant_columns_are_left_out():
    values = np.array([[1.0, 7.0, np.nan], [2.0, 7.0, np.inf], [3.0, 7.0, 1.0], [np.nan, 7, 2]])
    scores, kept = normal_scores(values)
    assert kept.tolist() == [0, 2]
    np.testing.assert_array_equal(np.isnan(scores), ~np.isfinite(values[:, kept]))
    np.testing.assert_allclose(np.nanmean(scores, axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.nanstd(scores, axis=0), 1, atol=1e-3)


def test_a_rare_value_is_winsorized():
    values = np.zeros((2000, 1))
    values[0] = 1.0
    assert normal_scores(values)[0].max() == 6
    assert normal_scores(np.zeros((2000, 1)))[0].shape == (2000, 0)


def test_packed_bits_equal_those_of_numpy(smiles):
    counts = MorganFingerprinter(counts=True, sparse_output=True, fp_size=256).transform(smiles)
    packed = pack_bits(counts)
    np.testing.assert_array_equal(packed, np.packbits(counts.toarray() > 0, axis=1))
    targets = PretrainingTargets(np.zeros((len(smiles), 2), dtype=np.float16), packed)
    rows = targets[np.array([3, 0])]
    assert rows.shape == (2, 258) and rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:, 2:], counts.toarray()[[3, 0]] > 0)


def test_mean_entropy_of_two_bits():
    bits = np.zeros((4, 8), dtype=np.uint8)
    bits[:2, 0] = 1  # half of the molecules; of the other seven bits nobody has one
    expected = -(np.log(0.5) + 7 * (1e-6 * np.log(1e-6) + (1 - 1e-6) * np.log(1 - 1e-6))) / 8
    assert mean_entropy(np.packbits(bits, axis=1)) == pytest.approx(expected)


def test_loss_of_two_molecules():
    predicted = torch.tensor([[1.0, 0.0, 0.0], [2.0, 5.0, 0.0]], requires_grad=True)
    target = torch.tensor([[0.0, 2.0, 1.0], [2.0, float("nan"), 0.0]])
    loss = PretrainingLoss(n_descriptors=2, entropy=0.5, bit_weight=0.1)(predicted, target)
    assert loss.item() == pytest.approx((1 + 4 + 0) / 3 + 0.1 / 0.5 * np.log(2))
    loss.backward()
    assert predicted.grad[1, 1] == 0  # of a descriptor without a value
    assert predicted.grad.isfinite().all()


def test_without_bits_the_loss_is_the_squared_error():
    bits = pack_bits(sp.csr_array((3, 0)))
    targets = PretrainingTargets(np.ones((3, 2), dtype=np.float16), bits)
    assert targets.n_bits == 0 and targets[np.arange(3)].shape == (3, 2)
    loss = PretrainingLoss(2, mean_entropy(bits), 0.2)
    assert loss(torch.zeros(3, 2), torch.from_numpy(targets[np.arange(3)])).item() == 1
