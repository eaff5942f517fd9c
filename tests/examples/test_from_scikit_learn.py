"""The two scripts of the example differ by what the example says, and both run."""

import difflib
import re
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "from_scikit_learn.py"


def cells_of(text):
    """Give the code of each cell, without the comments that it begins with."""
    return [
        re.sub(r"\A(#.*\n)*", "", cell).strip().splitlines() for cell in text.split("# %%\n")[1:]
    ]


def test_three_lines_change_and_they_are_shown():
    text = EXAMPLE.read_text(encoding="utf-8")
    _, before, _, after, _ = cells_of(text)
    changes = [line for line in difflib.unified_diff(before, after, n=0) if line[0] in "+-"][2:]
    assert [sum(line[0] == sign for line in changes) for sign in "-+"] == [3, 3]
    shown = re.findall(r"^#   ([+-].+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted(changes)


@pytest.mark.slow
def test_it_runs(run_example):
    run = run_example("from_scikit_learn.py")
    assert (run.returncode, run.stderr) == (0, "")
    *scripts, drugs = run.stdout.splitlines()
    assert [re.search(r"\{'(\w+)'", line)[1] for line in scripts] == [
        "max_features",
        "estimator__lr",
    ]
    errors = [float(number) for line in scripts for number in re.findall(r"(\d\.\d\d) ", line)]
    assert len(errors) == 4
    assert all(0.5 < error < 4 for error in errors)
    assert re.fullmatch(r"log10\(mol/L\): aspirin -?\d+\.\d, ibuprofen -?\d+\.\d", drugs)
