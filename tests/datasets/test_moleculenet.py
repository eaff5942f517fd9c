"""The eight data sets: what is in them, and what is said of them."""

import doctest
import gzip
import hashlib
import inspect
import pickle
import re
import sys

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem, rdBase
from sklearn.metrics import get_scorer

from skchem_dl import datasets
from skchem_dl.datasets import _download, _moleculenet, fetch_bace, fetch_esol, fetch_tox21
from skchem_dl.datasets._fetch import Source, Task, make_fetch

FETCHES = {
    name.removeprefix("fetch_"): getattr(datasets, name)
    for name in datasets.__all__
    if name.startswith("fetch_")
}
# Rows, column of SMILES, targets, what RDKit rejects; as the data's own README has them.
HERE = {
    "lipophilicity": (4_200, "smiles", ["exp"], 0),
    "esol": (1_128, "smiles", ["measured log solubility in mols per litre"], 0),
    "freesolv": (642, "smiles", ["expt"], 0),
    "bace": (1_513, "smiles", ["Class"], 0),
    "tox21": (7_831, "smiles", list(_moleculenet._TOX21_ASSAYS), 8),
    "hiv": (41_127, "smiles", ["HIV_active"], 7),
}


@pytest.fixture
def data_home(shared_data, monkeypatch):
    folder = shared_data("esol.csv").parent
    monkeypatch.setenv("SKCHEM_DL_DATA", str(folder))
    monkeypatch.setattr(_download, "BASE_URL", "http://127.0.0.1:9/")  # nothing is downloaded
    return folder


def test_there_are_eight():
    assert set(FETCHES) == {*HERE, "bbbp", "qm9"}


@pytest.mark.parametrize("name", HERE)
def test_content_is_what_pandas_reads(data_home, name):
    n_rows, smiles, targets, _ = HERE[name]
    bunch = FETCHES[name]()
    frame = pd.read_csv(data_home / f"{name}.csv")
    assert bunch.data.shape == (n_rows,) == (len(frame),)
    assert list(bunch.data) == list(frame[smiles].str.strip())
    values = frame[targets].to_numpy()
    np.testing.assert_array_equal(bunch.target, values[:, 0] if len(targets) == 1 else values)
    assert (bunch.feature_names, bunch.target_names) == (["smiles"], targets)
    assert list(bunch.units) == targets
    assert set(bunch.other_columns) == set(frame) - {smiles, *targets}
    for column, texts in bunch.other_columns.items():
        assert len(texts) == n_rows
        if frame[column].dtype.kind == "f":
            np.testing.assert_array_equal(texts.astype(float), frame[column])
    assert bunch.filename == str(data_home / f"{name}.csv")


@pytest.mark.parametrize("name", ["esol", "tox21"])
def test_rows_that_rdkit_rejects_stay(data_home, name):
    bunch = FETCHES[name]()
    with rdBase.BlockLogs():
        rejected = sum(Chem.MolFromSmiles(smiles) is None for smiles in bunch.data)
    assert rejected == HERE[name][3]


def test_types_of_the_targets(data_home):
    assert fetch_esol().target.dtype == np.float64
    bace = fetch_bace()
    assert bace.target.dtype == np.int64 and set(bace.target) == {0, 1}
    tox21 = fetch_tox21()
    assert tox21.target.shape == (7_831, 12) and tox21.target.dtype == np.float64
    assert 0.1 < np.isnan(tox21.target).mean() < 0.3
    assert set(tox21.target[~np.isnan(tox21.target)]) == {0.0, 1.0}


def test_choice_of_targets(data_home):
    pic50 = fetch_bace(target="pIC50")
    assert (pic50.task, pic50.recommended_scoring) == ("regression", "neg_root_mean_squared_error")
    assert pic50.target[0] == 9.1549015
    assert (fetch_bace().task, fetch_bace().recommended_scoring) == ("classification", "roc_auc")
    one = fetch_tox21(target="SR-p53")
    assert one.target.shape == (7_831,) and np.isnan(one.target).sum() == 7_831 - 6_774
    two = fetch_tox21(target=["SR-p53", "NR-AR"])
    assert two.target.shape == (7_831, 2) and two.target_names == ["SR-p53", "NR-AR"]
    np.testing.assert_array_equal(two.target[:, 0], one.target)
    assert fetch_tox21(target=["SR-p53"]).target.shape == (7_831, 1)
    for wrong in ("p53", ["SR-p53", "SR-p53"], [], ["NR-AR", "smiles"]):
        with pytest.raises(ValueError, match=r"fetch_tox21 has no target=.*'SR-p53'"):
            fetch_tox21(target=wrong)
    with pytest.raises(ValueError, match=r"\['Class'\] or of \['pIC50'\]"):
        fetch_bace(target=["Class", "pIC50"])


def test_return_X_y_and_as_frame(data_home):
    bunch = fetch_esol()
    X, y = fetch_esol(return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)
    frame = fetch_esol(as_frame=True).frame
    assert list(frame.columns) == ["smiles", *bunch.target_names] and len(frame) == 1_128
    X, y = fetch_tox21(as_frame=True, return_X_y=True)
    assert X.name == "smiles" and list(y.columns) == list(_moleculenet._TOX21_ASSAYS)


@pytest.mark.parametrize("name", HERE)
def test_docstring_examples(data_home, name):
    text = FETCHES[name].__doc__.replace("  # doctest: +SKIP", "")
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert len(test.examples) == 3
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("name", FETCHES)
def test_documentation(name):
    fetch = FETCHES[name]
    doc = inspect.getdoc(fetch)
    assert doc.startswith("Fetch ") and ")." in doc.splitlines()[0]
    parameters = re.findall(r"^(\w+) : ", doc.split("Returns\n")[0], flags=re.MULTILINE)
    assert parameters == list(inspect.signature(fetch).parameters)
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in doc
    assert re.search(r"\.\. \[1\] .*(\n   .*)*https?://", doc) and "10.1039/C7SC02664A" in doc
    assert max(map(len, doc.splitlines())) < 400


@pytest.mark.parametrize("name", FETCHES)
def test_is_an_ordinary_function(name):
    fetch = FETCHES[name]
    assert fetch.__name__ == fetch.__qualname__ == f"fetch_{name}"
    assert pickle.loads(pickle.dumps(fetch)) is fetch
    with pytest.raises(ValueError, match=f"'as_frame' parameter of fetch_{name} must be"):
        fetch(as_frame="yes")
    with pytest.raises(TypeError, match="positional"):
        fetch("folder")


@pytest.mark.parametrize("name", HERE)
def test_what_is_said_in_the_bunch(data_home, name):
    bunch = FETCHES[name]()
    assert bunch.task in ("regression", "classification")
    assert bunch.recommended_split in ("random", "scaffold")
    get_scorer(bunch.recommended_scoring)
    assert bunch.license and "http" in bunch.citation
    assert all(bunch.units.values())
    for text in (*bunch.target_names, bunch.license, f"{len(bunch.data):,}"):
        assert text in bunch.DESCR


def test_original_of_hiv_has_empty_lines(data_home, tmp_path):
    # The file in the bucket has an empty line below each row; that its SHA-256 comes out says
    # that the rows here are its rows.
    rows = (data_home / "hiv.csv").read_bytes()
    (tmp_path / "HIV.csv").write_bytes(rows.replace(b"\r\n", b"\r\n\n"))
    original = datasets.fetch_hiv(data_home=tmp_path, download_if_missing=False)
    here = datasets.fetch_hiv()
    np.testing.assert_array_equal(original.data, here.data)
    np.testing.assert_array_equal(original.target, here.target)


def test_original_of_tox21_is_compressed(data_home, tmp_path):
    (tmp_path / "tox21.csv.gz").write_bytes(gzip.compress((data_home / "tox21.csv").read_bytes()))
    bunch = fetch_tox21(data_home=tmp_path, download_if_missing=False)
    np.testing.assert_array_equal(bunch.target, fetch_tox21().target)


def test_a_changed_file_is_refused(data_home, tmp_path):
    content = (data_home / "esol.csv").read_bytes()
    (tmp_path / "esol.csv").write_bytes(content.replace(b"-0.77", b"-9.77"))
    with pytest.raises(OSError, match=r"esol\.csv is not the file that fetch_esol knows"):
        fetch_esol(data_home=tmp_path)


def test_neither_there_nor_downloaded(data_home):
    with pytest.raises(OSError, match=r"fetch_qm9 found no qm9\.csv in"):
        datasets.fetch_qm9(download_if_missing=False)
    with pytest.raises(OSError, match="fetch_bbbp could not download"):
        datasets.fetch_bbbp(data_home=data_home)


def test_without_pandas(data_home, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert fetch_esol().data.shape == (1_128,)
    with pytest.raises(ImportError, match=r"fetch_esol.*pandas.*skchem_dl\[datasets\]"):
        fetch_esol(as_frame=True)


def made(tmp_path, text, **targets):
    """Make a fetch of a file that is there."""
    (tmp_path / "tiny.csv").write_text(text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    task = Task("classification", "random", "roc_auc", targets)
    source = Source(
        "tiny", "Tiny", "It is small.", 2, "Tiny.csv", (sha256,), ("mol", "smiles"), (task,),
        "Somebody (2000).", "none",
    )  # fmt: skip
    return make_fetch(source)


def test_a_row_of_the_table_is_all_it_takes(tmp_path):
    bunch = made(tmp_path, "id,smiles,a\n1,CCO,0\n2,C(,1\n", a="yes or no")(data_home=tmp_path)
    assert list(bunch.data) == ["CCO", "C("]
    assert list(bunch.target) == [0, 1] and bunch.target.dtype == np.int64
    assert list(bunch.other_columns["id"]) == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "header", "n_targets"),
    [
        ("qm9", "mol_id,smiles,A,B,C,mu,alpha,homo,lumo,gap,r2,zpve,u0,u298,h298,g298,cv", 12),
        ("bbbp", "num,name,p_np,smiles", 1),
    ],
)
def test_sets_whose_files_are_not_here(tmp_path, monkeypatch, name, header, n_targets):
    columns = header.split(",")
    rows = [
        {column: row + 0.5 * position for position, column in enumerate(columns)} for row in (0, 2)
    ]
    text = f"{header}\n" + "".join(
        ",".join("CCO" if key == "smiles" else f"{value:g}" for key, value in row.items()) + "\n"
        for row in rows
    )
    (tmp_path / f"{name}.csv").write_text(text)
    monkeypatch.setattr(_download, "_check_content", lambda file, path: None)
    bunch = FETCHES[name](data_home=tmp_path, target=None if n_targets > 1 else ["p_np"])
    assert bunch.target.shape == (2, n_targets)
    for position, target in enumerate(bunch.target_names):
        assert [row[target] for row in rows] == list(bunch.target[:, position])
