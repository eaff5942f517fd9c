"""scikit-learn's meta-estimators around ours: from SMILES, and from graphs made once."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectFromModel, SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skchem_dl import (
    FingerprintMLPClassifier,
    FingerprintMLPRegressor,
    MolGNNClassifier,
    MolGNNRegressor,
    MolGraphizer,
    MorganFingerprinter,
    RDKitDescriptors,
)
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import (
    NeuralEmbedder,
    SkipInvalidRows,
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
)

# A fold's longest SMILES is not always in its training part, and neither are all tokens.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*their ends are cut off"),
    pytest.mark.filterwarnings("ignore:.* SMILES have more than 20% tokens"),
]
TRAINING = {"max_epochs": 3, "batch_size": 16, "lr": 0.01, "random_state": 0}
SMALL = {
    make_mlp_pipeline: {"hidden_dims": (8,), **TRAINING},
    make_cnn_pipeline: {"embedding_dim": 4, "n_filters": 4, "head_dims": (8,), **TRAINING},
    make_gnn_pipeline: {"hidden_dim": 8, "n_layers": 2, "head_dims": (8,), **TRAINING},
}
deep = pytest.mark.parametrize("factory", SMALL)


def small(factory, task="regression", **params):
    return factory(task, **SMALL[factory] | params)


@pytest.fixture(scope="module")
def molecules():
    X, y = load_solubility(return_X_y=True)
    return X[::20].tolist(), y[::20]


@pytest.fixture(scope="module")
def classes(molecules):
    X, y = molecules
    return X, (y > np.median(y)).astype(int)


def finite(predicted, y):
    return predicted.shape == y.shape and np.isfinite(predicted).all()


@deep
def test_cross_validation_from_smiles(factory, molecules):
    X, y = molecules
    scores = cross_val_score(small(factory), X, y, cv=3, scoring="neg_root_mean_squared_error")
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    parallel = cross_val_score(
        small(factory), X, y, cv=3, scoring="neg_root_mean_squared_error", n_jobs=2
    )
    assert parallel.tolist() == scores.tolist()


@deep
def test_cross_validation_of_a_classifier(factory, classes):
    X, y = classes
    found = cross_validate(
        small(factory, "classification"),
        X,
        y,
        cv=3,
        scoring=["roc_auc", "accuracy", "neg_log_loss"],
    )
    for name in ("test_roc_auc", "test_accuracy", "test_neg_log_loss"):
        assert np.isfinite(found[name]).all()


GRIDS = {
    make_mlp_pipeline: {"featurizer__fp_size": [64, 128], "estimator__hidden_dims": [(4,), (8, 4)]},
    make_cnn_pipeline: {
        "featurizer__max_length": [20, None],
        "estimator__pooling": ["max", "mean"],
    },
    make_gnn_pipeline: {
        "featurizer": [MolGraphizer(), MolGraphizer(molecule_features=RDKitDescriptors(["TPSA"]))],
        "estimator__conv": ["dmpnn", "gcn"],
    },
}


@deep
def test_one_grid_over_featurizer_and_estimator(factory, molecules):
    X, y = molecules
    search = GridSearchCV(small(factory), GRIDS[factory], cv=2, n_jobs=2)
    search.fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert finite(search.predict(X), y)
    again = clone(search).set_params(n_jobs=1).fit(X, y)
    assert again.best_params_.keys() == search.best_params_.keys()
    assert np.array_equal(again.predict(X), search.predict(X))


def test_graphs_made_once(molecules):
    X, y = molecules
    graphs = MolGraphizer().fit_transform(X)
    model = MolGNNRegressor(**SMALL[make_gnn_pipeline])
    cv = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(model, graphs, y, cv=cv)
    assert scores.tolist() == cross_val_score(small(make_gnn_pipeline), X, y, cv=cv).tolist()
    assert finite(cross_val_predict(model, graphs, y, cv=cv, n_jobs=2), y)
    search = GridSearchCV(model, {"hidden_dim": [4, 8], "skip": ["none", "gated"]}, cv=cv, n_jobs=2)
    assert np.isfinite(search.fit(graphs, y).cv_results_["mean_test_score"]).all()
    sizes, _, tests = learning_curve(model, graphs, y, train_sizes=[0.5, 1.0], cv=cv)
    assert len(sizes) == 2
    assert np.isfinite(tests).all()


def test_stratified_graphs(classes):
    X, y = classes
    graphs = MolGraphizer().fit_transform(X)
    model = MolGNNClassifier(**SMALL[make_gnn_pipeline])
    assert np.isfinite(cross_val_score(model, graphs, y, cv=StratifiedKFold(3))).all()
    _, by_chance, p = permutation_test_score(model, graphs, y, cv=2, n_permutations=3)
    assert len(by_chance) == 3
    assert 0 < p <= 1


def team(task="regression"):
    few = RDKitDescriptors(["MolLogP", "TPSA", "RingCount"])
    return [
        ("mlp", small(make_mlp_pipeline, task)),
        ("cnn", small(make_cnn_pipeline, task)),
        ("gnn", small(make_gnn_pipeline, task)),
        ("forest", make_forest_pipeline(task, featurizer=few, n_estimators=5, random_state=0)),
        ("linear", make_linear_pipeline(task)),
    ]


def test_voting_and_stacking(molecules):
    X, y = molecules
    voting = VotingRegressor(team()).fit(X, y)
    by_hand = np.mean([member.predict(X) for member in voting.estimators_], axis=0)
    np.testing.assert_allclose(voting.predict(X), by_hand)
    stacking = StackingRegressor(team()[:3], Ridge(), cv=2).fit(X, y)
    assert finite(stacking.predict(X), y)


def test_voting_and_stacking_classifiers(classes):
    X, y = classes
    voting = VotingClassifier(team("classification"), voting="soft").fit(X, y)
    np.testing.assert_allclose(voting.predict_proba(X).sum(axis=1), 1)
    stacking = StackingClassifier(team("classification")[:3], LogisticRegression(), cv=2).fit(X, y)
    assert set(stacking.predict(X)) <= {0, 1}


@deep
def test_bagging_whole_pipelines(factory, molecules, classes):
    X, y = molecules
    X = np.array(X, dtype=object)[:, None]
    bagging = BaggingRegressor(small(factory), n_estimators=3, random_state=0, n_jobs=2).fit(X, y)
    members = [member.predict(X) for member in bagging.estimators_]
    np.testing.assert_allclose(bagging.predict(X), np.mean(members, axis=0))
    assert not np.array_equal(members[0], members[1])
    voters = BaggingClassifier(small(factory, "classification"), n_estimators=2, oob_score=False)
    probabilities = voters.fit(X, classes[1]).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_transformed_target(molecules):
    X, y = molecules
    pipeline = small(make_gnn_pipeline)
    logarithm = TransformedTargetRegressor(
        pipeline, func=np.exp, inverse_func=np.log, check_inverse=True
    )
    assert finite(logarithm.fit(X, np.abs(y)).regressor_.predict(X), y)
    scaled = TransformedTargetRegressor(pipeline, transformer=StandardScaler()).fit(X, y)
    assert finite(scaled.predict(X), y)
    several = np.column_stack([y, -y])
    assert finite(scaled.fit(X, several).predict(X), several)


def test_one_model_a_target(molecules, classes):
    X, y = molecules
    y = np.column_stack([y, -y])
    features = MorganFingerprinter(fp_size=64).fit_transform(X)
    single = FingerprintMLPRegressor(**SMALL[make_mlp_pipeline])
    model = MultiOutputRegressor(single).fit(features, y)
    assert finite(model.predict(features), y)
    assert np.array_equal(
        model.predict(features)[:, 1], single.fit(features, y[:, 1]).predict(features)
    )
    chain = ClassifierChain(FingerprintMLPClassifier(**SMALL[make_mlp_pipeline]))
    labels = np.column_stack([classes[1], 1 - classes[1]])
    assert chain.fit(features, labels).predict(features).shape == labels.shape


@deep
@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibration(factory, method, classes):
    X, y = classes
    calibrated = CalibratedClassifierCV(small(factory, "classification"), method=method, cv=2)
    probabilities = calibrated.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@deep
def test_tuned_threshold(factory, classes):
    X, y = classes
    tuned = TunedThresholdClassifierCV(small(factory, "classification"), scoring="f1", cv=2)
    tuned.fit(X, y)
    assert 0 <= tuned.best_threshold_ <= 1
    assert set(tuned.predict(X)) <= {0, 1}


def test_permutation_importance(molecules):
    X, y = molecules
    frame = pd.DataFrame({"smiles": X, "noise": np.arange(len(y)) % 3})
    model = small(make_gnn_pipeline, max_epochs=20)
    model.set_params(featurizer__smiles_column="smiles").fit(frame, y)
    found = permutation_importance(model, frame, y, n_repeats=2, random_state=0)
    assert found.importances_mean[1] == 0
    assert found.importances_mean[0] > 0


def test_selection_and_boosting_over_descriptors(molecules):
    X, y = molecules
    features = RDKitDescriptors(["MolLogP", "TPSA", "RingCount"]).fit_transform(X)
    single = FingerprintMLPRegressor(**SMALL[make_mlp_pipeline])
    chosen = SequentialFeatureSelector(single, n_features_to_select=1, cv=2).fit(features, y)
    assert chosen.get_support().sum() == 1
    after = make_pipeline(SelectFromModel(Ridge()), single).fit(features, y)
    assert finite(after.predict(features), y)
    assert finite(AdaBoostRegressor(single, n_estimators=2).fit(features, y).predict(features), y)


def test_searches_and_curves_over_pipelines(molecules):
    X, y = molecules
    pipeline = small(make_mlp_pipeline)
    search = RandomizedSearchCV(
        pipeline,
        {"featurizer__radius": np.arange(1, 4), "estimator__lr": np.logspace(-3, -1, 5)},
        n_iter=2,
        cv=2,
        random_state=0,
    )
    assert finite(search.fit(X, y).predict(X), y)
    _, tests = validation_curve(
        pipeline, X, y, param_name="estimator__dropout", param_range=[0.0, 0.5], cv=2
    )
    assert np.isfinite(tests).all()


def test_validation_molecules_go_through_the_pipeline_too():
    X, y = load_solubility(subset="test", return_X_y=True)
    model = make_mlp_pipeline(hidden_dims=(8,), early_stopping=True, **TRAINING)
    model.set_params(transform_input=["X_val"])
    with config_context(enable_metadata_routing=True):
        model.fit(X[:40], y[:40], X_val=X[40:60], y_val=y[40:60])
    features = model[0].transform(X[40:60])
    smoothed = [row["valid_rmse"] for row in model[-1].history_ if row["kept"]]
    error = np.sqrt(np.mean((model[-1].predict(features) - y[40:60]) ** 2))
    assert smoothed == pytest.approx([error], rel=1e-4)


@pytest.mark.parametrize("routing", [False, True])
def test_wrappers_pass_on_what_fit_takes(routing):
    X, y = load_solubility(subset="test", return_X_y=True)
    X, y = MolGraphizer().fit_transform(X[:40]), y[:40]
    net = MolGNNRegressor(hidden_dim=8, early_stopping=True, **TRAINING)
    extra = {"groups": np.arange(40) // 2}
    expected = clone(net).fit(X, y, **extra).embed(X)
    with config_context(enable_metadata_routing=routing):
        found = NeuralEmbedder(net).fit(X, y, **extra).transform(X)
    np.testing.assert_array_equal(found, expected)


def test_skipped_rows_of_a_validation_set_as_long_as_the_training_set():
    X = np.random.default_rng(0).normal(size=(20, 3))
    X_val, y = X[::-1].copy(), X.sum(axis=1)
    X[2] = X_val[7] = np.nan
    net = FingerprintMLPRegressor((4,), max_epochs=3, random_state=0)
    model = SkipInvalidRows(net).fit(X, y, X_val=X_val, y_val=y[::-1])
    kept, kept_val = np.arange(20) != 2, np.arange(20) != 7
    direct = net.fit(X[kept], y[kept], X_val=X_val[kept_val], y_val=y[::-1][kept_val])
    for one, other in zip(model.estimator_.history_, direct.history_, strict=True):
        assert one["valid_rmse"] == other["valid_rmse"]
