"""Graph networks of every kind as estimators."""

import numpy as np
import pytest
import torch

import skchem_dl
from skchem_dl import MolGNNClassifier, MolGNNRegressor, MolGraphizer
from skchem_dl.datasets import load_nci
from skchem_dl.nn import CONVS, READOUTS

every_conv = pytest.mark.parametrize("conv", CONVS)


def small(**options):
    options = {"hidden_dim": 8, "head_dims": (8,), "max_epochs": 2, "batch_size": 8, **options}
    return MolGNNRegressor(random_state=0, lr=0.01, **options)


@pytest.fixture
def graphs(smiles):
    return MolGraphizer().fit_transform(smiles)


@pytest.fixture
def lengths(smiles):
    return np.array([len(text) for text in smiles], dtype=np.float64)


@every_conv
def test_same_seed_same_model(conv, graphs, lengths):
    options = {"conv": conv, "dropout": 0.2, "virtual_node": True, "readout": "set2set"}
    one, other = (small(**options).fit(graphs, lengths) for _ in range(2))
    assert np.array_equal(one.predict(graphs), other.predict(graphs))
    weights, others = one.module_.state_dict(), other.module_.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    changed = small(**options).set_params(random_state=1).fit(graphs, lengths)
    assert not np.array_equal(one.predict(graphs), changed.predict(graphs))


@every_conv
def test_learns(conv, graphs, lengths):
    model = small(conv=conv, readout="sum", max_epochs=30).fit(graphs, lengths)
    assert model.score(graphs, lengths) > 0.8


@every_conv
def test_bfloat16(conv, graphs, lengths):
    model = small(conv=conv, readout="sum", precision="bfloat16", max_epochs=30)
    assert model.fit(graphs, lengths).score(graphs, lengths) > 0.7


@every_conv
def test_save_and_load(conv, graphs, lengths, tmp_path):
    model = small(conv=conv, skip="gated", readout_dim=5, batch_norm=True).fit(graphs, lengths)
    skchem_dl.save(model, tmp_path / "model.skchem")
    loaded = skchem_dl.load(tmp_path / "model.skchem")
    assert np.array_equal(loaded.predict(graphs), model.predict(graphs))
    assert model.embed(graphs).shape == (len(graphs), 5)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@every_conv
def test_invalid_molecules(conv, smiles, lengths):
    graphs = MolGraphizer(on_invalid="nan").transform(["no molecule", *smiles, "nor this"])
    y = np.concatenate([[np.nan], lengths, [0.0]])
    model = small(conv=conv, readout="attention").fit(graphs, y)
    assert model.n_invalid_ == 2
    predicted = model.predict(graphs)
    assert np.isnan(predicted[[0, -1]]).all()
    assert np.isfinite(predicted[1:-1]).all()


def test_frozen_embeddings_stay_through_fit(graphs, lengths):
    short, long = (
        small(conv="gine", freeze_embedding=True, weight_decay=0.1, max_epochs=n)
        .fit(graphs, lengths)
        .module_.state_dict()
        for n in (1, 3)
    )
    for name in short:
        stays = name in ("conv.atoms.weight", "conv.bonds.0.weight", "conv.bonds.1.weight")
        if stays or "bonds" not in name:
            assert torch.equal(short[name], long[name]) == stays, name


def test_heads_that_do_not_divide_the_width(graphs, lengths):
    with pytest.raises(ValueError, match="hidden_dim=8 cannot be shared out among n_heads=3"):
        small(conv="gat", n_heads=3).fit(graphs, lengths)


def test_the_course_model_is_one_constructor_call():
    smiles, targets = load_nci(return_X_y=True)
    graphs, targets = MolGraphizer().fit_transform(smiles[:200]), targets[:200]
    model = MolGNNRegressor(
        conv="gat",
        n_layers=6,
        n_heads=8,
        skip="gated",
        batch_norm=True,
        hidden_dim=64,
        max_epochs=2,
        random_state=0,
    ).fit(graphs, targets)
    predicted = model.predict(graphs)
    assert predicted.shape == (200, 3)
    assert np.isfinite(predicted).all()
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"]


@every_conv
def test_classifier(conv, graphs, smiles):
    labels = np.array(["c" in text for text in smiles])
    model = MolGNNClassifier(
        conv=conv, hidden_dim=8, head_dims=(8,), max_epochs=2, batch_size=8, random_state=0
    )
    probabilities = model.fit(graphs, labels).predict_proba(graphs)
    assert probabilities.shape == (len(smiles), 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)


def test_a_conv_and_a_readout_that_are_registered_later(graphs, lengths, monkeypatch):
    monkeypatch.setitem(CONVS, "mine", CONVS["gcn"])
    monkeypatch.setitem(READOUTS, "ours", READOUTS["sum"])
    mine = small(conv="mine", readout="ours").fit(graphs, lengths)
    same = small(conv="gcn", readout="sum").fit(graphs, lengths)
    assert np.array_equal(mine.predict(graphs), same.predict(graphs))
