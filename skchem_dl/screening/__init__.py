"""Predictions for files of molecules that need not fit into memory."""

from skchem_dl.screening._predict_file import ScreeningSummary, predict_file

__all__ = ["ScreeningSummary", "predict_file"]
