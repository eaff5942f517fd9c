"""The graph network around the convolutions; every convolution that is registered."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
import torch
from rdkit import Chem

from skchem_dl.nn import CONVS, GNN, JUMPING_KNOWLEDGE, READOUTS, SKIPS, GraphBatch
from skchem_dl.nn._layers import CodeEmbedding

from .molecules import (
    SCHEMA,
    batch_of,
    between_empty,
    every_row,
    finished,
    graphs_of,
    make_gnn,
    needs_dgl,
    three_atoms,
)

OPTIONS = {
    "conv": CONVS,
    "skip": SKIPS,
    "readout": READOUTS,
    "jumping_knowledge": JUMPING_KNOWLEDGE,
    "virtual_node": (False, True),
    "batch_norm": (False, True),
    "average_heads": (False, True),
}
close = {"rtol": 1e-4, "atol": 1e-5}


def pairs_of(row):
    return {frozenset(pair) for pair in combinations(row.items(), 2)}


def covering(options):
    """Choose combinations so that every pair of values of two options occurs in one."""
    names = list(options)
    missing = {
        frozenset([(a, x), (b, y)]): {a: x, b: y}
        for a, b in combinations(names, 2)
        for x, y in product(options[a], options[b])
    }
    while missing:
        row = dict(next(iter(missing.values())))
        for name in (name for name in names if name not in row):
            gains = {
                value: sum(frozenset([(name, value), item]) in missing for item in row.items())
                for value in options[name]
            }
            row[name] = max(gains, key=gains.get)
        for pair in pairs_of(row):
            missing.pop(pair, None)
        yield {name: row[name] for name in names}


def combination(options, marks=()):
    name = "-".join(name if value is True else str(value) for name, value in options.items())
    return pytest.param(options, id=name.replace("-False", ""), marks=marks)


SOME = list(covering(OPTIONS))
ALL = [
    {"conv": conv, "skip": skip, "readout": readout, "batch_norm": True}
    for conv, skip, readout in product(CONVS, SKIPS, READOUTS)
]
every_conv = pytest.mark.parametrize("conv", CONVS)
every_option = pytest.mark.parametrize(
    "options",
    [*map(combination, SOME), *(combination(row, pytest.mark.slow) for row in ALL)],
)


def test_every_pair_of_options_is_tested():
    tested = set().union(*map(pairs_of, SOME))
    for a, b in combinations(OPTIONS, 2):
        for x, y in product(OPTIONS[a], OPTIONS[b]):
            assert {(a, x), (b, y)} in tested
    assert len(SOME) < 1.2 * len(CONVS) * len(READOUTS)


@every_conv
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_norm": True, "skip": "gated", "readout": "set2set"},
        {"virtual_node": True, "jumping_knowledge": "concat", "readout": "max", "n_layers": 3},
    ],
    ids=["plain", "gated", "virtual node"],
)
def test_atoms_may_be_numbered_in_any_order(conv, options, smiles):
    network = make_gnn(conv, **options)
    network(batch_of(smiles))  # moves the running statistics
    network.eval()
    generator = np.random.default_rng(0)
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    orders = [generator.permutation(mol.GetNumAtoms()).tolist() for mol in molecules]
    renumbered = [Chem.RenumberAtoms(*pair) for pair in zip(molecules, orders, strict=True)]
    one, other = batch_of(molecules), batch_of(renumbered)
    assert not np.array_equal(one.atom_codes, other.atom_codes)
    torch.testing.assert_close(network(one), network(other), **close)
    starts = one.atom_offsets[:-1].tolist()
    order = [start + atom for start, atoms in zip(starts, orders, strict=True) for atom in atoms]
    atoms = network.atom_states(one)[order]
    torch.testing.assert_close(network.atom_states(other), atoms, **close)


@every_option
def test_a_molecule_alone_gives_the_same(options, smiles):
    network = make_gnn(n_heads=2, n_layers=3, **options)
    network(batch_of(smiles))
    network.eval()
    graphs = graphs_of(smiles)
    together = network(GraphBatch.from_graphs(between_empty(graphs)))[1:-1]
    some = range(0, len(graphs), 3)
    alone = torch.cat([network(GraphBatch.from_graphs(graphs[row])) for row in some])
    torch.testing.assert_close(together[list(some)], alone, **close)


@every_option
def test_training(options, smiles):
    network = make_gnn(n_heads=2, n_layers=3, **options)
    batch = GraphBatch.from_graphs(between_empty(graphs_of(smiles)))
    lengths = [0, *map(len, smiles), 0]
    target = torch.tensor([[length, length % 5] for length in lengths]) / 10
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        losses.append((network(batch) - target).square().mean())
        losses[-1].backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
        optimizer.step()
    assert losses[-1] < losses[0]


@needs_dgl
@every_option
def test_backends_are_equal(options, smiles):
    networks = [
        make_gnn(n_heads=2, n_layers=3, backend=backend, **options).double()
        for backend in ("torch", "dgl")
    ]
    networks[1].load_state_dict(networks[0].state_dict())
    batch = GraphBatch.from_graphs(between_empty(graphs_of(smiles)))
    outputs = [network(batch) for network in networks]
    torch.testing.assert_close(*outputs)
    grads = [
        torch.autograd.grad(output.square().mean(), list(network.parameters()))
        for network, output in zip(networks, outputs, strict=True)
    ]
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize(("conv", "readout"), list(product(CONVS, READOUTS)))
def test_bfloat16(conv, readout, smiles):
    network, batch = make_gnn(conv, readout=readout, n_heads=2), batch_of(smiles)
    target = torch.tensor([[len(text), len(text) % 5] for text in smiles]) / 10
    results = []
    for low in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            output = network(batch)
        loss = (output.float() - target).square().mean()
        grads = torch.autograd.grad(loss, list(network.parameters()))
        results.append(torch.cat([output.float().flatten(), *map(torch.flatten, grads)]))
    assert results[1].isfinite().all()
    assert torch.cosine_similarity(*results, dim=0) > 0.99


def states_by_hand(network, plan):
    """The states of a network without skips, norms and virtual nodes, before `finish`."""
    activation = torch.nn.Identity() if network.conv.activates else network.activation
    first = network.conv.start(plan)
    states = [activation(first)]
    for layer, exchange in enumerate(steps(network, plan)):
        states.append(activation(network.conv.step(layer, exchange, states[-1], first)))
    return states


def steps(network, plan):
    return plan.exchanges[network.conv.n_start_exchanges :]


@every_conv
def test_skips(conv, smiles):
    batch = batch_of(smiles)
    n_layers = 1 + CONVS[conv].counts_start
    plain = make_gnn(conv, n_layers=n_layers)
    plan = every_row(plain, batch)
    old, new = states_by_hand(plain, plan)
    weights = plain.state_dict()
    residual = make_gnn(conv, n_layers=n_layers, skip="residual")
    residual.load_state_dict(weights)
    expected = finished(plain, plan, old + new)
    torch.testing.assert_close(residual.atom_states(batch), expected)
    gated = make_gnn(conv, n_layers=n_layers, skip="gated")
    gated.load_state_dict(weights, strict=False)
    torch.nn.init.zeros_(gated.gates[0].weight)
    for bias, state in [(-100.0, old), (0.0, (old + new) / 2), (100.0, new)]:
        torch.nn.init.constant_(gated.gates[0].bias, bias)
        expected = finished(plain, plan, state)
        torch.testing.assert_close(gated.atom_states(batch), expected, **close)


@every_conv
@pytest.mark.parametrize("n_layers", [1, 3])
def test_jumping_knowledge(conv, n_layers, smiles):
    batch = batch_of(smiles)
    last, concat, highest = (
        make_gnn(conv, n_layers=n_layers, jumping_knowledge=how)
        for how in ("last", "concat", "max")
    )
    for network in (concat, highest):
        network.conv.load_state_dict(last.conv.state_dict())
    plan = every_row(last, batch)
    atoms = [finished(last, plan, state) for state in states_by_hand(last, plan)]
    assert len(atoms) == 1 + n_layers - CONVS[conv].counts_start
    torch.testing.assert_close(last.atom_states(batch), atoms[-1], **close)
    torch.testing.assert_close(concat.atom_states(batch), torch.cat(atoms, dim=1), **close)
    torch.testing.assert_close(highest.atom_states(batch), torch.stack(atoms).amax(0), **close)
    assert concat.embedding_dim == 8 * len(atoms)
    assert highest.embedding_dim == 8


@every_conv
def test_virtual_node_by_hand(conv, smiles):
    batch = batch_of(smiles)
    network = make_gnn(conv, n_layers=4, virtual_node=True, activation="tanh")
    assert len(network.exchanges) == network.n_steps
    n_atoms = batch.atom_offsets.diff()[:, None]
    molecule = torch.repeat_interleave(batch.atom_offsets.diff())
    activation = torch.nn.Identity() if network.conv.activates else network.activation
    plan = every_row(network, batch)
    first = network.conv.start(plan)
    state, heard = activation(first), torch.zeros(len(batch), 8)
    for layer, exchange in enumerate(steps(network, plan)):
        home = molecule[batch.source] if conv == "dmpnn" else molecule
        said = torch.zeros(len(batch), 8).index_add(0, home, state) / n_atoms
        heard = network.exchanges[layer][0](heard + said).tanh()
        state = state + heard[home]
        state = activation(network.conv.step(layer, exchange, state, first))
    expected = finished(network, plan, state)
    torch.testing.assert_close(network.atom_states(batch), expected, **close)


FAR = ("C" * 12, "C" * 11 + "O")
APART = ("CCC.CC", "CCC.CO")


@every_conv
@pytest.mark.parametrize("virtual_node", [False, True])
@pytest.mark.parametrize("molecules", [FAR, APART], ids=["far away", "another component"])
def test_virtual_node_is_heard_in_the_whole_molecule_only(conv, virtual_node, molecules):
    one, other = molecules
    network = make_gnn(conv, virtual_node=virtual_node, n_layers=3, activation="tanh")
    states = network.atom_states(batch_of([one, other])).split(len(one.replace(".", "")))
    changed = (states[0] - states[1]).abs().amax(1)
    assert (changed[0] > 1e-6) == virtual_node
    assert changed[-1] > 1e-6
    beside = [network.atom_states(batch_of([one, text]))[:3] for text in molecules]
    torch.testing.assert_close(*beside)


def test_readout_dim(smiles):
    batch = batch_of(smiles)
    network = make_gnn(readout="sum_mean_max", readout_dim=5)
    assert network.embedding_dim == 5
    molecules = network.readout(batch, network.atom_states(batch))
    assert molecules.shape == (len(smiles), 24)
    linear = network.projection
    expected = molecules @ linear.weight.T + linear.bias
    torch.testing.assert_close(network.embed(batch), expected)
    torch.testing.assert_close(network(batch), network.head(expected))
    assert not list(make_gnn().projection.parameters())


@every_conv
def test_frozen_embeddings_stay_and_everything_else_learns(conv, smiles):
    network = make_gnn(conv, freeze_embedding=True, batch_norm=True, skip="gated")
    modules = [module for module in network.modules() if isinstance(module, CodeEmbedding)]
    frozen = {module.weight for module in modules}
    before = {parameter: parameter.detach().clone() for parameter in network.parameters()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
    network(batch_of(smiles)).square().mean().backward()
    optimizer.step()
    assert frozen
    for name, parameter in network.named_parameters():
        assert (parameter.grad is None) == (parameter in frozen), name
        assert torch.equal(parameter, before[parameter]) == (parameter in frozen), name


@every_conv
@pytest.mark.parametrize("virtual_node", [False, True])
def test_scale_of_one_changes_nothing_and_zero_hides_all_codes(conv, virtual_node, smiles):
    network = make_gnn(conv, virtual_node=virtual_node).double().eval()
    batch = GraphBatch.from_graphs(between_empty(graphs_of(smiles[:20])))
    ones = torch.ones(len(batch.atom_codes), dtype=torch.float64)
    expected = network(batch)
    torch.testing.assert_close(network(replace(batch, atom_scale=ones)), expected)
    hidden = network(replace(batch, atom_scale=0 * ones))
    for module in network.modules():
        if isinstance(module, CodeEmbedding):
            module.weight.data.zero_()
    torch.testing.assert_close(hidden, network(batch))
    assert not torch.allclose(hidden, expected)


@every_conv
def test_a_bond_is_shown_as_much_as_its_atoms_on_average(conv):
    """Each atom and bond has a code of its own, whose vector can be scaled instead."""
    network = GNN(SCHEMA, 1, conv=conv, hidden_dim=8, n_layers=2).double().eval()
    batch = three_atoms((0, 1), (1, 2))
    scales = {"atom": torch.tensor([1.0, 0.5, 0.0]), "bond": torch.tensor([0.75, 0.25, 1.0])}
    found = network(replace(batch, atom_scale=scales["atom"].double()))
    for name, module in network.named_modules():
        if isinstance(module, CodeEmbedding):
            module.weight.data *= scales["bond" if "bond" in name else "atom"][:, None]
    torch.testing.assert_close(found, network(batch))


@pytest.mark.parametrize("conv", ["gat", "gatv2"])
def test_heads_share_out_the_width(conv):
    with pytest.raises(ValueError, match="hidden_dim=8 cannot be shared out among n_heads=3"):
        make_gnn(conv, n_heads=3)
    weights = {name: w.shape for name, w in make_gnn(conv, n_heads=4).conv.named_parameters()}
    name = "to_source.0" if conv == "gat" else "attention.0"
    assert weights[name] == (4, 2)


@pytest.mark.parametrize("jumping_knowledge", ["last", "concat", "max"])
@pytest.mark.parametrize("conv", ["gat", "gatv2"])
def test_heads_are_averaged_behind_the_last_layer(conv, jumping_knowledge, smiles):
    batch = batch_of(smiles)
    options = {"n_heads": 4, "skip": "residual", "jumping_knowledge": jumping_knowledge}
    network = make_gnn(conv, average_heads=True, **options)
    every_head = make_gnn(conv, **options)
    every_head.conv.load_state_dict(network.conv.state_dict())
    n_states = 3 if jumping_knowledge == "concat" else 1
    found, heads = network.atom_states(batch), every_head.atom_states(batch)
    assert found.shape == (len(batch.atom_codes), 2 * n_states)
    assert network(batch).shape == (len(smiles), 2)
    if jumping_knowledge != "max":  # the highest mean is not the mean of the highest
        means = heads.view(-1, n_states, 4, 2).mean(2).flatten(1)
        torch.testing.assert_close(found, means, **close)


@pytest.mark.parametrize("conv", [c for c in CONVS if not c.startswith("gat")])
def test_only_those_with_heads_average_them(conv, smiles):
    network = make_gnn(conv, n_heads=4, average_heads=True)
    assert network.atom_states(batch_of(smiles)).shape[1] == 8


@pytest.mark.parametrize("conv", [c for c in CONVS if not c.startswith("gat")])
def test_heads_are_for_those_that_attend(conv):
    one, three = (make_gnn(conv, n_heads=n).state_dict() for n in (1, 3))
    assert {k: v.shape for k, v in one.items()} == {k: v.shape for k, v in three.items()}


@every_conv
def test_molecule_features_are_joined(conv, smiles):
    graphs = graphs_of(smiles)
    features = np.arange(3 * len(graphs), dtype=np.float32).reshape(-1, 3)
    batch = GraphBatch.from_graphs(graphs.with_molecule_features(features))
    network = make_gnn(conv, n_molecule_features=3)
    joined = network.embed(batch)
    assert joined.shape == (len(graphs), network.embedding_dim) == (len(graphs), 11)
    assert torch.equal(joined[:, :8], network.embed(GraphBatch.from_graphs(graphs)))
    assert torch.equal(joined[:, 8:], torch.from_numpy(features))
    torch.testing.assert_close(network(batch), network.head(joined))


@every_conv
@pytest.mark.parametrize("molecules", [["C"], ["C", "[He]", "O"], ["[Na+].[Cl-]"]])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_norm": True, "skip": "gated"},
        {"virtual_node": True, "jumping_knowledge": "max", "readout": "attention", "n_layers": 3},
    ],
    ids=["gated", "virtual node"],
)
def test_no_bonds(conv, options, molecules):
    network = make_gnn(conv, **options)
    result = network(batch_of(molecules))  # in training, where there are no bonds to normalise
    result.sum().backward()
    assert result.shape == (len(molecules), 2)
    assert result.isfinite().all()
    for name, parameter in network.named_parameters():
        if parameter.grad is None:  # no bonds, no matrices for them
            assert conv == "mpnn"
            assert name.startswith(("conv.bonds", "conv.matrices"))
        else:
            assert parameter.grad.isfinite().all(), name


@every_conv
def test_a_molecule_of_300_atoms(conv):
    network = make_gnn(conv, batch_norm=True).eval()
    atoms = network.atom_states(batch_of(["C" * 300]))
    assert atoms.shape == (300, 8)
    torch.testing.assert_close(atoms, atoms.flip(0))  # a chain looks the same from both ends
    torch.testing.assert_close(atoms[10:290], atoms[10].expand(280, -1))
    assert (atoms[0] - atoms[10]).abs().max() > 1e-3


@every_option
def test_a_large_molecule_beside_small_ones(options):
    network = make_gnn(n_heads=2, n_layers=3, **options)
    graphs = graphs_of(["C", "C" * 300, "[Na+].[Cl-]"])
    result = network(GraphBatch.from_graphs(between_empty(graphs)))
    assert result.isfinite().all()
    result.square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@every_conv
def test_batch_norm_is_over_each_state(conv, smiles):
    batch = batch_of(smiles)
    network = make_gnn(conv, batch_norm=True, n_layers=3)
    assert len(network.norms) == 3 - CONVS[conv].counts_start
    plan = every_row(network, batch)
    first = network.conv.start(plan)
    start = first if network.conv.activates else network.activation(first)
    state = network.conv.step(0, steps(network, plan)[0], start, first)
    network(batch)
    torch.testing.assert_close(network.norms[0].running_mean, 0.1 * state.mean(0))
    torch.testing.assert_close(network.norms[0].running_var, 0.9 + 0.1 * state.var(0))
    assert not make_gnn(conv).norms


@every_conv
def test_dropout_is_for_training_only(conv, smiles):
    network, batch = make_gnn(conv, dropout=0.5), batch_of(smiles)
    assert not torch.equal(network(batch), network(batch))
    network.eval()
    assert torch.equal(network(batch), network(batch))


@every_conv
@pytest.mark.parametrize("n_layers", [1, 2])
def test_dropout_leaves_out_its_share(conv, n_layers, smiles):
    network = make_gnn(
        conv, dropout=0.5, activation="sigmoid", hidden_dim=64, n_layers=n_layers
    )  # which makes nothing zero by itself
    seen = []
    network.readout.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[1]))
    torch.manual_seed(0)
    for training in (True, False):
        network.train(training)(batch_of(smiles))
    some, all_ = ((atoms != 0).float().mean().item() for atoms in seen)
    assert seen[0].numel() > 1_000
    assert some == pytest.approx(all_ / 2, abs=0.06)


@pytest.mark.parametrize(
    "option", ["conv", "activation", "skip", "readout", "jumping_knowledge", "backend"]
)
def test_unknown_option(option):
    with pytest.raises(ValueError, match=f"{option}='other'; expected one of"):
        make_gnn(**{option: "other"})
