"""The small layers that the networks share."""

import pytest
import torch
from torch import nn

from skchem_dl.nn import ACTIVATIONS
from skchem_dl.nn._layers import (
    BatchNorm,
    CodeEmbedding,
    Dropout,
    OutputLayer,
    RowsLinear,
    check_option,
    make_mlp,
    pad_rows,
)
from skchem_dl.nn._selection import Codes


def kinds(module):
    return [type(layer) for layer in module]


def test_make_mlp_order_and_widths():
    layers = make_mlp([5, 4, 3], "tanh", 0.5, batch_norm=True)
    assert kinds(layers) == [nn.Linear, BatchNorm, nn.Tanh, Dropout] * 2
    assert [tuple(layer.weight.shape) for layer in (layers[0], layers[4])] == [(4, 5), (3, 4)]


def test_make_mlp_leaves_out_what_is_off():
    assert kinds(make_mlp([5, 4], "relu", 0.0)) == [nn.Linear, nn.ReLU]


def test_make_mlp_of_one_width_is_the_identity():
    rows = torch.randn(3, 5)
    assert torch.equal(make_mlp([5], "relu", 0.5, batch_norm=True)(rows), rows)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_make_mlp_by_hand(activation):
    first, act, second, _ = layers = make_mlp([5, 4, 3], activation, 0.0)
    rows = torch.randn(7, 5)
    hidden = act(rows @ first.weight.T + first.bias)
    torch.testing.assert_close(layers(rows), act(hidden @ second.weight.T + second.bias))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout(share, dtype):
    layer, rows = Dropout(share), torch.ones(301, 501, dtype=dtype, requires_grad=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dropped, others = layer(rows), layer(rows)
        torch.manual_seed(0)
        assert torch.equal(layer(rows), dropped)
    left_out = dropped == 0
    assert left_out.double().mean().item() == pytest.approx(share, abs=0.005)
    # Independent of its neighbours in a row, and of the next draw.
    for apart in (1, 2, 3, 4):
        both = (left_out[:, apart:] & left_out[:, :-apart]).double().mean().item()
        assert both == pytest.approx(share**2, abs=0.005)
    both = (left_out & (others == 0)).double().mean().item()
    assert both == pytest.approx(share**2, abs=0.005)
    scale = torch.tensor(1 / (1 - share), dtype=dtype)
    kept = dropped[~left_out]
    torch.testing.assert_close(kept, scale.expand(len(kept)), rtol=2e-4, atol=0.0)
    dropped.sum().backward()
    assert torch.equal(rows.grad, dropped)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_dropout_of_none_or_all(share):
    assert torch.equal(Dropout(share)(torch.ones(3, 5)), torch.full((3, 5), 1 - share))
    assert torch.equal(Dropout(share).eval()(torch.ones(3, 5)), torch.ones(3, 5))


def test_second_derivatives_are_refused():
    layer, rows = BatchNorm(3), torch.randn(4, 3, requires_grad=True)
    output = layer(rows, torch.tensor([1, 2, 1, 1]), 5).square().sum()
    (slope,) = torch.autograd.grad(output, rows, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_dropout_of_any_shape():
    assert Dropout(0.5)(torch.ones(2, 3, 5)).shape == (2, 3, 5)
    assert Dropout(0.5)(torch.ones(0, 5)).shape == (0, 5)


@pytest.mark.parametrize("n", [0, 1])
def test_batch_norm_in_training_without_a_variance(n):
    norm = BatchNorm(2)
    norm.running_mean.copy_(torch.tensor([1.0, 2.0]))
    norm.running_var.copy_(torch.tensor([4.0, 9.0]))
    rows = torch.tensor([[3.0, 8.0]])[:n]
    torch.testing.assert_close(norm(rows), torch.tensor([[1.0, 2.0]])[:n], rtol=1e-4, atol=1e-4)
    assert norm.running_mean.tolist() == [1.0, 2.0]
    assert norm.running_var.tolist() == [4.0, 9.0]


def test_batch_norm_is_otherwise_torchs():
    ours, torchs = BatchNorm(3), nn.BatchNorm1d(3)
    rows = torch.randn(5, 3)
    for _ in range(2):
        assert torch.equal(ours(rows), torchs(rows))
    assert torch.equal(ours.running_var, torchs.running_var)
    assert torch.equal(ours.eval()(rows[:1]), torchs.eval()(rows[:1]))


SIZES = (3, 2, 4)
CODES = torch.tensor([[0, 0, 0], [2, 1, 3], [1, 0, 3], [2, 1, 3]], dtype=torch.uint8)


def one_hot(codes):
    parts = [nn.functional.one_hot(codes[:, i].long(), size) for i, size in enumerate(SIZES)]
    return torch.cat(parts, dim=1).float()


def test_code_embedding_is_a_product_with_the_one_hot_codes():
    layer = CodeEmbedding(SIZES, 5)
    assert layer.weight.shape == (9, 5)
    torch.testing.assert_close(layer(Codes(CODES)), one_hot(CODES) @ layer.weight)


def test_code_embedding_gradient():
    layer = CodeEmbedding(SIZES, 5)
    weights = torch.randn(4, 5)
    (layer(Codes(CODES)) * weights).sum().backward()
    torch.testing.assert_close(layer.weight.grad, one_hot(CODES).T @ weights)


def test_code_embedding_of_nothing():
    layer = CodeEmbedding(SIZES, 5)
    rows = layer(Codes(CODES[:0]))
    assert rows.shape == (0, 5)
    rows.sum().backward()
    assert layer.weight.grad.eq(0).all()


def test_code_embedding_starts_at_variance_one():
    layer = CodeEmbedding((50,) * 8, 200)
    codes = torch.randint(0, 50, (100, 8), generator=torch.Generator().manual_seed(0))
    rows = layer(Codes(codes))
    assert 0.8 < rows.std() < 1.2


def test_check_option():
    assert check_option("skip", "none", ("none", "gated")) == "none"
    with pytest.raises(ValueError, match=r"skip='some'; expected one of \['gated', 'none'\]"):
        check_option("skip", "some", ("none", "gated"))


@pytest.mark.parametrize("n", [0, 1, 512, 700])
def test_padding_rows_for_bfloat16_changes_nothing(n):
    rows = torch.randn(n, 6)
    assert pad_rows(rows) is rows
    padded, plain = RowsLinear(6, 3), nn.Linear(6, 3)
    plain.load_state_dict(padded.state_dict())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert len(pad_rows(rows)) == -(-n // 512) * 512
        found, expected = padded(rows), plain(rows)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected)
    for layer, result in ((padded, found), (plain, expected)):
        result.float().square().sum().backward()
        assert layer.weight.grad is not None
    torch.testing.assert_close(padded.weight.grad, plain.weight.grad, rtol=0.02, atol=0.02)


def test_the_output_layer_is_float32():
    layer, rows = OutputLayer(6, 2), torch.randn(5, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(rows).dtype == torch.float32
        assert layer(rows.bfloat16()).dtype == torch.float32
    torch.testing.assert_close(layer(rows), rows @ layer.weight.T + layer.bias)
