"""Learning-rate schedules at points worked out by hand, and in training."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler

from skchem_dl import FingerprintMLPRegressor
from skchem_dl.callbacks import SCHEDULES, LearningRateSchedule, PlateauSchedule

X = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
y = X.sum(axis=1)


@pytest.mark.parametrize(
    ("name", "progress", "factor"),
    [
        ("constant", 0.0, 1.0),
        ("constant", 1.0, 1.0),
        ("cosine", 0.0, 0.0),
        ("cosine", 0.05, 0.5),
        ("cosine", 0.1, 1.0),
        ("cosine", 0.4, 0.75),  # a third of the way down: (1 + cos 60 degrees) / 2
        ("cosine", 0.55, 0.5),
        ("cosine", 1.0, 0.0),
        ("one_cycle", 0.0, 0.04),
        ("one_cycle", 0.15, 0.52),
        ("one_cycle", 0.3, 1.0),
        ("one_cycle", 0.65, 0.5),
        ("one_cycle", 1.0, 0.0),
    ],
)
def test_schedule_by_hand(name, progress, factor):
    assert SCHEDULES[name](progress) == pytest.approx(factor)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_stay_between_0_and_1_and_do_not_jump(name):
    factors = [SCHEDULES[name](progress) for progress in np.linspace(0, 1, 1001)]
    assert min(factors) >= 0
    assert max(factors) == pytest.approx(1, abs=1e-4)
    assert np.abs(np.diff(factors)).max() < 0.011


class Rates(Callback):
    """Keeps the learning rate that each step was made with."""

    def initialize(self):
        self.used = []
        return self

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            rates = {group["lr"] for group in net.optimizer_.param_groups}
            assert len(rates) == 1
            self.used += rates


def linear(progress):
    return 1 - progress


def fit(schedule, **options):
    options = {"max_epochs": 2, "batch_size": 4, "lr": 0.01, "random_state": 0, **options}
    callbacks = [*options.pop("callbacks", []), Rates()]
    model = FingerprintMLPRegressor((4,), lr_schedule=schedule, callbacks=callbacks, **options)
    model.fit(X, y)
    return model, next(c for _, c in model.net_.callbacks_ if isinstance(c, Rates)).used


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("schedule", [*SCHEDULES, linear])
def test_every_step_has_its_rate(schedule, early_stopping):
    model, used = fit(schedule, early_stopping=early_stopping)
    function = SCHEDULES.get(schedule, schedule)
    # 10 rows, or 9 with one held out, in batches of 4: three steps an epoch, six in all.
    expected = [0.01 * function((step + 0.5) / 6) for step in range(6)]
    assert used == pytest.approx(expected)
    assert [row["lr"] for row in model.history_] == pytest.approx([expected[2], expected[5]])


def test_constant_leaves_the_rate_to_other_callbacks():
    _, used = fit("constant", callbacks=[LRScheduler("StepLR", step_size=1, gamma=0.5)])
    assert used == pytest.approx([0.01] * 3 + [0.005] * 3)


def test_a_second_fit_starts_again():
    model, used = fit(linear)
    model.fit(X, y)
    again = next(c for _, c in model.net_.callbacks_ if isinstance(c, Rates)).used
    assert again == used


def test_schedule_is_a_parameter():
    assert LearningRateSchedule(linear).get_params() == {"schedule": linear}


@pytest.mark.parametrize("seed", range(5))
def test_plateau_is_torchs(seed):
    losses = np.random.default_rng(seed).exponential(size=60).cumsum()[::-1].round(1)
    losses = np.maximum(losses, 20).tolist()
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=5)
    callback = PlateauSchedule()
    for n in range(1, len(losses) + 1):
        torchs.step(losses[n - 1])
        assert 0.5 ** callback._n_reductions(losses[:n]) == optimizer.param_groups[0]["lr"]
    assert callback._n_reductions(losses) > 0


@pytest.mark.parametrize("early_stopping", [False, True])
def test_plateau_in_training(early_stopping):
    # A rate too small to move anything: the loss never falls by its threshold.
    options = {"max_epochs": 15, "lr": 1e-12, "early_stopping": early_stopping}
    options |= {"n_iter_no_change": 20, "dropout": 0.0}
    model, used = fit("plateau", **options)
    rates = [row["lr"] for row in model.history_]
    assert rates == [1e-12] * 7 + [0.5e-12] * 6 + [0.25e-12] * 2
    assert used == [rate for rate in rates for _ in range(3)]
