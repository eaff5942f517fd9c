"""What the tests of all displays share."""

import matplotlib
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_mlp_pipeline


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def molecules():
    """Sixty measured molecules, the third of which is broken, and the fifth not measured."""
    X, y = (values[:60].copy() for values in load_solubility(subset="test", return_X_y=True))
    X[2] = "C1CC"
    y[4] = float("nan")
    return X, y


@pytest.fixture(scope="session")
def ensemble():
    """Two small networks that leave out broken SMILES."""
    X, y = (values[:80] for values in load_solubility(subset="train", return_X_y=True))
    model = make_mlp_pipeline(
        hidden_dims=(16,), n_members=2, max_epochs=5, on_invalid="nan", random_state=0
    )
    return model.fit(X, y)


@pytest.fixture
def as_png(tmp_path):
    """Write a figure to a file and give it back as pixels."""

    def write(figure):
        path = tmp_path / "figure.png"
        figure.savefig(path, dpi=60)
        pixels = plt.imread(path)
        assert pixels.std() > 0  # something is drawn
        return pixels

    return write
