"""What no display may change: the estimator, matplotlib's style and figures, RDKit's defaults."""

import sys

import joblib
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from skchem_dl import inspection
from skchem_dl.model_selection import Comparison
from skchem_dl.pipelines import make_pca_pipeline

pytestmark = pytest.mark.filterwarnings("ignore::skchem_dl.exceptions.InvalidMoleculeWarning")

DISPLAYS = {
    "LossCurveDisplay": lambda cls, model, X, y, ax: cls.from_estimator(model, ax=ax),
    "MeasuredPredictedDisplay": lambda cls, model, X, y, ax: cls.from_estimator(
        model, X, y, return_std=True, unit="mM", ax=ax
    ),
    "UncertaintyCalibrationDisplay": lambda cls, model, X, y, ax: cls.from_estimator(
        model, X, y, ax=ax
    ),
    "ChemicalSpaceDisplay": lambda cls, model, X, y, ax: cls.from_estimator(
        model, X, color=y, annotate=[0, 1], ax=ax
    ),
    "ComparisonDisplay": lambda cls, model, X, y, ax: cls.from_comparison(model, ax=ax),
}


def compared():
    """Scores of two methods on ten folds."""
    errors = np.random.default_rng(0).normal([0.6, 0.8], 0.1, size=(10, 2))
    rows = [
        {"method": method, "repeat": 0, "fold": fold, "rmse": error}
        for fold, row in enumerate(errors)
        for method, error in zip(["GNN", "forest"], row, strict=True)
    ]
    return Comparison(pd.DataFrame(rows), {"rmse": False})


@pytest.fixture(params=DISPLAYS)
def draw(request, ensemble, molecules):
    """Draw one of the displays, and give the model that it was made from."""
    X, y = molecules
    model = ensemble
    if request.param == "ChemicalSpaceDisplay":
        model = make_pca_pipeline(random_state=0, on_invalid="nan").fit(X)
    if request.param == "ComparisonDisplay":
        model = compared()

    def draw(ax=None):
        return DISPLAYS[request.param](getattr(inspection, request.param), model, X, y, ax)

    return draw, model


def default_drawing():
    canvas = rdMolDraw2D.MolDraw2DSVG(200, 150)
    canvas.DrawMolecule(Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), legend="aspirin")
    canvas.FinishDrawing()
    return canvas.GetDrawingText(), rdDepictor.GetPreferCoordGen()


# Before any test has drawn.
BEFORE = default_drawing()
STYLE = dict(matplotlib.rcParams)


def test_there_is_a_case_for_every_display():
    assert {name for name in inspection.__all__ if name.endswith("Display")} == set(DISPLAYS)


def test_the_estimator_stays_as_it_is(draw):
    draw, model = draw
    before = joblib.hash(model)
    draw()
    assert joblib.hash(model) == before


def test_matplotlib_stays_as_it_is(draw):
    draw, _ = draw
    figure = Figure(figsize=(8, 6), layout="constrained")
    ax = figure.subplots()
    display = draw(ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == STYLE


def test_one_figure_is_opened_where_there_are_no_axes(draw):
    draw, _ = draw
    display = draw()
    assert [plt.figure(number) for number in plt.get_fignums()] == [display.figure_]


def test_rdkit_draws_as_before(draw):
    draw, _ = draw
    draw()
    inspection.draw_molecules(["CCO"]).to_png()
    inspection.draw_contributions(["CCO"], [[1, 0, -1]]).to_png()
    assert default_drawing() == BEFORE


def test_it_can_be_drawn_again(draw, as_png):
    draw, _ = draw
    display = draw()
    first = as_png(display.figure_)
    assert display.plot() is display
    np.testing.assert_array_equal(as_png(display.figure_), first)


def test_nothing_is_cut_off(draw):
    draw, _ = draw
    figure = draw().figure_
    figure.canvas.draw()
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert drawn.x0 >= 0 and drawn.y0 >= 0
    assert drawn.x1 <= width and drawn.y1 <= height


def test_without_matplotlib(draw, monkeypatch):
    draw, _ = draw
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="needs the extra 'plot'"):
        draw()
