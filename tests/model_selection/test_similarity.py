"""Butina's clusters against RDKit's, and neighbours against its similarities."""

import numpy as np
import pytest
import scipy.sparse as sp
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.ML.Cluster import Butina

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import _similarity, butina_groups
from skchem_dl.model_selection._similarity import butina_labels, tanimoto_neighbors


@pytest.fixture(scope="module")
def molecules():
    return load_solubility().data[::3].tolist()


@pytest.fixture(scope="module")
def fingerprints(molecules):
    return MorganFingerprinter(fp_size=512).fit_transform(molecules)


@pytest.fixture(scope="module")
def distances(molecules):
    """RDKit's, as the flat lower triangle that its Butina takes."""
    generator = GetMorganGenerator(radius=2, fpSize=512)
    bits = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in molecules]
    return [
        1 - similarity
        for i in range(1, len(bits))
        for similarity in DataStructs.BulkTanimotoSimilarity(bits[i], bits[:i])
    ]


def rdkit_labels(distances, n, threshold):
    clusters = Butina.ClusterData(distances, n, threshold, isDistData=True, reordering=False)
    labels = np.full(n, -1)
    for number, members in enumerate(clusters):
        labels[list(members)] = number
    return labels


# 0.5 and 0.75 are distances that do occur, to the last bit.
@pytest.mark.parametrize("threshold", [0, 0.2, 1 / 3, 0.35, 0.5, 0.65, 0.75, 1])
def test_butina_equal_to_rdkit(fingerprints, distances, threshold, monkeypatch):
    monkeypatch.setattr(_similarity, "_TILE", 100)  # 428 molecules: whole tiles and a rest
    expected = rdkit_labels(distances, len(fingerprints), threshold)
    np.testing.assert_array_equal(butina_labels(fingerprints, threshold), expected)
    assert (expected >= 0).all()


@pytest.mark.parametrize("tile", [1, 7, 60, 1000])
def test_tiles_do_not_matter(fingerprints, tile, monkeypatch):
    some = fingerprints[:60]
    whole = tanimoto_neighbors(some, 0.7).toarray()
    monkeypatch.setattr(_similarity, "_TILE", tile)
    np.testing.assert_array_equal(tanimoto_neighbors(some, 0.7).toarray(), whole)


def test_neighbors_by_definition(fingerprints):
    some = fingerprints[:80].astype(bool)
    common = (some[:, None] & some).sum(axis=2)
    either = (some[:, None] | some).sum(axis=2)
    expected = (1 - common / either <= 0.75) & ~np.eye(80, dtype=bool)
    found = tanimoto_neighbors(some, 0.75)
    np.testing.assert_array_equal(found.toarray(), expected)
    assert 0 < found.nnz < 80 * 79
    sparse = tanimoto_neighbors(sp.csr_array(some.astype(np.uint8)), 0.75)
    np.testing.assert_array_equal(sparse.toarray(), expected)


def test_empty_fingerprints_are_as_far_as_rdkit_says():
    nothing = DataStructs.ExplicitBitVect(8)
    assert DataStructs.TanimotoSimilarity(nothing, nothing) == 0
    rows = np.zeros((3, 8), dtype=np.uint8)
    assert butina_labels(rows, 0.9).tolist() == [2, 1, 0]
    assert butina_labels(rows, 1).tolist() == [0, 0, 0]


@pytest.mark.parametrize("value", [2, -1, np.nan])
def test_counts_are_refused(value):
    with pytest.raises(ValueError, match="zeros and ones, got values from"):
        tanimoto_neighbors(np.array([[0.0, 1.0], [value, 0.0]]), 0.5)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan])
def test_distances_are_checked(threshold):
    with pytest.raises(ValueError, match="distance_threshold must be from 0 to 1, got"):
        butina_groups(["CCO", "CCN"], distance_threshold=threshold)


def test_groups_of_molecules(molecules, fingerprints):
    some = [*molecules[:50], "C(", None]
    found = butina_groups(some, distance_threshold=0.6, fp_size=512)
    np.testing.assert_array_equal(found[:50], butina_labels(fingerprints[:50], 0.6))
    assert found[50:].tolist() == [-1, -1]
    wider = butina_groups(some, distance_threshold=0.6, radius=1, fp_size=512)
    assert not np.array_equal(found, wider)


def test_nothing_but_invalid_molecules():
    assert butina_groups(["C(", "C("]).tolist() == [-1, -1]


def test_what_is_no_molecules(fingerprints):
    with pytest.raises(ValueError, match="butina_groups makes groups of molecules"):
        butina_groups(fingerprints)
