"""A fit that was killed goes on, and ends as if it never had been."""

import collections
import copy
import csv
import enum
import json
import pickle
import time

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.history import History
from torch.optim import lr_scheduler

import skchem_dl
from skchem_dl import (
    FingerprintMLPClassifier,
    FingerprintMLPRegressor,
    MolGNNRegressor,
    MolGraphizer,
    SmilesCNNRegressor,
    SmilesTokenizer,
)
from skchem_dl.callbacks import Checkpoint
from skchem_dl.pipelines import make_gnn_pipeline

generator = np.random.default_rng(0)
X = generator.normal(size=(40, 5)).astype(np.float32)
Y = X @ np.array([1.0, -2.0, 3.0, 0.5, 0.0]) + generator.normal(size=40)
NOISE = 2 * generator.normal(size=20)
LABELS = (Y > 0).astype(int)


class PowerCut(Callback):
    """Ends a fit where `at` says, and counts epochs.

    Both are kept on the class: the callback's own parameters are the same in all fits, as those
    of a fit that is killed and its successor are.
    """

    at = None  # (member, epoch), at its end, or (member, epoch, batch)
    ran = []

    def on_epoch_begin(self, net, **kwargs):
        self.ran.append((net.member, len(net.history)))

    def on_batch_end(self, net, training=False, **kwargs):
        where = (net.member, len(net.history), len(net.history[-1]["batches"]))
        if training and where == self.at:
            raise RuntimeError("power cut")

    def on_epoch_end(self, net, **kwargs):
        if (net.member, len(net.history)) == self.at:
            raise RuntimeError("power cut")


def fit(model, *args, at=None, **kwargs):
    """Give the epochs that it trained: (member, epoch)."""
    PowerCut.at, PowerCut.ran = at, []
    if at is None:
        model.fit(*args, **kwargs)
    else:
        with pytest.raises(RuntimeError, match="power cut"):
            model.fit(*args, **kwargs)
        PowerCut.at = None
    return list(PowerCut.ran)


def make_mlp(folder=None, *, callbacks=(), cls=FingerprintMLPRegressor, every=1, **options):
    usual = {
        "hidden_dims": (8,),
        "dropout": 0.3,
        "batch_norm": True,
        "batch_size": 8,
        "lr": 0.01,
        "max_epochs": 6,
        "random_state": 0,
    }
    checkpoint = [] if folder is None else [Checkpoint(every=every)]
    return cls(
        **{**usual, **options},
        checkpoint_dir=None if folder is None else str(folder),
        callbacks=[*callbacks, PowerCut(), *checkpoint],
    )


def make_stopping(folder=None, **options):
    """Make one of which the best epoch is neither the first nor the last."""
    usual = {
        "hidden_dims": (32,),
        "dropout": 0.1,
        "lr": 0.02,
        "lr_schedule": "constant",
        "max_epochs": 60,
        "early_stopping": True,
        "validation_fraction": 0.5,
        "n_iter_no_change": 5,
    }
    return make_mlp(folder, **{**usual, **options})


def history(model):
    return [{name: v for name, v in row.items() if name != "dur"} for row in model.history_]


def assert_same_weights(one, other):
    assert len(one.nets_) == len(other.nets_)
    for net, twin in zip(one.nets_, other.nets_, strict=True):
        state, expected = net.module_.state_dict(), twin.module_.state_dict()
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[name], expected[name]) for name in state)


def assert_same_fit(one, other, X=X):
    # As text, since NaN is not equal to itself.
    assert json.dumps(history(one)) == json.dumps(history(other))
    assert_same_weights(one, other)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def assert_goes_on(make, folder, at, *args, **kwargs):
    """Cut a fit short at some points, finish it, and compare with one in a single go."""
    whole = make()
    fit(whole, *args, **kwargs)
    for point in at:
        fit(make(folder), *args, at=point, **kwargs)
    resumed = make(folder)
    ran = fit(resumed, *args, **kwargs)
    assert ran[0] == at[-1][:2]  # the epoch that was lost is the first
    assert_same_fit(resumed, whole, args[0])
    assert list(folder.iterdir()) == []
    return resumed


def checkpoints(folder):
    return sorted(path.name for path in folder.glob("*/*.ckpt"))


# Everything that training depends on comes back

POINTS = [[(0, 3)], [(0, 3, 2)], [(0, 2), (0, 2, 1), (0, 4, 3), (0, 6)]]
every_point = pytest.mark.parametrize("at", POINTS, ids=["epoch's end", "amid an epoch", "often"])


@every_point
def test_mlp(tmp_path, at):
    assert_goes_on(make_mlp, tmp_path, at, X, Y)


@pytest.mark.parametrize("at", [[(0, 1)], [(0, 1, 1)]])
def test_before_the_first_checkpoint(tmp_path, at):
    assert_goes_on(make_mlp, tmp_path, at, X, Y)


@every_point
def test_cnn(tmp_path, smiles, at):
    tokens = SmilesTokenizer().fit_transform(smiles)
    y = np.array([len(text) for text in smiles], dtype=float)

    def make(folder=None):
        network = {"n_filters": 4, "kernel_sizes": (3, 5), "embedding_dim": 4}
        given = make_mlp(folder).get_params()
        names = SmilesCNNRegressor().get_params()
        shared = {name: value for name, value in given.items() if name in names}
        return SmilesCNNRegressor(**{**shared, **network})

    assert_goes_on(make, tmp_path, at, tokens, y)


@every_point
def test_gnn(tmp_path, smiles, at):
    graphs = MolGraphizer().fit_transform(smiles)
    y = np.array([len(text) for text in smiles], dtype=float)

    def make(folder=None):
        network = {"hidden_dim": 8, "n_layers": 2, "early_stopping": True}
        given = make_mlp(folder).get_params()
        names = MolGNNRegressor().get_params()
        shared = {name: value for name, value in given.items() if name in names}
        return MolGNNRegressor(**{**shared, **network})

    assert_goes_on(make, tmp_path, at, graphs, y)


def test_pipeline(tmp_path, smiles):
    y = np.array([len(text) for text in smiles], dtype=float)

    def make(folder=None):
        callbacks = [PowerCut()] if folder is None else [PowerCut(), Checkpoint(folder, every=1)]
        return make_gnn_pipeline(
            hidden_dim=8, batch_size=8, max_epochs=4, random_state=0, callbacks=callbacks
        )

    whole, resumed = make(), make(tmp_path)
    fit(whole, smiles, y)
    fit(make(tmp_path), smiles, y, at=(0, 3))
    assert fit(resumed, smiles, y)[0] == (0, 3)
    assert_same_fit(resumed[-1], whole[-1], whole[0].transform(smiles))


@pytest.mark.parametrize(
    "optimizer", ["adam", "adamw", "rmsprop", "sgd", torch.optim.NAdam, torch.optim.Adagrad]
)
def test_optimizers(tmp_path, optimizer):
    def make(folder=None):
        return make_mlp(folder, optimizer=optimizer, max_grad_norm=1.0)

    assert_goes_on(make, tmp_path, [(0, 2), (0, 4, 2)], X, Y)


def falling(progress):
    return 1 / (1 + progress)


@pytest.mark.parametrize("lr_schedule", ["constant", "cosine", "one_cycle", "plateau", falling])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_schedules(tmp_path, lr_schedule, early_stopping):
    def make(folder=None):
        options = {"lr_schedule": lr_schedule, "early_stopping": early_stopping}
        return make_mlp(folder, lr=0.05, max_epochs=16, **options)

    assert_goes_on(make, tmp_path, [(0, 4, 2), (0, 13)], X, Y)


def test_plateau_that_has_been_reached(tmp_path):
    def make(folder=None):
        return make_mlp(folder, lr=0.2, max_epochs=40, lr_schedule="plateau")

    model = assert_goes_on(make, tmp_path, [(0, 30)], X, Y)
    assert model.history_[27]["lr"] < 0.2  # before the cut


@pytest.mark.parametrize("cls", [FingerprintMLPRegressor, FingerprintMLPClassifier])
@pytest.mark.parametrize("where", [-2, -1, 0, 1, 2, 4, "last"])
def test_early_stopping(tmp_path, cls, where):
    # Cut some epochs before or after the best one, of which the weights must not be lost.
    y = LABELS if cls is FingerprintMLPClassifier else Y
    whole = make_stopping(cls=cls)
    ran = fit(whole, X, y)
    best = whole.net_.kept_epoch
    assert 3 <= best < len(ran) < 60
    epoch = len(ran) if where == "last" else best + where

    def make(folder=None):
        return make_stopping(folder, cls=cls)

    model = assert_goes_on(make, tmp_path, [(0, epoch)], X, y)
    assert model.net_.kept_epoch == best


def test_best_epoch_of_a_fit_that_used_up_its_epochs(tmp_path):
    best = make_stopping().fit(X, Y).net_.kept_epoch

    def make(folder=None):
        return make_stopping(folder, max_epochs=best + 3)

    assert_goes_on(make, tmp_path, [(0, best + 3)], X, Y)


def test_the_cadence_is_no_matter(tmp_path):
    whole = make_mlp(max_epochs=9)
    fit(whole, X, Y)
    for every in (2, 4, None):
        fit(make_mlp(tmp_path, every=every, max_epochs=9), X, Y, at=(0, 8))
    resumed = make_mlp(tmp_path, every=5, max_epochs=9)
    assert fit(resumed, X, Y)[0] == (0, 8)
    assert_same_fit(resumed, whole)


def test_every(tmp_path):
    fit(make_mlp(tmp_path, every=3, max_epochs=9), X, Y, at=(0, 8))
    assert checkpoints(tmp_path) == ["member-0-epoch-000003.ckpt", "member-0-epoch-000006.ckpt"]
    assert fit(make_mlp(tmp_path, every=3, max_epochs=9), X, Y)[0] == (0, 7)


def test_checkpoint_dir_alone(tmp_path):
    # How often it writes depends on the machine; the first epoch always counts.
    model = make_mlp(callbacks=[], max_epochs=40).set_params(checkpoint_dir=tmp_path)
    whole = clone(model).set_params(checkpoint_dir=None)
    fit(whole, X, Y)
    fit(model, X, Y, at=(0, 30))
    assert 1 <= len(checkpoints(tmp_path)) <= 2
    assert fit(model, X, Y)[0] > (0, 1)
    assert_same_fit(model, whole)


def test_the_folder_of_the_callback_counts(tmp_path):
    model = make_mlp(tmp_path / "estimator")
    model.callbacks[-1].dir = tmp_path / "callback"
    fit(model, X, Y, at=(0, 3))
    assert [path.name for path in tmp_path.iterdir()] == ["callback"]
    assert len(checkpoints(tmp_path / "callback")) == 2


def test_it_changes_no_bit(tmp_path):
    for options in ({}, {"n_members": 2}, {"early_stopping": True}):
        plain, kept = make_mlp(**options), make_mlp(tmp_path, **options)
        assert fit(plain, X, Y) == fit(kept, X, Y)
        assert_same_fit(plain, kept)


def test_after_a_finished_fit_the_same_call_starts_anew(tmp_path):
    model = make_mlp(tmp_path)
    for _ in range(2):
        assert fit(model, X, Y) == [(0, epoch) for epoch in range(1, 7)]
        assert list(tmp_path.iterdir()) == []


# Ensembles


@pytest.mark.parametrize("at", [(0, 2), (0, 6), (1, 1), (1, 3), (1, 4, 2), (2, 1, 1), (2, 6)])
def test_ensemble(tmp_path, at):
    def make(folder=None):
        return make_mlp(folder, n_members=3)

    assert_goes_on(make, tmp_path, [at], X, Y)
    fit(make(tmp_path), X, Y, at=at)
    ran = fit(make(tmp_path), X, Y)
    assert ran == [(k, epoch) for k in range(3) for epoch in range(1, 7) if (k, epoch) >= at[:2]]


def test_ensemble_with_early_stopping(tmp_path):
    whole = make_stopping(n_members=2)
    fit(whole, X, Y)
    kept = [net.kept_epoch for net in whole.nets_]
    assert kept[0] != len(whole.nets_[0].history)

    def make(folder=None):
        return make_stopping(folder, n_members=2)

    resumed = assert_goes_on(make, tmp_path, [(0, kept[0] + 2), (1, kept[1] + 2)], X, Y)
    assert [net.kept_epoch for net in resumed.nets_] == kept


def test_ensemble_with_a_cadence_longer_than_a_member(tmp_path):
    fit(make_mlp(tmp_path, every=50, n_members=2), X, Y, at=(1, 4))
    assert fit(make_mlp(tmp_path, every=50, n_members=2), X, Y) == [(1, e) for e in range(1, 7)]


# The seed


def test_without_a_seed_the_first_one_is_kept(tmp_path):
    model = make_mlp(tmp_path, random_state=None, early_stopping=True, n_members=2)
    fit(model, X, Y, at=(1, 3))
    (file,) = tmp_path.glob("*/run.json")
    seed = json.loads(file.read_text())["facts"]["seed"]
    assert fit(model, X, Y)[0] == (1, 3)
    whole = make_mlp(random_state=seed, early_stopping=True, n_members=2)
    fit(whole, X, Y)
    assert_same_fit(model, whole)
    # The next one is another.
    fit(model, X, Y)
    assert model.predict(X).tolist() != whole.predict(X).tolist()


def test_seed_from_a_generator(tmp_path):
    def make(folder=None):
        return make_mlp(folder, random_state=np.random.RandomState(3))

    assert_goes_on(make, tmp_path, [(0, 3)], X, Y)


def test_a_generator_that_has_gone_on_gives_another_fit(tmp_path):
    model = make_mlp(tmp_path, random_state=np.random.RandomState(3))
    fit(model, X, Y, at=(0, 3))
    assert fit(model, X, Y)[0] == (0, 1)


# What fit is given


WEIGHT = np.linspace(0.1, 2, 40)
GROUPS = np.arange(40) // 4
EXTRA = {
    "sample_weight": {"sample_weight": WEIGHT},
    "groups": {"groups": GROUPS},
    "text groups": {"groups": np.array([f"scaffold {n}" for n in GROUPS])},
    "validation": {"X_val": X[:9] + 1, "y_val": Y[:9]},
    "all": {"sample_weight": WEIGHT, "X_val": X[:9] + 1, "y_val": Y[:9], "groups": GROUPS},
}


@pytest.mark.parametrize("name", EXTRA)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_fit_is_given(tmp_path, name, early_stopping):
    def make(folder=None):
        return make_mlp(folder, early_stopping=early_stopping)

    assert_goes_on(make, tmp_path, [(0, 3), (0, 5, 2)], X, Y, **EXTRA[name])


@pytest.mark.parametrize("changed", ["sample_weight", "groups", "X_val", "y_val"])
def test_what_fit_is_given_makes_another_fit(tmp_path, changed):
    fit(make_mlp(tmp_path), X, Y, at=(0, 3), **EXTRA["all"])
    given = {**EXTRA["all"], changed: EXTRA["all"][changed] + 1}
    assert fit(make_mlp(tmp_path), X, Y, **given)[0] == (0, 1)
    assert fit(make_mlp(tmp_path), X, Y, **EXTRA["all"])[0] == (0, 3)


def test_several_targets_with_gaps(tmp_path):
    y = np.column_stack([Y, -Y])
    y[::3, 0] = np.nan
    assert_goes_on(make_mlp, tmp_path, [(0, 3)], X, y)


def test_sparse_rows(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    assert_goes_on(make_mlp, tmp_path, [(0, 3)], sparse.csr_array(X * (X > 0)), Y)


def test_warm_start(tmp_path):
    first = make_mlp(max_epochs=3, warm_start=True)
    fit(first, X, Y)

    def make(folder=None):
        model = copy.deepcopy(first)
        return model.set_params(**make_mlp(folder, warm_start=True).get_params())

    resumed = assert_goes_on(make, tmp_path, [(0, 3), (0, 5)], X, Y)
    anew = make_mlp()
    fit(anew, X, Y)
    assert resumed.predict(X).tolist() != anew.predict(X).tolist()


def test_other_weights_to_start_from_make_another_fit(tmp_path):
    for n_epochs in (2, 3):
        model = make_mlp(max_epochs=n_epochs, warm_start=True)
        fit(model, X, Y)
        model.set_params(**make_mlp(tmp_path, warm_start=True).get_params())
        assert fit(model, X, Y, at=(0, 3))[0] == (0, 1)
    assert len(list(tmp_path.glob("*/run.json"))) == 2


# Which fits are the same

OTHER = {
    "lr": 0.02,
    "lr_schedule": "one_cycle",
    "dropout": 0.2,
    "hidden_dims": (9,),
    "max_epochs": 7,
    "optimizer": "sgd",
    "random_state": 1,
    "early_stopping": True,
    "n_members": 2,
    "batch_size": 7,
    "loss": "mae",
    "normalize_y": False,
}


@pytest.mark.parametrize("name", OTHER)
def test_other_parameters_make_another_fit(tmp_path, name):
    fit(make_mlp(tmp_path), X, Y, at=(0, 3))
    assert fit(make_mlp(tmp_path, **{name: OTHER[name]}), X, Y, at=(0, 3))[0] == (0, 1)
    assert len(list(tmp_path.glob("*/run.json"))) == 2


@pytest.mark.parametrize("which", ["X", "y", "order", "rows"])
def test_other_data_make_another_fit(tmp_path, which):
    fit(make_mlp(tmp_path), X, Y, at=(0, 3))
    data, y = X.copy(), Y.copy()
    if which == "X":
        data[7, 2] += 1e-6
    elif which == "y":
        y[7] += 1e-6
    elif which == "order":
        data, y = data[::-1], y[::-1]
    else:
        data, y = data[1:], y[1:]
    assert fit(make_mlp(tmp_path), data, y, at=(0, 3))[0] == (0, 1)
    assert len(list(tmp_path.glob("*/run.json"))) == 2


def test_other_kinds_of_network_make_another_fit(tmp_path):
    fit(make_mlp(tmp_path), X, Y, at=(0, 3))
    model = make_mlp(tmp_path, cls=FingerprintMLPClassifier)
    assert fit(model, X, LABELS, at=(0, 3))[0] == (0, 1)


def power_of(base):
    return lambda progress: base**progress


class Power:
    def __init__(self, base):
        self.base = base

    def __call__(self, progress):
        return self.base**progress


@pytest.mark.parametrize("make", [power_of, Power], ids=["closure", "object"])
def test_schedules_that_differ_inside_make_another_fit(tmp_path, make):
    fit(make_mlp(tmp_path, lr_schedule=make(0.5)), X, Y, at=(0, 3))
    assert fit(make_mlp(tmp_path, lr_schedule=make(0.5)), X, Y, at=(0, 4))[0] == (0, 3)
    assert fit(make_mlp(tmp_path, lr_schedule=make(0.01)), X, Y)[0] == (0, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (EarlyStopping("train_loss", patience=20), EarlyStopping("train_loss", patience=21)),
        (
            LRScheduler(policy=lr_scheduler.StepLR, step_size=2),
            LRScheduler(policy=lr_scheduler.StepLR, step_size=3),
        ),
        (EarlyStopping("train_loss", patience=20), None),
    ],
)
def test_other_callbacks_make_another_fit(tmp_path, one, other):
    for callback in (one, other):
        callbacks = [] if callback is None else [callback]
        model = make_mlp(tmp_path, callbacks=callbacks, lr_schedule="constant")
        assert fit(model, X, Y, at=(0, 3))[0] == (0, 1)
    assert len(list(tmp_path.glob("*/run.json"))) == 2


SHOWN = {"verbose": 1, "log_dir": "runs"}


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("first", [True, False], ids=["taken away", "added"])
def test_what_is_only_shown_is_no_difference(tmp_path, name, first, capfd):
    # A fit that hung is started again with a progress bar.
    folder = tmp_path / "checkpoints"
    value = str(tmp_path / "runs") if name == "log_dir" else SHOWN[name]
    whole = make_stopping()
    fit(whole, X, Y)
    cut = whole.net_.kept_epoch + 2
    one, other = make_stopping(folder), make_stopping(folder).set_params(**{name: value})
    if first:
        one, other = other, one
    fit(one, X, Y, at=(0, cut))
    assert fit(other, X, Y)[0] == (0, cut)
    assert_same_weights(other, whole)
    assert other.net_.kept_epoch == whole.net_.kept_epoch
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["lr", "weight_decay", "momentum"])
def test_numbers_of_numpy(tmp_path, name):
    options = {"optimizer": "sgd", name: np.float64(0.01)}  # as a search draws them
    whole = make_mlp(**options)
    fit(whole, X, Y)
    fit(make_mlp(tmp_path, **options), X, Y, at=(0, 3))
    model = make_mlp(tmp_path, **options)
    assert fit(model, X, Y)[0] == (0, 3)
    assert_same_fit(model, whole)


def test_searches_leave_nothing_behind(tmp_path):
    def search(folder, n_jobs):
        model = FingerprintMLPRegressor(
            (4,), max_epochs=4, random_state=0, early_stopping=True, checkpoint_dir=folder
        )
        grid = {"lr": [0.01, 0.03], "dropout": [0.0, 0.2]}
        return GridSearchCV(model, grid, cv=3, n_jobs=n_jobs, error_score="raise").fit(X, Y)

    kept, plain = search(str(tmp_path), 2), search(None, 1)
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(
        kept.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(kept.predict(X), plain.predict(X))


def test_a_search_that_was_killed_goes_on(tmp_path):
    # Candidates and folds that were finished are trained again; the one that was killed goes on.
    grid = {"lr": [0.01, 0.03]}
    whole = GridSearchCV(make_mlp(), grid, cv=2, error_score="raise")
    fit(whole, X, Y)
    search = GridSearchCV(make_mlp(tmp_path), grid, cv=2, error_score="raise")
    fit(search, X, Y, at=(0, 5))
    ran = fit(search, X, Y)
    assert ran[0] == (0, 5)
    assert ran.count((0, 1)) == 4
    assert_same_fit(search.best_estimator_, whole.best_estimator_)


def test_fits_that_fail_in_a_search_are_kept_apart(tmp_path):
    model = GridSearchCV(make_mlp(tmp_path), {"lr": [0.01, 0.03]}, cv=2, refit=False)
    PowerCut.at = (0, 3)
    with pytest.raises(ValueError, match="All the 4 fits failed"):
        model.fit(X, Y)
    assert len(list(tmp_path.glob("*/run.json"))) == 4
    assert fit(model, X, Y) == [(0, epoch) for epoch in (3, 4, 5, 6)] * 4
    assert list(tmp_path.iterdir()) == []


# Damage


def flip(path, position=-1000):
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("n_damaged", "begins", "message"),
    [(1, 3, "is damaged or was cut short; going back to"), (2, 1, "starting from the first epoch")],
)
def test_damaged_checkpoints(tmp_path, n_damaged, begins, message):
    whole, model = make_mlp(), make_mlp(tmp_path)
    fit(whole, X, Y)
    fit(model, X, Y, at=(0, 4))
    for path in sorted(tmp_path.glob("*/*.ckpt"), reverse=True)[:n_damaged]:
        flip(path)
    with pytest.warns(UserWarning, match=message):
        ran = fit(model, X, Y)
    assert ran[0] == (0, begins)
    assert_same_fit(model, whole)


def test_damaged_member_that_was_finished(tmp_path):
    whole, model = make_mlp(n_members=2), make_mlp(tmp_path, n_members=2)
    fit(whole, X, Y)
    fit(model, X, Y, at=(1, 3))
    flip(max(tmp_path.glob("*/member-0-*.ckpt")))
    with pytest.warns(UserWarning, match=r"member-0-epoch-000006.ckpt is damaged"):
        ran = fit(model, X, Y)
    assert ran == [(0, 6), (1, 3), (1, 4), (1, 5), (1, 6)]
    assert_same_fit(model, whole)


# The log goes on as well


def read_events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("every", [1, 3])
def test_one_log(tmp_path, n_members, every):
    folder, logs = tmp_path / "checkpoints", tmp_path / "runs"
    options = {"log_dir": str(logs), "n_members": n_members, "every": every}
    model = make_stopping(folder, **options)
    whole = make_stopping(n_members=n_members, log_dir=str(tmp_path / "whole"))
    fit(whole, X, Y)
    for at in [(0, 4, 2), (0, 9)] + [(1, 4)] * (n_members - 1):
        fit(model, X, Y, at=at)
        time.sleep(1.1)  # TensorBoard reads the files of one folder in the order of whole seconds
    fit(model, X, Y)
    assert_same_fit(model, whole)
    assert [str(path) for path in logs.iterdir()] == [model.run_dir_]
    for member, net in enumerate(model.nets_):
        run = logs / model.run_dir_ / ("" if n_members == 1 else f"member-{member}")
        epochs = list(range(1, len(net.history) + 1))
        with (run / "metrics.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [int(row["epoch"]) for row in rows] == epochs
        assert [float(row["loss/train"]) for row in rows] == net.history[:, "train_loss"]
        for tag, steps in read_events(run).items():
            assert tag.startswith("summary/") or steps == epochs, tag


def test_final_metrics_are_logged_once(tmp_path):
    model = make_mlp(tmp_path / "checkpoints", log_dir=str(tmp_path / "runs"))
    fit(model, X, Y, at=(0, 4))
    time.sleep(1.1)
    fit(model, X, Y)
    events = read_events(model.run_dir_)
    assert {tag: steps for tag, steps in events.items() if len(steps) not in (1, 6)} == {}
    assert events["summary/loss/train"] == [0]


def test_the_log_of_a_finished_member_is_left_alone(tmp_path):
    model = make_mlp(tmp_path / "checkpoints", log_dir=str(tmp_path / "runs"), n_members=2)
    fit(model, X, Y, at=(1, 3))

    def files():
        found = sorted((tmp_path / "runs").glob("*/member-0/*"))
        return {path.name: path.read_bytes() for path in found}

    before = files()
    assert "metrics.csv" in before
    fit(model, X, Y)
    assert files() == before


def test_a_log_that_was_deleted_is_begun_anew(tmp_path):
    import shutil

    model = make_mlp(tmp_path / "checkpoints", log_dir=str(tmp_path / "runs"))
    fit(model, X, Y, at=(0, 4))
    shutil.rmtree(tmp_path / "runs")
    fit(model, X, Y)
    with open(f"{model.run_dir_}/metrics.csv") as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == [1, 2, 3, 4, 5, 6]


# Callbacks with a memory


POLICIES = {
    "StepLR": {"policy": lr_scheduler.StepLR, "step_size": 2, "gamma": 0.5},
    "cosine": {"policy": lr_scheduler.CosineAnnealingLR, "T_max": 10},
    "exponential by batch": {
        "policy": lr_scheduler.ExponentialLR,
        "gamma": 0.95,
        "step_every": "batch",
    },
    "one cycle": {
        "policy": lr_scheduler.OneCycleLR,
        "max_lr": 0.05,
        "total_steps": 60,
        "step_every": "batch",
    },
    "plateau": {
        "policy": lr_scheduler.ReduceLROnPlateau,
        "patience": 1,
        "threshold": 0.5,
        "monitor": "train_loss",
    },
    "cyclic": {
        "policy": lr_scheduler.CyclicLR,
        "base_lr": 0.001,
        "max_lr": 0.05,
        "step_size_up": 7,
        "cycle_momentum": False,
        "step_every": "batch",
    },
}


@pytest.mark.parametrize("name", POLICIES)
def test_learning_rates_of_skorch(tmp_path, name):
    def make(folder=None):
        callbacks = [LRScheduler(**POLICIES[name])]
        return make_mlp(folder, callbacks=callbacks, lr_schedule="constant", max_epochs=10)

    model = assert_goes_on(make, tmp_path, [(0, 4), (0, 7, 2)], X, Y)
    assert len({row["lr"] for row in model.history_}) > 2


@pytest.mark.parametrize("load_best", [False, True])
@pytest.mark.parametrize("n_before", [1, 2, 6])
def test_early_stopping_of_skorch(tmp_path, load_best, n_before):
    def make(folder=None):
        stopping = EarlyStopping("valid_loss", patience=4, load_best=load_best)
        options = {"lr": 0.02, "lr_schedule": "constant", "max_epochs": 60}
        return make_mlp(folder, callbacks=[stopping], **options)

    given = {"X_val": X[:20] + 0.5, "y_val": Y[:20] + NOISE}
    n_epochs = len(fit(make(), X, Y, **given))
    assert 8 < n_epochs < 60
    assert_goes_on(make, tmp_path, [(0, 2), (0, n_epochs - n_before)], X, Y, **given)


class Average(Callback):
    """Averages the weights over the epochs, and ends with the averages."""

    def on_train_begin(self, net, **kwargs):
        self.sums, self.n_epochs, self.losses_ = {}, 0, []

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs += 1
        self.losses_.append(net.history[-1, "train_loss"])
        for name, tensor in net.module_.named_parameters():
            self.sums[name] = self.sums.get(name, 0) + tensor.detach().clone()

    def on_train_end(self, net, **kwargs):
        with torch.no_grad():
            for name, tensor in net.module_.named_parameters():
                tensor.copy_(self.sums[name] / self.n_epochs)


class Average_(Average):
    """The same, its state named as scikit-learn and skorch name theirs."""

    def __setattr__(self, name, value):
        super().__setattr__(name.rstrip("_") + "_", value)

    def __getattr__(self, name):
        if name.endswith("_"):
            raise AttributeError(name)
        return getattr(self, f"{name}_")


class Patience(Callback):
    """Halves the learning rate at every third epoch that it has seen."""

    def __init__(self, wait=3):
        self.wait = wait

    def initialize(self):
        self._waited = 0
        return self

    def on_epoch_end(self, net, **kwargs):
        self._waited += 1
        if self._waited == self.wait:
            self._waited = 0
            for group in net.optimizer_.param_groups:
                group["lr"] *= 0.5


@pytest.mark.parametrize("callback", [Average(), Average_(), Patience()])
@pytest.mark.parametrize("name", [None, "mine"])
def test_callbacks_of_your_own(tmp_path, callback, name):
    def make(folder=None):
        callbacks = [callback if name is None else (name, callback)]
        return make_mlp(folder, callbacks=callbacks, lr_schedule="constant")

    assert_goes_on(make, tmp_path, [(0, 3), (0, 5)], X, Y)


class Phase(enum.StrEnum):
    BEGUN = "begun"


Point = collections.namedtuple("Point", "x y")
MEMORIES = {
    "Counter": collections.Counter("abc"),
    "defaultdict": collections.defaultdict(int, a=1),
    "deque": collections.deque([1, 2]),
    "enum": Phase.BEGUN,
    "numpy key": {np.int64(3): 1},
    "named tuple": Point(1, 2),
    "array": np.arange(3),
    "set": {1, 2},
    "function": falling,
    "generator": np.random.default_rng(0),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "history": History(),
    "text": "text",
    "tuple": (1, ("a", None)),
}


class Remembering(Callback):
    def __init__(self, kind):
        self.kind = kind

    def on_train_begin(self, net, **kwargs):
        self.memory_ = copy.deepcopy(MEMORIES[self.kind])

    def on_epoch_begin(self, net, **kwargs):
        assert type(self.memory_) is type(MEMORIES[self.kind])


@pytest.mark.parametrize("kind", MEMORIES)
def test_memories_of_any_kind_are_no_hindrance(tmp_path, kind):
    def make(folder=None):
        return make_mlp(folder, callbacks=[Remembering(kind)])

    assert_goes_on(make, tmp_path, [(0, 3)], X, Y)


# The callback by hand


@pytest.mark.parametrize("every", [0, -1])
def test_wrong_cadence(tmp_path, every):
    with pytest.raises(ValueError, match=rf"Checkpoint\(every={every}\); expected at least 1"):
        make_mlp(tmp_path, every=every).fit(X, Y)


def test_no_folder():
    with pytest.raises(ValueError, match=r"Checkpoint\(\) needs a folder"):
        make_mlp(callbacks=[Checkpoint()]).fit(X, Y)


def test_two_of_them(tmp_path):
    with pytest.raises(ValueError, match="callbacks has 2 Checkpoints; one at most"):
        make_mlp(tmp_path, callbacks=[Checkpoint(tmp_path)]).fit(X, Y)


def test_one_with_a_name(tmp_path):
    # skorch takes (name, callback).
    model = make_mlp(callbacks=[("checkpoint", Checkpoint(tmp_path, every=1))])
    fit(model, X, Y, at=(0, 3))
    assert fit(model, X, Y)[0] == (0, 3)


def resuming(folder, **options):
    return make_mlp(callbacks=[Checkpoint(resume_from=folder, every=1)], **options)


@pytest.fixture
def left(tmp_path):
    """The folder of a fit that was cut short in its fourth epoch."""
    fit(make_mlp(tmp_path), X, Y, at=(0, 4))
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    return folder


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_resume_from(left, kind):
    whole, resumed = make_mlp(), resuming(kind(left))
    fit(whole, X, Y)
    assert fit(resumed, X, Y)[0] == (0, 4)
    assert_same_fit(resumed, whole)
    assert list(left.parent.iterdir()) == []


def test_resume_from_goes_on_twice(left):
    fit(resuming(left), X, Y, at=(0, 6))
    assert fit(resuming(left), X, Y) == [(0, 6)]


def test_resume_from_a_folder_that_was_moved(left, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "mine"
    left.rename(moved)
    assert fit(resuming(moved), X, Y)[0] == (0, 4)


def test_resume_from_without_a_seed(tmp_path):
    fit(make_mlp(tmp_path, random_state=None), X, Y, at=(0, 4))
    (file,) = tmp_path.glob("*/run.json")
    seed = json.loads(file.read_text())["facts"]["seed"]
    whole, resumed = make_mlp(random_state=seed), resuming(file.parent, random_state=None)
    fit(whole, X, Y)
    assert fit(resumed, X, Y)[0] == (0, 4)
    assert_same_fit(resumed, whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.5}, r"of another fit: lr was 0\.01 and is now 0\.5\. Make"),
        ({"hidden_dims": (9,)}, r"hidden_dims was \(8\) and is now \(9\)"),
        ({"random_state": 1}, r"random_state was 0 and is now 1"),
        ({"max_epochs": 9, "dropout": 0.0}, r"dropout was 0\.3 .* 0\.0; .*max_epochs was 6 .* 9"),
        ({"optimizer": torch.optim.NAdam}, r"optimizer was 'adam' and is now torch.*NAdam"),
    ],
)
def test_resume_from_other_parameters(left, options, message):
    with pytest.raises(ValueError, match=message):
        resuming(left, **options).fit(X, Y)
    assert fit(resuming(left), X, Y)[0] == (0, 4)  # nothing was lost


def test_resume_from_other_data(left):
    with pytest.raises(ValueError, match=r"of another fit: y differs\. Make"):
        resuming(left).fit(X, -Y)
    with pytest.raises(ValueError, match=r"of another fit: X differs\. Make"):
        resuming(left).fit(-X, Y)
    with pytest.raises(ValueError, match=r"of another fit: .*sample_weight differs\. Make"):
        resuming(left).fit(X, Y, sample_weight=WEIGHT)


def test_resume_from_another_kind_of_network(left):
    model = resuming(left, cls=FingerprintMLPClassifier)
    with pytest.raises(ValueError, match="estimator was FingerprintMLPRegressor and is now Finger"):
        model.fit(X, LABELS)


def test_resume_from_the_folder_of_all_fits(left):
    with pytest.raises(ValueError, match=rf"is not the folder of a fit.*in it are.*{left.name}\."):
        resuming(left.parent).fit(X, Y)


def test_resume_from_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="nowhere' is not the folder of a fit"):
        resuming(tmp_path / "nowhere").fit(X, Y)


# The fitted estimator


@pytest.mark.parametrize("interrupted", [False, True])
def test_pickle(tmp_path, interrupted):
    model = make_mlp(tmp_path, early_stopping=True, n_members=2)
    if interrupted:
        fit(model, X, Y, at=(1, 3))
    fit(model, X, Y)
    again = pickle.loads(pickle.dumps(model))
    assert_same_fit(again, model)
    assert fit(again, X, Y)[0] == (0, 1)
    assert all(net.checkpoints is None for net in model.nets_)


def test_save_and_load(tmp_path):
    model = make_mlp(early_stopping=True).set_params(
        callbacks=None, checkpoint_dir=str(tmp_path / "checkpoints")
    )
    fit(model, X, Y)
    skchem_dl.save(model, tmp_path / "model.skchem")
    again = skchem_dl.load(tmp_path / "model.skchem")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert history(again) == history(model)


def test_clone_of_the_callback(tmp_path):
    one = Checkpoint(tmp_path, every=3, resume_from="x")
    assert clone(one).get_params() == one.get_params()
    assert one.get_params() == {"dir": tmp_path, "every": 3, "resume_from": "x"}
