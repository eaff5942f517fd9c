"""Finished searches in TensorBoard's HPARAMS tab, as TensorBoard serves it."""

import csv
import json
import sys

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna_integration.sklearn import OptunaSearchCV
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline

from skchem_dl import FingerprintMLPRegressor, MorganFingerprinter, RDKitDescriptors
from skchem_dl.callbacks import log_search
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_mlp_pipeline

from .boards import read_hparams

SPLITS = KFold(2)
GRID = {
    "featurizer__radius": [1, 2],
    "estimator__lr": [0.001, 0.01, 0.1],
    "estimator__hidden_dims": [(4,), (4, 2)],
}


@pytest.fixture(scope="module")
def data():
    X, y = load_solubility(subset="test", return_X_y=True)
    return X[:60], y[:60]


def make_model(**options):
    featurizer = MorganFingerprinter(fp_size=64)
    options = {"hidden_dims": (4,), "max_epochs": 1, "random_state": 0, **options}
    return make_mlp_pipeline(featurizer=featurizer, **options)


@pytest.fixture(scope="module")
def grid_search(data):
    return GridSearchCV(make_model(), GRID, cv=SPLITS).fit(*data)


def read_table(folder):
    with (folder / "candidates.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def shown(value):
    """Give a value as the tab shows it."""
    return value if isinstance(value, int | float | str) else repr(value)


def as_json(params):
    """Give parameters as JSON has them: lists, where Python has tuples too."""
    return json.loads(json.dumps(params))


def assert_rows_are_those_of(search, rows):
    """Compare parameters, scores and ranks, in the order of the candidates."""
    results = search.cv_results_
    assert list(rows) == sorted(rows)
    assert len(rows) == len(results["params"])
    for number, row in enumerate(rows.values()):
        for name, value in results["params"][number].items():
            assert row[name] == shown(value)
        for name in ("mean_test_score", "std_test_score", "rank_test_score", "mean_fit_time"):
            assert row[name] == pytest.approx(results[name][number], rel=1e-6, nan_ok=True)


def test_grid_search(tmp_path, grid_search):
    folder = log_search(grid_search, tmp_path)
    assert folder == tmp_path / "GridSearchCV-0"
    columns, metrics, rows = read_hparams(folder)
    assert list(rows) == [f"candidate-{number:02d}" for number in range(12)]
    assert_rows_are_those_of(grid_search, rows)
    assert {"mean_test_score", "std_test_score", "rank_test_score"} <= set(metrics)
    best = next(row for row in rows.values() if row["rank_test_score"] == 1)
    assert {name: best[name] for name in GRID} == {
        name: shown(value) for name, value in grid_search.best_params_.items()
    }
    assert best["mean_test_score"] == pytest.approx(grid_search.best_score_, rel=1e-6)
    assert {"featurizer__fp_size", "estimator__optimizer", "estimator__loss"} < set(columns)
    assert not {"featurizer", "estimator", "steps", "memory"} & set(columns)
    assert {row["featurizer__fp_size"] for row in rows.values()} == {64}


def test_what_was_searched_over_is_shown_first(tmp_path, grid_search):
    # The page leaves out the later columns until they are asked for.
    columns, _, _ = read_hparams(log_search(grid_search, tmp_path))
    assert set(columns[:3]) == set(GRID)


def test_files_beside_the_events(tmp_path, grid_search):
    folder = log_search(grid_search, tmp_path)
    results = grid_search.cv_results_
    table = read_table(folder)
    assert len(table) == 12
    for number, row in enumerate(table):
        assert list(row)[:3] == list(results["params"][0])
        assert float(row["mean_test_score"]) == results["mean_test_score"][number]
        assert float(row["std_test_score"]) == results["std_test_score"][number]
        params = results["params"][number]
        assert {name: row[name] for name in GRID} == {k: str(v) for k, v in params.items()}
        every = read_json(folder / f"candidate-{number:02d}" / "params.json")
        assert {name: every[name] for name in GRID} == as_json(params)
        assert every["featurizer__fp_size"] == 64
        assert every["estimator__optimizer"] == "adam"
        assert every["estimator__log_dir"] is None
    assert read_json(folder / "best_params.json") == as_json(grid_search.best_params_)
    assert {path.name for path in folder.iterdir()} == {
        "best_params.json",
        "candidates.csv",
        *(f"candidate-{number:02d}" for number in range(12)),
    }


def test_the_winner_is_made_again_from_its_files(tmp_path, grid_search, data):
    folder = log_search(grid_search, tmp_path)
    expected = grid_search.predict(data[0])
    best = folder / f"candidate-{grid_search.best_index_:02d}" / "params.json"
    for path in (best, folder / "best_params.json"):
        model = make_model().set_params(**read_json(path))
        np.testing.assert_array_equal(model.fit(*data).predict(data[0]), expected)


def test_every_call_has_a_folder_of_its_own(tmp_path, grid_search):
    folders = [log_search(grid_search, str(tmp_path), run_name="my search") for _ in range(2)]
    assert [path.name for path in folders] == ["my_search-0", "my_search-1"]


def test_the_search_is_as_it_was(tmp_path, grid_search, data):
    before = grid_search.predict(data[0]), repr(grid_search.cv_results_), repr(grid_search)
    log_search(grid_search, tmp_path)
    np.testing.assert_array_equal(grid_search.predict(data[0]), before[0])
    assert (repr(grid_search.cv_results_), repr(grid_search)) == before[1:]


def test_random_search_over_a_bare_estimator(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 4))
    distributions = {"lr": loguniform(1e-4, 1e-1), "dropout": [0.0, 0.5]}
    model = FingerprintMLPRegressor((4,), max_epochs=1, random_state=0)
    search = RandomizedSearchCV(model, distributions, n_iter=5, cv=SPLITS, random_state=0)
    folder = log_search(search.fit(X, X[:, 0]), tmp_path)
    columns, _, rows = read_hparams(folder)
    assert_rows_are_those_of(search, rows)
    assert set(columns) == set(model.get_params())


def test_halving_search(tmp_path, data):
    grid = {"estimator__lr": [0.001, 0.01, 0.1, 1.0]}
    search = HalvingGridSearchCV(
        make_model(), grid, cv=SPLITS, factor=2, min_resources=15, random_state=0
    ).fit(*data)
    folder = log_search(search, tmp_path)
    _, metrics, rows = read_hparams(folder)
    assert_rows_are_those_of(search, rows)
    assert len(rows) == 4 + 2 + 1
    assert {"iter", "n_resources"} < set(metrics)
    assert [row["iter"] for row in rows.values()] == [0, 0, 0, 0, 1, 1, 2]
    n_resources = search.cv_results_["n_resources"].tolist()
    assert [row["n_resources"] for row in rows.values()] == n_resources
    assert read_json(folder / "best_params.json") == search.best_params_


@pytest.mark.filterwarnings("ignore:.optuna.terminator. module has been deprecated")
def test_optuna_search(tmp_path, data, quiet_optuna):
    distributions = {"estimator__lr": FloatDistribution(1e-4, 1e-1, log=True)}
    search = OptunaSearchCV(make_model(), distributions, cv=SPLITS, n_trials=4, random_state=0)
    folder = log_search(search.fit(*data), tmp_path)
    assert folder.name == "OptunaSearchCV-0"
    columns, _, rows = read_hparams(folder)
    assert len(rows) == len(search.trials_) == 4
    for row, trial in zip(rows.values(), search.trials_, strict=True):
        assert row["estimator__lr"] == trial.params["estimator__lr"]
        assert row["mean_test_score"] == pytest.approx(trial.value, rel=1e-6)
        assert row["std_test_score"] == pytest.approx(trial.user_attrs["std_test_score"], rel=1e-5)
    assert "featurizer__radius" in columns
    assert read_json(folder / "best_params.json") == search.best_params_


def test_optuna_study(tmp_path, quiet_optuna):
    def objective(trial):
        x = trial.suggest_float("x", -1, 1)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        if trial.number == 1:
            trial.report(-1.0, 0)  # and so the trial's value, better than all others
            raise optuna.TrialPruned
        return x**2 + (kind == "a")

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=5)
    folder = log_search(study, tmp_path, run_name="by hand")
    columns, metrics, rows = read_hparams(folder)
    assert study.trials[1].value == -1.0
    complete = [trial for trial in study.trials if trial.number != 1]
    assert len(rows) == len(complete) == len(read_table(folder)) == 4
    assert (set(columns), metrics) == ({"x", "kind"}, ["value"])
    for row, trial in zip(rows.values(), complete, strict=True):
        assert (row["x"], row["kind"]) == (trial.params["x"], trial.params["kind"])
        assert row["value"] == np.float32(trial.value)
    assert read_json(folder / "best_params.json") == study.best_params


def test_a_study_whose_trials_have_other_parameters(tmp_path, quiet_optuna):
    def objective(trial):
        if trial.number % 2:
            return trial.suggest_float("dropout", 0, 1)
        return trial.suggest_int("depth", 1, 5)

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=4)
    columns, _, rows = read_hparams(log_search(study, tmp_path))
    assert [set(row) - {"value"} for row in rows.values()] == [{"depth"}, {"dropout"}] * 2
    assert set(columns) == {"depth", "dropout"}  # what has no column is not on the page


def test_candidates_with_other_steps(tmp_path, data):
    grid = [
        {"featurizer": [RDKitDescriptors(descriptors=["MolWt", "MolLogP"])]},
        {"featurizer": [MorganFingerprinter(fp_size=32)], "featurizer__radius": [1, 3]},
    ]
    search = GridSearchCV(make_model(), grid, cv=SPLITS).fit(*data)
    columns, _, rows = read_hparams(log_search(search, tmp_path))
    assert [row.get("featurizer__radius") for row in rows.values()] == [None, 1, 3]
    assert {"featurizer", "featurizer__radius", "featurizer__descriptors"} < set(columns)


def test_estimators_in_the_grid_stay_as_they_are(tmp_path, data):
    featurizer = MorganFingerprinter(fp_size=32)
    grid = {"featurizer": [featurizer], "featurizer__radius": [1, 3]}
    search = GridSearchCV(make_model(), grid, cv=SPLITS).fit(*data)
    folder = log_search(search, tmp_path)
    _, _, rows = read_hparams(folder)
    assert [row["featurizer__radius"] for row in rows.values()] == [1, 3]
    assert featurizer.radius == MorganFingerprinter().radius
    found = [params["featurizer"].radius for params in search.cv_results_["params"]]
    assert found == [MorganFingerprinter().radius] * 2


def test_a_parameter_that_is_nan(tmp_path, data):
    # SimpleImputer's default; as a number it would be an empty cell.
    model = Pipeline(
        [
            ("featurizer", RDKitDescriptors(descriptors=["MolWt", "MolLogP"])),
            ("imputer", SimpleImputer()),
            ("estimator", FingerprintMLPRegressor((4,), max_epochs=1, random_state=0)),
        ]
    )
    grid = {"estimator__lr": [0.1, 0.01]}
    search = GridSearchCV(model, grid, cv=SPLITS).fit(*data)
    _, _, rows = read_hparams(log_search(search, tmp_path))
    assert len(rows) == 2
    assert rows["candidate-0"]["imputer__strategy"] == "mean"
    assert str(rows["candidate-0"].get("imputer__missing_values")).lower() == "nan"


def test_several_metrics_without_a_best_one(tmp_path, data):
    scoring = {"r2": "r2", "mae": "neg_mean_absolute_error"}
    grid = {"estimator__lr": [0.01, 0.1]}
    search = GridSearchCV(make_model(), grid, cv=SPLITS, scoring=scoring, refit=False).fit(*data)
    folder = log_search(search, tmp_path)
    assert not (folder / "best_params.json").exists()
    _, _, rows = read_hparams(folder)
    for number, row in enumerate(rows.values()):
        for name in ("mean_test_r2", "std_test_r2", "mean_test_mae", "rank_test_mae"):
            assert row[name] == pytest.approx(search.cv_results_[name][number], rel=1e-6)
    assert len(read_table(folder)) == 2


def test_training_scores(tmp_path, data):
    grid = {"estimator__lr": [0.01, 0.1]}
    search = GridSearchCV(make_model(), grid, cv=SPLITS, return_train_score=True).fit(*data)
    _, metrics, _ = read_hparams(log_search(search, tmp_path))
    assert {"mean_train_score", "std_train_score"} < set(metrics)


@pytest.mark.filterwarnings("ignore:\\s*2 fits failed", "ignore:One or more of the test scores")
def test_candidates_that_failed(tmp_path, data):
    grid = {"estimator__lr": [0.01, -1.0]}
    search = GridSearchCV(make_model(), grid, cv=SPLITS, error_score=np.nan).fit(*data)
    folder = log_search(search, tmp_path)
    _, _, rows = read_hparams(folder)
    assert_rows_are_those_of(search, rows)
    assert np.isnan(rows["candidate-1"]["mean_test_score"])
    assert [row["mean_test_score"] == "nan" for row in read_table(folder)] == [False, True]
    assert read_json(folder / "best_params.json") == {"estimator__lr": 0.01}


def score_nothing(model, X, y):
    return np.nan


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_no_candidate_has_a_score(tmp_path, data):
    grid = {"estimator__lr": [0.01, 0.1]}
    search = GridSearchCV(make_model(), grid, cv=SPLITS, scoring=score_nothing).fit(*data)
    with pytest.raises(ValueError, match="None of the 2 candidates of this GridSearchCV has a sc"):
        log_search(search, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_trials(tmp_path):
    with pytest.raises(ValueError, match="None of the 0 candidates of this Study has a score"):
        log_search(optuna.create_study(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_choose_from(tmp_path, data):
    folder = log_search(GridSearchCV(make_model(), {}, cv=SPLITS).fit(*data), tmp_path)
    assert read_json(folder / "best_params.json") == {}
    assert list(read_hparams(folder)[2]) == ["candidate-0"]


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(Ridge(), {"alpha": [1.0]}),
        RandomizedSearchCV(Ridge(), {"alpha": [1.0]}),
        HalvingGridSearchCV(Ridge(), {"alpha": [1.0]}),
    ],
    ids=lambda search: type(search).__name__,
)
def test_searches_that_are_not_finished(tmp_path, search):
    with pytest.raises(ValueError, match=f"This {type(search).__name__} is not fitted yet"):
        log_search(search, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_optuna_search_that_is_not_finished(tmp_path):
    search = OptunaSearchCV(Ridge(), {"alpha": FloatDistribution(0.1, 1)})
    with pytest.raises(ValueError, match="This OptunaSearchCV is not fitted yet"):
        log_search(search, tmp_path)


@pytest.mark.parametrize(
    "other",
    [None, "search", {"params": []}, Ridge(), Ridge().fit([[1.0], [2.0]], [1, 2]), make_model()],
    ids=["None", "text", "dict", "estimator", "fitted estimator", "pipeline"],
)
def test_what_is_no_search(tmp_path, other):
    with pytest.raises(TypeError, match=f"expects a finished search .* got {type(other).__name__}"):
        log_search(other, tmp_path)


def test_without_the_extra_nothing_is_left_behind(tmp_path, grid_search, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match=r"'skchem_dl\[tracking\]'"):
        log_search(grid_search, tmp_path)
    assert list(tmp_path.iterdir()) == []
