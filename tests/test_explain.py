"""The example on contributions of atoms runs, trained for one epoch."""

import pytest


@pytest.mark.slow
def test_explain(run_example, tmp_path):
    run = run_example("explain.py")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.count("rank correlation") == 4
    assert (tmp_path / "contributions.png").read_bytes().startswith(b"\x89PNG")
