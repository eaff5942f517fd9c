"""Convolutions whose messages depend on bonds: numbers worked out by hand, and DGL's layers."""

import pytest
import torch
from torch import nn

from skchem_dl.nn import GNN, GraphBatch

from .molecules import (
    SCHEMA,
    assert_same,
    batch_of,
    both_backends,
    copy_weights,
    ends_of,
    every_atom,
    graphs_of,
    make_conv,
    n_parameters,
    needs_dgl,
    one_hot,
    random_rows,
    schema_of_sizes,
    set_weights,
    three_atoms,
)


@both_backends
def test_gine_by_hand(backend):
    network = GNN(SCHEMA, 1, conv="gine", hidden_dim=1, n_layers=1, backend=backend)
    first, _, second = network.conv.networks[0]
    set_weights(network.conv.atoms, [[1.0], [2.0], [4.0]])
    set_weights(network.conv.bonds[0], [[-1.5], [10.0], [0.0]])
    set_weights(first, [[2.0]], bias=1.0)
    set_weights(second, [[1.0]], bias=100.0)
    torch.nn.init.constant_(network.conv.epsilon, 0.5)
    # Messages: 1 > 0 2 - 1.5, 0 > 1 relu(1 - 1.5) = 0, 2 > 1 14, 1 > 2 12; and 1.5 of the atom.
    mixed = torch.tensor([0.5 + 1.5, 14 + 3, 12 + 6.0])
    atoms = network.atom_states(three_atoms((0, 1), (1, 2)))
    assert torch.equal(atoms[:, 0], 2 * mixed + 101)


@both_backends
def test_mpnn_by_hand(backend):
    network = GNN(SCHEMA, 1, conv="mpnn", hidden_dim=1, n_layers=1, backend=backend)
    conv = network.conv
    set_weights(conv.atoms, [[1.0], [2.0], [4.0]])
    with torch.no_grad():
        # Only the first unit of the edge network is used; bonds become the matrices 0.1 and 0.2.
        for parameter in (conv.bonds.weight, conv.matrices.weight, *conv.gate.parameters()):
            parameter.zero_()
        conv.bonds.weight[:, 0] = torch.tensor([1.0, 2.0, 0.0])
        conv.matrices.weight[0, 0] = 0.1
        conv.matrices.bias.zero_()
        conv.bias.fill_(0.05)
        # The gated unit's z is 0.5, so its result is the mean of the old state and tanh(message).
        conv.gate.weight_ih[2] = 1.0
    messages = torch.tensor([0.2, 0.1 + 0.8, 0.4]) + 0.05
    expected = (torch.tensor([1.0, 2.0, 4.0]) + messages.tanh()) / 2
    atoms = network.atom_states(three_atoms((0, 1), (1, 2)))
    torch.testing.assert_close(atoms[:, 0], expected)


@needs_dgl
@both_backends
def test_gine_is_dgls(backend, smiles):
    import dgl

    batch = batch_of(smiles)
    conv = make_conv("gine", backend, graphs_of(smiles).schema, n_steps=2)
    n_atoms = len(batch.atom_codes)
    network = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6))
    layer = dgl.nn.GINEConv(network).double()
    layer.eps.copy_(conv.epsilon[1].detach())
    ours, theirs = random_rows(n_atoms, 6), random_rows(n_atoms, 6)
    bonds = torch.zeros_like(conv.bonds[1].weight, requires_grad=True)
    pairs = [
        (ours, theirs),
        (conv.bonds[1].weight, bonds),
        *zip(conv.networks[1].parameters(), network.parameters(), strict=True),
    ]
    copy_weights(pairs)
    edges = edge_features(graphs_of(smiles)) @ bonds
    graph = dgl.graph(ends_of(batch), num_nodes=n_atoms)
    assert_same(conv.step(1, every_atom(batch), ours, ours), layer(graph, theirs, edges), pairs)


@needs_dgl
@both_backends
def test_mpnn_is_dgllifes(backend, smiles):
    import dgl

    batch = batch_of(smiles)
    conv = make_conv("mpnn", backend, graphs_of(smiles).schema, dim=3)
    n_atoms = len(batch.atom_codes)
    bonds, bonds_bias = torch.zeros_like(conv.bonds.weight), torch.zeros_like(conv.bonds_bias)
    bonds.requires_grad_(), bonds_bias.requires_grad_()
    matrices = nn.Linear(128, 9).double()
    layer = dgl.nn.NNConv(
        3, 3, lambda features: matrices((features @ bonds + bonds_bias).relu()), "sum"
    ).double()
    gate = nn.GRU(3, 3).double()
    ours, theirs = random_rows(n_atoms, 3), random_rows(n_atoms, 3)
    pairs = [
        (ours, theirs),
        (conv.bonds.weight, bonds),
        (conv.bonds_bias, bonds_bias),
        (conv.matrices.weight, matrices.weight),
        (conv.matrices.bias, matrices.bias),
        (conv.bias, layer.bias),
        *zip(conv.gate.parameters(), gate.parameters(), strict=True),
    ]
    copy_weights(pairs)
    graph = dgl.graph(ends_of(batch), num_nodes=n_atoms)
    message = layer(graph, theirs, edge_features(graphs_of(smiles))).relu()
    _, expected = gate(message[None], theirs[None])
    assert_same(conv.step(0, every_atom(batch), ours, ours), expected[0], pairs)


@pytest.mark.parametrize("conv", ["gine", "mpnn", "gat", "gatv2", "attentivefp", "dmpnn"])
def test_bonds_matter(conv):
    graphs = graphs_of(["CCO", "C=CO"])
    graphs.atom_codes[3:] = graphs.atom_codes[:3]  # they differ in that bond and nothing else
    network = GNN(graphs.schema, 1, conv=conv, hidden_dim=8)
    one, other = network.embed(GraphBatch.from_graphs(graphs))
    assert (one - other).abs().max() > 1e-4


def test_mpnn_has_as_many_parameters_as_dgllifes():
    # dgllife's MPNNGNN(node_in_feats=74, edge_in_feats=12): a linear map of the atoms, the edge
    # network, the bias of the messages, the gated recurrent unit.
    project = 74 * 64 + 64
    edge_network = 12 * 128 + 128 + 128 * 64**2 + 64**2
    gate = 2 * (3 * 64 * 64) + 2 * (3 * 64)
    published = project + edge_network + 64 + gate
    assert published == 559_872
    ours = GNN(schema_of_sizes(74, 12), 1, conv="mpnn", hidden_dim=64, n_layers=6).conv
    # One category of each field is always hot, so the map of the atoms goes without a bias.
    assert n_parameters(ours) == published - 64


def edge_features(graphs):
    """One-hot codes of each bond there, and of each bond back."""
    hot = torch.stack([one_hot(codes, graphs.schema.bond_sizes) for codes in graphs.bond_codes])
    return torch.cat([hot, hot])
