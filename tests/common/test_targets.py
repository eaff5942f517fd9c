"""Every kind of y: what comes back for it, and what is refused with which words."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from cases import assert_same, classifiers, features, neural, outputs, regressors, rows_of
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score, r2_score

LABELS = {
    "bool": [False, True],
    "int": [3, 7],
    "minus one and one": [-1, 1],
    "float": [0.0, 1.0],
    "str": ["no", "yes"],
    "object": np.array(["active", "inactive"], dtype=object),
    "three ints": [0, 1, 2],
    "three strings": ["high", "low", "none"],
    "one": ["only"],
}
CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "float32": lambda y: np.asarray(y, dtype=np.float32),
    "Series": pd.Series,
    "nullable": lambda y: pd.Series(y, dtype="Float64"),
    "polars": pl.Series,
    "object": lambda y: np.asarray(y, dtype=object),
}


def numbers(n, tasks=None):
    shape = n if tasks is None else (n, tasks)
    return np.random.default_rng(0).integers(-9, 9, shape).astype(np.float64)


def labels(n, tasks):
    return np.random.default_rng(0).integers(0, 2, (n, tasks))


@regressors
@pytest.mark.parametrize("tasks", [None, 1, 3])
def test_shapes_of_regression(make, tasks, smiles):
    model = make()
    X, y = features(model, smiles), numbers(len(smiles), tasks)
    predicted = model.fit(X, y).predict(X)
    assert predicted.shape == y.shape
    assert predicted.dtype == np.float64
    assert model.score(X, y) == pytest.approx(r2_score(y, predicted))
    weight = np.arange(len(y))
    assert model.score(X, y, sample_weight=weight) == pytest.approx(
        r2_score(y, predicted, sample_weight=weight)
    )


@regressors
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_containers_of_numbers_are_alike(make, container, smiles):
    model = make()
    X, y = features(model, smiles), numbers(len(smiles))
    expected = clone(model).fit(X, y)
    assert_same(model.fit(X, container(y)).predict(X), expected.predict(X))
    assert model.score(X, container(y)) == expected.score(X, y)


@classifiers
@pytest.mark.parametrize("classes", LABELS.values(), ids=LABELS)
def test_labels(make, classes, smiles):
    model = make()
    X, y = features(model, smiles), np.resize(classes, len(smiles))
    model.fit(X, y)
    predicted, probabilities = model.predict(X), model.predict_proba(X)
    assert model.classes_.tolist() == list(classes)
    assert predicted.dtype == y.dtype
    assert probabilities.shape == (len(y), len(classes))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert predicted.tolist() == [classes[i] for i in probabilities.argmax(axis=1)]
    assert model.score(X, y) == accuracy_score(y, predicted)
    assert_same(clone(model).fit(X, y.tolist()).predict_proba(X), probabilities)


@classifiers
def test_labels_of_pandas(make, smiles):
    model = make()
    X = features(model, smiles)
    text = np.resize(["a", "b"], len(smiles))
    expected = outputs(clone(model).fit(X, text), X)["predict_proba"]
    for dtype in ("str", "string", "category", "object"):
        series = pd.Series(text, dtype=dtype, index=np.arange(len(text))[::-1])
        fitted = clone(model).fit(X, series)
        assert_same(fitted.predict_proba(X), expected)
        assert fitted.predict(X)[0] in ("a", "b")
        assert 0 <= fitted.score(X, series) <= 1
    for dtype in ("boolean", "Int64", "bool"):
        series = pd.Series(text == "b").astype(dtype)
        assert_same(clone(model).fit(X, series).predict_proba(X), expected)


@classifiers
@pytest.mark.parametrize("tasks", [2, 3])
@pytest.mark.parametrize("dtype", [bool, np.int64, np.float64])
def test_several_labels(make, tasks, dtype, smiles):
    model = make()
    X, y = features(model, smiles), labels(len(smiles), tasks).astype(dtype)
    model.fit(X, y)
    predicted, probabilities = model.predict(X), model.predict_proba(X)
    assert model.classes_.tolist() == list(range(tasks))
    assert predicted.dtype == np.int64
    assert np.array_equal(predicted, probabilities > 0.5)
    assert model.score(X, y) == accuracy_score(y.astype(int), predicted)
    weight = np.arange(len(y))
    assert model.score(X, y, sample_weight=weight) == pytest.approx(
        accuracy_score(y.astype(int), predicted, sample_weight=weight)
    )


@neural
def test_a_column_is_a_vector_with_a_word(make, smiles):
    model = make()
    X, y = features(model, smiles), np.resize([0, 1], (len(smiles), 1))
    if hasattr(model, "predict_proba"):
        with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
            model.fit(X, y)
        assert model.predict(X).shape == (len(y),)
    else:
        assert model.fit(X, y).predict(X).shape == (len(y), 1)


@neural
def test_targets_not_measured(make, smiles):
    """Filling the gaps changes nothing, nor does leaving out rows without any target."""
    model = make().set_params(batch_size=64)
    X, y = features(model, smiles), labels(len(smiles), 3).astype(np.float64)
    y[::3, 0] = y[1::4, 2] = np.nan
    y[4] = np.nan
    model.fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    kept = np.arange(len(y)) != 4
    without = clone(model).fit(rows_of(X, kept), y[kept])
    assert_same(without.predict(X), model.predict(X), rtol=1e-4, atol=1e-4)
    assert model.score(X, y) == pytest.approx(model.score(rows_of(X, kept), y[kept]))
    as_objects = np.where(np.isnan(y), None, y)
    assert_same(clone(model).fit(X, as_objects).predict(X), model.predict(X))
    assert model.score(X, as_objects) == model.score(X, y)
    frame = pd.DataFrame(y, columns=list("abc"))
    for table in (frame, frame.astype("Int64"), y.tolist()):
        assert_same(clone(model).fit(X, table).predict(X), model.predict(X))
        assert model.score(X, table) == model.score(X, y)


@regressors
def test_score_with_gaps_is_the_mean_over_tasks(make, smiles):
    model = make()
    X, y = features(model, smiles), numbers(len(smiles), 2)
    y[:9, 0] = np.nan
    predicted = model.fit(X, y).predict(X)
    by_hand = (r2_score(y[9:, 0], predicted[9:, 0]) + r2_score(y[:, 1], predicted[:, 1])) / 2
    assert model.score(X, y) == pytest.approx(by_hand)


@classifiers
def test_score_with_gaps_counts_molecules(make, smiles):
    model = make()
    X, y = features(model, smiles), labels(len(smiles), 2).astype(np.float64)
    y[:9, 0] = np.nan
    y[0] = np.nan
    right = (model.fit(X, y).predict(X) == y) | np.isnan(y)
    assert model.score(X, y) == pytest.approx(right.all(axis=1)[1:].mean())


@neural
@pytest.mark.parametrize("tasks", [None, 2])
def test_early_stopping_with_every_y(make, tasks, smiles):
    model = make().set_params(early_stopping=True, max_epochs=4)
    X = features(model, smiles)
    y = np.resize([0, 1], len(smiles)) if tasks is None else labels(len(smiles), tasks) * 1.0
    if tasks:
        y[::2, 0] = np.nan
    losses = [epoch["valid_loss"] for epoch in model.fit(X, y).history_]
    assert np.isfinite(losses).all()


@neural
def test_early_stopping_with_next_to_nothing(make, smiles):
    model = make().set_params(early_stopping=True)
    X = features(model, smiles)
    assert model.fit(X[:2], [0, 1]).n_iter_ == 2
    with pytest.raises(ValueError, match="there is only 1"):
        model.fit(X[:1], [1])


WRONG = {
    "None": (lambda y: None, "requires y to be passed"),
    "NaN": (
        lambda y: np.where(np.arange(len(y)) == 5, np.nan, y),
        "y contains NaN: 1 of 32 .*row 5",
    ),
    "inf": (lambda y: np.where(np.arange(len(y)) == 5, np.inf, y), "y contains inf"),
    "inf among several": (lambda y: np.c_[y, np.full(len(y), np.inf)], "inf"),
    "nothing measured": (lambda y: np.full((len(y), 2), np.nan), "None of the 32 rows"),
    "short": (lambda y: y[:-1], "inconsistent numbers of samples"),
    "cube": (lambda y: np.zeros((len(y), 2, 2)), "Found array with dim 3"),
    "complex": (lambda y: y + 1j, "[Cc]omplex data not supported|y is 'unknown'"),
}


@neural
@pytest.mark.parametrize(("spoil", "said"), WRONG.values(), ids=WRONG)
def test_wrong_y(make, spoil, said, smiles):
    model = make()
    X, y = features(model, smiles), np.resize([0.0, 1.0], len(smiles))
    with pytest.raises(ValueError, match=said):
        model.fit(X, spoil(y))


@regressors
def test_wrong_numbers(make, smiles):
    model = make()
    X, y = features(model, smiles), numbers(len(smiles), 2)
    with pytest.raises(ValueError, match="could not convert string to float: 'high'"):
        model.fit(X, ["high"] * len(y))
    y[:, 1] = np.nan
    with pytest.raises(ValueError, match="Column 1 of y has no measured value"):
        model.fit(X, y)
    model.fit(X, y[:, 0])
    with pytest.raises(ValueError, match=r"y is for \(32, 2\) .*predictions are \(32, 1\)"):
        model.score(X, numbers(len(y), 2))
    with pytest.raises(ValueError, match="None of the 32 rows has both"):
        model.score(X, y[:, 1])


@classifiers
def test_wrong_labels(make, smiles):
    model = make()
    X, n = features(model, smiles), len(smiles)
    missing = np.where(np.arange(n) == 3, None, np.resize(np.array(["a", "b"], dtype=object), n))
    with pytest.raises(ValueError, match=r"y contains NaN: 1 of 32 .* row 3"):
        model.fit(X, missing)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(X, np.linspace(0, 1, n))
    with pytest.raises(ValueError, match=r"must hold 0, 1 and NaN .* row 0, column 1 is .*2"):
        model.fit(X, np.resize([0, 2], (n, 2)))
    with pytest.raises(ValueError, match="must hold 0, 1 and NaN"):
        model.fit(X, np.resize(["a", "b"], (n, 2)))
    model.fit(X, np.resize([0, 1], n))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, [0, 1])
    y = np.resize([0, 1, 0, 1], (n, 3))
    model.fit(X, y)
    for wrong in (y[:, [0]], y[:, 0], y[:, :2]):
        with pytest.raises(ValueError, match=rf"y has shape .*; expected \({n}, 3\), as in fit"):
            model.score(X, wrong)
