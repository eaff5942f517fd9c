"""Plain torch modules, usable without the estimators."""

from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._cnn import CNN, POOLINGS
from skchem_dl.nn._convs import CONVS, GraphConv, register_conv
from skchem_dl.nn._gnn import GNN, READOUTS, SKIPS
from skchem_dl.nn._kernels import BACKENDS
from skchem_dl.nn._layers import ACTIVATIONS
from skchem_dl.nn._mlp import MLP

__all__ = [
    "ACTIVATIONS",
    "BACKENDS",
    "CNN",
    "CONVS",
    "GNN",
    "MLP",
    "POOLINGS",
    "READOUTS",
    "SKIPS",
    "GraphBatch",
    "GraphConv",
    "register_conv",
]
