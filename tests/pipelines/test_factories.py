"""The ready pipelines: their steps, their options, and predictions that make sense."""

import inspect

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.manifold import TSNE
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.svm import SVR

import skchem_dl.pipelines
from skchem_dl import (
    FingerprintMLPClassifier,
    FingerprintMLPRegressor,
    MolFeatureUnion,
    MolGNNClassifier,
    MolGNNRegressor,
    MolGraphizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesCNNClassifier,
    SmilesCNNRegressor,
    SmilesTokenizer,
)
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import (
    ConsensusClassifier,
    ConsensusRegressor,
    SkipInvalidRows,
    make_baselines,
    make_boosting_pipeline,
    make_butina_pipeline,
    make_cluster_pipeline,
    make_cnn_pipeline,
    make_consensus_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_gradient_descent_pipeline,
    make_kernel_pipeline,
    make_linear_pipeline,
    make_mean_pipeline,
    make_mlp_pipeline,
    make_neighbors_pipeline,
    make_pca_pipeline,
    make_tsne_pipeline,
)
from skchem_dl.similarity import ButinaClustering

# Factory: featuriser, regressor, classifier.
PREDICTIVE = {
    make_mlp_pipeline: (MorganFingerprinter, FingerprintMLPRegressor, FingerprintMLPClassifier),
    make_cnn_pipeline: (SmilesTokenizer, SmilesCNNRegressor, SmilesCNNClassifier),
    make_gnn_pipeline: (MolGraphizer, MolGNNRegressor, MolGNNClassifier),
    make_linear_pipeline: (MorganFingerprinter, RidgeCV, LogisticRegression),
    make_gradient_descent_pipeline: (
        MorganFingerprinter,
        FingerprintMLPRegressor,
        FingerprintMLPClassifier,
    ),
    make_forest_pipeline: (RDKitDescriptors, RandomForestRegressor, RandomForestClassifier),
    make_neighbors_pipeline: (MorganFingerprinter, KNeighborsRegressor, KNeighborsClassifier),
    make_boosting_pipeline: (
        MolFeatureUnion,
        HistGradientBoostingRegressor,
        HistGradientBoostingClassifier,
    ),
    make_kernel_pipeline: (MolFeatureUnion, SVR, LogisticRegression),
    make_mean_pipeline: (MorganFingerprinter, DummyRegressor, DummyClassifier),
    make_consensus_pipeline: (MolGraphizer, ConsensusRegressor, ConsensusClassifier),
}
UNSUPERVISED = {
    make_pca_pipeline: (MorganFingerprinter, PCA),
    make_cluster_pipeline: (MorganFingerprinter, KMeans),
    make_butina_pipeline: (MorganFingerprinter, ButinaClustering),
    make_tsne_pipeline: (MorganFingerprinter, TSNE),
}
ALL = [*PREDICTIVE, *UNSUPERVISED]
predictive = pytest.mark.parametrize("factory", PREDICTIVE)
better_than_nothing = pytest.mark.parametrize(
    "factory", [factory for factory in PREDICTIVE if factory is not make_mean_pipeline]
)


def inner(pipeline):
    estimator = pipeline["estimator"]
    estimator = estimator.estimator if isinstance(estimator, SkipInvalidRows) else estimator
    estimator = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    return getattr(estimator, "regressor", estimator)  # whose targets are scaled


def test_every_factory_is_tested_here():
    public = [getattr(skchem_dl.pipelines, name) for name in skchem_dl.pipelines.__all__]
    assert {item for item in public if inspect.isfunction(item)} == {*ALL, make_baselines}


@predictive
def test_steps(factory):
    featurizer, regressor, classifier = PREDICTIVE[factory]
    for pipeline, expected in (
        (factory(), regressor),
        (factory("regression"), regressor),
        (factory(task="classification"), classifier),
    ):
        assert type(pipeline) is Pipeline
        assert list(pipeline.named_steps) == ["featurizer", "estimator"]
        assert type(pipeline["featurizer"]) is featurizer
        assert type(inner(pipeline)) is expected


@pytest.mark.parametrize("factory", UNSUPERVISED)
def test_unsupervised_steps(factory):
    pipeline = factory()
    assert list(pipeline.named_steps) == ["featurizer", "estimator"]
    assert (type(pipeline["featurizer"]), type(inner(pipeline))) == UNSUPERVISED[factory]


@predictive
@pytest.mark.parametrize("task", ["ranking", None, "Regression", ["regression"]])
def test_a_task_that_is_none(factory, task):
    with pytest.raises(ValueError, match=r"task=.*; expected one of \('regression', 'classif"):
        factory(task)


@pytest.mark.parametrize("factory", ALL)
def test_parameters_reach_the_estimator(factory):
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        factory(nonsense=1)
    given = {
        make_linear_pipeline: {"alphas": [3.0]},
        make_forest_pipeline: {"max_features": 0.9, "n_estimators": 3},
        make_boosting_pipeline: {"max_iter": 3, "learning_rate": 0.5},
        make_kernel_pipeline: {"C": 3.0, "shrinking": False},
        make_mean_pipeline: {"strategy": "constant", "constant": 1.0},
        make_consensus_pipeline: {"cv": 5, "shrinkage": 10.0},
        make_pca_pipeline: {"n_components": 5},
        make_cluster_pipeline: {"n_clusters": 3},
        make_butina_pipeline: {"distance_threshold": 0.2},
        make_tsne_pipeline: {"perplexity": 7, "metric": "euclidean"},
        make_neighbors_pipeline: {"n_neighbors": 3, "weights": "uniform"},
    }.get(factory, {"max_epochs": 3, "lr": 0.5})
    params = inner(factory(**given)).get_params()
    assert {name: params[name] for name in given} == given


@pytest.mark.parametrize("factory", ALL)
def test_on_invalid(factory):
    assert factory()["featurizer"].on_invalid == "raise"
    assert factory(on_invalid="nan")["featurizer"].on_invalid == "nan"
    assert factory(on_invalid="nan", featurizer=MolGraphizer())["featurizer"].on_invalid == "nan"
    with pytest.raises(ValueError, match="on_invalid"):
        factory(on_invalid="drop").fit(["C", "CC"], [0, 1])


@pytest.mark.parametrize("factory", ALL)
def test_a_given_featurizer_is_left_as_it_is(factory):
    given = MorganFingerprinter(fp_size=64)
    assert factory(featurizer=given)["featurizer"] is given
    changed = factory(featurizer=given, on_invalid="nan")["featurizer"]
    assert changed is not given
    assert given.on_invalid == "raise"
    assert changed.fp_size == 64
    default = MorganFingerprinter(on_invalid="nan")
    assert factory(featurizer=default)["featurizer"].on_invalid == "nan"


def test_on_invalid_for_a_featurizer_without_it():
    from sklearn.preprocessing import FunctionTransformer

    with pytest.raises(ValueError, match="Invalid parameter 'on_invalid'"):
        make_mlp_pipeline(featurizer=FunctionTransformer(), on_invalid="nan")


def test_two_pipelines_share_nothing():
    one, other = make_linear_pipeline(), make_linear_pipeline()
    one.set_params(featurizer__fp_size=64, estimator__estimator__alphas=[1.0])
    assert other["featurizer"].fp_size == 2048
    assert len(inner(other).alphas) > 1


@pytest.fixture(scope="module")
def solubility():
    X, y = load_solubility(subset="train", return_X_y=True)
    return X[::2], y[::2], *load_solubility(subset="test", return_X_y=True)


few = RDKitDescriptors(["MolLogP", "TPSA"])
QUICK = {
    make_mlp_pipeline: {"hidden_dims": (64,), "max_epochs": 10},
    make_cnn_pipeline: {"n_filters": 16, "embedding_dim": 16, "head_dims": (32,), "max_epochs": 8},
    make_gnn_pipeline: {"hidden_dim": 32, "head_dims": (32,), "max_epochs": 8},
    make_linear_pipeline: {},
    make_neighbors_pipeline: {},
    make_forest_pipeline: {"n_estimators": 10, "featurizer": few},
    make_gradient_descent_pipeline: {"max_epochs": 10},
    make_boosting_pipeline: {"max_iter": 20, "featurizer": few},
    make_kernel_pipeline: {},
    make_consensus_pipeline: {
        "cv": 2,
        "featurizer": MolGraphizer(molecule_features=few),
        "network_params": {"hidden_dim": 16, "max_epochs": 2, "batch_size": 32},
    },
}
UNSEEDED = (make_linear_pipeline, make_neighbors_pipeline, make_kernel_pipeline)


def quick(factory, task):
    seed = {} if factory in UNSEEDED else {"random_state": 0}
    deep = {} if "max_epochs" not in QUICK[factory] else {"batch_size": 32, "lr": 5e-3}
    return factory(task, **QUICK[factory] | seed | deep)


@better_than_nothing
@pytest.mark.filterwarnings("ignore:.*their ends are cut off")
def test_regression_predicts_solubility(factory, solubility):
    X, y, X_test, y_test = solubility
    model = quick(factory, "regression").fit(X, y)
    assert r2_score(y_test, model.predict(X_test)) > 0.5
    assert model.score(X_test, y_test) > 0.5


@better_than_nothing
@pytest.mark.filterwarnings("ignore:.*their ends are cut off")
def test_classification_predicts_solubility(factory, solubility):
    X, y, X_test, y_test = solubility
    model = quick(factory, "classification").fit(X, np.where(y > -2.7, "soluble", "insoluble"))
    probabilities = model.predict_proba(X_test)[:, 1]
    assert roc_auc_score(y_test > -2.7, probabilities) > 0.8
    assert model.classes_.tolist() == ["insoluble", "soluble"]
    assert np.array_equal(model.predict(X_test) == "soluble", probabilities > 0.5)


def test_a_map_of_the_molecules(solubility):
    X, *_ = solubility
    pipeline = make_pca_pipeline(random_state=0)
    places = pipeline.fit_transform(X)
    assert places.shape == (len(X), 2)
    np.testing.assert_allclose(pipeline.transform(X[:5]), places[:5], rtol=1e-4, atol=1e-4)
    assert pipeline.get_feature_names_out().tolist() == ["pca0", "pca1"]
    explained = pipeline["estimator"].estimator_.explained_variance_ratio_
    assert 0 < explained[1] < explained[0] < 1


def test_clusters(solubility):
    X, *_ = solubility
    pipeline = make_cluster_pipeline(n_clusters=3, n_init=1, random_state=0)
    clusters = pipeline.fit_predict(X)
    assert set(clusters) == {0, 1, 2}
    assert np.array_equal(pipeline.predict(X), clusters)
