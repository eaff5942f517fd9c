"""The chapter on fingerprints runs, and what it prints is right."""

import re

import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit

from skchem_dl.datasets import load_csv
from skchem_dl.model_selection import train_valid_test_split


@pytest.mark.slow
def test_mlp_on_fingerprints(run_example, shared_data, monkeypatch):
    file = shared_data("lipophilicity.csv")
    monkeypatch.setenv("SKCHEM_DL_DATA", str(file.parent))
    run = run_example("course/3_mlp_on_fingerprints.py")
    assert (run.returncode, run.stderr) == (0, "")
    assert "320 molecules to learn from, 40 to watch, 40 to judge by" in run.stdout
    assert "400 rows of 2048 bits" in run.stdout
    assert "The same bits as RDKit's: True" in run.stdout
    weights = 2048 * 1024 + 1024 + 1024 * 256 + 256 + 256 + 1
    assert f"{weights:,} weights and biases" in run.stdout
    rows = {
        line.split()[0]: list(map(float, re.findall(r"-?\d+\.\d+", line)))
        for line in run.stdout.splitlines()
        if line.startswith(("mean ", "course ", "defaults "))
    }
    X, y = load_csv(file, target="exp", return_X_y=True)
    *_, y_train, _, y_test = train_valid_test_split(
        X[:400], y[:400], splitter=ShuffleSplit(random_state=123)
    )
    mean = [y_train.mean()] * len(y_test)
    assert rows["mean"][0] == round(y_train.std(), 2)
    assert rows["mean"][1] == round(root_mean_squared_error(y_test, mean), 2)
    assert rows["mean"][2] == round(mean_absolute_error(y_test, mean), 2)
    assert rows["mean"][3] <= 0
    assert rows["course"][1] != rows["defaults"][1]
    for _, rmse, mae, r2, _ in (rows["course"], rows["defaults"]):
        assert 0 < mae < rmse
        assert r2 == pytest.approx(1 - rmse**2 / y_test.var(), abs=0.03)
