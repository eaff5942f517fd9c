"""A network's inner vector as features."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline

from skchem_dl import (
    FingerprintMLPRegressor,
    MolGNNClassifier,
    MolGNNRegressor,
    MolGraphizer,
    MorganFingerprinter,
    SmilesCNNRegressor,
    SmilesTokenizer,
)
from skchem_dl.nn import GraphBatch
from skchem_dl.pipelines import (
    NeuralEmbedder,
    SkipInvalidRows,
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_mlp_pipeline,
)

TRAINING = {"max_epochs": 2, "random_state": 0}
MLP = FingerprintMLPRegressor((16, 8), **TRAINING)
CNN = SmilesCNNRegressor(embedding_dim=4, n_filters=4, kernel_sizes=(3, 5), **TRAINING)
GNN = MolGNNRegressor(hidden_dim=8, readout="mean", **TRAINING)
FEATURIZED = {
    "mlp": (MLP, MorganFingerprinter(fp_size=64), torch.from_numpy, 8),
    "cnn": (CNN, SmilesTokenizer(), torch.from_numpy, 8),
    "gnn": (GNN, MolGraphizer(), GraphBatch.from_graphs, 8),
}
PIPELINES = {
    "mlp": make_mlp_pipeline(hidden_dims=(16, 8), **TRAINING),
    "cnn": make_cnn_pipeline(embedding_dim=4, n_filters=4, kernel_sizes=(3, 5), **TRAINING),
    "gnn": make_gnn_pipeline(hidden_dim=8, readout="mean", **TRAINING),
}
each = pytest.mark.parametrize("kind", FEATURIZED)


@pytest.fixture
def y(smiles):
    return np.array([len(text) for text in smiles], dtype=float)


@each
def test_it_is_the_modules_own_vector(kind, smiles, y):
    estimator, featurizer, batch_of, width = FEATURIZED[kind]
    X = clone(featurizer).fit_transform(smiles)
    X = X.astype(np.float32) if kind == "mlp" else X
    embedder = NeuralEmbedder(estimator)
    embedded = embedder.fit_transform(X, y)
    module = embedder.estimator_.module_
    with torch.inference_mode():
        expected = module.embed(batch_of(X)).numpy()
        outcome = module.head(torch.from_numpy(embedded)).numpy()[:, 0]
    assert embedded.shape == (len(smiles), width)
    assert embedded.dtype == np.float32
    np.testing.assert_allclose(embedded, expected, rtol=1e-5, atol=1e-6)
    # The head on top of it is the whole network, up to the scale of y.
    predicted = embedder.estimator_.predict(X)
    assert np.corrcoef(predicted, outcome)[0, 1] == pytest.approx(1, abs=1e-5)
    assert not hasattr(estimator, "net_")


@each
def test_from_smiles(kind, smiles, y):
    pipeline = clone(PIPELINES[kind])
    embedded = NeuralEmbedder(pipeline).fit(smiles, y).transform(smiles)
    fitted = pipeline.fit(smiles, y)
    assert np.array_equal(embedded, fitted[-1].embed(fitted[0].transform(smiles)))
    frozen = NeuralEmbedder(FrozenEstimator(fitted))
    assert np.array_equal(frozen.fit_transform(smiles), embedded)
    assert frozen.estimator_.estimator is fitted


def test_frozen_inside_a_pipeline(smiles, y):
    graphs = MolGraphizer().fit_transform(smiles)
    trained = clone(GNN).fit(graphs, y)
    expected = trained.embed(graphs)
    for frozen in (
        make_pipeline(MolGraphizer(), FrozenEstimator(trained)),
        FrozenEstimator(make_pipeline(MolGraphizer(), trained)),
    ):
        assert np.array_equal(NeuralEmbedder(frozen).fit(smiles, y).transform(smiles), expected)
    embedder = NeuralEmbedder(FrozenEstimator(trained)).fit(graphs)
    assert np.array_equal(clone(embedder).fit(graphs[:3]).transform(graphs), expected)


def test_deep_pipelines(smiles, y):
    deep = make_pipeline(MorganFingerprinter(fp_size=64), PCA(4), clone(MLP))
    assert NeuralEmbedder(deep).fit_transform(smiles, y).shape == (len(smiles), 8)
    nested = make_pipeline(MorganFingerprinter(fp_size=64), make_pipeline(PCA(4), clone(MLP)))
    assert NeuralEmbedder(nested).fit_transform(smiles, y).shape == (len(smiles), 8)


def test_in_front_of_other_models(smiles, y):
    embedder = NeuralEmbedder(clone(PIPELINES["gnn"]))
    neighbours = make_pipeline(embedder, KNeighborsRegressor(3))
    assert np.isfinite(cross_val_score(neighbours, smiles, y, cv=2)).all()
    union = FeatureUnion([("learnt", embedder), ("bits", MorganFingerprinter(fp_size=16))])
    model = make_pipeline(union, Ridge()).fit(smiles, y)
    assert model[-1].n_features_in_ == 8 + 16
    grid = {"neuralembedder__estimator__estimator__hidden_dim": [4, 8]}
    search = GridSearchCV(neighbours, grid, cv=2).fit(smiles, y)
    assert search.predict(smiles).shape == y.shape


@each
@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@pytest.mark.parametrize(
    ("behind", "method"),
    [
        (PCA(2, random_state=0), "transform"),
        (KMeans(3, n_init=1, random_state=0), "predict"),
        (HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=3), "predict"),
    ],
    ids=["PCA", "KMeans", "HistGradientBoosting"],
)
def test_a_step_before_scikit_learns(kind, behind, method, smiles, y):
    """From SMILES, some of them broken, and the same as by hand without these."""
    network = clone(PIPELINES[kind]).set_params(featurizer__on_invalid="nan")
    good = np.setdiff1d(np.arange(len(smiles)), [3, 9])
    embedded = NeuralEmbedder(clone(network)).fit_transform([smiles[i] for i in good], y[good])
    by_hand = clone(behind).fit(embedded, y[good])
    smiles[3], smiles[9] = "C(", None
    model = make_pipeline(NeuralEmbedder(network), SkipInvalidRows(behind)).fit(smiles, y)
    found = getattr(model, method)(smiles)
    assert np.isnan(found[[3, 9]]).all()
    expected = getattr(by_hand, method)(embedded)
    np.testing.assert_allclose(found[good], expected, rtol=1e-4, atol=1e-4)
    assert len(np.unique(expected, axis=0)) > 1


def test_frames(smiles, y):
    embedder = NeuralEmbedder(clone(PIPELINES["mlp"])).set_output(transform="pandas")
    series = pd.Series(smiles, index=np.arange(len(smiles)) + 5)
    frame = embedder.fit_transform(series, y)
    assert frame.columns.tolist() == [f"embedding{i}" for i in range(8)]
    assert frame.index.tolist() == series.index.tolist()


@each
@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_invalid_rows(kind, smiles, y):
    model = clone(PIPELINES[kind]).set_params(featurizer__on_invalid="nan")
    smiles[3] = "C("
    embedded = NeuralEmbedder(model).fit(smiles, y).transform(smiles)
    assert np.flatnonzero(np.isnan(embedded).any(axis=1)).tolist() == [3]
    assert np.isnan(embedded[3]).all()
    assert np.isnan(NeuralEmbedder(model).fit(smiles, y).transform(["C(", None])).all()


def test_classifiers_and_several_targets(smiles, y):
    graphs = MolGraphizer().fit_transform(smiles)
    classifier = MolGNNClassifier(hidden_dim=8, readout="mean", **TRAINING)
    assert NeuralEmbedder(classifier).fit_transform(graphs, y > 5).shape == (len(y), 8)
    several = np.column_stack([y, np.where(y > 9, np.nan, y)])
    assert NeuralEmbedder(clone(GNN)).fit_transform(graphs, several).shape == (len(y), 8)


def test_without_hidden_layers_it_is_the_input():
    X = np.eye(5, dtype=np.float32)
    embedder = NeuralEmbedder(FingerprintMLPRegressor((), **TRAINING)).fit(X, np.arange(5.0))
    assert np.array_equal(embedder.transform(X), X)


@pytest.mark.parametrize("wrong", [Ridge(), make_forest_pipeline(), FrozenEstimator(Ridge()), None])
def test_what_has_no_embedding(wrong):
    with pytest.raises(TypeError, match="NeuralEmbedder needs one of the neural estimators"):
        NeuralEmbedder(wrong).fit(["C"], [0])


def test_unfitted(smiles, y):
    with pytest.raises(NotFittedError):
        NeuralEmbedder(clone(PIPELINES["mlp"])).transform(smiles)
    with pytest.raises(NotFittedError):
        NeuralEmbedder(FrozenEstimator(clone(GNN))).fit(
            MolGraphizer().transform(smiles), y
        ).transform(MolGraphizer().transform(smiles))
    with pytest.raises(ValueError, match="requires y to be passed"):
        NeuralEmbedder(clone(PIPELINES["mlp"])).fit(smiles)
