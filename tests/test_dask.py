"""On a cluster of two worker processes all is as in one, to the bit."""

import logging

import joblib
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score

from skchem_dl import (
    InvalidMoleculeError,
    MolGNNRegressor,
    MolGraphizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.callbacks import log_search
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*their ends are cut off")]
SPLITS = KFold(2, shuffle=True, random_state=0)
TRAINING = {"max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def cluster():
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def on_cluster(cluster):
    """Run what is in a ``with`` on the cluster; outside, torch has one thread as the workers do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield lambda: joblib.parallel_config(backend="dask")
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def molecules():
    X, y = load_solubility(return_X_y=True)
    return X[::10], y[::10]


def events_so_far(client):
    return sum(
        len(tasks) for tasks in client.run(lambda dask_worker: dask_worker.state.log).values()
    )


def test_the_cluster_is_what_it_should_be(cluster):
    workers = cluster.scheduler_info(n_workers=-1)["workers"]
    assert len(workers) == 2
    assert all(address.startswith("tcp://127.0.0.1:") for address in workers)
    assert list(cluster.run(torch.get_num_threads).values()) == [1, 1]


@pytest.mark.parametrize(
    "featurizer",
    [
        MorganFingerprinter(sparse_output=True),
        SmilesTokenizer(),
        MolGraphizer(molecule_features=RDKitDescriptors(["TPSA"])),
    ],
    ids=lambda featurizer: type(featurizer).__name__,
)
def test_featurizers(featurizer, nci_smiles, cluster, on_cluster):
    expected = featurizer.fit_transform(nci_smiles)
    before = events_so_far(cluster)
    with on_cluster():
        found = clone(featurizer).set_params(n_jobs=2).fit_transform(nci_smiles)
    assert events_so_far(cluster) > before
    assert joblib.hash(found) == joblib.hash(expected)


def test_invalid_molecules(nci_smiles, on_cluster):
    X = [*nci_smiles, "C(", "CCO", "oops"]
    with pytest.raises(InvalidMoleculeError) as expected:
        MolGraphizer().fit_transform(X)
    with on_cluster(), pytest.raises(InvalidMoleculeError) as found:
        MolGraphizer(n_jobs=2).fit_transform(X)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("make", [make_mlp_pipeline, make_cnn_pipeline, make_gnn_pipeline])
def test_a_grid_search(make, molecules, cluster, on_cluster):
    X, y = molecules
    search = GridSearchCV(make(**TRAINING), {"estimator__lr": [1e-3, 1e-2]}, cv=SPLITS)
    serial = clone(search).fit(X, y)
    before = events_so_far(cluster)
    with on_cluster():
        search.fit(X, y)
    assert events_so_far(cluster) > before
    for name, values in serial.cv_results_.items():
        if "test_score" in name:
            assert search.cv_results_[name].tolist() == values.tolist()
    assert search.best_params_ == serial.best_params_
    np.testing.assert_array_equal(search.predict(X), serial.predict(X))


def test_graphs_made_once(molecules, on_cluster):
    X, y = molecules
    graphs = MolGraphizer().fit_transform(X)
    model = MolGNNRegressor(**TRAINING)
    expected = cross_val_score(model, graphs, y, cv=3)
    predicted = cross_val_predict(model, graphs, y, cv=3)
    with on_cluster():
        assert cross_val_score(model, graphs, y, cv=3).tolist() == expected.tolist()
        np.testing.assert_array_equal(cross_val_predict(model, graphs, y, cv=3), predicted)


def test_a_featurizer_with_jobs_inside_a_search(nci_smiles, on_cluster):
    y = np.array([len(text) for text in nci_smiles], dtype=float)
    featurizer = MorganFingerprinter(fp_size=64)
    model = make_mlp_pipeline(featurizer=featurizer, hidden_dims=(4,), **TRAINING)
    expected = cross_val_score(model, nci_smiles, y, cv=SPLITS)
    model.set_params(featurizer__n_jobs=2)
    with on_cluster():
        assert cross_val_score(model, nci_smiles, y, cv=SPLITS).tolist() == expected.tolist()


def test_a_search_with_logs_and_checkpoints(molecules, tmp_path, on_cluster):
    X, y = molecules
    model = make_mlp_pipeline(
        early_stopping=True,
        log_dir=tmp_path / "runs",
        checkpoint_dir=tmp_path / "checkpoints",
        **TRAINING,
    )
    grid = {"estimator__lr": [1e-3, 1e-2], "estimator__dropout": [0.0, 0.5]}
    search = GridSearchCV(model, grid, cv=SPLITS)
    with on_cluster():
        search.fit(X, y)
    runs = list((tmp_path / "runs").iterdir())
    assert len(runs) == 4 * 2 + 1
    for run in runs:
        assert len((run / "metrics.csv").read_text().splitlines()) == 1 + 2
        assert list(run.glob("*tfevents*"))
    names = {run.name.rpartition("-")[0] for run in runs}
    assert len(names) == 4
    assert list((tmp_path / "checkpoints").iterdir()) == []
    assert len(list(log_search(search, tmp_path / "search").glob("candidate-*"))) == 4
    serial = GridSearchCV(make_mlp_pipeline(early_stopping=True, **TRAINING), grid, cv=SPLITS)
    expected = serial.fit(X, y).cv_results_["mean_test_score"]
    assert search.cv_results_["mean_test_score"].tolist() == expected.tolist()
