"""Training: batches, optimizers, random numbers, devices."""

import threading
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback
from torch import nn

from skchem_dl import (
    FingerprintMLPRegressor,
    MolGNNRegressor,
    MolGraphizer,
    SmilesCNNRegressor,
    load,
    save,
)
from skchem_dl.estimators._data import BatchLoader, TrainingRows
from skchem_dl.estimators._devices import deterministic_convolutions, resolve_device
from skchem_dl.estimators._engine import run_rows
from skchem_dl.estimators._inputs import MatrixInputs
from skchem_dl.estimators._optimizers import OPTIMIZERS, make_optimizer
from skchem_dl.inspection import atom_contributions
from skchem_dl.nn._layers import BatchNorm
from skchem_dl.pipelines import make_gnn_pipeline, make_mlp_pipeline

X = np.random.default_rng(0).normal(size=(23, 3)).astype(np.float32)
y = X @ np.array([1.0, -2.0, 3.0])


def make_mlp(**options):
    options = {"hidden_dims": (4,), "max_epochs": 3, "random_state": 0, **options}
    return FingerprintMLPRegressor(**options)


def state(model):
    return {name: tensor.clone() for name, tensor in model.module_.state_dict().items()}


def assert_equal_states(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def callback_of(model, kind):
    return next(callback for _, callback in model.net_.callbacks_ if isinstance(callback, kind))


# What else a process has set


@pytest.fixture
def in_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def kinds_of_input():
    smiles = ["CCO", "c1ccccc1", "CCN", "CO"] * 2
    return {
        "dense": (make_mlp(), X),
        "sparse": (make_mlp(), sp.csr_array(X)),
        "graphs": (
            MolGNNRegressor(hidden_dim=8, max_epochs=1, random_state=0),
            MolGraphizer().fit_transform(smiles),
        ),
    }


@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("kind", ["dense", "sparse", "graphs"])
def test_fitting_and_loading_where_gradients_are_off(kind, without_gradients, tmp_path):
    model, features = kinds_of_input()[kind]
    targets = y[: features.shape[0]] if hasattr(features, "shape") else y[: len(features)]
    expected = clone(model).fit(features, targets).predict(features)
    with without_gradients():
        model.fit(features, targets)
        save(model, tmp_path / "model")
        loaded = load(tmp_path / "model")
        assert torch.is_inference_mode_enabled() == (without_gradients is torch.inference_mode)
        assert not torch.is_grad_enabled()
    for fitted in (model, loaded):
        np.testing.assert_array_equal(fitted.predict(features), expected)
        fitted.set_params(warm_start=True).fit(features, targets)  # its tensors can be trained on


@pytest.mark.parametrize("method", ["integrated_gradients", "gradient_x_input"])
def test_atoms_are_explained_where_gradients_are_off(method):
    model = make_gnn_pipeline(hidden_dim=8, max_epochs=1, random_state=0)
    model.fit(["CCO", "CCN", "CCC"], [1.0, 2.0, 3.0])
    [expected] = atom_contributions(model, ["CCO"], method=method)
    with torch.inference_mode():
        [found] = atom_contributions(model, ["CCO"], method=method)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", ["dense", "sparse", "graphs"])
def test_networks_are_float32_whatever_is_the_default(kind, in_float64, tmp_path):
    model, features = kinds_of_input()[kind]
    targets = y[: features.shape[0]]
    predicted = model.fit(features, targets).predict(features)
    assert {tensor.dtype for tensor in model.module_.parameters()} == {torch.float32}
    assert torch.get_default_dtype() == torch.float64
    save(model, tmp_path / "model.skchem")
    np.testing.assert_array_equal(load(tmp_path / "model.skchem").predict(features), predicted)
    torch.set_default_dtype(torch.float32)
    again = clone(model).fit(features, targets).predict(features)
    np.testing.assert_array_equal(again, predicted)


@pytest.mark.parametrize("make", [make_mlp_pipeline, make_gnn_pipeline])
def test_atoms_are_explained_whatever_is_the_default(make, in_float64):
    model = make(max_epochs=1, random_state=0).fit(["CCO", "CC", "CCN", "CO"], y[:4])
    found = atom_contributions(model, ["CCO"], method="integrated_gradients")
    torch.set_default_dtype(torch.float32)
    expected = atom_contributions(model, ["CCO"], method="integrated_gradients")
    np.testing.assert_allclose(found, expected, rtol=1e-6)


# Batches


@pytest.mark.parametrize("batch_size", [1, 4, 23, 100])
@pytest.mark.parametrize("seeds", [None, [[0, 1], [0, 2]]])
def test_loader_gives_every_row_once(batch_size, seeds):
    rows = np.arange(2, 23)
    targets = np.arange(23, dtype=np.float32)[:, None]
    data = TrainingRows(MatrixInputs(X), targets, rows)
    loader = BatchLoader(data, batch_size, seeds and iter(seeds))
    orders = []
    for _ in range(2):
        batches = list(loader)
        order = np.concatenate([target[:, 0] for _, target in batches]).astype(int)
        assert sorted(order.tolist()) == rows.tolist()
        np.testing.assert_array_equal(
            np.concatenate([features for features, _ in batches]), X[order]
        )
        assert {len(target) for _, target in batches[:-1]} <= {batch_size}
        orders.append(order.tolist())
    assert (orders[0] == rows.tolist()) == (seeds is None)
    assert (orders[0] == orders[1]) == (seeds is None)


class Recorder(Callback):
    """Keeps what passes by; being cloned, it must be found in the fitted net."""

    def initialize(self):
        self.targets = {True: [], False: []}
        self.norms = []
        return self

    def on_epoch_begin(self, net, **kwargs):
        for seen in self.targets.values():
            seen.append([])

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        self.targets[training][-1] += batch[1][:, 0].tolist()

    def on_grad_computed(self, net, named_parameters=None, **kwargs):
        grads = [parameter.grad for _, parameter in named_parameters]
        self.norms.append(torch.linalg.vector_norm(torch.cat([g.flatten() for g in grads])).item())


def test_fit_sees_every_row_once_an_epoch():
    model = make_mlp(batch_size=5, callbacks=[Recorder()], normalize_y=False).fit(X, y)
    epochs = callback_of(model, Recorder).targets[True]
    assert [sorted(epoch) for epoch in epochs] == [sorted(y.astype(np.float32).tolist())] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_validation_rows_are_kept_apart():
    model = make_mlp(early_stopping=True, callbacks=[Recorder()], normalize_y=False).fit(X, y)
    targets = callback_of(model, Recorder).targets
    assert [len(epoch) for epoch in targets[True]] == [20] * 3
    assert targets[False] == [targets[False][0]] * 3
    assert Counter(targets[True][0] + targets[False][0]) == Counter(y.astype(np.float32).tolist())


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_run_rows(batch_size):
    rows = np.array([4, 0, 7, 7])
    model = make_mlp(predict_batch_size=batch_size).fit(X, y)
    found = run_rows(model.net_, "forward", MatrixInputs(X), rows)
    expected = model.module_(torch.from_numpy(X[rows])).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


# Optimizers


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, torch.optim.NAdam])
def test_weight_decay_spares_biases_and_norms(optimizer):
    module = nn.Sequential(nn.Embedding(4, 3), nn.Linear(3, 2), BatchNorm(2))
    module[0].weight.requires_grad_(False)
    made = make_optimizer(optimizer, module, lr=0.1, weight_decay=0.5, momentum=0.8)
    assert type(made) is OPTIMIZERS.get(optimizer, optimizer)
    decayed, spared = made.param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.5, 0.0)
    assert [p is module[1].weight for p in decayed["params"]] == [True]
    assert {id(p) for p in spared["params"]} == {
        id(p) for p in (module[1].bias, module[2].weight, module[2].bias)
    }
    assert {group["lr"] for group in made.param_groups} == {0.1}
    assert (decayed.get("momentum") == 0.8) == (optimizer == "sgd")


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, torch.optim.NAdam])
def test_every_optimizer_learns(optimizer):
    options = {"lr": 0.01, "max_epochs": 30, "batch_size": 8, "optimizer": optimizer}
    model = make_mlp(**options).fit(X, y)
    assert model.history_[-1]["train_loss"] < 0.5 * model.history_[0]["train_loss"]
    assert type(model.net_.optimizer_) is OPTIMIZERS.get(optimizer, optimizer)


def test_a_class_that_is_no_optimizer():
    with pytest.raises(TypeError, match=r"<class 'int'>; expected a name or a torch.optim.Optim"):
        make_mlp(optimizer=int).fit(X, y)


@pytest.mark.parametrize("max_grad_norm", [None, 0.01])
def test_gradient_clipping(max_grad_norm):
    model = make_mlp(max_grad_norm=max_grad_norm, callbacks=[Recorder()]).fit(X, y)
    norms = callback_of(model, Recorder).norms
    assert len(norms) == 3
    assert (max(norms) <= 0.0101) == (max_grad_norm is not None)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_divergence_is_an_error(early_stopping):
    with pytest.raises(ValueError, match=r"Training diverged: after 3 epochs at lr=1e\+30"):
        make_mlp(lr=1e30, early_stopping=early_stopping).fit(X, y)


# Random numbers

SMILES = ["CCO", "C", "c1ccccc1", "CC(=O)O", "CCN", "C#N"] * 2


def fit_mlp(random_state=0):
    return make_mlp(dropout=0.5, batch_size=5, random_state=random_state).fit(X, y)


def fit_cnn(random_state=0):
    codes = np.random.default_rng(0).integers(1, 9, (12, 7))
    options = {"n_filters": 4, "max_epochs": 2, "dropout": 0.5, "random_state": random_state}
    return SmilesCNNRegressor(**options).fit(codes, y[:12])


def fit_gnn(random_state=0):
    options = {"hidden_dim": 8, "max_epochs": 2, "dropout": 0.5, "random_state": random_state}
    graphs = MolGraphizer().fit_transform(SMILES)
    return MolGNNRegressor(**options, batch_size=5).fit(graphs, y[:12])


every_network = pytest.mark.parametrize("fit", [fit_mlp, fit_cnn, fit_gnn])


@every_network
def test_equal_seeds_give_equal_models(fit):
    first = fit()
    torch.rand(7)
    np.random.default_rng().random(7)
    with torch.random.fork_rng():
        torch.manual_seed(123)
        assert_equal_states(state(first), state(fit()))
    losses = [[row["train_loss"] for row in model.history_] for model in (first, fit())]
    assert losses[0] == losses[1]
    one, other = (np.concatenate([v.ravel() for v in state(fit(seed)).values()]) for seed in (1, 2))
    assert (one != other).any()


@every_network
def test_equal_models_from_two_threads(fit):
    expected = state(fit())
    both_ready = threading.Barrier(2)

    def run(_):
        both_ready.wait()
        return [state(fit()) for _ in range(3)]

    with ThreadPoolExecutor(2) as pool:
        for states in pool.map(run, range(2)):
            for found in states:
                assert_equal_states(found, expected)


@every_network
@pytest.mark.parametrize("random_state", [0, None, "instance"])
def test_global_generators_are_left_alone(fit, random_state):
    if random_state == "instance":
        random_state = np.random.RandomState(0)
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    model = fit(random_state)
    assert model.n_iter_ >= 2
    assert torch.equal(torch.get_rng_state(), torch_before)
    numpy_after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(numpy_before, numpy_after, strict=True))


# Devices


@pytest.mark.parametrize("device", ["meta", "no such device", "", "mps:3", "vulkan"])
def test_devices_that_do_not_work(device):
    with pytest.raises(ValueError, match=rf'device={device!r} does not work here. Use "auto" or'):
        make_mlp(device=device).fit(X, y)


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there():
    with pytest.raises(ValueError, match="device='cuda' does not work here"):
        resolve_device("cuda")


@pytest.mark.parametrize(
    ("refit", "message"),
    [
        ({"X_val": X[:, :2]}, "X_val was passed without y_val"),
        ({"groups": [0, 1]}, "inconsistent numbers of samples"),
    ],
)
def test_a_refit_that_fails_changes_nothing(refit, message):
    model = make_mlp(early_stopping=True).fit(X, y)
    expected = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:, :2], 1000 * y, **refit)
    np.testing.assert_array_equal(model.predict(X), expected)
    unfitted = make_mlp(early_stopping=True)
    with pytest.raises(ValueError, match=message):
        unfitted.fit(X, y, **refit)
    with pytest.raises(NotFittedError):
        unfitted.predict(X)


class Breaks(Callback):
    """Spoils the weights after some epochs."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 4:
            with torch.no_grad():
                next(net.module_.parameters()).fill_(np.nan)


def test_the_best_epoch_is_kept_where_training_diverges_later():
    options = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 20}
    model = make_mlp(callbacks=[Breaks()], **options).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert next(row["epoch"] for row in model.history_ if row["kept"]) <= 4
    with pytest.raises(ValueError, match="Training diverged"):
        make_mlp(callbacks=[Breaks()], max_epochs=20).fit(X, y)


@pytest.mark.parametrize(("device", "inside"), [("cuda:0", (True, False)), ("cpu", (False, True))])
def test_convolutions_on_a_gpu_are_deterministic(device, inside, monkeypatch):
    cudnn = torch.backends.cudnn
    monkeypatch.setattr(cudnn, "deterministic", False)
    monkeypatch.setattr(cudnn, "benchmark", True)
    with deterministic_convolutions(device):
        assert (cudnn.deterministic, cudnn.benchmark) == inside
    assert (cudnn.deterministic, cudnn.benchmark) == (False, True)


def test_the_message_for_another_width_takes_no_copy():
    model = make_mlp().fit(X, y)
    wide = np.zeros((2_000, 5_000), dtype=np.uint8)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="5000 features"):
            model.predict(wide)
        assert tracemalloc.get_traced_memory()[1] < 3 * wide.nbytes  # as objects it is eight times
    finally:
        tracemalloc.stop()
