"""Molecules, networks and comparisons that several files here share."""

import numpy as np
import pytest
import torch

from skchem_dl import MolGraphizer, MolGraphs, _dgl
from skchem_dl.graphs import GraphSchema
from skchem_dl.nn import CONVS, GNN, GraphBatch
from skchem_dl.nn._kernels import make_kernels
from skchem_dl.nn._plan import Plan

needs_dgl = pytest.mark.skipif(not _dgl.has_dgl(), reason="DGL is not installed")
BACKENDS = ["torch", pytest.param("dgl", marks=needs_dgl)]
both_backends = pytest.mark.parametrize("backend", BACKENDS)


def graphs_of(molecules):
    return MolGraphizer().transform(molecules)


def batch_of(molecules):
    return GraphBatch.from_graphs(graphs_of(molecules))


def every_atom(batch):
    """The exchange in which each atom is a row and hears its neighbours."""
    return Plan(batch, 1, on_bonds=False, n_distinct=0).exchanges[0]


def ends_of(batch, *, loops=False):
    """Sources and destinations as tensors, with an edge from each atom to itself on request."""
    own = np.arange(len(batch.atom_codes) * loops)
    return tuple(
        torch.from_numpy(np.concatenate([ends, own])) for ends in (batch.source, batch.destination)
    )


def every_row(network, batch):
    """The plan of a network in which each atom, or directed edge, is a row."""
    conv = network.conv
    n_exchanges = conv.n_start_exchanges + network.n_steps
    return Plan(batch, n_exchanges, on_bonds=conv.on_bonds, n_distinct=0)


def finished(network, plan, state):
    """The vectors of all atoms."""
    ending = plan.ending(0)
    return network.conv.finish(ending, state)[ending.atoms.index]


def schema_of_sizes(n_atom_features, n_bond_features):
    """One-hot atom and bond vectors of these widths."""
    return GraphSchema((("atom", n_atom_features),), (("bond", n_bond_features),))


SCHEMA = schema_of_sizes(3, 3)


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


def between_empty(graphs):
    """Put a graph without atoms before, and one behind."""
    nothing = MolGraphs(
        graphs.atom_codes[:0],
        graphs.bond_codes[:0],
        graphs.bond_atoms[:0],
        np.zeros(2, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        graphs.schema,
    )
    return MolGraphs.concatenate([nothing, graphs, nothing])


def make_gnn(conv="dmpnn", **options):
    options = {"hidden_dim": 8, "n_layers": 2, "head_dims": (6,), **options}
    return GNN(graphs_of(["C"]).schema, 2, conv=conv, **options)


def make_conv(name, backend, schema=SCHEMA, dim=6, n_steps=1, n_heads=1):
    """One convolution of float64, whose parameters are all random."""
    conv = CONVS[name](schema, dim, n_steps, "relu", make_kernels(backend), n_heads).double()
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.normal_(std=0.5)
    return conv


def set_weights(module, weight, bias=None):
    with torch.no_grad():
        module.weight.copy_(torch.tensor(weight, dtype=torch.float32))
        if bias is not None:
            module.bias.fill_(bias)


def one_hot(codes, sizes):
    hot = [torch.arange(size) == int(code) for code, size in zip(codes, sizes, strict=True)]
    return torch.cat(hot).double()


def random_rows(n, width):
    return torch.randn(n, width, dtype=torch.float64, requires_grad=True)


def copy_weights(pairs):
    """Give the second of each pair the values of the first."""
    with torch.no_grad():
        for ours, theirs in pairs:
            theirs.copy_(ours.view_as(theirs))


def assert_same(found, expected, pairs):
    """Compare results, and their gradients with respect to each pair of ours and theirs.

    In float64, so the default tolerance of 1e-7 is far below the 1e-5 of float32.
    """
    torch.testing.assert_close(found, expected)
    # Unequal weights, so that a gradient in the wrong place shows.
    weights = torch.linspace(1, 2, found.numel(), dtype=found.dtype).view_as(found)
    ours, theirs = zip(*pairs, strict=True)
    found = torch.autograd.grad((found * weights).sum(), ours)
    expected = torch.autograd.grad((expected * weights).sum(), theirs)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other.view_as(one))


def n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())
