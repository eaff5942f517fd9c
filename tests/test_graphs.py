import copy
import pickle
import sys
import weakref

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import _safe_indexing, indexable

from skchem_dl import MolGraphizer, MolGraphs
from skchem_dl.graphs import GraphSchema

SCHEMA = GraphSchema((("element", 100), ("charge", 5)), (("order", 50),))


def build(sizes, n_features=2):
    """Graphs in which no two atoms and no two bonds are alike; sizes: (atoms, bonds) of each."""
    n_atoms, n_bonds = np.array(sizes, dtype=int).reshape(-1, 2).T
    total_atoms, total_bonds = n_atoms.sum(), n_bonds.sum()
    features = None
    if n_features is not None:
        features = np.arange(n_features * len(n_atoms), dtype=np.float32)
        features = features.reshape(len(n_atoms), n_features)
    return MolGraphs(
        np.arange(2 * total_atoms, dtype=np.uint8).reshape(-1, 2),
        np.arange(total_bonds, dtype=np.uint8).reshape(-1, 1),
        np.arange(2 * total_bonds, dtype=np.int32).reshape(-1, 2),
        np.concatenate([[0], np.cumsum(n_atoms)]),
        np.concatenate([[0], np.cumsum(n_bonds)]),
        SCHEMA,
        features,
    )


def unpack(graphs):
    """The naive form: one tuple of lists a molecule."""
    found = []
    for i in range(len(graphs)):
        atoms = slice(graphs.atom_offsets[i], graphs.atom_offsets[i + 1])
        bonds = slice(graphs.bond_offsets[i], graphs.bond_offsets[i + 1])
        features = graphs.molecule_features
        found.append(
            (
                graphs.atom_codes[atoms].tolist(),
                graphs.bond_codes[bonds].tolist(),
                graphs.bond_atoms[bonds].tolist(),
                None if features is None else features[i].tolist(),
            )
        )
    return found


SIZES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6)
GRAPHS = st.builds(build, SIZES, st.sampled_from([None, 0, 2]))


def keys(n):
    masks = numpy_st.arrays(bool, n)
    kinds = [st.slices(n), masks, masks.map(list), st.just(...), st.just([])]
    if n:
        one = st.integers(-n, n - 1)
        many = st.lists(one, max_size=8)
        arrays = many.map(lambda rows: np.array(rows, dtype=int))
        kinds += [one, one.map(np.int64), many, arrays, arrays.map(lambda rows: (rows, ...))]
    return st.one_of(kinds)


@given(st.data())
def test_indexing_is_numpys(data):
    graphs = data.draw(GRAPHS)
    key = data.draw(keys(len(graphs)))
    rows = np.arange(len(graphs))[key[0] if isinstance(key, tuple) else key]
    chosen = graphs[key]
    assert isinstance(chosen, MolGraphs)
    assert chosen.schema is graphs.schema
    everything = unpack(graphs)
    assert unpack(chosen) == [everything[row] for row in np.atleast_1d(rows)]
    assert chosen.atom_offsets.dtype == chosen.bond_offsets.dtype == np.int64
    assert graphs[chosen.n_atoms[:0]] == graphs[[]]


@pytest.mark.parametrize(
    "key",
    [
        3,
        -4,
        [0, 3],
        [True, False],
        1.0,
        "1",
        None,
        True,
        [[0, 1]],
        (0, 1),
        (0,),
        (..., 0),
        np.array([0.0]),
    ],
    ids=repr,
)
def test_bad_keys(key):
    with pytest.raises(IndexError):
        build([(1, 0), (2, 1), (0, 0)])[key]


def test_shape_sizes_and_iteration(smiles):
    graphs = MolGraphizer().transform(smiles)
    assert len(graphs) == len(smiles)
    assert graphs.shape == (len(smiles),)
    assert graphs.ndim == 1
    assert graphs.n_atoms.sum() == len(graphs.atom_codes)
    assert graphs.n_bonds.sum() == len(graphs.bond_codes)
    assert MolGraphs.concatenate(list(graphs)) == graphs
    assert [len(graph) for graph in graphs] == [1] * len(smiles)


def test_repr_and_nbytes():
    graphs = build([(2, 1), (1, 0)])
    assert repr(graphs) == "MolGraphs(2 molecules, 3 atoms, 1 bonds, 2 molecule features)"
    assert repr(graphs.with_molecule_features(None)) == "MolGraphs(2 molecules, 3 atoms, 1 bonds)"
    assert graphs.nbytes == 3 * 2 + 1 + 2 * 4 + 2 * 3 * 8 + 2 * 2 * 4


@given(st.lists(GRAPHS, min_size=1, max_size=3))
def test_equality(several):
    for one in several:
        assert one == copy.deepcopy(one)
        for other in several:
            alike = unpack(one) == unpack(other)
            same_width = one._n_features() == other._n_features()
            assert (one == other) == (alike and same_width)


def test_what_is_not_equal():
    graphs = build([(2, 1), (1, 0)])
    other = copy.deepcopy(graphs)
    other.bond_atoms[0, 0] = 1
    assert graphs != other
    renamed = GraphSchema(SCHEMA.atom_fields, SCHEMA.bond_fields, version=2)
    arrays = [getattr(graphs, name) for name in ("atom_codes", "bond_codes", "bond_atoms")]
    assert graphs != MolGraphs(*arrays, graphs.atom_offsets, graphs.bond_offsets, renamed)
    assert graphs != "graphs"
    missing = graphs.with_molecule_features(np.full((2, 1), np.nan, dtype=np.float32))
    assert missing == copy.deepcopy(missing)
    with pytest.raises(TypeError, match="unhashable"):
        hash(graphs)


@given(st.lists(SIZES, min_size=1, max_size=4), st.sampled_from([None, 0, 2]))
def test_concatenate(sizes, n_features):
    parts = [build(some, n_features) for some in sizes]
    joined = MolGraphs.concatenate(parts)
    assert unpack(joined) == [molecule for part in parts for molecule in unpack(part)]
    starts = np.cumsum([0, *[len(part) for part in parts]])
    for part, start, stop in zip(parts, starts, starts[1:], strict=False):
        assert joined[start:stop] == part


def test_concatenate_refuses_what_does_not_fit(smiles):
    graphs = build([(1, 0)])
    with pytest.raises(ValueError, match="Got no MolGraphs"):
        MolGraphs.concatenate([])
    for other in (build([(1, 0)], 3), build([(1, 0)], None), MolGraphizer().transform(smiles)):
        with pytest.raises(ValueError, match=r"Part 2 does not fit part 0.*same MolGraphizer"):
            MolGraphs.concatenate([graphs, graphs, other])


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("atom_codes", np.zeros((4, 2), np.uint8)),
        ("atom_codes", np.zeros((3, 1), np.uint8)),
        ("bond_codes", np.zeros((2, 1), np.uint8)),
        ("bond_codes", np.zeros(1, np.uint8)),
        ("bond_atoms", np.zeros((1, 3), np.int32)),
        ("bond_offsets", np.array([0, 1])),
        ("molecule_features", np.zeros((1, 2), np.float32)),
        ("molecule_features", np.zeros(2, np.float32)),
    ],
)
def test_arrays_that_do_not_belong_together(name, array):
    state = build([(2, 1), (1, 0)]).__getstate__()
    assert unpack(MolGraphs(**state)) == unpack(build([(2, 1), (1, 0)]))
    with pytest.raises(ValueError, match=name):
        MolGraphs(**state | {name: array})


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    graphs = build([(2, 1), (0, 0), (3, 2)])
    assert pickle.loads(pickle.dumps(graphs, protocol)) == graphs
    assert copy.copy(graphs) == graphs


def test_joblib_memory_maps_it(nci_smiles, tmp_path):
    graphs = MolGraphizer().transform(nci_smiles[:200])
    joblib.dump(graphs, tmp_path / "graphs.joblib")
    mapped = joblib.load(tmp_path / "graphs.joblib", mmap_mode="r")
    assert isinstance(mapped.atom_codes, np.memmap)
    assert mapped == graphs
    assert mapped[[5, 3]] == graphs[[5, 3]]
    assert MolGraphs.concatenate([mapped[:3], mapped[3:]]) == graphs


def test_dask_sends_it_once(nci_smiles):
    # joblib scatters what is large and can be referred to weakly; all else goes with every task.
    graphs = MolGraphizer().fit_transform(nci_smiles[:200])
    assert weakref.ref(graphs)() is graphs
    assert sys.getsizeof(graphs) >= graphs.nbytes > 50_000
    copied = pickle.loads(pickle.dumps(graphs))
    assert weakref.ref(copied)() is copied


def test_it_is_no_matrix():
    graphs = build([(2, 1)])
    for convert in (np.asarray, np.array, lambda it: np.asarray(it, dtype=float)):
        with pytest.raises(TypeError, match=r"ragged.*SMILES as an \(n, 1\) array"):
            convert(graphs)


def test_directed_edges():
    graphs = MolGraphizer().transform(["CCO", "C", "CC"])
    source, destination = graphs.directed_edges()
    assert source.tolist() == [0, 1, 4, 1, 2, 5]
    assert destination.tolist() == [1, 2, 5, 0, 1, 4]
    assert source.dtype == destination.dtype == np.int64


def test_scikit_learn_splits_it(smiles):
    graphs = MolGraphizer().transform(smiles)
    rows = np.arange(len(smiles))
    train, test, train_rows, test_rows = train_test_split(graphs, rows, random_state=0)
    assert train == graphs[train_rows]
    assert test == graphs[test_rows]
    assert indexable(graphs, rows)[0] is graphs
    for train_rows, test_rows in KFold(3, shuffle=True, random_state=0).split(graphs):
        assert _safe_indexing(graphs, train_rows) == graphs[train_rows]
        assert _safe_indexing(graphs, test_rows.tolist()) == graphs[test_rows]
    assert _safe_indexing(graphs, rows > 10) == graphs[11:]
