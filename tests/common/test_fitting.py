"""Fitting and predicting: repeatable, picklable, blind to the order of rows, kind to its input."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from cases import (
    assert_same,
    data,
    everything,
    features,
    neural,
    outputs,
    pipelines,
    rows_of,
    supervised,
    takes_new_rows,
    target,
)
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

LONG_CHAIN = "C" * 300
TINY = ["C", "[Na+].[Cl-]", "[He]"]  # no bonds


@everything
def test_fit_again_gives_the_same(make, smiles):
    model = make()
    X, y = data(model, smiles)
    first = outputs(model.fit(X, y), X)
    assert_same(outputs(model.fit(X, y), X), first)
    assert_same(outputs(clone(model).fit(X, y), X), first)


@everything
def test_the_steps_alone_give_what_they_give_together(make, smiles):
    model = make()
    X, y = data(model, smiles)
    both = "fit_transform" if hasattr(model, "fit_transform") else "fit_predict"
    if not (hasattr(model, both) and takes_new_rows(model)):
        pytest.skip("has neither fit_transform nor fit_predict, or nothing apart from it")
    apart = getattr(clone(model).fit(X, y), both.removeprefix("fit_"))(X)
    assert_same(getattr(model, both)(X, y), apart, rtol=1e-5, atol=1e-5)


@neural
def test_global_generators_are_left_alone(make, smiles):
    model = make()
    X, y = data(model, smiles)
    numpys, torchs = check_random_state(None).get_state(), torch.get_rng_state()
    model.fit(X, y).predict(X)
    model.set_params(random_state=None).fit(X, y)
    for one, other in zip(check_random_state(None).get_state(), numpys, strict=True):
        assert np.array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), torchs)


@neural
def test_random_state(make, smiles):
    model = make()
    X, y = data(model, smiles)

    def result(random_state):
        return outputs(clone(model).set_params(random_state=random_state).fit(X, y), X)["embed"]

    assert_same(result(np.random.RandomState(3)), result(np.random.RandomState(3)))
    assert not np.array_equal(result(3), result(4))
    assert not np.array_equal(result(None), result(None))
    generator = np.random.RandomState(3)
    assert not np.array_equal(result(generator), result(generator))


@supervised
def test_refit_on_other_data(make, smiles):
    """Other molecules, another number of classes and targets, other columns and vocabulary."""
    model, fresh = make(), make()
    others = ["CCO", "CCN", "CCCl", "CCBr", "CC(C)=O", "CC#N"] * 3
    y = target(model, others)
    y = np.arange(18) % 3 if is_classifier(model) else np.column_stack([y, -y])
    model.fit(*data(model, smiles))
    X = features(fresh, others)
    if isinstance(X, np.ndarray) and X.shape[1] > 8:
        X = X[:, ::2]
    assert_same(outputs(model.fit(X, y), X), outputs(fresh.fit(X, y), X))


@everything
@pytest.mark.parametrize("how", ["pickle", "joblib"])
def test_pickling(make, how, smiles, tmp_path):
    model = make()
    X, y = data(model, smiles)
    expected = outputs(model.fit(X, y), X)
    if how == "pickle":
        loaded = pickle.loads(pickle.dumps(model))
    else:
        joblib.dump(model, tmp_path / "model.joblib")
        loaded = joblib.load(tmp_path / "model.joblib")
    assert_same(outputs(loaded, X), expected)
    loaded.fit(X, y)
    assert_same(outputs(loaded, X), expected)


@everything
def test_inputs_are_not_changed(make, smiles, tmp_path):
    """Read-only, memory-mapped input does: that is how joblib hands it to its workers."""
    model = make()
    joblib.dump(data(model, smiles), tmp_path / "data.joblib")
    X, y = joblib.load(tmp_path / "data.joblib", mmap_mode="r")
    model.fit(X, y)
    mapped = outputs(model, X)
    again, _ = data(model, smiles)
    assert_same(outputs(model, again), mapped)
    assert_same(X, again)


@everything
def test_order_of_rows_does_not_matter(make, smiles):
    model = make()
    if not takes_new_rows(model):
        pytest.skip("has results only for what it was fitted on")
    X, y = data(model, smiles)
    model.fit(X, y)
    order = np.random.default_rng(0).permutation(len(smiles))
    expected = {name: rows_of(values, order) for name, values in outputs(model, X).items()}
    assert_same(outputs(model, rows_of(X, order)), expected, rtol=1e-5, atol=1e-5)


@everything
def test_a_molecule_alone_gives_what_it_gives_among_others(make, smiles):
    model = make()
    if not takes_new_rows(model):
        pytest.skip("has results only for what it was fitted on")
    X, y = data(model, smiles)
    model.fit(X, y)
    together = outputs(model, X)
    for row in (0, 9, len(smiles) - 1):
        expected = {name: rows_of(values, [row]) for name, values in together.items()}
        assert_same(outputs(model, rows_of(X, [row])), expected, rtol=1e-5, atol=1e-5)


@neural
def test_fit_on_one_molecule(make):
    model = make()
    X, y = data(model, ["CCO"])
    predicted = model.fit(X, y).predict(X)
    assert predicted.shape == (1,)
    np.testing.assert_allclose(predicted, y, atol=1)


@neural
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_last_batch_of_one(make, batch_norm, smiles):
    model = make().set_params(batch_size=31, batch_norm=batch_norm)
    X, y = data(model, smiles)
    assert len(smiles) == 32
    assert np.isfinite(model.fit(X, y).embed(X)).all()


@supervised
def test_tiny_and_huge_molecules(make):
    model = make()
    all_of_them = [*TINY, LONG_CHAIN, "CCO"]
    y = np.array([0, 1, 0, 1, 1])
    X = features(model, all_of_them)
    predicted = model.fit(X, y).predict(X)
    assert predicted.shape == (5,)
    assert np.isfinite(predicted).all()
    model.fit(rows_of(X, [0, 1, 2]), y[:3])
    assert np.isfinite(model.predict(rows_of(X, [0, 1, 2]))).all()


@pipelines
def test_pandas_with_a_shuffled_index(make, smiles):
    model = make()
    X, y = data(model, smiles)
    expected = outputs(clone(model).fit(X, y), X)
    index = np.random.default_rng(1).permutation(len(smiles)) + 7
    series = pd.Series(X, index=index)
    y = None if y is None else pd.Series(y, index=index)
    assert_same(outputs(model.fit(series, y), series), expected)
    assert_same(outputs(model, series.to_frame("smiles")), expected)


@neural
@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_device(make, device, smiles):
    model = make().set_params(device=device)
    X, y = data(model, smiles)
    where = next(model.fit(X, y).module_.parameters()).device.type
    assert where == ("cuda" if device == "auto" and torch.cuda.is_available() else "cpu")


@neural
def test_a_device_that_is_none(make, smiles):
    model = make().set_params(device="abacus")
    with pytest.raises(ValueError, match="device='abacus'"):
        model.fit(*data(model, smiles))


@neural
def test_early_stopping(make, smiles):
    model = make().set_params(
        early_stopping=True, max_epochs=20, n_iter_no_change=2, validation_fraction=0.25, lr=0.1
    )
    X, y = data(model, smiles)
    losses = [epoch["valid_loss"] for epoch in model.fit(X, y).history_]
    assert np.isfinite(losses).all()
    assert len(losses) == model.n_iter_ <= 20
    assert_same(outputs(clone(model).fit(X, y), X), outputs(model, X))


@neural
def test_history(make, smiles):
    model = make().set_params(max_epochs=3)
    model.fit(*data(model, smiles))
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3]
    for column in ("train_loss", "lr", "dur"):
        assert np.isfinite([epoch[column] for epoch in model.history_]).all()


@neural
def test_it_learns(make, smiles):
    model = make().set_params(max_epochs=25, batch_size=8, lr=0.03)
    X, y = data(model, smiles)
    assert model.fit(X, y).score(X, y) > 0.6


@everything
def test_nothing_is_printed(make, smiles, capfd):
    model = make()
    X, y = data(model, smiles)
    outputs(model.fit(X, y), X)
    assert capfd.readouterr() == ("", "")


def test_the_cases_are_of_every_kind():
    from cases import ESTIMATORS, FACTORIES, FEATURIZERS, SIMILARITY, WRAPPERS

    assert len(ESTIMATORS) >= 6
    assert len(FEATURIZERS) >= 5
    assert len(FACTORIES) >= 10
    assert len(SIMILARITY) >= 4
    assert len(WRAPPERS) >= 2
    assert isinstance(FACTORIES[0](), Pipeline)
