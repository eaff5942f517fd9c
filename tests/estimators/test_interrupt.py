"""Ctrl-C: the batch is finished, the best epoch so far is kept, and the user is told."""

import csv
import json
import os
import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from processes import Forked
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping

from skchem_dl import FingerprintMLPRegressor
from skchem_dl.callbacks import Checkpoint
from skchem_dl.estimators._interrupt import deferred_ctrl_c
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline

generator = np.random.default_rng(0)
X = generator.normal(size=(40, 5)).astype(np.float32)
Y = X @ np.array([1.0, -2.0, 3.0, 0.5, 0.0]) + generator.normal(size=40)


@pytest.fixture(autouse=True)
def usual_handler():
    """Ctrl-C as at the prompt, whatever started the tests, and ever after."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


class CtrlC(Callback):
    """Presses Ctrl-C at the beginning of a batch, and notes what happens after.

    Notes are on the class: callbacks are cloned before they are used.
    """

    at = None  # (member, epoch, batch), counted from 0, 1, 1
    times = 1
    validation = False  # press it in a batch of validation instead
    batches = []  # (member, epoch, batch, "begun" or "ended")
    weights = []  # after each epoch

    def on_batch_begin(self, net, training=False, **kwargs):
        where = (net.member, len(net.history), len(net.history[-1]["batches"]))
        if training:
            self.batches.append((*where, "begun"))
        if where == self.at and training != self.validation:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def on_grad_computed(self, net, **kwargs):
        self.batches[-1] = (*self.batches[-1][:3], "trained")

    def on_epoch_end(self, net, **kwargs):
        self.weights.append({k: v.clone() for k, v in net.module_.state_dict().items()})


def make_mlp(**options):
    usual = {
        "hidden_dims": (8,),
        "dropout": 0.2,
        "batch_size": 10,
        "lr": 0.01,
        "max_epochs": 6,
        "random_state": 0,
        "callbacks": [CtrlC()],
    }
    return FingerprintMLPRegressor(**{**usual, **options})


@pytest.fixture
def fit(monkeypatch):
    """Fit with Ctrl-C pressed at a given batch, or not at all."""

    def run(model, X=X, y=Y, *, at=None, times=1, validation=False):
        for name, value in {"at": at, "times": times, "validation": validation}.items():
            monkeypatch.setattr(CtrlC, name, value)
        monkeypatch.setattr(CtrlC, "batches", [])
        monkeypatch.setattr(CtrlC, "weights", [])
        if at is None:
            return model.fit(X, y)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
        return model

    return run


def history(model):
    return [{name: v for name, v in row.items() if name != "dur"} for row in model.history_]


def state(model):
    return model.module_.state_dict()


def assert_same_weights(state, expected):
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in state)


def assert_same_fit(one, other, X=X):
    assert history(one) == history(other)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


@pytest.mark.parametrize("at", [(0, 1, 1), (0, 1, 4), (0, 3, 2), (0, 4, 1), (0, 6, 4)])
def test_the_batch_is_finished_and_no_other_begun(fit, at):
    model = fit(make_mlp(), at=at)
    whole = make_mlp(callbacks=None).fit(X, Y)
    assert CtrlC.batches[-1] == (*at, "trained")
    assert len(CtrlC.batches) == 4 * (at[1] - 1) + at[2]
    assert model.n_iter_ == len(model.history_) == at[1] - 1
    for row, expected in zip(history(model), history(whole), strict=False):
        assert {**row, "kept": None} == {**expected, "kept": None}
    assert np.isfinite(model.predict(X)).all()
    assert not model.module_.training


def test_the_step_was_taken(fit):
    weights = [
        state(fit(make_mlp(max_epochs=1), at=(0, 1, batch)))["head.weight"].clone()
        for batch in (1, 2, 3)
    ]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])


class Ended(Callback):
    seen = []

    def on_batch_end(self, net, training=False, **kwargs):
        self.seen.append((len(net.history), len(net.history[-1]["batches"])))


def test_callbacks_see_the_end_of_the_batch(fit, monkeypatch):
    monkeypatch.setattr(Ended, "seen", [])
    fit(make_mlp(callbacks=[CtrlC(), Ended()]), at=(0, 2, 3))
    assert Ended.seen[-1] == (2, 3)


@pytest.mark.parametrize("make", [make_cnn_pipeline, make_gnn_pipeline])
def test_other_networks(fit, smiles, make):
    y = np.array([len(text) for text in smiles], dtype=float)
    model = make(batch_size=8, max_epochs=4, random_state=0, callbacks=[CtrlC()])
    fit(model, smiles, y, at=(0, 3, 2))
    assert model[-1].n_iter_ == 2
    assert np.isfinite(model.predict(smiles)).all()


def make_stopping(**options):
    usual = {
        "hidden_dims": (32,),
        "dropout": 0.1,
        "lr": 0.02,
        "lr_schedule": "constant",
        "max_epochs": 60,
        "early_stopping": True,
        "validation_fraction": 0.5,
        "n_iter_no_change": 8,
    }
    return make_mlp(**{**usual, **options})


@pytest.mark.parametrize("n_after", [-1, 0, 1, 2, 5])
@pytest.mark.parametrize("validation", [False, True])
def test_the_best_epoch_so_far(fit, n_after, validation):
    whole = fit(make_stopping())
    best = whole.net_.kept_epoch
    assert 3 <= best < whole.n_iter_ < 60
    # In the epoch after; batches of validation are counted on.
    model = fit(
        make_stopping(), at=(0, best + n_after + 1, 3 if validation else 1), validation=validation
    )
    weights = CtrlC.weights
    assert len(weights) == model.n_iter_ == best + n_after
    smoothed = [row["valid_loss_smoothed"] for row in model.history_]
    expected = int(np.argmin(smoothed))
    assert expected == (best - 1 if n_after >= 0 else expected)
    assert_same_weights(state(model), weights[expected])
    assert [row["kept"] for row in model.history_].index(True) == expected
    assert sum(row["kept"] for row in model.history_) == 1


def test_without_early_stopping_it_is_as_it_stands(fit):
    model = fit(make_mlp(), at=(0, 4, 1))
    assert not torch.equal(state(model)["head.weight"], CtrlC.weights[-1]["head.weight"])
    assert not any(row["kept"] for row in model.history_)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_in_the_very_first_batch(fit, early_stopping):
    model = fit(make_mlp(early_stopping=early_stopping), at=(0, 1, 1))
    assert model.history_ == []
    assert model.n_iter_ == 0
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.embed(X)).all()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_in_the_last_batch_of_all(fit):
    model = fit(make_mlp(), at=(0, 6, 4))
    assert model.n_iter_ == 5


def test_the_summary_is_of_the_last_whole_epoch(fit, tmp_path):
    model = fit(make_mlp(log_dir=tmp_path), at=(0, 6, 4))
    summary = json.loads(Path(model.run_dir_, "summary.json").read_text())
    assert summary["epoch"] == 5
    assert summary["loss/train"] == model.history_[-1]["train_loss"]


class AtTheEnd(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == net.max_epochs:
            signal.raise_signal(signal.SIGINT)


def test_after_the_last_batch_of_all(fit):
    whole = make_mlp(callbacks=None).fit(X, Y)
    model = make_mlp(callbacks=[AtTheEnd()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert_same_fit(model, whole)


class AtTheBeginning(Callback):
    def on_train_begin(self, net, **kwargs):
        signal.raise_signal(signal.SIGINT)


def test_before_the_first_batch():
    model = make_mlp(callbacks=[AtTheBeginning()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert model.history_ == []
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_twice_raises_at_once(fit, early_stopping):
    make = make_stopping if early_stopping else make_mlp
    model = fit(make(), at=(0, 4, 2), times=2)
    assert CtrlC.batches[-1] == (0, 4, 2, "begun")
    assert model.n_iter_ == 3
    assert np.isfinite(model.predict(X)).all()
    kept = model.net_.kept_epoch
    assert_same_weights(state(model), CtrlC.weights[kept - 1]) if early_stopping else None


def test_the_next_fit_is_as_any_other(fit):
    whole = fit(make_mlp())
    model = fit(make_mlp(), at=(0, 3, 2))
    assert_same_fit(fit(model), whole)


def test_early_stopping_of_skorch_is_no_ctrl_c(fit):
    stopping = EarlyStopping(monitor="train_loss", patience=1, threshold=1e9)
    assert make_mlp(callbacks=[stopping]).fit(X, Y).n_iter_ == 2
    model = fit(make_mlp(callbacks=[CtrlC(), stopping]), at=(0, 2, 2))
    assert model.n_iter_ == 1


def test_global_generator_is_left_alone(fit):
    before = torch.get_rng_state()
    fit(make_mlp(), at=(0, 3, 2))
    assert torch.equal(torch.get_rng_state(), before)
    fit(make_mlp(), at=(0, 3, 2), times=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_fitted_model_stays_so(fit):
    # Of a second fit that is interrupted the second counts, as in scikit-learn.
    model = fit(make_mlp())
    fit(model, at=(0, 3, 2))
    assert model.n_iter_ == 2


def test_warm_start_goes_on_from_there(fit):
    model = fit(make_mlp(warm_start=True), at=(0, 4, 1))
    interrupted = {name: tensor.clone() for name, tensor in state(model).items()}
    begun = []

    class First(Callback):
        def on_train_begin(self, net, **kwargs):
            begun.append({k: v.clone() for k, v in net.module_.state_dict().items()})

    model.set_params(callbacks=[First()]).fit(X, Y)
    assert_same_weights(begun[0], interrupted)


# Ensembles


@pytest.mark.parametrize("at", [(1, 1, 1), (1, 3, 2), (1, 6, 4)])
def test_an_ensemble_keeps_its_finished_members(fit, at):
    single = fit(make_mlp())
    model = fit(make_mlp(n_members=2), at=at)
    assert len(model.nets_) == 1
    assert_same_fit(model, single)
    assert model.embedding_dim_ == 8


def test_the_first_member_is_kept_as_it_stands(fit):
    model = fit(make_mlp(n_members=3), at=(0, 4, 1))
    assert len(model.nets_) == 1
    assert model.n_iter_ == 3


def test_two_members_of_three(fit):
    two = fit(make_mlp(n_members=2))
    three = fit(make_mlp(n_members=3), at=(2, 2, 1))
    assert_same_fit(three, two)
    np.testing.assert_array_equal(*(m.predict(X, return_std=True)[1] for m in (two, three)))


def test_spread_of_the_one_member_that_is_left(fit):
    model = fit(make_mlp(n_members=2), at=(1, 3, 2))
    with pytest.raises(ValueError, match="2 or more"):
        model.predict(X, return_std=True)


# Who else listens to the signal


def test_the_handler_is_put_back(fit):
    usual = signal.default_int_handler
    fit(make_mlp())
    assert signal.getsignal(signal.SIGINT) is usual
    for times in (1, 2):
        fit(make_mlp(), at=(0, 3, 2), times=times)
        assert signal.getsignal(signal.SIGINT) is usual
    with pytest.raises(ValueError, match="diverged"):
        make_mlp(lr=1e30, callbacks=None).fit(X, Y)
    assert signal.getsignal(signal.SIGINT) is usual


class Broken(Callback):
    def __init__(self, method):
        self.method = method

    def _fail(self, net, **kwargs):
        raise RuntimeError("broken callback")

    def __getattribute__(self, name):
        if name.startswith("on_") and name == self.method:
            return self._fail
        return super().__getattribute__(name)


METHODS = [f"on_{what}_{end}" for what in ("train", "epoch", "batch") for end in ("begin", "end")]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", ["early_stopping", "log_dir", "checkpoint_dir"])
def test_errors_of_callbacks(tmp_path, method, options):
    value = True if options == "early_stopping" else str(tmp_path)
    with pytest.raises(RuntimeError, match="broken callback"):
        make_mlp(callbacks=[Broken(method)], **{options: value}).fit(X, Y)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert make_mlp(callbacks=None, **{options: value}).fit(X, Y).n_iter_ == 6


def test_a_handler_of_your_own_is_left_alone(fit, monkeypatch):
    seen = []

    def mine(number, frame):
        seen.append(number)

    signal.signal(signal.SIGINT, mine)
    try:
        monkeypatch.setattr(CtrlC, "at", (0, 3, 2))
        model = make_mlp().fit(X, Y)
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert seen == [signal.SIGINT]
    assert_same_fit(model, fit(make_mlp()))


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_without_a_python_handler(fit, handler):
    signal.signal(signal.SIGINT, handler)
    try:
        model = make_mlp().fit(X, Y)
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert model.n_iter_ == 6


def test_in_another_thread(fit):
    whole = fit(make_mlp())
    with ThreadPoolExecutor(1) as pool:
        model = pool.submit(make_mlp().fit, X, Y).result()
    assert_same_fit(model, whole)


def test_a_fit_inside_a_callback_of_another(fit):
    # Only the outer one is in the way of Ctrl-C; the inner one finds a handler, and leaves it.
    class Nested(Callback):
        def on_epoch_end(self, net, **kwargs):
            make_mlp(callbacks=None, max_epochs=1).fit(X, Y)

    model = fit(make_mlp(callbacks=[CtrlC(), Nested()]), at=(0, 3, 2))
    assert model.n_iter_ == 2


def test_deferred():
    notices = []
    with deferred_ctrl_c(lambda: notices.append("noticed")):
        signal.raise_signal(signal.SIGINT)
        assert notices == ["noticed"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert notices == ["noticed"]


def test_deferred_in_another_thread():
    handlers = []

    def look():
        with deferred_ctrl_c(lambda: None):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


# With checkpoints and logs


@pytest.mark.parametrize("at", [(0, 1, 1), (0, 4, 2), (0, 6, 4)])
@pytest.mark.parametrize("times", [1, 2])
def test_the_same_call_goes_on(fit, tmp_path, at, times):
    whole = fit(make_mlp())
    model = make_mlp(
        checkpoint_dir=str(tmp_path), callbacks=[CtrlC(), Checkpoint(every=1)], n_members=1
    )
    fit(model, at=at, times=times)
    assert np.isfinite(model.predict(X)).all()
    fit(model)
    assert CtrlC.batches[0] == (0, at[1], 1, "trained")
    assert_same_fit(model, whole)
    assert list(tmp_path.iterdir()) == []


def test_the_same_call_goes_on_with_the_best_epoch(fit, tmp_path):
    whole = fit(make_stopping())
    best = whole.net_.kept_epoch
    model = make_stopping(checkpoint_dir=str(tmp_path), callbacks=[CtrlC(), Checkpoint(every=1)])
    fit(model, at=(0, best + 3, 1))
    fit(model)
    assert CtrlC.batches[0] == (0, best + 3, 1, "trained")
    assert_same_fit(model, whole)


def test_the_same_call_goes_on_with_the_ensemble(fit, tmp_path):
    whole = fit(make_mlp(n_members=3))
    model = make_mlp(
        n_members=3, checkpoint_dir=str(tmp_path), callbacks=[CtrlC(), Checkpoint(every=1)]
    )
    fit(model, at=(1, 3, 2))
    assert len(model.nets_) == 1
    fit(model)
    assert CtrlC.batches[0] == (1, 3, 1, "trained")
    assert_same_fit(model, whole)


def test_after_the_last_epoch_the_checkpoint_is_still_there(tmp_path):
    whole = make_mlp(callbacks=None).fit(X, Y)
    model = make_mlp(checkpoint_dir=str(tmp_path), callbacks=[AtTheEnd(), Checkpoint(every=1)])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert len(list(tmp_path.glob("*/*.ckpt"))) == 2
    # Nothing is left to do: no epoch's end comes, at which Ctrl-C would be pressed again.
    assert_same_fit(model.fit(X, Y), whole)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", [(0, 1, 1), (0, 4, 2)])
@pytest.mark.parametrize("times", [1, 2])
def test_logs_are_closed(fit, tmp_path, at, times):
    model = fit(make_mlp(log_dir=str(tmp_path)), at=at, times=times)
    opened = {str(path) for path in Path("/proc/self/fd").iterdir() if _leads_to(path, tmp_path)}
    assert opened == set()
    table = Path(model.run_dir_) / "metrics.csv"
    assert table.exists() == (at[1] > 1)
    if table.exists():
        with table.open() as file:
            assert [int(row["epoch"]) for row in csv.DictReader(file)] == [1, 2, 3]
    pickle.dumps(model)


def _leads_to(path, folder):
    try:
        return str(folder) in os.readlink(path)
    except OSError:  # closed meanwhile
        return False


def test_searches_are_interrupted_too(fit):
    search = GridSearchCV(make_mlp(), {"lr": [0.01, 0.02]}, cv=2, n_jobs=1, error_score=0.0)
    fit(search, at=(0, 3, 2))
    assert not hasattr(search, "cv_results_")
    assert not hasattr(clone(search), "best_estimator_")


# From outside

SCRIPT = """
import json, signal, sys
import numpy as np
from skorch.callbacks import Callback
from skchem_dl import FingerprintMLPRegressor

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started this
X = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)

class Tell(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            print("third epoch", flush=True)

model = FingerprintMLPRegressor((16,), max_epochs=10**6, random_state=0, callbacks=[Tell()])
try:
    model.fit(X, X[:, 0])
except KeyboardInterrupt:
    print(json.dumps({"epochs": model.n_iter_, "predictions": model.predict(X).tolist()}))
"""


def test_a_real_ctrl_c():
    with Forked(SCRIPT) as process:
        process.wait_for_line("third epoch")
        process.interrupt()
        ended = process.wait()
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(ended.stdout.splitlines()[-1])
    assert 3 <= found["epochs"] < 10**6
    assert len(found["predictions"]) == 200
    assert np.isfinite(found["predictions"]).all()
