"""Pretraining on molecules alone."""

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from sklearn.base import clone

import skchem_dl
from skchem_dl import MolGNNRegressor, MolGraphizer
from skchem_dl.exceptions import InvalidMoleculeError, InvalidMoleculeWarning
from skchem_dl.nn import GraphBatch
from skchem_dl.pretraining import MolGNNPretrainer


def quick(pretrainer, **params):
    return clone(pretrainer).set_params(max_epochs=2, **params)


def weights_of(model):
    return model.weights_.arrays


def assert_same_weights(one, other):
    assert weights_of(one).keys() == weights_of(other).keys()
    for name, values in weights_of(one).items():
        np.testing.assert_array_equal(values, weights_of(other)[name], err_msg=name)


def test_descriptors_of_held_out_molecules_are_learned(pretrainer):
    assert pretrainer.history_[-1]["valid_r2"] > 0.8
    assert pretrainer.history_[0]["valid_r2"] < 0.5
    assert pretrainer.descriptors_.tolist() == ["MolLogP", "TPSA", "MolWt", "RingCount"]
    assert pretrainer.n_iter_ == 40 and pretrainer.n_invalid_ == 0


def test_embeddings_have_a_row_for_each_molecule(pretrainer, molecules):
    embedded = pretrainer.transform(molecules[0][:5])
    assert embedded.shape == (5, pretrainer.embedding_dim_) == (5, 16)
    assert embedded.dtype == np.float32
    assert list(pretrainer.get_feature_names_out()[:2]) == ["embedding0", "embedding1"]
    mols = [Chem.MolFromSmiles(text) for text in molecules[0][:5]]
    np.testing.assert_array_equal(pretrainer.transform(mols), embedded)


def test_the_same_seed_gives_the_same_weights(pretrainer, molecules):
    one, other = (quick(pretrainer).fit(molecules[0]) for _ in range(2))
    assert_same_weights(one, other)
    third = quick(pretrainer, random_state=1).fit(molecules[0])
    assert not np.array_equal(one.transform(["CCO"]), third.transform(["CCO"]))


def test_invalid_molecules_are_left_out(pretrainer, molecules):
    with_invalid = ["C(", *molecules[0], None]
    with pytest.raises(InvalidMoleculeError, match="row 0"):
        quick(pretrainer).fit(with_invalid)
    model = quick(pretrainer, on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning, match="2 of 122 rows"):
        model.fit(with_invalid)
    assert model.n_invalid_ == 2
    assert_same_weights(model, quick(pretrainer).fit(molecules[0]))
    with pytest.warns(InvalidMoleculeWarning):
        assert np.isnan(model.transform(["CCO", "C("])).all(axis=1).tolist() == [False, True]


def test_too_few_molecules_are_refused(pretrainer):
    with pytest.raises(ValueError, match=r"1 valid molecule\(s\); expected at least 2"):
        quick(pretrainer).fit(["CCO"])


def test_fp_size_has_to_be_a_multiple_of_8(pretrainer, molecules):
    with pytest.raises(ValueError, match="fp_size=63; expected a multiple of 8"):
        quick(pretrainer, fp_size=63).fit(molecules[0])


def test_without_fingerprint_and_validation(pretrainer, molecules):
    model = quick(pretrainer, fp_size=0, validation_fraction=0.0).fit(molecules[0])
    assert "valid_loss" not in model.history_[-1]
    assert model.module_.head[1].out_features == 4


def test_a_saved_pretrainer_is_the_same(pretrainer, molecules, tmp_path):
    skchem_dl.save(pretrainer, tmp_path / "model.skchem")
    loaded = skchem_dl.load(tmp_path / "model.skchem")
    assert_same_weights(pretrainer, loaded)
    np.testing.assert_array_equal(
        loaded.transform(molecules[0][:9]), pretrainer.transform(molecules[0][:9])
    )
    assert loaded.weights_.card["n_molecules"] == 120


def test_warm_start_continues(pretrainer, molecules):
    model = clone(pretrainer).set_params(max_epochs=5, warm_start=True).fit(molecules[0])
    before = model.history_[-1]["valid_loss"]
    model.fit(molecules[0])
    assert model.history_[0]["valid_loss"] < before


def test_pretraining_continues_from_other_weights(pretrainer, molecules):
    continued = MolGNNPretrainer(
        pretrained=pretrainer, descriptors=["MolMR"], max_epochs=2, random_state=0
    ).fit(molecules[0])
    assert continued.weights_.architecture == pretrainer.weights_.architecture
    assert continued.embedding_dim_ == pretrainer.embedding_dim_
    start = pretrainer.weights_.arrays["projection.weight"]
    end = continued.weights_.arrays["projection.weight"] * continued.embedding_scale_[:, None]
    assert 0 < np.abs(end - start).max() < 0.2


def test_a_sorted_collection_is_sampled(pretrainer, molecules, monkeypatch):
    monkeypatch.setattr("skchem_dl.pretraining._pretrainer._MOST_HELD_OUT", 40)
    X = sorted(molecules[0], key=len)
    model = quick(pretrainer, validation_fraction=0.0).fit(X)
    assert np.abs(model.transform(X).mean(axis=0)).max() < 0.6


def test_ctrl_c_leaves_the_pretrainer_fitted(pretrainer, molecules):
    from skorch.callbacks import Callback

    class Interrupt(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    model = clone(pretrainer).set_params(callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(molecules[0])
    embedded = model.transform(molecules[0])
    np.testing.assert_allclose(embedded.mean(axis=0), 0, atol=0.2)


def test_little_memory_is_held_during_an_epoch(pretrainer, molecules):
    from skorch.callbacks import Callback

    class Weigh(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen = [c._seen for _, c in net.callbacks_ if hasattr(c, "_seen")]
            Weigh.rows = [len(t) for one in seen for part in one.values() for t, _ in part]

    quick(pretrainer, callbacks=[Weigh()], validation_fraction=0.05).fit(molecules[0])
    assert sum(Weigh.rows) <= 6  # those held out


def test_nothing_to_learn_is_refused(pretrainer):
    with pytest.raises(ValueError, match="All 3 molecules have the same descriptors and bits"):
        quick(pretrainer).fit(["CCO", "OCC", "C(O)C"])


def test_two_molecules_and_any_share_held_out(pretrainer):
    model = quick(pretrainer, validation_fraction=0.9).fit(["CCO", "c1ccccc1"])
    assert model.history_[-1]["train_loss"] > 0


def test_warm_start_refuses_other_descriptors(pretrainer):
    model = quick(pretrainer, warm_start=True).fit(["CCO", "CCCO", "c1ccccc1O"])
    with pytest.raises(ValueError, match=r"continues with outputs for 3 descriptors, .*RingCount"):
        model.fit(["CCO", "CCCO", "CCN"])


def test_embedding_dim_and_weights_have_to_agree(pretrainer, molecules):
    with pytest.raises(ValueError, match=r"embedding_dim=8 contradicts .* has 16 columns"):
        MolGNNPretrainer(pretrained=pretrainer, embedding_dim=8).fit(molecules[0])
    model = quick(pretrainer, embedding_dim=8).fit(molecules[0])
    assert model.transform(["CCO"]).shape == (1, 8)


def test_a_column_of_a_frame(pretrainer, molecules):
    frame = pd.DataFrame({"id": range(120), "smiles": molecules[0]}, index=range(5, 125))
    model = quick(pretrainer, smiles_column="smiles").fit(frame)
    assert_same_weights(model, quick(pretrainer).fit(molecules[0]))
    assert model.transform(frame[:3]).shape == (3, 16)


def test_a_pretrainer_that_continued_from_a_file_loads_without_it(pretrainer, molecules, tmp_path):
    path = tmp_path / "weights.skchem"
    skchem_dl.save(pretrainer.weights_, path)
    model = MolGNNPretrainer(pretrained=path, descriptors=["MolMR"], max_epochs=1)
    expected = model.fit(molecules[0]).transform(["CCO"])
    skchem_dl.save(model, tmp_path / "model.skchem")
    path.unlink()
    loaded = skchem_dl.load(tmp_path / "model.skchem")
    np.testing.assert_array_equal(loaded.transform(["CCO"]), expected)


def test_a_killed_fit_is_continued(pretrainer, molecules, tmp_path):
    from skorch.callbacks import Callback

    class Kill(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3 and not (tmp_path / "killed").exists():
                (tmp_path / "killed").touch()
                raise OSError("killed")

    whole = clone(pretrainer).set_params(max_epochs=5).fit(molecules[0])
    options = {"max_epochs": 5, "checkpoint_dir": tmp_path / "checkpoints"}
    interrupted = clone(pretrainer).set_params(**options, callbacks=[Kill()])
    with pytest.raises(OSError, match="killed"):
        interrupted.fit(molecules[0])
    interrupted.fit(molecules[0])
    assert_same_weights(whole, interrupted)


def test_columns_of_the_embedding_are_standardized(pretrainer, molecules):
    embedded = pretrainer.transform(molecules[0])
    np.testing.assert_allclose(embedded.mean(axis=0), 0, atol=0.1)
    constant = pretrainer.embedding_scale_ == pretrainer.embedding_scale_.min()
    np.testing.assert_allclose(embedded.std(axis=0)[~constant], 1, atol=0.1)


def test_the_embedding_predicts_the_targets(pretrainer, molecules):
    graphs = MolGraphizer().fit_transform(molecules[0])
    embedded = pretrainer.transform(molecules[0])
    embedded = embedded * pretrainer.embedding_scale_ + pretrainer.embedding_mean_
    output = pretrainer.module_.head[1]
    expected = np.maximum(embedded, 0) @ output.weight.detach().numpy().T
    expected += output.bias.detach().numpy()
    found = pretrainer.module_(GraphBatch.from_graphs(graphs)).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_network_starts_from_the_weights(pretrainer, molecules):
    X, y = molecules
    graphs = MolGraphizer().fit_transform(X)
    model = MolGNNRegressor(pretrained=pretrainer, lr=1e-12, max_epochs=1, random_state=0)
    embedded = model.fit(graphs, y).embed(graphs)
    np.testing.assert_allclose(embedded, pretrainer.transform(X), atol=1e-5)
