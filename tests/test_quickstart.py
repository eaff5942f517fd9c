"""The quickstart runs, prints its table and draws its picture."""

import re


def test_quickstart(run_example, tmp_path):
    run = run_example("quickstart.py")
    assert run.returncode == 0, run.stderr
    names = ["Linear", "Random forest", "MLP", "CNN", "GNN"]
    rows = re.findall(rf"^({'|'.join(names)}) +(\d\.\d{{3}}) ", run.stdout, re.MULTILINE)
    assert [name for name, _ in rows] == names
    errors = {name: float(rmse) for name, rmse in rows}  # RMSE, log10(mol/L)
    assert 0.6 < errors["Linear"] < 0.9
    assert 0.4 < errors["Random forest"] < 0.8
    assert all(0.4 < error < 4 for error in errors.values())
    assert (tmp_path / "quickstart.png").read_bytes().startswith(b"\x89PNG")
    assert "MolGNNRegressor" in run.stderr  # the progress bar
