"""Groups of molecules by Butina's clusters."""

import numpy as np
import pytest

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import butina_groups
from skchem_dl.similarity import ButinaClustering


@pytest.fixture(scope="module")
def molecules():
    return load_solubility().data[:150:3].tolist()


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan])
def test_distances_are_checked(threshold):
    with pytest.raises(ValueError, match=r"'distance_threshold' parameter .* range \[0"):
        butina_groups(["CCO", "CCN"], distance_threshold=threshold)


def test_groups_of_molecules(molecules):
    some = [*molecules, "C(", None]
    found = butina_groups(some, distance_threshold=0.6, fp_size=512)
    fingerprints = MorganFingerprinter(fp_size=512).fit_transform(molecules)
    expected = ButinaClustering(0.6).fit_predict(fingerprints)
    np.testing.assert_array_equal(found[:50], expected)
    assert found[50:].tolist() == [-1, -1]
    wider = butina_groups(some, distance_threshold=0.6, radius=1, fp_size=512)
    assert not np.array_equal(found, wider)


def test_nothing_but_invalid_molecules():
    assert butina_groups(["C(", "C("]).tolist() == [-1, -1]


def test_what_is_no_molecules():
    with pytest.raises(ValueError, match="butina_groups makes groups of molecules"):
        butina_groups(np.eye(3))
