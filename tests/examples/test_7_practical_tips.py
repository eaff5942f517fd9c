"""The chapter of practical tips runs, and prints what it says."""

import re

import pytest

from skchem_dl.datasets import load_solubility


@pytest.mark.slow
def test_practical_tips(run_example):
    run = run_example("course/7_practical_tips.py")
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()

    n_molecules = len(load_solubility(drop_duplicates=True).data[::10])
    sizes = [int(number) for number in re.findall(r"\d+", lines[0])]
    assert sum(sizes) == n_molecules
    assert max(sizes) - min(sizes) <= 1

    random, scaffold = (
        float(re.search(rf"^{name} split.*similarity (.+)$", run.stdout, re.MULTILINE)[1])
        for name in ("random", "scaffold")
    )
    assert random > scaffold  # nothing like the test molecules is left to learn from

    remedies = re.findall(r"^(.+?) +training (.+)  validation (.+)$", run.stdout, re.MULTILINE)
    assert [name for name, *_ in remedies] == [
        "none",
        "L2",
        "dropout",
        "early stopping",
        "all three",
    ]
    assert "2 of 4 rows are not valid molecules" in run.stdout
    assert "row 1: 'c1ccccc'" in run.stdout
    assert re.search(r"^\[ *\S+ +nan +\S+ +nan\]$", run.stdout, re.MULTILINE)

    validation, test = map(float, re.search(r"validation (.+), test (.+)$", lines[-1]).groups())
    assert validation == min(float(error) for *_, error in remedies)
    assert 0.5 < test < 3  # log10(mol/L)
