"""Pretraining of graph networks on molecules without measurements."""

from skchem_dl.estimators._pretrained import PretrainedWeights
from skchem_dl.pretraining._embedder import PretrainedEmbedder
from skchem_dl.pretraining._pretrainer import MolGNNPretrainer

__all__ = ["MolGNNPretrainer", "PretrainedEmbedder", "PretrainedWeights"]
