"""Ready pipelines from SMILES to predictions, and the steps that hold them together."""

from skchem_dl.pipelines._baselines import (
    make_baselines,
    make_boosting_pipeline,
    make_forest_pipeline,
    make_gradient_descent_pipeline,
    make_linear_pipeline,
    make_mean_pipeline,
)
from skchem_dl.pipelines._consensus import ConsensusClassifier, ConsensusRegressor
from skchem_dl.pipelines._consensus_pipeline import make_consensus_pipeline
from skchem_dl.pipelines._embedder import NeuralEmbedder
from skchem_dl.pipelines._kernel import make_kernel_pipeline
from skchem_dl.pipelines._neighbors import make_neighbors_pipeline
from skchem_dl.pipelines._networks import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline
from skchem_dl.pipelines._skip_invalid import SkipInvalidRows
from skchem_dl.pipelines._unsupervised import (
    make_butina_pipeline,
    make_cluster_pipeline,
    make_pca_pipeline,
    make_tsne_pipeline,
)

__all__ = [
    "ConsensusClassifier",
    "ConsensusRegressor",
    "NeuralEmbedder",
    "SkipInvalidRows",
    "make_baselines",
    "make_boosting_pipeline",
    "make_butina_pipeline",
    "make_cluster_pipeline",
    "make_cnn_pipeline",
    "make_consensus_pipeline",
    "make_forest_pipeline",
    "make_gnn_pipeline",
    "make_gradient_descent_pipeline",
    "make_kernel_pipeline",
    "make_linear_pipeline",
    "make_mean_pipeline",
    "make_mlp_pipeline",
    "make_neighbors_pipeline",
    "make_pca_pipeline",
    "make_tsne_pipeline",
]
