"""What is taken for fingerprints, and what is refused with which words."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from rdkit.Chem import MolFromSmiles
from sklearn.base import clone

from skchem_dl.similarity import ButinaClustering, MaxMinPicker, TanimotoNeighbors

ESTIMATORS = [ButinaClustering(), MaxMinPicker(5, random_state=0), TanimotoNeighbors(3)]
each = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)


def result(estimator, X):
    fitted = clone(estimator).fit(X)
    if isinstance(fitted, TanimotoNeighbors):
        return np.column_stack(fitted.kneighbors())
    return fitted.labels_ if hasattr(fitted, "labels_") else fitted.selected_indices_


@each
@pytest.mark.parametrize(
    "container",
    [sp.csr_array, sp.csr_matrix, sp.coo_array, sp.csc_array, pd.DataFrame, np.ndarray.tolist]
    + [lambda X, dtype=dtype: X.astype(dtype) for dtype in (bool, np.float32, np.int64, object)],
)
def test_containers_are_alike(estimator, container, fingerprints):
    some = fingerprints[:60]
    np.testing.assert_array_equal(result(estimator, container(some)), result(estimator, some))


@each
def test_sparse_input_is_left_alone(estimator, counts):
    """Also one with each count in two pieces, some of them zero, which says the same."""
    some = sp.csr_array(counts[:60]).astype(np.int64)
    pieces = np.column_stack([np.ones_like(some.data), some.data - 1]).ravel()
    split = sp.csr_array((pieces, np.repeat(some.indices, 2), 2 * some.indptr), shape=some.shape)
    before = split.data.copy(), split.indices.copy(), split.indptr.copy()
    np.testing.assert_array_equal(result(estimator, split), result(estimator, counts[:60]))
    for name, values in zip(("data", "indices", "indptr"), before, strict=True):
        assert np.array_equal(getattr(split, name), values)


@each
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1, "Negative values in data"),
        (0.5, r"zeros and ones, or counts up to 65535\. Got 0\.5 in row 1, column 2"),
        (1e6, r"Got 1000000\.0 in row 1, column 2"),
        (np.nan, r"in part of 1 row\(s\), first in row 1, column 2: nan"),
        (np.inf, r"in part of 1 row\(s\), first in row 1, column 2: inf"),
    ],
)
def test_what_is_no_fingerprint(estimator, value, said):
    rows = np.ones((8, 3))
    rows[1, 2] = value
    for X in (rows, sp.csr_array(rows)):
        with pytest.raises(ValueError, match=said):
            clone(estimator).fit(X)


def test_rows_are_named_among_all():
    rows = np.array([[np.nan, np.nan], [1, 0], [0, 0.5]])
    with pytest.raises(ValueError, match="row 2, column 1"):
        ButinaClustering().fit(rows)


@each
@pytest.mark.parametrize("molecules", [["CCO", "CCN"], [MolFromSmiles("C")], pd.Series(["C"])])
def test_molecules_where_fingerprints_belong(estimator, molecules):
    with pytest.raises(TypeError, match=r"got the (str|Mol) .*make_pipeline\(MorganFinger"):
        clone(estimator).fit(molecules)


@each
def test_no_warnings(estimator, fingerprints):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result(estimator, np.zeros((6, 4)))
        result(estimator, np.ones((6, 4), dtype=np.uint8))
        result(estimator, fingerprints[:20])
    assert caught == []
