"""scikit-learn's global settings: metadata routing, pandas and polars output."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from cases import (
    assert_same,
    data,
    everything,
    featurizers,
    neural,
    outputs,
    pipelines,
    supervised,
    target,
)
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skchem_dl import MolGraphs, MolStandardizer


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
    """Features come as frames, SMILES too; graphs, sparse matrices, predictions stay themselves."""
    model = make()
    X, y = data(model, smiles)
    expected = outputs(clone(model).fit(X, y), X)
    with config_context(transform_output=container):
        found = outputs(model.fit(X, y), X)
    for method, values in found.items():
        plain = expected[method]
        framed = method == "transform" and not isinstance(plain, MolGraphs)
        framed = framed and not sp.issparse(plain)
        assert isinstance(values, frame) == framed
        values = values.to_numpy().astype(plain.dtype).reshape(plain.shape) if framed else values
        assert_same(values, plain, rtol=1e-5, atol=1e-5)


@featurizers
def test_set_output(make, smiles):
    """Also behind a standardizer, whose own frame keeps the index and the name."""
    series = pd.Series(smiles, index=np.arange(len(smiles))[::-1] + 3, name="structure")
    for model in (make(), make_pipeline(MolStandardizer(), make())):
        found = model.set_output(transform="pandas").fit_transform(series)
        names = model.get_feature_names_out().tolist()
        if isinstance(found, MolGraphs):
            assert names == []
            continue
        assert found.index.tolist() == series.index.tolist()
        assert found.columns.tolist() == names
        assert len(set(names)) == found.shape[1]


@pipelines
@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@pytest.mark.parametrize(
    ("container", "frame", "series"),
    [("pandas", pd.DataFrame, pd.Series), ("polars", pl.DataFrame, pl.Series)],
)
def test_frames_between_all_steps(make, container, frame, series, smiles):
    """From the standardizer to the last step, with an invalid molecule on the way."""
    steps = make().set_params(featurizer__on_invalid="nan").steps
    model = Pipeline([("standardizer", MolStandardizer(on_invalid="nan")), *steps])
    X = [*smiles, "C("]
    y = target(model, X)
    expected = outputs(clone(model).fit(X, y), X)
    found = outputs(model.set_output(transform=container).fit(series(X), y), series(X))
    if "transform" in found:
        assert isinstance(found["transform"], frame)
        assert list(found["transform"].columns) == model.get_feature_names_out().tolist()
    for method, values in found.items():  # scikit-learn computes with some frames in float64
        dtype = np.asarray(expected[method]).dtype
        assert_same(np.asarray(values).astype(dtype), expected[method], rtol=1e-4, atol=1e-4)
