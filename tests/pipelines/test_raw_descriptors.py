"""Ready pipelines on raw descriptors: heavy tails, gaps, unions, and fingerprints left alone."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

import skchem_dl
from skchem_dl import (
    FingerprintMLPRegressor,
    MolFeatureUnion,
    MolGNNRegressor,
    MolGraphizer,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
)
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import (
    make_cluster_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_gradient_descent_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
    make_pca_pipeline,
    make_tsne_pipeline,
)
from skchem_dl.preprocessing import DescriptorScaler

# Ipc spans 1e0 to 1e14 here.
FOUR = RDKitDescriptors(["MolWt", "MolLogP", "TPSA", "Ipc"])
QUICK = {"max_epochs": 15, "random_state": 0}
GAP = "C[Hg]C"  # RDKit has no partial charges for it
WITH_GAP = RDKitDescriptors(["MolLogP", "MaxPartialCharge", "MolWt"])


@pytest.fixture(scope="module")
def solubility():
    X, y = load_solubility(subset="train", return_X_y=True)
    return X[::2].tolist(), y[::2], *load_solubility(subset="test", return_X_y=True)


def test_a_network_learns_from_raw_descriptors(solubility):
    X, y, X_test, y_test = solubility
    model = make_mlp_pipeline(featurizer=FOUR, **QUICK).fit(X, y)
    assert model.score(X_test, y_test) > 0.8


def test_a_network_alone_scales_them_too(solubility):
    X, y, X_test, y_test = solubility
    model = make_pipeline(FOUR, FingerprintMLPRegressor(**QUICK)).fit(X, y)
    assert model.score(X_test, y_test) > 0.8
    assert model[-1].history_[-1]["train_loss"] < model[-1].history_[0]["train_loss"] < 2


@pytest.mark.parametrize("make", [make_linear_pipeline, make_gradient_descent_pipeline])
def test_linear_models_on_them(make, solubility):
    X, y, X_test, y_test = solubility
    options = {} if make is make_linear_pipeline else {**QUICK, "lr": 0.01}
    assert make(featurizer=FOUR, **options).fit(X, y).score(X_test, y_test) > 0.6
    classifier = make("classification", featurizer=FOUR, **options).fit(X, y > -3)
    assert classifier.score(X_test, y_test > -3) > 0.8


def test_no_component_holds_all_the_variance(solubility):
    model = make_pca_pipeline(featurizer=RDKitDescriptors()).fit(solubility[0][:100])
    assert model["estimator"].estimator_.explained_variance_ratio_[0] < 0.5


def test_clusters_are_not_those_of_one_descriptor(solubility):
    X = solubility[0]
    names = ["Ipc", "MolLogP", "TPSA"]
    model = make_cluster_pipeline(featurizer=RDKitDescriptors(names), n_clusters=3, random_state=0)
    sizes = np.bincount(model.fit_predict(X))
    assert sizes.min() > 0.02 * len(X)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (make_linear_pipeline, {}),
        (make_mlp_pipeline, {"max_epochs": 2, "random_state": 0}),
        (make_gradient_descent_pipeline, {"max_epochs": 2, "random_state": 0}),
        (make_pca_pipeline, {}),
        (make_tsne_pipeline, {"perplexity": 5, "random_state": 0}),
        (make_cluster_pipeline, {"n_clusters": 2, "random_state": 0}),
    ],
)
def test_gaps_are_imputed_and_invalid_rows_stay(make, options, solubility):
    X, y = [*solubility[0][:40], GAP, "C("], [*solubility[1][:40], 0.0, 0.0]
    model = make(featurizer=WITH_GAP, on_invalid="nan", **options)
    assert list(model.named_steps) == ["featurizer", "scaler", "estimator"]
    predicts = hasattr(model, "predict")
    found = model.fit(X, y).predict(X) if predicts else model.fit_transform(X)
    missing = np.isnan(found).reshape(len(X), -1).all(axis=1)
    assert np.flatnonzero(missing).tolist() == [41]


RAW = {
    "descriptors": FOUR,
    "behind a standardizer": make_pipeline(MolStandardizer(), FOUR),
    "union": MolFeatureUnion(),
    "scikit-learn's union": FeatureUnion([("bits", MorganFingerprinter()), ("few", FOUR)]),
}
AS_GIVEN = {
    "default": None,
    "fingerprint": MorganFingerprinter(fp_size=64),
    "fingerprints": FeatureUnion([("a", MorganFingerprinter()), ("b", MorganFingerprinter(3))]),
    "scaled by the user": make_pipeline(FOUR, StandardScaler()),
    "with a column of the user's": ColumnTransformer(
        [("few", FOUR, "smiles"), ("pH", "passthrough", ["pH"])]
    ),
}


@pytest.mark.parametrize("featurizer", RAW.values(), ids=RAW)
def test_raw_descriptors_get_a_scaler(featurizer):
    assert isinstance(make_linear_pipeline(featurizer=featurizer)["scaler"], DescriptorScaler)
    assert "scaler" not in make_forest_pipeline(featurizer=featurizer).named_steps


@pytest.mark.parametrize("featurizer", AS_GIVEN.values(), ids=AS_GIVEN)
def test_other_features_are_left_as_they_are(featurizer):
    for make in (make_linear_pipeline, make_mlp_pipeline, make_pca_pipeline):
        assert list(make(featurizer=featurizer).named_steps) == ["featurizer", "estimator"]


def test_fingerprints_reach_the_network_as_they_are(solubility):
    X, y = solubility[0][:40], solubility[1][:40]
    counts = MorganFingerprinter(fp_size=64, counts=True).fit_transform(X)
    options = {"hidden_dims": (8,), "max_epochs": 2, "random_state": 0}
    model = FingerprintMLPRegressor(**options).fit(counts, y)
    network = model.module_
    direct = network.head.weight.detach().numpy()
    assert model._scaler is None
    again = FingerprintMLPRegressor(**options).fit(counts.astype(np.float32), y)
    np.testing.assert_array_equal(again.module_.head.weight.detach().numpy(), direct)


def test_graphs_with_gaps_in_their_descriptors(solubility):
    X, y = [*solubility[0][:30], GAP], [*solubility[1][:30], 0.0]
    graphizer = MolGraphizer(molecule_features=WITH_GAP)
    features = graphizer.fit_transform(X).molecule_features
    raw = WITH_GAP.fit_transform(X)
    expected = np.where(np.isnan(raw), np.nanmedian(raw, axis=0), raw)
    np.testing.assert_array_equal(features, expected)
    assert graphizer.get_feature_names_out().tolist() == WITH_GAP.descriptors
    small = {"hidden_dim": 8, "head_dims": (8,), "max_epochs": 1, "random_state": 0}
    model = make_gnn_pipeline(featurizer=graphizer, **small)
    assert np.isfinite(model.fit(X, y).predict(X)).all()


def test_gaps_that_are_not_of_descriptors_are_refused(solubility):
    graphs = MolGraphizer().fit_transform(["CCO", "CCC"])
    graphs = graphs.with_molecule_features(np.array([[1.0], [np.nan]], dtype=np.float32))
    with pytest.raises(ValueError, match=r"row 1, column 0: nan\. Put an imputer"):
        MolGNNRegressor(max_epochs=1).fit(graphs, [1.0, 2.0])


@pytest.mark.parametrize("make", [make_linear_pipeline, make_mlp_pipeline])
def test_saved_searched_and_loaded(make, solubility, tmp_path):
    X, y = [*solubility[0][:40], GAP], [*solubility[1][:40], 0.0]
    options = {} if make is make_linear_pipeline else {"max_epochs": 2, "random_state": 0}
    grid = {"scaler__with_scaling": [True, False]}
    search = GridSearchCV(make(featurizer=WITH_GAP, **options), grid, cv=2).fit(X, y)
    model = search.best_estimator_
    skchem_dl.save(model, tmp_path / "model.skchem")
    again = skchem_dl.load(tmp_path / "model.skchem")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_warm_start_keeps_the_scaling(solubility):
    X, y = FOUR.fit_transform(solubility[0][:60]), solubility[1][:60]
    model = FingerprintMLPRegressor((8,), max_epochs=2, random_state=0, warm_start=True).fit(X, y)
    mean = model._scaler.mean_.copy()
    model.fit(X[:30] + 1, y[:30])
    np.testing.assert_array_equal(model._scaler.mean_, mean)


def test_whole_numbers_are_descriptors_too():
    names = ["HeavyAtomCount", "NumValenceElectrons", "RingCount", "NumHAcceptors", "NumHDonors"]
    X, y = load_solubility(subset="train", return_X_y=True)
    pca = make_pca_pipeline(featurizer=RDKitDescriptors(names)).fit(X)
    assert pca[-1].estimator_.explained_variance_ratio_[0] < 0.8  # 0.99 of raw numbers
    mlp = make_mlp_pipeline(featurizer=RDKitDescriptors(names), max_epochs=15, random_state=0)
    assert mlp.fit(X, y).score(X, y) > 0.6  # 0.2 of raw numbers
