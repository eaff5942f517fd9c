"""Every format in and out: rows, order and other columns stay what they were."""

import csv
import datetime
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
from skchem_dl.screening import _parquet, predict_file

from .conftest import INVALID, close, read_csv

NAMES = ["id", "smiles", "made on", "price"]
ROWS = [
    ["007", "CCO", "2024-02-01", "1.50"],
    ["008", "C(", "01/02/2024", "1e3"],
    ["0009", "c1ccccc1", "", "NaN"],
    ["a,b", "CCN", 'said "x"', "null"],
    ["two\nlines", "", "é", "TRUE"],
]
SMILES = [row[1] for row in ROWS]
REASONS = ["", INVALID["C("], "", "", "empty string"]
ADDED = ["prediction", "invalid_reason"]


def write_input(folder, ending):
    path = folder / f"in{ending}"
    if ending == ".parquet":
        columns = list(map(list, zip(*ROWS, strict=True)))
        parquet.write_table(pa.table(columns, names=NAMES), path, row_group_size=2)
        return path
    text = io.StringIO()
    csv.writer(text, delimiter="\t" if "tsv" in ending else ",").writerows([NAMES, *ROWS])
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    return path


def read_output(path):
    if path.suffix == ".parquet":
        table = parquet.read_table(path)
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        return [table.column_names, *(["" if v is None else str(v) for v in row] for row in rows)]
    return read_csv(path, "\t" if "tsv" in path.name else ",")


ENDINGS = [".csv", ".tsv.gz", ".parquet"]


@pytest.mark.parametrize("out", [".csv.gz", ".tsv", ".parquet"])
@pytest.mark.parametrize("into", ENDINGS)
def test_any_format_to_any_other(model, tmp_path, into, out):
    path_out = tmp_path / f"out{out}"
    summary = predict_file(model, write_input(tmp_path, into), path_out, chunk_size=2)
    header, *rows = read_output(path_out)
    assert header == [*NAMES, *ADDED]
    assert [row[:4] for row in rows] == ROWS
    assert [row[5] for row in rows] == REASONS
    assert [row[4] == "" for row in rows] == [reason != "" for reason in REASONS]
    assert close([rows[0][4], *(row[4] for row in rows[2:4])], model.predict(["CCO", *SMILES[2:4]]))
    assert summary[:4] == (path_out, 5, 2, 0)
    assert summary.columns == tuple(ADDED)
    assert {path.name for path in tmp_path.iterdir()} == {f"in{into}", f"out{out}"}


# Any text; all that a cell may hold, but for half characters, which no file can hold, and NUL.
plain_cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
odd_cells = ["00012", "1.0", "1e5", '"', '""', ",", "\n", "\r\n", "\r", "a\nb", " x ", "\ufeff"]
cells = plain_cells | st.sampled_from([*odd_cells, "=1+1", "é"])
dummy = make_pipeline(MorganFingerprinter(fp_size=8), DummyRegressor()).fit(["C", "CC"], [1.0, 2.0])


def csv_line(row, quoting):
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\r\n").writerow(row)
    return text.getvalue().removesuffix("\r\n")


@pytest.mark.filterwarnings("ignore:None of the first")
@settings(max_examples=50)
@given(
    rows=st.lists(st.tuples(cells, cells, st.sampled_from(["C", "CC", "", "C("])), max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    last_line_end=st.booleans(),
)
def test_text_stays_as_it_is_to_the_letter(rows, quoting, line_end, last_line_end):
    lines = [csv_line(row, quoting) for row in [("a", "b", "smiles"), *rows]]
    content = line_end.join(lines) + (line_end if last_line_end else "")
    with tempfile.TemporaryDirectory() as folder:
        path_in, path_out = Path(folder) / "in.csv", Path(folder) / "out.csv"
        path_in.write_bytes(content.encode())
        predict_file(dummy, path_in, path_out, chunk_size=2)
        written = path_out.read_bytes().decode()
    added = [["", INVALID[row[2]]] if row[2] in INVALID else ["1.5", ""] for row in rows]
    read = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    assert [tuple(row) for row in read[1:]] == [
        (*row, *more) for row, more in zip(rows, added, strict=True)
    ]
    # Quotes and ends of lines too; one that is missing at the end is added.
    if not rows and not last_line_end:
        line_end = "\n"
    assert written == "".join(
        f"{line},{','.join(more)}{line_end}"
        for line, more in zip(lines, [ADDED, *added], strict=True)
    )


@pytest.mark.filterwarnings("ignore:None of the first")
@settings(max_examples=30)
@given(st.lists(st.tuples(cells, st.sampled_from(["C", "C("])), max_size=5))
def test_text_survives_parquet(rows):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        table = pa.table(
            [pa.array([row[k] for row in rows], pa.string()) for k in (0, 1)],
            names=["name", "smiles"],
        )
        parquet.write_table(table, folder / "in.parquet")
        predict_file(dummy, folder / "in.parquet", folder / "out.csv", chunk_size=2)
        predict_file(
            dummy,
            folder / "out.csv",
            folder / "out.parquet",
            prediction_column="again",
            reason_column="why",
        )
        assert parquet.read_table(folder / "out.parquet", columns=["name", "smiles"]) == table


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_no_rows(model, tmp_path, ending):
    path_in = tmp_path / "in.csv"
    path_in.write_text("id,smiles\r\n")
    summary = predict_file(model, path_in, tmp_path / f"out{ending}")
    assert (summary.n_rows, summary.n_invalid) == (0, 0)
    assert read_output(summary.path) == [["id", "smiles", *ADDED]]
    if ending == ".csv":
        assert summary.path.read_bytes() == b"id,smiles,prediction,invalid_reason\r\n"


def test_an_empty_file(model, tmp_path):
    (tmp_path / "in.csv").touch()
    with pytest.raises(ValueError, match=r"in\.csv is empty; expected a line with the columns"):
        predict_file(model, tmp_path / "in.csv", tmp_path / "out.csv")
    (tmp_path / "in.smi.gz").write_bytes(gzip.compress(b""))
    predict_file(model, tmp_path / "in.smi.gz", tmp_path / "out.smi.gz")
    assert gzip.decompress((tmp_path / "out.smi.gz").read_bytes()) == b""


def test_a_single_row_without_a_line_end(model, tmp_path):
    (tmp_path / "in.csv").write_bytes(b"smiles\nCCO")
    predict_file(model, tmp_path / "in.csv", tmp_path / "out.csv")
    header, row = read_csv(tmp_path / "out.csv")
    assert (header, row[0], row[2]) == (["smiles", *ADDED], "CCO", "")
    assert close([row[1]], model.predict(["CCO"]))


def test_blank_lines(model, tmp_path):
    # In the middle of one column an empty line is an empty SMILES; at the end it is nothing.
    (tmp_path / "in.csv").write_bytes(b"smiles\nCCO\n\nCC\n\n\n")
    predict_file(model, tmp_path / "in.csv", tmp_path / "out.csv")
    rows = read_csv(tmp_path / "out.csv")[1:]
    assert [(row[0], row[2]) for row in rows] == [("CCO", ""), ("", "empty string"), ("CC", "")]


def test_a_row_of_empty_fields_is_a_row(tmp_path):
    for name, text in {
        "in.tsv": "id\tsmiles\nA\tC\n\t\n\n",
        "in.csv": "id,smiles\nA,C\n,\n",
    }.items():
        (tmp_path / name).write_text(text)
        out = tmp_path / f"out_{name}"
        assert predict_file(dummy, tmp_path / name, out).n_rows == 2
        assert out.read_text().split("\n")[2].endswith("empty string")


@pytest.mark.skipif(not hasattr(pa, "string_view"), reason="this pyarrow has no such strings")
@pytest.mark.parametrize("out", ["out.parquet", "out.csv"])
def test_strings_of_parquet_of_another_layout(tmp_path, out):
    column = pa.array(["CCO", None, "C("], pa.string_view())
    parquet.write_table(pa.table({"smiles": column}), tmp_path / "in.parquet")
    summary = predict_file(dummy, tmp_path / "in.parquet", tmp_path / out, chunk_size=2)
    assert (summary.n_rows, summary.n_invalid) == (3, 2)


def smi(tmp_path, text, out="out.smi"):
    (tmp_path / "in.smi").write_text(text, encoding="utf-8", newline="")
    (tmp_path / out).unlink(missing_ok=True)
    predict_file(dummy, tmp_path / "in.smi", tmp_path / out, chunk_size=2)
    return (tmp_path / out).read_bytes().decode()


def test_smi(tmp_path):
    text = "CCO ethanol 95 %\nC(\tbroken\n\nCC\r\nCN |$;$| x"
    assert smi(tmp_path, text).split("\n") == [
        "CCO ethanol 95 %\t1.5\t",
        "C(\tbroken\t\tsyntax error around position 2",
        "\t\t\tempty string",
        "CC\t\t1.5\t\r",
        "CN |$;$| x\t1.5\t",
        "",
    ]
    assert smi(tmp_path, text, "out.csv").splitlines() == [
        "smiles,name,prediction,invalid_reason",
        "CCO,ethanol 95 %,1.5,",
        "C(,broken,,syntax error around position 2",
        ",,,empty string",
        "CC,,1.5,",
        "CN |$;$|,x,1.5,",
    ]


@pytest.mark.parametrize("header", ["SMILES\tID", "\ufeffisomeric_smiles ID", "#smiles ID"])
def test_smi_with_a_header(tmp_path, header):
    text = f"{header}\nCCO\tx\n"
    expected = f"{header}\tprediction\tinvalid_reason\nCCO\tx\t1.5\t\n"
    assert smi(tmp_path, text) == expected
    smiles = header.removeprefix("\ufeff").split()[0]
    assert smi(tmp_path, text, "out.csv").startswith(f"{smiles},ID,prediction")


def test_smi_holds_no_other_columns(model, tmp_path, write_csv):
    with pytest.raises(ValueError, match=r"no place for the other columns; write \.csv"):
        predict_file(model, write_csv([["smiles"], ["C"]]), tmp_path / "out.smi")
    parquet.write_table(pa.table({"smiles": ["C"]}), tmp_path / "in.parquet")
    with pytest.raises(ValueError, match=r"no place for the other columns; write \.csv"):
        predict_file(model, tmp_path / "in.parquet", tmp_path / "out.smi")


@pytest.mark.parametrize(
    ("encoding", "start"),
    [("utf-8", b"\xef\xbb\xbf"), ("utf-8-sig", b"\xef\xbb\xbf"), ("cp1252", b""), ("utf-16", b"")],
)
def test_encodings(tmp_path, encoding, start):
    content = "smiles;näme\nCCO;é\nC;ü\nCC;ß\n".encode(encoding).removeprefix(start)
    (tmp_path / "in.csv").write_bytes(start + content)
    options = {"delimiter": ";", "encoding": encoding, "chunk_size": 1}
    predict_file(dummy, tmp_path / "in.csv", tmp_path / "out.csv", **options)
    rows = "smiles;näme;prediction;invalid_reason\nCCO;é;1.5;\nC;ü;1.5;\nCC;ß;1.5;\n"
    assert (tmp_path / "out.csv").read_bytes() == start + rows.encode(encoding).removeprefix(start)


def test_wrong_encoding(model, tmp_path):
    (tmp_path / "in.csv").write_bytes("smiles,name\nC,é\n".encode("cp1252"))
    with pytest.raises(ValueError, match=r"is not utf-8, soon after line 0: .* Set encoding="):
        predict_file(model, tmp_path / "in.csv", tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["C,1", "C", "C,1,2", "C,1"],
            "2 of 4 rows .* 2 fields .*\n  line 3: 1 f.*\n  line 4: 3 f",
        ),
        (["C,1", "", "C,1"], "1 of 3 rows .*\n  line 3: 1 field"),
        (["C"] * 7, r"7 of 7 rows .*(\n  line \d: 1 .*){5}\n  \.\.\. and 2 more\nFix"),
        (
            ['"C', '",1', '"C"x,1'],
            "begins in line 4 are wrong .',' expected after '\"'",
        ),
        (['C,"1', "C,1"], "begins in line 2 are wrong .unexpected end of data"),
    ],
)
def test_malformed_rows_are_named_before_anything_is_done(model, tmp_path, lines, message):
    (tmp_path / "in.csv").write_text("\n".join(["smiles,x", *lines]) + "\n")
    with pytest.raises(ValueError, match=message):
        predict_file(model, tmp_path / "in.csv", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_damaged_files(model, tmp_path):
    whole = gzip.compress(b"smiles\n" + b"CCO\n" * 9999)
    (tmp_path / "in.csv.gz").write_bytes(whole[:-10])
    (tmp_path / "not.csv.gz").write_bytes(b"smiles\nC\n")
    (tmp_path / "in.parquet").write_bytes(b"PAR1")
    for name in ("in.csv.gz", "not.csv.gz", "in.parquet"):
        with pytest.raises(ValueError, match=f"{name} is damaged"):
            predict_file(model, tmp_path / name, tmp_path / "out.csv")


def test_parquet_keeps_types_and_metadata(tmp_path, monkeypatch):
    monkeypatch.setattr(_parquet, "_GROUP_ROWS", 4)
    table = pa.table(
        {
            "mol": pa.array(["CCO", None, "C(", "CC", "CN"]).dictionary_encode(),
            "when": pa.array([datetime.date(2024, 2, 1), None] * 2 + [None]),
            "n": pa.array([1, 2, None, 4, 5], pa.int16()),
            "list": pa.array([[1.5], [], None, [2.0, 3.0], []]),
        }
    ).replace_schema_metadata({"made by": "us"})
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=3)
    predict_file(
        dummy, tmp_path / "in.parquet", tmp_path / "out.parquet", smiles_column="mol", chunk_size=2
    )
    written = parquet.read_table(tmp_path / "out.parquet")
    assert written.drop_columns(ADDED) == table
    assert written.schema.metadata[b"made by"] == b"us"
    assert written["prediction"].to_pylist() == [1.5, None, None, 1.5, 1.5]
    assert written["invalid_reason"].to_pylist() == [
        None,
        "missing value",
        INVALID["C("],
        None,
        None,
    ]
    assert parquet.ParquetFile(tmp_path / "out.parquet").num_row_groups == 2


def test_parquet_that_cannot_be_used(model, tmp_path, write_csv):
    parquet.write_table(pa.table({"smiles": [1]}), tmp_path / "in.parquet")
    with pytest.raises(ValueError, match=r"the column 'smiles' holds int64; expected strings"):
        predict_file(model, tmp_path / "in.parquet", tmp_path / "out.csv")
    parquet.write_table(pa.table({"smiles": ["C"], "x": [[1]]}), tmp_path / "list.parquet")
    with pytest.raises(ValueError, match=r"column 'x' holds list.*; write \.parquet"):
        predict_file(model, tmp_path / "list.parquet", tmp_path / "out.csv")
    path = write_csv([["smiles", "x", "x"], ["C", "1", "2"]])
    with pytest.raises(ValueError, match=r"two columns of one name, here \['x'\]"):
        predict_file(model, path, tmp_path / "out.parquet")
    predict_file(model, path, tmp_path / "out.csv")
    assert read_csv(tmp_path / "out.csv")[1][:3] == ["C", "1", "2"]


def test_pyarrow_is_optional(model, tmp_path, write_csv, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = write_csv([["smiles"], ["C"]])
    with pytest.raises(ImportError, match=r"extra 'scale': pip install 'skchem_dl\[scale\]'"):
        predict_file(model, path, tmp_path / "out.parquet")
    predict_file(model, path, tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["in.txt", "in", "in.parquet.gz", "in.csv.bz2"])
def test_unknown_formats(model, tmp_path, write_csv, name):
    with pytest.raises(ValueError, match=rf"name '{name}' does not say .* \.csv, \.tsv"):
        predict_file(model, tmp_path / name, tmp_path / "out.csv")
    with pytest.raises(ValueError, match=rf"name '{name}' does not say"):
        predict_file(model, write_csv([["smiles"]]), tmp_path / name)


@pytest.mark.parametrize(
    ("names", "smiles_column", "at"),
    [
        (["SMILES", "x"], None, 0),
        (["x", " Smiles "], None, 1),
        (["anything"], None, 0),
        (["x", "smiles"], "x", 0),
    ],
)
def test_which_column_holds_the_smiles(tmp_path, write_csv, names, smiles_column, at):
    row = ["?"] * len(names)
    row[at] = "CC"
    path = write_csv([names, row])
    summary = predict_file(dummy, path, tmp_path / "out.csv", smiles_column=smiles_column)
    assert summary.n_invalid == 0


@pytest.mark.parametrize(
    ("names", "smiles_column", "message"),
    [
        (["a", "b"], None, r"has 2 column\(s\), \['a', 'b'\]; say which .* smiles_column="),
        (["smiles", "SMILES"], None, "say which one holds the SMILES"),
        (["a", "smiles"], "b", "smiles_column='b' must name exactly one of them"),
        (["a", "a"], "a", "smiles_column='a' must name exactly one of them"),
        (["a;b"], "b", r"must name exactly one of them.* with delimiter="),
    ],
)
def test_unclear_columns(model, tmp_path, write_csv, names, smiles_column, message):
    path = write_csv([names])
    with pytest.raises(ValueError, match=message):
        predict_file(model, path, tmp_path / "out.csv", smiles_column=smiles_column, delimiter=",")
