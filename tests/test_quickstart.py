"""The quickstart runs, prints its table and draws its picture."""


def test_quickstart(run_example, tmp_path):
    run = run_example("quickstart.py")
    assert run.returncode == 0, run.stderr
    rows = [line for line in run.stdout.splitlines() if line.startswith(("Linear ", "GNN "))]
    assert len([line for line in rows if line.rstrip().endswith("...")]) == 2
    linear = next(line for line in rows if not line.rstrip().endswith("..."))
    assert 0.6 < float(linear.split()[1]) < 0.9  # RMSE, log10(mol/L)
    assert (tmp_path / "quickstart.png").read_bytes().startswith(b"\x89PNG")
    assert "MolGNNRegressor" in run.stderr  # the progress bar
