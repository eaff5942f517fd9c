"""Matrices held dense or by their non-zero numbers: the same training, whichever way they came."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor, MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.estimators import _sparsity
from skchem_dl.estimators._engine import get_weights
from skchem_dl.estimators._inputs import MatrixInputs
from skchem_dl.estimators._sparsity import NonZeros, in_faster_form
from skchem_dl.inspection._network_parts import network_contributions
from skchem_dl.nn import MLP
from skchem_dl.nn._sparse import SparseRows

FORMS = {
    "uint8": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "int64, by columns": lambda X: np.asfortranarray(X.astype(np.int64)),
    "csr_array": sp.csr_array,
    "csr_matrix": sp.csr_matrix,
    "coo": sp.coo_array,
    "unsorted csr": lambda X: unsorted(sp.csr_array(X)),
}


def unsorted(X):
    """Turn the order of each row round."""
    X.indices = np.concatenate([run[::-1] for run in np.split(X.indices, X.indptr[1:-1])])
    X.data = np.concatenate([run[::-1] for run in np.split(X.data, X.indptr[1:-1])])
    return sp.csr_array((X.data, X.indices, X.indptr), shape=X.shape)


@pytest.fixture(scope="module")
def molecules():
    X, y = load_solubility(return_X_y=True)
    return MorganFingerprinter(counts=True).fit_transform(X[:150]).astype(np.uint8), y[:150]


def fit(X, y, **options):
    options = {"hidden_dims": (16,), "max_epochs": 3, "random_state": 0, **options}
    return FingerprintMLPRegressor(**options).fit(X, y)


@given(
    n=st.integers(1, 9),
    d=st.integers(1, 30),
    density=st.sampled_from([0.0, 0.02, 0.08, 0.5]),
    size=st.sampled_from([1, 40, 1000]),
    seed=st.integers(0, 99),
)
def test_forms_agree(n, d, density, size, seed):
    rng = np.random.default_rng(seed)
    X = (rng.integers(1, 9, (n, d)) * (rng.random((n, d)) < density)).astype(np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sparsity, "_PIECE_SIZE", size)
        found = [in_faster_form(form(X), np.ones(n, dtype=bool)) for form in map(as_read, FORMS)]
    few = np.count_nonzero(X) <= _sparsity._MAX_DENSITY * X.size
    for one in found:
        assert isinstance(one, NonZeros) == few
        if few:
            assert all(np.array_equal(a, b) for a, b in zip(one, found[0], strict=True))
        whole = sp.csr_array(one[:3], shape=X.shape).toarray() if few else one
        np.testing.assert_array_equal(whole, X)


def as_read(name):
    """Give a form as scikit-learn's validation passes it on."""
    return lambda X: sp.csr_array(FORMS[name](X)) if name == "coo" else FORMS[name](X)


def test_the_users_matrix_is_not_changed():
    X = unsorted(sp.csr_array(np.eye(2, 40, dtype=np.uint8)[:, ::-1] + np.eye(2, 40, 1, np.uint8)))
    before = X.indices.copy()
    made = in_faster_form(X, np.ones(2, dtype=bool))
    assert made.indices.tolist() == [1, 39, 2, 38]
    np.testing.assert_array_equal(X.indices, before)


def test_invalid_rows_neither_count_nor_train():
    X = np.zeros((20, 40), dtype=np.float32)
    X[:, 3] = 1.0
    X[:10] = np.nan
    for form in (X, sp.csr_array(X)):
        inputs = MatrixInputs(form)
        assert inputs.valid.sum() == 10
        batch = inputs.batch(np.array([12, 19]))
        assert isinstance(batch, SparseRows)
        np.testing.assert_array_equal(batch.to_dense(), X[[12, 19]])


def test_dense_matrices_stay_dense():
    X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    for form in (X, sp.csr_array(X)):
        batch = MatrixInputs(form).batch(np.array([3, 0]))
        np.testing.assert_array_equal(batch, X[[3, 0]])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_same_model_bit_by_bit(molecules, form):
    X, y = molecules
    expected, model = fit(X, y), fit(form(X), y)
    for name, values in get_weights(expected.net_).items():
        np.testing.assert_array_equal(get_weights(model.net_)[name], values)
    np.testing.assert_array_equal(model.predict(form(X)), expected.predict(X))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_gaps_cut_the_stretches_that_are_predicted(molecules, form):
    X, y = molecules
    model = fit(X, y).set_params(predict_batch_size=7)
    expected = model.predict(X)
    with_gaps = X.astype(np.float32)
    with_gaps[[0, 9, 10, 149]] = np.nan
    found = model.predict(form(with_gaps))
    assert np.flatnonzero(np.isnan(found)).tolist() == [0, 9, 10, 149]
    there = ~np.isnan(found)
    np.testing.assert_allclose(found[there], expected[there], rtol=1e-5)


def test_autocast_of_the_caller_changes_no_prediction(molecules):
    X, y = molecules
    model = fit(X, y)
    expected = model.predict(X)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(model.predict(X), expected)


def test_the_same_predictions_as_the_dense_network(molecules):
    X, y = molecules
    model = fit(X, y, hidden_dims=(32, 16))
    with torch.no_grad():
        dense = model.module_(torch.from_numpy(X.astype(np.float32))).numpy()
    expected = model._task.decode(dense.astype(np.float64))
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        hidden = model.module_.embed(torch.from_numpy(X.astype(np.float32))).numpy()
    np.testing.assert_allclose(model.embed(X), hidden, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("hidden_dims", [(), (32, 16)])
def test_the_loss_curve_of_a_dense_loop(molecules, hidden_dims):
    X, y = molecules
    n_epochs, batch_size = 5, 40
    options = {"batch_size": batch_size, "max_epochs": n_epochs, "dropout": 0.0}
    model = fit(X, y, hidden_dims=hidden_dims, lr_schedule="constant", **options)
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.SeedSequence([0]).generate_state(1, np.uint64)[0]) >> 1)
        dims = [X.shape[1], *hidden_dims, 1]
        layers = [nn.Linear(a, b) for a, b in pairwise(dims)]
    between = [part for layer in layers for part in (layer, nn.ReLU())]
    network = nn.Sequential(*between[:-1])
    decayed = [p for p in network.parameters() if p.ndim > 1]
    spared = [p for p in network.parameters() if p.ndim == 1]
    optimizer = torch.optim.Adam(
        [{"params": decayed, "weight_decay": 3e-3}, {"params": spared}], lr=1e-3
    )
    targets = torch.from_numpy(((y - y.mean()) / y.std()).astype(np.float32))[:, None]
    dense = torch.from_numpy(X.astype(np.float32))
    losses = []
    for epoch in range(n_epochs):
        total = 0.0
        rows = np.random.default_rng([0, epoch + 1]).permutation(len(X))
        for start in range(0, len(X), batch_size):
            chosen = torch.from_numpy(rows[start : start + batch_size])
            optimizer.zero_grad()
            loss = (network(dense[chosen]) - targets[chosen]).square().mean()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        losses.append(total / len(X))
    found = [row["train_loss"] for row in model.history_]
    np.testing.assert_allclose(found, losses, rtol=1e-4)


def test_explanations_are_those_of_the_dense_network(molecules):
    X, y = molecules
    model = fit(X, y)
    found = network_contributions(model, X[:4], "gradient_x_input", 0)
    dense = torch.from_numpy(X[:4].astype(np.float32)).requires_grad_()
    (slopes,) = torch.autograd.grad(model.module_(dense).sum(), dense)
    expected = model._task.scale[0] * (slopes * dense).detach().numpy()
    np.testing.assert_allclose(np.stack(found), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_norm": True},
        {"n_members": 2},
        {"precision": "bfloat16"},
        {"early_stopping": True},
        {"hidden_dims": ()},
        {"max_grad_norm": 0.1},
        {"optimizer": "sgd"},
        {"optimizer": "rmsprop"},
    ],
    ids=str,
)
def test_every_way_to_train(molecules, options):
    X, y = molecules
    sparse, dense = fit(sp.csr_array(X), y, **options), fit(X, y, **options)
    np.testing.assert_array_equal(sparse.predict(sp.csr_array(X)), dense.predict(X))
    assert np.isfinite(sparse.predict(X)).all()


def test_classifier(molecules):
    X, y = molecules
    model = FingerprintMLPClassifier((16,), max_epochs=30, random_state=0).fit(X, y > np.median(y))
    assert model.score(sp.csr_array(X), y > np.median(y)) > 0.8


def test_a_batch_of_no_rows():
    batch = MatrixInputs(np.eye(1, 40)).batch(np.arange(0))
    assert MLP(40, 2, (5,))(batch).shape == (0, 2)
