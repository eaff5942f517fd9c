"""The convolutional network on token codes."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skchem_dl.nn import CNN, POOLINGS
from skchem_dl.nn._cnn import _round_up

CODES = torch.tensor([[5, 6, 7, 8, 2, 0, 0], [3, 3, 0, 0, 0, 0, 0], [9, 2, 3, 4, 5, 6, 7]])


def make_cnn(**options):
    options = {"embedding_dim": 4, "n_filters": 6, "head_dims": (5,), **options}
    return CNN(10, 2, **options)


def trained(network):
    """Move the running statistics away from where they start."""
    for _ in range(5):
        network(CODES)
    return network.eval()


both_poolings = pytest.mark.parametrize("pooling", POOLINGS)
any_shape = pytest.mark.parametrize(
    "options",
    [{}, {"n_layers": 3}, {"kernel_sizes": (1, 2, 4)}, {"batch_norm": True, "n_layers": 2}],
    ids=["one layer", "three layers", "even sizes", "batch norm"],
)


@both_poolings
@any_shape
def test_a_row_depends_on_neither_padding_nor_company(options, pooling):
    network = trained(make_cnn(pooling=pooling, **options))
    together = network(CODES)
    for row, length in enumerate([5, 2, 7]):
        alone = network(CODES[row : row + 1, :length])
        padded = network(F.pad(CODES[row : row + 1], (0, 20)))
        torch.testing.assert_close(alone[0], together[row])
        torch.testing.assert_close(padded[0], together[row])


@both_poolings
@any_shape
def test_padding_gets_no_gradient_and_everything_else_does(options, pooling):
    network = make_cnn(pooling=pooling, **options)
    network(CODES).square().sum().backward()
    assert network.embedding.weight[0].eq(0).all()
    assert network.embedding.weight.grad[0].eq(0).all()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        # What a batch norm subtracts again has no effect, but for rounding.
        assert parameter.grad.any() or "conv.bias" in name, name


@pytest.mark.parametrize("code", [10, 11, 2**31 - 1])
def test_codes_above_the_vocabulary_are_unknown(code):
    network = make_cnn().eval()
    codes = torch.tensor([[5, code, 6]])
    assert torch.equal(network(codes), network(torch.tensor([[5, 1, 6]])))
    assert codes[0, 1] == code


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 20])
def test_convolutions_keep_the_length(size):
    network = make_cnn(kernel_sizes=(size,))
    conv = network.branches[0][0].conv
    left = (size - 1) // 2  # as torch's padding="same", which warns of even sizes
    padded = F.pad(network.embedding(CODES[2:]).transpose(1, 2), (left, size - 1 - left))
    expected = F.conv1d(padded, conv.weight, conv.bias).relu()
    assert expected.shape == (1, 6, 7)
    torch.testing.assert_close(network.embed(CODES[2:]), expected.amax(dim=2))


def hand_made(pooling):
    """One filter of three tokens that adds up the tokens' single number, minus 4."""
    network = CNN(
        5, 1, embedding_dim=1, n_filters=1, kernel_sizes=(3,), head_dims=(), pooling=pooling
    )
    with torch.no_grad():
        network.embedding.weight.copy_(torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0]]))
        network.branches[0][0].conv.weight.fill_(1.0)
        network.branches[0][0].conv.bias.fill_(-4.0)
    return network


@pytest.mark.parametrize(
    ("pooling", "expected"),
    # Tokens 2, 3, 4: sums 5, 9, 7, so 1, 5, 3. Tokens 4, 1: sums 5, 5, so 1, 1.
    [("max", [[5.0], [1.0]]), ("mean", [[3.0], [1.0]])],
)
def test_pooling_by_hand(pooling, expected):
    codes = torch.tensor([[2, 3, 4, 0], [4, 1, 0, 0]])
    assert hand_made(pooling).embed(codes).tolist() == expected


def test_max_is_over_tokens_that_are_all_negative_too():
    network = hand_made("max")
    network.branches[0][0].activation = nn.Identity()
    codes = torch.tensor([[1, 1, 0, 0]])
    assert network.embed(codes).tolist() == [[-2.0]]  # padding's 0 would be larger


@both_poolings
def test_nothing_but_padding_gives_zeros(pooling):
    network = make_cnn(pooling=pooling)
    codes = torch.tensor([[0, 0, 0], [5, 6, 7]])
    assert network.embed(codes)[0].eq(0).all()
    network(codes).sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())


@both_poolings
@pytest.mark.parametrize("batch_norm", [False, True])
def test_equals_a_padded_rectangle_convolved_by_torch(pooling, batch_norm):
    network = trained(
        make_cnn(kernel_sizes=(2, 5), n_layers=2, pooling=pooling, batch_norm=batch_norm)
    )
    is_token = (CODES != 0)[:, None]
    pooled = []
    for branch in network.branches:
        values = network.embedding(CODES).transpose(1, 2)
        for block in branch:
            values = block.conv(values)[:, :, -7:]
            values = block.activation(
                values
                if block.norm is None
                else F.batch_norm(
                    values,
                    block.norm.running_mean,
                    block.norm.running_var,
                    block.norm.weight,
                    block.norm.bias,
                    eps=block.norm.eps,
                )
            ).where(is_token, 0.0)
        if pooling == "max":
            pooled.append(values.where(is_token, -torch.inf).amax(2))
        else:
            pooled.append(values.sum(2) / is_token.sum(2))
    torch.testing.assert_close(network.embed(CODES), torch.cat(pooled, dim=1))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_batch_of_nothing_but_padding(size):
    network = make_cnn(kernel_sizes=(size,), n_layers=2, batch_norm=True)
    assert network(torch.zeros(2, 3, dtype=torch.long)).shape == (2, 2)
    assert network.embed(torch.zeros(1, 3, dtype=torch.long)).eq(0).all()


@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_n_layers_in_each_branch(n_layers):
    network = make_cnn(kernel_sizes=(3, 5), n_layers=n_layers)
    assert [len(branch) for branch in network.branches] == [n_layers] * 2
    for size, branch in zip((3, 5), network.branches, strict=True):
        widths = [(block.conv.in_channels, block.conv.out_channels) for block in branch]
        assert widths == [(4, 6)] + [(6, 6)] * (n_layers - 1)
        assert {block.conv.kernel_size for block in branch} == {(size,)}
    assert network.embedding_dim == 12
    assert network.embed(CODES).shape == (3, 12)


def test_reach_grows_with_the_layers():
    codes = torch.tensor([[5, 6, 7, 8, 9, 2, 3, 4, 5]])
    changed = codes.clone()
    changed[0, 0] = 4
    for n_layers in (1, 2):
        branch = make_cnn(kernel_sizes=(3,), n_layers=n_layers, activation="tanh").branches[0]
        embedding = nn.Embedding(10, 4)
        one, other = embedding(codes)[0], embedding(changed)[0]
        for block in branch:
            one, other = (block(values, torch.arange(9)) for values in (one, other))
        assert (one != other).any(dim=1).tolist() == [True] * (n_layers + 1) + [False] * (
            8 - n_layers
        )


def test_batch_norm_ignores_padding():
    network = make_cnn(batch_norm=True, kernel_sizes=(3,))
    block = network.branches[0][0]
    network(CODES)
    values = block.conv(network.embedding(CODES).transpose(1, 2)).transpose(1, 2)[CODES != 0]
    assert len(values) == 14
    torch.testing.assert_close(block.norm.running_mean, 0.1 * values.mean(0))
    torch.testing.assert_close(block.norm.running_var, 0.9 + 0.1 * values.var(0))


def test_batch_norm_with_a_single_token():
    network = make_cnn(batch_norm=True)
    assert network(torch.tensor([[5, 0]])).isfinite().all()


def test_unknown_pooling():
    with pytest.raises(ValueError, match=r"pooling='sum'; expected one of \['max', 'mean'\]"):
        make_cnn(pooling="sum")


def test_lengths_come_back():
    """Of all batches a thousand tokens apart there are a few lengths to prepare for."""
    rounded = {n: _round_up(n) for n in (*range(1, 300), *range(3_000, 4_000), 500_001)}
    assert len({rounded[n] for n in range(3_000, 4_000)}) == 9
    for n, length in rounded.items():
        assert n <= length <= max(n + 15, n * 17 / 16)


@pytest.mark.parametrize("length", range(1, 40))
def test_any_number_of_tokens(length):
    network = make_cnn(kernel_sizes=(2, 3), n_layers=2).eval()
    codes = torch.randint(2, 10, (1, length))
    padded = F.pad(codes, (0, 60 - length))
    many = torch.cat([padded, CODES.new_full((1, 60), 4)])
    torch.testing.assert_close(network(many)[:1], network(codes))
