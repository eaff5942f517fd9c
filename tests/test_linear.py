"""Without hidden layers the network is scikit-learn's linear model.

The network minimises, over the m measured targets (m = n t if none is missing),

    1/m sum_ij (y_ij - x_i w_j - b_j)^2 + weight_decay/2 sum_j |w_j|^2,

the second term because torch's SGD adds weight_decay * w to the gradient. Times m that is what
Ridge minimises for each task j,

    sum_i (y_ij - x_i w_j - b_j)^2 + alpha |w_j|^2,    alpha = m * weight_decay / 2,

so alpha = n * weight_decay / 2 for one task and t times as much for t tasks. `normalize_y` changes
nothing: with y_j divided by s_j both terms of task j are divided by s_j^2 where w_j is divided by
s_j, and its minimum stays where it was. The bias is not penalised on either side.
"""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.preprocessing import StandardScaler

from skchem_dl import FingerprintMLPRegressor

N, D = 120, 5
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def make_data(n_tasks, missing=0.0):
    """Targets of unequal scale, far from 0, with noise."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(N, D)) @ (np.eye(D) + 0.3)
    X = StandardScaler().fit_transform(X)
    y = X @ generator.normal(size=(D, n_tasks)) + generator.normal(size=(N, n_tasks))
    y = 20 + y * np.geomspace(1, 5, n_tasks)
    y[generator.random(y.shape) < missing] = np.nan
    return X.astype(np.float32), y


def fit(X, y, **options):
    options = {"batch_size": N, "max_epochs": 400, "lr": 0.15 * y[0].size, **options}
    options = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, **options}
    return FingerprintMLPRegressor((), random_state=0, **options).fit(X, y)


def coefficients(model):
    """Weights and biases in the units of y."""
    head, task = model.module_.head, model._task
    weights = head.weight.detach().numpy() * task.scale[:, None]
    return weights, head.bias.detach().numpy() * task.scale + task.mean


def assert_same_model(model, linear, X, **tolerance):
    weights, bias = coefficients(model)
    tolerance = {**CLOSE, **tolerance}
    np.testing.assert_allclose(weights, np.atleast_2d(linear.coef_), **tolerance)
    np.testing.assert_allclose(bias, np.atleast_1d(linear.intercept_), **tolerance)
    predicted = model.predict(X)  # (n, t), where Ridge makes (n,) of one task
    np.testing.assert_allclose(predicted, linear.predict(X).reshape(predicted.shape), **tolerance)


@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("n_tasks", [1, 3])
def test_linear_regression(n_tasks, normalize_y):
    X, y = make_data(n_tasks)
    model = fit(X, y, normalize_y=normalize_y)
    assert_same_model(model, LinearRegression().fit(X, y), X)


@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("weight_decay", [0.01, 0.3])
@pytest.mark.parametrize("n_tasks", [1, 3])
def test_ridge(n_tasks, weight_decay, normalize_y):
    X, y = make_data(n_tasks)
    model = fit(X, y, weight_decay=weight_decay, normalize_y=normalize_y)
    ridge = Ridge(alpha=N * n_tasks * weight_decay / 2).fit(X, y)
    assert_same_model(model, ridge, X)
    assert not np.allclose(ridge.coef_, LinearRegression().fit(X, y).coef_, **CLOSE)


def test_one_dimensional_target():
    X, y = make_data(1)
    model = fit(X, y[:, 0], weight_decay=0.1)
    assert model.predict(X).shape == (N,)
    assert_same_model(model, Ridge(alpha=N * 0.1 / 2).fit(X, y[:, 0]), X)


def test_the_bias_is_not_penalised():
    X, y = make_data(1)
    # y is not standardised, so the bias alone has to reach its mean of 20.
    model = fit(X, y, weight_decay=1.0, normalize_y=False)
    np.testing.assert_allclose(coefficients(model)[1], y.mean(axis=0), **CLOSE)


def test_each_task_on_what_is_measured():
    X, y = make_data(3, missing=0.4)
    measured = ~np.isnan(y)
    model = fit(X, y, weight_decay=0.1)
    for task, rows in enumerate(measured.T):
        ridge = Ridge(alpha=measured.sum() * 0.1 / 2).fit(X[rows], y[rows, task])
        np.testing.assert_allclose(model.predict(X)[:, task], ridge.predict(X), **CLOSE)


@pytest.mark.parametrize("lr_schedule", ["cosine", "one_cycle"])
def test_small_batches_come_close(lr_schedule):
    X, y = make_data(1)
    model = fit(X, y, batch_size=50, lr=0.02, lr_schedule=lr_schedule, max_epochs=300)
    assert_same_model(model, LinearRegression().fit(X, y), X, atol=0.02)
