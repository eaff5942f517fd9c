"""The chapter on experiments runs, and finds the winner again in the folder of logs."""

import re

import pytest


@pytest.mark.slow
def test_experiments(run_example, tmp_path):
    run = run_example("course/6_experiments.py")
    assert (run.returncode, run.stderr) == (0, "")
    assert "Optuna: 4 trials" in run.stdout
    assert "It is Optuna's best trial: True" in run.stdout
    assert "It has its error, to the bit: True" in run.stdout
    assert "Curves are those of metrics.csv: True" in run.stdout
    errors = re.findall(r"^(\w+) +RMSE (\d\.\d+)$", run.stdout, flags=re.MULTILINE)
    assert [name for name, _ in errors] == ["defaults", "grid", "Optuna"]
    assert all(0.5 < float(error) < 5 for _, error in errors)
    assert list(tmp_path.iterdir()) == []  # the logs were in a temporary folder
