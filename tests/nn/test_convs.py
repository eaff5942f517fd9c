"""Each convolution against its reference: DGL's layer, loops, numbers worked out by hand."""

import numpy as np
import pytest
import torch

from skchem_dl import MolGraphizer, MolGraphs, _dgl
from skchem_dl.graphs import GraphSchema
from skchem_dl.nn import CONVS, GNN, GraphBatch, GraphConv, register_conv

needs_dgl = pytest.mark.skipif(not _dgl.has_dgl(), reason="DGL is not installed")
BACKENDS = ["torch", pytest.param("dgl", marks=needs_dgl)]
SCHEMA = GraphSchema((("atom", 3),), (("bond", 3),))


def three_atoms(*bonds):
    """Atoms 0, 1, 2 of three kinds, and bonds of as many kinds as there are bonds."""
    graphs = MolGraphs(
        np.array([[0], [1], [2]], dtype=np.uint8),
        np.arange(len(bonds), dtype=np.uint8)[:, None],
        np.array(bonds, dtype=np.int32),
        np.array([0, 3]),
        np.array([0, len(bonds)]),
        SCHEMA,
    )
    return GraphBatch.from_graphs(graphs)


def set_weights(module, weight, bias=None):
    with torch.no_grad():
        module.weight.copy_(torch.tensor(weight, dtype=torch.float32))
        if bias is not None:
            module.bias.fill_(bias)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gcn_by_hand(backend):
    network = GNN(SCHEMA, 1, conv="gcn", hidden_dim=1, n_layers=1, backend=backend)
    set_weights(network.conv.atoms, [[1.0], [2.0], [4.0]])
    set_weights(network.conv.linears[0], [[3.0]], bias=10.0)
    atoms = network.atom_states(three_atoms((0, 1), (1, 2)))
    # Each atom counts itself, so they have 2, 3 and 2 neighbours; a term is x / sqrt(n_i n_j).
    root = 6**0.5
    mixed = [1 / 2 + 2 / root, 1 / root + 2 / 3 + 4 / root, 2 / root + 4 / 2]
    torch.testing.assert_close(atoms, 3 * torch.tensor(mixed)[:, None] + 10)


@needs_dgl
@pytest.mark.parametrize("backend", BACKENDS)
def test_gcn_is_dgls_graph_convolution(backend, smiles):
    import dgl

    graphs = MolGraphizer().fit_transform(smiles)
    batch = GraphBatch.from_graphs(graphs)
    conv = GNN(graphs.schema, 1, conv="gcn", hidden_dim=5, n_layers=1, backend=backend).conv
    layer = dgl.nn.GraphConv(5, 5, norm="both")
    with torch.no_grad():
        layer.weight.copy_(conv.linears[0].weight.T)
        layer.bias.copy_(conv.linears[0].bias.normal_())
    atoms = torch.arange(len(batch.atom_codes))
    ends = (torch.cat([batch.source, atoms]), torch.cat([batch.destination, atoms]))
    ours = torch.randn(len(atoms), 5, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    found, expected = conv.step(0, batch, ours, ours), layer(dgl.graph(ends), theirs)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-5)
    grad = conv.linears[0].weight.grad
    torch.testing.assert_close(grad, layer.weight.grad.T, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
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


def one_hot(codes, sizes):
    hot = [torch.arange(size) == int(code) for code, size in zip(codes, sizes, strict=True)]
    return torch.cat(hot).float()


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
    zero = torch.zeros(len(W_h))
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


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_dmpnn_is_the_papers(backend, depth, smiles):
    graphs = MolGraphizer().fit_transform(smiles)
    network = GNN(graphs.schema, 1, hidden_dim=6, n_layers=depth, backend=backend)
    expected = torch.cat([naive_dmpnn(network.conv, graph, depth) for graph in graphs])
    found = network.atom_states(GraphBatch.from_graphs(graphs))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("conv", "n_layers", "reach"), [("gcn", 2, 2), ("dmpnn", 3, 3)])
def test_reach(conv, n_layers, reach):
    graphs = MolGraphizer().fit_transform(["CCCCCCCCCC", "CCCCCCCCCO"])
    network = GNN(graphs.schema, 1, conv=conv, n_layers=n_layers, activation="tanh", hidden_dim=8)
    one, other = network.atom_states(GraphBatch.from_graphs(graphs)).split(10)
    changed = (one - other).abs().amax(1) > 1e-6
    assert changed.tolist() == [False] * (9 - reach) + [True] * (reach + 1)


def test_a_new_convolution_is_one_class(monkeypatch):
    monkeypatch.setattr("skchem_dl.nn._convs.CONVS", dict(CONVS))

    class Nothing(GraphConv):
        def start(self, batch):
            return torch.ones(len(batch.atom_codes), 4)

        def step(self, layer, batch, state, first):
            return state + self.kernels.sum_neighbours(batch, state)

    from skchem_dl.nn import _convs, _gnn

    monkeypatch.setattr(_gnn, "CONVS", _convs.CONVS)
    assert register_conv("nothing")(Nothing) is Nothing
    batch = three_atoms((0, 1), (1, 2))
    network = GNN(SCHEMA, 2, conv="nothing", hidden_dim=4, n_layers=1)
    assert network.atom_states(batch)[:, 0].tolist() == [2.0, 3.0, 2.0]
    assert network(batch).shape == (1, 2)
