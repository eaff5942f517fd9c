"""The way through C++: the same graphs and the same errors, and only where it may be trusted."""

import subprocess
import sys
import threading
import warnings
from importlib.metadata import PackageNotFoundError

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning, MolGraphizer
from skchem_dl.features import _base, _graphs_fast
from skchem_dl.features._graphs_fast import _SAMPLE, read_smiles

ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_offsets", "bond_offsets")
# What RDKit cannot parse, cannot sanitise, or we refuse; and what the library must not see.
INVALID = ["", "C(", "c1cccc1", "C(C)(C)(C)(C)C", "CC ethane", "C\x00", "CÖ", None, 7, float("nan")]
LEFT_TO_RDKIT = ["[CH3:2][OH:1]", "[CH3:1][CH2:7]", "[cH:1]1[cH:1][cH:1][cH:1][cH:1][cH:1]1"]

LIBRARY = _graphs_fast._library()
needs_library = pytest.mark.skipif(
    LIBRARY is None, reason="cuik-molmaker-pin is not installed for this RDKit"
)


@pytest.fixture
def every_row(monkeypatch):
    """Use the library for any number of rows."""
    monkeypatch.setattr(_graphs_fast, "MIN_ROWS", 0)


def transform(way, rows, on_invalid="nan"):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(_graphs_fast, "ENABLED", way == "fast")
        try:
            found = MolGraphizer(on_invalid=on_invalid).transform(rows)
        except InvalidMoleculeError as error:
            return str(error), error.invalid
    return found, [str(warning.message) for warning in caught]


def assert_same_both_ways(rows):
    """Compare the graphs, the warnings and the errors."""
    fast, warned = transform("fast", rows)
    pure, expected = transform("pure", rows)
    assert warned == expected
    for name in ARRAYS:
        one, other = getattr(fast, name), getattr(pure, name)
        assert (one.dtype, one.flags.c_contiguous) == (other.dtype, other.flags.c_contiguous)
        np.testing.assert_array_equal(one, other)
    if warned:
        assert repr(transform("fast", rows, "raise")) == repr(transform("pure", rows, "raise"))


@needs_library
def test_each_way_can_be_forced(every_row, monkeypatch, smiles):
    expected = MolGraphizer().transform(smiles)
    with monkeypatch.context() as patch:
        patch.setattr(_base, "parse_molecules", None)
        assert MolGraphizer().transform(smiles) == expected
    monkeypatch.setattr(_graphs_fast, "_library", None)
    monkeypatch.setattr(_graphs_fast, "ENABLED", False)
    assert read_smiles(smiles) is None
    assert MolGraphizer().transform(smiles) == expected


@needs_library
def test_nci_comes_out_the_same(nci_smiles):
    assert_same_both_ways(nci_smiles)


@needs_library
@pytest.mark.parametrize(
    "file",
    [
        "lipophilicity.csv",
        *(pytest.param(f, marks=pytest.mark.slow) for f in ("hiv.csv", "tox21.csv")),
    ],
)
def test_data_sets_come_out_the_same(file, shared_data):
    assert_same_both_ways(pd.read_csv(shared_data(file))["smiles"][:5000].tolist())


@needs_library
@pytest.mark.parametrize("legacy", [True, False])
def test_both_of_rdkits_stereo_perceptions(every_row, legacy):
    before = Chem.GetUseLegacyStereoPerception()
    Chem.SetUseLegacyStereoPerception(legacy)
    try:
        assert_same_both_ways([*_SAMPLE, "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O"])
    finally:
        Chem.SetUseLegacyStereoPerception(before)


@needs_library
@pytest.mark.parametrize(
    "rows",
    [
        [*_SAMPLE, *INVALID, *LEFT_TO_RDKIT, " CCO\n", Chem.MolFromSmiles("CS"), np.str_("CN")],
        INVALID,
        LEFT_TO_RDKIT,
        [Chem.MolFromSmiles("CO")],
        ["C"],
        ["c1cccc1"] * 200,
    ],
    ids=["mixed", "invalid", "atom maps", "Mol", "one", "unkekulizable"],
)
def test_rows_that_are_not_plain_smiles(every_row, rows):
    assert_same_both_ways(rows)


ALPHABET = "CNOcnosFBPlrISi[]()123%=#$:/\\@+-.*H>~<&|{} \t\n\x00é"
EDIT = st.tuples(
    st.sampled_from(["insert", "delete", "replace"]),
    st.integers(0, 60),
    st.sampled_from(ALPHABET),
)


def edited(text, edits):
    for kind, where, character in edits:
        added = "" if kind == "delete" else character
        text = text[:where] + added + text[where + (kind != "insert") :]
    return text


@needs_library
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_edited_smiles_come_out_the_same(every_row, nci_smiles, data):
    written = st.one_of(
        st.sampled_from(_SAMPLE), st.sampled_from(LEFT_TO_RDKIT), st.sampled_from(nci_smiles)
    )
    row = st.builds(edited, written, st.lists(EDIT, max_size=3))
    assert_same_both_ways(data.draw(st.lists(row, min_size=1, max_size=6)))


@needs_library
def test_it_is_silent_and_leaves_the_log_alone(every_row, capfd):
    before = rdBase.LogStatus()
    transform("fast", [*_SAMPLE, *INVALID])
    assert rdBase.LogStatus() == before
    assert capfd.readouterr() == ("", "")


@needs_library
def test_threads(every_row, nci_smiles, capfd):
    rows = [*nci_smiles[:200], *INVALID]
    with pytest.warns(InvalidMoleculeWarning):
        expected = MolGraphizer(on_invalid="nan").transform(rows)
    found = []

    def run():
        graphs, done = read_smiles(rows)
        found.append((graphs, done.tolist()))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    for graphs, done in found:
        assert graphs == expected[done]
    assert capfd.readouterr() == ("", "")


@needs_library
def test_worker_processes(nci_smiles, few_are_enough):
    rows = [*nci_smiles[:500], None, "c1cccc1"]
    with pytest.warns(InvalidMoleculeWarning, match="2 of 502"):
        two = MolGraphizer(on_invalid="nan", n_jobs=2).transform(rows)
    assert two == transform("pure", rows)[0]


@pytest.fixture
def unloaded(monkeypatch):
    monkeypatch.setattr(_graphs_fast, "_rows_seen", 0)
    _graphs_fast._library.cache_clear()
    yield
    _graphs_fast._library.cache_clear()


@pytest.mark.parametrize("made_for", [None, "2025.9.1", "2026.3.post1"])
def test_not_used_with_another_rdkit(unloaded, monkeypatch, made_for):
    def version(name):
        if made_for is None:
            raise PackageNotFoundError(name)
        return made_for

    monkeypatch.setattr(_graphs_fast, "version", version)
    monkeypatch.setattr(_graphs_fast, "_extension", None)  # not even touched
    assert _graphs_fast._library() is None
    assert read_smiles(["C"] * 1000) is None


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_not_used_where_it_does_not_load(unloaded, monkeypatch, error):
    def fail():
        raise error("libRDKitGraphMol-a21894e5.so.1: cannot open shared object file")

    monkeypatch.setattr(_graphs_fast, "_made_for_this_rdkit", lambda: True)
    monkeypatch.setattr(_graphs_fast, "_extension", fail)
    assert _graphs_fast._library() is None


def test_few_rows_do_not_load_it_but_many_a_few_at_a_time_do(unloaded):
    for _ in range(_graphs_fast.MIN_ROWS // 10 - 1):
        assert MolGraphizer().transform(["CCO"] * 10).n_atoms.tolist() == [3] * 10
    assert _graphs_fast._library.cache_info().currsize == 0
    MolGraphizer().transform(["CCO"] * 10)
    assert _graphs_fast._library.cache_info().currsize == 1


class Changed:
    """The library, as a future release might be."""

    def __init__(self, **changes):
        self._changes = changes

    def __getattr__(self, name):
        return self._changes.get(name, getattr(LIBRARY, name))


def other_hybridisation(texts, *request):
    atoms, *rest = LIBRARY.batch_mol_featurizer(texts, *request)
    atoms[:, 14] += 1
    return [atoms, *rest]


@needs_library
@pytest.mark.parametrize(
    "changes",
    [
        {"list_all_bond_features": lambda: ["stereo"]},
        {"batch_mol_featurizer": other_hybridisation},
        {"batch_mol_featurizer": lambda texts: []},
        {"bond_feature_names_to_array": lambda names: np.array([5, 5])},
    ],
    ids=["names", "meaning", "arguments", "columns"],
)
def test_not_used_where_it_disagrees(unloaded, monkeypatch, changes):
    assert _graphs_fast._agrees(Changed())
    monkeypatch.setattr(_graphs_fast, "_extension", lambda: Changed(**changes))
    assert _graphs_fast._library() is None


@needs_library
@pytest.mark.parametrize(
    "code",
    [
        # The package imports pandas and scipy.stats, for 4 s.
        "use(); assert 'cuik_molmaker' not in sys.modules",
        pytest.param("use(); import cuik_molmaker; check()", marks=pytest.mark.slow),
        pytest.param("import cuik_molmaker; use(); check()", marks=pytest.mark.slow),
    ],
)
def test_beside_the_package_itself(code):
    prelude = """
import sys
from skchem_dl import MolGraphizer
from skchem_dl.features import _graphs_fast
def use():
    MolGraphizer().transform(["CCO"] * 600)
    assert _graphs_fast._library.cache_info().currsize
def check():
    names = sys.modules["cuik_molmaker"].list_all_bond_features()
    assert sorted(names) == sorted(_graphs_fast._library().list_all_bond_features())
"""
    done = subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
