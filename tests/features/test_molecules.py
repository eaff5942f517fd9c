"""What every featuriser accepts and refuses as input."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from rdkit import Chem

from skchem_dl import MolGraphizer, MorganFingerprinter, RDKitDescriptors

SHUFFLED = [11, 5, 7, 3]
# Written canonically, so that Mols have the atoms in the order of the text.
MOLECULES = ["CCO", "F/C=C/F", "C[C@H](N)C(=O)O", "[Cl-].[Na+]"]


def mols(sanitize=True):
    return [Chem.MolFromSmiles(text, sanitize=sanitize) for text in MOLECULES]


def half_sanitized():
    """As in scripts that mean to tolerate odd valences."""
    found = mols(sanitize=False)
    for mol in found:
        mol.UpdatePropertyCache(strict=False)
        Chem.FastFindRings(mol)
    return found


CONTAINERS = {
    "tuple": tuple,
    "object array": lambda rows: np.array(rows, dtype=object),
    "str array": np.array,
    "(n, 1) array": lambda rows: np.array(rows)[:, None],
    "nested lists": lambda rows: [[row] for row in rows],
    "np.str_": lambda rows: [np.str_(row) for row in rows],
    "Series": lambda rows: pd.Series(rows, index=SHUFFLED),
    "string Series": lambda rows: pd.Series(rows, dtype="string"),
    "Categorical": lambda rows: pd.Series(pd.Categorical(rows)),
    "Index": pd.Index,
    "one-column frame": lambda rows: pd.DataFrame({"mol": rows}, index=SHUFFLED),
    "polars Series": pl.Series,
    "polars frame": lambda rows: pl.DataFrame({"mol": rows}),
    "pyarrow column": pa.array,
    "pyarrow chunks": lambda rows: pa.chunked_array([rows[:1], rows[1:]]),
    "pyarrow table": lambda rows: pa.table({"mol": rows}),
    "spaces around": lambda rows: [f"\t {row}\r\n" for row in rows],
}
MOL_CONTAINERS = {
    "list": list,
    "array": lambda rows: np.array(rows, dtype=object),
    "(n, 1) array": lambda rows: np.array(rows, dtype=object)[:, None],
    "Series": lambda rows: pd.Series(rows, index=SHUFFLED),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_all_containers_give_the_same_rows(featurizer, same, container):
    expected = featurizer.fit_transform(MOLECULES)
    assert same(featurizer.fit_transform(container(MOLECULES)), expected)
    assert same(featurizer.fit(container(MOLECULES)).transform(container(MOLECULES)), expected)


@pytest.mark.parametrize("container", MOL_CONTAINERS.values(), ids=MOL_CONTAINERS)
@pytest.mark.parametrize("make", [mols, lambda: mols(False), half_sanitized])
def test_mols_give_the_rows_of_their_smiles(featurizer, same, container, make):
    assert same(featurizer.fit_transform(container(make())), featurizer.fit_transform(MOLECULES))


def test_unsanitized_mols_give_the_graphs_of_their_text(nci_smiles, same_graphs):
    texts = [text for text in nci_smiles if "[H]" not in text]
    unsanitised = [Chem.MolFromSmiles(text, sanitize=False) for text in texts]
    expected = MolGraphizer().transform(texts)
    assert same_graphs(MolGraphizer().transform(unsanitised), expected)
    for mol in unsanitised:
        Chem.SanitizeMol(mol)  # which does not perceive stereochemistry
    assert same_graphs(MolGraphizer().transform(unsanitised), expected)


LOSSES = {
    "unsanitised": lambda text: Chem.MolFromSmiles(text, sanitize=False),
    "sanitised": lambda text: sanitized(Chem.MolFromSmiles(text, sanitize=False)),
    "pickled": lambda text: pickled(Chem.MolFromSmiles(text)),
}


def sanitized(mol):
    Chem.SanitizeMol(mol)
    return mol


def pickled(mol):
    return pickle.loads(pickle.dumps(mol))  # as worker processes get it


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "text", ["F/C=C/F", "F/C=C\\F", "C[C@H](C)O", "C[C@H](N)C(=O)O", "CC(N)C(=O)O"]
)
def test_stereochemistry_that_was_lost_is_found_again(text, loss):
    mol = LOSSES[loss](text)
    assert MolGraphizer().transform([mol]) == MolGraphizer().transform([text])
    for featurizer in (
        MorganFingerprinter(include_chirality=True),
        RDKitDescriptors(["NumAtomStereoCenters", "NumUnspecifiedAtomStereoCenters"]),
    ):
        found, expected = featurizer.transform([mol]), featurizer.transform([text])
        np.testing.assert_array_equal(found, expected)


def test_stereochemistry_of_drawings_is_found_again(nci_smiles):
    drawn = [
        Chem.MolFromMolBlock(Chem.MolToMolBlock(Chem.MolFromSmiles(text))) for text in nci_smiles
    ]
    assert MolGraphizer().transform([pickled(mol) for mol in drawn]) == (
        MolGraphizer().transform(drawn)
    )


def test_stereochemistry_that_was_set_by_hand_stays():
    mol = sanitized(Chem.MolFromSmiles("FC=CF", sanitize=False))
    mol.GetBondWithIdx(1).SetStereoAtoms(0, 3)
    mol.GetBondWithIdx(1).SetStereo(Chem.BondStereo.STEREOE)
    assert MolGraphizer().transform([mol]) == MolGraphizer().transform(["F/C=C/F"])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_smiles_column_of_a_wide_frame(featurizer, same, frame):
    wide = frame({"dose": [1.0, 2.0, 3.0, 4.0], "smiles": MOLECULES})
    named = type(featurizer)(**featurizer.get_params(deep=False) | {"smiles_column": "smiles"})
    assert same(named.fit_transform(wide), featurizer.fit_transform(MOLECULES))
    with pytest.raises(ValueError, match=r"frame of 2 columns, \['dose', 'smiles'\]"):
        featurizer.fit(wide)


@pytest.mark.parametrize("column", [1, -1, np.int64(1)])
def test_smiles_column_of_a_wide_array(same, column):
    wide = np.array([[1.0, "CCO"], [2.0, "C"]], dtype=object)
    assert same(
        MorganFingerprinter(smiles_column=column).transform(wide),
        MorganFingerprinter().transform(["CCO", "C"]),
    )


@pytest.mark.parametrize(
    ("X", "column", "message"),
    [
        (pd.DataFrame({"a": ["C"]}), "b", "smiles_column='b' must name exactly one column"),
        (pd.DataFrame([["C", "C"]], columns=["a", "a"]), "a", "exactly one column"),
        (np.array([["C", "N"]]), 2, r"shape \(1, 2\) and smiles_column=2"),
        (np.array([["C", "N"]]), -3, r"smiles_column=-3"),
        (np.array([["C", "N"]]), "a", r"set smiles_column to the position"),
        (np.array([["C", "N"]]), None, r"shape \(1, 2\)"),
        (np.zeros((2, 2, 2)), None, "array of 3 dimensions"),
        ([], None, "Found 0 molecules"),
        (np.array([]), None, "Found 0 molecules"),
        (pd.DataFrame({"a": []}), None, "Found 0 molecules"),
    ],
)
def test_wrong_shapes(X, column, message):
    with pytest.raises(ValueError, match=message):
        MorganFingerprinter(smiles_column=column).transform(X)


WRONG_TYPES = {
    "str": "CCO",
    "np.str_": np.str_("CCO"),
    "0-d array": np.array("CCO"),
    "bytes": b"CCO",
    "Mol": Chem.MolFromSmiles("C"),
    "dict": {"smiles": ["C"]},
    "set": {"C"},
    "sparse": sp.csr_array(np.eye(2)),
    "number": 3.0,
    "np.float64": np.float64(3),
    "None": None,
    "generator": (text for text in ["C"]),
    "MolGraphs": MolGraphizer().transform(["C"]),
}


@pytest.mark.parametrize("X", WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_wrong_types(featurizer, X):
    with pytest.raises(TypeError, match=f"Got (a single )?{type(X).__name__}.*Expected a list"):
        featurizer.fit(X)
    with pytest.raises(TypeError, match="Expected a list"):
        featurizer.fit(["C"]).transform(X)


def test_inputs_are_not_changed(featurizer):
    given = [*MOLECULES, *mols(), *mols(sanitize=False), *half_sanitized()]
    before = [described(item) for item in given]
    featurizer.fit_transform(given)
    assert [described(item) for item in given] == before
    frame = pd.DataFrame({"smiles": MOLECULES}, index=SHUFFLED)
    kept = frame.copy()
    featurizer.fit_transform(frame)
    pd.testing.assert_frame_equal(frame, kept)


def described(item):
    if isinstance(item, str):
        return item
    parts = [item, *item.GetAtoms(), *item.GetBonds()]
    return item.ToBinary(), [list(part.GetPropNames(True, True)) for part in parts]


def test_a_column_of_a_pyarrow_table():
    table = pa.table({"y": range(len(MOLECULES)), "mol": MOLECULES})
    expected = MorganFingerprinter().transform(MOLECULES)
    found = MorganFingerprinter(smiles_column="mol").transform(table)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"exactly one column .* columns are \['y', 'mol'\]"):
        MorganFingerprinter(smiles_column="smiles").transform(table)


def test_a_column_that_is_called_like_an_attribute():
    frame = pd.DataFrame({"column_names": [1, 2], "mol": ["CCO", "C"]})
    expected = MorganFingerprinter().transform(["CCO", "C"])
    np.testing.assert_array_equal(
        MorganFingerprinter(smiles_column="mol").transform(frame), expected
    )
