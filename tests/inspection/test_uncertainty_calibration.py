"""Calibration of predicted standard deviations."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import Ridge

from skchem_dl.exceptions import InvalidMoleculeWarning
from skchem_dl.inspection import UncertaintyCalibrationDisplay

N = 4000
ERRORS = np.random.default_rng(0).normal(size=N)


def display_of(std, errors=ERRORS, **options):
    return UncertaintyCalibrationDisplay.from_predictions(
        errors, np.zeros(len(errors)), np.broadcast_to(std, len(errors)), **options
    )


def test_perfect_calibration(as_png):
    display = display_of(1.0)
    np.testing.assert_allclose(display.coverage_, np.linspace(0, 1, 101), atol=0.02)
    assert display.miscalibration_area_ < 0.01
    as_png(display.figure_)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_area_by_integration(factor):
    """A standard deviation that is wrong by a factor has a coverage that can be calculated."""
    nominal = np.linspace(0, 1, 20_001)[:-1]
    expected = 2 * norm.cdf(factor * norm.ppf((1 + nominal) / 2)) - 1
    display = display_of(factor)
    assert np.mean(np.abs(expected - nominal)) == pytest.approx(
        display.miscalibration_area_, abs=0.01
    )
    assert (display.coverage_[50] > 0.5) == (factor > 1)


def test_coverage_by_hand():
    # |z| of 0.5, 1 and 2 are on the edge of the central 38 %, 68 % and 95 %.
    display = display_of(2.0, np.array([1.0, -2.0, 4.0]))
    np.testing.assert_allclose(
        display.coverage_[[0, 38, 39, 68, 69, 95, 96, 100]] * 3, [0, 0, 1, 1, 2, 2, 3, 3]
    )
    x, y = display.line_.get_data()
    np.testing.assert_array_equal(y, display.coverage_)
    np.testing.assert_allclose(x, np.linspace(0, 1, 101))


def test_standard_deviations_of_zero(as_png):
    display = display_of(0.0, np.array([0.0, 1.0]))
    np.testing.assert_array_equal(display.coverage_[:-1], 0.5)  # the right one is always covered
    assert display.coverage_[-1] == 1
    as_png(display.plot(kind="rmse_vs_std").figure_)


def test_bins_by_hand(as_png):
    errors = np.array([1.0, -3.0, 2.0, 0.0])
    display = display_of([1.0, 5.0, 1.0, 5.0], errors, kind="rmse_vs_std", n_bins=2, unit="mM")
    np.testing.assert_allclose(display.bin_std_, [1, 5])
    np.testing.assert_allclose(display.bin_rmse_, np.sqrt([2.5, 4.5]))
    ence = (np.sqrt(2.5) - 1 + (5 - np.sqrt(4.5)) / 5) / 2
    assert display.ence_ == pytest.approx(ence)
    np.testing.assert_allclose(display.line_.get_xdata(), [1, 5])
    assert display.text_.get_text().splitlines() == ["4 molecules", "2 bins", "ENCE = 0.578"]
    assert display.ax_.get_xlabel() == "predicted standard deviation [mM]"
    assert display.ax_.get_ylabel() == "RMSE [mM]"
    as_png(display.figure_)


def test_more_bins_than_molecules():
    assert len(display_of(1.0, ERRORS[:3]).bin_std_) == 3


def test_an_ensemble(ensemble, molecules):
    with pytest.warns(InvalidMoleculeWarning):
        display = UncertaintyCalibrationDisplay.from_estimator(
            ensemble, *molecules, estimator_name="two networks", linewidth=5
        )
    assert display.text_.get_text().splitlines() == [
        "58 molecules",
        f"miscalibration area = {display.miscalibration_area_:#.3g}",
        "1 left out: not predicted",
        "1 left out: not measured",
    ]
    assert display.ax_.get_title() == "two networks"
    assert display.line_.get_linewidth() == 5


def test_what_cannot_be_drawn():
    ridge = Ridge().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match="Ridge gives no standard deviation"):
        UncertaintyCalibrationDisplay.from_estimator(ridge, [[0.0]], [0])
    with pytest.raises(ValueError, match="kind='area'; expected one of"):
        display_of(1.0, kind="area")
    with pytest.raises(ValueError, match="negative standard deviation"):
        display_of(-1.0)
