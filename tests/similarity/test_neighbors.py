"""Nearest fingerprints against RDKit's similarities and scikit-learn's own neighbours."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rdkit import DataStructs
from sklearn.cluster import DBSCAN
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsRegressor, KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import make_pipeline

from skchem_dl.similarity import TanimotoNeighbors, _index

from .conftest import rdkit_fingerprints, with_invalid_rows

K = 7


@pytest.fixture(scope="module")
def parts(fingerprints):
    return fingerprints[:300], fingerprints[300:]


def by_definition(stored, queries):
    """Give all distances: 1 - sum of minima / sum of maxima."""
    a, b = queries[:, None].astype(int), stored[None].astype(int)
    return 1 - np.minimum(a, b).sum(axis=2) / np.maximum(np.maximum(a, b).sum(axis=2), 1)


@pytest.mark.parametrize("kind", ["fingerprints", "counts"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_equal_to_rdkit(kind, container, molecules, request):
    rows = request.getfixturevalue(kind)
    vectors = rdkit_fingerprints(molecules, counts=kind == "counts")
    neighbors = TanimotoNeighbors().fit(container(rows[:300]))
    distances, indices = neighbors.kneighbors(container(rows[300:]), 300)
    for query, away, found in zip(vectors[300:], distances, indices, strict=True):
        expected = 1 - np.array(DataStructs.BulkTanimotoSimilarity(query, vectors[:300]))
        assert sorted(found) == list(range(300))
        assert np.array_equal(away, expected[found])
        assert np.array_equal(found, np.argsort(expected, kind="stable"))


def test_counts_differ_from_bits(counts):
    distances = [TanimotoNeighbors().fit(X).kneighbors()[0] for X in (counts, counts > 0)]
    assert not np.allclose(*distances)


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(2, 9), st.just(4)), elements=st.integers(0, 3)),
    hnp.arrays(np.int64, st.tuples(st.integers(1, 5), st.just(4)), elements=st.integers(0, 5)),
)
def test_any_counts(stored, queries):
    """Also counts that no stored fingerprint reaches, and fingerprints without bits."""
    n = len(stored)
    distances, indices = TanimotoNeighbors(n).fit(stored).kneighbors(queries)
    expected = by_definition(stored, queries)
    assert np.array_equal(indices, np.argsort(expected, axis=1, kind="stable"))
    assert np.array_equal(distances, np.take_along_axis(expected, indices, axis=1))


@pytest.mark.parametrize(("frequent", "most"), [(1, 255), (8, 3), (10**9, 255)])
def test_which_bits_are_kept_as_rows_does_not_matter(parts, frequent, most, monkeypatch):
    expected = TanimotoNeighbors(K).fit(parts[0]).kneighbors(parts[1])
    monkeypatch.setattr(_index, "_FREQUENT", frequent)
    monkeypatch.setattr(_index, "_MOST_FREQUENT_BITS", most)
    found = TanimotoNeighbors(K).fit(parts[0]).kneighbors(parts[1])
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


def test_as_many_frequent_bits_as_there_may_be():
    rows = np.ones((2, 600), dtype=np.uint8)
    rows[1, 300:] = 0
    assert TanimotoNeighbors(2).fit(rows).kneighbors(rows)[0].tolist() == [[0, 0.5], [0, 0.5]]


def test_equal_to_jaccard_of_scikit_learn(parts):
    stored, queries = (part.astype(bool) for part in parts)
    peer = NearestNeighbors(n_neighbors=K, metric="jaccard", algorithm="brute").fit(stored)
    neighbors = TanimotoNeighbors(K).fit(stored)
    np.testing.assert_allclose(neighbors.kneighbors(queries)[0], peer.kneighbors(queries)[0])
    np.testing.assert_allclose(neighbors.kneighbors()[0], peer.kneighbors()[0])


def test_nobody_is_their_own_neighbour(parts):
    stored, _ = parts
    neighbors = TanimotoNeighbors(K).fit(stored)
    distances, indices = neighbors.kneighbors()
    assert not (indices == np.arange(300)[:, None]).any()
    with_self = neighbors.kneighbors(stored, K + 1)[0]
    assert np.array_equal(with_self[:, 1:], distances)
    assert not with_self[:, 0].any()
    assert np.array_equal(neighbors.kneighbors(return_distance=False), indices)


def test_graphs_are_those_of_scikit_learn(parts):
    stored, queries = parts
    peer = KNeighborsTransformer(n_neighbors=K, metric="jaccard", algorithm="brute")
    graph = peer.fit(stored.astype(bool)).transform(queries.astype(bool))
    neighbors = TanimotoNeighbors(K).fit(stored)
    found = neighbors.transform(queries)
    assert found.shape == graph.shape == (len(queries), 300)
    assert np.array_equal(found.indptr, graph.indptr)  # n_neighbors + 1 a row
    np.testing.assert_allclose(found.data, graph.data)
    np.testing.assert_allclose(
        neighbors.fit_transform(stored).toarray(), neighbors.transform(stored).toarray()
    )
    ones = neighbors.kneighbors_graph()
    assert (np.diff(ones.indptr) == K).all()
    assert set(ones.data) == {1}
    assert not ones.diagonal().any()
    for mode in ("distances", None):
        with pytest.raises(ValueError, match=r"mode=.*; expected one of \('connectivity', 'dist"):
            neighbors.kneighbors_graph(mode=mode)


def test_in_front_of_scikit_learn(parts):
    stored, queries = parts
    y = stored.sum(axis=1)
    ours = make_pipeline(
        TanimotoNeighbors(K), KNeighborsRegressor(K, metric="precomputed", weights="distance")
    )
    theirs = KNeighborsRegressor(K, metric="jaccard", algorithm="brute", weights="distance")
    predicted = ours.fit(stored, y).predict(queries)
    expected = theirs.fit(stored.astype(bool), y).predict(queries.astype(bool))
    # Of neighbours at the same distance, scikit-learn may take others.
    assert np.isclose(predicted, expected).mean() > 0.9
    graph = TanimotoNeighbors(299).fit(stored).transform(stored)
    labels = DBSCAN(0.4, min_samples=3, metric="precomputed").fit_predict(graph)
    peer = DBSCAN(0.4, min_samples=3, metric="jaccard").fit_predict(stored.astype(bool))
    assert np.array_equal(labels, peer)
    assert labels.max() > 1


def test_too_few_to_find(parts):
    stored, queries = parts
    neighbors = TanimotoNeighbors(5).fit(stored[:5])
    assert neighbors.kneighbors(queries)[1].shape == (len(queries), 5)
    with pytest.raises(ValueError, match=r"n_neighbors < n_samples_fit, but n_neighbors = 5, .*5"):
        neighbors.kneighbors()
    with pytest.raises(ValueError, match="n_neighbors <= n_samples_fit, but n_neighbors = 6"):
        neighbors.transform(queries)
    for wrong in (0, -1, 2.0):
        with pytest.raises(ValueError, match=r"n_neighbors=.*; expected a whole number from 1"):
            neighbors.kneighbors(queries, wrong)


def test_invalid_rows_are_refused(parts):
    stored, queries = parts
    X, _ = with_invalid_rows(stored, [4, 9])
    with pytest.raises(ValueError, match=r"NaN: 2 row\(s\) of invalid .* row 4.*SkipInvalidRows"):
        TanimotoNeighbors().fit(X)
    with pytest.raises(ValueError, match=r"NaN: 2 row\(s\) of invalid molecules"):
        TanimotoNeighbors().fit(stored).transform(X)
    with pytest.raises(ValueError, match="X has 511 features, but TanimotoNeighbors is expecting"):
        TanimotoNeighbors().fit(stored).transform(queries[:, 1:])
    with pytest.raises(NotFittedError):
        TanimotoNeighbors().transform(queries)
