"""Callbacks that users pass, the history, and how training may end."""

import json
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping, EpochScoring

from skchem_dl import FingerprintMLPRegressor
from skchem_dl.callbacks import StopTraining

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
y = X.sum(axis=1)


def make_mlp(**options):
    return FingerprintMLPRegressor((4,), **{"max_epochs": 4, "random_state": 0, **options})


class Counter(Callback):
    """Counts epochs, in a way that would show if it were used twice."""

    def __init__(self, seen=()):
        self.seen = seen

    def initialize(self):
        self.epochs = 0
        return self

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1
        self.seen = [*self.seen, self.epochs]


class Raising(Callback):
    def __init__(self, error, epoch=2):
        self.error = error
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.error


@pytest.mark.parametrize("wrap", [list, tuple])
def test_callbacks_are_cloned(wrap):
    mine = Counter()
    model = make_mlp(callbacks=wrap([mine, ("named", Counter())]))
    model.fit(X, y).fit(X, y)
    assert vars(mine) == {"seen": ()}
    assert model.callbacks[0] is mine
    used = dict(model.net_.callbacks_)
    assert used["Counter"].seen == used["named"].seen == [1, 2, 3, 4]


def test_the_net_pickles():
    model = make_mlp(callbacks=[Counter()], early_stopping=True, max_grad_norm=1.0).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.history_ == model.history_
    assert dict(copy.net_.callbacks_)["Counter"].epochs == 4


class Drawing(Callback):
    def on_epoch_end(self, net, **kwargs):
        torch.rand(7)


def test_random_numbers_that_callbacks_draw_change_nothing():
    # Dropout and order of epoch k follow from the seed and k alone.
    options = {"dropout": 0.5, "batch_size": 6, "early_stopping": True}
    plain, drawing = (make_mlp(callbacks=c, **options).fit(X, y) for c in (None, [Drawing()]))
    np.testing.assert_array_equal(plain.predict(X), drawing.predict(X))


@pytest.mark.parametrize("others", [[], [EarlyStopping(monitor="train_loss", patience=50)]])
def test_ctrl_c_reaches_the_user(others):
    before = torch.get_rng_state()
    model = make_mlp(callbacks=[*others, Raising(KeyboardInterrupt("enough"))])
    with pytest.raises(KeyboardInterrupt, match="enough"):
        model.fit(X, y)
    assert model.n_iter_ == 2  # as far as it had come
    assert np.isfinite(model.predict(X)).all()
    assert torch.equal(torch.get_rng_state(), before)
    assert make_mlp().fit(X, y).n_iter_ == 4  # the lock is free again


def test_other_errors_reach_the_user():
    with pytest.raises(RuntimeError, match="disk full"):
        make_mlp(callbacks=[Raising(RuntimeError("disk full"))]).fit(X, y)


@pytest.mark.parametrize(
    "callback",
    [
        Raising(StopTraining()),
        # A threshold that no epoch after the first can reach.
        EarlyStopping(monitor="train_loss", patience=1, threshold=1e9),
    ],
    ids=["StopTraining", "skorch's EarlyStopping"],
)
def test_callbacks_may_end_the_training(callback):
    model = make_mlp(callbacks=[callback]).fit(X, y)
    assert model.n_iter_ == 2
    assert np.isfinite(model.predict(X)).all()


def test_epoch_scoring_of_skorch():
    scoring = EpochScoring("neg_mean_squared_error", name="mse", lower_is_better=False)
    model = make_mlp(early_stopping=True, callbacks=[scoring]).fit(X, y)
    losses = [row["valid_loss"] for row in model.history_]
    assert [-row["mse"] for row in model.history_] == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_history_rows(early_stopping):
    model = make_mlp(early_stopping=early_stopping, batch_size=7).fit(X, y)
    metrics = {"loss", "rmse", "mae", "r2"}
    expected = {"epoch", "dur", "lr", "kept", *(f"train_{name}" for name in metrics)}
    if early_stopping:
        expected |= {"valid_loss_smoothed", *(f"valid_{name}" for name in metrics)}
    assert [set(row) for row in model.history_] == [expected] * 4
    assert sum(row["kept"] for row in model.history_) == 1
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 4]
    assert all(row["dur"] >= 0 for row in model.history_)
    assert model.n_iter_ == 4
    assert len(json.loads(json.dumps(model.history_))) == 4


def test_train_loss_is_the_mean_over_rows():
    # Without learning to speak of, every epoch has the loss of the first weights.
    model = make_mlp(lr=1e-12, batch_size=7, normalize_y=False, dropout=0.0).fit(X, y)
    expected = np.mean((model.predict(X) - y) ** 2)
    assert model.history_[0]["train_loss"] == pytest.approx(expected, rel=1e-5)
