"""Convolutions that attend: DGL's layers, the papers' equations, numbers worked out by hand."""

from math import log

import pytest
import torch
from torch.nn import functional as F

from skchem_dl.nn import GNN, GraphBatch
from skchem_dl.nn._convs._attention import softmax_of_messages
from skchem_dl.nn._kernels import make_kernels

from .molecules import (
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
    three_atoms,
)

# Bonds of kind 0 double a neighbour's weight; those of kind 1 halve it, after the leaky relu.
LOGITS = (log(2), -5 * log(2))
CHAIN = ((0, 1), (1, 2))


def with_loops(batch):
    import dgl

    ends = ends_of(batch, loops=True)
    return dgl.graph(ends)


@needs_dgl
@both_backends
@pytest.mark.parametrize("n_heads", [1, 2, 3])
def test_gat_is_dgls(backend, n_heads, smiles):
    import dgl

    batch = batch_of(smiles)
    conv = make_conv("gat", backend, graphs_of(smiles).schema, n_steps=2, n_heads=n_heads)
    torch.nn.init.zeros_(conv.to_bonds[1].weight)  # DGL's layer sees no bonds
    layer = dgl.nn.GATConv(6, 6 // n_heads, n_heads).double()
    n_atoms = len(batch.atom_codes)
    ours, theirs = random_rows(n_atoms, 6), random_rows(n_atoms, 6)
    pairs = [
        (ours, theirs),
        (conv.values[1].weight, layer.fc.weight),
        (conv.biases[1], layer.bias),
        (conv.to_source[1], layer.attn_l),
        (conv.to_destination[1], layer.attn_r),
    ]
    copy_weights(pairs)
    expected = layer(with_loops(batch), theirs).flatten(1)
    assert_same(conv.step(1, every_atom(batch), ours, ours), expected, pairs)


@needs_dgl
@both_backends
@pytest.mark.parametrize("n_heads", [1, 2, 3])
def test_gatv2_is_dgls(backend, n_heads, smiles):
    import dgl

    batch = batch_of(smiles)
    conv = make_conv("gatv2", backend, graphs_of(smiles).schema, n_steps=2, n_heads=n_heads)
    torch.nn.init.zeros_(conv.of_bonds[1].weight)
    layer = dgl.nn.GATv2Conv(6, 6 // n_heads, n_heads).double()
    n_atoms = len(batch.atom_codes)
    ours, theirs = random_rows(n_atoms, 6), random_rows(n_atoms, 6)
    pairs = [
        (ours, theirs),
        *zip(conv.of_source[1].parameters(), layer.fc_src.parameters(), strict=True),
        *zip(conv.of_destination[1].parameters(), layer.fc_dst.parameters(), strict=True),
        (conv.attention[1], layer.attn),
    ]
    copy_weights(pairs)
    expected = layer(with_loops(batch), theirs).flatten(1)
    assert_same(conv.step(1, every_atom(batch), ours, ours), expected, pairs)


# Shares of self and neighbours: 1 : 2; 1 : 2 and 1/2; 1 : 1/2.
SHARED = [(1 + 2 * 20) / 3, (20 + 2 * 1 + 300 / 2) / 3.5, (300 + 20 / 2) / 1.5]


@both_backends
def test_bonds_in_gat_by_hand(backend):
    conv = make_conv("gat", backend, dim=1)
    with torch.no_grad():
        conv.values[0].weight.fill_(1.0)
        conv.biases[0].fill_(7.0)
        conv.to_source[0].zero_()
        conv.to_destination[0].zero_()
        conv.to_bonds[0].weight[:2, 0] = torch.tensor(LOGITS)
    state = torch.tensor([[1.0], [20.0], [300.0]], dtype=torch.float64)
    found = conv.step(0, every_atom(three_atoms(*CHAIN)), state, state)
    torch.testing.assert_close(found[:, 0] - 7, torch.tensor(SHARED, dtype=torch.float64))


@both_backends
def test_bonds_in_gatv2_by_hand(backend):
    conv = make_conv("gatv2", backend, dim=2)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.zero_()
        # The first unit is the atoms' value, the second nothing but the logit of the bond.
        conv.of_source[0].weight[0, 0] = 1.0
        conv.of_bonds[0].weight[:2, 1] = torch.tensor(LOGITS)
        conv.attention[0][0, 1] = 1.0
    state = torch.tensor([[1.0, 5.0], [20.0, 6.0], [300.0, 7.0]], dtype=torch.float64)
    found = conv.step(0, every_atom(three_atoms(*CHAIN)), state, state)
    torch.testing.assert_close(found[:, 0], torch.tensor(SHARED, dtype=torch.float64))
    assert found[:, 1].eq(0).all()


def neighbours(graph):
    """Give each atom's neighbours, with the bonds to them."""
    found = [[] for _ in graph.atom_codes]
    for codes, (v, w) in zip(graph.bond_codes, graph.bond_atoms.tolist(), strict=True):
        bond = one_hot(codes, graph.schema.bond_sizes)
        found[v].append((w, bond))
        found[w].append((v, bond))
    return found


def naive_context(conv, graph):
    """The paper's first layer, atom by atom."""
    atoms = [one_hot(codes, graph.schema.atom_sizes) for codes in graph.atom_codes]
    W_neighbour = torch.cat([conv.neighbours.weight, conv.bonds.weight])
    rows = []
    for v, near in enumerate(neighbours(graph)):
        state = F.leaky_relu(atoms[v] @ conv.atoms.weight + conv.atoms_bias)
        seen = [
            F.leaky_relu(torch.cat([atoms[w], bond]) @ W_neighbour + conv.bonds_bias)
            for w, bond in near
        ]
        rows.append(attended(conv.first_logits, conv.first_values, conv.first_gate, state, seen))
    return torch.stack(rows)


def naive_layer(conv, layer, graph, states):
    """The paper's other layers, atom by atom."""
    modules = conv.logits[layer], conv.values[layer], conv.gates[layer]
    return torch.stack(
        [
            attended(*modules, states[v], [states[w] for w, _ in near])
            for v, near in enumerate(neighbours(graph))
        ]
    )


def attended(logits, values, gate, state, seen):
    """What an atom becomes by what it sees."""
    context = torch.zeros_like(state)
    if seen:
        scores = [F.leaky_relu(logits(torch.cat([state, other]))) for other in seen]
        shares = torch.softmax(torch.cat(scores), 0)
        context = sum(share * values(other) for share, other in zip(shares, seen, strict=True))
    return gate(F.elu(context)[None], state[None])[0].relu()


@both_backends
def test_attentivefp_layer_is_the_papers(backend, smiles):
    graphs = graphs_of(smiles)
    conv = make_conv("attentivefp", backend, graphs.schema, n_steps=2)
    batch = GraphBatch.from_graphs(graphs)
    rows = random_rows(len(batch.atom_codes), 6)
    states = rows.split(graphs.n_atoms.tolist())
    expected = torch.cat([naive_layer(conv, 1, *pair) for pair in zip(graphs, states, strict=True)])
    modules = conv.logits[1], conv.values[1], conv.gates[1]
    parameters = [rows, *(p for module in modules for p in module.parameters())]
    assert_same(conv.step(1, every_atom(batch), rows, rows), expected, [(p, p) for p in parameters])


@both_backends
@pytest.mark.parametrize("n_layers", [1, 3])
def test_attentivefp_is_the_papers(backend, n_layers, smiles):
    graphs = graphs_of(smiles)
    network = GNN(
        graphs.schema, 1, conv="attentivefp", hidden_dim=6, n_layers=n_layers, backend=backend
    ).double()
    expected = []
    for graph in graphs:
        states = naive_context(network.conv, graph)
        for layer in range(n_layers - 1):
            states = naive_layer(network.conv, layer, graph, states)
        expected.append(states)
    found = network.atom_states(GraphBatch.from_graphs(graphs))
    assert_same(found, torch.cat(expected), [(p, p) for p in network.conv.parameters()])


def test_attentivefp_has_as_many_parameters_as_dgllifes():
    # dgllife's AttentiveFPGNN(node_feat_size=74, edge_feat_size=12, num_layers=2): maps of atoms,
    # of neighbours with their bonds; then for each layer a logit, a value and a gated unit.
    layer = (400 + 1) + (200 * 200 + 200) + 2 * (3 * 200 * 200 + 3 * 200)
    published = (74 * 200 + 200) + ((74 + 12) * 200 + 200) + 2 * layer
    assert published == 596_002
    ours = GNN(schema_of_sizes(74, 12), 1, conv="attentivefp", hidden_dim=200, n_layers=2).conv
    assert n_parameters(ours) == published


@both_backends
def test_softmax_of_messages_is_dgls(backend, smiles):
    dgl = pytest.importorskip("dgl")
    batch = batch_of(smiles)
    ours, theirs = random_rows(len(batch.source), 3), random_rows(len(batch.source), 3)
    copy_weights([(ours, theirs)])
    messages = every_atom(batch)
    ends = messages.source.index, messages.destination.index
    graph = dgl.graph(ends, num_nodes=len(batch.atom_codes))
    expected = dgl.nn.functional.edge_softmax(graph, theirs)
    found = softmax_of_messages(make_kernels(backend), messages, ours)
    assert_same(found, expected, [(ours, theirs)])


@both_backends
@pytest.mark.parametrize("name", ["gat", "gatv2", "attentivefp"])
def test_huge_logits_and_lonely_atoms(backend, name):
    # A softmax that is not shifted overflows here; one that is shifted by the maximum of nothing
    # is NaN where an atom has no neighbour.
    graphs = graphs_of(["CCO", "[Na+].[Cl-]", "C", "CC(C)(C)C"])
    conv = make_conv(name, backend, graphs.schema, n_heads=2).float()
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.mul_(100)
    batch = GraphBatch.from_graphs(graphs)
    state = (1000 * torch.randn(len(batch.atom_codes), 6)).requires_grad_()
    result = conv.step(0, every_atom(batch), state, state)
    result.sum().backward()
    assert result.isfinite().all()
    assert state.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in conv.parameters())
