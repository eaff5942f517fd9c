"""Clusters and maps from SMILES."""

import numpy as np
import pandas as pd
import pytest
from processes import Forked
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors

from skchem_dl import InvalidMoleculeError, MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import butina_groups
from skchem_dl.pipelines import SkipInvalidRows, make_butina_pipeline, make_tsne_pipeline

pytestmark = pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")


@pytest.fixture(scope="module")
def molecules():
    return load_solubility().data[::8].tolist()


def test_butina_clusters_are_the_groups(molecules):
    some = ["C(", *molecules, None]
    pipeline = make_butina_pipeline(on_invalid="nan", distance_threshold=0.5)
    labels = pipeline.fit_predict(some)
    assert np.array_equal(labels, butina_groups(some, distance_threshold=0.5))
    assert labels[[0, -1]].tolist() == [-1, -1]
    centers = pipeline["estimator"].cluster_center_indices_
    assert labels[centers].tolist() == list(range(pipeline["estimator"].n_clusters_))
    with pytest.raises(InvalidMoleculeError, match="2 of"):
        make_butina_pipeline().fit(some)


def test_similar_molecules_are_near_each_other_on_the_map(molecules):
    places = make_tsne_pipeline(perplexity=10, random_state=0).fit_transform(molecules)
    assert places.shape == (len(molecules), 2)
    bits = MorganFingerprinter().transform(molecules).astype(bool)
    neighbors = NearestNeighbors(metric="jaccard", algorithm="brute").fit(bits)
    nearest = neighbors.kneighbors(n_neighbors=1, return_distance=False)[:, 0]
    across = np.linalg.norm(places[:, None] - places, axis=2)
    assert np.median(across[np.arange(len(places)), nearest]) < np.median(across) / 5
    assert trustworthiness(bits, places, metric="jaccard") > 0.85


def test_invalid_molecules_have_no_place(molecules):
    settings = {"perplexity": 5, "random_state": 0, "max_iter": 250}
    expected = make_tsne_pipeline(**settings).fit_transform(molecules[:40])
    some = [*molecules[:7], "C(", *molecules[7:40], None]
    pipeline = make_tsne_pipeline(on_invalid="nan", **settings)
    places = pipeline.fit_transform(some)
    invalid = np.isnan(places).all(axis=1)
    assert np.flatnonzero(invalid).tolist() == [7, 41]
    np.testing.assert_array_equal(places[~invalid], expected)
    # `fit` alone keeps the map of the valid ones.
    fitted = pipeline.fit(some)["estimator"].estimator_
    np.testing.assert_array_equal(fitted.embedding_, expected)


def test_the_map_has_no_place_for_new_molecules(molecules):
    pipeline = make_tsne_pipeline(perplexity=5, max_iter=250).fit(molecules[:20])
    assert not hasattr(pipeline, "transform")
    with pytest.raises(AttributeError, match="transform"):
        pipeline.transform(molecules)


def test_the_map_as_a_frame(molecules):
    pipeline = make_tsne_pipeline(perplexity=5, max_iter=250, on_invalid="nan", random_state=0)
    series = pd.Series([*molecules[:20], "C("], index=range(50, 71))
    plain = pipeline.fit_transform(series)
    frame = pipeline.set_output(transform="pandas").fit_transform(series)
    assert frame.columns.tolist() == ["tsne0", "tsne1"]
    assert frame.index.tolist() == series.index.tolist()
    np.testing.assert_array_equal(frame.to_numpy(), plain)


def test_skip_invalid_rows_has_what_the_map_has():
    wrapped = SkipInvalidRows(TSNE())
    for method in ("fit", "fit_transform", "set_output"):
        assert hasattr(wrapped, method)
    for method in ("transform", "predict", "fit_predict"):
        assert not hasattr(wrapped, method)


UMAP = """
import warnings
import numpy as np
from sklearn.pipeline import make_pipeline
from umap import UMAP
from skchem_dl import InvalidMoleculeWarning, MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import SkipInvalidRows
warnings.simplefilter("ignore", InvalidMoleculeWarning)
molecules = load_solubility().data[:40].tolist()
reducer = UMAP(n_neighbors=10, n_epochs=20, metric="cosine", random_state=0, n_jobs=1)
pipeline = make_pipeline(MorganFingerprinter(on_invalid="nan"), SkipInvalidRows(reducer))
places = pipeline.fit_transform([*molecules, "C("])
assert np.isfinite(places[:-1]).all()
assert np.isnan(places[-1]).all()
assert pipeline.transform(molecules[:3]).shape == (3, 2)
"""


@pytest.mark.slow
def test_umap_is_a_step_as_it_is():
    pytest.importorskip("umap")
    # Numba takes longer to compile than to do it in Python.
    ended = Forked(UMAP, NUMBA_DISABLE_JIT="1").wait()
    assert (ended.returncode, ended.stderr) == (0, "")
