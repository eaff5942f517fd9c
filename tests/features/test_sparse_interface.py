"""scikit-learn's setting `sparse_interface`: the container of everything sparse."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.preprocessing import MaxAbsScaler

from skchem_dl import FingerprintMLPRegressor, MolFeatureUnion, MorganFingerprinter
from skchem_dl.pipelines import SkipInvalidRows
from skchem_dl.similarity import TanimotoNeighbors

pytestmark = [
    pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning"),
    pytest.mark.skipif(
        "sparse_interface" not in sklearn.get_config(), reason="scikit-learn before 1.9"
    ),
]
CLASSES = {"spmatrix": sp.csr_matrix, "sparray": sp.csr_array}
SMILES = ["CCO", "CC(", "c1ccccc1", "CCN"]
SPARSE = {"fp_size": 64, "counts": True, "sparse_output": True, "on_invalid": "nan"}


def fingerprints(**options):
    return MorganFingerprinter(**SPARSE, **options).fit_transform(SMILES)


def graph():
    return TanimotoNeighbors(1).fit_transform(fingerprints()[[0, 2, 3]])


OUTPUTS = {
    "fingerprints": fingerprints,
    "all valid": lambda: MorganFingerprinter(fp_size=64, sparse_output=True).transform(["C"]),
    "union": lambda: MolFeatureUnion(
        [("bits", MorganFingerprinter(fp_size=64, sparse_output=True))], on_invalid="nan"
    ).fit_transform(SMILES),
    "skipped rows": lambda: SkipInvalidRows(MaxAbsScaler()).fit_transform(fingerprints()),
    "neighbor graph": graph,
}


@pytest.mark.parametrize("interface", CLASSES)
@pytest.mark.parametrize("make", OUTPUTS.values(), ids=OUTPUTS)
def test_outputs_follow_the_setting(make, interface):
    expected = make()
    with sklearn.config_context(sparse_interface=interface):
        found = make()
    assert type(found) is CLASSES[interface]
    for name in ("data", "indices", "indptr"):
        one, other = getattr(found, name), getattr(expected, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_the_default_is_scikit_learns():
    assert type(fingerprints()) is CLASSES[sklearn.get_config()["sparse_interface"]]


@pytest.mark.parametrize(("written", "read"), [("spmatrix", "sparray"), ("sparray", "spmatrix")])
def test_a_cache_serves_both(written, read, tmp_path):
    with sklearn.config_context(sparse_interface=written):
        expected = fingerprints(memory=tmp_path).toarray()
    files = sorted(path.name for path in tmp_path.rglob("*.npz"))
    with sklearn.config_context(sparse_interface=read):
        again = fingerprints(memory=tmp_path)
    assert type(again) is CLASSES[read]
    np.testing.assert_array_equal(again.toarray(), expected)
    assert sorted(path.name for path in tmp_path.rglob("*.npz")) == files


def test_a_network_takes_both_alike():
    X, y = MorganFingerprinter(fp_size=64).fit_transform(["CCO", "c1ccccc1", "CCN"]), [1.0, 2.0, 3]
    model = FingerprintMLPRegressor((8,), max_epochs=1, random_state=0).fit(X, y)
    for container in CLASSES.values():
        np.testing.assert_array_equal(model.predict(container(X)), model.predict(X))
