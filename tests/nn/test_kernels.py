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
from skchem_dl.nn._plan import Plan
from skchem_dl.nn._selection import Messages, Selection, to_offsets

SCHEMA = GraphSchema((("atom", 2),), (("bond", 2),))
# What each primitive takes: rows of the state before (or of molecules), of messages, of the state
# after; or rows of the state before, of k heads, and logits of messages.
ROWS_OF = {
    "take": "before",
    "at_source": "before",
    "at_destination": "after",
    "sum_messages": "messages",
    "sum_neighbours": "before",
    "attend 1": "before",
    "attend 3": "before",
}
REDUCED = {"sum": "atoms", "mean": "atoms", "max": "atoms", "at_atoms": "molecules"}
NAMES = (*ROWS_OF, *REDUCED)
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


def messages_of(batch):
    """Each atom is a row and hears its neighbours."""
    return Plan(batch, 1, on_bonds=False, n_distinct=0).exchanges[0]


@st.composite
def batches(draw):
    """Any graphs at all: self-loops, parallel bonds, lonely atoms, molecules without atoms."""
    n_atoms = draw(st.lists(st.integers(0, 5), min_size=1, max_size=5))
    bonds = []
    for n in n_atoms:
        atom = st.integers(0, max(n - 1, 0))
        bonds.append(draw(st.lists(st.tuples(atom, atom), max_size=8)) if n else [])
    return make_batch(n_atoms, bonds)


@st.composite
def any_messages(draw):
    """From any rows to any other ones, as between the distinct rows of two states."""
    n_before = draw(st.integers(0, 5))
    row = st.integers(0, max(n_before - 1, 0))
    heard = st.lists(row, max_size=4 if n_before else 0)
    sources = draw(st.lists(heard, max_size=5))
    index = np.array([row for rows in sources for row in rows], dtype=np.int64)
    counts = np.array([len(rows) for rows in sources], dtype=np.int64)
    return Messages(Selection(index, n_before), to_offsets(counts))


SPECIAL = {
    "lonely atoms": make_batch([1, 3], [[], []]),
    "one molecule": make_batch([3], [[(0, 1), (1, 2)]]),
    "self-loop": make_batch([2], [[(0, 0), (0, 1)]]),
    "parallel bonds": make_batch([2, 1], [[(0, 1), (0, 1), (1, 0)], []]),
    "empty molecules": make_batch([0, 2, 0, 1, 0], [[], [(1, 0)], [], [], []]),
    "nothing but empty": make_batch([0, 0], [[], []]),
}


def subject(batch, name):
    """What a primitive is asked about."""
    return batch if name in REDUCED else messages_of(batch)


def reference(about, name, values, *logits):
    """Loops and index_add."""
    if name in REDUCED:
        return reference_of_molecules(about, name, values)
    source, destination = about.source.index, about.destination.index
    if name in ("take", "at_source"):
        return values[source]
    if name == "at_destination":
        return values[destination]
    messages = values if name == "sum_messages" else values[source]
    for of_heads in logits:
        shares = [run.softmax(0) for run in of_heads.split(about.degree.tolist())]
        messages = messages * torch.cat([of_heads[:0], *shares])[..., None]
    return values.new_zeros(len(about), *values.shape[1:]).index_add(0, destination, messages)


def reference_of_molecules(batch, name, values):
    if name == "at_atoms":
        return values[torch.repeat_interleave(batch.atom_offsets.diff())]
    rows = []
    for molecule in values.split(batch.atom_offsets.diff().tolist()):
        if not len(molecule) or name == "sum":
            rows.append(molecule.sum(0))
        else:
            rows.append(molecule.amax(0) if name == "max" else molecule.mean(0))
    return torch.stack(rows)


def apply(kernels, about, name, *values):
    if name == "take":
        return kernels.take(*values, about.source)
    function = name.split()[0]
    if hasattr(kernels, function):
        return getattr(kernels, function)(about, *values)
    return kernels.reduce_molecules(about, *values, name)


def random_inputs(about, name, seed=0, width=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    if name in REDUCED:
        shapes = [(len(about if name == "at_atoms" else about.atom_codes), width)]
    else:
        lengths = {
            "before": about.source.n_from,
            "messages": len(about.source),
            "after": len(about),
        }
        shapes = [(lengths[ROWS_OF[name]], width)]
    if name.startswith("attend"):
        n_heads = int(name.split()[1])
        shapes = [(about.source.n_from, n_heads, width), (len(about.source), n_heads)]
    return [torch.randn(*shape, generator=generator, dtype=dtype) for shape in shapes]


def value_and_gradients(function, inputs):
    inputs = [values.clone().requires_grad_() for values in inputs]
    result = function(*inputs)
    # Unequal weights, so that a gradient in the wrong place shows.
    weights = torch.linspace(1, 2, result.numel(), dtype=result.dtype, device=result.device)
    (result * weights.view_as(result)).sum().backward()
    return result.detach(), *(values.grad for values in inputs)


def assert_like_reference(backend, about, name, inputs, **tolerance):
    kernels = make_kernels(backend)
    found = value_and_gradients(lambda *rows: apply(kernels, about, name, *rows), inputs)
    expected = value_and_gradients(lambda *rows: reference(about, name, *rows), inputs)
    torch.testing.assert_close(found, expected, **tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(batch=batches(), seed=st.integers(0, 1000))
def test_any_graph(backend, name, batch, seed):
    about = subject(batch, name)
    assert_like_reference(backend, about, name, random_inputs(about, name, seed))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ROWS_OF)
@settings(max_examples=40)
@given(messages=any_messages(), seed=st.integers(0, 1000))
def test_any_messages(backend, name, messages, seed):
    assert_like_reference(backend, messages, name, random_inputs(messages, name, seed))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", SPECIAL.values(), ids=SPECIAL)
def test_special_graph(backend, name, batch):
    about = subject(batch, name)
    assert_like_reference(backend, about, name, random_inputs(about, name))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_molecules(backend, name):
    generator = np.random.default_rng(0)
    n_atoms = generator.integers(0, 6, 10_000)
    bonds = [generator.integers(0, n, (n, 2)).tolist() if n else [] for n in n_atoms]
    batch = make_batch(n_atoms.tolist(), bonds)
    about = subject(batch, name)
    inputs = random_inputs(about, name, width=4, dtype=torch.float32)
    assert_like_reference(backend, about, name, inputs, rtol=1e-5, atol=1e-5)


@needs_cuda
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", SPECIAL.values(), ids=SPECIAL)
def test_on_a_gpu(name, batch):
    about = subject(batch.to("cuda"), name)
    inputs = [values.cuda() for values in random_inputs(about, name)]
    assert_like_reference("torch", about, name, inputs)


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
    about = subject(batch, name)
    inputs = [values.requires_grad_() for values in random_inputs(about, name)]
    assert torch.autograd.gradcheck(lambda *rows: apply(TorchKernels(), about, name, *rows), inputs)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_uncontiguous_gradient(backend, name):
    # The gradient of a sum is one number, expanded over all rows without being copied.
    about, kernels = subject(SPECIAL["one molecule"], name), make_kernels(backend)
    inputs = [values.requires_grad_() for values in random_inputs(about, name)]
    found = torch.autograd.grad(apply(kernels, about, name, *inputs).sum(), inputs)
    expected = torch.autograd.grad(reference(about, name, *inputs).sum(), inputs)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("learns", [0, 1])
def test_only_one_argument_of_attention_learns(backend, learns):
    messages = messages_of(SPECIAL["parallel bonds"])
    inputs = random_inputs(messages, "attend 3")
    inputs[learns].requires_grad_()
    results = [
        make_kernels(backend).attend(messages, *inputs),
        reference(messages, "attend 3", *inputs),
    ]
    grads = [torch.autograd.grad(result.square().sum(), inputs[learns]) for result in results]
    torch.testing.assert_close(*grads)


def test_auto_is_torch():
    assert isinstance(make_kernels("auto"), TorchKernels)


@needs_dgl
def test_dgl_graph_is_made_once():
    messages = messages_of(make_batch([2], [[(0, 1)]]))
    kernels = make_kernels("dgl")
    assert isinstance(kernels, DGLKernels)
    kernels.at_source(messages, torch.zeros(2, 1))
    graph = messages.dgl_graph
    assert graph is not None
    kernels.sum_neighbours(messages, torch.zeros(2, 1))
    assert messages.dgl_graph is graph


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
