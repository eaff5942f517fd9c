"""Metrics of an epoch against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from skchem_dl.estimators._task_metrics import (
    area_under_roc,
    classification_metrics,
    mean_of_defined,
    regression_metrics,
)
from skchem_dl.estimators._tasks import ClassificationTask

RNG = np.random.default_rng(0)


def test_one_number():
    y, predicted = RNG.normal(size=(2, 50))
    found = regression_metrics(y[:, None], predicted[:, None])
    expected = {
        "rmse": root_mean_squared_error(y, predicted),
        "mae": mean_absolute_error(y, predicted),
        "r2": r2_score(y, predicted),
    }
    assert {name: values.item() for name, values in found.items()} == pytest.approx(expected)


def test_several_numbers_with_gaps():
    y, predicted = RNG.normal(size=(2, 50, 3))
    y[RNG.random(y.shape) < 0.3] = np.nan
    found = regression_metrics(y, predicted)
    columns = [(y[rows, k], predicted[rows, k]) for k, rows in enumerate(~np.isnan(y).T)]
    for name, metric in [
        ("rmse", root_mean_squared_error),
        ("mae", mean_absolute_error),
        ("r2", r2_score),
    ]:
        assert found[name] == pytest.approx([metric(*both) for both in columns])


@pytest.mark.parametrize("value", [1.0, 0.1, 1e9 / 3])
def test_numbers_that_are_all_alike(value):
    found = regression_metrics(np.full((7, 1), value), np.full((7, 1), value - 1))
    assert (found["rmse"], found["mae"]) == pytest.approx((1.0, 1.0))
    assert np.isnan(found["r2"])


def test_a_target_without_measurements():
    y = np.array([[1.0, np.nan], [2.0, np.nan]])
    found = regression_metrics(y, np.array([[2.0, 0.0], [1.0, 0.0]]))
    assert (found["r2"][0], found["rmse"][0]) == (-3.0, 1.0)
    assert np.isnan([values[1] for values in found.values()]).all()


def test_the_mean_of_what_is_defined():
    assert mean_of_defined(np.array([1.0, np.nan, 3.0])) == 2.0
    assert np.isnan(mean_of_defined(np.array([np.nan])))


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30).filter(
        lambda pairs: len({label for label, _ in pairs}) == 2
    )
)
def test_area_under_roc_with_ties(pairs):
    labels, scores = np.array(pairs, dtype=float).T
    assert area_under_roc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


def test_area_of_one_class():
    assert np.isnan(area_under_roc(np.ones(3), np.arange(3)))


def test_several_labels_with_gaps():
    labels = np.array([[0, 1, np.nan], [1, 1, np.nan], [1, np.nan, 1], [0, 1, 0.0]])
    probabilities = np.array([[0.2, 0.9, 0.1], [0.6, 0.4, 0.1], [0.1, 0.9, 0.3], [0.15, 0.9, 0.4]])
    found = classification_metrics(labels, probabilities)
    # Column 0: of the four pairs one is right and one wrong each way; column 1 has no 0.
    assert found["roc_auc"] == pytest.approx([0.5, np.nan, 0.0], nan_ok=True)
    assert found["accuracy"] == pytest.approx([3 / 4, 2 / 3, 1 / 2])


@pytest.mark.parametrize("classes", [["a", "b"], ["a", "b", "c"]])
def test_single_labels(classes):
    y = RNG.choice(classes, 60)
    task = ClassificationTask(y)
    outputs = RNG.normal(size=(60, task.out_dim)).astype(np.float32)
    found = task.metrics(task.encode(y), outputs)
    p = task.probabilities(outputs.astype(np.float64))
    assert found["accuracy"] == pytest.approx(np.mean(task.decode(p) == y))
    expected = roc_auc_score(y, p[:, 1] if len(classes) == 2 else p, multi_class="ovr")
    assert found["roc_auc"] == pytest.approx(expected)
