"""Early stopping."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from skorch.history import History
from torch import nn

from skchem_dl import FingerprintMLPRegressor
from skchem_dl.callbacks import BestEpoch, StopTraining


class Net:
    """What the callback needs of skorch's net; its one weight is the number of the epoch."""

    def __init__(self):
        self.module_ = nn.Linear(1, 1, bias=False)
        self.history = History()

    def epoch(self, loss):
        self.history.new_epoch()
        self.history.record("valid_loss", loss)
        nn.init.constant_(self.module_.weight, len(self.history))


@pytest.mark.parametrize(
    ("window", "losses", "best", "smoothed"),
    [
        (1, [5, 1, 4, 4, 4, 4], 2, 1),
        (3, [5, 1, 4, 4, 4, 4], 4, 3),  # means of three: 10/3, 3, 4, 4
        (3, [1, 2, 9, 9, 9, 9], 3, 4),  # the first two are not looked at
        (3, [9, 1, 8, 3, 3, 3, 9, 9], 6, 3),  # the lucky second epoch is not the best
        (2, [4, 3, 2, 1], 4, 1.5),  # never ends: still falling
    ],
)
def test_best_of_the_smoothed_losses(window, losses, best, smoothed):
    net, callback = Net(), BestEpoch(patience=10, window=window)
    callback.on_train_begin(net)
    for loss in losses:
        net.epoch(loss)
        callback.on_epoch_end(net)
    assert callback.best_epoch_ == best
    assert callback.best_loss_ == smoothed
    callback.restore(net)
    assert net.module_.weight.item() == best
    expected = [np.mean(losses[max(0, i + 1 - window) : i + 1]) for i in range(len(losses))]
    assert net.history[:, "valid_loss_smoothed"] == expected


@pytest.mark.parametrize(("patience", "stops_after"), [(1, 3), (2, 4), (3, None)])
def test_patience(patience, stops_after):
    net, callback = Net(), BestEpoch(patience=patience, window=1)
    callback.on_train_begin(net)
    stopped = None
    for loss in [2, 1, 1, 3, 0]:
        net.epoch(loss)
        try:
            callback.on_epoch_end(net)
        except StopTraining:
            stopped = len(net.history)
            break
    assert stopped == stops_after


def test_losses_that_are_nan_are_never_best():
    net, callback = Net(), BestEpoch(patience=3)
    callback.on_train_begin(net)
    for _ in range(2):
        net.epoch(np.nan)
        callback.on_epoch_end(net)
    net.epoch(np.nan)
    with pytest.raises(StopTraining):
        callback.on_epoch_end(net)
    callback.restore(net)
    assert callback.best_epoch_ == 0
    assert net.module_.weight.item() == 3


def test_training_that_ends_before_there_is_a_mean_keeps_its_end():
    net, callback = Net(), BestEpoch(patience=1, window=3)
    callback.on_train_begin(net)
    for loss in (1, 2):
        net.epoch(loss)
        callback.on_epoch_end(net)
    callback.restore(net)
    assert net.module_.weight.item() == 2


def test_it_starts_afresh():
    net, callback = Net(), BestEpoch(window=1)
    for loss in (1.0, 2.0):
        callback.on_train_begin(net)
        net.history = History()
        net.epoch(loss)
        callback.on_epoch_end(net)
    assert (callback.best_epoch_, callback.best_loss_) == (1, 2.0)


class Weights(Callback):
    """Keeps the weights after each epoch."""

    def initialize(self):
        self.after = []
        return self

    def on_epoch_end(self, net, **kwargs):
        self.after.append({k: v.clone() for k, v in net.module_.state_dict().items()})


@pytest.mark.parametrize("max_epochs", [4, 100])
def test_the_fitted_model_is_that_of_the_best_epoch(max_epochs):
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(40, 5)).astype(np.float32), generator.normal(size=40)
    model = FingerprintMLPRegressor(
        (32,),
        batch_norm=True,
        lr=0.02,
        lr_schedule="constant",
        max_epochs=max_epochs,
        early_stopping=True,
        validation_fraction=0.5,
        n_iter_no_change=5,
        callbacks=[Weights()],
        random_state=0,
    ).fit(X, y)
    smoothed = [row["valid_loss_smoothed"] for row in model.history_]
    valid = [row["valid_loss"] for row in model.history_]
    assert smoothed == [np.mean(valid[max(0, i - 2) : i + 1]) for i in range(len(valid))]
    best = 2 + int(np.argmin(smoothed[2:]))
    assert len(smoothed) == min(best + 1 + 5, max_epochs) < 100
    weights = next(c for _, c in model.net_.callbacks_ if isinstance(c, Weights)).after
    found = model.module_.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in weights[best].items())
    assert not model.module_.training


class MetricNet(Net):
    def epoch(self, loss, metric):
        super().epoch(loss)
        self.history.record("valid_roc_auc", metric)


def watch(epochs, **options):
    net, callback = MetricNet(), BestEpoch(patience=10, metric="valid_roc_auc", **options)
    callback.on_train_begin(net)
    for loss, metric in epochs:
        net.epoch(loss, metric)
        callback.on_epoch_end(net)
    return callback


def test_a_metric_that_still_rises_outweighs_a_loss_that_does_too():
    epochs = [(0.5, 0.6), (0.4, 0.65), (0.7, 0.7), (0.9, 0.75), (1.2, 0.8), (1.5, 0.79)]
    assert watch(epochs, window=1).best_epoch_ == 5
    assert BestEpoch(window=1).metric is None


def test_the_loss_decides_between_equal_metrics():
    epochs = [(0.5, 1.0), (0.4, 1.0), (0.3, 1.0), (0.35, 1.0)]
    callback = watch(epochs, window=1)
    assert (callback.best_epoch_, callback.best_loss_, callback.best_metric_) == (3, 0.3, 1.0)


def test_the_loss_stands_in_for_a_metric_that_is_not_defined():
    epochs = [(0.5, np.nan), (0.3, np.nan), (0.4, np.nan)]
    callback = watch(epochs, window=1)
    assert callback.best_epoch_ == 2
    assert np.isnan(callback.best_metric_)


def test_the_metric_is_smoothed():
    epochs = [(1, 0.5), (1, 0.95), (1, 0.5), (1, 0.7), (1, 0.8), (1, 0.8)]
    assert watch(epochs, window=3).best_epoch_ == 6
    assert watch(epochs, window=1).best_epoch_ == 2
