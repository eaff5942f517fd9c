"""Both kinds of kernels against a naive reference, and so against each other."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skchem_dl import MolGraphs, _dgl
from skchem_dl.graphs import GraphSchema
from skchem_dl.nn import GraphBatch
from skchem_dl.nn._kernels import DGLKernels, TorchKernels, make_kernels

SCHEMA = GraphSchema((("atom", 2),), (("bond", 2),))
NAMES = ("sum_edges", "sum_neighbours", "at_source", "sum", "mean", "max")
needs_dgl = pytest.mark.skipif(not _dgl.has_dgl(), reason="DGL is not installed")
BACKENDS = ["torch", pytest.param("dgl", marks=needs_dgl)]


def make_batch(n_atoms, bonds):
    """One molecule an entry: its number of atoms, and pairs of them."""
    n_bonds = [len(pairs) for pairs in bonds]
    ends = np.array([pair for pairs in bonds for pair in pairs], dtype=np.int32).reshape(-1, 2)
    graphs = MolGraphs(
        np.zeros((sum(n_atoms), 1), dtype=np.uint8),
        np.zeros((len(ends), 1), dtype=np.uint8),
        ends,
        np.concatenate([[0], np.cumsum(n_atoms)]).astype(np.int64),
        np.concatenate([[0], np.cumsum(n_bonds)]).astype(np.int64),
        SCHEMA,
    )
    return GraphBatch.from_graphs(graphs)


@st.composite
def batches(draw):
    """Any graphs at all: self-loops, parallel bonds, lonely atoms, molecules without atoms."""
    n_atoms = draw(st.lists(st.integers(0, 5), min_size=1, max_size=5))
    bonds = []
    for n in n_atoms:
        atom = st.integers(0, max(n - 1, 0))
        bonds.append(draw(st.lists(st.tuples(atom, atom), max_size=8)) if n else [])
    return make_batch(n_atoms, bonds)


SPECIAL = {
    "lonely atoms": make_batch([1, 3], [[], []]),
    "one molecule": make_batch([3], [[(0, 1), (1, 2)]]),
    "self-loop": make_batch([2], [[(0, 0), (0, 1)]]),
    "parallel bonds": make_batch([2, 1], [[(0, 1), (0, 1), (1, 0)], []]),
    "empty molecules": make_batch([0, 2, 0, 1, 0], [[], [(1, 0)], [], [], []]),
    "nothing but empty": make_batch([0, 0], [[], []]),
}


def reference(batch, name, values):
    """Loops and index_add."""
    n_atoms = len(batch.atom_codes)
    if name == "at_source":
        return values[batch.source]
    if name in ("sum_edges", "sum_neighbours"):
        edges = values if name == "sum_edges" else values[batch.source]
        zeros = torch.zeros(n_atoms, values.shape[1], dtype=values.dtype)
        return zeros.index_add(0, batch.destination, edges)
    rows = []
    for molecule in values.split(batch.atom_offsets.diff().tolist()):
        if not len(molecule) or name == "sum":
            rows.append(molecule.sum(0))
        else:
            rows.append(molecule.amax(0) if name == "max" else molecule.mean(0))
    return torch.stack(rows)


def apply(kernels, batch, name, values):
    if hasattr(kernels, name):
        return getattr(kernels, name)(batch, values)
    return kernels.reduce_molecules(batch, values, name)


def random_rows(batch, name, seed=0, width=3, dtype=torch.float64):
    n = len(batch.source) if name == "sum_edges" else len(batch.atom_codes)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, width, generator=generator, dtype=dtype)


def value_and_gradient(function, values):
    values = values.clone().requires_grad_()
    result = function(values)
    # Unequal weights, so that a gradient in the wrong place shows.
    weights = torch.linspace(1, 2, result.numel(), dtype=result.dtype).view_as(result)
    (result * weights).sum().backward()
    return result.detach(), values.grad


def assert_like_reference(backend, batch, name, values, **tolerance):
    kernels = make_kernels(backend)
    found = value_and_gradient(lambda rows: apply(kernels, batch, name, rows), values)
    expected = value_and_gradient(lambda rows: reference(batch, name, rows), values)
    torch.testing.assert_close(found, expected, **tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(batch=batches(), seed=st.integers(0, 1000))
def test_any_graph(backend, name, batch, seed):
    assert_like_reference(backend, batch, name, random_rows(batch, name, seed))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", SPECIAL.values(), ids=SPECIAL)
def test_special_graph(backend, name, batch):
    assert_like_reference(backend, batch, name, random_rows(batch, name))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_molecules(backend, name):
    generator = np.random.default_rng(0)
    n_atoms = generator.integers(0, 6, 10_000)
    bonds = [generator.integers(0, n, (n, 2)).tolist() if n else [] for n in n_atoms]
    batch = make_batch(n_atoms.tolist(), bonds)
    values = random_rows(batch, name, width=4, dtype=torch.float32)
    assert_like_reference(backend, batch, name, values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("how", ["sum", "mean", "max"])
def test_molecule_without_atoms_gives_zeros(backend, how):
    batch = SPECIAL["empty molecules"]
    values = random_rows(batch, how) - 10  # far from 0, so that a max of nothing would not be 0
    result = make_kernels(backend).reduce_molecules(batch, values, how)
    assert result[batch.atom_offsets.diff() == 0].eq(0).all()
    assert result[batch.atom_offsets.diff() > 0].lt(-5).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", SPECIAL.values(), ids=SPECIAL)
def test_gradients_numerically(name, batch):
    values = random_rows(batch, name).requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: apply(TorchKernels(), batch, name, rows), values)


@pytest.mark.parametrize("backend", BACKENDS)
def test_uncontiguous_gradient(backend):
    # The gradient of a sum is one number, expanded over all rows without being copied.
    batch = SPECIAL["one molecule"]
    values = random_rows(batch, "at_source").requires_grad_()
    make_kernels(backend).at_source(batch, values).sum().backward()
    assert values.grad.tolist() == [[1.0] * 3, [2.0] * 3, [1.0] * 3]


def test_auto_is_torch():
    assert isinstance(make_kernels("auto"), TorchKernels)


@needs_dgl
def test_dgl_graph_is_made_once():
    batch = make_batch([2], [[(0, 1)]])
    kernels = make_kernels("dgl")
    assert isinstance(kernels, DGLKernels)
    kernels.at_source(batch, torch.zeros(2, 1))
    graph = batch.dgl_graph
    kernels.sum_neighbours(batch, torch.zeros(2, 1))
    assert batch.dgl_graph is graph


def test_dgl_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "dgl", None)
    _dgl.import_dgl.cache_clear()
    with pytest.raises(ImportError, match=r'backend="torch".*pip install') as caught:
        make_kernels("dgl")
    assert not _dgl.has_dgl()
    assert caught.value.__cause__ is not None
    _dgl.import_dgl.cache_clear()  # what was imported before is found again
    assert isinstance(make_kernels("auto"), TorchKernels)


def test_unknown_backend():
    with pytest.raises(ValueError, match=r"backend='jax'; expected one of \['auto', 'dgl', 'tor"):
        make_kernels("jax")
