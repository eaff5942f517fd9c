"""Invalid molecules: left out of fit and score, NaN in every result, no row ever moves."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cases import (
    assert_same,
    classifiers,
    features,
    featurizers,
    neural,
    on_matrices,
    outputs,
    pipelines,
    regressors,
    rows_of,
    supervised,
    target,
)
from sklearn.base import clone, is_classifier

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning

BAD = [0, 7, 8, 20]
pytestmark = pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")


@pytest.fixture
def mixed(smiles):
    """32 molecules, four of them spoilt."""
    for row, bad in zip(BAD, ["", "C(", None, "CCO ethanol"], strict=True):
        smiles[row] = bad
    return smiles


@pytest.fixture
def good(mixed):
    return np.setdiff1d(np.arange(len(mixed)), BAD)


def keeping(model):
    """Set on_invalid="nan" wherever there is such a parameter."""
    names = [name for name in model.get_params() if name.split("__")[-1] == "on_invalid"]
    return model.set_params(**dict.fromkeys(names, "nan"))


def target_of(model, mixed):
    return target(model, [text or "" for text in mixed])


def missing(values):
    if values.dtype == object:
        return np.equal(values, None)
    return np.isnan(values).reshape(len(values), -1).all(axis=1)


@supervised
def test_left_out_of_fit_and_score(make, mixed, good):
    model = keeping(make())
    X, y = features(model, mixed, "nan"), target_of(model, mixed)
    without = clone(model).fit(rows_of(X, good), y[good])
    model.fit(X, y)
    expected, found = outputs(without, rows_of(X, good)), outputs(model, X)
    for method, values in found.items():
        assert np.flatnonzero(missing(values)).tolist() == BAD, method
        np.testing.assert_allclose(values[good], expected[method], rtol=1e-5, atol=1e-6)
    assert model.score(X, y) == pytest.approx(without.score(rows_of(X, good), y[good]), rel=1e-5)


@supervised
def test_their_targets_may_be_anything(make, mixed, good):
    model = keeping(make())
    X, y = features(model, mixed, "nan"), target_of(model, mixed)
    expected = clone(model).fit(X, y)
    spoilt = y.astype(np.float64)
    spoilt[BAD] = np.nan
    found = clone(model).fit(X, spoilt)
    assert_same(found.predict(X), expected.predict(X))
    if is_classifier(model):
        assert found.classes_.tolist() == [0, 1]


@regressors
def test_several_targets(make, mixed, good):
    model = make()
    X, y = features(model, mixed, "nan"), target_of(model, mixed)
    y = np.column_stack([y, -y, y**2])
    y[good[:3], 0] = np.nan
    predicted = model.fit(X, y).predict(X)
    assert predicted.shape == y.shape
    assert np.array_equal(np.isnan(predicted).all(axis=1), np.isnan(predicted).any(axis=1))
    assert np.flatnonzero(missing(predicted)).tolist() == BAD
    weight = np.arange(len(y), dtype=float)
    assert model.score(X, y, sample_weight=weight) == pytest.approx(
        model.score(X[good], y[good], sample_weight=weight[good])
    )


@classifiers
def test_labels(make, mixed, good):
    model = make()
    X, n = features(model, mixed, "nan"), len(mixed)
    for labels in (["a", "b"], [False, True], [3, 4, 5], [0.0, 1.0]):
        y = np.resize(labels, n)
        predicted = clone(model).fit(X, y).predict(X)
        text = isinstance(labels[0], str)
        assert predicted.dtype == (object if text else np.float64)
        assert np.flatnonzero(missing(predicted)).tolist() == BAD
        assert set(predicted[good].tolist()) <= set(labels)
        whole = clone(model).fit(X, y).predict(rows_of(X, good))
        assert whole.dtype == y.dtype
        assert whole.tolist() == predicted[good].tolist()
    several = clone(model).fit(X, np.resize([0, 1, 1], (n, 2))).predict(X)
    assert several.dtype == np.float64
    assert np.flatnonzero(missing(several)).tolist() == BAD


@supervised
def test_none_is_valid(make, mixed):
    model = keeping(make())
    X, y = features(model, mixed, "nan"), target_of(model, mixed)
    nothing = rows_of(X, BAD)
    with pytest.raises(ValueError, match=r"None of the 4 rows can be learnt from|All 4 row"):
        clone(model).fit(nothing, y[BAD])
    model.fit(X, y)
    expected = outputs(model, X)
    for method, values in outputs(model, nothing).items():
        assert values.shape == (4, *expected[method].shape[1:])
        assert missing(values).all(), method
    with pytest.raises(ValueError, match=r"None of the 4 rows has both|All 4 row"):
        model.score(nothing, y[BAD])
    labels = np.resize(["a", "b"], len(y)) if is_classifier(model) else y
    alone = clone(model).fit(X, labels).predict(rows_of(X, BAD[:1]))
    assert missing(alone).all()


@pipelines
def test_pipelines_raise_by_default(make, mixed):
    model = make()
    with pytest.raises(
        InvalidMoleculeError, match="4 of 32 rows are not valid molecules"
    ) as caught:
        model.fit(mixed, target_of(model, mixed))
    assert [problem.row for problem in caught.value.invalid] == BAD


@pipelines
def test_one_warning_a_pass(make, mixed):
    model = keeping(make())
    with pytest.warns(InvalidMoleculeWarning, match="4 of 32 rows") as caught:
        model.fit(mixed, target_of(model, mixed))
    assert len(caught) == 1
    methods = ("predict", "transform", "fit_predict", "fit_transform")
    method = next(method for method in methods if hasattr(model, method))
    with pytest.warns(InvalidMoleculeWarning, match="4 of 32 rows") as caught:
        rows = getattr(model, method)(mixed)
    assert len(caught) == 1
    in_none = missing(rows) if rows.dtype.kind == "f" else rows == -1  # as DBSCAN labels noise
    assert np.flatnonzero(in_none).tolist() == BAD


@pipelines
def test_pandas_labels_are_shown(make, mixed):
    model = make()
    series = pd.Series(mixed, index=[f"mol{i}" for i in range(len(mixed))])
    with pytest.raises(InvalidMoleculeError, match=r"row 7 \(index 'mol7'\)"):
        model.fit(series, target_of(model, mixed))
    kept = keeping(model).fit(series, target_of(model, mixed))
    assert_same(outputs(kept, series), outputs(kept, mixed))


@featurizers
def test_featurizers_keep_every_row(make, mixed, good):
    model = keeping(make()).fit(mixed)
    rows = model.transform(mixed)
    assert rows.shape[0] == len(mixed)
    kept = rows[good]
    alone = model.transform([mixed[row] for row in good])
    if hasattr(alone, "dtype"):
        alone = alone.astype(kept.dtype)  # NaN needs floats
    assert_same(kept, alone)


@on_matrices
def test_sparse_rows_of_nan(make, mixed):
    model = make()
    X, y = features(model, mixed, "nan"), target_of(model, mixed)
    expected = outputs(clone(model).fit(X, y), X)
    for container in (sp.csr_array, sp.coo_array):
        sparse = container(X)
        assert_same(outputs(clone(model).fit(sparse, y), sparse), expected)
    frame = pd.DataFrame(X).add_prefix("bit")
    assert_same(outputs(clone(model).fit(frame, y), frame), expected)


@neural
def test_early_stopping(make, mixed):
    model = make().set_params(early_stopping=True)
    X, y = features(model, mixed, "nan"), target_of(model, mixed)
    losses = [epoch["valid_loss"] for epoch in model.fit(X, y).history_]
    assert np.isfinite(losses).all()
    assert np.flatnonzero(missing(model.predict(X))).tolist() == BAD


@neural
def test_no_warning_of_numpys(make, mixed):
    model = make()
    X, y = features(model, mixed, "nan"), target_of(model, mixed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = outputs(model.fit(X, y), X)
        outputs(model, rows_of(X, BAD))
    assert np.isnan(found["embed"][BAD]).all()
