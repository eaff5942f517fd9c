"""Descriptors imputed and scaled: which columns, which gaps, and what stays as it is."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skchem_dl import MolFeatureUnion, MorganFingerprinter, RDKitDescriptors
from skchem_dl.preprocessing import DescriptorScaler

SMILES = ["CCO", "CCCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "C[Si](C)(C)C", "CCCCCCCCCC"]
NAN = np.nan


@parametrize_with_checks([DescriptorScaler()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_columns_are_standardized_and_clipped():
    X = np.random.default_rng(0).normal(3, 20, size=(200, 2))
    X[:, 1] = np.exp(X[:, 1])
    scaled = DescriptorScaler().fit_transform(X)
    expected = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(scaled, np.clip(expected, -5, 5))
    assert scaled[:, 1].max() == 5.0


def test_small_counts_among_other_columns_stay():
    counts = np.array([0, 1, 2, 0, 1, 0], dtype=float)
    heavy_atoms = np.array([3, 4, 6, 13, 5, 10], dtype=float)
    weight = np.array([46.1, 60.1, 78.1, 180.2, 88.2, 142.3])
    scaler = DescriptorScaler().fit(np.column_stack([counts, heavy_atoms, weight]))
    assert scaler.scaled_.tolist() == [False, True, True]
    assert (scaler.mean_[0], scaler.scale_[0]) == (0.0, 1.0)
    np.testing.assert_allclose(scaler.mean_[1:], [heavy_atoms.mean(), weight.mean()])


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, pd.DataFrame])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.int64, np.float32])
def test_fingerprints_stay_bit_for_bit(container, dtype):
    X = MorganFingerprinter(fp_size=64, counts=True).fit_transform(SMILES).astype(dtype)
    scaled = DescriptorScaler().fit_transform(container(X))
    scaled = scaled.toarray() if sp.issparse(scaled) else scaled
    assert scaled.dtype == dtype
    np.testing.assert_array_equal(scaled, X)


def test_gaps_become_medians_and_invalid_rows_stay():
    X = np.array([[1.5, 0, NAN], [NAN, 2, NAN], [NAN, NAN, NAN], [4.5, 0, NAN], [2.5, NAN, NAN]])
    filled = DescriptorScaler(with_scaling=False).fit_transform(X)
    expected = [[1.5, 0, 0], [2.5, 2, 0], [NAN, NAN, NAN], [4.5, 0, 0], [2.5, 0, 0]]
    np.testing.assert_array_equal(filled, expected)
    scaled = DescriptorScaler().fit_transform(X)
    assert np.isnan(scaled).all(axis=1).tolist() == [False, False, True, False, False]
    valid = np.array([1.5, 2.5, 4.5, 2.5])
    np.testing.assert_allclose(scaled[[0, 1, 3, 4], 0], (valid - valid.mean()) / valid.std())


def test_medians_are_those_of_fit():
    scaler = DescriptorScaler(with_scaling=False).fit([[1.5, 1.0], [2.5, 1.0], [7.0, 1.0]])
    assert scaler.transform([[NAN, 9.0], [100.0, NAN]]).tolist() == [[2.5, 9.0], [100.0, 1.0]]


def test_no_valid_row_and_infinity_are_refused():
    with pytest.raises(ValueError, match=r"All 2 row\(s\) are NaN"):
        DescriptorScaler().fit(np.full((2, 3), NAN))
    with pytest.raises(ValueError, match="infinity"):
        DescriptorScaler().fit([[1.0, np.inf]])


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_sparse_equals_dense():
    members = [
        ("bits", MorganFingerprinter(fp_size=256, sparse_output=True)),
        ("few", RDKitDescriptors(["MolWt", "MolLogP", "RingCount"])),
    ]
    X = MolFeatureUnion(members, on_invalid="nan").fit_transform([*SMILES, "C("])
    X[2, 257] = NAN
    sparse = DescriptorScaler().fit(X)
    dense = DescriptorScaler().fit(X.toarray())
    assert sparse.scaled_.tolist() == dense.scaled_.tolist()
    found = sparse.transform(X)
    assert sp.issparse(found)
    assert found.has_sorted_indices
    np.testing.assert_allclose(found.toarray(), dense.transform(X.toarray()), rtol=1e-6)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_frames(container):
    names = ["MolWt", "TPSA"]
    frame = RDKitDescriptors(names).set_output(transform=container).fit_transform(SMILES)
    scaler = DescriptorScaler()
    expected = clone(scaler).fit_transform(frame)
    found = scaler.set_output(transform=container).fit_transform(frame)
    assert type(found) is type(frame)
    assert list(found.columns) == names
    np.testing.assert_array_equal(found.to_numpy(), expected)
