"""The multi-layer perceptron."""

import pytest
import torch
from torch import nn

from skchem_dl.nn import MLP
from skchem_dl.nn._layers import BatchNorm, Dropout
from skchem_dl.nn._sparse import InputLayer


def test_without_hidden_layers_it_is_linear():
    network = MLP(4, 2, ())
    rows = torch.randn(3, 4)
    torch.testing.assert_close(network(rows), rows @ network.head.weight.T + network.head.bias)
    assert torch.equal(network.embed(rows), rows)
    assert network.embedding_dim == 4
    assert len(list(network.parameters())) == 2


def test_by_hand():
    network = MLP(2, 1, (2,))
    hidden, head = network.body[0], network.head
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, 2.0], [-1.0, 1.0]]))
        hidden.bias.copy_(torch.tensor([0.5, -3.0]))
        head.weight.copy_(torch.tensor([[2.0, 10.0]]))
        head.bias.fill_(-1.0)
    rows = torch.tensor([[1.0, 1.0], [0.0, 4.0]])
    # [1, 1]: hidden 3.5 and relu(-3) = 0, so 2 * 3.5 - 1; [0, 4]: hidden 8.5 and 1.
    assert network(rows).tolist() == [[6.0], [26.0]]
    assert network.embed(rows).tolist() == [[3.5, 0.0], [8.5, 1.0]]


@pytest.mark.parametrize("hidden_dims", [(), (7,), (7, 5, 3)])
def test_shapes(hidden_dims):
    network = MLP(4, 2, hidden_dims)
    rows = torch.randn(6, 4)
    assert network(rows).shape == (6, 2)
    assert network.embed(rows).shape == (6, network.embedding_dim)
    torch.testing.assert_close(network.head(network.embed(rows)), network(rows))


def test_dropout_and_batch_norm_follow_each_hidden_layer():
    network = MLP(4, 2, (7, 5), dropout=0.3, batch_norm=True, activation="silu")
    kinds = [InputLayer, BatchNorm, nn.SiLU, Dropout, nn.Linear, BatchNorm, nn.SiLU, Dropout]
    assert [type(layer) for layer in network.body] == kinds
    assert isinstance(network.head, nn.Linear)


def test_rows_do_not_depend_on_each_other_in_eval_mode():
    network = MLP(4, 2, (7,), dropout=0.5, batch_norm=True)
    rows = torch.randn(6, 4)
    network(rows)  # moves the running statistics
    network.eval()
    torch.testing.assert_close(network(rows)[:1], network(rows[:1]))


def test_every_parameter_learns():
    network = MLP(4, 2, (7, 5), batch_norm=True)
    network(torch.randn(6, 4)).square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in network.head.parameters())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
