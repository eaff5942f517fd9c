"""Targets as the networks learn them, and back."""

import numpy as np
import pytest

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.estimators._losses import BinaryLogLoss, MulticlassLogLoss, RegressionLoss
from skchem_dl.estimators._tasks import (
    ClassificationTask,
    RegressionTask,
    check_labels,
    read_labels,
)
from skchem_dl.exceptions import InvalidMoleculeWarning
from skchem_dl.pipelines import make_forest_pipeline, make_mlp_pipeline

NAN = np.nan
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
X_GAPS = np.vstack([np.full((2, 3), NAN, dtype=np.float32), X])  # rows 0 and 1 are no molecules


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    "y",
    [
        [1.0, 2.0, 4.0],
        [[1.0, -200.0], [2.0, 300.0], [4.0, 1e4]],
        [[1.0, NAN], [NAN, 5.0], [3.0, 6.0]],
        [[1.0, 5.0], [2.0, 5.0]],
        [0.1] * 3,
        [[3.0]],
    ],
    ids=["one", "two", "gaps", "constant column", "constant", "one row"],
)
def test_regression_round_trip(y, normalize):
    y = np.array(y)
    task = RegressionTask(y, normalize)
    encoded = task.encode(y)
    assert encoded.dtype == np.float32
    assert encoded.shape == (len(y), task.out_dim)
    decoded = task.decode(encoded.astype(np.float64))
    assert decoded.dtype == np.float64
    np.testing.assert_allclose(decoded, y, rtol=1e-6)


def test_regression_standardises_what_is_measured():
    y = np.array([[1.0, NAN, 7.0], [3.0, 10.0, 7.0], [NAN, 30.0, 7.0]])
    encoded = RegressionTask(y, True).encode(y)
    np.testing.assert_array_equal(encoded, [[-1, NAN, 0], [1, -1, 0], [NAN, 1, 0]])
    np.testing.assert_array_equal(RegressionTask(y, False).encode(y), y)


def test_regression_loss():
    loss = RegressionTask(np.arange(3.0), True).make_loss("huber", 0.5)
    assert isinstance(loss, RegressionLoss)
    assert loss.name == "huber"


LABELS = {
    "int": np.array([3, -1, 3]),
    "text": np.array(["yes", "no", "yes"]),
    "objects": np.array(["yes", "no", "yes"], dtype=object),
    "bool": np.array([True, False, True]),
    "float": np.array([2.0, 0.5e1, 2.0]),
    "three": np.array([5, 7, 6, 5]),
    "three texts": np.array(["b", "a", "c"]),
    "one class": np.array([4, 4]),
    "many labels": np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]),
}
every_kind = pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)


def certain(task, encoded):
    """Logits of a network that is sure of the right labels."""
    if task.binary or task.multilabel:
        return np.where(encoded > 0, 50.0, -50.0)
    return 50.0 * np.eye(task.out_dim)[encoded[:, 0].astype(int)]


@every_kind
def test_classification_round_trip(y):
    task = ClassificationTask(y)
    encoded = task.encode(y)
    assert encoded.dtype == np.float32
    probabilities = task.probabilities(certain(task, encoded))
    assert probabilities.shape == (len(y), y.shape[1] if y.ndim == 2 else len(np.unique(y)))
    decoded = task.decode(probabilities)
    assert decoded.dtype == (np.int64 if y.ndim == 2 else y.dtype)
    assert decoded.tolist() == y.tolist()


@pytest.mark.parametrize("name", ["int", "text", "three", "three texts"])
def test_probabilities_sum_to_one(name):
    task = ClassificationTask(LABELS[name])
    raw = np.random.default_rng(0).normal(scale=100, size=(20, task.out_dim))
    probabilities = task.probabilities(raw)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    if not task.binary:
        order = np.argsort(raw, axis=1)
        assert (np.diff(np.take_along_axis(probabilities, order, axis=1)) >= 0).all()


def test_probabilities_by_hand():
    binary, three = ClassificationTask(np.array([0, 1])), ClassificationTask(np.array([0, 1, 2]))
    np.testing.assert_allclose(binary.probabilities(np.log([[3.0]])), [[0.25, 0.75]])
    np.testing.assert_allclose(three.probabilities(np.log([[1.0, 2, 5]])), [[0.125, 0.25, 0.625]])
    several = ClassificationTask(LABELS["many labels"])
    np.testing.assert_allclose(
        several.probabilities(np.log([[1.0, 3, 1 / 3]])), [[0.5, 0.75, 0.25]]
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("int", [-1.0, NAN, 3.0]),
        ("bool", [0.0, NAN, 1.0]),
        ("text", ["no", None, "yes"]),
        ("objects", ["no", None, "yes"]),
    ],
)
def test_rows_without_a_prediction(name, expected):
    task = ClassificationTask(LABELS[name])
    decoded = task.decode(np.array([[0.9, 0.1], [NAN, NAN], [0.2, 0.8]]))
    np.testing.assert_array_equal(decoded, np.array(expected))


def test_rows_without_a_prediction_of_several_labels():
    decoded = ClassificationTask(LABELS["many labels"]).decode(np.array([[0.9, 0.1], [NAN, NAN]]))
    np.testing.assert_array_equal(decoded, [[1.0, 0.0], [NAN, NAN]])


@pytest.mark.parametrize(
    ("name", "loss"),
    [("int", BinaryLogLoss), ("many labels", BinaryLogLoss), ("three texts", MulticlassLogLoss)],
)
def test_classification_loss(name, loss):
    assert type(ClassificationTask(LABELS[name]).make_loss("log_loss")) is loss


def test_strata():
    assert ClassificationTask(LABELS["three"]).strata(np.array([[0.0], [2.0]])).tolist() == [0, 2]
    assert ClassificationTask(LABELS["many labels"]).strata(np.zeros((2, 3))) is None
    assert RegressionTask(np.arange(3.0), True).strata(np.zeros((3, 1))) is None


@every_kind
def test_fitted_labels_are_the_users(y):
    y = np.resize(y, (6, *y.shape[1:]))
    model = FingerprintMLPClassifier((4,), max_epochs=1, random_state=0).fit(X, y.tolist())
    predicted = model.predict(X)
    assert set(predicted.ravel().tolist()) <= set(y.ravel().tolist())
    assert 0 <= model.score(X, y.tolist()) <= 1


def pandas_labels():
    pd = pytest.importorskip("pandas")
    return {
        "Int64": pd.Series([1, 2, 1], dtype="Int64"),
        "boolean": pd.Series([True, False, True], dtype="boolean"),
        "dropna": pd.Series([True, None, False, True]).dropna(),
        "string": pd.Series(["a", "b", "a"], dtype="string"),
        "category": pd.Series(["a", "b", "a"]).astype("category"),
    }


@pytest.mark.parametrize("name", ["Int64", "boolean", "dropna", "string", "category"])
def test_pandas_labels_keep_their_type(name):
    series = pandas_labels()[name]
    labels = read_labels(series)
    assert labels.tolist() == series.tolist()
    assert check_labels(labels, np.arange(3)) is labels


GAPS_AT_INVALID = {
    "list": lambda pd: [1, None, 0, 1],
    "truths": lambda pd: [True, None, False, True],
    "Int64": lambda pd: pd.Series([1, pd.NA, 0, 1], dtype="Int64"),
    "boolean": lambda pd: pd.Series([True, pd.NA, False, True], dtype="boolean"),
    "numbers": lambda pd: pd.Series([1.0, None, 0.0, 1.0], dtype="object"),
    "text": lambda pd: pd.Series(["b", None, "a", "b"], dtype="object"),
}


@pytest.mark.parametrize("name", GAPS_AT_INVALID)
@pytest.mark.parametrize("make", [make_mlp_pipeline, make_forest_pipeline])
def test_gaps_among_labels_of_invalid_molecules(name, make):
    y = GAPS_AT_INVALID[name](pytest.importorskip("pandas"))
    small = {"max_epochs": 1} if make is make_mlp_pipeline else {"n_estimators": 2}
    smiles = ["CCO", "C(", "c1ccccc1", "CCN"]
    with pytest.warns(InvalidMoleculeWarning):
        model = make("classification", on_invalid="nan", random_state=0, **small).fit(smiles, y)
        assert 0 <= model.score(smiles[::-1][:2] + smiles[1:2], [y[3], y[2], y[1]]) <= 1
    whole = [y[0], y[2], y[3]]
    assert model.classes_.tolist() == sorted(set(whole))
    assert set(model.predict(["CCO", "CCN"]).tolist()) <= set(whole)


def missing_labels():
    pd = pytest.importorskip("pandas")
    return [
        ["a", None, "b"],
        ["a", NAN, "b"],
        [1.0, NAN, 2.0],
        np.array(["a", pd.NA, "b"], dtype=object),
        pd.Series(["a", pd.NA, "b"], dtype="string"),
        pd.Series([1, pd.NA, 2], dtype="Int64"),
    ]


@pytest.mark.parametrize("case", range(6))
def test_missing_labels_are_refused_by_row(case):
    y = read_labels(missing_labels()[case])
    with pytest.raises(ValueError, match=r"y contains NaN: 1 of 3 labels are missing.* in row 8"):
        check_labels(y, np.array([5, 8, 9]))


@pytest.mark.parametrize("missing", [NAN, None])
def test_missing_labels_among_several_are_not_measured(missing):
    y = np.array([[0, missing], [1, 1], [missing, missing]], dtype=object)
    expected = [[0, NAN], [1, 1], [NAN, NAN]]
    np.testing.assert_array_equal(check_labels(y, np.arange(3)), expected)
    y = np.resize(y, (6, 2)).tolist()
    model = FingerprintMLPClassifier((4,), max_epochs=1, random_state=0).fit(X, y)
    assert 0 <= model.score(X, y) <= 1


def pad(y):
    """Put nonsense where there are no molecules."""
    y = np.asarray(y)
    return np.concatenate([y[:1], y[:1], y])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.0, 1, NAN, 0, 1, 0], "1 of 6 labels are missing, the first in row 4"),
        ([0.0, 1, np.inf, 0, 1, 0], "infinity, first in row 4"),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "Unknown label type: continuous"),
        ([[0, 1], [0, 1], [2, 1], [1, 0], [1, 0], [1, 0]], "2 columns must .* row 4, column 0 is"),
        ([["a", "b"]] * 6, "2 columns must hold 0, 1 and NaN.*could not convert string"),
        ([[0, NAN], [1, NAN]] * 3, "Column 1 of y has no measured value at all"),
    ],
)
def test_what_is_wrong_with_labels(y, message):
    with pytest.raises(ValueError, match=message):
        FingerprintMLPClassifier().fit(X_GAPS, pad(y))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.0, 1, NAN, 0, NAN, 0], "2 of 8 values are missing, the first in row 4"),
        ([[0, NAN], [1, NAN]] * 3, "Column 1 of y has no measured value at all"),
        ([0.0, 1, np.inf, 0, 1, 0], "infinity"),
    ],
)
def test_what_is_wrong_with_numbers(y, message):
    with pytest.raises(ValueError, match=message):
        FingerprintMLPRegressor().fit(X_GAPS, pad(y))
