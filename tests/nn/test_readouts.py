"""Readouts against DGL's, torch's reductions and the papers' equations."""

import pytest
import torch
from torch.nn import functional as F

from skchem_dl.nn import READOUTS, GraphBatch
from skchem_dl.nn._kernels import REDUCTIONS, make_kernels
from skchem_dl.nn._readouts import weighted_mean

from .molecules import (
    assert_same,
    batch_of,
    between_empty,
    both_backends,
    copy_weights,
    graphs_of,
    make_gnn,
    n_parameters,
    needs_dgl,
    random_rows,
)

every_readout = pytest.mark.parametrize("name", READOUTS)


def make_readout(name, backend, dim=6):
    return READOUTS[name](dim, make_kernels(backend)).double()


def dgl_graph_of(batch):
    """DGL's own idea of the batch, for layers that look at whole molecules."""
    import dgl

    graph = dgl.graph((batch.source, batch.destination), num_nodes=len(batch.atom_codes))
    graph.set_batch_num_nodes(batch.atom_offsets.diff())
    return graph


def reductions(molecules, how):
    """Loop over molecules; one without atoms gets zeros."""
    functions = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}
    return torch.stack(
        [functions[how](atoms, 0) if len(atoms) else atoms.sum(0) for atoms in molecules]
    )


@both_backends
@pytest.mark.parametrize("name", [*REDUCTIONS, "sum_mean_max"])
def test_reductions_are_torchs(backend, name, smiles):
    batch = GraphBatch.from_graphs(between_empty(graphs_of(smiles)))
    rows = random_rows(len(batch.atom_codes), 6)
    molecules = rows.split(batch.atom_offsets.diff().tolist())
    expected = torch.cat([reductions(molecules, how) for how in name.split("_")], dim=1)
    found = make_readout(name, backend)(batch, rows)
    assert found[0].eq(0).all()
    assert found[-1].eq(0).all()
    assert_same(found, expected, [(rows, rows)])


@needs_dgl
@both_backends
def test_attention_is_dgls(backend, smiles):
    import dgl

    batch, readout = batch_of(smiles), make_readout("attention", backend)
    theirs = dgl.nn.GlobalAttentionPooling(torch.nn.Linear(6, 1)).double()
    n_atoms = len(batch.atom_codes)
    pairs = [
        (random_rows(n_atoms, 6), random_rows(n_atoms, 6)),
        *zip(readout.parameters(), theirs.parameters(), strict=True),
    ]
    copy_weights(pairs)
    rows, their_rows = pairs[0]
    assert_same(readout(batch, rows), theirs(dgl_graph_of(batch), their_rows), pairs)


@needs_dgl
@both_backends
def test_weighted_sum_and_max_are_dgls(backend, smiles):
    import dgl

    batch, readout = batch_of(smiles), make_readout("weighted_sum_max", backend)
    theirs = dgl.nn.WeightAndSum(6).double()
    n_atoms = len(batch.atom_codes)
    pairs = [
        (random_rows(n_atoms, 6), random_rows(n_atoms, 6)),
        *zip(readout.parameters(), theirs.parameters(), strict=True),
    ]
    copy_weights(pairs)
    rows, their_rows = pairs[0]
    graph = dgl_graph_of(batch)
    highest = dgl.ops.segment_reduce(graph.batch_num_nodes(), their_rows, "max")
    expected = torch.cat([theirs(graph, their_rows), highest], dim=1)
    assert_same(readout(batch, rows), expected, pairs)


@needs_dgl
@both_backends
def test_set2set_is_dgls(backend, smiles):
    import dgl

    batch, readout = batch_of(smiles), make_readout("set2set", backend)
    theirs = dgl.nn.Set2Set(6, n_iters=3, n_layers=1).double()
    n_atoms = len(batch.atom_codes)
    pairs = [
        (random_rows(n_atoms, 6), random_rows(n_atoms, 6)),
        *zip(readout.parameters(), theirs.parameters(), strict=True),
    ]
    copy_weights(pairs)
    rows, their_rows = pairs[0]
    assert_same(readout(batch, rows), theirs(dgl_graph_of(batch), their_rows), pairs)


def naive_attentivefp(readout, atoms):
    """The paper's equations for the atoms of one molecule."""
    molecule = atoms.sum(0)
    for logits, values, gate in zip(readout.logits, readout.values, readout.gates, strict=True):
        asked = [torch.cat([molecule.relu(), atom]) for atom in atoms]
        shares = torch.softmax(F.leaky_relu(torch.cat([logits(row) for row in asked])), 0)
        context = sum(share * values(atom) for share, atom in zip(shares, atoms, strict=True))
        molecule = gate(F.elu(context)[None], molecule[None])[0]
    return molecule


@both_backends
def test_attentivefp_is_the_papers(backend, smiles):
    batch, readout = batch_of(smiles), make_readout("attentivefp", backend)
    rows = random_rows(len(batch.atom_codes), 6)
    molecules = rows.split(batch.atom_offsets.diff().tolist())
    expected = torch.stack([naive_attentivefp(readout, atoms) for atoms in molecules])
    assert_same(readout(batch, rows), expected, [(p, p) for p in (rows, *readout.parameters())])


def test_attentivefp_has_as_many_parameters_as_dgllifes():
    # dgllife's AttentiveFPReadout(200): a logit, a value and a gated unit, twice.
    step = (400 + 1) + (200 * 200 + 200) + 2 * (3 * 200 * 200 + 3 * 200)
    assert n_parameters(make_readout("attentivefp", "torch", dim=200)) == 2 * step == 563_602


@both_backends
@every_readout
def test_molecules_without_atoms(backend, name, smiles):
    graphs, readout = graphs_of(smiles), make_readout(name, backend)
    batch, full = GraphBatch.from_graphs(between_empty(graphs)), GraphBatch.from_graphs(graphs)
    rows = random_rows(len(batch.atom_codes), 6)
    molecules = readout(batch, rows)
    assert molecules.shape == (len(smiles) + 2, readout.out_dim)
    torch.testing.assert_close(molecules[1:-1], readout(full, rows))
    molecules.square().sum().backward()
    tensors = [molecules, rows.grad, *(p.grad for p in readout.parameters())]
    assert all(tensor.isfinite().all() for tensor in tensors)


@both_backends
@every_readout
def test_nothing_but_molecules_without_atoms(backend, name):
    graphs = between_empty(graphs_of(["C"]))[[0, 2]]
    readout = make_readout(name, backend)
    molecules = readout(GraphBatch.from_graphs(graphs), random_rows(0, 6))
    assert molecules.shape == (2, readout.out_dim)
    assert molecules.isfinite().all()


@both_backends
def test_weighted_mean_with_huge_logits(backend):
    batch = GraphBatch.from_graphs(between_empty(graphs_of(["CCO", "C"])))
    rows = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
    # Without a shift, exp(1e4) is infinite and exp(-1e4) is 0, whose share is 0 / 0.
    logits = torch.tensor([[1e4], [1e4], [-1e4], [-1e4]], requires_grad=True)
    means = weighted_mean(make_kernels(backend), batch, rows, logits)
    assert means.tolist() == [[0.0], [1.5], [8.0], [0.0]]
    means.sum().backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[-0.25], [0.25], [0.0], [0.0]]))


@every_readout
def test_a_network_reads_out_what_its_atoms_are(name, smiles):
    network, batch = make_gnn(readout=name), batch_of(smiles)
    expected = network.readout(batch, network.atom_states(batch))
    assert torch.equal(network.embed(batch), expected)
    assert expected.shape == (len(smiles), network.embedding_dim)
