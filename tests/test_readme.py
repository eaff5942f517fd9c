"""The code of the README and the docs runs as it stands, block after block, as it is pasted."""

import re
from pathlib import Path

import pytest

from skchem_dl import InvalidMoleculeWarning

ROOT = Path(__file__).parent.parent


def blocks_of(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if blocks_of(page)]


def run_blocks(page):
    """Give what the page's code leaves behind."""
    namespace = {}
    for block in blocks_of(page):
        exec(compile(block, str(page), "exec"), namespace)
    return namespace


def test_there_are_blocks():
    assert len(blocks_of(ROOT / "README.md")) >= 4
    assert len(blocks_of(ROOT / "docs" / "scaling.md")) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_run(page, tmp_path, monkeypatch, quiet_optuna):
    monkeypatch.chdir(tmp_path)  # some write files
    assert run_blocks(page).keys() > {"__builtins__"}  # and none of them raised


@pytest.mark.slow
def test_the_readme_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one block writes a file
    with pytest.warns(InvalidMoleculeWarning) as warnings:
        namespace = run_blocks(ROOT / "README.md")
    assert ["row 2: 'C('" in str(w.message) for w in warnings] == [True, False]
    rmse, predictions = capsys.readouterr().out.splitlines()[:2]
    assert float(rmse) < 0.7
    assert predictions.startswith("[")
    assert set(namespace["search"].best_params_) == {"conv"}
