"""A small pretrained network."""

import numpy as np
import pytest

from skchem_dl.datasets import load_solubility
from skchem_dl.pretraining import MolGNNPretrainer


@pytest.fixture(scope="session")
def molecules():
    """Some hundred drug-like molecules and their solubilities."""
    X, y = load_solubility(subset="test", return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:120]
    return [X[row] for row in rows], y[rows]


@pytest.fixture(scope="session")
def pretrainer(molecules):
    """A fitted pretrainer; tests must not change it."""
    return MolGNNPretrainer(
        hidden_dim=16,
        descriptors=["MolLogP", "TPSA", "MolWt", "RingCount"],
        fp_size=64,
        max_epochs=40,
        batch_size=16,
        lr=5e-3,
        validation_fraction=0.1,
        random_state=0,
    ).fit(molecules[0])
