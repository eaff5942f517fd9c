"""Similar and diverse molecules, by the Tanimoto similarity of their fingerprints."""

from skchem_dl.similarity._butina import ButinaClustering
from skchem_dl.similarity._neighbors import TanimotoNeighbors
from skchem_dl.similarity._picker import MaxMinPicker
from skchem_dl.similarity._search import Nearest, SimilaritySearch

__all__ = [
    "ButinaClustering",
    "MaxMinPicker",
    "Nearest",
    "SimilaritySearch",
    "TanimotoNeighbors",
]
