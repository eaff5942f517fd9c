"""Losses by hand, and what they do with missing targets."""

from math import exp, log, log1p, nan

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skchem_dl import FingerprintMLPRegressor
from skchem_dl.estimators._losses import (
    REGRESSION_LOSSES,
    BinaryLogLoss,
    MulticlassLogLoss,
    RegressionLoss,
)

MASKED = {
    **{name: RegressionLoss(name, 0.7) for name in REGRESSION_LOSSES},
    "log_loss": BinaryLogLoss(),
    "focal": BinaryLogLoss(gamma=2.0),
}
masked = pytest.mark.parametrize("loss", MASKED.values(), ids=MASKED)
PREDICTED = [[1.0, 2.0], [3.0, 5.0], [-4.0, 0.5]]
LABELS = [[0.0, 1.0], [nan, 1.0], [1.0, nan]]


@pytest.mark.parametrize(
    ("name", "expected"),
    # Errors of 1, 0, 3 and 0.5; Huber's are 1/2, 0, 3 - 1/2 and 1/8.
    [("mse", 10.25 / 4), ("mae", 4.5 / 4), ("huber", 3.125 / 4)],
)
def test_regression_by_hand(name, expected):
    target = torch.tensor([[0.0, 2.0], [nan, 2.0], [nan, 1.0]])
    assert RegressionLoss(name)(torch.tensor(PREDICTED), target).item() == expected


def test_binary_by_hand():
    expected = (log1p(exp(1)) + log1p(exp(-2)) + log1p(exp(-5)) + log1p(exp(4))) / 4
    loss = BinaryLogLoss()(torch.tensor(PREDICTED), torch.tensor(LABELS))
    assert loss.item() == pytest.approx(expected)


def test_multiclass_by_hand():
    logits = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    expected = (log(exp(1) + exp(2) + 1) - 2 + log(3)) / 2
    loss = MulticlassLogLoss()(logits, torch.tensor([[1.0], [2.0]]))
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("sign", [-1, 1])
def test_log_losses_of_certain_predictions(sign):
    logits = torch.tensor([[1000.0 * sign]], requires_grad=True)
    loss = BinaryLogLoss()(logits, torch.ones(1, 1))
    loss.backward()
    assert loss.item() == (0.0 if sign > 0 else 1000.0)
    assert logits.grad.item() == (0.0 if sign > 0 else -1.0)


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_without_gaps_it_is_torchs(name):
    predicted, target = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0))
    half_mae = lambda *both: F.l1_loss(*both) / 2  # noqa: E731
    torchs = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.huber_loss, "quantile": half_mae}
    torchs = torchs[name]
    torch.testing.assert_close(RegressionLoss(name)(predicted, target), torchs(predicted, target))


@masked
def test_missing_targets_have_no_say(loss):
    target = torch.tensor(LABELS)
    measured = ~target.isnan()
    predicted = torch.tensor(PREDICTED, requires_grad=True)
    value = loss(predicted, target)
    value.backward()
    assert predicted.grad[~measured].eq(0).all()
    alone = predicted.detach()[measured][:, None].requires_grad_()
    value_alone = loss(alone, target[measured][:, None])
    value_alone.backward()
    torch.testing.assert_close(value, value_alone)
    torch.testing.assert_close(predicted.grad[measured], alone.grad[:, 0])
    changed = torch.tensor(PREDICTED).where(measured, 1e6)
    assert loss(changed, target) == value


@masked
def test_nothing_measured(loss):
    predicted = torch.tensor(PREDICTED, requires_grad=True)
    value = loss(predicted, torch.full((3, 2), nan))
    value.backward()
    assert value.item() == 0.0
    assert predicted.grad.eq(0).all()


def test_quantile_by_hand():
    predicted, target = torch.tensor([[0.0], [0.0], [1.0]]), torch.tensor([[2.0], [-1.0], [1.0]])
    # 0.9 for each unit too low, 0.1 for each too high.
    assert RegressionLoss("quantile", 0.9)(predicted, target).item() == pytest.approx(1.9 / 3)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_is_what_it_says(quantile):
    y = np.random.default_rng(0).exponential(size=500)
    model = FingerprintMLPRegressor(
        (), loss="quantile", quantile=quantile, lr=0.05, max_epochs=60, random_state=0
    ).fit(np.zeros((500, 1)), y)
    assert np.mean(y <= model.predict(np.zeros((1, 1)))) == pytest.approx(quantile, abs=0.03)


def test_focal_by_hand():
    logits, target = torch.tensor([[log(3)], [-log(4)]]), torch.tensor([[1.0], [1.0]])
    p = np.array([3 / 4, 1 / 5])
    expected = np.mean(-((1 - p) ** 2) * np.log(p))
    assert BinaryLogLoss(gamma=2.0)(logits, target).item() == pytest.approx(expected)
    # The same as two classes of which the other has the logit 0.
    two = torch.hstack([torch.zeros(2, 1), logits])
    assert MulticlassLogLoss(gamma=2.0)(two, target).item() == pytest.approx(expected)


def test_focal_gradients_are_finite_where_it_is_certain():
    logits = torch.tensor([[200.0], [-200.0]], requires_grad=True)
    BinaryLogLoss(gamma=2.0)(logits, torch.ones(2, 1)).backward()
    assert logits.grad.isfinite().all()
