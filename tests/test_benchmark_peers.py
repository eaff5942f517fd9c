"""What the benchmarks set beside our networks is the same network, trained by the same steps."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.peers.with_torch import (
    MLP,
    PaddedCNN,
    bare_fit,
    fingerprints,
    padded,
    scaled,
    skorch_net,
)
from benchmarks.subjects import accuracy
from benchmarks.suite import results
from benchmarks.suite.subject import OURS, Case, Outcome
from skchem_dl import (
    FingerprintMLPRegressor,
    MorganFingerprinter,
    SmilesCNNRegressor,
    SmilesTokenizer,
)
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import ScaffoldShuffleSplit

N, EPOCHS = 64, 5
SMILES, Y = load_solubility(return_X_y=True)
SMILES, Y = list(SMILES[:N]), Y[:N]
# One batch of everything and no dropout: then only the network and the steps matter.
SAME = {
    "dropout": 0.0,
    "lr_schedule": "constant",
    "weight_decay": 0.0,
    "batch_size": N,
    "random_state": 0,
}


def start_like(network, estimator, X):
    """Copy the weights that our estimator begins with; both list them in the same order."""
    untrained = estimator.set_params(lr=1e-30, max_epochs=1).fit(X, Y).module_
    with torch.no_grad():
        for theirs, ours in zip(network.parameters(), untrained.parameters(), strict=True):
            # The first layer of our MLP is stored transposed.
            theirs.copy_(ours if ours.shape == theirs.shape else ours.T)
    estimator.set_params(lr=1e-3, max_epochs=EPOCHS)
    return network


def unscaled(outputs):
    return np.asarray(outputs).ravel() * Y.std() + Y.mean()


@pytest.mark.parametrize("counts", [False, True])
def test_fingerprints_are_ours(counts):
    expected = MorganFingerprinter(counts=counts).transform(SMILES)
    np.testing.assert_array_equal(fingerprints(SMILES, counts), expected)


def test_mlp_is_trained_by_our_steps():
    X = fingerprints(SMILES)
    ours = FingerprintMLPRegressor(hidden_dims=(1024, 256), **SAME)
    network = start_like(MLP(dropout=0.0), ours, X)
    started = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    rows = torch.from_numpy(X)
    bare = bare_fit(network, rows.__getitem__, Y, N, EPOCHS)
    expected = ours.fit(X, Y).predict(X)
    assert np.abs(expected - Y).mean() < np.abs(Y.mean() - Y).mean()  # it did learn
    np.testing.assert_allclose(unscaled(bare(rows).detach()), expected, atol=1e-3)

    net = skorch_net(EPOCHS, batch_size=N, dropout=0.0).initialize()
    net.module_.load_state_dict(started)
    net.partial_fit(X, scaled(Y).numpy())
    np.testing.assert_allclose(unscaled(net.predict(X)), expected, atol=1e-3)


def test_cnn_is_trained_by_our_steps():
    X = SmilesTokenizer().fit_transform(SMILES)
    ours = SmilesCNNRegressor(**SAME)
    network = start_like(PaddedCNN(int(X.max()) + 1, dropout=0.0), ours, X)
    batch = padded(X)
    bare = bare_fit(network, batch, Y, N, EPOCHS)
    expected = ours.fit(X, Y).predict(X)
    assert np.abs(expected - Y).mean() < np.abs(Y.mean() - Y).mean()
    np.testing.assert_allclose(unscaled(bare(batch(range(N))).detach()), expected, atol=1e-3)


def test_scaffold_split_is_deepchems():
    case = Case(Path(), {"data_set": "any", "split": "scaffold"}, 1)
    case.__dict__["smiles"] = SMILES
    expected = next(ScaffoldShuffleSplit(1, shuffle=False).split(SMILES))
    for found, rows in zip(accuracy.rows_of(case), expected, strict=True):
        np.testing.assert_array_equal(np.sort(found), rows)


def test_a_finished_fit_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy, "KEPT", tmp_path / "results" / "kept.jsonl")
    done = []

    def work():
        done.append(1)
        return Outcome(0.5, 12.0)

    def broken():
        raise KeyboardInterrupt

    key = {"data_set": "esol", "split": "fold 0"}
    made = f"{date.today().isoformat()} ({results.cpu()})"
    found = [accuracy.kept_or(key, work) for _ in range(2)]
    assert found == 2 * [Outcome(0.5, 12.0, made)]
    assert len(done) == 1
    with pytest.raises(KeyboardInterrupt):
        accuracy.kept_or({**key, "split": "fold 1"}, broken)
    accuracy.kept_or({**key, "split": "fold 2"}, work)
    lines = [json.loads(line) for line in accuracy.KEPT.read_text().splitlines()]
    assert [line["key"]["split"] for line in lines] == ["fold 0", "fold 2"]


def test_a_fit_of_other_data_is_another(tmp_path):
    case = Case(tmp_path, {"data_set": "esol", "split": "fold 0"}, 1)
    keys = []
    for text in ("smiles\nC\n", "smiles\nCC\n"):
        (tmp_path / "esol.csv").write_text(text)
        keys += [accuracy._key(case, "boosted trees", name) for name in (OURS, "chemprop")]
    assert len({json.dumps(key) for key in keys}) == 4


def test_a_fit_is_measured_on_the_molecules_left_out():
    case = Case(Path(), {"data_set": "any", "split": "fold 1"}, 1)
    case.__dict__.update(smiles=SMILES, y=Y)
    train, test = accuracy.rows_of(case)

    def fit(smiles, y):
        assert smiles == [SMILES[i] for i in train]
        return lambda texts: Y[[SMILES.index(text) for text in texts]] + 0.25

    found = accuracy.measure(case, fit)
    assert found.value == pytest.approx(0.25) and found.seconds >= 0
    assert sorted([*train, *test]) == list(range(N))
