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
    of_tensorboard = run.stdout.partition("The winner's row in HPARAMS:\n")[2].splitlines()
    best = run.stdout.partition("The five best trials:\n")[2].splitlines()
    names = best[0].split()[1:]
    assert [line.split()[0] for line in of_tensorboard[: len(names)]] == names
    errors = re.findall(r"^(\w+) +RMSE (\d\.\d+)$", run.stdout, flags=re.MULTILINE)
    assert [name for name, _ in errors] == ["defaults", "grid", "Optuna"]
    assert all(0.5 < float(error) < 5 for _, error in errors)
    assert list(tmp_path.iterdir()) == []  # the logs were in a temporary folder
