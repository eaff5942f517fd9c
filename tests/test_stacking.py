"""The stacking example runs and prints an error and a weight for each model."""

import re

import pytest


@pytest.mark.slow
def test_stacking(run_example):
    run = run_example("stacking.py")
    assert (run.returncode, run.stderr) == (0, "")
    lines = re.findall(
        r"^(\w+) +RMSE (\d\.\d{3})(?:   weight (\d\.\d\d))?$", run.stdout, re.MULTILINE
    )
    assert [name for name, *_ in lines] == ["MLP", "CNN", "GNN", "Forest", "Stack"]
    errors = [float(error) for _, error, _ in lines]
    assert all(0.5 < error < 3 for error in errors)
    assert errors[-1] < max(errors[:-1])
    weights = [float(weight) for *_, weight in lines[:-1]]
    assert 0.5 < sum(weights) < 3  # after two epochs, predictions are too near the mean
