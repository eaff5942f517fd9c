"""The example of a search by scaffolds runs and prints what it says."""

import pytest


@pytest.mark.slow
def test_scaffold_search(run_example):
    run = run_example("scaffold_search.py")
    assert run.returncode == 0, run.stderr
    errors = [float(line.split(": ")[1]) for line in run.stdout.splitlines() if "RMSE" in line]
    assert len(errors) == 3
    assert all(0.4 < error < 1.6 for error in errors)  # log10(mol/L)
    assert errors[2] < errors[0]  # random folds flatter
    assert run.stderr == ""
