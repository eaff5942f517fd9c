"""`memory=`: the same rows, each SMILES featurised once, whatever processes and files suffer."""

import os
import pickle
import signal
import warnings
from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import rdkit
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processes import Forked
from rdkit import Chem
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skchem_dl
from skchem_dl import (
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    MolGraphizer,
    MolGraphs,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.features import FeatureCache, _base, _cache, _graphs

FERROCENE = "[CH-]1C=CC=C1.[CH-]1C=CC=C1.[Fe+2]"  # parsed, but not standardised
MIXED = ["CCO", "C(", " CCO", None, "c1ccccc1O", "CCO", "", f" {FERROCENE}\n", "C[C@H](N)C(=O)O"]


def with_memory(featurizer, memory, **params):
    return clone(featurizer).set_params(memory=memory, **params)


def bits(rows):
    """Give everything about some rows that anyone could compare."""
    if isinstance(rows, MolGraphs):
        arrays = [rows.atom_codes, rows.bond_codes, rows.bond_atoms]
        return rows.schema, [bits(a) for a in (*arrays, rows.atom_offsets, rows.bond_offsets)]
    if sp.issparse(rows):
        return type(rows), rows.shape, [bits(a) for a in (rows.data, rows.indices, rows.indptr)]
    content = rows.tolist() if rows.dtype == object else rows.tobytes()
    return rows.dtype, rows.shape, rows.flags.c_contiguous, rows.flags.writeable, content


def outcome(featurizer, X):
    """Give the rows or the error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = bits(clone(featurizer).fit_transform(X))
        except InvalidMoleculeError as error:
            found = str(error), repr(error.invalid), error.n_rows
    return found, [(w.category, str(w.message), w.filename) for w in caught]


def kept_files(folder):
    return sorted(Path(folder).rglob("*.npz"))


@pytest.fixture
def no_work(monkeypatch):
    """Let nothing be featurised."""

    def forbid():
        monkeypatch.setattr(_base, "parse_molecules", None)
        monkeypatch.setattr(_graphs, "read_smiles", None)

    return forbid


@pytest.fixture
def worked_on(monkeypatch):
    """Every item that is featurised in this process."""
    items, featurize_all = [], _base.BaseMolTransformer._featurize_all

    def note(self, some):
        items.extend(some)
        return featurize_all(self, some)

    monkeypatch.setattr(_base.BaseMolTransformer, "_featurize_all", note)
    return items


SURROUNDED = st.tuples(st.sampled_from(["", " ", "\t"]), st.sampled_from(["", "\n", " "]))
ROW = st.one_of(
    st.sampled_from([*MIXED, "C[C@@H](N)C(=O)O", "F/C=C\\F", "c1cccc1", "CC ethane", "\ud800"]),
    st.text(alphabet="CNOcn()=#1[]+-H@/ ", max_size=8),
    st.text(max_size=5),
    st.builds(lambda ends: ends[0] + "CCN" + ends[1], SURROUNDED),
    st.builds(np.str_, st.sampled_from(["CN", "C("])),
    st.sampled_from([None, float("nan"), 7, b"C"]),
    st.builds(Chem.MolFromSmiles, st.sampled_from(["CCO", "CCS", FERROCENE])),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(rows=st.lists(ROW, min_size=1, max_size=8), on_invalid=st.sampled_from(["raise", "nan"]))
def test_everything_is_as_without(featurizer, tmp_path, rows, on_invalid):
    plain = clone(featurizer).set_params(on_invalid=on_invalid)
    expected = outcome(plain, rows)
    cached = with_memory(plain, tmp_path)
    assert outcome(cached, rows) == expected  # partly there, from the examples before
    assert outcome(cached, rows) == expected


@pytest.mark.parametrize("on_invalid", ["raise", "nan"])
def test_nothing_is_featurised_twice(featurizer, tmp_path, on_invalid, no_work):
    cached = with_memory(featurizer, tmp_path, on_invalid=on_invalid)
    texts = [row for row in MIXED if row is not None]
    first = outcome(cached, texts)
    no_work()
    assert outcome(cached, texts) == first
    assert outcome(cached, texts[::-1])[1] == outcome(cached, texts[::-1])[1]
    assert bits(cached.fit(["CCO"]).transform([" CCO"])) == bits(cached.fit_transform(["CCO"]))


def test_only_what_is_missing_is_featurised(featurizer, tmp_path, worked_on):
    cached = with_memory(featurizer, tmp_path, on_invalid="nan")
    cached.fit_transform(["CCO", "C", "CCO "])
    assert worked_on == ["CCO", "C"]
    cached.fit_transform(["CC", "C", "CC", "N"])
    assert worked_on == ["CCO", "C", "CC", "N"]


def test_mols_are_not_kept(featurizer, tmp_path, worked_on):
    mols = [Chem.MolFromSmiles(text) for text in ("CCO", "C")]
    cached = with_memory(featurizer, tmp_path)
    assert bits(cached.fit_transform(mols)) == bits(cached.fit_transform(mols))
    assert worked_on == [*mols, *mols]
    assert kept_files(tmp_path) == []


VARIANTS = [
    *(MorganFingerprinter(radius, fp_size=64) for radius in (0, 1, 2, 3)),
    MorganFingerprinter(fp_size=32),
    MorganFingerprinter(fp_size=64, counts=True),
    MorganFingerprinter(fp_size=64, use_features=True),
    MorganFingerprinter(fp_size=64, include_chirality=True),
    MorganFingerprinter(fp_size=64, use_bond_types=False),
    MorganFingerprinter(fp_size=64, sparse_output=True),
    RDKitDescriptors(["MolWt", "TPSA"]),
    RDKitDescriptors(["TPSA", "MolWt"]),
    SmilesTokenizer(),
    MolGraphizer(),
    MolStandardizer(),
    MolStandardizer(largest_fragment=False),
    MolStandardizer(uncharge=False),
    MolStandardizer(tautomer=True),
]


def test_no_featuriser_gets_the_rows_of_another(tmp_path, smiles):
    for _ in range(2):
        for variant in VARIANTS:
            cached = with_memory(variant, tmp_path, on_invalid="nan")
            plain = clone(variant).set_params(on_invalid="nan")
            assert outcome(cached, smiles) == outcome(plain, smiles)
    # Dense and sparse fingerprints are kept alike.
    assert len({path.parent for path in kept_files(tmp_path)}) == len(VARIANTS) - 1


def test_nor_from_a_file_in_the_wrong_folder(tmp_path, smiles):
    one, other = (with_memory(MorganFingerprinter(r, 64), tmp_path) for r in (1, 2))
    one.transform(smiles)
    [file] = kept_files(tmp_path)
    other.transform(["CCCCC"])
    [folder] = {path.parent for path in kept_files(tmp_path)} - {file.parent}
    file.rename(folder / file.name)
    assert bits(other.transform(smiles)) == bits(MorganFingerprinter(2, 64).transform(smiles))


@pytest.mark.parametrize(
    ("featurizer", "params"),
    [
        (MorganFingerprinter(2, 64), {"n_jobs": 2, "on_invalid": "nan", "smiles_column": None}),
        (MorganFingerprinter(2, 64), {"sparse_output": True}),
        (MorganFingerprinter(2, 64), {"radius": np.int64(2), "counts": np.bool_(False)}),
        (RDKitDescriptors(["TPSA"]), {"descriptors": ("TPSA",)}),
        (SmilesTokenizer(), {"max_length": 3, "on_too_long": "raise"}),
        (MolGraphizer(), {"molecule_features": RDKitDescriptors(["TPSA"])}),
    ],
    ids=repr,
)
def test_parameters_that_change_no_row_share_them(featurizer, params, tmp_path, worked_on):
    with_memory(featurizer, tmp_path).fit_transform(["CCO", "C"])
    with_memory(featurizer, tmp_path, **params).fit_transform(["C", "CCO"])
    inner = ["C", "CCO"] if "molecule_features" in params else []  # it has no memory of its own
    assert worked_on == ["CCO", "C", *inner]


@pytest.mark.parametrize("module", [rdkit, skchem_dl])
def test_another_version_starts_anew(module, tmp_path, monkeypatch, worked_on):
    cached = MorganFingerprinter(memory=tmp_path)
    cached.transform(["CCO"])
    monkeypatch.setattr(module, "__version__", "2042.1")
    cached.transform(["CCO"])
    assert worked_on == ["CCO", "CCO"]


def test_rdkits_stereo_perceptions_are_kept_apart(tmp_path):
    text = "C[C@H]1CC[C@H](C)CC1"
    before = Chem.GetUseLegacyStereoPerception()
    try:
        for _ in range(2):
            for legacy in (True, False):
                Chem.SetUseLegacyStereoPerception(legacy)
                rows = MolGraphizer(memory=tmp_path).transform([text])
                assert rows == MolGraphizer().transform([text])
    finally:
        Chem.SetUseLegacyStereoPerception(before)
    assert len(kept_files(tmp_path)) == 2


MEMORIES = {
    "str": str,
    "Path": Path,
    "joblib.Memory": lambda path: joblib.Memory(path, verbose=0),
    "FeatureCache": FeatureCache,
}


@pytest.mark.parametrize("make", MEMORIES.values(), ids=MEMORIES)
def test_kinds_of_memory_are_one_cache(make, featurizer, tmp_path, no_work):
    expected = bits(with_memory(featurizer, str(tmp_path)).fit_transform(["CCO", "C"]))
    no_work()
    cached = with_memory(featurizer, make(tmp_path))
    assert bits(clone(cached).fit_transform(["CCO", "C"])) == expected
    assert bits(pickle.loads(pickle.dumps(cached)).fit_transform(["CCO", "C"])) == expected
    assert cached.get_params()["memory"] is cached.memory


def test_a_memory_of_nothing_keeps_nothing(worked_on):
    cached = MorganFingerprinter(memory=joblib.Memory(None))
    assert cached.transform(["C"]).shape == cached.transform(["C"]).shape
    assert worked_on == ["C", "C"]


class OnlyCache:
    def cache(self, function):
        return function


@pytest.mark.parametrize(
    "memory", [7, object(), OnlyCache()], ids=lambda memory: type(memory).__name__
)
def test_what_is_no_memory(memory):
    with pytest.raises((TypeError, ValueError), match="memory"):
        MorganFingerprinter(memory=memory).transform(["C"])


@pytest.mark.parametrize(
    ("args", "error"), [((None,), TypeError), (("a", 0), ValueError), (("a", -5), ValueError)]
)
def test_wrong_caches(args, error):
    with pytest.raises(error, match=r"location|bytes_limit"):
        FeatureCache(*args)


def test_a_parameter_that_cannot_be_told_apart(tmp_path):
    class Own(_base.BaseMolTransformer):
        _parameter_constraints = {**_base.BaseMolTransformer._parameter_constraints, "f": [object]}

        def __init__(self, f, on_invalid="raise", n_jobs=None, smiles_column=None, memory=None):
            self.f, self.on_invalid, self.n_jobs = f, on_invalid, n_jobs
            self.smiles_column, self.memory = smiles_column, memory

        def _transform_mols(self, mols):
            return np.array([self.f(mol) for mol in mols], dtype=float)

    with pytest.raises(TypeError, match="tell featurisers apart by a parameter of type function"):
        Own(lambda mol: 1.0, memory=tmp_path).transform(["C"])


# Searches


class Counting:
    """Writes down what it featurises, in whatever process."""

    log = ""

    def _featurize(self, items):
        with open(self.log, "a") as file:  # lines this short are written whole
            file.writelines(f"{item}\n" for item in items)
        return super()._featurize(items)


def counting(cls, folder):
    return type(f"Counting{cls.__name__}", (Counting, cls), {"log": str(folder / "log.txt")})


def counts(folder):
    return Counter((folder / "log.txt").read_text().split())


def search_of(featurizer, smiles, n_jobs=None):
    pipeline = make_pipeline(featurizer, Ridge())
    grid = {"ridge__alpha": np.logspace(-3, 3, 12)}
    y = np.array([len(text) for text in smiles], dtype=float)
    return GridSearchCV(pipeline, grid, cv=5, n_jobs=n_jobs, error_score="raise").fit(smiles, y)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_search_featurises_every_smiles_once(n_jobs, tmp_path, smiles):
    smiles = [*smiles, *smiles[:10]]
    make = counting(MorganFingerprinter, tmp_path)
    search = search_of(make(fp_size=64, memory=tmp_path), smiles, n_jobs)
    assert counts(tmp_path) == Counter(set(smiles))
    plain = search_of(MorganFingerprinter(fp_size=64), smiles)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )


def test_without_a_memory_it_is_61_times(tmp_path):
    smiles = ["C" * n for n in range(1, 21)]
    search_of(counting(MorganFingerprinter, tmp_path)(fp_size=64), smiles)
    assert counts(tmp_path) == Counter(dict.fromkeys(smiles, 61))


@pytest.mark.parametrize("cls", [RDKitDescriptors, SmilesTokenizer, MolGraphizer, MolStandardizer])
def test_processes_that_want_the_same_at_once(cls, tmp_path, nci_smiles):
    smiles = nci_smiles[:150]
    params = {"descriptors": ["TPSA"]} if cls is RDKitDescriptors else {}
    cached = counting(cls, tmp_path)(memory=tmp_path, on_invalid="nan", **params)
    expected = bits(cls(on_invalid="nan", **params).fit_transform(smiles))
    parts = [smiles, smiles[::-1], smiles[50:], smiles[:100], smiles]
    found = joblib.Parallel(n_jobs=3)(
        joblib.delayed(clone(cached).fit_transform)(part) for part in parts
    )
    assert bits(found[0]) == bits(found[-1]) == expected
    assert counts(tmp_path) == Counter(set(smiles))
    assert list(tmp_path.rglob("*.part")) == []


def test_threads_that_want_the_same_at_once(featurizer, tmp_path, nci_smiles, worked_on):
    cached = with_memory(featurizer, tmp_path, on_invalid="nan")
    expected = bits(clone(featurizer).set_params(on_invalid="nan").fit_transform(nci_smiles[:100]))
    worked_on.clear()
    found = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(clone(cached).fit_transform)(nci_smiles[:100]) for _ in range(8)
    )
    assert all(bits(rows) == expected for rows in found)
    assert Counter(worked_on) == Counter(set(nci_smiles[:100]))


def test_n_jobs(featurizer, tmp_path, nci_smiles, monkeypatch, no_work, few_are_enough):
    monkeypatch.setattr(_cache, "_BATCH_ROWS", 40)
    smiles = nci_smiles[:100]
    cached = with_memory(featurizer, tmp_path, n_jobs=2)
    assert bits(cached.fit_transform(smiles)) == bits(clone(featurizer).fit_transform(smiles))
    no_work()
    assert len(cached.fit_transform(smiles[::2]) if isinstance(cached, list) else smiles) == 100


# Files


def test_batches_of_a_few_rows(featurizer, tmp_path, nci_smiles, monkeypatch):
    monkeypatch.setattr(_cache, "_BATCH_ROWS", 7)
    smiles = [*nci_smiles[:50], "C(", *nci_smiles[20:30]]
    plain = clone(featurizer).set_params(on_invalid="nan")
    cached = with_memory(plain, tmp_path)
    for some in (smiles[::3], smiles, smiles[::-1]):
        assert outcome(cached, some) == outcome(plain, some)
    assert len(kept_files(tmp_path)) >= 51 // 7


def test_many_small_calls_leave_few_files(tmp_path, nci_smiles, no_work):
    smiles = sorted(set(nci_smiles[:70]))
    cached = MorganFingerprinter(fp_size=64, memory=tmp_path)
    for text in smiles:
        cached.transform([text])
        assert len(kept_files(tmp_path)) <= 7  # powers of two
    no_work()
    assert bits(cached.transform(smiles))[1] == (len(smiles), 64)


DAMAGE = {
    "empty": lambda content: b"",
    "first half": lambda content: content[: len(content) // 2],
    "all but the end": lambda content: content[:-10],
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: b"smiles,exp\nCCO,1.0\n",
    "pickle": lambda content: pickle.dumps({"keys": []}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_made_again(damage, featurizer, tmp_path):
    cached = with_memory(featurizer, tmp_path)
    expected = bits(cached.fit_transform(["CCO", "C"]))
    [file] = kept_files(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match=f"{file.name} was damaged .* featurised again"):
        assert bits(cached.fit_transform(["CCO", "C"])) == expected
    assert bits(cached.fit_transform(["CCO", "C"])) == expected  # without a warning
    assert len(kept_files(tmp_path)) == 1


@pytest.mark.parametrize("arrays", [{"x": np.zeros(3)}, {"keys": np.zeros((2, 3))}, "short"])
def test_an_npz_of_others_is_refused(arrays, featurizer, tmp_path):
    cached = with_memory(featurizer, tmp_path)
    expected = bits(cached.fit_transform(["CCO", "C"]))
    [file] = kept_files(tmp_path)
    if arrays == "short":
        with np.load(file) as archive:
            arrays = dict(archive)
        arrays["keys"] = np.concatenate([arrays["keys"], arrays["keys"]])
    np.savez(file, **arrays)
    with pytest.warns(UserWarning, match="was damaged"):
        assert bits(cached.fit_transform(["CCO", "C"])) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(where=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255))
def test_no_flipped_byte_gives_a_wrong_row(featurizer, tmp_path, where, flipped):
    cached = with_memory(featurizer, tmp_path)
    expected = bits(cached.fit_transform(["CCO", "c1ccccc1O", "C"]))
    [file] = kept_files(tmp_path)
    content = bytearray(file.read_bytes())
    content[int(where * len(content))] ^= flipped
    file.write_bytes(content)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The cache's file .* was damaged")
        assert bits(cached.fit_transform(["CCO", "c1ccccc1O", "C"])) == expected


def test_a_file_that_goes_while_it_is_read(featurizer, tmp_path, monkeypatch):
    cached = with_memory(featurizer, tmp_path)
    expected = bits(cached.fit_transform(["CCO", "C"]))
    paths = _cache.Shelf._paths
    monkeypatch.setattr(
        _cache.Shelf, "_paths", lambda shelf: [*paths(shelf), shelf.folder / "1-2-3.npz"]
    )
    assert bits(cached.fit_transform(["C", "CCO", "C"])[[1, 0]]) == expected


def test_a_full_disk_loses_nothing(featurizer, tmp_path, monkeypatch):
    def fail(path, batch):
        raise OSError(28, "No space left on device")

    expected = bits(clone(featurizer).fit_transform(["CCO", "C"]))
    monkeypatch.setattr(_cache, "write_batch", fail)
    with pytest.warns(UserWarning, match="2 molecules are not kept in .*No space left"):
        assert bits(with_memory(featurizer, tmp_path).fit_transform(["CCO", "C"])) == expected


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match="file"):
        MorganFingerprinter(memory=tmp_path / "file").transform(["C"])
    assert (tmp_path / "file").read_text() == "precious"


KILLED = """
import os, signal, sys
from pathlib import Path
from skchem_dl import MorganFingerprinter
from skchem_dl.features import _base
def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)
cached = MorganFingerprinter(fp_size=64, memory=sys.argv[1])
cached.transform(["CCO"])
if sys.argv[2] == "work":
    _base.parse_molecules = die
else:
    Path.replace = die
cached.transform(["C", "CC"])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
@pytest.mark.parametrize("when", ["work", "write"])
def test_a_killed_process_leaves_no_harm(when, tmp_path, worked_on):
    assert Forked(KILLED, tmp_path, when).wait().returncode == -signal.SIGKILL
    assert len(list(tmp_path.rglob("*.part"))) == (when == "write")
    rows = MorganFingerprinter(fp_size=64, memory=tmp_path).transform(["C", "CCO", "CC"])
    assert worked_on == ["C", "CC"]
    assert bits(rows) == bits(MorganFingerprinter(fp_size=64).transform(["C", "CCO", "CC"]))
    assert list(tmp_path.rglob("*.part")) == []


def test_others_may_read_the_files_as_any_other(tmp_path):
    (tmp_path / "other").touch()
    MorganFingerprinter(memory=tmp_path).transform(["C"])
    [file] = kept_files(tmp_path)
    assert file.stat().st_mode == (tmp_path / "other").stat().st_mode


# Size


def test_the_oldest_go_first(tmp_path, nci_smiles, worked_on):
    parts = [nci_smiles[i : i + 50] for i in (0, 50, 100)]
    MorganFingerprinter(memory=tmp_path / "measure").transform(parts[0])
    cache = FeatureCache(tmp_path, bytes_limit=int(2.5 * FeatureCache(tmp_path / "measure").nbytes))
    cached = [MorganFingerprinter(radius, memory=cache) for radius in (1, 2, 2)]
    for featurizer, part in zip(cached, parts, strict=True):
        plain = MorganFingerprinter(featurizer.radius)
        assert bits(featurizer.transform(part)) == bits(plain.transform(part))
        assert 0 < cache.nbytes <= cache.bytes_limit
    worked_on.clear()
    cached[2].transform(parts[2])
    assert worked_on == []
    cached[0].transform(parts[0])
    assert worked_on == parts[0]


def test_a_limit_below_one_batch(featurizer, tmp_path, smiles):
    cache = FeatureCache(tmp_path, bytes_limit=1)
    plain = clone(featurizer).set_params(on_invalid="nan")
    for _ in range(2):
        assert outcome(with_memory(plain, cache), smiles) == outcome(plain, smiles)
    assert cache.nbytes == 0


def test_clear(tmp_path, worked_on):
    cache = FeatureCache(tmp_path)
    assert cache.nbytes == 0
    cached = MorganFingerprinter(memory=cache)
    cached.transform(["C"])
    assert cache.nbytes == sum(os.path.getsize(path) for path in kept_files(tmp_path)) > 0
    cache.clear()
    assert cache.nbytes == 0
    cached.transform(["C"])
    assert worked_on == ["C", "C"]


# Inside other things


def test_set_params_takes_effect(tmp_path, worked_on):
    featurizer = MorganFingerprinter(memory=tmp_path)
    featurizer.transform(["C"])
    featurizer.set_params(memory=None).transform(["C"])
    assert worked_on == ["C", "C"]


def test_columns_of_a_frame(tmp_path, worked_on):
    table = pd.DataFrame({"dose": [1.0, 2.0], "drug": ["CCO", "C"], "salt": ["Cl", "C"]})
    columns = ColumnTransformer(
        [
            ("drug", MorganFingerprinter(fp_size=64, memory=tmp_path), "drug"),
            ("salt", MorganFingerprinter(fp_size=64, memory=tmp_path), ["salt"]),
            ("dose", "passthrough", ["dose"]),
        ]
    )
    first = columns.fit_transform(table)
    assert worked_on == ["CCO", "C", "Cl"]
    np.testing.assert_array_equal(clone(columns).fit_transform(table), first)
    assert len(worked_on) == 3


def test_molecule_features_with_a_memory_of_their_own(tmp_path, worked_on):
    descriptors = RDKitDescriptors(["TPSA", "MolWt"], memory=tmp_path)
    cached = MolGraphizer(molecule_features=descriptors, memory=tmp_path, on_invalid="nan")
    plain = MolGraphizer(molecule_features=RDKitDescriptors(["TPSA", "MolWt"]), on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning):
        expected = plain.fit_transform(MIXED[:3])
    worked_on.clear()
    for _ in range(2):
        with pytest.warns(InvalidMoleculeWarning):
            assert cached.fit_transform(MIXED[:3]) == expected
        with pytest.warns(InvalidMoleculeWarning):
            assert cached.fit(["CCO"]).transform(MIXED[:3]) == expected
    assert Counter(worked_on) == {"CCO": 2, "C(": 1}  # CCO by each of the two


@pytest.mark.parametrize("make", MEMORIES.values(), ids=MEMORIES)
def test_a_saved_model_has_no_folder_of_this_machine(make, featurizer, tmp_path):
    fitted = with_memory(featurizer, make(tmp_path)).fit(["CCO", "C"])
    skchem_dl.save(make_pipeline(fitted), tmp_path / "model")
    assert os.fsencode(tmp_path) not in (tmp_path / "model").read_bytes()
    loaded = skchem_dl.load(tmp_path / "model")[0]
    assert loaded.memory is None
    assert bits(loaded.transform(["C"])) == bits(fitted.transform(["C"]))


def test_models_saved_before_there_was_a_memory(tmp_path):
    older = MorganFingerprinter(fp_size=64)
    state = {name: value for name, value in vars(older).items() if name != "memory"}
    copy = MorganFingerprinter.__new__(MorganFingerprinter)
    copy.__setstate_from_file__(state)
    assert copy.get_params() == older.get_params()


def test_a_folder_that_may_only_be_read(featurizer, tmp_path, monkeypatch):
    def refuse(shelf):
        raise PermissionError(13, "Permission denied", "lock")

    expected = bits(clone(featurizer).fit_transform(["CCO", "C"]))
    cached = with_memory(featurizer, tmp_path)
    cached.fit_transform(["CCO"])
    files = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(_cache.Shelf, "lock", refuse)
    with pytest.warns(UserWarning, match="New molecules are not kept in .*Permission denied"):
        assert bits(cached.transform(["CCO", "C"])) == expected
    assert sorted(tmp_path.rglob("*")) == files
