"""The README's code runs as it stands, block after block, as a reader would paste it."""

import re
from pathlib import Path

import pytest

from skchem_dl import InvalidMoleculeWarning

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_are_blocks():
    assert len(BLOCKS) >= 4


@pytest.mark.slow
def test_blocks_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one block writes a file
    namespace = {}
    with pytest.warns(InvalidMoleculeWarning) as warnings:
        for block in BLOCKS:
            exec(compile(block, str(README), "exec"), namespace)
    assert ["row 2: 'C('" in str(w.message) for w in warnings] == [True, False]
    rmse, predictions = capsys.readouterr().out.splitlines()[:2]
    assert float(rmse) < 0.7
    assert predictions.startswith("[")
    assert set(namespace["search"].best_params_) == {"conv"}
