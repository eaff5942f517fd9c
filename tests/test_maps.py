"""The example of maps runs, prints neighbours and draws its picture."""

import pytest


@pytest.mark.slow
def test_maps(run_example, tmp_path):
    run = run_example("maps.py")
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    similarities = [float(line.split()[0]) for line in lines[1:4]]
    assert similarities[0] == 1
    assert similarities == sorted(similarities, reverse=True)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")
