"""SD files in and out: every record keeps its place, its text and its fields."""

import csv
import gzip
import io
import re
import tempfile
import time
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from rdkit import Chem, rdBase
from rdkit.Chem.rdDepictor import Compute2DCoords
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.screening import predict_file

from .conftest import close, read_csv

ADDED = ["prediction", "invalid_reason"]
dummy = make_pipeline(MorganFingerprinter(fp_size=8), DummyRegressor()).fit(["C", "CC"], [1.0, 2.0])


def block(smiles, title=""):
    mol = Chem.MolFromSmiles(smiles)
    Compute2DCoords(mol)
    mol.SetProp("_Name", title)
    return Chem.MolToMolBlock(mol)


CCO, CCN = block("CCO", "ethanol"), block("CCN", "ethylamine")
CUT = "\n".join(CCO.split("\n")[:6]) + "\n"  # ends among the atoms


def field(name, value):
    return f">  <{name}>\n{value}\n\n"


def predict(
    folder, content, name_out="out.csv", name_in="in.sdf", model=dummy, check=True, **options
):
    """Return the output's rows as dicts of what is not empty, or its text."""
    folder = Path(folder)
    content = content if isinstance(content, bytes) else content.encode()
    (folder / name_in).write_bytes(gzip.compress(content) if "gz" in name_in else content)
    path_out = folder / name_out
    path_out.unlink(missing_ok=True)
    predict_file(model, folder / name_in, path_out, **{"chunk_size": 2, **options})
    if not name_out.endswith(".csv"):
        content = path_out.read_bytes()
        return gzip.decompress(content) if name_out.endswith(".gz") else content
    with path_out.open(newline="", encoding=options.get("encoding", "utf-8")) as file:
        header, *rows = csv.reader(file, strict=True)
    assert header[-2:] == ADDED or not check
    return [{k: v for k, v in zip(header, row, strict=True) if v} for row in rows]


ONE = {"name": "ethanol", "smiles": "CCO", "prediction": "1.5"}
OTHER = {"name": "ethylamine", "smiles": "CCN", "prediction": "1.5"}


def test_fields_become_columns_in_the_order_of_the_file(model, tmp_path):
    text = (
        CCO + field("b", "007") + field("a", "x, y") + "$$$$\n"
        + block("C[C@H](N)C(=O)O") + field("c", "two\nlines") + field("a", "") + "$$$$\n"
    )  # fmt: skip
    predict(tmp_path, text, model=model)
    header, one, two = read_csv(tmp_path / "out.csv")
    assert header == ["name", "smiles", "b", "a", "c", *ADDED]
    assert one[:5] == ["ethanol", "CCO", "007", "x, y", ""]
    assert two[:5] == ["", "C[C@H](N)C(=O)O", "", "", "two\nlines"]
    assert close([one[5], two[5]], model.predict(["CCO", "C[C@H](N)C(=O)O"]))
    predict(tmp_path, text, "out.parquet", model=model)
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == header
    assert table["a"].to_pylist() == ["x, y", ""] and table["c"].to_pylist() == [None, "two\nlines"]


# What RDKit's own suppliers cut short, merge or lose.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CCO + "$$$$\n" + CCN, [ONE, OTHER]),
        (CCO + "$$$$\n" + CCN + "$$$$", [ONE, OTHER]),
        (CCO + "$$$$\n" + CCN + "$$$$\n\n \n\n", [ONE, OTHER]),
        (CCO + "$$$$\n" + CCN.removesuffix("\n"), [ONE, OTHER]),
        (CCO + "$$$$\n" + CUT, [ONE, {"name": "ethanol", "invalid_reason": "Atom line too short"}]),
        (CUT + "$$$$\n" + CCN, [{"invalid_reason": "Atom line too short: '' on line 7"}, OTHER]),
        (CCO + "\n" * 20_001 + CCO + "$$$$\n" + CCN, [{"invalid_reason": "two mol blocks"}, OTHER]),
        (CUT + "\n" * 20_001 + "$$$$\n" + CCN, [{"invalid_reason": "than 20000 lines"}, OTHER]),
        (
            CCO.replace("M  END\n", "") + field("id", "7") + "$$$$\n" + CCN + "$$$$\n",
            [{"name": "ethanol", "id": "7", "invalid_reason": ""}, OTHER],
        ),
        ("$$$$\n" + CCN + "$$$$\n", [{"invalid_reason": "empty record"}, OTHER]),
        ("\n$$$$\n" + CCN + "$$$$\n", [{"invalid_reason": "empty record"}, OTHER]),
        (CCO + "$$$$\n\n\n$$$$\n", [ONE, {"invalid_reason": "empty record"}]),
        # No $$$$ between two molecules
        (
            CCO + field("id", "7") + CCN + "$$$$\n" + CCN,
            [{"name": "ethanol", "invalid_reason": "two mol blocks in one record"}, OTHER],
        ),
        (
            CCO + CCN + "$$$$\n" + CCN,
            [{"name": "ethanol", "invalid_reason": "two mol blocks in one record"}, OTHER],
        ),
        # No blank line at the end of a field, and blank lines inside one
        (CCO + ">  <id>\n7\n$$$$\n" + CCN, [{**ONE, "id": "7"}, OTHER]),
        (CCO + field("id", "7\n\n8") + field("x", "9") + "$$$$\n" + CCN,
         [{**ONE, "id": "7\n\n8", "x": "9"}, OTHER]),
        (CCO + "\n\n" + field("id", "7") + "$$$$\n" + CCN, [{**ONE, "id": "7"}, OTHER]),
        (CCO + "note\n\n" + field("id", "7") + "$$$$\n" + CCN,
         [{"name": "ethanol", "invalid_reason": "text behind the mol block"}, OTHER]),
        # A field twice, and fields without a name
        (CCO + field("id", "7") * 2 + "$$$$\n" + CCN, [{**ONE, "id": "7\n7"}, OTHER]),
        (CCO + "> 25\n7\n\n>  <>\n8\n\n$$$$\n" + CCN, [{**ONE, "> 25": "7", ">  <>": "8"}, OTHER]),
        (CCO + "> 25 <id> (DT12)\n7\n\n$$$$\n" + CCN, [{**ONE, "id": "7"}, OTHER]),
        # Molecules that RDKit refuses
        (
            block("C").replace(" C  ", " Xx ") + "$$$$\n" + CCN,
            [{"invalid_reason": "Element 'Xx' not found"}, OTHER],
        ),
        (
            block("CC").replace("1  2  1", "1  7  1") + "$$$$\n" + CCN,
            [{"invalid_reason": "Unexpected error hit on line 7"}, OTHER],
        ),
        (
            block("FC(F)(F)F").replace(" F  ", " O  ").replace("1  0", "2  0") + "$$$$\n" + CCN,
            [{"invalid_reason": "Explicit valence for atom # 1 C, 8"}, OTHER],
        ),
        ("\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n$$$$\n" + CCN,
         [{"invalid_reason": "no atoms"}, OTHER]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_no_record_is_lost_or_moved(tmp_path, text, expected, line_end):
    text = text.replace("\n", line_end)
    rows = predict(tmp_path, text)
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        reason = row.pop("invalid_reason", "")
        assert wanted.get("invalid_reason", "") in reason
        assert ("invalid_reason" in wanted) == bool(reason) != ("prediction" in row)
        wanted = {name: cell for name, cell in wanted.items() if name != "invalid_reason"}
        assert row == wanted or (reason and wanted.items() <= row.items())


def without_added(written):
    """Take the fields that were added out of a file."""
    return re.sub(r">  <(prediction|invalid_reason)>(\r?\n)[^\n]*\n\r?\n", "", written)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", field("id", "7"), field("id", "a\n\nb") + field("id", "")])
@pytest.mark.parametrize("first", [CCO, CUT, "", "\n\n\n", "> <x\n\n"])
def test_the_text_of_a_record_stays(tmp_path, first, tail, line_end):
    text = f"{first}{tail}$$$$\n{CCN}{tail}$$$$\n".replace("\n", line_end)
    written = predict(tmp_path, text, "out.sdf").decode()
    assert written.count(f"$$$${line_end}") == 2
    one, two = written.split(f"$$$${line_end}")[:2]
    original_one, original_two = text.split(f"$$$${line_end}")[:2]
    assert two == f"{original_two}{field('prediction', '1.5').replace(chr(10), line_end)}"
    assert one.startswith(original_one)
    assert one.count("<prediction>") + one.count("<invalid_reason>") == 1
    # Only what has no end of its own gets one.
    assert without_added(one) in (original_one, original_one + line_end)
    rows = predict(tmp_path, text)
    again = predict(tmp_path, written, prediction_column="p", reason_column="r", check=False)
    for row, repeated in zip(rows, again, strict=True):
        assert repeated.pop("p", None) == row.get("prediction")
        assert bool(repeated.pop("r", None)) == bool(row.get("invalid_reason"))
        assert repeated == row


@pytest.mark.parametrize(
    ("text", "end"),
    [(CCO, ""), (CCO.removesuffix("\n"), "\n"), (CCO + ">  <id>\n7", "\n\n")],
)
def test_a_last_record_without_an_end_gets_one(tmp_path, text, end):
    written = predict(tmp_path, text, "out.sdf").decode()
    assert written == f"{text}{end}{field('prediction', '1.5')}$$$$\n"


def test_rdkit_reads_what_was_written(tmp_path):
    text = CCO + field("id", "7") + "$$$$\n" + CUT + "$$$$\n" + CCN + ">  <id>\n8\n$$$$\n"
    written = predict(tmp_path, text, "out.sdf")
    with rdBase.BlockLogs():
        one, cut, two = Chem.ForwardSDMolSupplier(BytesIO(written))
    assert cut is None
    assert one.GetPropsAsDict() == {"id": 7, "prediction": 1.5}
    assert two.GetPropsAsDict() == {"id": 8, "prediction": 1.5}
    assert (one.GetProp("_Name"), Chem.MolToSmiles(two)) == ("ethanol", "CCN")


def test_a_record_predicts_as_its_smiles_does(model, tmp_path):
    smiles = load_solubility(subset="test").data[:50].tolist()
    text = "".join(f"{block(s)}$$$$\n" for s in smiles)
    rows = predict(tmp_path, text, model=model, chunk_size=20)
    assert [row["smiles"] for row in rows] == list(map(Chem.CanonSmiles, smiles))
    assert close([row["prediction"] for row in rows], model.predict(smiles))
    # With the hydrogens written, too
    text = "".join(f"{Chem.MolToMolBlock(Chem.AddHs(Chem.MolFromSmiles(s)))}$$$$\n" for s in "CNO")
    assert [row["smiles"] for row in predict(tmp_path, text)] == ["C", "N", "O"]


def test_columns_that_are_fields_already(tmp_path):
    text = CCO + field("prediction", "1") + "$$$$\n"
    with pytest.raises(ValueError, match=r"in\.sdf has column\(s\) \['prediction'\] already"):
        predict(tmp_path, text, "out.sdf")
    rows = predict(tmp_path, CCO + field("Name", "x") + field("smiles", "y") + "$$$$\n")
    assert rows == [
        {"mol_name": "ethanol", "mol_smiles": "CCO", "Name": "x", "smiles": "y",
         "prediction": "1.5"}
    ]  # fmt: skip
    with pytest.raises(ValueError, match="in an SD file the molecules are the mol blocks"):
        predict(tmp_path, CCO, smiles_column="smiles")
    with pytest.raises(ValueError, match="has no place for the other columns"):
        predict(tmp_path, CCO, "out.smi")


def test_encodings(tmp_path):
    text = block("CCO", "Äthanol") + field("preis", "5 €") + "$$$$\n"
    with pytest.raises(ValueError, match=r"in\.sdf is not utf-8, soon after line 0: .* Set enc"):
        predict(tmp_path, text.encode("cp1252"))
    for encoding in ("utf-8", "cp1252", "utf-16"):
        for name in ("out.sdf", "out.sdf.gz"):
            written = predict(tmp_path, text.encode(encoding), name, encoding=encoding)
            expected = text.replace("$$$$", f"{field('prediction', '1.5')}$$$$")
            assert written == expected.encode(encoding)
    rows = predict(tmp_path, text.encode("utf-8-sig"))
    assert rows == [
        {"name": "Äthanol", "smiles": "CCO", "preis": "5 €", "prediction": "1.5"}
    ]  # fmt: skip
    written = predict(tmp_path, text.encode("utf-8-sig"), "out.sdf")
    assert written.startswith(b"\xef\xbb\xbf" + "Äthanol".encode())
    with pytest.raises(ValueError, match="line 2 contains a NUL"):
        predict(tmp_path, "a\n\0\n")
    with pytest.raises(ValueError, match=r"in\.sdf\.gz is damaged"):
        (tmp_path / "in.sdf.gz").write_bytes(gzip.compress(text.encode() * 99)[:-10])
        predict_file(dummy, tmp_path / "in.sdf.gz", tmp_path / "no.csv")


def test_stray_carriage_returns(tmp_path):
    text = block("CCO", "a\rb") + field("x", "1\r2") + "$$$$\n"
    assert predict(tmp_path, text)[0] == {**ONE, "name": "a\rb", "x": "1\r2"}
    with pytest.warns(UserWarning, match=r"None of the first 1 .* lines that end with \\r alone"):
        predict(tmp_path, text.replace("\n", "\r"))


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for n_records in (200, 2_000):
        path_in, path_out = tmp_path / f"{n_records}.sdf", tmp_path / f"out{n_records}.sdf"
        path_in.write_text((CCO + field("id", "7") + "$$$$\n") * n_records)
        tracemalloc.start()
        predict_file(dummy, path_in, path_out, chunk_size=50)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_no_records(tmp_path):
    for text in ("", "\n \n"):
        assert predict(tmp_path, text) == []
        assert predict(tmp_path, text, "out.sdf") == b""


def test_rows_of_tables_become_records(model, tmp_path):
    rows = [
        ("smiles", "name", "note", ""),
        ("C/C=C/[C@H](N)O", "a\nb", "x\n\ny", "7"),
        ("CC=CC", "", "$$$$", ""),
        ("C(", "broken", ">  <id>", ""),
        ("", "", "", ""),
    ]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    written = predict(tmp_path, text.getvalue(), "out.sdf", "in.csv", model=model)
    mols = list(Chem.ForwardSDMolSupplier(BytesIO(written)))
    assert [mol.GetNumAtoms() for mol in mols] == [6, 4, 0, 0]
    # The drawing has the stereochemistry of the SMILES, and none where that has none.
    assert [Chem.MolToSmiles(mol) for mol in mols[:2]] == list(
        map(Chem.CanonSmiles, ["C/C=C/[C@H](N)O", "CC=CC"])
    )
    assert mols[0].GetConformer().Is3D() is False
    one, two, broken, empty = [
        {name: mol.GetProp(name) for name in mol.GetPropNames()} for mol in mols
    ]
    predictions = [one.pop("prediction"), two.pop("prediction")]
    assert close(predictions, model.predict(["C/C=C/[C@H](N)O", "CC=CC"]))
    assert one == {"smiles": rows[1][0], "name": "a\nb", "note": "x\n \ny", "column 4": "7"}
    assert two == {"smiles": "CC=CC", "note": " $$$$"}
    assert broken == {"smiles": "C(", "name": "broken", "note": ">  <id>",
                      "invalid_reason": "syntax error around position 2"}  # fmt: skip
    assert empty == {"invalid_reason": "empty string"}
    assert [mol.GetProp("_Name") for mol in mols] == ["a b", "", "broken", ""]
    # And back again
    again = predict(tmp_path, written, reason_column="r", prediction_column="p", check=False)
    assert [row.get("p") for row in again] == ["1.5", "1.5", None, None]
    assert [row.get("r") for row in again] == [None, None, "no atoms", "no atoms"]


def test_tables_that_cannot_be_records(tmp_path):
    with pytest.raises(ValueError, match=r"two fields of one name, here \['x'\]"):
        predict(tmp_path, "smiles,x,x\nC,1,2\n", "out.sdf", "in.csv")
    with pytest.raises(ValueError, match=r"no line breaks in \['x\\ny'\]"):
        predict(tmp_path, 'smiles,"x\ny"\nC,1\n', "out.sdf", "in.csv")


def test_names_of_an_smi_file_become_titles(tmp_path):
    written = predict(tmp_path, "CCO ethanol 95 %\nC(\n", "out.sdf.gz", "in.smi")
    mols = list(Chem.ForwardSDMolSupplier(BytesIO(written)))
    assert [mol.GetProp("_Name") for mol in mols] == ["ethanol 95 %", ""]


# As the format has it: no line breaks in names, no blank lines in values.
plain_text = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=6
)
# RDKit hides names that begin with an underscore.
names = plain_text.filter(lambda name: name.strip("_") == name != "" and not set("<>") & set(name))
values = st.lists(plain_text.filter(str.strip), max_size=3).map("\n".join)
blocks = st.sampled_from([CCO, CCN, block("c1ccccc1")])


@settings(max_examples=60)
@given(st.lists(st.tuples(blocks, st.dictionaries(names, values, max_size=3)), max_size=4))
def test_fields_are_what_rdkit_reads(records):
    records = [(mol, fields) for mol, fields in records if "$$$$" not in "".join(fields.values())]
    text = "".join(
        mol + "".join(field(*pair) for pair in fields.items()) + "$$$$\n" for mol, fields in records
    )
    with tempfile.TemporaryDirectory() as folder:
        columns = {"reason_column": "<reason>", "prediction_column": "<p>"}  # no field's name
        rows = predict(folder, text, **columns, check=False)
        mols = list(Chem.ForwardSDMolSupplier(BytesIO(text.encode())))
    assert len(rows) == len(mols) == len(records)
    for row, mol, (_, fields) in zip(rows, mols, records, strict=True):
        assert row.pop("<p>") == "1.5"
        smiles = [name for name in row if name.endswith("smiles") and name not in fields]
        title = [name for name in row if name.endswith("name") and name not in fields]
        assert row.pop(smiles[0]) == Chem.MolToSmiles(mol)
        assert not title or row.pop(title[0]) == mol.GetProp("_Name")
        assert row == {n: mol.GetProp(n) for n in mol.GetPropNames() if mol.GetProp(n)}


hostile = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | (
    st.sampled_from(["", "\n", "\r", "$$$$", "x\n$$$$\ny", "M  END", "> <a>", "\n\n", " ", "\v"])
)


@pytest.mark.filterwarnings("ignore:None of the first")
@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(["C", "CCO", "C(", ""]), hostile, hostile), min_size=1, max_size=5
    )
)
def test_hostile_values_of_tables_stay_in_their_record(rows):
    table = io.StringIO(newline="")
    csv.writer(table).writerows([("smiles", "name", "value"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        written = predict(folder, table.getvalue(), "out.sdf", "in.csv")
        again = predict(folder, written, prediction_column="p", reason_column="r", check=False)
    with rdBase.BlockLogs():
        mols = list(Chem.ForwardSDMolSupplier(BytesIO(written)))
    assert len(mols) == len(again) == len(rows)
    for mol, row, (smiles, name, value) in zip(mols, again, rows, strict=True):
        assert mol.GetNumAtoms() == {"C": 1, "CCO": 3}.get(smiles, 0)
        assert mol.HasProp("prediction") == (smiles in ("C", "CCO")) == ("p" in row)
        assert row.get("smiles", "") == smiles
        for field_name, cell in (("name", name), ("value", value)):
            # But for the spaces that keep lines from being an end, and one kind of line break
            found = mol.GetProp(field_name) if mol.HasProp(field_name) else ""
            lines = re.split(r"\r\n|\r|\n", cell)
            for line, original in zip(found.split("\n"), lines, strict=True):
                assert line in (original, f" {original}")
            assert row.get(field_name, "") == found


@pytest.mark.filterwarnings("ignore:None of the first")
@settings(max_examples=150)
@given(
    pieces=st.lists(
        st.sampled_from([CCO, CUT, "$$$$\n", "M  END\n", "\n", field("id", "7"), "> <", "$$$$"])
        | hostile,
        max_size=8,
    ),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_any_text_keeps_its_records(pieces, encoding):
    text = "".join(pieces)
    ends = [line for line in text.split("\n") if line.startswith("$$$$")]
    last = text.rpartition("\n$$$$")[2] if ends else text
    rest = last.partition("\n")[2] if ends else text
    n_records = len(ends) + bool(rest.strip())
    assume(not text.startswith("\ufeff"))
    with tempfile.TemporaryDirectory() as folder:
        content = text.encode(encoding)
        options = {"encoding": encoding, "prediction_column": "p", "reason_column": "r"}
        rows = predict(folder, content, check=False, **options)
        written = predict(folder, content, "out.sdf", **options)
        options = {"encoding": encoding, "prediction_column": "p2", "reason_column": "r2"}
        again = predict(folder, written, check=False, **options)
    assert len(rows) == len(again) == n_records
    assert [row.get("p") for row in rows] == [row.get("p2") for row in again]


def test_large_molecules_are_written_without_coordinates(model, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(f"smiles\n{'C' * 2000}\nC[C@H](N)O\n")
    began = time.process_time()
    predict_file(model, path, tmp_path / "out.sdf")
    assert time.process_time() - began < 10  # to lay it out takes half a minute
    large, small = Chem.SDMolSupplier(str(tmp_path / "out.sdf"))
    assert large.GetNumAtoms() == 2000
    assert large.GetProp("smiles") == "C" * 2000
    assert Chem.MolToSmiles(small) == "C[C@H](N)O"
