"""Search by molecules against RDKit's similarities."""

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from sklearn.exceptions import NotFittedError

from skchem_dl import InvalidMoleculeError, MolGraphizer, MorganFingerprinter
from skchem_dl.similarity import SimilaritySearch

QUERIES = ["CC(=O)Oc1ccccc1C(=O)O", "CCO", "c1ccc2ccccc2c1"]


@pytest.mark.parametrize("counts", [False, True])
def test_equal_to_rdkit(molecules, counts):
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    make = generator.GetCountFingerprint if counts else generator.GetFingerprint
    vectors = [make(Chem.MolFromSmiles(text)) for text in molecules]
    featurizer = MorganFingerprinter(counts=True) if counts else None
    found = SimilaritySearch(4, featurizer=featurizer).fit(molecules).nearest(QUERIES)
    assert found.indices.shape == found.similarities.shape == (3, 4)
    for query, rows, similarities in zip(QUERIES, *found, strict=True):
        expected = DataStructs.BulkTanimotoSimilarity(make(Chem.MolFromSmiles(query)), vectors)
        order = np.argsort(-np.array(expected), kind="stable")[:4]
        assert np.array_equal(rows, order)
        assert similarities.tolist() == [expected[row] for row in order]
    assert (np.diff(found.similarities) <= 0).all()


def test_number_of_neighbours(molecules):
    search = SimilaritySearch().fit(molecules)
    assert search.nearest(QUERIES).indices.shape == (3, 5)
    few, many = search.nearest(QUERIES, 2), search.nearest(QUERIES, 428)
    assert np.array_equal(many.indices[:, :2], few.indices)
    with pytest.raises(ValueError, match="n_neighbors = 429, n_samples_fit = 428"):
        search.nearest(QUERIES, 429)
    with pytest.raises(ValueError, match="'n_neighbors' parameter of SimilaritySearch"):
        SimilaritySearch(0).fit(molecules)


def test_a_molecule_finds_itself(molecules):
    found = SimilaritySearch(1).fit(molecules).nearest(pd.Series(molecules, index=range(5, 433)))
    assert (found.similarities == 1).all()
    # But for those that have a twin with the same fingerprint before them.
    assert (found.indices[:, 0] == np.arange(428)).mean() > 0.9


def test_invalid_molecules_raise(molecules):
    with pytest.raises(InvalidMoleculeError, match="1 of 2 rows"):
        SimilaritySearch(1).fit(["CCO", "C("])
    with pytest.raises(InvalidMoleculeError, match="1 of 2 rows"):
        SimilaritySearch(1).fit(["CCO"]).nearest(["CCO", None])
    with pytest.raises(ValueError, match="'on_invalid' parameter of SimilaritySearch"):
        SimilaritySearch(on_invalid="drop").fit(molecules)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@pytest.mark.parametrize("featurizer", [None, MorganFingerprinter()])
def test_invalid_molecules_keep_their_rows(molecules, featurizer):
    expected = SimilaritySearch(3).fit(molecules).nearest(QUERIES)
    search = SimilaritySearch(3, featurizer=featurizer, on_invalid="nan")
    search.fit([None, *molecules[:100], "C(", *molecules[100:]])
    found = search.nearest([QUERIES[0], "oops", *QUERIES[1:]])
    shifted = expected.indices + 1 + (expected.indices >= 100)
    assert np.array_equal(found.indices[[0, 2, 3]], shifted)
    assert np.array_equal(found.similarities[[0, 2, 3]], expected.similarities)
    assert (found.indices[1] == -1).all()
    assert np.isnan(found.similarities[1]).all()
    assert (search.nearest(["oops"]).indices == -1).all()
    with pytest.raises(ValueError, match=r"None of the 2 row\(s\) is a valid molecule"):
        search.fit(["C(", None])
    assert featurizer is None or featurizer.on_invalid == "raise"


def test_what_makes_no_fingerprints(molecules):
    with pytest.raises((TypeError, ValueError)):
        SimilaritySearch(featurizer=MolGraphizer()).fit(molecules)
    with pytest.raises(ValueError, match="'featurizer' parameter of SimilaritySearch"):
        SimilaritySearch(featurizer="morgan").fit(molecules)
    with pytest.raises(NotFittedError):
        SimilaritySearch().nearest(QUERIES)


@pytest.mark.parametrize("k", [0, 2.5, "3", 99])
def test_numbers_of_neighbours_that_cannot_be(k):
    search = SimilaritySearch(1).fit(["CCO", "CC", "c1ccccc1"])
    with pytest.raises(ValueError, match="n_neighbors"):
        search.nearest(["CCO"], k)
