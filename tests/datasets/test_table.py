"""Text files of every make: compression, encodings, separators, quotes, headers."""

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skchem_dl._readers.columns import header_score, pick_columns, pick_smiles
from skchem_dl.datasets._table import read_table

TEXT = "name,smiles\nÄthanol,CCO\nAcétone,CC(C)=O\n"


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("latin-1", "cp1252"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_encodings(write, encoding, found, pack):
    path = write(pack(TEXT.encode(encoding)))
    for table in (read_table(path), read_table(path, encoding=encoding)):
        assert table.header == ["name", "smiles"]
        assert table.column("name") == ["Äthanol", "Acétone"]
    assert read_table(path).encoding == found


def test_big_endian_mark(write):
    assert read_table(write(b"\xfe\xff" + TEXT.encode("utf-16-be"))).column("smiles")[0] == "CCO"


def test_what_only_latin_1_has(write):
    table = read_table(write("a,b\n\x81x,é\n".encode("latin-1")))
    assert (table.rows, table.encoding) == ([["\x81x", "é"]], "latin-1")


def test_a_mark_is_no_part_of_the_header_whoever_names_the_encoding(write):
    assert read_table(write(TEXT.encode("utf-8-sig")), encoding="utf-8").header[0] == "name"


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (TEXT.encode("latin-1"), "utf-8", "utf-8: invalid continuation byte at byte 12"),
        (TEXT.encode()[1:], "utf-16", "no text in the encoding utf-16 .*truncated data"),
        (TEXT.encode(), "utf-9", "Python knows no encoding='utf-9'"),
        (b"PK\x03\x04rest", None, "Excel workbook"),
        (b"PAR1" + bytes(100), None, "line 1 contains a NUL character .* binary or damaged"),
        (b"PAR1\xff\x81" + bytes(99), None, "no text in the encoding .*a zero byte in line 1"),
        (b"a,b\n" + b"1,2\n" * 2_000 + b"\0", None, "line 2002 contains a NUL character"),
        (b"a,b\n1,\0\n", None, "line 2 contains a NUL character"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-12], None, "damaged or cut short"),
        (b"\x1f\x8bnonsense", None, "damaged or cut short"),
    ],
)
def test_no_text(write, content, encoding, message):
    path = write(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_table(path, encoding)
    assert encoding == "utf-9" or str(path) in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("content", ["", "\n\n", " ", ",,\n,,\n", "\ufeff"])
def test_empty(write, content):
    with pytest.raises(ValueError, match=r"table\.csv is empty"):
        read_table(write(content))


def test_header_only(write):
    with pytest.raises(ValueError, match=r"has the header \['smiles', 'y'\], but no rows"):
        read_table(write("smiles,y\n\n"))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(write, separator):
    table = read_table(write(separator.join(["a", "b"]) + "\n" + separator.join(["1", "2"])))
    assert (table.header, table.rows, table.separator) == (["a", "b"], [["1", "2"]], separator)


def test_decimal_commas_do_not_pass_for_separators(write):
    table = read_table(write("smiles;logS\nCCO;1,1\nCC;-2,5\n"))
    assert table.rows == [["CCO", "1,1"], ["CC", "-2,5"]]


def test_the_wanted_columns_decide(write):
    # Cut at its commas, too, every row has two cells.
    path = write("SMILES;logS (20 °C, pH 7)\nCCO;1,1\nCC;-2,5\n")
    wanted = header_score(None, ["logS (20 °C, pH 7)"])
    assert read_table(path, score_header=wanted).separator == ";"


def test_one_column_needs_no_separator(write):
    assert read_table(write("smiles\nCCO\nC\n")).rows == [["CCO"], ["C"]]


def test_a_given_separator(write):
    assert read_table(write("a|b\n1|2,3\n"), separator="|").rows == [["1", "2,3"]]
    assert read_table(write("a b\n1 2,3\n"), separator=" ").rows == [["1", "2,3"]]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
def test_first_line_of_excel_names_the_separator(write, first):
    # Cut at its commas, too, every row has two cells.
    table = read_table(write(f"{first}\r\nsmiles;y, z\r\nCCO;1,1\r\nCC;-2,5\r\n"))
    assert (table.header, table.separator) == (["smiles", "y, z"], ";")
    assert (table.rows, table.lines) == ([["CCO", "1,1"], ["CC", "-2,5"]], [3, 4])
    path = write(f"{first}\na;b|c\n1;2|3\n")
    assert read_table(path, separator="|").header == ["a;b", "c"]


def test_smiles_in_the_name_of_a_column_with_separators(write):
    # Cut at its semicolons, every row has more cells than cut at its commas.
    path = write("a;b;c,smiles\n1;2;3,CCO\n4;5;6,CC\n")
    assert read_table(path, score_header=header_score(None, [])).separator == ","


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_that_is_too_long(write, quote):
    path = write(f"smiles,y\nC,1\nCC,{quote}{'x' * 140_000}\n")
    message = r"begins in line 3 has a cell of more than 131,072 characters.* quote"
    with pytest.raises(ValueError, match=message):
        read_table(path)


def test_white_space_and_empty_rows(write):
    table = read_table(write(" smiles , y\n\nCCO  , 1\n,\n  \nCC,\n,,\n".replace(",,", ",")))
    assert table.header == ["smiles", "y"]
    assert table.rows == [["CCO", "1"], ["CC", ""]]
    assert table.lines == [3, 6]
    assert table.where(1) == "row 1 (line 6)"


def test_lines_count_line_ends_in_cells(write):
    table = read_table(write('a,b\r\n"1\r\n2",x\r\n3,y\r\n'))
    assert (table.rows[0][0], table.lines) == ("1\r\n2", [2, 4])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(write, end):
    assert read_table(write(end.join(["a,b", "1,2", "3,4"]))).rows == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize(
    ("content", "line"), [('a,b\n1,2\n3,"4\n5,6\n', 3), ('a,b\n1,2\n"3"x,4\n', 3), ('a,"b\n', 1)]
)
def test_wrong_quotes(write, content, line):
    with pytest.raises(ValueError, match=f"quotes in the record that begins in line {line}"):
        read_table(write(content))


def test_quotes_inside_a_cell_are_text(write):
    assert read_table(write('a,b\n5" pipe,2\n')).rows == [['5" pipe', "2"]]


def test_rows_of_another_length(write):
    with pytest.raises(ValueError, match="2 of 3 rows do not have as many") as caught:
        read_table(write("a,b\n1,2\n3\n4,5,6\n"))
    for text in ("header, which has 2", "line 3 has 1: ['3']", "line 4 has 3: ['4', '5', '6']"):
        assert text in str(caught.value)


def test_a_column_twice(write):
    with pytest.raises(ValueError, match=r"'y' more than once, as columns \[2, 4\]"):
        read_table(write("x,y,z, y\n1,2,3,4\n"))


def test_unnamed_columns_get_names(write):
    assert read_table(write(",smiles,\n0,CCO,\n")).header == ["column 1", "smiles", "column 3"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (["id", "smiles"], "smiles"),
        (["SMILES", "y"], "SMILES"),
        (["y", "Canonical SMILES"], "Canonical SMILES"),
        (["canonical_smiles", "isomeric_smiles"], "canonical_smiles"),
        (["canonical_smiles", "smiles"], "smiles"),
        (["Molecule", "SMILES_parent", "structure"], "SMILES_parent"),
        (["mol", "CID", "Class"], "mol"),
        (["Structure", "y"], "Structure"),
    ],
)
def test_guess_of_the_smiles(header, name):
    assert pick_smiles(header, None, "file") == name


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["smiles", "SMILES"], r"\['smiles', 'SMILES'\] could all be"),
        (["smiles_a", "smiles_b"], "could all be"),
        (["CCO", "1.1"], r"no column that is called SMILES; its columns are \['CCO', '1.1'\]"),
        (["1.1", "CCO"], r"may lack its header: 'CCO' in its first line is a valid SMILES"),
    ],
)
def test_no_guess_of_the_smiles(header, message):
    with pytest.raises(ValueError, match=message):
        pick_smiles(header, None, "file")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("logs", "logS"), ("LOGS", "logS"), ("lgS", "logS"), ("smile", "SMILES"), ("activity", None)],
)
def test_missing_columns(name, nearest):
    with pytest.raises(ValueError, match=r"no column .* are \['SMILES', 'logS'\]") as caught:
        pick_columns(["SMILES", "logS"], [name], "file")
    assert ("Did you mean" in str(caught.value)) == (nearest is not None)
    assert nearest is None or f"Did you mean {nearest!r}?" in str(caught.value)


western = [*map(chr, range(32, 127)), *map(chr, range(0xA0, 0x100))]
cells = st.text(st.sampled_from([*western, "Ł", "μ", "分"]), max_size=6).map(str.strip)
western_cells = st.text(st.sampled_from(western), max_size=6).map(str.strip)
names = st.text(st.sampled_from("abcXYZ_ -;,éµ°\"'"), min_size=1, max_size=6).map(str.strip)


@st.composite
def written_tables(draw, cells):
    """Draw a table, and how somebody writes it."""
    header = draw(st.lists(names.filter(bool), min_size=1, max_size=3, unique=True))
    row = st.lists(cells, min_size=len(header), max_size=len(header))
    rows = draw(st.lists(row, min_size=1, max_size=4))
    manner = {
        "delimiter": draw(st.sampled_from(",;\t|")),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n", "\r"])),
    }
    return ["smiles", *header], [["CCO", *row] for row in rows], manner


def write_table(header, rows, manner):
    text = io.StringIO(newline="")
    csv.writer(text, **manner).writerows([header, *rows])
    return text.getvalue()


@given(
    written_tables(cells),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.booleans(),
)
def test_a_written_table_reads_back(tmp_path_factory, table, encoding, packed):
    header, rows, manner = table
    content = write_table(header, rows, manner).encode(encoding)
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    found = read_table(path, score_header=header_score("smiles", header[1:]))
    assert (found.header, found.rows) == (header, rows)
    assert found.separator == manner["delimiter"]


@given(written_tables(western_cells), st.sampled_from(["cp1252", "latin-1"]))
def test_western_encodings_read_back(tmp_path_factory, table, encoding):
    header, rows, manner = table
    content = write_table(header, rows, manner).encode(encoding)
    path = tmp_path_factory.getbasetemp() / "western.csv"
    path.write_bytes(content)
    assert read_table(path, encoding, manner["delimiter"]).rows == rows
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:  # bytes that are UTF-8, too, are taken for that
        assert read_table(path, separator=manner["delimiter"]).rows == rows
