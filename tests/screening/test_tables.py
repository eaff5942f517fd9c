"""Tables as people have them: headers, delimiters, and what is wrong with them."""

import csv
import gzip
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.screening import predict_file

from .conftest import read_csv

ADDED = ["prediction", "invalid_reason"]
dummy = make_pipeline(MorganFingerprinter(fp_size=8), DummyRegressor()).fit(["C", "CC"], [1.0, 2.0])


def predict(folder, text, name_in="in.csv", name_out="out.csv", **options):
    """Return the summary, and the output as text."""
    folder = Path(folder)
    (folder / name_in).write_bytes(text.encode())
    summary = predict_file(dummy, folder / name_in, folder / name_out, **options)
    return summary, (folder / name_out).read_bytes().decode()


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("CCO\nCCC\nCCN\n", "in.csv", {}),
        ("CCO\nCCC\nCCN\n", "in.tsv", {}),
        ("CCO,1\nCCC,2\n", "in.csv", {"smiles_column": "CCO"}),
        ("sep=;\nCCO;1\nCCC;2\n", "in.csv", {"smiles_column": "CCO"}),
    ],
)
def test_a_molecule_is_not_taken_for_a_header(tmp_path, text, name, options):
    message = r"'CCO' is a valid SMILES, so .* no header.* Add a first line .* rename .* \.smi"
    with pytest.raises(ValueError, match=message):
        predict(tmp_path, text, name, **options)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_molecule_may_be_the_name_of_a_column_of_parquet(tmp_path):
    parquet.write_table(pa.table({"C": ["CCO"]}), tmp_path / "in.parquet")
    assert predict_file(dummy, tmp_path / "in.parquet", tmp_path / "out.csv").n_invalid == 0


def test_a_hint_if_the_first_line_looks_like_data(tmp_path):
    with pytest.raises(ValueError, match="may lack its header: 'CCO'"):
        predict(tmp_path, "a,CCO\nb,CCC\n")


@pytest.mark.parametrize("name", ["in.csv", "in.tsv", "in.csv.gz", "in.tab"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, name, delimiter):
    text = f"smiles{delimiter}id\nCCO{delimiter}1\nCCC{delimiter}2\n"
    expected = text.replace("id\n", delimiter.join(["id", *ADDED]) + "\n")
    for row in ("1\n", "2\n"):
        expected = expected.replace(row, f"{row[0]}{delimiter}1.5{delimiter}\n")
    content = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    out = tmp_path / f"out{Path(name.removesuffix('.gz')).suffix}"
    assert predict_file(dummy, tmp_path / name, out).n_invalid == 0
    assert out.read_text() == expected
    # A file of another kind has the delimiter that its name tells.
    other = tmp_path / ("other.csv" if ".csv" not in name else "other.tsv")
    predict_file(dummy, tmp_path / name, other)
    mark = "," if other.suffix == ".csv" else "\t"
    assert other.read_text().splitlines()[0] == mark.join(["smiles", "id", *ADDED])


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffsep=;"])
def test_first_line_of_excel_names_the_delimiter(tmp_path, first):
    # Cut at its commas, too, every row has two cells.
    text = f"{first}\r\nsmiles;x, y\r\nCCO;1,1\r\n"
    summary, written = predict(tmp_path, text)
    assert (summary.n_rows, summary.n_invalid) == (1, 0)
    assert written == f"{first}\r\nsmiles;x, y;prediction;invalid_reason\r\nCCO;1,1;1.5;\r\n"
    _, written = predict(tmp_path, text, name_out="out.tsv")
    assert written == "smiles\tx, y\tprediction\tinvalid_reason\r\nCCO\t1,1\t1.5\t\r\n"


def test_first_line_of_excel_counts_as_a_line(tmp_path):
    with pytest.raises(ValueError, match=r"1 of 2 rows .* 2 fields .*\n  line 4: 1 field"):
        predict(tmp_path, "sep=;\nsmiles;x\nC;1\nC\n")
    with pytest.raises(ValueError, match=r"1 of 2 rows .* 2 fields"):
        predict(tmp_path, "sep=;\nsmiles,x\nC,1\nC\n", delimiter=",")


def test_a_wrong_delimiter_is_warned_of(tmp_path):
    message = r"None of the first 2 of 2 rows has a prediction; row 1 is 'CCO;1': .* delimiter="
    with pytest.warns(UserWarning, match=message):
        summary, _ = predict(tmp_path, "smiles;id\nCCO;1\nCCC;2\n", delimiter=",", chunk_size=2)
    assert (summary.n_rows, summary.n_invalid) == (2, 2)


def test_a_long_file_without_molecules_is_warned_of_at_once(tmp_path):
    text = "smiles\n" + "C(\n" * 1_500 + "C\n"
    with pytest.warns(UserWarning, match=r"None of the first 1200 of 1501 rows") as caught:
        summary, _ = predict(tmp_path, text, chunk_size=400)
    assert len(caught) == 1
    assert (summary.n_rows, summary.n_invalid) == (1501, 1500)


@pytest.mark.parametrize("mark", [",", ";"])
def test_smi_with_another_delimiter(tmp_path, mark):
    message = rf"separated by '{mark}', but in \.smi files a space or a tab .* \.csv"
    with pytest.raises(ValueError, match=message):
        predict(tmp_path, f"CCO{mark}1\nCCC{mark}2\n", "in.smi")
    with pytest.raises(ValueError, match=message):
        predict(tmp_path, f"smiles{mark}id\nCCC{mark}2\n", "in.smi")
    # In the name it is text, and in one row it is that row's fault.
    text = f"CCO 1{mark}2\nC{mark} x\n"
    assert predict(tmp_path, text, "in.smi")[0].n_invalid == 1


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_that_is_too_long(tmp_path, quote):
    text = f"smiles,x\nC,1\nC,{quote}{'x' * 140_000}{quote}\n"
    with pytest.raises(ValueError, match=r"begins in line 3 .* more than 131,072 char"):
        predict(tmp_path, text)


@pytest.mark.parametrize("name", ["in.csv", "in.smi"])
def test_a_zero_byte(tmp_path, name):
    with pytest.raises(ValueError, match=r"line 3 contains a NUL character .* remove the zero"):
        predict(tmp_path, "smiles\nC\nC\0\n", name)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@st.composite
def tables(draw):
    """Draw rows with a header, how they are written, and what the file is called."""
    smiles = st.sampled_from(["C", "CC", "", "C("])
    rows = draw(st.lists(st.tuples(cells, cells, smiles), min_size=1, max_size=6))
    delimiter = draw(st.sampled_from(",;\t|"))
    manner = {
        "delimiter": delimiter,
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n"])),
    }
    first = draw(st.sampled_from(["", f"sep={delimiter}{manner['lineterminator']}"]))
    return rows, manner, first, draw(st.sampled_from([".csv", ".tsv"]))


@pytest.mark.filterwarnings("ignore:None of the first")
@settings(max_examples=60)
@given(
    table=tables(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    out=st.sampled_from([".csv", ".tsv"]),
)
def test_no_row_is_lost_moved_or_changed(table, encoding, out):
    rows, manner, first, ending = table
    text = io.StringIO(newline="")
    text.write(first)
    csv.writer(text, **manner).writerows([("a", "b", "smiles"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        path_in, path_out = Path(folder, f"in{ending}"), Path(folder, f"out{out}")
        path_in.write_bytes(text.getvalue().encode(encoding))
        summary = predict_file(dummy, path_in, path_out, encoding=encoding, chunk_size=2)
        written = path_out.read_bytes().decode(encoding)
    assert summary.n_rows == len(rows)
    mark = manner["delimiter"] if out == ending else {".csv": ",", ".tsv": "\t"}[out]
    if mark == manner["delimiter"]:
        assert written.startswith(first)
        written = written.removeprefix(first)
    header, *read = csv.reader(io.StringIO(written, newline=""), delimiter=mark, strict=True)
    assert header == ["a", "b", "smiles", *ADDED]
    assert [tuple(row[:3]) for row in read] == rows
    assert [row[3] for row in read] == ["1.5" if row[2] in ("C", "CC") else "" for row in rows]


def test_the_extension_of_cxsmiles_is_no_part_of_the_name(model, tmp_path):
    path = tmp_path / "in.smi"
    path.write_text("C[C@H](N)O |&1:1| Z1 name\nCCO |$a;b;c$|\nCCO name |x|\n")
    predict_file(model, path, tmp_path / "out.csv")
    header, *rows = read_csv(tmp_path / "out.csv")
    assert header[:3] == ["smiles", "name", "prediction"]
    assert [row[0] for row in rows] == ["C[C@H](N)O |&1:1|", "CCO |$a;b;c$|", "CCO"]
    assert [row[1] for row in rows] == ["Z1 name", "", "name |x|"]
    assert all(row[2] for row in rows)


def test_a_molecule_with_its_name_is_refused_as_header(model, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("CCO ethanol\nCCC propane\n")
    with pytest.raises(ValueError, match="'CCO ethanol' is a valid SMILES"):
        predict_file(model, path, tmp_path / "out.csv")
