import numpy as np
import pandas as pd
import pytest
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors
from sklearn.utils._param_validation import InvalidParameterError

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning, RDKitDescriptors

LARGEST = np.finfo(np.float32).max


def from_rdkit(text):
    """Every descriptor of one molecule, one function after the other."""
    mol = Chem.MolFromSmiles(text)
    values = []
    for _, function in Descriptors.descList:
        try:
            value = function(mol)
        except (ValueError, RuntimeError, ArithmeticError):
            value = np.nan
        values.append(value if abs(value) <= LARGEST else np.nan)
    return np.array(values, dtype=np.float32)


def test_equals_rdkits_own_functions(smiles, nci_smiles):
    molecules = smiles + nci_smiles[:30]
    transformer = RDKitDescriptors()
    values = transformer.fit_transform(molecules)
    assert values.dtype == np.float32
    with rdBase.BlockLogs():
        np.testing.assert_array_equal(values, [from_rdkit(text) for text in molecules])
    assert transformer.get_feature_names_out().tolist() == [
        name for name, _ in Descriptors.descList
    ]


def test_values_known_by_heart():
    names = ["HeavyAtomCount", "RingCount", "NumHDonors", "MolWt"]
    values = RDKitDescriptors(names).transform(["CCO", "c1ccccc1"])
    np.testing.assert_allclose(values, [[3, 0, 1, 46.069], [6, 1, 0, 78.114]], atol=1e-3)


def test_overflow_becomes_nan():
    chain = "C" * 300
    ipc = dict(Descriptors.descList)["Ipc"](Chem.MolFromSmiles(chain))
    assert LARGEST < ipc < np.inf
    values = RDKitDescriptors(["HeavyAtomCount", "Ipc"]).transform([chain, "CCO"])
    assert np.isnan(values).tolist() == [[False, True], [False, False]]


def test_what_rdkit_cannot_compute_is_nan():
    values = RDKitDescriptors(["BCUT2D_MWHI", "MolWt"]).transform(["[He]", "CCO"])
    assert np.isnan(values).tolist() == [[True, False], [False, False]]


def test_other_errors_are_not_hidden(monkeypatch):
    def broken(mol):
        raise TypeError("a mistake in a descriptor")

    found = RDKitDescriptors(["MolWt"])
    monkeypatch.setattr(found, "_functions", lambda: {"MolWt": broken})
    with pytest.raises(TypeError, match="a mistake"):
        found.transform(["C"])


@pytest.mark.parametrize("container", [list, tuple])
def test_a_subset_keeps_its_order(smiles, container):
    names = container(["TPSA", "MolWt", "MolLogP"])
    transformer = RDKitDescriptors(names).fit(smiles)
    assert transformer.get_feature_names_out().tolist() == list(names)
    everything = RDKitDescriptors()
    position = everything.get_feature_names_out().tolist().index
    np.testing.assert_array_equal(
        transformer.transform(smiles),
        everything.transform(smiles)[:, [position(name) for name in names]],
    )


@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_unknown_names(method):
    with pytest.raises(ValueError, match=r"'MolWeight', which.*close to it are.*'MolWt'"):
        getattr(RDKitDescriptors(["TPSA", "MolWeight"]), method)(["C"])


def test_a_name_may_not_occur_twice():
    with pytest.raises(ValueError, match=r"names \['MolWt'\] more than once"):
        RDKitDescriptors(["MolWt", "TPSA", "MolWt"]).fit(["C"])


@pytest.mark.parametrize("value", ["MolWt", None, 3])
def test_invalid_parameters(value):
    with pytest.raises(InvalidParameterError, match="'descriptors' parameter"):
        RDKitDescriptors(value).fit(["C"])


def test_invalid_rows_are_nan_and_pandas_output():
    X = pd.Series(["CCO", "C("], index=["ethanol", "typo"])
    transformer = RDKitDescriptors(["MolWt", "TPSA"], on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning, match=r"row 1 \(index 'typo'\)"):
        frame = transformer.set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == ["MolWt", "TPSA"]
    assert frame.index.tolist() == ["ethanol", "typo"]
    assert frame.isna().all(axis=1).tolist() == [False, True]
    assert (frame.dtypes == np.float32).all()


def test_worker_processes_change_nothing(smiles, few_are_enough):
    one = RDKitDescriptors().transform(smiles)
    two = RDKitDescriptors(n_jobs=2).transform(smiles)
    np.testing.assert_array_equal(one, two)


def test_a_molecule_of_which_nothing_is_known_is_invalid():
    names = ["BCUT2D_MWHI", "BCUT2D_MWLOW"]
    with pytest.raises(InvalidMoleculeError, match=r"row 1: .*no descriptor can be computed"):
        RDKitDescriptors(names).transform(["CCO", Chem.MolFromSmiles("[He]"), "CC"])
    lenient = RDKitDescriptors(names, on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning) as caught:
        values = lenient.transform(["[He]", "CCO", "C(", "[He]"])
    assert np.isnan(values).tolist() == [[True] * 2, [False] * 2, [True] * 2, [True] * 2]
    assert [bad.row for bad in caught[0].message.invalid] == [0, 2, 3]
    # One value is enough.
    assert np.isfinite(RDKitDescriptors([*names, "MolWt"]).transform(["[He]"])).sum() == 1
