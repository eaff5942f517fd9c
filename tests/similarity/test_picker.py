"""Diverse choices against RDKit's picker."""

import numpy as np
import pytest
from rdkit.SimDivFilters.rdSimDivPickers import MaxMinPicker as RDKitPicker
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.similarity import MaxMinPicker, TanimotoNeighbors

from .conftest import rdkit_fingerprints, with_invalid_rows


@pytest.mark.parametrize("seed", [0, 1, 2026, 2**31 - 1])
@pytest.mark.parametrize("n_picks", [1, 2, 30])
def test_equal_to_rdkit(molecules, fingerprints, seed, n_picks):
    vectors = rdkit_fingerprints(molecules)
    expected = RDKitPicker().LazyBitVectorPick(vectors, len(vectors), n_picks, seed=seed)
    found = MaxMinPicker(n_picks, random_state=seed).fit(fingerprints)
    assert found.selected_indices_.tolist() == list(expected)


@pytest.mark.parametrize("kind", ["fingerprints", "counts"])
def test_each_is_as_far_as_possible(kind, request):
    rows = request.getfixturevalue(kind)
    picks = MaxMinPicker(12, random_state=3).fit(rows).selected_indices_
    assert len(set(picks)) == 12
    neighbors = TanimotoNeighbors(1)
    for n in range(1, 12):
        away = neighbors.fit(rows[picks[:n]]).kneighbors(rows)[0][:, 0]
        assert away[picks[n]] == away.max()


def test_shares(fingerprints):
    assert len(MaxMinPicker(0.1).fit(fingerprints).selected_indices_) == 43  # of 428
    assert len(MaxMinPicker(1e-9).fit(fingerprints).selected_indices_) == 1
    X, _ = with_invalid_rows(fingerprints[:20], range(20))
    assert len(MaxMinPicker(0.5).fit(X).selected_indices_) == 10


def test_all_of_them(fingerprints):
    picks = MaxMinPicker(20, random_state=0).fit(fingerprints[:20]).selected_indices_
    assert sorted(picks) == list(range(20))


def test_invalid_molecules_are_never_picked(molecules):
    some = [*molecules[:9], "C(", *molecules[9:20], None]
    model = make_pipeline(
        MorganFingerprinter(512, on_invalid="nan"), MaxMinPicker(20, random_state=1)
    )
    with pytest.warns(UserWarning, match="2 of 22 rows"):
        picks = model.fit(some)[-1].selected_indices_
    assert sorted(picks) == [row for row in range(22) if row not in (9, 21)]
    alone = make_pipeline(model[0], MaxMinPicker(20, random_state=1)).fit(molecules[:20])
    assert [some[row] for row in picks] == [molecules[row] for row in alone[-1].selected_indices_]


def test_random_state(fingerprints):
    def picks(random_state):
        picker = MaxMinPicker(3, random_state=random_state)
        return picker.fit(fingerprints).selected_indices_.tolist()

    assert picks(0) == picks(0) == picks(np.int64(0)) != picks(1)
    assert picks(np.random.RandomState(0)) == picks(np.random.RandomState(0))
    generator = np.random.RandomState(0)
    assert picks(generator) != picks(generator)
    assert len({tuple(picks(None)) for _ in range(5)}) > 1
    assert len(picks(2**32 - 1)) == 3


@pytest.mark.parametrize("wrong", [0, -3, 0.0, 1.0, 2.5, "all", None])
def test_numbers_that_are_none(fingerprints, wrong):
    with pytest.raises(ValueError, match="'n_picks' parameter of MaxMinPicker must be"):
        MaxMinPicker(wrong).fit(fingerprints)


def test_too_few_to_pick(fingerprints):
    X, valid = with_invalid_rows(fingerprints[:4], [0])
    with pytest.raises(ValueError, match=r"n_picks=5, but X has 4 valid row\(s\): n_samples = 5"):
        MaxMinPicker(5).fit(X)
    with pytest.raises(ValueError, match=r"n_picks=0\.5, but X has 0 valid row\(s\)"):
        MaxMinPicker(0.5).fit(X[~valid])
