"""Sparse rows and the layers that take them, against `nn.Linear` on the same dense rows."""

from copy import deepcopy

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import linear

from skchem_dl.nn import MLP
from skchem_dl.nn._sparse import InputLayer, OnlyLayer, SparseRows

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def random_matrix(n, d, density, seed, ones=False):
    rng = np.random.default_rng(seed)
    values = np.ones((n, d)) if ones else rng.integers(1, 9, (n, d))
    return (values * (rng.random((n, d)) < density)).astype(np.float32)


def sparse(matrix, ones=False):
    X = sp.csr_array(matrix)
    return SparseRows.from_arrays(X.indices, X.indptr, X.shape[1], None if ones else X.data)


@given(
    n=st.integers(0, 7),
    d=st.integers(1, 9),
    h=st.integers(1, 5),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    ones=st.booleans(),
    seed=st.integers(0, 99),
)
def test_as_a_linear_layer_in_value_and_gradient(n, d, h, density, ones, seed):
    matrix = random_matrix(n, d, density, seed, ones)
    rows = sparse(matrix, ones=ones)
    assert len(rows) == n
    np.testing.assert_array_equal(rows.to_dense(), matrix)
    layer, plain = InputLayer(d, h), nn.Linear(d, h)
    with torch.no_grad():
        plain.weight.copy_(layer.weight)
        plain.bias.copy_(layer.bias)
    slopes = torch.from_numpy(np.random.default_rng(seed).normal(size=(n, h)).astype(np.float32))
    expected = plain(torch.from_numpy(matrix))
    (expected * slopes).sum().backward()
    for given_rows in (rows, torch.from_numpy(matrix)):
        layer.zero_grad()
        found = layer(given_rows)
        (found * slopes).sum().backward()
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        of_weight = layer.weight_by_column.grad.T
        torch.testing.assert_close(of_weight, plain.weight.grad, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(layer.bias.grad, plain.bias.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ones", [True, False])
def test_gradcheck(ones):
    rows = sparse(random_matrix(4, 6, 0.4, 0, ones), ones=ones)
    matrix = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: rows @ m, matrix)


@pytest.mark.parametrize("layer", [InputLayer, OnlyLayer])
def test_starts_as_a_linear_layer_does(layer):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = nn.Linear(5, 3)
        torch.manual_seed(0)
        made = layer(5, 3)
    assert torch.equal(made.weight, plain.weight)
    assert torch.equal(made.bias, plain.bias)
    assert made.weight_by_column.is_contiguous()  # or the fused optimizers would copy it


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.int64, np.float64])
def test_any_kind_of_numbers(dtype):
    matrix = random_matrix(4, 6, 0.4, 0)
    rows = sparse(matrix.astype(dtype))
    assert rows.to_dense().dtype == torch.float32
    np.testing.assert_array_equal(rows.to_dense(), matrix)


@pytest.mark.parametrize("hidden_dims", [(), (5,), (5, 4)])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_network_gives_the_same_from_both(hidden_dims, batch_norm):
    matrix = random_matrix(8, 6, 0.3, 0)
    network = MLP(6, 2, hidden_dims, batch_norm=batch_norm, dropout=0.3).eval()
    twin = deepcopy(network)
    rows, dense = sparse(matrix), torch.from_numpy(matrix)
    torch.testing.assert_close(network(rows), twin(dense))
    torch.testing.assert_close(network.embed(rows), twin.embed(dense))
    network(rows).square().sum().backward()
    twin(dense).square().sum().backward()
    for one, other in zip(network.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_in_place_activation_leaves_the_gradient_right():
    network = MLP(6, 1, (5,), activation="relu").double()
    rows = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, rows)


@pytest.mark.parametrize("hidden_dims", [(), (5,)])
def test_bfloat16(hidden_dims):
    matrix = random_matrix(8, 6, 0.3, 0)
    network = MLP(6, 2, hidden_dims)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rows, dense = network(sparse(matrix)), network(torch.from_numpy(matrix))
    assert rows.dtype == dense.dtype == torch.float32
    torch.testing.assert_close(rows, dense, rtol=0.02, atol=0.02)
    if not hidden_dims:
        exact = linear(torch.from_numpy(matrix), network.head.weight, network.head.bias)
        torch.testing.assert_close(rows, exact)
        torch.testing.assert_close(dense, exact)


@needs_cuda
@pytest.mark.parametrize("ones", [True, False])
def test_on_a_gpu(ones):
    matrix = random_matrix(8, 6, 0.3, 0, ones)
    network = MLP(6, 2, (5,))
    expected = network(torch.from_numpy(matrix))
    rows = sparse(matrix, ones=ones).to("cuda")
    assert rows.device.type == "cuda"
    found = network.to("cuda")(rows)
    torch.testing.assert_close(found.cpu(), expected)
    found.sum().backward()
