"""Convolutions that are blind to bonds: numbers worked out by hand, and DGL's layers."""

import copy

import torch
from torch import nn

from skchem_dl.nn import GNN

from .molecules import (
    SCHEMA,
    assert_same,
    batch_of,
    both_backends,
    copy_weights,
    ends_of,
    every_atom,
    make_conv,
    needs_dgl,
    random_rows,
    set_weights,
    three_atoms,
)


def by_hand(conv, backend):
    """One layer on the chain 0 - 1 - 2, whose atoms start as 1, 2 and 4."""
    network = GNN(SCHEMA, 1, conv=conv, hidden_dim=1, n_layers=1, backend=backend)
    set_weights(network.conv.atoms, [[1.0], [2.0], [4.0]])
    return network, three_atoms((0, 1), (1, 2))


@both_backends
def test_gcn_by_hand(backend):
    network, batch = by_hand("gcn", backend)
    set_weights(network.conv.linears[0], [[3.0]], bias=10.0)
    # Each atom counts itself, so they have 2, 3 and 2 neighbours; a term is x / sqrt(n_i n_j).
    root = 6**0.5
    mixed = [1 / 2 + 2 / root, 1 / root + 2 / 3 + 4 / root, 2 / root + 4 / 2]
    expected = 3 * torch.tensor(mixed)[:, None] + 10
    torch.testing.assert_close(network.atom_states(batch), expected)


@both_backends
def test_sage_by_hand(backend):
    network, batch = by_hand("sage", backend)
    set_weights(network.conv.own[0], [[1.0]], bias=0.5)
    set_weights(network.conv.neighbours[0], [[100.0]])
    # Means over neighbours: 2, (1 + 4) / 2 and 2.
    assert network.atom_states(batch)[:, 0].tolist() == [201.5, 252.5, 204.5]


@both_backends
def test_gin_by_hand(backend):
    network, batch = by_hand("gin", backend)
    first, _, second = network.conv.networks[0]
    set_weights(first, [[2.0]], bias=-9.0)
    set_weights(second, [[1.0]], bias=100.0)
    torch.nn.init.constant_(network.conv.epsilon, 0.5)
    # Sums over neighbours 2, 5, 2, and 1.5 of the atom itself: 3.5, 8, 8. Twice that minus 9 is
    # -2, 7, 7, of which relu leaves 0, 7, 7.
    assert network.atom_states(batch)[:, 0].tolist() == [100.0, 107.0, 107.0]


@needs_dgl
@both_backends
def test_gcn_is_dgls(backend, smiles):
    import dgl

    batch, conv = batch_of(smiles), make_conv("gcn", backend)
    layer, linear = dgl.nn.GraphConv(6, 6, weight=False, bias=False), copy.deepcopy(conv.linears[0])
    ends = ends_of(batch, loops=True)
    n_atoms = len(batch.atom_codes)
    ours, theirs = random_rows(n_atoms, 6), random_rows(n_atoms, 6)
    pairs = [
        (ours, theirs),
        (conv.linears[0].weight, linear.weight),
        (conv.linears[0].bias, linear.bias),
    ]
    copy_weights(pairs)
    found, expected = (
        conv.step(0, every_atom(batch), ours, ours),
        linear(layer(dgl.graph(ends), theirs)),
    )
    assert_same(found, expected, pairs)


@needs_dgl
@both_backends
def test_sage_is_dgls(backend, smiles):
    import dgl

    batch, conv = batch_of(smiles), make_conv("sage", backend)
    n_atoms = len(batch.atom_codes)
    layer = dgl.nn.SAGEConv(6, 6, "mean").double()
    ours, theirs = random_rows(n_atoms, 6), random_rows(n_atoms, 6)
    pairs = [
        (ours, theirs),
        (conv.own[0].weight, layer.fc_self.weight),
        (conv.own[0].bias, layer.fc_self.bias),
        (conv.neighbours[0].weight, layer.fc_neigh.weight),
    ]
    copy_weights(pairs)
    graph = dgl.graph(ends_of(batch), num_nodes=n_atoms)
    assert_same(conv.step(0, every_atom(batch), ours, ours), layer(graph, theirs), pairs)


@needs_dgl
@both_backends
def test_gin_is_dgls(backend, smiles):
    import dgl

    batch, conv = batch_of(smiles), make_conv("gin", backend, n_steps=2)
    n_atoms = len(batch.atom_codes)
    network = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6))
    layer = dgl.nn.GINConv(network, "sum", learn_eps=True).double()
    ours, theirs = random_rows(n_atoms, 6), random_rows(n_atoms, 6)
    pairs = [
        (ours, theirs),
        *zip(conv.networks[1].parameters(), network.parameters(), strict=True),
    ]
    copy_weights(pairs)
    with torch.no_grad():
        layer.eps.copy_(conv.epsilon[1])
    graph = dgl.graph(ends_of(batch), num_nodes=n_atoms)
    expected = layer(graph, theirs)
    assert_same(conv.step(1, every_atom(batch), ours, ours), expected, pairs)
    # The weight of the atom itself is one entry of a vector here.
    found = torch.autograd.grad(conv.step(1, every_atom(batch), ours, ours).sum(), conv.epsilon)[0]
    expected = torch.autograd.grad(layer(graph, theirs).sum(), layer.eps)[0]
    torch.testing.assert_close(found[1:], expected)
    assert found[0] == 0
