"""Searches over every pipeline and estimator with its ready parameter space."""

import json
import os
import subprocess
import sys

import joblib
import numpy as np
import optuna
import pytest
from optuna_integration.sklearn import OptunaSearchCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
)

from skchem_dl import (
    FingerprintMLPClassifier,
    MolGNNClassifier,
    MolGraphizer,
    MorganFingerprinter,
    SmilesCNNClassifier,
    SmilesTokenizer,
)
from skchem_dl.callbacks import OptunaPruning
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import param_space, suggest_params
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*their ends are cut off"),
    pytest.mark.filterwarnings("ignore:.optuna.terminator. module has been deprecated"),
    pytest.mark.usefixtures("quiet_optuna"),
]
SPLITS = KFold(2, shuffle=True, random_state=0)
CLASSIFIERS = {
    FingerprintMLPClassifier: MorganFingerprinter(),
    SmilesCNNClassifier: SmilesTokenizer(),
    MolGNNClassifier: MolGraphizer(),
}
MAKERS = (make_mlp_pipeline, make_cnn_pipeline, make_gnn_pipeline)


def grid(model):
    space = {name: values[:2] for name, values in param_space(model).items()}
    return GridSearchCV(model, space, cv=SPLITS, error_score="raise")


def randomized(model):
    space = param_space(model, "large")
    return RandomizedSearchCV(
        model, space, n_iter=3, cv=SPLITS, random_state=0, error_score="raise"
    )


def halving(model):
    prefix = "estimator__" if hasattr(model, "steps") else ""
    return HalvingGridSearchCV(
        model,
        {f"{prefix}lr": [1e-4, 1e-3, 1e-2, 1e-1]},
        resource=f"{prefix}max_epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=SPLITS,
        random_state=0,
        error_score="raise",
    )


def optuna_search(model):
    space = param_space(model, "large", library="optuna")
    return OptunaSearchCV(model, space, n_trials=3, cv=SPLITS, random_state=0, error_score="raise")


SEARCHES = {grid: 8, randomized: 3, halving: 4 + 2 + 1, optuna_search: 3}
each_search = pytest.mark.parametrize(("make_search", "n_candidates"), SEARCHES.items())


@pytest.fixture(scope="module")
def molecules():
    X, y = load_solubility(return_X_y=True)
    return X[::40], y[::40]


def check(search, n_candidates, X, y):
    """Search twice, to the same end; the best of it is what the winner's parameters make."""
    search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == n_candidates
    assert np.isfinite(scores).all()
    predicted = search.predict(X)
    again = search.estimator.set_params(**search.best_params_)
    if isinstance(search, HalvingGridSearchCV):
        n_resources = search.cv_results_["n_resources"].tolist()
        assert n_resources == [1] * 4 + [2] * 2 + [4]
        name = search.resource
        assert search.best_estimator_.get_params()[name] == 4
        again.set_params(**{name: 4})
    np.testing.assert_array_equal(again.fit(X, y).predict(X), predicted)


@each_search
@pytest.mark.parametrize("make", MAKERS)
def test_pipelines_of_regressors(make_search, n_candidates, make, molecules):
    check(make_search(make(max_epochs=1, random_state=0)), n_candidates, *molecules)


@each_search
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_bare_classifiers(make_search, n_candidates, kind, molecules):
    X, y = molecules
    X = CLASSIFIERS[kind].fit_transform(X)
    check(make_search(kind(max_epochs=1, random_state=0)), n_candidates, X, y > np.median(y))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_study_with_pruning(make, task, molecules):
    X, y = molecules
    y = y > np.median(y) if task == "classification" else y
    model = make(task, max_epochs=4, early_stopping=True, random_state=0)
    space = param_space(model, "large", library="optuna")

    def objective(trial):
        model.set_params(**suggest_params(trial, space))
        model.set_params(estimator__callbacks=[OptunaPruning(trial)])
        return min(row["valid_loss"] for row in model.fit(X, y)[-1].history_)

    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2),
    )
    study.optimize(objective, n_trials=8)
    ends = {trial.state.name for trial in study.trials}
    assert ends == {"COMPLETE", "PRUNED"}
    for trial in study.trials:
        if trial.state.name == "COMPLETE":
            assert trial.value == min(trial.intermediate_values.values())
    model.set_params(**study.best_params, estimator__callbacks=None).fit(X, y)
    assert study.best_value == min(row["valid_loss"] for row in model[-1].history_)


def test_asking_and_telling(molecules):
    X, y = molecules
    model = make_mlp_pipeline(max_epochs=2, random_state=0)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(2):
        trial = study.ask(param_space(model, "large", library="optuna"))
        model.set_params(**trial.params)
        study.tell(trial, cross_val_score(model, X, y, cv=SPLITS).mean())
    assert np.isfinite([trial.value for trial in study.trials]).all()


SCRIPT = """
import json
import joblib, torch
from sklearn.model_selection import GridSearchCV
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_mlp_pipeline

def count_threads(model, X, y):
    return torch.get_num_threads()

def search(n_jobs):
    model = make_mlp_pipeline(max_epochs=1, random_state=0)
    grid = {"estimator__lr": [0.001, 0.01]}
    found = GridSearchCV(model, grid, cv=2, scoring=count_threads, refit=False, n_jobs=n_jobs)
    return found.fit(X[:40], y[:40]).cv_results_["mean_test_score"].tolist()

X, y = load_solubility(return_X_y=True)
torch.set_num_threads(3)
print(json.dumps([search(1), search(2)]))
"""


@pytest.mark.slow
def test_workers_share_the_cores_out():
    # Without the variables that the tests run with, and whatever the parent has set.
    env = {name: value for name, value in os.environ.items() if not name.endswith("NUM_THREADS")}
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    run = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert run.returncode == 0, run.stderr
    serial, parallel = json.loads(run.stdout)
    assert serial == [3, 3]
    assert parallel == [max(1, joblib.cpu_count() // 2)] * 2
