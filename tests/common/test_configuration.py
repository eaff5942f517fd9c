"""scikit-learn's global settings: metadata routing, pandas and polars output."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from cases import assert_same, data, everything, featurizers, neural, outputs, pipelines, supervised
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skchem_dl import MolGraphs


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@everything
def test_routing_changes_nothing(make, smiles):
    model = make()
    X, y = data(model, smiles)
    expected = outputs(clone(model).fit(X, y), X)
    with config_context(enable_metadata_routing=True):
        assert_same(outputs(clone(model).fit(X, y), X), expected)
        assert model.get_metadata_routing() is not None


@supervised
def test_cross_validation_with_routing(make, smiles, routing):
    model = make()
    X, y = data(model, smiles)
    scores = cross_val_score(model, X, y, cv=KFold(2, shuffle=True, random_state=0))
    assert np.isfinite(scores).all()
    predicted = cross_val_predict(model, X, y, cv=KFold(2, shuffle=True, random_state=0))
    assert predicted.shape == y.shape


@neural
def test_within_a_pipeline_with_routing(make, smiles, routing):
    model = make()
    X, y = data(model, smiles)
    expected = clone(model).fit(X, y).predict(X)
    pipeline = make_pipeline(FunctionTransformer(), model).fit(X, y)
    assert_same(pipeline.predict(X), expected)
    search = GridSearchCV(pipeline, {f"{pipeline.steps[-1][0]}__lr": [0.01, 0.1]}, cv=KFold(2))
    assert search.fit(X, y).best_params_


@everything
@pytest.mark.parametrize(
    ("container", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_frames_all_over(make, container, frame, smiles):
    """Features that are a matrix come as frames; graphs, SMILES, predictions stay themselves."""
    model = make()
    X, y = data(model, smiles)
    expected = outputs(clone(model).fit(X, y), X)
    with config_context(transform_output=container):
        found = outputs(model.fit(X, y), X)
    for method, values in found.items():
        plain = expected[method]
        framed = method == "transform" and not isinstance(plain, MolGraphs)
        matrix = framed and not sp.issparse(plain) and plain.ndim == 2
        assert isinstance(values, frame) == matrix
        values = values.to_numpy() if matrix else values
        assert_same(values, plain, rtol=1e-5, atol=1e-5)


@featurizers
def test_set_output(make, smiles):
    model = make()
    if not hasattr(model, "get_feature_names_out"):
        assert not hasattr(model, "set_output")
        return
    series = pd.Series(smiles, index=np.arange(len(smiles))[::-1] + 3, name="smiles")
    found = model.set_output(transform="pandas").fit_transform(series)
    assert found.index.tolist() == series.index.tolist()
    assert found.columns.tolist() == model.get_feature_names_out().tolist()
    assert len(set(found.columns)) == found.shape[1]


@pipelines
def test_frames_between_steps(make, smiles):
    model = make()
    X, y = data(model, smiles)
    expected = outputs(clone(model).fit(X, y), X)
    if hasattr(model[0], "set_output"):
        model[0].set_output(transform="pandas")
    assert_same(outputs(model.fit(X, y), X), expected)
