"""Real fingerprints, and the same as RDKit's objects."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import load_solubility

FP_SIZE = 512


@pytest.fixture(scope="session")
def molecules():
    return load_solubility().data[::3].tolist()


@pytest.fixture(scope="session")
def fingerprints(molecules):
    return MorganFingerprinter(fp_size=FP_SIZE).fit_transform(molecules)


@pytest.fixture(scope="session")
def counts(molecules):
    return MorganFingerprinter(fp_size=FP_SIZE, counts=True).fit_transform(molecules)


def with_invalid_rows(fingerprints, rows):
    """Put rows of NaN where the given rows of the result are."""
    valid = np.ones(len(fingerprints) + len(rows), dtype=bool)
    valid[rows] = False
    spread = np.full((len(valid), fingerprints.shape[1]), np.nan, dtype=np.float32)
    spread[valid] = fingerprints
    return spread, valid


def rdkit_fingerprints(molecules, counts=False):
    generator = GetMorganGenerator(radius=2, fpSize=FP_SIZE)
    make = generator.GetCountFingerprint if counts else generator.GetFingerprint
    return [make(Chem.MolFromSmiles(text)) for text in molecules]
