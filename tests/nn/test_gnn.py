"""The graph network around the convolutions; every convolution that is registered."""

from itertools import product

import numpy as np
import pytest
import torch
from rdkit import Chem

from skchem_dl import MolGraphizer, _dgl
from skchem_dl.nn import CONVS, GNN, READOUTS, SKIPS, GraphBatch

needs_dgl = pytest.mark.skipif(not _dgl.has_dgl(), reason="DGL is not installed")
every_conv = pytest.mark.parametrize("conv", CONVS)
every_option = pytest.mark.parametrize(
    ("conv", "skip", "readout"), list(product(CONVS, SKIPS, READOUTS))
)
close = {"rtol": 1e-4, "atol": 1e-5}


def graphs_of(molecules):
    return MolGraphizer().transform(molecules)


def batch_of(molecules):
    return GraphBatch.from_graphs(graphs_of(molecules))


def make_gnn(conv="dmpnn", **options):
    options = {"hidden_dim": 8, "n_layers": 2, "head_dims": (6,), **options}
    return GNN(graphs_of(["C"]).schema, 2, conv=conv, **options)


@every_conv
@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "skip": "gated"}, {"readout": "max"}])
def test_atoms_may_be_numbered_in_any_order(conv, options, smiles):
    network = make_gnn(conv, **options)
    network(batch_of(smiles))  # moves the running statistics
    network.eval()
    generator = np.random.default_rng(0)
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    orders = [generator.permutation(mol.GetNumAtoms()).tolist() for mol in molecules]
    renumbered = [Chem.RenumberAtoms(*pair) for pair in zip(molecules, orders, strict=True)]
    one, other = batch_of(molecules), batch_of(renumbered)
    assert not torch.equal(one.atom_codes, other.atom_codes)
    torch.testing.assert_close(network(one), network(other), **close)
    starts = one.atom_offsets[:-1].tolist()
    order = [start + atom for start, atoms in zip(starts, orders, strict=True) for atom in atoms]
    atoms = network.atom_states(one)[order]
    torch.testing.assert_close(network.atom_states(other), atoms, **close)


@every_option
def test_a_molecule_alone_gives_the_same(conv, skip, readout, smiles):
    network = make_gnn(conv, skip=skip, readout=readout, batch_norm=True)
    network(batch_of(smiles))
    network.eval()
    alone = torch.cat([network(batch_of([text])) for text in smiles])
    torch.testing.assert_close(network(batch_of(smiles)), alone, **close)


@every_option
def test_training(conv, skip, readout, smiles):
    network = make_gnn(conv, skip=skip, readout=readout, batch_norm=True)
    batch = batch_of(smiles)
    target = torch.tensor([[len(text), text.count("C")] for text in smiles]) / 10
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
def test_backends_are_equal(conv, skip, readout, smiles):
    networks = [make_gnn(conv, skip=skip, readout=readout, backend=b) for b in ("torch", "dgl")]
    networks[1].load_state_dict(networks[0].state_dict())
    outputs = [network(batch_of(smiles)) for network in networks]
    torch.testing.assert_close(*outputs, **close)
    for output in outputs:
        output.square().mean().backward()
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(one.grad, other.grad, **close)


@every_conv
def test_skips(conv, smiles):
    batch = batch_of(smiles)
    plain = make_gnn(conv, n_layers=1 + CONVS[conv].counts_start)
    old = plain.activation(plain.conv.start(batch))
    new = plain.activation(plain.conv.step(0, batch, old, plain.conv.start(batch)))
    weights = plain.state_dict()
    residual = make_gnn(conv, n_layers=1 + CONVS[conv].counts_start, skip="residual")
    residual.load_state_dict(weights)
    expected = plain.conv.finish(batch, old + new)
    torch.testing.assert_close(residual.atom_states(batch), expected)
    gated = make_gnn(conv, n_layers=1 + CONVS[conv].counts_start, skip="gated")
    gated.load_state_dict(weights, strict=False)
    torch.nn.init.zeros_(gated.gates[0].weight)
    for bias, state in [(-100.0, old), (0.0, (old + new) / 2), (100.0, new)]:
        torch.nn.init.constant_(gated.gates[0].bias, bias)
        expected = plain.conv.finish(batch, state)
        torch.testing.assert_close(gated.atom_states(batch), expected, **close)


@pytest.mark.parametrize("readout", READOUTS)
def test_readouts(readout, smiles):
    network, batch = make_gnn(readout=readout), batch_of(smiles)
    molecules = network.atom_states(batch).split(batch.atom_offsets.diff().tolist())
    reduce = torch.amax if readout == "max" else getattr(torch, readout)
    expected = torch.stack([reduce(atoms, 0) for atoms in molecules])
    torch.testing.assert_close(network.embed(batch), expected, **close)


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
def test_no_bonds(conv, molecules):
    network = make_gnn(conv, batch_norm=True, skip="gated")
    result = network(batch_of(molecules))  # in training, where there are no bonds to normalise
    result.sum().backward()
    assert result.shape == (len(molecules), 2)
    assert result.isfinite().all()
    assert all(p.grad.isfinite().all() for p in network.parameters())


@every_conv
def test_a_molecule_of_300_atoms(conv):
    network = make_gnn(conv, batch_norm=True).eval()
    atoms = network.atom_states(batch_of(["C" * 300]))
    assert atoms.shape == (300, 8)
    torch.testing.assert_close(atoms, atoms.flip(0))  # a chain looks the same from both ends
    torch.testing.assert_close(atoms[10:290], atoms[10].expand(280, -1))
    assert (atoms[0] - atoms[10]).abs().max() > 1e-3


@every_conv
def test_batch_norm_is_over_each_state(conv, smiles):
    batch = batch_of(smiles)
    network = make_gnn(conv, batch_norm=True, n_layers=3)
    assert len(network.norms) == 3 - CONVS[conv].counts_start
    first = network.conv.start(batch)
    state = network.conv.step(0, batch, network.activation(first), first)
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


@pytest.mark.parametrize("option", ["conv", "skip", "readout", "backend"])
def test_unknown_option(option):
    with pytest.raises(ValueError, match=f"{option}='other'; expected one of"):
        make_gnn(**{option: "other"})
