"""Chapter 2: gradients by hand are autograd's, and the plain loop is the estimator's."""

import re

import pytest


@pytest.mark.slow
def test_pytorch_basics(run_example):
    run = run_example("course/2_pytorch_basics.py")
    assert (run.returncode, run.stderr) == (0, "")
    printed = run.stdout
    assert "[1.0, 2.0, 3.0] are [2.0, 4.0, 6.0]" in printed

    gradients = _numbers(r"by hand and autograd differ by (\S+)", printed)
    assert len(gradients) == 4
    assert max(gradients) < 1e-6

    same, nearly = re.findall(r"losses (\S+) and (\S+), largest difference (\S+)", printed)
    assert float(same[2]) < 1e-4
    assert float(nearly[0]) == pytest.approx(float(nearly[1]), rel=0.1)

    right = dict(re.findall(r"(\S+, .+): (\d) of 4 right", printed))
    assert {name for name, count in right.items() if count != "4"} == {"XOR, linear"}
    assert len(right) == 6

    errors = _numbers(r"hidden units: root-mean-squared error (\S+)", printed)
    assert len(errors) == 7
    assert errors[0] > 3 * min(errors)

    best = dict(re.findall(r"(\w+): best degree (\d+)", printed))
    assert best["training"] == "15"
    assert 3 < int(best["validation"]) < 12

    plane, network = _numbers(r"R² = (\S+)", printed)
    assert plane < 0.2
    assert network > 0.4


def _numbers(pattern, text):
    return [float(number) for number in re.findall(pattern, text)]
