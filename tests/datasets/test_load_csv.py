"""A user's own file, with all that people's files have in them."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning, MorganFingerprinter
from skchem_dl.datasets import load_csv


@pytest.fixture
def load(tmp_path):
    def from_text(text, **parameters):
        path = tmp_path / "own.csv"
        path.write_text(text, encoding="utf-8")
        return load_csv(path, **parameters)

    return from_text


GOOD = "Name,SMILES,logS,logP\nethanol,CCO,1.10,-0.1\nbenzene,c1ccccc1,-1.64,2.1\nwater,O,1.74,-1\n"


def test_the_bunch(load, tmp_path):
    bunch = load(GOOD, target="logS")
    assert isinstance(bunch, Bunch)
    assert list(bunch.data) == ["CCO", "c1ccccc1", "O"] and bunch.data.dtype == object
    assert list(bunch.target) == [1.10, -1.64, 1.74] and bunch.target.dtype == np.float64
    assert bunch.frame is None
    assert (bunch.feature_names, bunch.target_names) == (["SMILES"], ["logS"])
    assert set(bunch.other_columns) == {"Name", "logP"}
    assert list(bunch.other_columns["Name"]) == ["ethanol", "benzene", "water"]
    assert list(bunch.rows) == [0, 1, 2] and list(bunch.lines) == [2, 3, 4]
    assert (bunch.left_out, bunch.invalid, bunch.not_numbers, bunch.duplicates) == ({}, [], [], [])
    assert (bunch.encoding, bunch.separator, bunch.decimal) == ("utf-8", ",", ".")
    assert bunch.filename == str(tmp_path / "own.csv")
    for text in ("'SMILES'", "logS", "utf-8", "3 in the file, 3 here"):
        assert text in bunch.DESCR


def test_return_X_y(load):
    X, y = load(GOOD, target="logS", return_X_y=True)
    assert list(X) == ["CCO", "c1ccccc1", "O"] and list(y) == [1.10, -1.64, 1.74]
    model = make_pipeline(MorganFingerprinter(), Ridge()).fit(X, y)
    assert model.predict(X).shape == (3,)


def test_as_frame(load):
    bunch = load(GOOD, target="logS", as_frame=True)
    assert isinstance(bunch.target, pd.Series) and bunch.target.name == "logS"
    assert isinstance(bunch.data, pd.Series) and bunch.data.name == "SMILES"
    assert list(bunch.frame.columns) == ["SMILES", "logS"]
    X, y = load(GOOD, target=["logS", "logP"], as_frame=True, return_X_y=True)
    assert X.name == "SMILES" and list(y.columns) == ["logS", "logP"]
    assert list(load(GOOD, as_frame=True).frame.columns) == ["SMILES"]


def test_number_of_targets(load):
    assert load(GOOD).target is None and load(GOOD).target_names == []
    assert load(GOOD, target=["logS"]).target.shape == (3, 1)
    assert list(load(GOOD, target=["logS"], as_frame=True).target.columns) == ["logS"]
    both = load(GOOD, target=["logP", "logS"])
    assert both.target.tolist() == [[-0.1, 1.10], [2.1, -1.64], [-1.0, 1.74]]
    assert list(both.other_columns) == ["Name"]


def test_named_columns(load):
    text = "drug,parent_smiles,smiles,y\nA,CCO,CCO.Cl,1\n"
    assert list(load(text, target="y").data) == ["CCO.Cl"]
    assert list(load(text, smiles="parent_smiles").data) == ["CCO"]
    with pytest.raises(ValueError, match=r"no column 'Y'.*Did you mean 'y'"):
        load(text, target="Y")
    with pytest.raises(ValueError, match=r"no column 'SMILES'.*Did you mean 'smiles'"):
        load(text, smiles="SMILES")
    with pytest.raises(ValueError, match="'y' was asked for twice"):
        load(text, target=["y", "y"])
    with pytest.raises(ValueError, match="'smiles' was asked for twice"):
        load(text, smiles="smiles", target="smiles")


def test_a_molecule_is_not_taken_for_a_header(load):
    with pytest.raises(ValueError, match=r"'CCO' is a valid SMILES, so .* Add a first line"):
        load("CCO,1\nCCC,2\n", smiles="CCO")
    with pytest.raises(ValueError, match="may lack its header: 'CCO'"):
        load("CCO\nCCC\n")


def test_a_spreadsheet_from_europe(load):
    bunch = load("Name;SMILES;logS\nEthanol;CCO;1,10\nBenzol;c1ccccc1;-1,64\n", target="logS")
    assert list(bunch.target) == [1.10, -1.64]
    assert (bunch.separator, bunch.decimal) == (";", ",")
    with pytest.raises(ValueError, match=r"'1,10' \(a decimal comma, but decimal='.'\)"):
        load("SMILES;logS\nCCO;1,10\n", target="logS", decimal=".")


ODD = 'smiles,y\nCCO,<5\nCC,1.5\nC,n.d.\nO,"1,234.5"\nN,2\n'


def test_text_for_numbers(load):
    with pytest.raises(ValueError, match="3 of 5 target values are not numbers") as caught:
        load(ODD, target="y")
    for text in (
        "row 0 (line 2), 'y': '<5' (a limit, not a value)",
        "row 2 (line 4), 'y': 'n.d.'\n",
        "row 3 (line 5), 'y': '1,234.5' (thousands",
        'on_non_numeric="nan"',
        "na_values",
        "labels=True",
    ):
        assert text in str(caught.value)


def test_text_for_numbers_as_missing(load):
    with pytest.warns(UserWarning, match="3 of 5 target values are not numbers") as caught:
        bunch = load(ODD, target="y", on_non_numeric="nan", on_missing="keep")
    assert len(caught) == 1 and caught[0].filename == __file__
    np.testing.assert_array_equal(bunch.target, [np.nan, 1.5, np.nan, np.nan, 2.0])
    assert [tuple(found) for found in bunch.not_numbers] == [
        (0, "y", "<5"),
        (2, "y", "n.d."),
        (3, "y", "1,234.5"),
    ]
    with pytest.warns(UserWarning, match="2 of 5"):
        load(ODD, target="y", na_values=["n.d."], on_non_numeric="nan", on_missing="keep")


GAPS = "smiles,a,b\nCCO,1,\nCC,,\nC,NA,3\nO,4,5\n"


def test_rows_without_target(load):
    with pytest.raises(ValueError, match="2 of 4 rows have no value of 'a'") as caught:
        load(GAPS, target="a")
    assert "row 1 (line 3): ''" in str(caught.value)
    assert "row 2 (line 4): 'NA'" in str(caught.value)
    kept = load(GAPS, target="a", on_missing="keep")
    np.testing.assert_array_equal(kept.target, [1, np.nan, np.nan, 4])
    dropped = load(GAPS, target="a", on_missing="drop")
    assert (list(dropped.data), list(dropped.target)) == (["CCO", "O"], [1, 4])
    assert list(dropped.rows) == [0, 3] and list(dropped.lines) == [2, 5]
    assert dropped.left_out == {1: "no target", 2: "no target"}
    assert list(dropped.other_columns["b"]) == ["", "5"]
    assert "2 rows, no target" in dropped.DESCR


def test_gaps_among_several_targets_are_nan(load):
    with pytest.raises(ValueError, match="1 of 4 rows have no value of 'a' or 'b'"):
        load(GAPS, target=["a", "b"])
    bunch = load(GAPS, target=["a", "b"], on_missing="drop")
    np.testing.assert_array_equal(bunch.target, [[1, np.nan], [np.nan, 3], [4, 5]])
    assert bunch.left_out == {1: "no target"}


BROKEN = "smiles,y\nCCO,1\nC(,2\n,3\nc1ccccc1,4\nCC ethane,5\n"


def test_no_molecules(load, tmp_path):
    with pytest.raises(InvalidMoleculeError, match="3 of 5 rows are not valid") as caught:
        load(BROKEN, target="y")
    for text in ("own.csv", "row 1 (line 3): 'C('", "row 2 (line 4): ''", "row 4 (line 6)"):
        assert text in str(caught.value)
    assert [problem.row for problem in caught.value.invalid] == [1, 2, 4]
    assert caught.value.n_rows == 5


@pytest.mark.parametrize(("on_invalid", "rows"), [("keep", [0, 1, 2, 3, 4]), ("drop", [0, 3])])
def test_no_molecules_kept_or_left_out(load, on_invalid, rows):
    with pytest.warns(InvalidMoleculeWarning, match="3 of 5 rows") as caught:
        bunch = load(BROKEN, target="y", on_invalid=on_invalid)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert ([p.row for p in caught[0].message.invalid], caught[0].message.n_rows) == ([1, 2, 4], 5)
    assert list(bunch.rows) == rows
    assert list(bunch.target) == [row + 1 for row in rows]
    assert [problem.row for problem in bunch.invalid] == [1, 2, 4]
    assert sorted([*bunch.left_out, *bunch.rows]) == [0, 1, 2, 3, 4]
    assert all(reason.startswith("no molecule: ") for reason in bunch.left_out.values())


# Two molecules twice, one of them written otherwise; two that differ in stereochemistry only.
TWICE = (
    "smiles,y,z,note\nCCO,1,,a\nC[C@H](N)O,2,5,b\nOCC,3,7,c\nC[C@@H](N)O,4,5,d\n"
    "c1ccccc1,5,,e\nC1=CC=CC=C1,6,,f\nCC,7,8,g\n"
)


def test_duplicates_are_kept(load):
    bunch = load(TWICE, target="y")
    assert len(bunch.data) == 7 and bunch.duplicates == []


def test_first_of_the_duplicates(load):
    bunch = load(TWICE, target="y", duplicates="first")
    assert list(bunch.data) == ["CCO", "C[C@H](N)O", "C[C@@H](N)O", "c1ccccc1", "CC"]
    assert list(bunch.target) == [1, 2, 4, 5, 7]
    assert list(bunch.rows) == [0, 1, 3, 4, 6]
    assert list(bunch.other_columns["note"]) == list("abdeg")
    assert bunch.duplicates == [(0, 2), (4, 5)]
    assert bunch.left_out == {
        2: "the molecule of an earlier row: 0",
        5: "the molecule of an earlier row: 4",
    }
    assert ":Left out: 2 rows, the molecule of an earlier row" in bunch.DESCR


def test_mean_of_the_duplicates(load):
    bunch = load(TWICE, target=["y", "z"], duplicates="mean")
    np.testing.assert_array_equal(bunch.target, [[2, 7], [2, 5], [4, 5], [5.5, np.nan], [7, 8]])
    assert list(load(TWICE, target="y", duplicates="mean").target) == [2, 2, 4, 5.5, 7]
    assert load(TWICE, duplicates="mean").target is None


def test_no_duplicates_wanted(load):
    with pytest.raises(ValueError, match="2 molecules occur more than once") as caught:
        load(TWICE, target="y", duplicates="error")
    assert "CCO: row 0 (line 2), row 2 (line 4)" in str(caught.value)
    assert "c1ccccc1: row 4 (line 6), row 5 (line 7)" in str(caught.value)
    assert load(GOOD, target="logS", duplicates="error").duplicates == []


def test_what_is_no_molecule_is_no_duplicate(load):
    with pytest.warns(InvalidMoleculeWarning):
        bunch = load(
            "smiles,y\nC(,1\nC(,2\nCC,3\nCC,5\n", target="y", on_invalid="keep", duplicates="mean"
        )
    assert list(bunch.target) == [1, 2, 4]


def test_rows_left_out_do_not_count_as_first(load):
    text = "smiles,y\nCC,\nCC,2\nCC,4\n"
    bunch = load(text, target="y", on_missing="drop", duplicates="first")
    assert list(bunch.target) == [2] and list(bunch.rows) == [1]
    assert bunch.left_out == {0: "no target", 2: "the molecule of an earlier row: 1"}


def test_class_labels(load):
    text = "smiles,class,level\nCCO,active,1\nCC,inactive,2\nC,NA,3\nC,,\n"
    with pytest.raises(ValueError, match="2 of 4 target values are not numbers"):
        load(text, target="class")
    with pytest.raises(ValueError, match="2 of 4 rows have no value of 'class'"):
        load(text, target="class", labels=True)
    bunch = load(text, target="class", labels=True, on_missing="drop")
    assert list(bunch.target) == ["active", "inactive"] and bunch.decimal is None
    kept = load(text, target=["class", "level"], labels=True, on_missing="keep")
    assert kept.target.tolist() == [
        ["active", "1"], ["inactive", "2"], [None, "3"], [None, None]
    ]  # fmt: skip
    assert (
        load(text, target="class", labels=True, on_missing="keep", duplicates="first").target[2]
        is None
    )
    with pytest.raises(ValueError, match='duplicates="mean" is for numbers'):
        load(text, target="class", labels=True, duplicates="mean")


def test_nothing_left(load):
    with pytest.raises(ValueError, match=r"(?s)no row is left of 2.*no target"):
        load("smiles,y\nC,\nCC,\n", target="y", on_missing="drop")


def test_wrong_parameters(load):
    with pytest.raises(ValueError, match="'duplicates' parameter of load_csv must be"):
        load(GOOD, duplicates="median")
    with pytest.raises(ValueError, match="'decimal' parameter of load_csv"):
        load(GOOD, decimal=";")
    for separator in ("--", '"', ""):
        with pytest.raises(ValueError, match=r"separator=.* cannot separate"):
            load(GOOD, separator=separator)
    with pytest.raises(TypeError, match="positional"):
        load_csv("own.csv", "smiles")


def test_without_pandas(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert load(GOOD, target="logS").target.shape == (3,)
    with pytest.raises(ImportError, match=r"load_csv.*pandas.*skchem_dl\[datasets\]"):
        load(GOOD, target="logS", as_frame=True)


def test_the_users_file_and_rdkits_log_are_left_alone(load, tmp_path, capfd):
    with pytest.warns(InvalidMoleculeWarning):
        load(BROKEN, target="y", on_invalid="drop")
    assert (tmp_path / "own.csv").read_text() == BROKEN
    assert capfd.readouterr() == ("", "")


def test_more_rows_than_a_chunk(load, nci_smiles):
    smiles = [*nci_smiles[:1_500], "C(", *nci_smiles[1_500:2_500], nci_smiles[7]]
    text = "smiles,y\n" + "".join(f"{text},{row}\n" for row, text in enumerate(smiles))
    with pytest.warns(InvalidMoleculeWarning):
        bunch = load(text, target="y", on_invalid="drop", duplicates="first")
    assert [problem.row for problem in bunch.invalid] == [1_500]
    canonical = [None if text == "C(" else Chem.CanonSmiles(text) for text in smiles]
    expected = [row for row, text in enumerate(canonical) if text and canonical.index(text) == row]
    assert list(bunch.rows) == expected == list(bunch.target)
    assert 2_501 in bunch.left_out and canonical.index(canonical[7]) in bunch.rows


def test_a_real_file(shared_data):
    bunch = load_csv(shared_data("freesolv.csv"), target="expt", duplicates="error")
    frame = pd.read_csv(shared_data("freesolv.csv"))
    assert list(bunch.data) == list(frame["smiles"])
    np.testing.assert_array_equal(bunch.target, frame["expt"])


molecules = st.sampled_from(["CCO", "OCC", "CC", "C(", "c1ccccc1", "C1=CC=CC=C1", "", "N#N"])
values = st.sampled_from(["1", "-2.5", "", "NA", "<5", "n.d."])


@given(
    st.lists(st.tuples(molecules, values), min_size=1, max_size=12),
    st.sampled_from(["keep", "drop"]),
    st.sampled_from(["keep", "drop"]),
    st.sampled_from(["keep", "first", "mean"]),
)
def test_every_row_is_here_or_left_out(tmp_path_factory, rows, on_missing, on_invalid, duplicates):
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    lines = [f"{row},{smiles},{value}" for row, (smiles, value) in enumerate(rows)]
    path.write_text("\n".join(["id,smiles,y", *lines]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            bunch = load_csv(
                path,
                target="y",
                on_non_numeric="nan",
                on_missing=on_missing,
                on_invalid=on_invalid,
                duplicates=duplicates,
            )
        except ValueError as error:
            assert "no row is left" in str(error)
            return
    assert sorted([*bunch.rows, *bunch.left_out]) == list(range(len(rows)))
    assert list(bunch.other_columns["id"]) == [str(row) for row in bunch.rows]
    assert list(bunch.data) == [rows[row][0] for row in bunch.rows]
    assert list(bunch.lines) == [row + 2 for row in bunch.rows]
    if duplicates == "keep":
        numbers = [
            float(rows[row][1]) if rows[row][1] in ("1", "-2.5") else np.nan for row in bunch.rows
        ]
        np.testing.assert_array_equal(bunch.target, numbers)
