import doctest
import subprocess
import sys
from collections import Counter
from importlib import resources

import numpy as np
import pytest
from rdkit import Chem, RDConfig
from rdkit.Chem import Crippen, rdMolDescriptors
from sklearn.utils import Bunch

from skchem_dl.datasets import _loaders, load_nci, load_solubility

# Structure, its two values, and the parts of the split that they are in.
DUPLICATES = {
    "ClC1=C(Cl)C2(Cl)C3C4CC(C5OC45)C3C1(Cl)C2(Cl)Cl": (-6.18, -6.29, "train", "test"),
    "CCC(C)(O)C(C)C": (-0.85, -1.22, "train", "test"),
    "CC1CC2C3CCC4=CC(=O)C=CC4(C)C3(F)C(O)CC2(C)C1(O)C(=O)CO": (-3.64, -3.77, "train", "train"),
    "CC(=O)OCC(=O)C1(O)CCC2C3CCC4=CC(=O)CCC4(C)C3C(=O)CC21C": (-4.30, -4.00, "train", "train"),
    "CN(C)C(=O)Nc1cccc(OC(=O)NC(C)(C)C)c1": (-2.93, -2.93, "train", "train"),
    "CC(CCC(=O)O)C1CCC2C3C(O)CC4CC(O)CCC4(C)C3CCC12C": (-3.82, -3.64, "train", "train"),
    "CC1CCCCC1C": (-4.33, -4.27, "train", "test"),
    "CN1C2CCC1CC(OC(=O)C(CO)c1ccccc1)C2": (-1.91, -2.12, "train", "test"),
}


@pytest.fixture(scope="module")
def solubility():
    return load_solubility()


@pytest.fixture(scope="module")
def nci():
    return load_nci()


def test_solubility_content(solubility):
    assert isinstance(solubility, Bunch)
    assert solubility.data.shape == solubility.target.shape == (1282,)
    assert solubility.names.shape == solubility.split.shape == (1282,)
    assert solubility.data.dtype == object and all(isinstance(s, str) for s in solubility.data)
    assert solubility.target.dtype == np.float64
    assert np.isfinite(solubility.target).all()
    assert (solubility.target.min(), solubility.target.max()) == (-11.62, 1.58)
    assert Counter(solubility.split) == {"train": 1025, "test": 257}
    assert solubility.frame is None
    assert (solubility.feature_names, solubility.target_names) == (["smiles"], ["logS"])
    assert solubility.units == {"logS": "log10(mol/L)"}

    row = list(solubility.names).index("atropine")
    assert solubility.data[row] == "CN1C2CCC1CC(OC(=O)C(CO)c1ccccc1)C2"
    assert (solubility.target[row], solubility.split[row]) == (-2.12, "test")


def test_solubility_description(solubility):
    assert "10.1021/ci9901338" in solubility.DESCR
    file = resources.files(solubility.data_module) / solubility.filename
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1283


def test_solubility_smiles_are_canonical(solubility):
    # Merging duplicates by text relies on it.
    canonical = [Chem.CanonSmiles(smiles) for smiles in solubility.data]
    assert len(set(canonical)) == len(set(solubility.data)) == 1274


def test_solubility_duplicates_are_the_documented_ones(solubility):
    counts = Counter(solubility.data)
    assert {smiles for smiles, count in counts.items() if count > 1} == set(DUPLICATES)
    for smiles, (*values, first_part, second_part) in DUPLICATES.items():
        rows = np.flatnonzero(solubility.data == smiles)
        assert list(solubility.target[rows]) == values
        assert list(solubility.split[rows]) == [first_part, second_part]


@pytest.mark.parametrize("part", ["train", "test"])
def test_solubility_subset(solubility, part):
    subset = load_solubility(subset=part)
    rows = solubility.split == part
    for attribute in ("data", "target", "names", "split"):
        np.testing.assert_array_equal(subset[attribute], solubility[attribute][rows])


def test_drop_duplicates(solubility):
    merged = load_solubility(drop_duplicates=True)
    assert len(set(merged.data)) == len(merged.data) == 1274
    assert Counter(merged.split) == {"train": 1021, "test": 253}
    for smiles, (first, second, *_) in DUPLICATES.items():
        row = list(merged.data).index(smiles)
        assert merged.target[row] == pytest.approx((first + second) / 2)
        assert merged.split[row] == "train"
    assert "endrin" in merged.names and "dieldrin" not in merged.names

    # Everything else stays as it was, in the order of first occurrence.
    first_rows = [list(solubility.data).index(smiles) for smiles in merged.data]
    assert first_rows == sorted(first_rows)
    np.testing.assert_array_equal(merged.names, solubility.names[first_rows])
    single = [smiles not in DUPLICATES for smiles in merged.data]
    np.testing.assert_array_equal(merged.target[single], solubility.target[first_rows][single])
    np.testing.assert_array_equal(merged.split[single], solubility.split[first_rows][single])


def test_drop_duplicates_keeps_the_test_set_unseen(solubility):
    X_train, _ = load_solubility(subset="train", return_X_y=True)
    X_test, _ = load_solubility(subset="test", return_X_y=True)
    assert len(set(X_train) & set(X_test)) == 4
    X_train, _ = load_solubility(subset="train", drop_duplicates=True, return_X_y=True)
    X_test, _ = load_solubility(subset="test", drop_duplicates=True, return_X_y=True)
    assert (len(X_train), len(X_test)) == (1021, 253)
    assert not set(X_train) & set(X_test)


def test_average_duplicates_by_hand():
    first_row, mean, in_train = _loaders._average_duplicates(
        np.array(["O", "C", "O", "N", "C", "O"], dtype=object),
        np.array([1.0, 5.0, 2.0, 7.0, 6.0, 6.0]),
        np.array([False, False, True, False, False, False]),
    )
    assert list(first_row) == [0, 1, 3]
    assert list(mean) == [3.0, 5.5, 7.0]
    assert list(in_train) == [True, False, False]


def test_nci_content(nci):
    n_invalid = len(nci.invalid_smiles)
    assert len(nci.data) + n_invalid == 4999
    assert nci.data.shape == nci.names.shape == (len(nci.data),)
    assert nci.target.shape == (len(nci.data), 3)
    assert nci.data.dtype == object and nci.target.dtype == np.float64
    assert np.isfinite(nci.target).all()
    assert not any(set(smiles) & set(" \t\n") for smiles in nci.data)
    assert (nci.data[0], nci.names[0]) == ("CC1=CC(=O)C=CC1=O", "1")
    assert (nci.data[-1], nci.names[-1]) == ("CN1CCC[CH]1C2=CC=CN=C2", "5065")
    assert list(nci.units) == nci.target_names == ["logP", "MR", "TPSA"]
    assert nci.feature_names == ["smiles"]
    assert "10.1021/ci000150t" in nci.DESCR


def test_nci_rejected_molecules(nci):
    assert len(nci.invalid_smiles) == 8
    assert "CCCCNCCCC.F[Si](F)(F)(F)(F)F" in nci.invalid_smiles
    assert not set(nci.invalid_smiles) & set(nci.data)


def test_nci_leaves_the_log_quiet_and_its_settings_alone(capfd):
    _loaders._read_nci.cache_clear()
    load_nci()
    assert capfd.readouterr() == ("", "")
    Chem.MolFromSmiles("C(")
    assert "C(" in capfd.readouterr().err


def test_nci_targets_are_rdkits(nci):
    for row in (0, 1, 100, 2500, -1):
        molecule = Chem.MolFromSmiles(nci.data[row])
        assert nci.target[row] == pytest.approx(
            [
                Crippen.MolLogP(molecule),
                Crippen.MolMR(molecule),
                rdMolDescriptors.CalcTPSA(molecule),
            ]
        )
    # Two ketone oxygens at 17.07 Å² each, from the table of Ertl et al.
    assert nci.target[0, 2] == pytest.approx(2 * 17.07)


def test_nci_arrays_are_the_callers_own(nci):
    changed = load_nci()
    changed.data[0], changed.target[0] = "C", 0.0
    again = load_nci()
    np.testing.assert_array_equal(again.data, nci.data)
    np.testing.assert_array_equal(again.target, nci.target)


def test_nci_without_its_file(monkeypatch, tmp_path):
    monkeypatch.setattr(RDConfig, "RDDataDir", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"load_nci.*RDKit.*first_5K\.smi"):
        load_nci()


@pytest.mark.parametrize("load", [load_solubility, load_nci])
def test_return_X_y(load):
    bunch = load()
    X, y = load(return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_as_frame_with_one_target(solubility):
    pd = pytest.importorskip("pandas")
    bunch = load_solubility(subset="test", as_frame=True)
    assert isinstance(bunch.data, pd.Series) and bunch.data.name == "smiles"
    assert isinstance(bunch.target, pd.Series) and bunch.target.name == "logS"
    assert list(bunch.frame.columns) == ["smiles", "logS"]
    assert list(bunch.frame.index) == list(range(257))
    in_test = solubility.split == "test"
    assert list(bunch.data) == list(solubility.data[in_test])
    np.testing.assert_array_equal(bunch.target, solubility.target[in_test])


def test_as_frame_with_three_targets(nci):
    pd = pytest.importorskip("pandas")
    X, y = load_nci(as_frame=True, return_X_y=True)
    assert isinstance(X, pd.Series) and X.name == "smiles"
    assert isinstance(y, pd.DataFrame) and list(y.columns) == nci.target_names
    assert list(X) == list(nci.data)
    np.testing.assert_array_equal(y, nci.target)


@pytest.mark.parametrize("load", [load_solubility, load_nci])
def test_as_frame_without_pandas_names_the_extra(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    load()
    with pytest.raises(ImportError, match=rf"{load.__name__}.*pandas.*skchem_dl\[datasets\]"):
        load(as_frame=True)


def test_invalid_arguments():
    with pytest.raises(ValueError, match="'subset' parameter of load_solubility") as error:
        load_solubility(subset="validation")
    for text in ("'all'", "'test'", "'train'", "'validation'"):
        assert text in str(error.value)
    with pytest.raises(ValueError, match="'as_frame' parameter of load_nci"):
        load_nci(as_frame="yes")
    with pytest.raises(TypeError, match="positional"):
        load_solubility("train")


def test_import_is_light():
    # scikit-learn imports pandas where it is installed, so here it must not be.
    code = (
        "import sys; sys.modules['pandas'] = None; import skchem_dl.datasets; "
        "print([name for name in ('torch', 'skorch', 'dgl') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_docstring_examples():
    results = doctest.testmod(_loaders)
    assert results.attempted > 0 and results.failed == 0
