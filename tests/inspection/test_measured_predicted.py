"""Measured against predicted values."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import BayesianRidge
from sklearn.metrics import PredictionErrorDisplay
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.exceptions import InvalidMoleculeWarning
from skchem_dl.inspection import MeasuredPredictedDisplay
from skchem_dl.pipelines import make_linear_pipeline

NAN = np.nan
TRUE = np.array([0.0, 1.0, 2.0, NAN, 4.0])
PRED = np.array([0.5, 1.0, 1.0, 3.0, NAN])


def numbers(display):
    return display.text_.get_text().splitlines()


def test_numbers_by_hand():
    display = MeasuredPredictedDisplay.from_predictions(TRUE, PRED, unit="mM")
    assert numbers(display) == [
        "3 molecules",
        "RMSE = 0.645 mM",  # sqrt((0.25 + 0 + 1) / 3)
        "MAE = 0.500 mM",
        "R² = 0.375",  # 1 - 1.25 / 2
        "1 left out: not predicted",
        "1 left out: not measured",
    ]


def test_a_row_without_either_is_counted_once():
    display = MeasuredPredictedDisplay.from_predictions([NAN, 1, 2], [NAN, 1, 3])
    assert numbers(display)[-1] == "1 left out: not predicted"
    assert (display.n_not_predicted, display.n_not_measured) == (1, 0)


def test_predictions_are_across(as_png):
    display = MeasuredPredictedDisplay.from_predictions(TRUE, PRED, unit="mM", estimator_name="A")
    assert isinstance(display, PredictionErrorDisplay)
    assert display.scatter_.get_offsets().tolist() == [[0.5, 0], [1, 1], [1, 2]]
    assert display.ax_.get_xlabel() == "predicted [mM]"
    assert display.ax_.get_ylabel() == "measured [mM]"
    assert display.ax_.get_title() == "A"
    assert display.figure_ is display.ax_.figure
    assert display.errorbar_ is None
    as_png(display.figure_)


def test_residuals(as_png):
    display = MeasuredPredictedDisplay.from_predictions(TRUE, PRED, kind="residual_vs_predicted")
    assert display.scatter_.get_offsets().tolist() == [[0.5, -0.5], [1, 0], [1, 1]]
    assert display.ax_.get_ylabel() == "measured \N{MINUS SIGN} predicted"
    as_png(display.figure_)


@pytest.mark.parametrize(
    ("kind", "first_bar"),
    [
        ("actual_vs_predicted", [[0.4, 0.0], [0.6, 0.0]]),
        ("residual_vs_predicted", [[0.5, -0.6], [0.5, -0.4]]),
    ],
)
def test_error_bars_are_one_standard_deviation_to_either_side(kind, first_bar):
    std = [0.1, 0.2, 0.3, 0.4, NAN]
    display = MeasuredPredictedDisplay.from_predictions(TRUE, PRED, y_std=std, kind=kind)
    (bars,) = display.errorbar_.lines[2]
    assert len(bars.get_segments()) == 3
    np.testing.assert_allclose(bars.get_segments()[0], first_bar)


def test_an_ensemble_gives_its_error_bars(ensemble, molecules):
    X, y = molecules
    with pytest.warns(InvalidMoleculeWarning):
        mean, std = ensemble.predict(X, return_std=True)
    with pytest.warns(InvalidMoleculeWarning):
        display = MeasuredPredictedDisplay.from_estimator(ensemble, X, y, return_std=True)
    rows = ~np.isnan(mean) & ~np.isnan(y)
    np.testing.assert_array_equal(display.y_std, std[rows])
    np.testing.assert_array_equal(display.y_pred, mean[rows])
    assert numbers(display)[0] == "58 molecules"
    assert (display.n_not_predicted, display.n_not_measured) == (1, 1)
    within = make_pipeline(ensemble)
    with pytest.warns(InvalidMoleculeWarning):
        display = MeasuredPredictedDisplay.from_estimator(within, X, y, return_std=True)
    np.testing.assert_array_equal(display.y_std, std[rows])


def test_standard_deviations_of_scikit_learn(molecules):
    X, y = (np.delete(values, [2, 4]) for values in molecules)
    model = make_pipeline(MorganFingerprinter(fp_size=64), BayesianRidge()).fit(X, y)
    display = MeasuredPredictedDisplay.from_estimator(model, X, y, return_std=True)
    assert len(display.errorbar_.lines[2][0].get_segments()) == 58


def test_models_without_standard_deviation(molecules):
    X, y = (np.delete(values, [2, 4]) for values in molecules)
    linear = make_linear_pipeline().fit(X, y)
    with pytest.raises(TypeError, match="SkipInvalidRows gives no standard deviation"):
        MeasuredPredictedDisplay.from_estimator(linear, X, y, return_std=True)
    search = GridSearchCV(make_linear_pipeline(), {}, cv=2).fit(X, y)
    with pytest.raises(TypeError, match="pass the best_estimator_"):
        MeasuredPredictedDisplay.from_estimator(search, X, y, return_std=True)
    assert MeasuredPredictedDisplay.from_estimator(search, X, y).errorbar_ is None


def test_one_of_several_tasks():
    y_true = np.column_stack([TRUE, 10 * TRUE])
    y_pred = np.column_stack([PRED, 10 * PRED])
    frame = pd.DataFrame(y_true, columns=["logS", "pKa"])
    by_number = MeasuredPredictedDisplay.from_predictions(y_true, y_pred, task=1)
    by_name = MeasuredPredictedDisplay.from_predictions(frame, y_pred, task="pKa")
    for display in (by_number, by_name):
        assert display.y_true.tolist() == [0, 10, 20]
        assert display.y_pred.tolist() == [5, 10, 10]
    with pytest.raises(ValueError, match=r"task=None; there are 2, choose one .* \[0, 1\]"):
        MeasuredPredictedDisplay.from_predictions(y_true, y_pred)
    with pytest.raises(ValueError, match=re.escape("'pka'; there are 2, choose one with task= of")):
        MeasuredPredictedDisplay.from_predictions(frame, y_pred, task="pka")


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "message"),
    [
        ([1, 2], [1, 2, 3], {}, "inconsistent numbers of samples"),
        ([1, 2], [[1, 2], [3, 4]], {}, "Numbers of tasks differ: {'y_true': 1, 'y_pred': 2}"),
        ([NAN, 2], [1, NAN], {}, "None of the 2 rows has both .* 1 are measured, 1 predicted"),
        ([1, 2], [1, np.inf], {}, "Input y_pred contains infinity"),
        ([1, 2], [1, 2], {"y_std": [1, -1]}, "negative standard deviation, -1"),
        ([1, 2], [1, 2], {"kind": "scatter"}, "`kind` must be one of"),
    ],
)
def test_errors(y_true, y_pred, options, message):
    with pytest.raises(ValueError, match=message):
        MeasuredPredictedDisplay.from_predictions(y_true, y_pred, **options)


def test_one_molecule_has_no_r2(as_png):
    display = MeasuredPredictedDisplay.from_predictions([1.0], [1.0])
    assert numbers(display) == ["1 molecule", "RMSE = 0.00", "MAE = 0.00"]
    as_png(display.figure_)


def test_ticks_are_round():
    rng = np.random.default_rng(0)
    y = rng.uniform(-8.13, 1.07, 50)
    display = MeasuredPredictedDisplay.from_predictions(y, y + rng.normal(size=50))
    display.figure_.canvas.draw()
    steps = [np.diff(ticks) for ticks in (display.ax_.get_xticks(), display.ax_.get_yticks())]
    np.testing.assert_allclose(np.concatenate(steps), 2)


@pytest.mark.parametrize(
    ("kind", "corner"),
    [("actual_vs_predicted", ("left", "top")), ("residual_vs_predicted", ("right", "top"))],
)
def test_the_text_stands_where_no_points_are(kind, corner):
    y_pred = np.linspace(0, 1, 50)
    y_true = y_pred if kind == "actual_vs_predicted" else np.zeros(50)  # residuals fall
    display = MeasuredPredictedDisplay.from_predictions(y_true, y_pred, kind=kind)
    assert (display.text_.get_ha(), display.text_.get_va()) == corner


def test_styles_are_the_users():
    display = MeasuredPredictedDisplay.from_predictions(
        TRUE,
        PRED,
        scatter_kwargs={"s": 5},
        line_kwargs={"color": "red"},
    )
    assert display.scatter_.get_sizes() == [5]
    assert display.line_.get_color() == "red"
