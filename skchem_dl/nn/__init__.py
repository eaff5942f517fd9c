"""Plain torch modules, usable without the estimators."""

from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._cnn import CNN, POOLINGS
from skchem_dl.nn._convs import CONVS, GraphConv, register_conv
from skchem_dl.nn._gnn import GNN, JUMPING_KNOWLEDGE, SKIPS
from skchem_dl.nn._kernels import BACKENDS
from skchem_dl.nn._layers import ACTIVATIONS
from skchem_dl.nn._mlp import MLP
from skchem_dl.nn._readouts import READOUTS, Readout, register_readout

__all__ = [
    "ACTIVATIONS",
    "BACKENDS",
    "CNN",
    "CONVS",
    "GNN",
    "JUMPING_KNOWLEDGE",
    "MLP",
    "POOLINGS",
    "READOUTS",
    "SKIPS",
    "GraphBatch",
    "GraphConv",
    "Readout",
    "register_conv",
    "register_readout",
]
