"""What docs/scaling.md is written from: the molecules, the watch, the tables, the picture."""

import subprocess
import sys

import pytest
from rdkit import Chem

from benchmarks.suite import random_smiles
from benchmarks.suite.scaling_plot import draw
from benchmarks.suite.scaling_table import BEGIN, END, tables, write
from benchmarks.suite.watch import Watch
from skchem_dl.datasets import load_solubility


def ours(work, n, processes, rate, *, core_rate, peak_mib, error=None):
    found = {
        "values": [] if error else [rate],
        "cpu_seconds": None if error else n / core_rate,
        "peak_mib": None if error else peak_mib,
        "error": error,
    }
    options = {"work": work, "n": n, "processes": processes}
    return {"name": f"{work} {n} {processes}", "options": options, "contenders": [found]}


@pytest.fixture
def result():
    return {
        "date": "2026-11-22",
        "machine": {"cpu": "some processor", "cores": 2},
        "variants": [
            ours("graphs", 1_000, 1, 4_000, core_rate=4_000, peak_mib=250),
            ours("graphs", 10_000, 1, 5_000, core_rate=5_000, peak_mib=260),
            ours("graphs", 10_000, 2, 9_100, core_rate=4_900, peak_mib=510),
            ours("tokens", 1_000, 1, 0, core_rate=1, peak_mib=0, error="no data"),
        ],
    }


def test_the_tables(result):
    text = tables(result)
    # 10^6, 10^8 and 10^10 molecules at 5,000 a second: 200 s, 5.6 h, 556 h
    assert "| graphs | 5,000 | 3.3 min | 5.6 h | 560 h |" in text
    assert "| graphs | 1 | 4,000 (250) | 5,000 (260) |" in text
    assert "| graphs | 2 |  | 9,100 (510) |" in text
    assert "tokens" not in text
    assert "other work" not in text


def test_a_busy_machine_is_told(result):
    result["variants"][0]["contenders"][0]["values"] = [400]
    text = tables(result)
    assert "The machine had other work" in text


def test_the_page_keeps_what_stands_around_the_tables(result, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(result, page)
    assert page.read_text() == f"before\n{BEGIN}\n{tables(result)}\n{END}\nafter\n"
    page.write_text("no place for them")
    with pytest.raises(ValueError, match="between which to write"):
        write(result, page)


def test_the_picture_is_written(result, tmp_path):
    draw(result, tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_random_smiles_are_the_same_molecules_in_other_words(tmp_path, monkeypatch):
    texts = list(load_solubility(subset="test", return_X_y=True)[0][:40])
    monkeypatch.setattr(random_smiles, "parsable_hiv", lambda data: texts)
    random_smiles.write(tmp_path, 3, tmp_path / "three.csv")
    random_smiles.write(tmp_path, 1, tmp_path / "one.csv")
    header, *lines = (tmp_path / "three.csv").read_text().splitlines()
    assert header == "smiles"
    assert (tmp_path / "one.csv").read_text().splitlines() == [header, *lines[:40]]
    expected = sorted(map(canonical, texts))
    for start in (0, 40, 80):
        assert sorted(map(canonical, lines[start : start + 40])) == expected
    assert len(set(lines)) > 80  # ethane has one order only


def canonical(smiles):
    return Chem.CanonSmiles(smiles)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_the_watch_sees_children():
    child = "import time; block = bytearray(90 * 2**20); time.sleep(0.6)"
    parent = (
        "import subprocess, sys; block = bytearray(60 * 2**20); "
        f"subprocess.run([sys.executable, '-c', {child!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", parent]) as process, Watch(process.pid) as watch:
        process.wait()
    assert 150 < watch.peak_mib < 200
    assert watch.seconds > 0
