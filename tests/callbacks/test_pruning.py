"""Studies of Optuna that end hopeless trials early."""

import copy
import os
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import optuna
import pytest
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score

from skchem_dl import FingerprintMLPRegressor
from skchem_dl.callbacks import Checkpoint, OptunaPruning, TensorBoardLogger
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
y = X.sum(axis=1)
EPOCHS = 5
pytestmark = pytest.mark.usefixtures("quiet_optuna")


class PruneAt(optuna.pruners.BasePruner):
    """Prunes every trial but the first after a number of reports."""

    def __init__(self, n_reports=2):
        self.n_reports = n_reports

    def prune(self, study, trial):
        return trial.number > 0 and len(trial.intermediate_values) >= self.n_reports


def make_study(pruner=None, direction="minimize", **options):
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(
        direction=direction, sampler=sampler, pruner=pruner or PruneAt(), **options
    )


def make_mlp(**options):
    usual = {"max_epochs": EPOCHS, "early_stopping": True, "n_iter_no_change": 50}
    return FingerprintMLPRegressor((8,), **{**usual, "random_state": 0, **options})


def last(model, column="valid_loss"):
    return model.history_[-1][column]


def states(study):
    return [trial.state.name for trial in study.trials]


def test_trials_are_pruned_and_the_others_are_not():
    models = []

    def objective(trial):
        models.append(make_mlp(callbacks=[OptunaPruning(trial)]))
        return last(models[-1].fit(X, y))

    study = make_study()
    study.optimize(objective, n_trials=3)
    assert states(study) == ["COMPLETE", "PRUNED", "PRUNED"]
    assert [len(trial.intermediate_values) for trial in study.trials] == [EPOCHS, 2, 2]
    losses = [row["valid_loss"] for row in models[0].history_]
    assert study.trials[0].intermediate_values == dict(enumerate(losses))
    # The same network, watched or not.
    plain = make_mlp().fit(X, y)
    np.testing.assert_array_equal(models[0].predict(X), plain.predict(X))
    assert not hasattr(models[1], "nets_")


def test_the_worst_learning_rate_is_pruned():
    def objective(trial):
        lr = trial.suggest_categorical("lr", [1e-2, 1e-6])
        return last(make_mlp(lr=lr, callbacks=[OptunaPruning(trial)]).fit(X, y))

    study = optuna.create_study(
        sampler=optuna.samplers.GridSampler({"lr": [1e-2, 1e-6]}, seed=1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1),
    )
    study.enqueue_trial({"lr": 1e-2})
    study.enqueue_trial({"lr": 1e-6})
    study.optimize(objective, n_trials=2)
    assert states(study) == ["COMPLETE", "PRUNED"]
    assert study.best_params == {"lr": 1e-2}
    assert max(study.trials[1].intermediate_values) == 1  # no sooner than after the warm-up


@pytest.mark.parametrize("make", [make_mlp_pipeline, make_cnn_pipeline, make_gnn_pipeline])
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.filterwarnings("ignore:.*their ends are cut off")
def test_every_pipeline(make, task, smiles):
    target = np.array([len(text) for text in smiles])
    target = target > 10 if task == "classification" else target.astype(float)

    def objective(trial):
        model = make(
            task,
            max_epochs=3,
            early_stopping=True,
            random_state=0,
            callbacks=[("pruning", OptunaPruning(trial))],
        )
        return last(model.fit(smiles, target)[-1])

    study = make_study()
    study.optimize(objective, n_trials=2)
    assert states(study) == ["COMPLETE", "PRUNED"]


@pytest.mark.parametrize(
    ("monitor", "direction"),
    [("valid_rmse", "minimize"), ("valid_r2", "maximize"), ("train_loss", "minimize")],
)
def test_other_columns(monitor, direction):
    found = []

    def objective(trial):
        model = make_mlp(callbacks=[OptunaPruning(trial, monitor=monitor)]).fit(X, y)
        found.append([row[monitor] for row in model.history_])
        return last(model, monitor)

    study = make_study(direction=direction)
    study.optimize(objective, n_trials=1)
    assert list(study.trials[0].intermediate_values.values()) == found[0]


@pytest.mark.parametrize(
    ("monitor", "direction", "expected"),
    [
        ("valid_loss", "maximize", "valid_r2"),
        ("valid_rmse_0", "maximize", "direction='minimize'"),
        ("train_mae", "maximize", "valid_roc_auc"),
        ("valid_r2", "minimize", "valid_rmse"),
        ("valid_roc_auc", "minimize", "direction='maximize'"),
    ],
)
def test_the_wrong_direction(monitor, direction, expected):
    trial = make_study(direction=direction).ask()
    with pytest.raises(ValueError, match=f"to {direction}; expected.*{expected}"):
        make_mlp(callbacks=[OptunaPruning(trial, monitor)]).fit(X, y)


@pytest.mark.parametrize(
    ("monitor", "options", "expected"),
    [
        ("valid_loss", {"early_stopping": False}, "'train_rmse'].*early_stopping=True"),
        ("valid_rsme", {}, "'valid_rmse'"),
        ("loss", {}, "'valid_rmse'"),
    ],
)
def test_no_such_column(monitor, options, expected):
    trial = make_study().ask()
    with pytest.raises(ValueError, match=f"monitor='{monitor}'.*no such column.*{expected}"):
        make_mlp(callbacks=[OptunaPruning(trial, monitor)], **options).fit(X, y)


def test_what_is_no_trial():
    with pytest.raises(TypeError, match=r"expects the trial .* got Study"):
        make_mlp(callbacks=[OptunaPruning(make_study())]).fit(X, y)


@pytest.mark.parametrize("replayed", ["FixedTrial", "FrozenTrial"])
def test_replayed_trials_are_not_pruned(replayed):
    study = make_study(PruneAt(1))
    study.optimize(lambda trial: trial.suggest_float("lr", 1e-3, 1e-2), n_trials=2)
    trial = study.best_trial if replayed == "FrozenTrial" else optuna.trial.FixedTrial({})
    assert make_mlp(callbacks=[OptunaPruning(trial)]).fit(X, y).n_iter_ == EPOCHS


# Several fits in one trial


def test_of_a_cross_validation_the_first_fit_is_watched():
    n_fits = []

    def objective(trial):
        model = make_mlp(callbacks=[OptunaPruning(trial)])
        scores = cross_val_score(
            model, X, y, cv=KFold(3), scoring="neg_root_mean_squared_error", error_score="raise"
        )
        n_fits.append(len(scores))
        return -scores.mean()

    study = make_study()
    study.optimize(objective, n_trials=2)
    assert states(study) == ["COMPLETE", "PRUNED"]
    train, _ = next(KFold(3).split(X))
    first = make_mlp().fit(X[train], y[train])
    assert list(study.trials[0].intermediate_values.values()) == [
        row["valid_loss"] for row in first.history_
    ]
    assert n_fits == [3]


def test_of_an_ensemble_the_first_member_is_watched():
    def objective(trial):
        model = make_mlp(n_members=2, callbacks=[OptunaPruning(trial)]).fit(X, y)
        return last(model)

    study = make_study()
    study.optimize(objective, n_trials=2)
    assert states(study) == ["COMPLETE", "PRUNED"]
    assert len(study.trials[0].intermediate_values) == EPOCHS


# Cleanly


def test_what_is_left_behind(tmp_path):
    before = torch.get_rng_state()

    def objective(trial):
        model = make_mlp(
            callbacks=[OptunaPruning(trial), Checkpoint(tmp_path / "kept", every=1)],
            log_dir=tmp_path / "runs",
        )
        return last(model.fit(X, y))

    study = make_study()
    study.optimize(objective, n_trials=2)
    assert states(study) == ["COMPLETE", "PRUNED"]
    assert torch.equal(torch.get_rng_state(), before)
    assert list((tmp_path / "kept").iterdir()) == []
    whole, pruned = sorted((tmp_path / "runs").iterdir())
    assert [len((run / "metrics.csv").read_text().splitlines()) for run in (whole, pruned)] == [
        1 + EPOCHS,
        1 + 2,
    ]
    # The pruned one has its row in the HPARAMS tab too.
    assert all(b"summary/loss/validation" in _events(run) for run in (whole, pruned))
    if sys.platform == "linux":
        links = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.exists()]
        assert not [link for link in links if str(tmp_path) in link]


def _events(run):
    return b"".join(path.read_bytes() for path in run.glob("*tfevents*"))


def test_after_other_errors_checkpoints_stay(tmp_path):
    class Failing(OptunaPruning):
        def on_epoch_end(self, net, **kwargs):
            super().on_epoch_end(net, **kwargs)
            if len(net.history) == 3:
                raise RuntimeError("disk full")

    checkpoint = Checkpoint(tmp_path, every=1)
    trial = make_study().ask()
    with pytest.raises(RuntimeError, match="disk full"):
        make_mlp(callbacks=[Failing(trial), checkpoint]).fit(X, y)
    assert len(list(tmp_path.glob("*/*.ckpt"))) == 2


class Killed(Exception):
    pass


class KillOnce(OptunaPruning):
    """Ends the fourth epoch by an error, the first time."""

    epochs = []

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        self.epochs.append(len(net.history))
        if self.epochs == [1, 2, 3, 4]:
            raise Killed


def test_another_trial_goes_on_from_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(KillOnce, "epochs", [])

    def fit():
        trial = make_study(optuna.pruners.NopPruner()).ask()
        return make_mlp(callbacks=[KillOnce(trial), Checkpoint(tmp_path, every=1)]).fit(X, y)

    with pytest.raises(Killed):
        fit()
    model = fit()
    assert KillOnce.epochs == [1, 2, 3, 4, 4, 5]
    np.testing.assert_array_equal(model.predict(X), make_mlp().fit(X, y).predict(X))


# Copies


def test_clones_keep_the_trial():
    trial = make_study().ask()
    callback = OptunaPruning(trial, "valid_rmse")
    for copied in (clone(callback), clone(make_mlp(callbacks=[callback])).callbacks[0]):
        assert copied is not callback
        assert copied.get_params() == {"trial": trial, "monitor": "valid_rmse"}
        assert copied.trial is trial


def test_a_fitted_model_pickles_without_its_study(tmp_path):
    trial = make_study().ask()
    model = make_mlp(callbacks=[OptunaPruning(trial)]).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert model.callbacks[0].trial is trial
    for copied in (again, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert copied.callbacks[0].trial is None
        with pytest.raises(ValueError, match=r"without its trial.*storage=..."):
            copied.fit(X, y)
    assert again.set_params(callbacks=None).fit(X, y).n_iter_ == EPOCHS


@pytest.mark.parametrize("storage", ["sqlite", "journal"])
def test_workers_report_to_a_study_with_a_storage(tmp_path, storage):
    if storage == "sqlite":
        storage = f"sqlite:///{tmp_path / 'study.db'}"
    else:
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "study.log")))
    study = make_study(optuna.pruners.NopPruner(), storage=storage)
    trial = study.ask()
    model = make_mlp(callbacks=[OptunaPruning(pickle.loads(pickle.dumps(trial)))])
    model = pickle.loads(pickle.dumps(model)).fit(X, y)
    values = [row["valid_loss"] for row in model.history_]
    assert study.trials[0].intermediate_values == dict(enumerate(values))


def test_with_a_logger_of_your_own(tmp_path):
    trial = make_study().ask()
    logger = TensorBoardLogger(tmp_path, run_name="trial 0")
    model = make_mlp(callbacks=[logger, OptunaPruning(trial)]).fit(X, y)
    assert Path(model.run_dir_).name == "trial_0-0"
