"""The tuning example runs, prints what it found and leaves its logs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "examples" / "tune.py"


@pytest.mark.slow
def test_tune(tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT],
        cwd=tmp_path,
        env={**os.environ, "SKCHEM_DL_FAST": "1", "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "Grid: 12 candidates" in run.stdout
    assert "Optuna: 3 trials" in run.stdout
    errors = re.findall(r"^(\w+) +RMSE (\d\.\d+)$", run.stdout, flags=re.MULTILINE)
    assert [name for name, _ in errors] == ["Defaults", "Grid", "Optuna"]
    assert all(0.5 < float(error) < 5 for _, error in errors)
    assert len(list((tmp_path / "runs" / "fits").iterdir())) == 12 * 3 + 1
    assert len(list((tmp_path / "runs").glob("GridSearchCV-0/candidate-*"))) == 12
    assert len(list((tmp_path / "runs").glob("optuna-0/candidate-*"))) == 3
