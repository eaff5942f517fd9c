"""Butina's clusters against RDKit's."""

import numpy as np
import pytest
import scipy.sparse as sp
from rdkit import DataStructs
from rdkit.ML.Cluster import Butina
from sklearn.base import clone
from sklearn.cluster import DBSCAN

from skchem_dl.similarity import ButinaClustering

from .conftest import rdkit_fingerprints, with_invalid_rows

# 0.5 and 0.75 are distances that do occur, to the last bit.
THRESHOLDS = [0, 0.2, 1 / 3, 0.35, 0.5, 0.65, 0.75, 1]


def rdkit_distances(molecules, counts=False):
    """Give the flat lower triangle that RDKit's Butina takes."""
    rows = rdkit_fingerprints(molecules, counts)
    return [
        1 - similarity
        for i in range(1, len(rows))
        for similarity in DataStructs.BulkTanimotoSimilarity(rows[i], rows[:i])
    ]


@pytest.fixture(scope="module")
def distances(molecules):
    return rdkit_distances(molecules)


def rdkit_clusters(distances, n, threshold):
    """Give the label of each molecule, and the centres."""
    clusters = Butina.ClusterData(distances, n, threshold, isDistData=True, reordering=False)
    labels = np.full(n, -1)
    for number, members in enumerate(clusters):
        labels[list(members)] = number
    return labels, [members[0] for members in clusters]


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_equal_to_rdkit(fingerprints, distances, threshold, container):
    labels, centers = rdkit_clusters(distances, len(fingerprints), threshold)
    found = ButinaClustering(threshold).fit(container(fingerprints))
    np.testing.assert_array_equal(found.labels_, labels)
    assert found.cluster_center_indices_.tolist() == centers
    assert found.n_clusters_ == len(centers)
    assert (labels >= 0).all()


def test_counts_equal_to_rdkit(molecules, counts):
    some = molecules[:200]
    labels, centers = rdkit_clusters(rdkit_distances(some, counts=True), len(some), 0.6)
    found = ButinaClustering(0.6).fit(counts[:200])
    np.testing.assert_array_equal(found.labels_, labels)
    assert found.cluster_center_indices_.tolist() == centers
    assert not np.array_equal(labels, ButinaClustering(0.6).fit_predict(counts[:200] > 0))


def test_every_member_is_a_neighbour_of_its_centre(fingerprints):
    found = ButinaClustering(0.5).fit(fingerprints)
    bits = fingerprints.astype(bool)
    centers = bits[found.cluster_center_indices_][found.labels_]
    distance = 1 - (bits & centers).sum(axis=1) / (bits | centers).sum(axis=1)
    assert (distance <= 0.5).all()
    assert found.labels_[found.cluster_center_indices_].tolist() == list(range(found.n_clusters_))


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_invalid_rows(fingerprints, container):
    X, valid = with_invalid_rows(fingerprints, [0, 5, 6])
    expected = ButinaClustering().fit(fingerprints)
    found = clone(expected).fit(container(X))
    assert found.labels_.dtype == np.int64
    assert (found.labels_[~valid] == -1).all()
    np.testing.assert_array_equal(found.labels_[valid], expected.labels_)
    centers = np.flatnonzero(valid)[expected.cluster_center_indices_]
    assert found.cluster_center_indices_.tolist() == centers.tolist()
    with pytest.raises(ValueError, match=r"All 3 row\(s\) are NaN \(invalid molecules\)"):
        ButinaClustering().fit(container(X[~valid]))


def test_fingerprints_without_bits_are_as_far_as_rdkit_says():
    nothing = DataStructs.ExplicitBitVect(8)
    assert DataStructs.TanimotoSimilarity(nothing, nothing) == 0
    rows = np.zeros((3, 8), dtype=np.uint8)
    assert ButinaClustering(0.9).fit_predict(rows).tolist() == [2, 1, 0]
    assert ButinaClustering(1).fit_predict(rows).tolist() == [0, 0, 0]
    # Neither has a neighbour, itself included: the last row comes first.
    assert ButinaClustering(0.5).fit_predict([[1, 0], [0, 0]]).tolist() == [1, 0]


def test_singletons_are_the_noise_of_dbscan(fingerprints):
    """With one neighbour enough for a core, DBSCAN's noise is what has no neighbour."""
    labels = ButinaClustering(0.3).fit_predict(fingerprints)
    alone = np.bincount(labels)[labels] == 1
    bits = fingerprints.astype(bool)
    noise = DBSCAN(0.3, min_samples=2, metric="jaccard").fit_predict(bits) == -1
    assert 0 < noise.sum() < len(labels)
    assert alone[noise].all()


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan, "0.5"])
def test_distances_are_checked(fingerprints, threshold):
    with pytest.raises(ValueError, match="'distance_threshold' parameter of ButinaClustering"):
        ButinaClustering(threshold).fit(fingerprints)
