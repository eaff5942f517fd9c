"""The exchange of graphs with DGL."""

import joblib
import numpy as np
import pytest

from skchem_dl import MolGraphizer, MolGraphs
from skchem_dl.features._graphs import SCHEMA

dgl = pytest.importorskip("dgl")
ROWS = [["C"], ["[Na+].[Cl-]"], ["CCO", "C", "c1ccccc1"], []]


@pytest.mark.parametrize("rows", [*ROWS, None], ids=["atom", "salt", "three", "none", "many"])
def test_round_trip(rows, smiles):
    graphs = MolGraphizer().transform(["CCO", *(smiles if rows is None else rows)])[1:]
    assert MolGraphs.from_dgl(graphs.to_dgl(), SCHEMA) == graphs


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_empty_graphs_and_memory_maps_survive(tmp_path):
    graphs = MolGraphizer(on_invalid="nan").transform(["", "CCO", "C(", "CC", None])
    joblib.dump(graphs, tmp_path / "graphs.joblib")
    mapped = joblib.load(tmp_path / "graphs.joblib", mmap_mode="r")
    assert MolGraphs.from_dgl(mapped.to_dgl(), SCHEMA) == graphs


def test_unbatch_gives_the_molecules(smiles):
    graphs = MolGraphizer().transform(smiles)
    batch = graphs.to_dgl()
    alone = dgl.unbatch(batch)
    assert len(alone) == len(graphs)
    for one, graph in zip(alone, graphs, strict=True):
        np.testing.assert_array_equal(one.ndata["codes"].numpy(), graph.atom_codes)
        np.testing.assert_array_equal(one.edata["codes"].numpy()[::2], graph.bond_codes)
        np.testing.assert_array_equal(one.edata["codes"].numpy()[1::2], graph.bond_codes)
        source, destination = (ends.numpy() for ends in one.edges(order="eid"))
        np.testing.assert_array_equal(np.stack([source, destination], 1)[::2], graph.bond_atoms)
        np.testing.assert_array_equal(np.stack([destination, source], 1)[1::2], graph.bond_atoms)
    assert MolGraphs.from_dgl(dgl.batch(alone), SCHEMA) == graphs


@pytest.mark.parametrize("change", [dgl.add_self_loop, lambda it: dgl.remove_edges(it, [0])])
def test_edges_must_be_pairs(change):
    graph = change(MolGraphizer().transform(["CCO"]).to_dgl())
    with pytest.raises(ValueError, match="two directions of bond b"):
        MolGraphs.from_dgl(graph, SCHEMA)


@pytest.mark.parametrize("code", [-1, 256, SCHEMA.atom_sizes[0]])
def test_codes_must_fit_the_schema(code):
    graph = MolGraphizer().transform(["CCO"]).to_dgl()
    codes = graph.ndata["codes"].long()
    codes[1, 0] = code
    graph.ndata["codes"] = codes
    with pytest.raises(ValueError, match=r'ndata\["codes"\] has shape \(3, 8\)'):
        MolGraphs.from_dgl(graph, SCHEMA)
