"""A user's own SD file: structures, data fields, and records that are broken."""

import gzip

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem.rdDepictor import Compute2DCoords
from rdkit.Chem.rdDistGeom import EmbedMolecule

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning
from skchem_dl.datasets import load_csv, load_sdf, load_solubility


def record(smiles, title="", **fields):
    mol = Chem.MolFromSmiles(smiles)
    Compute2DCoords(mol)
    mol.SetProp("_Name", title)
    data = "".join(f">  <{name}>\n{value}\n\n" for name, value in fields.items())
    return f"{Chem.MolToMolBlock(mol)}{data}$$$$\n"


@pytest.fixture
def load(tmp_path):
    def from_text(text, **parameters):
        path = tmp_path / "own.sdf"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_sdf(path, **parameters)

    return from_text


GOOD = (
    record("CCO", "ethanol", logS="1.10", batch="007")
    + record("C[C@H](N)C(=O)O", "alanine", logS="0.27")
    + record("C/C=C/Cl", "", logS="-1.6", note="two\nlines")
)
MEASURED = [("CCO", "1"), ("OCC", "3"), ("CC", "<5"), ("CN", "n.d."), ("C", "NA"), ("CCC", "2")]
BROKEN = "name of it\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n> <logS>\n5\n\n$$$$\n"


def test_the_bunch(load, tmp_path):
    bunch = load(GOOD, target="logS")
    assert list(bunch.data) == ["CCO", "C[C@H](N)C(=O)O", "C/C=C/Cl"]
    assert bunch.data.dtype == object
    assert list(bunch.target) == [1.10, 0.27, -1.6] and bunch.target.dtype == np.float64
    assert (bunch.feature_names, bunch.target_names) == (["smiles"], ["logS"])
    assert {name: list(column) for name, column in bunch.other_columns.items()} == {
        "name": ["ethanol", "alanine", ""],
        "batch": ["007", "", ""],
        "note": ["", "", "two\nlines"],
    }
    n_lines = record("CCO", "ethanol", logS="1.10", batch="007").count("\n")
    assert list(bunch.rows) == [0, 1, 2] and list(bunch.lines)[:2] == [1, 1 + n_lines]
    assert (bunch.left_out, bunch.invalid, bunch.not_numbers, bunch.duplicates) == ({}, [], [], [])
    assert (bunch.encoding, bunch.decimal, "separator" in bunch) == ("utf-8", ".", False)
    assert bunch.filename == str(tmp_path / "own.sdf")
    for text in ("the mol blocks", "logS", "utf-8", "3 in the file, 3 here"):
        assert text in bunch.DESCR


def test_return_X_y_and_as_frame(load):
    X, y = load(GOOD, target=["logS"], return_X_y=True)
    assert (X.shape, y.shape) == ((3,), (3, 1))
    frame = load(GOOD, target="logS", as_frame=True).frame
    assert list(frame.columns) == ["smiles", "logS"] and isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize("v3000", [False, True])
def test_a_drawing_gives_the_molecule_that_was_drawn(tmp_path, v3000):
    mols = [Chem.MolFromSmiles(text) for text in load_solubility(subset="test").data[:60]]
    with Chem.SDWriter(str(tmp_path / "in.sdf")) as writer:
        writer.SetForceV3000(v3000)
        for mol in mols:
            Compute2DCoords(mol)
            writer.write(mol)
    assert list(load_sdf(tmp_path / "in.sdf").data) == [Chem.MolToSmiles(mol) for mol in mols]


def test_a_conformer_with_hydrogens_gives_the_molecule(tmp_path):
    smiles = ["C[C@H](N)C(=O)O", "C/C=C\\Cl", "[O-][N+](=O)c1ccccc1", "[2H]C"]
    with Chem.SDWriter(str(tmp_path / "in.sdf")) as writer:
        for text in smiles:
            mol = Chem.AddHs(Chem.MolFromSmiles(text))
            EmbedMolecule(mol, randomSeed=0)
            writer.write(mol)
    assert list(load_sdf(tmp_path / "in.sdf").data) == list(map(Chem.CanonSmiles, smiles))


@pytest.mark.parametrize(
    "parameters",
    [
        {"na_values": ["n.d."], "on_non_numeric": "nan", "on_missing": "drop"},
        {"on_non_numeric": "nan", "on_missing": "keep", "duplicates": "mean"},
        {"on_non_numeric": "nan", "on_missing": "keep", "duplicates": "first"},
        {"labels": True, "on_missing": "drop"},
    ],
)
@pytest.mark.filterwarnings("ignore:.*target values are not numbers")
def test_the_same_rows_as_of_a_csv_file(load, tmp_path, parameters):
    smiles = map(Chem.CanonSmiles, (smiles for smiles, _ in MEASURED))
    lines = [f"{text},{value}" for text, (_, value) in zip(smiles, MEASURED, strict=True)]
    (tmp_path / "own.csv").write_text("\n".join(["smiles,y", *lines]))
    text = "".join(record(smiles, y=value) for smiles, value in MEASURED)
    mine = load(text, target="y", **parameters)
    other = load_csv(tmp_path / "own.csv", target="y", **parameters)
    for name in ("data", "target", "rows"):
        np.testing.assert_array_equal(mine[name], other[name])
    for name in ("left_out", "not_numbers", "duplicates", "decimal"):
        assert mine[name] == other[name]


def test_the_same_checks_as_of_a_csv_file(load):
    text = "".join(record(smiles, y=value) for smiles, value in MEASURED)
    for parameters, message in (
        ({}, r"2 of 6 target values are not numbers:\n  row 2 \(line \d+\), 'y': '<5'"),
        ({"labels": True}, r"1 of 6 rows have no value of 'y':\n  row 4 \(line"),
        ({"labels": True, "on_missing": "drop", "duplicates": "error"}, "CCO: row 0 .*, row 1"),
        ({"labels": True, "duplicates": "mean"}, "is for numbers"),
        ({"duplicates": "median"}, "'duplicates' parameter of load_sdf"),
    ):
        with pytest.raises(ValueError, match=message):
            load(text, target="y", **parameters)
    with pytest.raises(ValueError, match=r"no column 'Y'.*'name', 'smiles', 'y'.*Did you mean 'y'"):
        load(text, target="Y")


def test_a_broken_record_keeps_its_place(load):
    text = record("CCO", logS="1") + BROKEN + "$$$$\n" + record("CC", logS="2")
    with pytest.raises(InvalidMoleculeError, match=r"2 of 4 rows are not valid") as caught:
        load(text, target="logS", on_missing="keep")
    assert "row 1 (line 15): 'name of it': " in str(caught.value)
    assert "row 2 (line 23): '': empty record" in str(caught.value)
    with pytest.warns(InvalidMoleculeWarning, match="2 of 4 rows"):
        bunch = load(text, target="logS", on_missing="keep", on_invalid="keep")
    assert list(bunch.data) == ["CCO", "", "", "CC"]
    np.testing.assert_array_equal(bunch.target, [1, 5, np.nan, 2])
    with pytest.warns(InvalidMoleculeWarning):
        bunch = load(text, target="logS", on_missing="drop", on_invalid="drop")
    assert (list(bunch.data), list(bunch.rows)) == (["CCO", "CC"], [0, 3])


def test_encodings_and_compression(load):
    text = record("CCO", "Äthanol", preis="5 €")
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        for content in (text.encode(encoding), gzip.compress(text.encode(encoding))):
            bunch = load(content)
            assert list(bunch.other_columns["name"]) == ["Äthanol"]
            assert list(bunch.other_columns["preis"]) == ["5 €"]
            assert list(load(content, encoding=encoding).data) == ["CCO"]
    assert list(load(text.replace("\n", "\r\n")).other_columns["preis"]) == ["5 €"]


def test_fields_with_the_names_of_our_columns(load):
    bunch = load(record("CCO", "a", SMILES="OCC", name="b"), target=None)
    assert bunch.feature_names == ["mol_smiles"]
    assert {name: column[0] for name, column in bunch.other_columns.items()} == {
        "mol_name": "a", "SMILES": "OCC", "name": "b"
    }  # fmt: skip


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_empty(load, content):
    with pytest.raises(ValueError, match=r"own\.sdf is empty. Expected a record"):
        load(content)


def test_no_text(load):
    with pytest.raises(ValueError, match="line 2 contains a NUL character"):
        load("ab\nc\0\n")
    with pytest.raises(ValueError, match="Excel workbook"):
        load(b"PK\x03\x04")
    with pytest.raises(InvalidMoleculeError, match="1 of 1 rows is not a valid molecule"):
        load("smiles,y\nCCO,1\n")


def test_query_features_are_an_invalid_row(tmp_path):
    atom_list = "M  ALS   1  2 F C   N   \nM  END"
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CO")).replace("M  END", atom_list)
    block = block.replace(" C   0", " L   0", 1)
    path = tmp_path / "queries.sdf"
    path.write_text(f"{block}$$$$\n{Chem.MolToMolBlock(Chem.MolFromSmiles('CO'))}$$$$\n")
    with pytest.warns(UserWarning, match="query"):
        data = load_sdf(path, on_invalid="drop")
    assert data.data.tolist() == ["CO"]
    assert "atom # 0 is a query" in data.invalid[0].reason
