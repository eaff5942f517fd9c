"""The example on contributions of atoms runs, trained for one epoch."""

import re

import pytest


@pytest.mark.slow
def test_explain(run_example, tmp_path):
    run = run_example("explain.py")
    assert (run.returncode, run.stderr) == (0, "")
    ranks = re.findall(r"rank correlation +(-?\d\.\d\d)$", run.stdout, re.MULTILINE)
    assert len(ranks) == 4
    assert all(abs(float(rank)) <= 1 for rank in ranks)
    assert (tmp_path / "contributions.png").read_bytes().startswith(b"\x89PNG")
