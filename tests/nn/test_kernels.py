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
# What each primitive takes: rows of atoms, edges or molecules, or (of k heads) atoms and weights.
ROWS_OF = {
    "sum_edges": "edges",
    "sum_neighbours": "atoms",
    "sum_others": "edges",
    "at_source": "atoms",
    "at_destination": "atoms",
    "sum_weighted 1": "atoms",
    "sum_weighted 3": "atoms",
    "sum": "atoms",
    "mean": "atoms",
    "max": "atoms",
    "at_atoms": "molecules",
}
NAMES = tuple(ROWS_OF)
needs_dgl = pytest.mark.skipif(not _dgl.has_dgl(), reason="DGL is not installed")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
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


def reference(batch, name, values, *weights):
    """Loops and index_add."""
    n_atoms = len(batch.atom_codes)
    if name == "at_source":
        return values[batch.source]
    if name == "at_destination":
        return values[batch.destination]
    if name == "sum_others":
        n_edges = len(values)
        numbers = torch.arange(n_edges)
        heard = batch.destination[None, :] == batch.source[:, None]
        heard[numbers, (numbers + n_edges // 2) % max(n_edges, 1)] = False
        return heard.to(values.dtype) @ values
    if name == "at_atoms":
        return values[torch.repeat_interleave(batch.atom_offsets.diff())]
    if name in ("sum_edges", "sum_neighbours") or weights:
        edges = values if name == "sum_edges" else values[batch.source]
        for weight in weights:
            edges = edges * weight[..., None]
        zeros = values.new_zeros(n_atoms, *values.shape[1:])
        return zeros.index_add(0, batch.destination, edges)
    rows = []
    for molecule in values.split(batch.atom_offsets.diff().tolist()):
        if not len(molecule) or name == "sum":
            rows.append(molecule.sum(0))
        else:
            rows.append(molecule.amax(0) if name == "max" else molecule.mean(0))
    return torch.stack(rows)


def apply(kernels, batch, name, *values):
    function = name.split()[0]
    if hasattr(kernels, function):
        return getattr(kernels, function)(batch, *values)
    return kernels.reduce_molecules(batch, *values, name)


def random_inputs(batch, name, seed=0, width=3, dtype=torch.float64):
    lengths = {"edges": batch.source, "atoms": batch.atom_codes, "molecules": batch}
    shapes = [(len(lengths[ROWS_OF[name]]), width)]
    if name.startswith("sum_weighted"):
        n_heads = int(name.split()[1])
        shapes = [(len(batch.atom_codes), n_heads, width), (len(batch.source), n_heads)]
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=dtype) for shape in shapes]


def value_and_gradients(function, inputs):
    inputs = [values.clone().requires_grad_() for values in inputs]
    result = function(*inputs)
    # Unequal weights, so that a gradient in the wrong place shows.
    weights = torch.linspace(1, 2, result.numel(), dtype=result.dtype, device=result.device)
    (result * weights.view_as(result)).sum().backward()
    return result.detach(), *(values.grad for values in inputs)


def assert_like_reference(backend, batch, name, inputs, **tolerance):
    kernels = make_kernels(backend)
    found = value_and_gradients(lambda *rows: apply(kernels, batch, name, *rows), inputs)
    expected = value_and_gradients(lambda *rows: reference(batch, name, *rows), inputs)
    torch.testing.assert_close(found, expected, **tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(batch=batches(), seed=st.integers(0, 1000))
def test_any_graph(backend, name, batch, seed):
    assert_like_reference(backend, batch, name, random_inputs(batch, name, seed))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", SPECIAL.values(), ids=SPECIAL)
def test_special_graph(backend, name, batch):
    assert_like_reference(backend, batch, name, random_inputs(batch, name))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_molecules(backend, name):
    generator = np.random.default_rng(0)
    n_atoms = generator.integers(0, 6, 10_000)
    bonds = [generator.integers(0, n, (n, 2)).tolist() if n else [] for n in n_atoms]
    batch = make_batch(n_atoms.tolist(), bonds)
    inputs = random_inputs(batch, name, width=4, dtype=torch.float32)
    assert_like_reference(backend, batch, name, inputs, rtol=1e-5, atol=1e-5)


@needs_cuda
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", SPECIAL.values(), ids=SPECIAL)
def test_on_a_gpu(name, batch):
    inputs = [values.cuda() for values in random_inputs(batch, name)]
    assert_like_reference("torch", batch.to("cuda"), name, inputs)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("how", ["sum", "mean", "max"])
def test_molecule_without_atoms_gives_zeros(backend, how):
    batch = SPECIAL["empty molecules"]
    # Far from 0, so that a max of nothing would not be 0.
    values = random_inputs(batch, how)[0] - 10
    result = make_kernels(backend).reduce_molecules(batch, values, how)
    assert result[batch.atom_offsets.diff() == 0].eq(0).all()
    assert result[batch.atom_offsets.diff() > 0].lt(-5).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", SPECIAL.values(), ids=SPECIAL)
def test_gradients_numerically(name, batch):
    inputs = [values.requires_grad_() for values in random_inputs(batch, name)]
    assert torch.autograd.gradcheck(lambda *rows: apply(TorchKernels(), batch, name, *rows), inputs)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_uncontiguous_gradient(backend, name):
    # The gradient of a sum is one number, expanded over all rows without being copied.
    batch, kernels = SPECIAL["one molecule"], make_kernels(backend)
    inputs = [values.requires_grad_() for values in random_inputs(batch, name)]
    found = torch.autograd.grad(apply(kernels, batch, name, *inputs).sum(), inputs)
    expected = torch.autograd.grad(reference(batch, name, *inputs).sum(), inputs)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("learns", [0, 1])
def test_only_one_argument_of_the_weighted_sum_learns(backend, learns):
    batch = SPECIAL["parallel bonds"]
    inputs = random_inputs(batch, "sum_weighted 3")
    inputs[learns].requires_grad_()
    results = [
        make_kernels(backend).sum_weighted(batch, *inputs),
        reference(batch, "sum_weighted 3", *inputs),
    ]
    grads = [torch.autograd.grad(result.square().sum(), inputs[learns]) for result in results]
    torch.testing.assert_close(*grads)


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
