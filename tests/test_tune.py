"""The tuning example runs, prints what it found and leaves its logs."""

import re

import pytest


@pytest.mark.slow
def test_tune(run_example, tmp_path):
    run = run_example("tune.py")
    assert (run.returncode, run.stderr) == (0, "")
    assert "Grid: 12 candidates" in run.stdout
    assert "Optuna: 3 trials" in run.stdout
    errors = re.findall(r"^(\w+) +RMSE (\d\.\d+)$", run.stdout, flags=re.MULTILINE)
    assert [name for name, _ in errors] == ["Defaults", "Grid", "Optuna"]
    assert all(0.5 < float(error) < 5 for _, error in errors)
    assert len(list((tmp_path / "runs" / "fits").iterdir())) == 12 * 3 + 1
    assert len(list((tmp_path / "runs").glob("GridSearchCV-0/candidate-*"))) == 12
    assert len(list((tmp_path / "runs").glob("optuna-0/candidate-*"))) == 3
