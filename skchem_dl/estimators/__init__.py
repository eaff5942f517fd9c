"""scikit-learn estimators: networks on matrices, token codes and molecular graphs."""

from skchem_dl.estimators._cnn import SmilesCNNClassifier, SmilesCNNRegressor
from skchem_dl.estimators._gnn import MolGNNClassifier, MolGNNRegressor
from skchem_dl.estimators._mlp import FingerprintMLPClassifier, FingerprintMLPRegressor

__all__ = [
    "FingerprintMLPClassifier",
    "FingerprintMLPRegressor",
    "MolGNNClassifier",
    "MolGNNRegressor",
    "SmilesCNNClassifier",
    "SmilesCNNRegressor",
]
