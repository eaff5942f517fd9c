"""Data sets in the form of scikit-learn's ``load_*``, and a user's own files."""

from skchem_dl.datasets._csv import load_csv
from skchem_dl.datasets._loaders import load_nci, load_solubility

__all__ = ["load_csv", "load_nci", "load_solubility"]
