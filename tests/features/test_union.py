"""Features side by side: the columns of the members, each molecule parsed once."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion

from skchem_dl import (
    InvalidMoleculeWarning,
    MolFeatureUnion,
    MolGraphizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.features import _base

FEW = RDKitDescriptors(["MolLogP", "MaxPartialCharge"])
COUNTS = MorganFingerprinter(fp_size=64, counts=True)


def make(**params):
    return MolFeatureUnion([("counts", clone(COUNTS)), ("few", clone(FEW))], **params)


def test_equals_scikit_learns_union(smiles):
    ours, theirs = make(), FeatureUnion([("counts", COUNTS), ("few", FEW)])
    found = ours.fit_transform(smiles)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, theirs.fit_transform(smiles).astype(np.float32))
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()


def test_without_a_list_it_is_counts_and_all_descriptors(smiles):
    expected = MolFeatureUnion(
        [("fingerprint", MorganFingerprinter(counts=True)), ("properties", RDKitDescriptors())]
    )
    assert np.array_equal(
        MolFeatureUnion().fit_transform(smiles), expected.fit_transform(smiles), equal_nan=True
    )
    assert len(MolFeatureUnion().get_feature_names_out()) == len(expected.get_feature_names_out())


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_frames_of_sparse_members_are_dense(smiles, n_jobs):
    union = make().set_params(counts__sparse_output=True, n_jobs=n_jobs)
    frame = union.set_output(transform="pandas").fit_transform(smiles)
    assert list(frame.columns) == list(union.get_feature_names_out())
    np.testing.assert_array_equal(frame.to_numpy(), make().fit_transform(smiles))


def test_descriptors_alone_are_dense(smiles):
    union = MolFeatureUnion([("few", RDKitDescriptors(["TPSA", "MolLogP"]))])
    expected = RDKitDescriptors(["TPSA", "MolLogP"]).fit_transform(smiles)
    np.testing.assert_array_equal(union.fit_transform(smiles), expected)


def test_sparse_members_make_it_sparse(smiles):
    sparse = make().set_params(counts__sparse_output=True).fit_transform(smiles)
    assert sp.issparse(sparse)
    assert sparse.format == "csr"
    assert sparse.dtype == np.float32
    np.testing.assert_array_equal(sparse.toarray(), make().fit_transform(smiles))


def test_every_molecule_is_parsed_once(smiles, monkeypatch):
    parsed = []
    parse = _base.parse_molecules
    monkeypatch.setattr(
        _base, "parse_molecules", lambda items: parsed.extend(items) or parse(items)
    )
    make().transform(smiles)
    assert parsed == smiles


def test_one_warning_for_all_members():
    with pytest.warns(InvalidMoleculeWarning) as caught:
        rows = make(on_invalid="nan").fit_transform(["CCO", "C(", "C"])
    assert len(caught) == 1
    assert np.isnan(rows[1]).all()
    assert not np.isnan(rows[[0, 2], :64]).any()


def test_parameters_of_members(smiles):
    union = clone(make()).set_params(counts__fp_size=32, few__descriptors=["TPSA"])
    assert union.fit_transform(smiles).shape == (len(smiles), 33)
    assert COUNTS.fp_size == 64
    union.set_params(few=RDKitDescriptors(["TPSA", "MolWt"]))
    assert union.transform(smiles).shape == (len(smiles), 34)


def test_the_cache_tells_members_apart(tmp_path):
    cached = make(memory=tmp_path)
    cached.fit_transform(["CCO", "C"])
    other = clone(cached).set_params(counts__radius=0)
    plain = clone(other).set_params(memory=None)
    np.testing.assert_array_equal(other.transform(["CCO"]), plain.transform(["CCO"]))
    same = clone(cached).set_params(counts__n_jobs=2, few__on_invalid="nan")
    same.transform(["CCO"])
    assert len(list((tmp_path / "skchem_dl").iterdir())) == 2


@pytest.mark.parametrize(
    ("members", "error", "said"),
    [
        ([], ValueError, "transformer_list is empty"),
        ([COUNTS], TypeError, r"expected \(name, transformer\)"),
        ([("tokens", SmilesTokenizer())], TypeError, "FeatureUnion joins others"),
        ([("graphs", MolGraphizer())], TypeError, "has .'graphs', MolGraphizer"),
        ([("a", COUNTS), ("a", FEW)], ValueError, "not unique"),
        ([("few", RDKitDescriptors(["nonsense"]))], ValueError, "nonsense"),
        ([("counts", MorganFingerprinter(-1))], ValueError, "radius"),
    ],
)
def test_members_that_cannot_be_joined(members, error, said):
    with pytest.raises(error, match=said):
        MolFeatureUnion(members).fit(["C"])
