import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from skchem_dl import InvalidMoleculeWarning, MorganFingerprinter

OPTIONS = [
    ({}, {}),
    ({"radius": 0, "fp_size": 7}, {"radius": 0, "fpSize": 7}),
    ({"radius": 3, "fp_size": 1024}, {"radius": 3, "fpSize": 1024}),
    ({"include_chirality": True}, {"includeChirality": True}),
    ({"use_bond_types": False}, {"useBondTypes": False}),
    (
        {"use_features": True},
        {"atomInvariantsGenerator": rdFingerprintGenerator.GetMorganFeatureAtomInvGen()},
    ),
]


def raw_rdkit(smiles, counts, options):
    """Fingerprints bit by bit, from RDKit's own bit vectors."""
    generator = rdFingerprintGenerator.GetMorganGenerator(**{"radius": 2} | options)
    rows = np.zeros((len(smiles), options.get("fpSize", 2048)), dtype=int)
    for row, text in zip(rows, smiles, strict=True):
        mol = Chem.MolFromSmiles(text)
        if counts:
            for bit, count in generator.GetCountFingerprint(mol).GetNonzeroElements().items():
                row[bit] = count
        else:
            row[list(generator.GetFingerprint(mol).GetOnBits())] = 1
    return rows


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(("ours", "rdkits"), OPTIONS, ids=[str(ours) for ours, _ in OPTIONS])
def test_equals_raw_rdkit(nci_smiles, smiles, counts, sparse, ours, rdkits):
    molecules = smiles + nci_smiles[:200]
    found = MorganFingerprinter(counts=counts, sparse_output=sparse, **ours).transform(molecules)
    assert sp.issparse(found) == sparse
    assert found.dtype == (np.uint32 if counts else np.uint8)
    found = found.toarray() if sparse else found
    np.testing.assert_array_equal(found, raw_rdkit(molecules, counts, rdkits))


@pytest.mark.parametrize("options", [{"include_chirality": True}, {"use_bond_types": True}])
def test_options_tell_apart_what_they_should(options):
    pair = {"include_chirality": ["C[C@H](N)O", "C[C@@H](N)O"], "use_bond_types": ["C=C", "C#C"]}
    (name,) = options
    with_it = MorganFingerprinter(**{name: True}).transform(pair[name])
    without = MorganFingerprinter(**{name: False}, radius=2).transform(pair[name])
    assert (with_it[0] != with_it[1]).any()
    assert name == "use_bond_types" or (without[0] == without[1]).all()


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("rows", [["", "CCO", None, "C"], ["CCO", "C", ""], [""], ["C"]])
@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_sparse_rows_of_nan(counts, rows):
    dense = MorganFingerprinter(fp_size=64, counts=counts, on_invalid="nan")
    sparse = clone(dense).set_params(sparse_output=True).transform(rows)
    assert sp.issparse(sparse)
    assert sparse.format == "csr"
    assert sparse.has_canonical_format
    assert sparse.dtype == np.float32
    np.testing.assert_array_equal(sparse.toarray(), dense.transform(rows))
    missing = [text in ("", None) for text in rows]
    assert np.isnan(sparse.toarray()).all(axis=1).tolist() == missing
    assert (np.diff(sparse.indptr)[missing] == 64).all()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("as_mols", [False, True])
def test_worker_processes_change_nothing(nci_smiles, sparse, as_mols, few_are_enough):
    molecules = nci_smiles[:300]
    molecules[250] = molecules[3] = "C("
    if as_mols:
        molecules = [Chem.MolFromSmiles(text) for text in nci_smiles[:300]]
        molecules[250] = molecules[3] = None
    serial = MorganFingerprinter(
        fp_size=256, include_chirality=True, sparse_output=sparse, on_invalid="nan"
    )
    with pytest.warns(InvalidMoleculeWarning, match=r"2 of 300(.|\n)*row 3:(.|\n)*row 250:"):
        one = serial.transform(molecules)
    with pytest.warns(InvalidMoleculeWarning, match=r"2 of 300(.|\n)*row 3:(.|\n)*row 250:"):
        two = clone(serial).set_params(n_jobs=2).transform(molecules)
    if sparse:
        one, two = one.toarray(), two.toarray()
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_frames_are_dense(container):
    sparse = MorganFingerprinter(fp_size=64, sparse_output=True)
    assert sp.issparse(sparse.fit_transform(["CCO"]))
    frame = sparse.set_output(transform=container).fit_transform(["CCO"])
    expected = MorganFingerprinter(fp_size=64).fit_transform(["CCO"])
    np.testing.assert_array_equal(frame.to_numpy(), expected)


def test_names_and_pandas_output():
    X = pd.Series(["CCO", "c1ccccc1"], index=["ethanol", "benzene"])
    fingerprinter = MorganFingerprinter(fp_size=8)
    names = [f"morgan{i}" for i in range(8)]
    assert fingerprinter.get_feature_names_out().tolist() == names
    frame = fingerprinter.set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == names
    assert frame.index.tolist() == ["ethanol", "benzene"]
    assert (frame.dtypes == np.uint8).all()


@pytest.mark.parametrize("column", ["smiles", ["smiles"]])
def test_beside_numbers_in_a_column_transformer(smiles, column):
    frame = pd.DataFrame({"smiles": smiles, "dose": np.arange(len(smiles), dtype=float)})
    both = ColumnTransformer(
        [("bits", MorganFingerprinter(fp_size=32), column), ("dose", StandardScaler(), ["dose"])]
    )
    found = both.fit_transform(frame.sample(frac=1, random_state=0)).astype(float)
    assert found.shape == (len(smiles), 33)
    order = frame.sample(frac=1, random_state=0).index
    expected = MorganFingerprinter(fp_size=32).transform(smiles)[order]
    np.testing.assert_array_equal(found[:, :32], expected)
    assert both.get_feature_names_out()[[0, 32]].tolist() == ["bits__morgan0", "dose__dose"]


def test_feature_union(smiles):
    short, counted = MorganFingerprinter(fp_size=16), MorganFingerprinter(fp_size=32, counts=True)
    found = FeatureUnion([("short", short), ("counted", counted)]).fit_transform(smiles)
    expected = np.hstack([short.transform(smiles), counted.transform(smiles)])
    np.testing.assert_array_equal(found, expected)


def test_clone_and_set_params():
    fingerprinter = MorganFingerprinter(fp_size=16).fit(["C"])
    copy = clone(fingerprinter).set_params(radius=3, fp_size=64, counts=True)
    assert copy.get_params() == fingerprinter.get_params() | {
        "radius": 3,
        "fp_size": 64,
        "counts": True,
    }
    assert copy.transform(["CCO"]).shape == (1, 64)
    assert copy.get_feature_names_out().shape == (64,)
    np.testing.assert_array_equal(
        fingerprinter.set_params(**copy.get_params()).transform(["CCCO"]), copy.transform(["CCCO"])
    )


def test_numpy_scalars_are_parameters_too():
    found = MorganFingerprinter(np.int64(3), np.int64(64), counts=np.bool_(True)).transform(["CCO"])
    np.testing.assert_array_equal(found, MorganFingerprinter(3, 64, counts=True).transform(["CCO"]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radius", -1),
        ("radius", 2.0),
        ("fp_size", 0),
        ("fp_size", "2048"),
        ("counts", "yes"),
        ("use_features", None),
        ("include_chirality", 2),
        ("use_bond_types", "no"),
        ("sparse_output", None),
        ("on_invalid", "ignore"),
        ("n_jobs", 1.5),
        ("smiles_column", 1.5),
    ],
)
def test_invalid_parameters(name, value):
    fingerprinter = MorganFingerprinter(**{name: value})
    for method in (fingerprinter.fit, fingerprinter.transform, fingerprinter.fit_transform):
        with pytest.raises(InvalidParameterError, match=f"'{name}' parameter"):
            method(["C"])


def test_parameters_are_validated_again_when_they_change():
    fingerprinter = MorganFingerprinter()
    fingerprinter.transform(["C"])
    with pytest.raises(ValueError, match="radius"):
        fingerprinter.set_params(radius=-1).transform(["C"])
    with pytest.raises(ValueError, match="radius"):
        fingerprinter.transform(["C"])
    assert fingerprinter.set_params(radius=1, fp_size=64).transform(["C"]).shape == (1, 64)
