"""Callbacks that users pass, the history, and how training may end."""

import json
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import r2_score, roc_auc_score
from skorch.callbacks import Callback, EarlyStopping

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.callbacks import StopTraining, TargetMetrics

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


# Of several targets the history has means


def many_targets(n_targets=215):
    measured = np.random.default_rng(1).normal(size=(20, n_targets))
    validation = measured.copy()
    validation[:, 0] = 1 / 3  # constant, so there is no R2
    validation[:, 1] = np.nan
    return measured, validation


def test_history_has_means_over_targets():
    measured, validation = many_targets()
    model = make_mlp().fit(X, measured, X_val=X, y_val=validation)
    last = model.history_[-1]
    assert len(last) == 12
    errors = np.sqrt(np.mean((model.predict(X) - validation) ** 2, axis=0))
    assert last["valid_rmse"] == pytest.approx(np.nanmean(errors), rel=1e-4)
    scores = [r2_score(validation[:, k], model.predict(X)[:, k]) for k in range(2, 215)]
    assert last["valid_r2"] == pytest.approx(np.mean(scores), rel=1e-4)


def test_history_of_single_targets_on_request():
    measured, validation = many_targets(3)
    model = make_mlp(callbacks=[TargetMetrics()]).fit(X, measured, X_val=X, y_val=validation)
    last, predicted = model.history_[-1], model.predict(X)
    assert np.isnan([last["valid_r2_0"], last["valid_rmse_1"], last["valid_r2_1"]]).all()
    assert last["valid_r2_2"] == pytest.approx(
        r2_score(validation[:, 2], predicted[:, 2]), rel=1e-4
    )
    one = make_mlp(callbacks=[TargetMetrics([2])]).fit(X, measured, X_val=X, y_val=validation)
    found = {name for name in one.history_[-1] if name.endswith(("_0", "_1", "_2"))}
    assert found == {f"{part}_{m}_2" for part in ("train", "valid") for m in ("rmse", "mae", "r2")}
    with pytest.raises(ValueError, match=r"3 is not a column of y, which has 3. Use 0 to 2."):
        make_mlp(callbacks=[TargetMetrics([3])]).fit(X, measured)


def test_history_of_single_labels_on_request():
    labels = np.column_stack([y > 0, np.zeros(len(y)), y > 1]).astype(float)
    model = FingerprintMLPClassifier((4,), max_epochs=2, callbacks=[TargetMetrics()])
    last = model.fit(X, labels, X_val=X, y_val=labels).history_[-1]
    p = model.predict_proba(X)
    areas = [roc_auc_score(labels[:, k], p[:, k]) for k in (0, 2)]
    assert [last["valid_roc_auc_0"], last["valid_roc_auc_2"]] == pytest.approx(areas)
    assert last["valid_roc_auc"] == pytest.approx(np.mean(areas))
    assert np.isnan(last["valid_roc_auc_1"])  # one class only
    assert last["valid_label_accuracy_1"] == np.mean(p[:, 1] <= 0.5)


class Collects(Callback):
    def __init__(self):
        self.epochs = []

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append(len(net.history))


class CollectsInto(Callback):
    def __init__(self, log):
        self._log = log

    def on_epoch_end(self, net, **kwargs):
        self._log.append(len(net.history))


def test_each_training_has_containers_of_its_own_and_shares_arguments():
    own, log = Collects(), []
    model = make_mlp(callbacks=[own, CollectsInto(log)], n_members=2, max_epochs=2).fit(X, y)
    assert own.epochs == []
    for net in model.nets_:
        (copied,) = [c for _, c in net.callbacks_ if isinstance(c, Collects)]
        assert copied.epochs == [1, 2]
    assert log == [1, 2, 1, 2]
    assert clone(model).callbacks[0].epochs == []
