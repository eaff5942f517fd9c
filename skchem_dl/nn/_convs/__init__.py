"""Graph convolutions, one class each."""

from skchem_dl.nn._convs._attention import GAT, AttentiveFP, GATv2
from skchem_dl.nn._convs._base import CONVS, AtomConv, GraphConv, register_conv
from skchem_dl.nn._convs._bonds import GINE, MPNN
from skchem_dl.nn._convs._dmpnn import DMPNN
from skchem_dl.nn._convs._isotropic import GCN, GIN, SAGE

__all__ = [
    "CONVS",
    "DMPNN",
    "GAT",
    "GCN",
    "GIN",
    "GINE",
    "MPNN",
    "SAGE",
    "AtomConv",
    "AttentiveFP",
    "GATv2",
    "GraphConv",
    "register_conv",
]
