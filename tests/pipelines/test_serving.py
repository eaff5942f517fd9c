"""Pipelines as services use them: one molecule a call, over and over, from several threads."""

import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline

# A few molecules have not all tokens of others.
pytestmark = pytest.mark.filterwarnings("ignore:.* SMILES have more than 20% tokens")

SMALL = {
    make_mlp_pipeline: {"hidden_dims": (16,)},
    make_cnn_pipeline: {"n_filters": 8, "head_dims": (8,)},
    make_gnn_pipeline: {"hidden_dim": 16, "head_dims": (8,)},
}


@pytest.fixture(scope="module", params=SMALL, ids=["mlp", "cnn", "gnn"])
def served(request):
    """A fitted pipeline and molecules that it has not seen."""
    X, y = load_solubility(return_X_y=True)
    options = {**SMALL[request.param], "on_invalid": "nan", "max_epochs": 1, "random_state": 0}
    others = [text for text in X[100:200] if len(text) <= 20]  # the CNN warns of longer ones
    return request.param(**options).fit(X[:60], y[:60]), others[:50]


def test_one_at_a_time_as_all_at_once(served):
    model, smiles = served
    one_by_one = np.concatenate([model.predict([text]) for text in smiles])
    np.testing.assert_allclose(one_by_one, model.predict(smiles), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_eight_threads(served):
    model, smiles = served
    calls = [[text] for text in [*smiles, "no molecule", "C1CC", ""]] * 2
    expected = [model.predict(call) for call in calls]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(model.predict, calls))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_memory_does_not_grow(served):
    model, smiles = served

    def traced():
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        for text in smiles * 2:
            model.predict([text])
        before = traced()
        for text in smiles * 20:
            model.predict([text])
        grown = traced() - before
    finally:
        tracemalloc.stop()
    assert grown < 100_000  # a hundred bytes a call: nothing that a call works with is kept
