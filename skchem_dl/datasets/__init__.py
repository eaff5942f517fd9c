"""Data sets that need no download, in the form of scikit-learn's ``load_*`` functions."""

from skchem_dl.datasets._loaders import load_nci, load_solubility

__all__ = ["load_nci", "load_solubility"]
