"""Batches of graphs as tensors."""

from dataclasses import fields

import joblib
import numpy as np
import pytest
import torch

from skchem_dl import MolGraphizer
from skchem_dl.nn import GraphBatch

NAMES = [field.name for field in fields(GraphBatch)]


@pytest.fixture
def graphs(smiles):
    graphs = MolGraphizer().fit_transform(smiles)
    features = np.arange(2 * len(graphs), dtype=np.float32).reshape(-1, 2)
    return graphs.with_molecule_features(features)


def test_two_small_molecules():
    batch = GraphBatch.from_graphs(MolGraphizer().fit_transform(["CCO", "C", "C=O"]))
    assert len(batch) == 3
    assert batch.atom_offsets.tolist() == [0, 3, 4, 6]
    assert batch.source.tolist() == [0, 1, 4, 1, 2, 5]
    assert batch.destination.tolist() == [1, 2, 5, 0, 1, 4]
    assert batch.in_offsets.tolist() == [0, 1, 3, 4, 4, 5, 6]
    assert batch.in_edges.tolist() == [3, 0, 4, 1, 5, 2]
    assert batch.molecule_features is None


def test_layout(graphs):
    batch = GraphBatch.from_graphs(graphs)
    n_bonds, n_edges = len(graphs.bond_codes), len(batch.source)
    assert n_edges == 2 * n_bonds
    assert len(batch) == len(graphs)
    reverse = batch.reverse(np.arange(n_edges))
    assert reverse.tolist() == ((np.arange(n_edges) + n_bonds) % n_edges).tolist()
    np.testing.assert_array_equal(batch.source[reverse], batch.destination)
    # Both ends of a bond lie in the molecule that the bond is in.
    molecule = np.repeat(np.arange(len(graphs)), graphs.n_atoms)
    expected = np.repeat(np.arange(len(graphs)), graphs.n_bonds)
    assert molecule[batch.source[:n_bonds]].tolist() == expected.tolist()
    np.testing.assert_array_equal(molecule[batch.source], molecule[batch.destination])


def test_in_edges_are_those_that_enter(graphs):
    batch = GraphBatch.from_graphs(graphs)
    assert sorted(batch.in_edges.tolist()) == list(range(len(batch.source)))
    for atom in range(len(batch.atom_codes)):
        entering = batch.in_edges[batch.in_offsets[atom] : batch.in_offsets[atom + 1]]
        assert sorted(entering.tolist()) == np.flatnonzero(batch.destination == atom).tolist()


def test_codes_and_features_are_those_of_the_graphs(graphs):
    batch = GraphBatch.from_graphs(graphs)
    np.testing.assert_array_equal(batch.atom_codes, graphs.atom_codes)
    np.testing.assert_array_equal(batch.bond_codes, graphs.bond_codes)
    np.testing.assert_array_equal(batch.atom_offsets, graphs.atom_offsets)
    np.testing.assert_array_equal(batch.molecule_features, graphs.molecule_features)
    indices = (batch.source, batch.destination, batch.in_edges, batch.in_offsets)
    assert {array.dtype for array in indices} == {np.dtype(np.int64)}
    assert batch.atom_offsets.dtype == torch.int64
    assert batch.molecule_features.dtype == torch.float32


def test_features_follow_their_molecules(graphs):
    batch = GraphBatch.from_graphs(graphs[[3, 0]])
    assert batch.molecule_features.tolist() == [[6.0, 7.0], [0.0, 1.0]]


@pytest.mark.parametrize("rows", [slice(None), [4, 2], slice(2, 5)])
def test_read_only_memory_maps(graphs, rows, tmp_path):
    joblib.dump(graphs, tmp_path / "graphs.joblib")
    mapped = joblib.load(tmp_path / "graphs.joblib", mmap_mode="r")
    assert not mapped.atom_codes.flags.writeable
    batch = GraphBatch.from_graphs(mapped[rows])  # torch's warning would be an error here
    expected = GraphBatch.from_graphs(graphs[rows])
    for name in NAMES:
        np.testing.assert_array_equal(getattr(batch, name), getattr(expected, name))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_to_moves_what_networks_read_and_leaves_the_graphs(graphs, device):
    batch = GraphBatch.from_graphs(graphs)
    batch.atom_scale = torch.ones(len(batch.atom_codes))
    moved = batch.to(device)
    assert moved.device.type == moved.molecule_features.device.type == device
    assert moved.atom_scale.device.type == device
    assert all(getattr(moved, name) is getattr(batch, name) for name in NAMES[:-3])
    assert len(moved) == len(graphs)


def test_to_without_features(graphs):
    batch = GraphBatch.from_graphs(graphs.with_molecule_features(None))
    assert batch.to("cpu").molecule_features is None


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@pytest.mark.parametrize(("rows", "n"), [([1], 1), ([], 0)])
def test_no_atoms(rows, n):
    graphs = MolGraphizer(on_invalid="nan").transform(["CC", "no molecule"])[rows]
    batch = GraphBatch.from_graphs(graphs)
    assert len(batch) == n
    assert len(batch.atom_codes) == len(batch.source) == len(batch.in_edges) == 0
    assert batch.in_offsets.tolist() == [0]
