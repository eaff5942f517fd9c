"""Displays, in scikit-learn's convention: ``from_estimator``, ``plot``, ``ax_``, ``figure_``."""

from skchem_dl.inspection._atom_contributions import atom_contributions
from skchem_dl.inspection._chemical_space import ChemicalSpaceDisplay
from skchem_dl.inspection._comparison import ComparisonDisplay
from skchem_dl.inspection._draw_contributions import draw_contributions
from skchem_dl.inspection._draw_molecules import draw_molecules
from skchem_dl.inspection._loss_curve import LossCurveDisplay
from skchem_dl.inspection._measured_predicted import MeasuredPredictedDisplay
from skchem_dl.inspection._uncertainty_calibration import UncertaintyCalibrationDisplay

__all__ = [
    "ChemicalSpaceDisplay",
    "ComparisonDisplay",
    "LossCurveDisplay",
    "MeasuredPredictedDisplay",
    "UncertaintyCalibrationDisplay",
    "atom_contributions",
    "draw_contributions",
    "draw_molecules",
]
