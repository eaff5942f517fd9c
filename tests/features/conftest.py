"""Every featuriser, for the tests of what they have in common."""

import numpy as np
import pytest
import scipy.sparse as sp

from skchem_dl import (
    MolFeatureUnion,
    MolGraphizer,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.features import _parallel

FEATURIZERS = [
    MorganFingerprinter(fp_size=64, include_chirality=True),
    MorganFingerprinter(fp_size=64, counts=True, sparse_output=True),
    RDKitDescriptors(["HeavyAtomCount", "MolLogP", "MaxPartialCharge"]),
    SmilesTokenizer(),
    MolGraphizer(),
    MolStandardizer(),
    MolFeatureUnion(
        [
            ("fingerprint", MorganFingerprinter(fp_size=32, counts=True)),
            ("few", RDKitDescriptors(["HeavyAtomCount", "MaxPartialCharge"])),
        ]
    ),
]


@pytest.fixture(params=FEATURIZERS, ids=repr)
def featurizer(request):
    return request.param


@pytest.fixture
def few_are_enough(monkeypatch):
    """Let worker processes do however little there is."""
    monkeypatch.setattr(_parallel, "_LEAST_WORK", 0.0)
    monkeypatch.setattr(_parallel, "_LEAST_WORK_TO_START", 0.0)


@pytest.fixture
def same():
    """Compare the rows of any featuriser, bit for bit."""
    return _same


def _same(one, other):
    if sp.issparse(one):
        one, other = one.toarray(), other.toarray()
    if isinstance(one, np.ndarray):
        with_nan = one.dtype.kind == "f"
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=with_nan)
    return one == other


@pytest.fixture
def same_graphs():
    """Compare graphs whose bonds may be in another order."""
    return lambda one, other: all(map(np.array_equal, _sorted_bonds(one), _sorted_bonds(other)))


def _sorted_bonds(graphs):
    molecule = np.repeat(np.arange(len(graphs)), graphs.n_bonds)
    ends = np.sort(graphs.bond_atoms, axis=1)
    order = np.lexsort((ends[:, 1], ends[:, 0], molecule))
    return [graphs.n_atoms, graphs.atom_codes, ends[order], graphs.bond_codes[order]]
