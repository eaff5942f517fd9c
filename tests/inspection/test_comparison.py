"""Pictures of comparisons: who is where, in which colour, and what is written."""

import sys
from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from skchem_dl.inspection import ComparisonDisplay
from skchem_dl.model_selection import Comparison

matplotlib.use("Agg")
import matplotlib.pyplot as plt

NAMES = ["mean of the training set", "forest", "graph neural network (D-MPNN)"]
BLUE, GREY, ORANGE = "#0072B2", "#7F7F7F", "#D55E00"


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def comparison(*, greater_is_better=False, names=NAMES, means=(1.9, 0.605, 0.6)):
    rng = np.random.default_rng(0)
    fold = rng.normal(scale=0.1, size=(25, 1))
    noise = rng.normal(scale=0.05, size=(25, len(names)))
    scores = fold + means + noise - noise.mean(axis=0)
    rows = [
        {"method": name, "repeat": i // 5, "fold": i % 5, "rmse": scores[i, j], "r2": -scores[i, j]}
        for j, name in enumerate(names)
        for i in range(25)
    ]
    return Comparison(pd.DataFrame(rows), {"rmse": greater_is_better, "r2": True})


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def test_intervals():
    given = comparison()
    test = given.test()
    display = ComparisonDisplay.from_comparison(given)
    ax = display.ax_
    assert display.figure_ is ax.figure
    assert [label.get_text() for label in ax.get_yticklabels()] == test.means.index.tolist()
    assert test.means.index.tolist() == [*NAMES[:0:-1], NAMES[0]]
    assert ax.yaxis_inverted()  # the best on top
    for bar, row, color in zip(
        display.lines_, test.means.itertuples(), [BLUE, GREY, ORANGE], strict=True
    ):
        point, _, (reach,) = bar.lines
        assert same_color(point.get_color(), color)
        assert point.get_xdata() == [row.mean]
        ((left, _), (right, _)) = reach.get_segments()[0]
        assert (left, right) == pytest.approx((row.lower, row.upper))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "best",
        "not distinguishable from the best",
        "worse (p < 0.05)",
    ]
    assert ax.get_xlabel() == "rmse (lower is better)"
    assert ax.get_title() == "rmse, 25 folds: repeated-measures ANOVA, Tukey's HSD"
    assert texts(display) == [f"{mean:.3f}" for mean in test.means["mean"]]


def test_matrix():
    given = comparison()
    test = given.test()
    display = ComparisonDisplay.from_comparison(given, kind="matrix")
    shown = display.im_.get_array()
    assert np.ma.getmaskarray(shown).tolist() == np.eye(3, dtype=bool).tolist()
    # A lower error is better: the best row is never orange (negative), the last never blue.
    assert np.sign(shown.filled(0)).tolist() == [[0, 0, 1], [0, 0, 1], [-1, -1, 0]]
    difference = test.pairs["difference"]
    assert display.text_[0, 1].get_text() == f"{difference[0]:+.3f}"
    assert display.text_[1, 0].get_text() == f"{-difference[0]:+.3f}"
    assert display.text_[0, 2].get_text() == f"{difference[1]:+.3f}\n***"
    assert display.text_[2, 2] is None
    assert display.text_[0, 2].get_color() == "white"
    assert "row minus column" in display.ax_.get_xlabel()


def test_greater_may_be_better():
    given = comparison()
    for kind in ("intervals", "matrix"):
        display = ComparisonDisplay.from_comparison(given, metric="r2", kind=kind)
        assert display.ax_.get_xlabel().startswith("r2 (higher is better)")
    assert np.sign(display.im_.get_array().filled(0))[0].tolist() == [0, 0, 1]
    assert display.text_[0, 2].get_text().startswith("+")


def two_methods(p):
    means = pd.DataFrame(
        {"mean": [1.0, 2.0], "lower": 0.9, "upper": 2.1, "standing": ["best", "same"]},
        index=["a", "b"],
    )
    pairs = pd.DataFrame(
        {"method_1": ["a"], "method_2": ["b"], "difference": [-1.0], "p_value": [p]}
    )
    return means, pairs


@pytest.mark.parametrize(("p", "alpha", "color"), [(0.07, 0.1, 1), (0.03, 0.01, 0), (0.03, 0.1, 1)])
def test_the_matrix_colours_by_the_level_that_is_asked_for(p, alpha, color):
    display = ComparisonDisplay(*two_methods(p), greater_is_better=False, alpha=alpha)
    display.plot(kind="matrix")
    assert display.im_.get_array()[0, 1] == color
    assert f"(p ≥ {alpha})" in display.ax_.get_xlabel()


@pytest.mark.parametrize(("p", "stars"), [(0.2, 0), (0.03, 1), (0.004, 2), (0.0004, 3)])
def test_stars(p, stars):
    display = ComparisonDisplay(*two_methods(p), greater_is_better=False).plot(kind="matrix")
    assert display.text_[0, 1].get_text() == ("-1.00\n" + "*" * stars).strip()
    assert display.im_.get_array()[0, 1] == stars


def test_given_axes_options_and_style():
    before = dict(matplotlib.rcParams)
    figure, (left, right) = plt.subplots(1, 2)
    size = figure.get_size_inches().tolist()
    given = comparison()
    intervals = ComparisonDisplay.from_comparison(given, ax=left, capsize=9, alpha=0.01)
    assert intervals.ax_ is left
    assert "worse (p < 0.01)" in [t.get_text() for t in left.get_legend().get_texts()]
    matrix = ComparisonDisplay.from_comparison(given, kind="matrix", ax=right, aspect="equal")
    assert matrix.figure_ is figure
    assert figure.get_size_inches().tolist() == size
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("kind", ["intervals", "matrix"])
def test_nine_methods_with_long_names_fit(kind):
    names = [f"{number}. method with a rather long name" for number in range(9)]
    given = comparison(names=names, means=np.linspace(0.6, 1.4, 9))
    display = ComparisonDisplay.from_comparison(given, kind=kind)
    display.figure_.canvas.draw()
    whole = display.figure_.bbox
    ax = display.ax_
    drawn = [*ax.get_yticklabels(), *ax.texts, ax.title, ax.xaxis.label]
    drawn += ax.get_xticklabels() if kind == "matrix" else []
    for text in drawn:
        box = text.get_window_extent()
        assert whole.x0 - 1 <= box.x0 <= box.x1 <= whole.x1 + 1, text
        assert whole.y0 - 1 <= box.y0 <= box.y1 <= whole.y1 + 1, text
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))


def test_no_such_kind():
    with pytest.raises(ValueError, match=r"kind='bars'; expected one of \('intervals', 'matrix'\)"):
        ComparisonDisplay.from_comparison(comparison(), kind="bars")


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="needs the extra 'plot'"):
        ComparisonDisplay.from_comparison(comparison())
