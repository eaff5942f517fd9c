"""Messages on directed bonds: numbers worked out by hand, and the paper's equations."""

import pytest
import torch

from skchem_dl.nn import GNN, GraphBatch

from .molecules import (
    SCHEMA,
    assert_same,
    both_backends,
    graphs_of,
    n_parameters,
    one_hot,
    schema_of_sizes,
    set_weights,
    three_atoms,
)


@both_backends
@pytest.mark.parametrize(
    ("n_layers", "expected"),
    # Bond states: 0>1 11, 1>2 22, 2>0 34, 1>0 12, 2>1 24, 0>2 31; after one exchange (W = 2)
    # 79, 44, 78, 60, 86, 55; after two 167, 180, 122, 184, 134, 151.
    [(1, [46, 35, 53]), (2, [138, 165, 99]), (3, [306, 301, 331])],
)
def test_dmpnn_by_hand(backend, n_layers, expected):
    network = GNN(SCHEMA, 1, conv="dmpnn", hidden_dim=1, n_layers=n_layers, backend=backend)
    set_weights(network.conv.atoms_in, [[1.0], [2.0], [4.0]])
    set_weights(network.conv.bonds_in, [[10.0], [20.0], [30.0]])
    set_weights(network.conv.hidden, [[2.0]])
    set_weights(network.conv.atoms_out, [[100.0], [200.0], [300.0]])
    set_weights(network.conv.messages_out, [[1.0]], bias=-5.0)
    atoms = network.atom_states(three_atoms((0, 1), (1, 2), (2, 0)))
    arrived = torch.tensor(expected) + torch.tensor([95.0, 195.0, 295.0])
    assert torch.equal(atoms[:, 0], arrived)


def naive_dmpnn(conv, graph, depth):
    """The paper's equations, bond by bond, with chemprop's names for the weights."""
    W_i = torch.cat([conv.atoms_in.weight, conv.bonds_in.weight])
    W_h = conv.hidden.weight.T
    W_o = torch.cat([conv.atoms_out.weight, conv.messages_out.weight.T])
    atoms = [one_hot(codes, graph.schema.atom_sizes) for codes in graph.atom_codes]
    first = {}
    for codes, (v, w) in zip(graph.bond_codes, graph.bond_atoms.tolist(), strict=True):
        bond = one_hot(codes, graph.schema.bond_sizes)
        first[v, w] = torch.cat([atoms[v], bond]) @ W_i
        first[w, v] = torch.cat([atoms[w], bond]) @ W_i
    state = {edge: value.relu() for edge, value in first.items()}
    zero = W_h.new_zeros(len(W_h))
    for _ in range(1, depth):
        messages = {
            (v, w): sum((h for (k, u), h in state.items() if u == v and k != w), zero)
            for v, w in state
        }
        state = {edge: (first[edge] + messages[edge] @ W_h).relu() for edge in state}
    rows = []
    for v, atom in enumerate(atoms):
        message = sum((h for (_, u), h in state.items() if u == v), zero)
        rows.append((torch.cat([atom, message]) @ W_o + conv.messages_out.bias).relu())
    return torch.stack(rows)


@both_backends
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_dmpnn_is_the_papers(backend, depth, smiles):
    graphs = graphs_of(smiles)
    network = GNN(graphs.schema, 1, hidden_dim=6, n_layers=depth, backend=backend).double()
    expected = torch.cat([naive_dmpnn(network.conv, graph, depth) for graph in graphs])
    found = network.atom_states(GraphBatch.from_graphs(graphs))
    assert_same(found, expected, [(p, p) for p in network.conv.parameters()])


@both_backends
def test_dmpnn_of_depth_one_exchanges_nothing(backend, smiles):
    graphs = graphs_of(smiles)
    network = GNN(graphs.schema, 1, hidden_dim=6, n_layers=1, backend=backend).double()
    expected = torch.cat([naive_dmpnn(network.conv, graph, 1) for graph in graphs])
    found = network.atom_states(GraphBatch.from_graphs(graphs))
    torch.testing.assert_close(found, expected)


def test_dmpnn_has_as_many_parameters_as_chemprops():
    # chemprop's BondMessagePassing() with the widths of its default featuriser.
    published = (72 + 14) * 300 + 300 * 300 + (72 + 300) * 300 + 300
    assert published == 227_700
    ours = GNN(schema_of_sizes(72, 14), 1, conv="dmpnn", hidden_dim=300, n_layers=3).conv
    assert n_parameters(ours) == published
