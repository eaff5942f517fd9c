"""Ready pipelines from SMILES to predictions, and the steps that hold them together."""

from skchem_dl.pipelines._embedder import NeuralEmbedder
from skchem_dl.pipelines._factories import (
    make_cluster_pipeline,
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
    make_pca_pipeline,
)
from skchem_dl.pipelines._skip_invalid import SkipInvalidRows

__all__ = [
    "NeuralEmbedder",
    "SkipInvalidRows",
    "make_cluster_pipeline",
    "make_cnn_pipeline",
    "make_forest_pipeline",
    "make_gnn_pipeline",
    "make_linear_pipeline",
    "make_mlp_pipeline",
    "make_pca_pipeline",
]
