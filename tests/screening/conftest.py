"""A model that is fast, and files to predict."""

import csv
import gzip
import os

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import load_solubility

# Rows that are no molecules, with RDKit's reasons or ours.
INVALID = {
    "": "empty string",
    "C(": "syntax error around position 2",
    "c1cccc1": "Can't kekulize mol.  Unkekulized atoms: 0 1 2 3 4",
    "CC ethane": "text after the SMILES, from position 3; pass the SMILES alone",
}


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk():
    """Most of the time of small files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session")
def model():
    """A ridge regression on fingerprints."""
    X, y = load_solubility(subset="test", return_X_y=True)
    return make_pipeline(MorganFingerprinter(fp_size=64), Ridge()).fit(X, y)


@pytest.fixture
def write_csv(tmp_path):
    def write(rows, name="in.csv", **options):
        path = tmp_path / name
        with (gzip.open if name.endswith(".gz") else open)(path, "wt", newline="") as file:
            csv.writer(file, **options).writerows(rows)
        return path

    return write


def read_csv(path, delimiter=","):
    """Return the rows of a file, the header first."""
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rt", newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=delimiter, strict=True))


def close(texts, numbers):
    """Say whether texts are these numbers, but for the last digits of a float32."""
    return np.allclose([float(text) for text in texts], numbers, rtol=1e-5, atol=1e-5)
