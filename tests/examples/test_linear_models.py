"""Chapter 1: what is found by hand, by network and by scikit-learn is the same."""

import pytest


@pytest.mark.slow
def test_linear_models(run_example):
    run = run_example("course/1_linear_models.py")
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    ends = {
        name.strip(): [float(weight) for weight in rest.split(", b = ")]
        for name, rest in _split(lines, ": w = ")
    }
    w, b = ends.pop("best")
    assert list(ends) == ["batch", "mini-batch", "stochastic"]
    for name, end in ends.items():
        assert end == pytest.approx([w, b], abs=0.4), name

    table = {line[:26].strip(): [float(cell) for cell in line[26:].split()] for line in lines[5:10]}
    least_squares = table["LinearRegression"]
    assert table["gradient descent by hand"] == pytest.approx(least_squares, abs=2e-4)
    assert table["network, no hidden layer"] == pytest.approx(least_squares, abs=2e-4)
    ridge = table["Ridge, alpha=n/2 × 0.5"]
    assert table["network, weight_decay=0.5"] == pytest.approx(ridge, abs=2e-4)
    assert ridge != pytest.approx(least_squares, abs=0.1)

    accuracy, difference = (float(line.split()[-1]) for line in lines[10:12])
    assert accuracy > 0.8
    assert difference < 1e-3

    counts = [int(rest.split()[0]) for _, rest in _split(lines, ": ") if "molecules, mean" in rest]
    assert len(counts) == 6
    assert sum(counts) == 1025


def _split(lines, separator):
    return [line.split(separator) for line in lines if separator in line]
