"""Data sets in the form of scikit-learn's ``load_*`` and ``fetch_*``, and a user's own files."""

from skchem_dl.datasets._csv import load_csv
from skchem_dl.datasets._loaders import load_nci, load_solubility
from skchem_dl.datasets._moleculenet import (
    fetch_bace,
    fetch_bbbp,
    fetch_esol,
    fetch_freesolv,
    fetch_hiv,
    fetch_lipophilicity,
    fetch_qm9,
    fetch_tox21,
)
from skchem_dl.datasets._sdf import load_sdf

__all__ = [
    "fetch_bace",
    "fetch_bbbp",
    "fetch_esol",
    "fetch_freesolv",
    "fetch_hiv",
    "fetch_lipophilicity",
    "fetch_qm9",
    "fetch_tox21",
    "load_csv",
    "load_nci",
    "load_sdf",
    "load_solubility",
]
