"""Ready parameter spaces: every name is a parameter, and every value trains."""

import json
import sys

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, RandomForestRegressor, StackingRegressor
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeCV
from sklearn.model_selection import GridSearchCV, ParameterGrid, ParameterSampler
from sklearn.pipeline import make_pipeline

import skchem_dl.estimators
from skchem_dl import MolGNNRegressor, MolGraphizer, MorganFingerprinter, SmilesTokenizer
from skchem_dl.model_selection import param_space, suggest_params
from skchem_dl.pipelines import (
    NeuralEmbedder,
    SkipInvalidRows,
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
    make_pca_pipeline,
)

NETWORKS = [getattr(skchem_dl.estimators, name) for name in skchem_dl.estimators.__all__]
BASELINES = [RandomForestRegressor, ExtraTreesClassifier, LogisticRegression, RidgeCV]
PIPELINES = [
    (make, task)
    for make in (
        make_mlp_pipeline,
        make_cnn_pipeline,
        make_gnn_pipeline,
        make_linear_pipeline,
        make_forest_pipeline,
    )
    for task in ("regression", "classification")
]
FEATURIZERS = {"FingerprintMLP": MorganFingerprinter(), "SmilesCNN": SmilesTokenizer()}
SIZES = ("small", "large")


@pytest.fixture
def data(smiles):
    y = np.array([len(text) for text in smiles], dtype=float)

    def data_for(kind):
        name = kind.__name__.removesuffix("Regressor").removesuffix("Classifier")
        X = FEATURIZERS.get(name, MolGraphizer()).fit_transform(smiles)
        return X, y if kind.__name__.endswith("Regressor") else y > np.median(y)

    return data_for


def candidates(space):
    """Give every single value, one at a time, and a few whole candidates."""
    sampled = list(ParameterSampler(space, 5, random_state=0)) if space else []
    listed = {name: values for name, values in space.items() if isinstance(values, list)}
    return [*sampled, *({name: value} for name, values in listed.items() for value in values)]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("size", SIZES)
def test_every_value_of_a_network_trains(kind, size, data):
    X, y = data(kind)
    model = kind(max_epochs=1, random_state=0)
    before = model.get_params()
    for params in candidates(param_space(model, size)):
        fitted = clone(model).set_params(**params).fit(X, y)
        assert fitted.get_params() == {**before, **params}
        assert np.isfinite(fitted.predict(X).astype(float)).all()
    assert model.get_params() == before


@pytest.mark.parametrize(("make", "task"), PIPELINES)
@pytest.mark.parametrize("size", SIZES)
def test_pipelines(make, task, size):
    model = make(task)
    space = param_space(model, size)
    bare = model.named_steps["estimator"]
    assert set(space) <= set(model.get_params())
    assert set(space) == {f"estimator__{name}" for name in param_space(bare, size)}
    for params in candidates(space):
        clone(model).set_params(**params)


@pytest.mark.parametrize("kind", BASELINES)
@pytest.mark.parametrize("size", SIZES)
def test_every_value_of_a_baseline_trains(kind, size):
    X = np.random.default_rng(0).normal(size=(30, 5))
    y = X[:, 0] > 0 if kind in (ExtraTreesClassifier, LogisticRegression) else X[:, 0]
    few = {"n_estimators": 3} if hasattr(kind(), "n_estimators") else {}
    for params in candidates(param_space(kind(), size)):
        assert np.isfinite(kind(**few, **params).fit(X, y).predict(X)).all()


@pytest.mark.parametrize("kind", [*NETWORKS, *BASELINES])
def test_small_spaces_are_grids_of_a_dozen(kind):
    grid = ParameterGrid(param_space(kind()))
    assert 1 <= len(grid) <= 12
    assert len({str(params) for params in grid}) == len(grid)


@pytest.mark.parametrize("kind", NETWORKS)
def test_defaults_are_in_the_spaces(kind):
    auto = {"hidden_dim": 300, "n_layers": 3}  # what "auto" is for random weights
    defaults = {
        n: auto[n] if v == "auto" and n in auto else v for n, v in kind().get_params().items()
    }
    assert any(params.items() <= defaults.items() for params in ParameterGrid(param_space(kind())))
    space = param_space(kind(), "large", library="optuna")
    outside = [n for n in space if n != "weight_decay" and not _holds(space[n], defaults[n])]
    assert outside == []
    assert defaults["weight_decay"] <= space["weight_decay"].high  # 0 is at no logarithmic scale


def test_pretrained_networks_keep_their_architecture():
    space = param_space(make_gnn_pipeline(), "large")
    assert {"estimator__lr", "estimator__head_dims"} < set(space)
    assert not {"estimator__hidden_dim", "estimator__conv"} & set(space)
    assert "estimator__hidden_dim" in param_space(make_gnn_pipeline(pretrained=None), "large")


def _holds(distribution, value):
    if isinstance(distribution, FloatDistribution):
        return distribution.low <= value <= distribution.high
    return (list(value) if isinstance(value, tuple) else value) in distribution.choices


@pytest.mark.parametrize("n_heads", [1, 3, 4, 7, 500])
def test_heads_divide_the_width(n_heads, data):
    X, y = data(MolGNNRegressor)
    model = MolGNNRegressor(n_heads=n_heads, max_epochs=1, conv="gat")
    widths = param_space(model, "large")["hidden_dim"]
    assert len(set(widths)) == len(widths)
    assert all(width % n_heads == 0 and width < 400 + n_heads for width in widths)
    model.set_params(hidden_dim=widths[0]).fit(X, y)


def test_prefixes():
    names = set(param_space(MolGNNRegressor()))

    def prefixed(prefix):
        return {prefix + name for name in names}

    gnn = make_gnn_pipeline(pretrained=None)
    assert set(param_space(make_pipeline(MolGraphizer(), MolGNNRegressor()))) == prefixed(
        "molgnnregressor__"
    )
    assert set(param_space(TransformedTargetRegressor(gnn))) == prefixed("regressor__estimator__")
    assert set(param_space(SkipInvalidRows(gnn))) == prefixed("estimator__estimator__")
    assert set(param_space(NeuralEmbedder(MolGNNRegressor()))) == prefixed("estimator__")


@pytest.mark.parametrize("make", [make_mlp_pipeline, make_cnn_pipeline, RandomForestRegressor])
def test_both_libraries_have_the_same_space(make):
    model = make()
    ours = param_space(model, "large")
    theirs = param_space(model, "large", library="optuna")
    assert list(ours) == list(theirs)
    for name, values in ours.items():
        if isinstance(values, list):
            expected = [list(v) if isinstance(v, tuple) else v for v in values]
            assert list(theirs[name].choices) == expected
            continue
        low, high = values.support()
        assert (low, high) == pytest.approx((theirs[name].low, theirs[name].high))
        # Uniform along a line, or along a logarithm.
        middle = np.sqrt(low * high) if theirs[name].log else (low + high) / 2
        assert values.median() == pytest.approx(middle)


def test_spaces_are_the_callers_own():
    space = param_space(make_mlp_pipeline())
    space["estimator__lr"].append("nonsense")
    assert "nonsense" not in param_space(make_mlp_pipeline())["estimator__lr"]


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_study_suggests_what_can_be_set(kind, quiet_optuna):
    space = param_space(kind(), "large", library="optuna")
    found = []
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial):
        found.append(suggest_params(trial, space))
        kind().set_params(**found[-1])
        return trial.number

    study.optimize(objective, n_trials=4)
    assert [trial.params for trial in study.trials] == found
    assert len({json.dumps(params) for params in found}) == 4
    assert study.ask(space).distributions == space == study.trials[0].distributions
    assert suggest_params(study.best_trial, space) == found[0]


def test_suggest_other_distributions(quiet_optuna):
    space = {
        "radius": IntDistribution(1, 9, step=4),
        "fp_size": IntDistribution(64, 4096, log=True),
        "dropout": FloatDistribution(0.0, 0.5, step=0.25),
        "counts": CategoricalDistribution([True, False]),
    }
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    params = suggest_params(trial, space)
    assert trial.distributions == space
    assert params["radius"] in (1, 5, 9)
    assert params["dropout"] in (0.0, 0.25, 0.5)


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution should be")
@pytest.mark.parametrize("storage", ["sqlite", "journal"])
def test_spaces_in_a_storage(tmp_path, storage, quiet_optuna):
    # It warns of lists on reading, and keeps them.
    path = tmp_path / "study"
    journal = optuna.storages.journal.JournalFileBackend(str(path))
    storage = {
        "sqlite": f"sqlite:///{path}",
        "journal": optuna.storages.JournalStorage(journal),
    }[storage]
    space = param_space(make_mlp_pipeline(), "large", library="optuna")
    study = optuna.create_study(
        storage=storage,
        study_name="kept",
        sampler=optuna.samplers.TPESampler(n_startup_trials=2, seed=0),
    )
    found = []

    def objective(trial):
        found.append(suggest_params(trial, space))
        return trial.number

    study.optimize(objective, n_trials=4)
    again = optuna.load_study(study_name="kept", storage=storage)
    assert [trial.params for trial in again.trials] == found
    make_mlp_pipeline().set_params(**again.best_params)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (PCA(), "no parameters of PCA"),
        (make_pca_pipeline(), "no parameters of Pipeline.*random forests"),
        (MolGNNRegressor, "an instance, if that is its class"),
        ("dmpnn", "expects an estimator or pipeline, got 'dmpnn'"),
    ],
)
def test_what_has_no_space(estimator, expected):
    with pytest.raises(TypeError, match=expected):
        param_space(estimator)


def test_two_models_in_one():
    model = StackingRegressor([("gnn", make_gnn_pipeline())], RandomForestRegressor())
    with pytest.raises(ValueError, match=r"2 estimators.*gnn__estimator__MolGNNRegressor"):
        param_space(model)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"size": "medium"}, r"size='medium'; expected one of \('small', 'large'\)"),
        ({"library": "hyperopt"}, r"library='hyperopt'; expected one of \('sklearn', 'optuna'\)"),
    ],
)
def test_other_sizes_and_libraries(options, expected):
    with pytest.raises(ValueError, match=expected):
        param_space(MolGNNRegressor(), **options)


def test_a_space_of_scikit_learn_and_a_trial(quiet_optuna):
    space = param_space(make_mlp_pipeline(), "large")
    with pytest.raises(TypeError, match=r'estimator__hidden_dims.*library="optuna"'):
        suggest_params(optuna.create_study().ask(), space)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert param_space(MolGNNRegressor(), "large")
    with pytest.raises(ImportError, match=r"'skchem_dl\[tune\]'"):
        param_space(MolGNNRegressor(), library="optuna")


def test_nothing_to_tune():
    X = np.random.default_rng(0).normal(size=(20, 2))
    search = GridSearchCV(RidgeCV(), param_space(RidgeCV()), cv=2).fit(X, X[:, 0])
    assert search.best_params_ == {}


def test_what_chooses_its_penalty_itself():
    assert param_space(LogisticRegressionCV()) == {}
