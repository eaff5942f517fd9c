"""Embeddings by pretrained weights."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import skchem_dl
from skchem_dl import MolGraphizer, RDKitDescriptors
from skchem_dl.exceptions import InvalidMoleculeError, InvalidMoleculeWarning
from skchem_dl.pretraining import PretrainedEmbedder


def test_embeddings_are_those_of_the_pretrainer(pretrainer, molecules):
    X = molecules[0]
    embedded = PretrainedEmbedder(pretrainer, batch_size=50).fit_transform(X)
    np.testing.assert_allclose(embedded, pretrainer.transform(X), atol=1e-6)
    graphs = MolGraphizer().fit_transform(X)
    np.testing.assert_array_equal(
        PretrainedEmbedder(pretrainer, batch_size=50).fit(graphs).transform(graphs), embedded
    )


def test_invalid_molecules(pretrainer):
    with pytest.raises(InvalidMoleculeError, match="row 1"):
        PretrainedEmbedder(pretrainer).transform(["CCO", "C("])
    embedder = PretrainedEmbedder(pretrainer, on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning):
        rows = embedder.transform(["CCO", "C(", "C"])
    assert np.isnan(rows).all(axis=1).tolist() == [False, True, False]
    with pytest.warns(InvalidMoleculeWarning):
        assert np.isnan(embedder.transform(["C("])).all()


def test_wrong_parameters_are_refused(pretrainer):
    with pytest.raises(ValueError, match="batch_size"):
        PretrainedEmbedder(pretrainer, batch_size=0).fit(["C"])
    with pytest.raises(ValueError, match="pretrained=None; expected the name of weights"):
        PretrainedEmbedder(None).fit(["C"])


def test_a_saved_pipeline_predicts_the_same(pretrainer, molecules, tmp_path):
    X, y = molecules
    model = make_pipeline(PretrainedEmbedder(pretrainer.weights_), Ridge()).fit(X, y)
    skchem_dl.save(model, tmp_path / "model.skchem")
    again = skchem_dl.load(tmp_path / "model.skchem")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model)[0].pretrained is model[0].pretrained


def test_a_saved_embedder_does_not_need_the_file_of_weights(pretrainer, molecules, tmp_path):
    path = tmp_path / "weights.skchem"
    skchem_dl.save(pretrainer.weights_, path)
    embedder = PretrainedEmbedder(path)
    expected = embedder.transform(molecules[0])
    skchem_dl.save(embedder, tmp_path / "embedder.skchem")
    path.unlink()
    loaded = skchem_dl.load(tmp_path / "embedder.skchem")
    np.testing.assert_array_equal(loaded.transform(molecules[0]), expected)


def test_molecule_features_are_no_part_of_the_embedding(pretrainer, molecules):
    X = molecules[0]
    graphs = MolGraphizer(molecule_features=RDKitDescriptors(["TPSA"])).fit_transform(X)
    found = PretrainedEmbedder(pretrainer).transform(graphs)
    np.testing.assert_allclose(found, pretrainer.transform(X), atol=1e-6)


def test_clones_keep_the_output_container(pretrainer):
    embedder = PretrainedEmbedder(pretrainer).set_output(transform="pandas")
    frame = clone(embedder).fit_transform(["CCO", "C"])
    assert frame.columns[0] == "embedding0"


def test_the_weights_of_the_package_predict_solubility(molecules):
    X, y = molecules
    model = make_pipeline(PretrainedEmbedder(), Ridge(1000.0)).fit(X[:80], y[:80])
    assert model.score(X[80:], y[80:]) > 0.5
