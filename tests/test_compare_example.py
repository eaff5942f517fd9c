"""The comparison runs on a file, says who is best, and leaves scores and a picture."""

import pandas as pd
import pytest

from skchem_dl.datasets import load_solubility


@pytest.mark.slow
def test_compare(run_example, tmp_path):
    X, y = load_solubility(return_X_y=True)
    pd.DataFrame({"name": "?", "smiles": X, "logS": y}).to_csv(tmp_path / "mine.csv", index=False)
    what = ["--file", "mine.csv", "--target", "logS", "--molecules", "60"]
    run = run_example("compare.py", *what, "--repeats", "2", "--folds", "2", "--epochs", "1")
    assert run.returncode == 0, run.stderr
    assert "60 molecules, 2 times 2 folds" in run.stdout
    assert "rmse, 4 folds: " in run.stdout
    assert "best: " in run.stdout
    scores = pd.read_csv(tmp_path / "compare.csv")
    names = scores["method"].unique().tolist()
    assert names[0] == "mean"
    assert names[-3:] == ["MLP on fingerprints", "CNN on SMILES", "GNN on graphs"]
    assert len(scores) == 4 * len(names)
    assert scores["rmse"].between(0.1, 20).all()
    assert scores["error"].isna().all()
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert "compare: 100%" in run.stderr  # the progress bar
