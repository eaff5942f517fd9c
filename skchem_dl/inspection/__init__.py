"""Displays, in scikit-learn's convention: ``from_estimator``, ``plot``, ``ax_``, ``figure_``."""

from skchem_dl.inspection._loss_curve import LossCurveDisplay

__all__ = ["LossCurveDisplay"]
