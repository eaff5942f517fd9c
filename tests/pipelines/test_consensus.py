"""The consensus: its weights, its folds, and what becomes of gaps, groups and invalid molecules."""

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeRegressor

from skchem_dl import InvalidMoleculeWarning, MolGraphizer, RDKitDescriptors
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import ScaffoldKFold, scaffold_groups
from skchem_dl.pipelines import (
    ConsensusClassifier,
    ConsensusRegressor,
    SkipInvalidRows,
    make_boosting_pipeline,
    make_consensus_pipeline,
    make_kernel_pipeline,
    make_linear_pipeline,
    make_neighbors_pipeline,
)
from skchem_dl.pretraining import PretrainedEmbedder

SMILES, LOG_S = load_solubility(return_X_y=True)
SMILES, LOG_S = SMILES[::8], LOG_S[::8]
X = RDKitDescriptors(["MolLogP", "TPSA", "RingCount", "HeavyAtomCount"]).fit_transform(SMILES)
X = (X - X.mean(axis=0)) / X.std(axis=0)
CLASS = np.array(["low", "middle", "high"])[np.searchsorted([-4, -2], LOG_S)]
REGRESSORS = [
    ("ridge", Ridge()),
    ("neighbors", KNeighborsRegressor()),
    ("tree", DecisionTreeRegressor(max_depth=4, random_state=0)),
]
CLASSIFIERS = [
    ("logistic", LogisticRegression()),
    ("neighbors", KNeighborsClassifier()),
    ("forest", RandomForestClassifier(20, random_state=0)),
]
QUICK = {
    "network_params": {"max_epochs": 2, "hidden_dim": 16, "head_dims": (16,)},
    "cv": 2,
    "random_state": 0,
}


def quick(task="regression", **params):
    model = make_consensus_pipeline(task, **QUICK | params)
    return model.set_params(estimator__trees__estimator__estimator__max_iter=20)


class Recorder(GroupKFold):
    """A splitter that keeps what it is asked to split."""

    seen = ()

    def split(self, X, y=None, groups=None):
        folds = list(super().split(X, y, groups))
        Recorder.seen = (X, y, groups, folds)
        return iter(folds)


def out_of_fold(members, X, y, folds):
    found = np.full((len(members), len(y)), np.nan)
    for k, (_, member) in enumerate(members):
        for train, test in folds:
            found[k, test] = clone(member).fit(X[train], y[train]).predict(X[test])
    return found


def assert_best_on_the_simplex(weights, loss):
    """No weights on a fine grid have a smaller loss, (N, 3) -> (N,)."""
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    steps = np.linspace(0, 1, 101)
    first, second = (axis.ravel() for axis in np.meshgrid(steps, steps))
    inside = first + second <= 1
    grid = np.column_stack([first, second, np.maximum(1 - first - second, 0)])[inside]
    losses = loss(grid)
    assert loss(weights[None])[0] <= losses.min() + 1e-9
    assert np.abs(weights - grid[losses.argmin()]).max() < 0.015


@pytest.mark.parametrize("shrinkage", [0.0, 30.0, 1000.0])
def test_weights_minimize_the_penalized_squared_error_out_of_fold(shrinkage):
    cv = KFold(4, shuffle=True, random_state=3)
    model = ConsensusRegressor(REGRESSORS, cv=cv, shrinkage=shrinkage).fit(X, LOG_S)
    errors = out_of_fold(REGRESSORS, X, LOG_S, list(cv.split(X))) - LOG_S
    scale = np.mean(errors**2)

    def loss(w):
        penalty = shrinkage / len(X) * np.sum((w - 1 / 3) ** 2, axis=1)
        return np.mean((w @ errors) ** 2, axis=1) / scale + penalty

    assert_best_on_the_simplex(model.weights_, loss)


def test_weights_minimize_the_penalized_log_loss_out_of_fold():
    cv = KFold(4, shuffle=True, random_state=3)
    model = ConsensusClassifier(CLASSIFIERS, cv=cv, shrinkage=20.0).fit(X, CLASS)
    likelihoods = np.zeros((3, len(X)))
    for k, (_, member) in enumerate(CLASSIFIERS):
        for train, test in cv.split(X):
            fitted = clone(member).fit(X[train], CLASS[train])
            columns = np.searchsorted(fitted.classes_, CLASS[test])
            likelihoods[k, test] = fitted.predict_proba(X[test])[np.arange(len(test)), columns]
    likelihoods = np.maximum(likelihoods, 1e-6)

    def loss(w):
        w = np.maximum(w, 1e-12)
        return -np.log(w @ likelihoods).sum(axis=1) - 20 / 9 * np.log(w).sum(axis=1)

    assert_best_on_the_simplex(model.weights_, loss)


def test_predictions_are_the_weighted_mean_of_members_fitted_on_all():
    model = ConsensusRegressor(REGRESSORS, random_state=0).fit(X, LOG_S)
    alone = np.array([clone(m).fit(X, LOG_S).predict(X) for _, m in REGRESSORS[:2]])
    assert list(model.named_estimators_) == ["ridge", "neighbors", "tree"]
    tree = model.named_estimators_["tree"].predict(X)
    expected = model.weights_ @ np.vstack([alone, tree])
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(mean, expected)
    spread = model.weights_ @ (np.vstack([alone, tree]) - expected) ** 2
    np.testing.assert_allclose(std**2, model.variance_[0] + model.variance_[1] * spread)


def test_infinite_shrinkage_is_voting():
    model = ConsensusRegressor(REGRESSORS, shrinkage=np.inf).fit(X, LOG_S)
    np.testing.assert_allclose(
        model.predict(X), VotingRegressor(REGRESSORS).fit(X, LOG_S).predict(X)
    )


def test_few_molecules_decide_little_and_many_a_lot():
    members = [("ridge", Ridge()), ("mean", DummyRegressor())]
    few = ConsensusRegressor(members, random_state=0).fit(X[:20], LOG_S[:20]).weights_
    rows = np.tile(np.arange(len(X)), 30)
    many = ConsensusRegressor(members, random_state=0).fit(X[rows], LOG_S[rows]).weights_
    assert 0.5 < few[0] < 0.7
    assert many[0] > 0.9


def test_out_of_fold_predictions_and_errors_are_of_models_that_did_not_see_the_molecule():
    cv = KFold(3, shuffle=True, random_state=0)
    model = ConsensusRegressor(REGRESSORS, cv=cv).fit(X, LOG_S)
    held_out = out_of_fold(REGRESSORS, X, LOG_S, list(cv.split(X)))
    np.testing.assert_allclose(model.oof_predictions_, model.weights_ @ held_out)
    assert list(model.oof_errors_) == ["ridge", "neighbors", "tree", "consensus"]
    assert model.oof_errors_["ridge"] == pytest.approx(root_mean_squared_error(LOG_S, held_out[0]))
    assert model.oof_errors_["consensus"] < min(model.oof_errors_[n] for n, _ in REGRESSORS)
    labels = ConsensusClassifier(CLASSIFIERS, cv=cv).fit(X, CLASS)
    assert labels.oof_predictions_.shape == (len(X), 3)
    assert labels.oof_errors_["consensus"] == pytest.approx(
        log_loss(CLASS, labels.oof_predictions_)
    )
    decided = labels.classes_[labels.oof_predictions_.argmax(axis=1)]
    assert labels.oof_score_ == pytest.approx(np.mean(decided == CLASS))


def test_standard_deviations_are_as_large_as_errors():
    rows = np.random.default_rng(0).permutation(len(X))
    train, test = rows[:100], rows[100:]
    model = ConsensusRegressor(REGRESSORS, random_state=0).fit(X[train], LOG_S[train])
    mean, std = model.predict(X[test], return_std=True)
    assert 0.7 < np.sqrt(np.mean(((LOG_S[test] - mean) / std) ** 2)) < 1.4


def test_several_targets_with_gaps_are_weighted_each():
    y = np.column_stack([LOG_S, X[:, 0] ** 2, -LOG_S])
    y[::3, 0] = y[1::4, 2] = np.nan
    y[5] = np.nan
    members = [
        ("linear", make_linear_pipeline()["estimator"]),
        ("neighbors", SkipInvalidRows(KNeighborsRegressor(), per_target=True)),
    ]
    model = ConsensusRegressor(members, random_state=0).fit(X, y)
    assert model.weights_.shape == (3, 2)
    np.testing.assert_allclose(model.weights_.sum(axis=1), 1)
    assert model.weights_[1, 1] > model.weights_[0, 1]  # a parabola is not linear
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == model.oof_predictions_.shape == y.shape
    assert np.isfinite(mean).all()
    assert np.flatnonzero(np.isnan(model.oof_predictions_).any(axis=1)).tolist() == [5]
    assert model.score(X, y) > 0.5
    kept = np.arange(len(y)) != 5
    without = ConsensusRegressor(members, random_state=0).fit(X[kept], y[kept])
    np.testing.assert_allclose(without.predict(X), mean)


def test_one_column_is_as_a_vector():
    members = [("kernel", make_kernel_pipeline()["estimator"]), ("ridge", Ridge())]
    model = ConsensusRegressor(members, random_state=0)
    flat, column = (clone(model).fit(X, y) for y in (LOG_S, LOG_S[:, None]))
    assert column.weights_.shape == (1, 2)
    np.testing.assert_allclose(column.predict(X), flat.predict(X)[:, None])


def test_a_target_measured_twice_can_be_learned():
    y = np.column_stack([LOG_S, np.full(len(X), np.nan)])
    y[[4, 40], 1] = 1.0, 3.0
    one, other = (SkipInvalidRows(Ridge(alpha), per_target=True) for alpha in (1.0, 10.0))
    members = [("one", one), ("other", other)]
    predicted = ConsensusRegressor(members, cv=5, random_state=0).fit(X, y).predict(X)
    assert np.isfinite(predicted).all()


@pytest.mark.parametrize("labels", [CLASS, CLASS == "low", np.where(CLASS == "low", 3, 7)])
def test_classes(labels):
    model = ConsensusClassifier(CLASSIFIERS, random_state=0).fit(X, labels)
    assert model.classes_.tolist() == np.unique(labels).tolist()
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert model.predict(X).dtype == labels.dtype
    assert np.array_equal(model.predict(X), model.classes_[probabilities.argmax(axis=1)])
    assert model.score(X, labels) == np.mean(model.predict(X) == labels) > 0.8


def test_several_labels_with_gaps():
    y = np.column_stack([CLASS == "low", X[:, 0] > 0]).astype(float)
    forest = RandomForestClassifier(10, random_state=0)
    members = [("a", make_linear_pipeline("classification")["estimator"]), ("b", forest)]
    whole = ConsensusClassifier(members, random_state=0).fit(X, y)
    assert whole.weights_.shape == (2, 2)
    assert whole.predict_proba(X).shape == y.shape
    y[::4, 0] = np.nan
    y[7] = np.nan
    members[1] = ("b", make_linear_pipeline("classification", C=0.1)["estimator"])
    model = ConsensusClassifier(members, random_state=0).fit(X, y)
    predicted = model.predict(X)
    assert set(predicted.ravel().tolist()) == {0, 1}
    right = ((predicted == y) | np.isnan(y)).all(axis=1)[~np.isnan(y).all(axis=1)]
    assert model.score(X, y) == pytest.approx(right.mean())
    assert model.oof_errors_["consensus"].shape == (2,)


def test_a_class_of_one_molecule_is_never_held_out():
    y = np.where(np.arange(len(X)) == 11, "rare", CLASS)
    model = ConsensusClassifier(CLASSIFIERS, random_state=0).fit(X, y)
    assert model.predict_proba(X).shape == (len(X), 4)
    assert np.flatnonzero(np.isnan(model.oof_predictions_).any(axis=1)).tolist() == [11]


def test_a_splitter_gets_molecules_targets_and_groups():
    groups = np.arange(len(X)) // 5
    model = ConsensusRegressor(REGRESSORS, cv=Recorder(3)).fit(X, LOG_S, groups=groups)
    given_X, given_y, given_groups, _ = Recorder.seen
    assert np.array_equal(given_X, X)
    assert np.array_equal(given_y, LOG_S)
    assert np.array_equal(given_groups, groups)
    assert np.isfinite(model.oof_predictions_).all()


class KnowsGroups(BaseEstimator):
    """Predicts 1 for groups, in the first column of X, that it was fitted on, and 0 for others."""

    def fit(self, X, y):
        self.groups_, self.classes_ = np.unique(X[:, 0]), np.unique(y)
        return self

    def predict(self, X):
        return np.isin(X[:, 0], self.groups_).astype(float)

    def predict_proba(self, X):
        return np.column_stack([1 - self.predict(X), self.predict(X)])


class KnowsGroupsRegressor(RegressorMixin, KnowsGroups):
    pass


class KnowsGroupsClassifier(ClassifierMixin, KnowsGroups):
    pass


@pytest.mark.parametrize(
    ("kind", "member"),
    [(ConsensusRegressor, KnowsGroupsRegressor), (ConsensusClassifier, KnowsGroupsClassifier)],
)
def test_groups_are_kept_apart(kind, member):
    groups = np.asarray(scaffold_groups(SMILES)).astype(str)
    codes = np.unique(groups, return_inverse=True)[1]
    y = (LOG_S > -3).astype(int)
    model = kind([("one", member()), ("other", member())], random_state=0)
    seen = model.fit(codes[:, None], y).oof_predictions_.reshape(len(y), -1)[:, -1]
    assert seen.mean() > 0.5
    model.fit(codes[:, None], y, groups=groups)
    seen = model.oof_predictions_.reshape(len(y), -1)[:, -1]
    assert np.array_equal(seen, np.zeros(len(y)))


def test_a_group_that_has_a_class_alone_is_never_held_out_in_part():
    groups = np.arange(len(X)) // 4
    y = np.where(np.isin(np.arange(len(X)), [8, 9]), "rare", CLASS)  # both in group 2
    model = ConsensusClassifier(CLASSIFIERS, random_state=0).fit(X, y, groups=groups)
    not_held_out = np.isnan(model.oof_predictions_).any(axis=1)
    assert np.flatnonzero(not_held_out).tolist() == [8, 9, 10, 11]


def test_groups_and_weights_pass_through_a_pipeline_and_a_search():
    model = Pipeline([("estimator", ConsensusRegressor(REGRESSORS[:1] * 1 + REGRESSORS[2:], cv=2))])
    groups = np.arange(len(X)) // 5
    params = {"estimator__groups": groups, "estimator__sample_weight": np.ones(len(X))}
    scores = cross_val_score(model, X, LOG_S, cv=3, params=params)
    assert np.isfinite(scores).all()
    grid = {"estimator__ridge__alpha": [1.0, 1e6], "estimator__shrinkage": [1.0, 100.0]}
    search = GridSearchCV(model, grid, cv=3).fit(X, LOG_S)
    assert search.best_params_["estimator__ridge__alpha"] == 1.0
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(model, X, LOG_S, cv=ScaffoldKFold(3), params={"groups": groups})
        assert np.isfinite(scores).all()


def test_molecules_of_no_weight_count_as_left_out():
    weight = (np.arange(len(X)) % 3 > 0).astype(float)
    members = [("linear", make_linear_pipeline()["estimator"]), ("ridge", Ridge())]
    weighted = ConsensusRegressor(members, random_state=0).fit(X, LOG_S, sample_weight=weight)
    kept = weight > 0
    without = ConsensusRegressor(members, random_state=0).fit(X[kept], LOG_S[kept])
    np.testing.assert_allclose(weighted.predict(X), without.predict(X))
    np.testing.assert_allclose(weighted.weights_, without.weights_)


def test_invalid_rows_change_nothing():
    spoiled = np.insert(X, [0, 20], np.nan, axis=0)
    y = np.insert(LOG_S, [0, 20], np.nan)
    members = [
        (name, make_linear_pipeline(alphas=[a])["estimator"]) for name, a in [("a", 1), ("b", 9)]
    ]
    model = ConsensusRegressor(members, random_state=0)
    expected = clone(model).fit(X, LOG_S).predict(X)
    predicted, std = model.fit(spoiled, y).predict(spoiled, return_std=True)
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [0, 21]
    assert np.isnan(std[[0, 21]]).all()
    np.testing.assert_allclose(np.delete(predicted, [0, 21]), expected)


def test_members_may_take_smiles():
    members = [("linear", make_linear_pipeline()), ("neighbors", make_neighbors_pipeline())]
    for _, member in members:
        member.set_params(featurizer__on_invalid="nan")
    smiles = np.append(SMILES[:80], "C(")
    y = np.append(LOG_S[:80], 0.0)
    model = ConsensusRegressor(members, random_state=0)
    with pytest.warns(InvalidMoleculeWarning):
        predicted = model.fit(smiles, y).predict(smiles)
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [80]
    assert np.isnan(model.oof_predictions_[80])
    assert model.oof_errors_["consensus"] < model.oof_errors_["neighbors"]
    cv = ScaffoldKFold(2)
    assert len(clone(model).set_params(cv=cv).fit(SMILES[:80], y[:80]).oof_predictions_) == 80


def test_a_dropped_member_and_a_constant_target():
    model = ConsensusRegressor(REGRESSORS).set_params(tree="drop").fit(X, LOG_S)
    assert list(model.named_estimators_) == ["ridge", "neighbors"]
    assert model.weights_.shape == (2,)
    flat = ConsensusRegressor(REGRESSORS).fit(X, np.full(len(X), 2.5))
    np.testing.assert_allclose(flat.predict(X), 2.5)
    np.testing.assert_allclose(flat.weights_, 1 / 3)


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_very_few_molecules(n):
    members = [("kernel", make_kernel_pipeline()), ("mean", DummyRegressor())]
    mean, std = (
        ConsensusRegressor(members).fit(SMILES[:n], LOG_S[:n]).predict(SMILES, return_std=True)
    )
    assert np.isfinite(mean).all()
    assert (std >= 0).all()


def test_a_seed_repeats_and_reaches_the_members():
    members = [("tree", DecisionTreeRegressor(max_features=1)), ("ridge", Ridge())]
    one, again, other = (
        ConsensusRegressor(members, random_state=seed).fit(X, LOG_S).predict(X)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_worker_processes_change_nothing():
    model = ConsensusRegressor(REGRESSORS, random_state=0)
    alone = clone(model).fit(X, LOG_S).predict(X)
    assert np.array_equal(model.set_params(n_jobs=2).fit(X, LOG_S).predict(X), alone)


WRONG = {
    "a classifier": ({"estimators": CLASSIFIERS}, "should be a regressor"),
    "no name": ({"estimators": [Ridge()]}, r"list of \(string, estimator\)"),
    "the same name": ({"estimators": [REGRESSORS[0]] * 2}, "not unique"),
    "one fold": ({"cv": 1}, "'cv' parameter"),
    "shrinkage": ({"shrinkage": -1.0}, "'shrinkage' parameter"),
}


@pytest.mark.parametrize(("params", "message"), WRONG.values(), ids=WRONG)
def test_wrong_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        ConsensusRegressor(**{"estimators": REGRESSORS, **params}).fit(X, LOG_S)


def test_wrong_targets_and_groups():
    model = ConsensusRegressor(REGRESSORS)
    with pytest.raises(ValueError, match="requires y to be passed"):
        model.fit(X, None)
    with pytest.raises(ValueError, match=r"y contains NaN: 1 of .* row 3"):
        model.fit(X, np.where(np.arange(len(X)) == 3, np.nan, LOG_S))
    with pytest.raises(ValueError, match="Column 1 of y has no measured value"):
        model.fit(X, np.column_stack([LOG_S, np.full(len(X), np.nan)]))
    with pytest.raises(ValueError, match=r"rows can be learnt from|at least one non-zero"):
        model.fit(X, LOG_S, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match="in the group 'one'; expected at least two groups"):
        model.fit(X, LOG_S, groups=["one"] * len(X))
    with pytest.raises(ValueError, match="0, 1 and NaN"):
        ConsensusClassifier(CLASSIFIERS).fit(X, np.full((len(X), 2), 3))
    with pytest.raises(TypeError, match="sample_weight") as caught:
        model.fit(X, LOG_S, sample_weight=np.ones(len(X)))
    assert "In the fit of 'neighbors'" in caught.value.__notes__[0]


def test_a_pipeline_learns_from_smiles():
    model = quick().fit(SMILES[:100], LOG_S[:100])
    consensus = model["estimator"]
    assert list(consensus.named_estimators_) == ["network", "kernel", "trees"]
    assert model.score(SMILES[100:], LOG_S[100:]) > 0.5
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(SMILES), model.predict(SMILES))
    np.testing.assert_array_equal(
        clone(model).fit(SMILES[:100], LOG_S[:100]).predict(SMILES), model.predict(SMILES)
    )
    # Kernel and trees are those of the ready pipelines.
    seed = consensus.named_estimators_["trees"]["estimator"].estimator.random_state
    boosting = make_boosting_pipeline(max_iter=20, random_state=seed).fit(SMILES[:100], LOG_S[:100])
    kernel = make_kernel_pipeline().fit(SMILES[:100], LOG_S[:100])
    graphs = model["featurizer"].transform(SMILES)
    for name, alone in (("trees", boosting), ("kernel", kernel)):
        found = consensus.named_estimators_[name].predict(graphs)
        np.testing.assert_allclose(found, alone.predict(SMILES), rtol=1e-5)


def test_a_pretrained_network_brings_its_embedding():
    model = make_consensus_pipeline(network_params={"max_epochs": 1}, cv=2, random_state=0)
    model["estimator"].estimators[-1][1].set_params(estimator__estimator__max_iter=20)
    consensus = model.fit(SMILES[:100], LOG_S[:100])["estimator"]
    assert list(consensus.named_estimators_) == ["network", "embedding", "kernel", "trees"]
    assert model.score(SMILES[100:], LOG_S[100:]) > 0.7
    graphs = model["featurizer"].transform(SMILES[100:])
    kernel = make_kernel_pipeline(featurizer=PretrainedEmbedder()).fit(SMILES[:100], LOG_S[:100])
    found = consensus.named_estimators_["embedding"].predict(graphs)
    np.testing.assert_allclose(found, kernel.predict(SMILES[100:]), rtol=1e-4)


def test_a_pipeline_of_classes_and_of_several_targets_with_invalid_molecules():
    smiles, y = [*SMILES[:60], "C("], np.append(CLASS[:60], "low")
    model = quick("classification", on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning):
        predicted = model.fit(smiles, y).predict(smiles)
    assert predicted[-1] is None
    assert set(predicted[:-1]) <= set(CLASS)
    targets = np.column_stack([LOG_S[:60], -LOG_S[:60]])
    targets[::4, 1] = np.nan
    targets = np.vstack([targets, [0, 0]])
    model = quick(on_invalid="nan")
    groups = np.arange(len(smiles)) // 3
    with pytest.warns(InvalidMoleculeWarning):
        model.fit(smiles, targets, estimator__groups=groups)
    with pytest.warns(InvalidMoleculeWarning):
        mean, std = model.predict(smiles, return_std=True)
    assert np.isnan(mean[-1]).all()
    assert np.isfinite(mean[:-1]).all()
    assert (std[:-1] > 0).all()


def test_the_kernel_method_is_fitted_on_a_sample():
    model = quick(max_kernel_rows=40)
    model.fit(SMILES[:100], LOG_S[:100])
    kernel = model["estimator"].named_estimators_["kernel"]["estimator"].estimator_
    assert kernel.n_rows_ == 40
    labels = np.where(np.arange(100) == 50, "rare", CLASS[:100])
    classes = quick("classification", max_kernel_rows=10).fit(SMILES[:100], labels)
    kernel = classes["estimator"].named_estimators_["kernel"]["estimator"]
    assert kernel.classes_.tolist() == classes["estimator"].classes_.tolist()


def test_a_featurizer_without_molecule_features():
    with pytest.raises(ValueError, match="The graphs have no molecule features"):
        quick(featurizer=MolGraphizer()).fit(SMILES[:20], LOG_S[:20])
    few = MolGraphizer(molecule_features=RDKitDescriptors(["MolLogP", "TPSA", "MolWt"]))
    model = quick(featurizer=few).fit(SMILES[:100], LOG_S[:100])
    assert np.isfinite(model.predict(SMILES)).all()
    with pytest.raises(TypeError, match="Expected MolGraphs, got ndarray"):
        quick(featurizer=RDKitDescriptors(["TPSA"])).fit(SMILES[:20], LOG_S[:20])
