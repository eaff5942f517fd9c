"""Rows for distinct environments: told apart exactly, and with the same numbers out."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skchem_dl import MolGraphs
from skchem_dl.nn import CONVS, SKIPS, GraphBatch, _gnn
from skchem_dl.nn._plan import Plan, _keys_of_codes

from .molecules import SCHEMA, batch_of, make_gnn


@st.composite
def batches(draw):
    """Any graphs, with atoms and bonds of three kinds."""
    atom_codes, bond_codes, bond_atoms, n_atoms, n_bonds = [], [], [], [0], [0]
    for n in draw(st.lists(st.integers(0, 6), min_size=1, max_size=4)):
        atom_codes += draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
        atom = st.integers(0, max(n - 1, 0))
        bonds = draw(st.lists(st.tuples(atom, atom, st.integers(0, 2)), max_size=7)) if n else []
        bond_atoms += [bond[:2] for bond in bonds]
        bond_codes += [bond[2] for bond in bonds]
        n_atoms.append(n)
        n_bonds.append(len(bonds))
    graphs = MolGraphs(
        np.array(atom_codes, dtype=np.uint8).reshape(-1, 1),
        np.array(bond_codes, dtype=np.uint8).reshape(-1, 1),
        np.array(bond_atoms, dtype=np.int32).reshape(-1, 2),
        np.cumsum(n_atoms),
        np.cumsum(n_bonds),
        SCHEMA,
    )
    return GraphBatch.from_graphs(graphs)


def environments(batch, depth, *, on_bonds, hears_bonds=True):
    """Each atom's (or directed edge's) environment written out, as nested tuples."""
    source, destination = batch.source.tolist(), batch.destination.tolist()
    n_edges = len(source)
    degrees = [destination.count(atom) for atom in range(len(batch.atom_codes))]
    atoms = list(zip(batch.atom_codes.flatten().tolist(), degrees, strict=True))
    bonds = batch.bond_codes.flatten().tolist() * 2
    if on_bonds:
        found = [(atoms[source[e]], bonds[e]) for e in range(n_edges)]
        reverse = [(e + n_edges // 2) % n_edges for e in range(n_edges)]
        heard = [
            [f for f in range(n_edges) if destination[f] == source[e] and f != reverse[e]]
            for e in range(n_edges)
        ]
    else:
        found = atoms
        heard = [[e for e in range(n_edges) if destination[e] == a] for a in range(len(atoms))]
    for _ in range(depth):
        last = found
        if on_bonds:
            said = last
        else:
            said = [(last[source[e]], bonds[e] if hears_bonds else 0) for e in range(n_edges)]
        found = [(last[i], tuple(sorted(said[e] for e in heard[i]))) for i in range(len(last))]
    return found


@pytest.mark.parametrize(("on_bonds", "hears_bonds"), [(True, True), (False, True), (False, False)])
@settings(max_examples=60)
@given(batch=batches())
def test_a_row_for_each_distinct_environment(on_bonds, hears_bonds, batch):
    options = {"on_bonds": on_bonds, "hears_bonds": hears_bonds}
    plan = Plan(batch, 3, **options)
    for depth, level in enumerate(plan.levels):
        expected = environments(batch, depth, **options)
        rows = level.row.rows.tolist()
        assert len(rows) == len(expected)
        assert len(set(zip(rows, expected, strict=True))) == len(set(rows)) == len(set(expected))
        assert [rows[i] for i in level.first.tolist()] == list(range(len(set(expected))))
        assert level.counts.tolist() == np.bincount(rows, minlength=len(level.first)).tolist()


@pytest.mark.parametrize("on_bonds", [True, False])
@settings(max_examples=60)
@given(batch=batches(), n_distinct=st.integers(0, 3))
def test_exchanges_are_those_of_the_graph(on_bonds, batch, n_distinct):
    plan = Plan(batch, 2, on_bonds=on_bonds, n_distinct=n_distinct)
    source, destination = batch.source.tolist(), batch.destination.tolist()
    n_edges = len(source)
    bonds = batch.bond_codes.flatten().tolist() * 2
    for number, exchange in enumerate(plan.exchanges):
        before, after = plan.levels[number], plan.levels[number + 1]
        rows = before.row.rows.tolist()
        n_rows = n_edges if on_bonds else len(batch.atom_codes)
        assert before.distinct == (number < n_distinct)
        assert len(before.first) == n_rows or before.distinct
        for row, one in enumerate(after.first.tolist()):
            if on_bonds:
                reverse = (one + n_edges // 2) % n_edges
                heard = [e for e in range(n_edges) if destination[e] == source[one]]
                heard.remove(reverse)
                expected = [(rows[e], bonds[e]) for e in heard]
            else:
                heard = [e for e in range(n_edges) if destination[e] == one]
                expected = [(rows[source[e]], bonds[e]) for e in heard]
            messages = slice(*exchange.starts[row : row + 2].tolist())
            kinds = exchange.bond_codes.values[exchange.bond_kind.rows[messages]].flatten().tolist()
            said = exchange.source.rows[messages].tolist()
            assert sorted(zip(said, kinds, strict=True)) == sorted(expected)
            if exchange.before is None:
                assert rows[one] == row
            else:
                assert exchange.before.rows[row] == rows[one]
            assert exchange.origin.rows[row] == plan.levels[0].row.rows[one]


@pytest.mark.parametrize("on_bonds", [True, False])
@settings(max_examples=60)
@given(batch=batches(), n_distinct=st.integers(0, 2))
def test_the_way_back_to_the_atoms(on_bonds, batch, n_distinct):
    plan = Plan(batch, 1, on_bonds=on_bonds, n_distinct=n_distinct)
    for number, level in enumerate(plan.levels):
        ending = plan.ending(number)
        np.testing.assert_array_equal(
            ending.atom_codes.values[ending.atoms.index], batch.atom_codes
        )
        if not on_bonds:
            assert ending.messages is None
            assert ending.atoms is level.row
            continue
        for atom, row in enumerate(ending.atoms.rows.tolist()):
            messages = slice(*ending.messages.starts[row : row + 2].tolist())
            arriving = level.row.rows[batch.destination == atom].tolist()
            assert sorted(ending.messages.source.rows[messages].tolist()) == sorted(arriving)


@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "jumping_knowledge": "concat"}])
@pytest.mark.parametrize(("conv", "skip"), list(product(CONVS, SKIPS)))
def test_the_same_numbers_as_with_a_row_for_everything(conv, skip, options, smiles, monkeypatch):
    network = make_gnn(conv, skip=skip, n_layers=3, **options).double()
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    results = []
    for n_distinct in (None, 2, 1, 0):
        network.load_state_dict(weights)
        monkeypatch.setattr(
            _gnn, "Plan", lambda *args, n=n_distinct, **kw: Plan(*args, **{**kw, "n_distinct": n})
        )
        output = network(batch_of([*smiles, *smiles]))
        grads = torch.autograd.grad(output.square().mean(), list(network.parameters()))
        results.append([output.detach(), *grads, *network.buffers()])
    for result in results[:-1]:
        torch.testing.assert_close(result, results[-1])


def test_how_much_there_is_to_compute(nci_smiles):
    batch = batch_of(nci_smiles[:512])
    plan = Plan(batch, 2, on_bonds=True)
    n_rows = [len(level.first) for level in plan.levels]
    assert n_rows == sorted(n_rows)
    assert n_rows[2] < len(batch.source) / 3


@pytest.mark.parametrize(
    ("options", "distinct"),
    [
        ({}, [True, True, True]),
        ({"dropout": 0.1}, [True, False, False]),
        ({"virtual_node": True}, [False, False, False]),
        ({"dropout": 0.1, "conv": "attentivefp"}, [True, True, False, False]),
    ],
    ids=str,
)
def test_what_is_drawn_for_each_atom_is_a_row_for_each(options, distinct):
    network = make_gnn(**{"conv": "gin", "n_layers": 3, **options})
    network.n_steps = len(distinct) - 1 - network.conv.n_start_exchanges
    plan = network._plan(batch_of(["CCO", "c1ccccc1"]))
    assert [level.distinct for level in plan.levels] == distinct
    evaluated = network.eval()._plan(batch_of(["CCO", "c1ccccc1"]))
    assert all(level.distinct for level in evaluated.levels) == (not network.exchanges)


def test_dropout_still_draws_for_every_atom():
    network = make_gnn("gin", n_layers=2, dropout=0.5)
    carbons = network.atom_states(batch_of(["c1ccccc1"]))
    assert len(carbons.unique(dim=0)) == 6
    assert len(network.eval().atom_states(batch_of(["c1ccccc1"])).unique(dim=0)) == 1


@settings(max_examples=60)
@given(batch=batches(), n_distinct=st.integers(0, 3))
def test_rows_that_hear_themselves_too(batch, n_distinct):
    for exchange in Plan(batch, 2, on_bonds=False, n_distinct=n_distinct).exchanges:
        hearing, n_from = exchange.with_self, exchange.source.n_from
        own = range(len(exchange)) if exchange.before is None else exchange.before.rows.tolist()
        nothing = 2 * n_from + len(exchange.bond_codes)
        assert hearing.ends.source.n_from == nothing + 1
        assert len(hearing) == len(exchange)
        ends = hearing.ends.source.rows.reshape(-1, 3)
        assert hearing.ends.starts.tolist() == list(range(0, ends.size + 1, 3))
        for row, before in enumerate(own):
            others = slice(*exchange.starts[row : row + 2].tolist())
            heard = exchange.source.rows[others].tolist()
            bonds = (2 * n_from + exchange.bond_kind.rows[others]).tolist()
            messages = slice(*hearing.starts[row : row + 2].tolist())
            assert hearing.source.rows[messages].tolist() == [*heard, before]
            expected = zip([*heard, before], [*bonds, nothing], strict=True)
            assert ends[messages].tolist() == [[one, n_from + before, b] for one, b in expected]


@pytest.mark.parametrize("conv", CONVS)
@pytest.mark.parametrize(
    "options",
    [
        {"batch_norm": True, "skip": "gated", "jumping_knowledge": "concat"},
        {"virtual_node": True, "readout": "max"},
    ],
    ids=["gated", "virtual node"],
)
def test_every_tensor_is_on_the_networks_device(conv, options, smiles):
    # A device without numbers, where a tensor that was left on the CPU is an error as on a GPU.
    network = make_gnn(conv, n_heads=2, **options).to("meta")
    output = network(batch_of(smiles).to("meta"))
    assert output.device.type == "meta"
    assert output.shape == (len(smiles), 2)
    output.sum().backward()
    assert all(parameter.grad.device.type == "meta" for parameter in network.parameters())
    batch = batch_of(smiles)
    scaled = replace(batch, atom_scale=torch.ones(len(batch.atom_codes)))
    assert network(scaled.to("meta")).shape == output.shape


def test_more_codes_than_a_key_has_room_for():
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 2, (300, 20), dtype=np.uint8)
    keys = _keys_of_codes(codes)
    assert len(np.unique(keys)) == len(np.unique(codes, axis=0)) > 250
    assert _keys_of_codes(codes[:5, :7]).tolist() == _keys_of_codes(codes[:, :7])[:5].tolist()
