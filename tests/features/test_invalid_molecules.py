"""Rows that are no molecules: which ones, what is said about them, and what becomes of them."""

import pickle
import sys
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, rdBase
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skchem_dl import (
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    MolGraphizer,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.features._molecules import parse_molecules
from skchem_dl.features._reading import MAX_SMILES_LENGTH

INVALID = {
    "": "empty string",
    " \n": "empty string",
    "CCO ethanol": "text after the SMILES, from position 4",
    "CC\tO": "text after the SMILES, from position 3",
    "CC\x00O": r"character '\\x00' at position 3",
    "CCÖ": "character 'Ö' at position 3",
    "C" * (MAX_SMILES_LENGTH + 1): "5001 characters long, more than 5000",
    "C(": "syntax error around position 2",
    "C1CC": "unclosed ring",
    "c1cccc1": "Can't kekulize mol",
    "C(C)(C)(C)(C)C": "Explicit valence for atom # 0 C, 5, is greater than permitted",
    None: "missing value",
    float("nan"): "missing value",
    pd.NA: "missing value",
    pd.NaT: "missing value",
    7: "expected a SMILES string or an RDKit Mol, got int",
    b"C": "got bytes",
    Chem.Mol(): "no atoms",
    Chem.MolFromSmiles("F(F)F", sanitize=False): "Explicit valence for atom # 0 F",
}


@pytest.mark.parametrize(("value", "reason"), INVALID.items(), ids=lambda it: repr(it)[:30])
def test_what_is_invalid_and_why(value, reason):
    with pytest.raises(InvalidMoleculeError, match=f"1 of 2 rows.*\n  row 1: .*{reason}"):
        MorganFingerprinter().transform(["C", value])


@pytest.mark.parametrize(
    "X",
    [
        pd.Series(["CCO", pd.NA], dtype="string"),
        pd.Series(pd.Categorical(["CCO", None])),
        pl.Series(["CCO", None]),
        np.array([["CCO"], [None]], dtype=object),
    ],
    ids=["string", "Categorical", "polars", "array"],
)
def test_missing_cells(X):
    with pytest.raises(InvalidMoleculeError, match=r"row 1.*missing value"):
        MorganFingerprinter().transform(X)


def test_the_error_counts_and_shows_the_first_five():
    labels = [f"mol{i}" for i in range(9)]
    bad = pd.Series(["C", *[f"C(x{i}" for i in range(7)], "CC"], index=labels)
    with pytest.raises(InvalidMoleculeError) as caught:
        MorganFingerprinter().transform(bad)
    lines = str(caught.value).splitlines()
    assert lines[0] == "7 of 9 rows are not valid molecules:"
    assert lines[1] == "  row 1 (index 'mol1'): 'C(x0': syntax error around position 3"
    assert [line.split()[1] for line in lines[1:6]] == ["1", "2", "3", "4", "5"]
    assert lines[6] == "  ... and 2 more"
    assert 'on_invalid="nan"' in lines[7]
    assert [problem.row for problem in caught.value.invalid] == list(range(1, 8))


def test_labels_are_shown_as_python_writes_them():
    with pytest.raises(InvalidMoleculeError, match=r"row 1 \(index 7\): ''"):
        MorganFingerprinter().transform(pd.Series(["C", ""], index=[5, 7]))
    with pytest.raises(InvalidMoleculeError, match="row 1: ''"):
        MorganFingerprinter().transform(pd.Series(["C", ""]))


def test_the_error_survives_pickling():
    with pytest.raises(InvalidMoleculeError) as caught:
        MorganFingerprinter().transform(["C", "C(", None])
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == str(caught.value)
    assert (
        error.invalid
        == caught.value.invalid
        == [
            (1, "C(", "syntax error around position 2"),
            (2, None, "missing value"),
        ]
    )
    assert error.n_rows == 3


MIXED = ["CCO", "", "c1ccccc1", "C(", None, "C"]
VALID_ROWS = [0, 2, 5]


def nan_mode(featurizer):
    return type(featurizer)(**featurizer.get_params(deep=False) | {"on_invalid": "nan"})


def is_filler(rows):
    """Say which rows stand for no molecule."""
    if isinstance(rows, np.ndarray) and rows.dtype == np.int32:
        return (rows == 0).all(axis=1)
    if isinstance(rows, np.ndarray) and rows.dtype == object:
        return np.equal(rows, None)
    if isinstance(rows, np.ndarray) or sp.issparse(rows):
        rows = rows.toarray() if sp.issparse(rows) else rows
        assert rows.dtype == np.float32
        return np.isnan(rows).all(axis=1)
    return rows.n_atoms == 0


def test_nan_mode_keeps_the_rows_and_warns_once(featurizer, same):
    keeping = nan_mode(featurizer)
    with pytest.warns(InvalidMoleculeWarning, match="3 of 6 rows") as caught:
        rows = keeping.fit(["c1ccccc1", "CCO"]).transform(MIXED)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.flatnonzero(~is_filler(rows)).tolist() == VALID_ROWS
    assert same(rows[VALID_ROWS], keeping.transform([MIXED[row] for row in VALID_ROWS]))


def test_the_warning_names_the_line_of_the_user():
    model = make_pipeline(MorganFingerprinter(on_invalid="nan"), SimpleImputer(), Ridge())
    model.fit(["CCO", "CC", "C"], [1.0, 2.0, 3.0])
    searched = GridSearchCV(model, {"ridge__alpha": [1.0]}, cv=2).fit(["CCO", "CC"] * 2, [1.0] * 4)
    for fitted in (model, searched):
        with pytest.warns(InvalidMoleculeWarning, match="1 of 2 rows is not a valid") as caught:
            fitted.predict(["CCO", "C("])
        assert [warning.filename for warning in caught] == [__file__]


def test_nan_mode_says_what_the_error_says():
    with pytest.raises(InvalidMoleculeError) as error:
        MorganFingerprinter().transform(MIXED)
    with pytest.warns(InvalidMoleculeWarning) as warning:
        MorganFingerprinter(on_invalid="nan").transform(MIXED)
    assert str(error.value).startswith(str(warning[0].message))


@pytest.mark.parametrize("X", [["C", "CC"], [None, "C C"]], ids=["all valid", "none valid"])
@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_nan_mode_with_all_or_nothing(featurizer, X):
    rows = nan_mode(featurizer).fit_transform(X)
    assert rows.shape[0] == 2
    assert is_filler(rows).tolist() == [item != "C" and item != "CC" for item in X]


def test_raise_mode_is_the_default(featurizer):
    with pytest.raises(InvalidMoleculeError, match="3 of 6 rows"):
        featurizer.fit(["C"]).transform(MIXED)
    with pytest.raises(InvalidMoleculeError, match="3 of 6 rows"):
        featurizer.fit_transform(MIXED)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_rdkit_stays_quiet_and_its_log_unchanged(featurizer, capfd):
    before = rdBase.LogStatus()
    nan_mode(featurizer).fit_transform([*MIXED, "c1cc1c", "C[Hg]C", Chem.MolFromSmiles("C")])
    with pytest.raises(InvalidMoleculeError):
        featurizer.fit_transform(MIXED)
    assert rdBase.LogStatus() == before
    assert capfd.readouterr() == ("", "")
    Chem.MolFromSmiles("C(")
    assert "syntax error" in capfd.readouterr().err  # the user's own log speaks as before


def test_threads_get_their_own_reasons_and_no_log(capfd):
    before, reasons = rdBase.LogStatus(), set()

    def read(text):
        for _ in range(100):
            reasons.add((text, parse_molecules([text, "C"]).invalid[0].reason))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=read, args=(text,)) for text in ("C(", "c1cc1c") * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert reasons == {
        ("C(", "syntax error around position 2"),
        ("c1cc1c", "Can't kekulize mol.  Unkekulized atoms: 0 1 2"),
    }
    assert rdBase.LogStatus() == before
    assert capfd.readouterr() == ("", "")


KEEPING = [
    MorganFingerprinter(fp_size=16, on_invalid="nan"),
    MorganFingerprinter(fp_size=16, on_invalid="nan", counts=True, sparse_output=True),
    RDKitDescriptors(on_invalid="nan"),
    SmilesTokenizer(on_invalid="nan"),
    MolGraphizer(on_invalid="nan"),
    MolStandardizer(on_invalid="nan"),
]
ALPHABET = "CNOcnosFBPI[]()123%=#$:/\\@+-.*H>~& \t\n\x00é"
anything = st.one_of(
    st.text(ALPHABET, max_size=12),
    st.text(max_size=8),
    st.sampled_from(["CCO", "c1ccccc1", "[Na+].[Cl-]", "C[C@H](N)O", "F/C=C/F"]),
    st.none() | st.integers() | st.floats() | st.binary(max_size=3),
)


def should_be_valid(item):
    """Ask RDKit, except where it accepts by accident: it stops at blanks and control characters.

    A bond of any order is a query.
    """
    text = item.strip() if isinstance(item, str) else ""
    if not (text.isascii() and text.isprintable()) or " " in text or "~" in text:
        return False
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text)
    return mol is not None and mol.GetNumAtoms() > 0


def flat(parsed):
    return [Chem.MolToSmiles(mol, False) for mol in parsed.mols]


@given(rows=st.lists(anything, min_size=1, max_size=4))
def test_without_stereochemistry_the_same_rows_are_valid_for_the_same_reasons(rows):
    whole, without = parse_molecules(rows), parse_molecules(rows, stereo=False)
    assert without.valid.tolist() == whole.valid.tolist()
    assert [bad[::2] for bad in without.invalid] == [bad[::2] for bad in whole.invalid]
    assert flat(without) == flat(whole)


def test_without_stereochemistry_data_sets_come_out_the_same(nci_smiles):
    rows = [*nci_smiles, "[2H]C([H])C", "[H][H]", "[H+].[nH]1cccc1", "C[C@H](F)/C=C/[H]"]
    assert flat(parse_molecules(rows, stereo=False)) == flat(parse_molecules(rows))


@pytest.mark.parametrize("keeping", KEEPING, ids=repr)
@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@given(rows=st.lists(anything, min_size=1, max_size=4))
def test_no_text_crashes_and_no_row_moves(keeping, rows):
    found = ~is_filler(keeping.fit_transform(rows))
    assert found.shape == (len(rows),)
    for row, item in enumerate(rows):
        alone = ~is_filler(keeping.fit_transform([item]))
        assert found[row] == alone[0] == should_be_valid(item)
