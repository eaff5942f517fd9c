"""Interrupted at any moment, the same call goes on, and the file is the same to the last byte."""

import gzip
import json
import random
import signal
import time

import numpy as np
import pyarrow as pa
import pytest
from processes import Forked
from pyarrow import parquet
from rdkit import Chem
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.screening import predict_file

ALL = load_solubility(subset="test").data.tolist()[:60]
ALL[7] = ALL[33] = "C("
ENDINGS = [".csv", ".csv.gz", ".smi", ".parquet", ".sdf", ".sdf.gz"]


class Interrupted(RegressorMixin, BaseEstimator):
    """A fitted model that is interrupted when it has predicted so many chunks."""

    def __init__(self, model, n_chunks=None):
        self.model = model
        self.n_chunks = n_chunks
        self.called = -1  # one stand-in is predicted first

    def fit(self, X, y):
        return self

    def predict(self, X):
        if self.called == self.n_chunks:
            raise KeyboardInterrupt
        self.called += 1
        return self.model.predict(X)

    def __sklearn_is_fitted__(self):
        return True


def interrupted(model, n_chunks):
    return make_pipeline(model[0], Interrupted(model[-1], n_chunks))


def write_sdf(path, smiles=ALL):
    blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(s)) if s != "C(" else s + "\n" for s in smiles]
    records = (f"{block}>  <name>\n{k}\n\n$$$$\n" for k, block in enumerate(blocks))
    with (gzip.open if path.name.endswith(".gz") else open)(path, "wt") as file:
        file.write("".join(records))


def write_input(folder, ending, smiles=ALL):
    path = folder / f"in{'.smi' if ending == '.smi' else '.csv'}"
    header = [] if ending == ".smi" else ["smiles,name"]
    mark = " " if ending == ".smi" else ","
    path.write_text("\n".join([*header, *(f"{s}{mark}{k}" for k, s in enumerate(smiles))]) + "\n")
    return path


@pytest.fixture(params=ENDINGS)
def files(request, tmp_path, model):
    """Paths of an input, of an output, and the bytes that the output should have."""
    path_in = write_input(tmp_path, request.param)
    if request.param == ".parquet":
        table = pa.table({"smiles": ALL, "name": list(map(str, range(len(ALL))))})
        path_in = tmp_path / "in.parquet"
        parquet.write_table(table, path_in, row_group_size=7)
    elif ".sdf" in request.param:
        path_in = tmp_path / f"in{request.param}"
        write_sdf(path_in)
    whole, out = tmp_path / f"whole{request.param}", tmp_path / f"out{request.param}"
    predict_file(model, path_in, whole, chunk_size=10)
    return path_in, out, whole.read_bytes()


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("moments", [[1], [5], [2, 1, 1]])
def test_interrupted_and_resumed(model, files, moments):
    path_in, path_out, expected = files
    before = names(path_in.parent)
    done = 0
    for moment in moments:
        if done:
            moment += 1  # one chunk is predicted once more
        with pytest.raises(KeyboardInterrupt):
            predict_file(interrupted(model, moment), path_in, path_out, chunk_size=10)
        done += moment - bool(done)
        part = path_out.with_name(f"{path_out.name}.part")
        assert names(path_in.parent) - before == {part.name, f"{part.name}.json"}
        with part.open("ab") as file:
            file.write(b"half a chunk" * 9999)  # what a kill may leave
    summary = predict_file(model, path_in, path_out, chunk_size=10)
    assert path_out.read_bytes() == expected
    assert names(path_in.parent) - before == {path_out.name}
    assert (summary.n_rows, summary.n_invalid, summary.n_resumed) == (60, 2, 10 * done)


def test_interrupted_before_the_first_chunk(model, files):
    path_in, path_out, _ = files
    before = names(path_in.parent)
    with pytest.raises(KeyboardInterrupt):
        predict_file(interrupted(model, 0), path_in, path_out, chunk_size=10)
    assert names(path_in.parent) == before


def test_interrupted_before_the_last_step(model, files, monkeypatch):
    from skchem_dl.screening._partial import PartialFile

    path_in, path_out, expected = files

    def fail(self, finished):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PartialFile, "take_name", fail)
        with pytest.raises(KeyboardInterrupt):
            predict_file(model, path_in, path_out, chunk_size=10)
    assert not path_out.exists()
    summary = predict_file(model, path_in, path_out, chunk_size=10)
    assert path_out.read_bytes() == expected
    assert summary.n_resumed == 60


def test_another_chunk_size(model, files):
    path_in, path_out, expected = files
    with pytest.raises(KeyboardInterrupt):
        predict_file(interrupted(model, 2), path_in, path_out, chunk_size=10)
    assert predict_file(model, path_in, path_out, chunk_size=7).n_resumed == 20
    if path_out.suffix == ".parquet":
        one, other = (
            parquet.read_table(pa.BufferReader(b)) for b in (path_out.read_bytes(), expected)
        )
        assert one.drop_columns("prediction") == other.drop_columns("prediction")
        assert np.allclose(*(t["prediction"].to_numpy() for t in (one, other)), equal_nan=True)
    elif path_out.suffix == ".smi":
        rows = path_out.read_text().splitlines()
        assert [row.split("\t")[0] for row in rows] == path_in.read_text().splitlines()


def begin(model, path_in, path_out, **options):
    with pytest.raises(KeyboardInterrupt):
        predict_file(interrupted(model, 2), path_in, path_out, chunk_size=10, **options)
    part = path_out.with_name(f"{path_out.name}.part")
    return part, part.read_bytes()


def test_another_input(model, tmp_path):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"
    part, content = begin(model, path_in, path_out)
    write_input(tmp_path, ".csv", [*ALL[:-1], "C"])
    with pytest.raises(ValueError, match=r"not of this one: SHA-256 of the input was .* anew"):
        predict_file(model, path_in, path_out, chunk_size=10)
    assert part.read_bytes() == content
    predict_file(model, path_in, path_out, chunk_size=10, resume=False)
    assert path_out.read_text().splitlines()[-1].startswith("C,59,")


@pytest.mark.parametrize("last", [Ridge(0.5), KMeans(3, random_state=0)])
def test_another_pipeline(model, tmp_path, last):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"
    part, content = begin(model, path_in, path_out)
    X, y = load_solubility(subset="test", return_X_y=True)
    other = make_pipeline(MorganFingerprinter(fp_size=64), last).fit(X, y)
    with pytest.raises(ValueError, match="another pipeline: from row 11 on, prediction was -"):
        predict_file(other, path_in, path_out, chunk_size=10)
    assert part.read_bytes() == content


def test_other_options(model, tmp_path):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"
    begin(model, path_in, path_out)
    with pytest.raises(ValueError, match=r"columns was \['prediction', .* now \['logS', "):
        predict_file(model, path_in, path_out, chunk_size=10, prediction_column="logS")


@pytest.mark.parametrize("which", ["part", "journal"])
def test_damaged_remains(model, tmp_path, which):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"
    part, content = begin(model, path_in, path_out)
    damaged = part if which == "part" else part.with_name(f"{part.name}.json")
    damaged.write_bytes(damaged.read_bytes()[:-3])
    with pytest.raises(ValueError, match=rf"{damaged.name} is damaged.* set resume=False"):
        predict_file(model, path_in, path_out, chunk_size=10)
    predict_file(model, path_in, path_out, chunk_size=10, resume=False)
    assert path_out.read_bytes().startswith(content)


def test_an_output_is_never_overwritten(model, tmp_path):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"
    path_out.write_text("mine")
    for out in (path_out, path_in):
        with pytest.raises(FileExistsError, match="is there already, and is not overwritten"):
            predict_file(model, path_in, out)
    assert path_out.read_text() == "mine"
    with pytest.raises(FileNotFoundError, match="no folder"):
        predict_file(model, path_in, tmp_path / "no folder" / "out.csv")


class Meddler(Interrupted):
    """A model during whose work something else happens."""

    def predict(self, X):
        self.called += 1
        if self.called == 2:
            self.n_chunks()
        return self.model.predict(X)


def test_an_output_that_appears_meanwhile(model, tmp_path):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"
    meddler = Meddler(model[-1], lambda: path_out.write_text("mine"))
    with pytest.raises(FileExistsError):
        predict_file(make_pipeline(model[0], meddler), path_in, path_out, chunk_size=10)
    assert path_out.read_text() == "mine"


def test_an_input_that_changes_meanwhile(model, tmp_path):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"
    meddler = Meddler(model[-1], lambda: write_input(tmp_path, ".csv", [*ALL[:-1], "C"]))
    with pytest.raises(ValueError, match=r"in\.csv was changed while it was read"):
        predict_file(make_pipeline(model[0], meddler), path_in, path_out, chunk_size=10)
    assert not path_out.exists()


def test_one_process_at_a_time(model, tmp_path):
    path_in, path_out = write_input(tmp_path, ".csv"), tmp_path / "out.csv"

    def start_another():
        with pytest.raises(ValueError, match=r"out\.csv is being written by another process"):
            predict_file(model, path_in, path_out)

    meddler = Meddler(model[-1], start_another)
    predict_file(make_pipeline(model[0], meddler), path_in, path_out, chunk_size=10)
    assert meddler.called == 6


SCRIPT = """
import sys
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_linear_pipeline
from skchem_dl.screening import predict_file
model = make_linear_pipeline(alphas=[1.0]).fit(*load_solubility(subset="test", return_X_y=True))
print("begins", flush=True)
for path_out in sys.argv[2:]:
    print(predict_file(model, sys.argv[1], path_out, chunk_size=50).n_resumed, flush=True)
"""


def start(path_in, *paths_out):
    process = Forked(SCRIPT, path_in, *paths_out)
    process.wait_for_line("begins")
    return process


def rows_done(path_out):
    journal = path_out.with_name(f"{path_out.name}.part.json")
    return json.loads(journal.read_text())["progress"]["n_rows"] if journal.exists() else 0


def kill_at(process, path_out, n_rows):
    """Kill it when it has written so many rows; give how many it had."""
    while process.is_alive() and rows_done(path_out) < n_rows:
        time.sleep(0.002)
    process.kill()
    ended = process.wait()
    assert ended.returncode == -signal.SIGKILL, "it was finished before"
    assert (ended.stdout, ended.stderr) == ("begins\n", "")
    return rows_done(path_out)


def write_large_input(tmp_path, n_rows):
    path = tmp_path / "in.csv"
    smiles = load_solubility().data.tolist()
    rows = (f'"{smiles[k % len(smiles)] if k % 97 else "C("}",{k:06d}' for k in range(n_rows))
    path.write_text("\r\n".join(["smiles,id", *rows]) + "\r\n", newline="")
    return path


def test_killed_once(tmp_path):
    path_in = write_large_input(tmp_path, 4_000)
    out, whole = tmp_path / "out.csv", tmp_path / "whole.csv"
    reached = kill_at(start(path_in, out), out, 500)
    assert 500 <= reached < 4_000
    ended = start(path_in, out, whole).wait()
    assert (ended.stdout, ended.stderr) == (f"begins\n{reached}\n0\n", "")
    assert out.read_bytes() == whole.read_bytes()
    assert names(tmp_path) == {"in.csv", "out.csv", "whole.csv"}


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_killed_again_and_again(tmp_path, ending):
    path_in = write_large_input(tmp_path, 10_000)
    out, whole = tmp_path / f"out{ending}", tmp_path / f"whole{ending}"
    moments = random.Random(0)
    reached = [0]
    for kill in range(5):
        process = start(path_in, out)
        time.sleep(moments.uniform(0, 0.02))
        reached.append(kill_at(process, out, (kill + 1) * 1_500))
    assert reached == sorted(set(reached))
    ended = start(path_in, out, whole).wait()
    assert (ended.stdout, ended.stderr) == (f"begins\n{reached[-1]}\n0\n", "")
    assert out.read_bytes() == whole.read_bytes()
    assert len(names(tmp_path)) == 3
