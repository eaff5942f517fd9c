"""Folders of runs, what they are called, and what tells one fit from another."""

import csv
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from skorch.callbacks import EpochScoring

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.callbacks import TensorBoardLogger
from skchem_dl.callbacks._run import describe_params, digest_arrays, identify_params, plain, short
from skchem_dl.callbacks._run_folder import (
    append_row,
    make_run_folder,
    run_name,
    write_json,
    write_table,
)

# Folders

MAKE_TWENTY = """
import sys
from concurrent.futures import ThreadPoolExecutor
from skchem_dl.callbacks._run_folder import make_run_folder

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    for path in pool.map(lambda _: make_run_folder(sys.argv[1], "same"), range(20)):
        print(path.name)
"""


def test_no_two_fits_share_a_folder(tmp_path):
    command = [sys.executable, "-c", MAKE_TWENTY, str(tmp_path / "new" / "runs")]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **options) as one, subprocess.Popen(command, **options) as other:
        for process in (one, other):
            assert process.stdout.readline() == "ready\n"
        for process in (one, other):  # both at once
            process.stdin.write("go\n")
            process.stdin.flush()
        names = [name for process in (one, other) for name in process.communicate()[0].split()]
    assert sorted(names) == sorted(f"same-{number}" for number in range(40))
    assert sorted(names) == sorted(path.name for path in (tmp_path / "new" / "runs").iterdir())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MolGNNRegressor,conv=gcn,lr=0.003", "MolGNNRegressor,conv=gcn,lr=0.003-0"),
        ("first try", "first_try-0"),
        ("a/b\\c:d*e?f\"g<h>i|j'k", "a_b_c_d_e_f_g_h_i_j_k-0"),
        ("../../etc/passwd", "etc_passwd-0"),
        ("hidden_dims=(4, 2)", "hidden_dims=_4,_2-0"),
        ("line\nbreak\ttab\0nul", "line_break_tab_nul-0"),
        ("café Löslichkeit 水溶性", "café_Löslichkeit_水溶性-0"),
        ("", "run-0"),
        ("...", "run-0"),
        ("/", "run-0"),
    ],
)
def test_names_that_need_cleaning(tmp_path, name, expected):
    folder = make_run_folder(tmp_path, name)
    assert folder == tmp_path / expected
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("letter", ["a", "é", "水", "𠮷"])
def test_very_long_names(tmp_path, letter):
    # File systems count bytes, 255 at most, and a letter may have four.
    folders = [make_run_folder(tmp_path, 1_000 * letter + ending) for ending in "xy"]
    assert len(set(folders)) == 2
    assert all(folder.is_dir() and folder.name.startswith(20 * letter) for folder in folders)


@given(st.text(max_size=300))
@example("\ud800")  # half a surrogate pair cannot be written as UTF-8
@example("CON")
def test_any_text_names_a_folder(name):
    with TemporaryDirectory() as parent:
        folders = [make_run_folder(parent, name) for _ in range(2)]
        assert sorted(folders) == sorted(Path(parent).iterdir())
        assert len(set(folders)) == 2


def test_log_dir_may_be_text_or_a_path_and_is_made(tmp_path):
    for log_dir in (tmp_path / "a" / "b", str(tmp_path / "a" / "b")):
        assert make_run_folder(log_dir, "run").parent == tmp_path / "a" / "b"


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(FileExistsError, match="runs"):
        make_run_folder(tmp_path / "runs", "run")


# Names


def test_run_name():
    assert run_name("MolGNNRegressor", {}) == "MolGNNRegressor"
    changed = {"conv": "gcn", "lr": 0.003, "head_dims": "(64, 32)"}
    assert run_name("MolGNNRegressor", changed) == (
        "MolGNNRegressor,conv=gcn,lr=0.003,head_dims=(64, 32)"
    )


def test_long_names_are_cut_between_items():
    changed = {f"parameter_{number}": 10 * str(number) for number in range(5)}
    # "Estimator" and three items of 23 characters with their commas are 81, four would be 105.
    assert run_name("Estimator", changed) == (
        "Estimator,parameter_0=0000000000,parameter_1=1111111111,parameter_2=2222222222,+2"
    )


def test_an_item_too_long_for_any_name():
    assert run_name("Estimator", {"optimizer": 200 * "x", "lr": 0.1}) == "Estimator,+2"
    assert run_name(100 * "E", {"lr": 0.1}) == 100 * "E" + ",+1"


@given(
    st.text("Estimator", min_size=1, max_size=30),
    st.dictionaries(st.text("abc", min_size=1, max_size=40), st.integers(), max_size=12),
)
def test_names_have_whole_items_and_count_the_others(estimator, changed):
    shown = run_name(estimator, changed).split(",")
    more = int(shown.pop()[1:]) if shown[-1].startswith("+") else 0
    items = [f"{name}={value}" for name, value in changed.items()]
    assert shown == [estimator, *items[: len(items) - more]]
    assert len(",".join(shown)) <= 90


# Tables


def read_table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_have_the_columns_of_all_rows(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, [{"a": 1, "b": 0.1}, {"b": 1e-300, "c": 'x, "y"\nz'}])
    append_row(path, [2, np.float64(0.3), "é"])
    assert read_table(path) == [
        {"a": "1", "b": "0.1", "c": ""},
        {"a": "", "b": "1e-300", "c": 'x, "y"\nz'},
        {"a": "2", "b": "0.3", "c": "é"},
    ]
    write_table(path, iter([{"d": None}]))  # what was there before is gone
    assert read_table(path) == [{"d": ""}]


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=3))
def test_numbers_come_back_from_a_table_to_the_bit(values):
    with TemporaryDirectory() as parent:
        path = Path(parent) / "table.csv"
        names = [f"column {number}" for number in range(len(values))]
        write_table(path, [dict(zip(names, values, strict=True))])
        append_row(path, values)
        expected = dict(zip(names, values, strict=True))
        assert [
            {name: float(value) for name, value in row.items()} for row in read_table(path)
        ] == 2 * [expected]


def test_json_is_written_for_people(tmp_path):
    write_json(tmp_path / "params.json", {"lr": 0.1, "conv": "gcn", "groups": None})
    text = (tmp_path / "params.json").read_text()
    assert text == '{\n  "lr": 0.1,\n  "conv": "gcn",\n  "groups": null\n}\n'


# Parameters for people


def half(progress):
    return progress / 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.1, 0.1),
        ("adam", "adam"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("gcn"), "gcn"),
        ((64, 32), "(64, 32)"),
        (Path("runs"), "runs"),
        ({"a": 1}, "{'a': 1}"),
        (torch.optim.NAdam, "NAdam"),
        (half, "half"),
        (np.random.RandomState, "RandomState"),
        (FingerprintMLPRegressor(lr=0.1), "FingerprintMLPRegressor(lr=0.1)"),
    ],
)
def test_short(value, expected):
    found = short(value)
    assert (type(found), found) == (type(expected), expected)
    assert json.loads(json.dumps(found)) == expected


def test_short_is_short():
    assert len(short(list(range(1_000)))) <= 200
    assert "\n" not in short(np.arange(1_000.0).reshape(10, 100))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, 0.1),
        ((64, np.int64(32)), (64, 32)),
        ([3, (5, 7)], [3, (5, 7)]),
        ([Path("runs"), half], ["runs", "half"]),
        (list(range(1_000)), list(range(1_000))),
    ],
)
def test_plain_keeps_lists(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value))


def test_describe_params():
    model = FingerprintMLPRegressor(
        (8,), lr=0.1, optimizer=torch.optim.NAdam, log_dir="runs", verbose=1, max_epochs=50
    )
    shown, changed = describe_params(model)
    assert sorted(shown) == sorted(model.get_params())
    assert next(iter(shown)) == "hidden_dims"  # as in the signature: what matters comes first
    assert shown["hidden_dims"] == (8,)
    assert shown["log_dir"] == "runs"
    # max_epochs has its default value, log_dir and verbose don't steer the training.
    assert changed == {"hidden_dims": "(8,)", "lr": 0.1, "optimizer": "NAdam"}
    assert json.loads(json.dumps(shown)) == {**shown, "hidden_dims": [8]}


def test_defaults_given_in_another_way_are_not_changed():
    assert describe_params(FingerprintMLPRegressor(lr=np.float64(1e-3)))[1] == {}


class Plain:
    """Has the repr that Python gives it, with its address."""


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("lr_schedule", partial(half)),
        ("lr_schedule", Plain()),
        ("callbacks", [TensorBoardLogger()]),
        ("random_state", np.random.RandomState(0)),
    ],
    ids=["partial", "object", "callback", "RandomState"],
)
def test_no_addresses_in_what_is_shown_or_compared(parameter, value):
    model = FingerprintMLPRegressor(**{parameter: value})
    shown, changed = describe_params(model)
    assert " at 0x" not in json.dumps(identify_params(model, model.callbacks or []))
    assert " at 0x" not in json.dumps(shown)
    assert "0x" not in run_name("FingerprintMLPRegressor", changed)


# What makes two fits the same


def identity(callbacks=(), **params):
    return identify_params(FingerprintMLPRegressor(**params), callbacks)


def made(factor):
    return lambda progress: progress * factor


def with_default(progress, *, least=0.1):
    return max(progress, least)


def with_other_default(progress, *, least=0.2):
    return max(progress, least)


with_other_default.__qualname__ = with_default.__qualname__


class Schedule:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, progress):
        return progress * self.factor


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda p: p * 2, lambda p: p + 2),
        (lambda p: p * 2, lambda p: p * 3),
        (lambda p: p.real, lambda p: p.imag),
        (lambda p, k=2: p * k, lambda p, k=3: p * k),
        (with_default, with_other_default),
        (made(2), made(3)),
        (lambda p: (lambda q: q * 2)(p), lambda p: (lambda q: q * 3)(p)),
        (partial(pow, exp=2), partial(pow, exp=3)),
        (partial(lambda k, p: p * k, 2), partial(lambda k, p: p + k, 2)),
        (Schedule(2), Schedule(3)),
    ],
    ids=[
        "operation",
        "constant",
        "attribute",
        "default",
        "keyword default",
        "closure",
        "function inside",
        "argument of partial",
        "function of partial",
        "attribute of an object",
    ],
)
def test_functions_that_do_not_do_the_same_differ(one, other):
    assert identity(lr_schedule=one) != identity(lr_schedule=other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"lr": 0.1}, {"lr": 0.1000001}),
        ({"optimizer": "adam"}, {"optimizer": torch.optim.Adam}),
        ({"hidden_dims": (4, 2)}, {"hidden_dims": (42,)}),
        ({"callbacks": [EpochScoring("r2")]}, {"callbacks": [EpochScoring("r2", name="a")]}),
        ({"random_state": 1}, {"random_state": 2}),
    ],
)
def test_parameters_that_differ(one, other):
    assert identity(**one) != identity(**other)


def test_where_training_is_shown_and_kept_makes_no_difference():
    there = {"log_dir": "a", "checkpoint_dir": "b", "verbose": 1}
    assert identity() == identity(**there)


def test_a_generator_is_known_by_the_seed_drawn_from_it():
    used = np.random.RandomState(0)
    used.rand(5)
    assert identity(random_state=used) == identity(random_state=np.random.RandomState(1))


IDENTITIES = """
import json
import functools
import numpy as np
import torch
from skorch.callbacks import EpochScoring
from skchem_dl import FingerprintMLPClassifier
from skchem_dl.callbacks._run import describe_params, digest_arrays, identify_params

def half(progress):
    return progress / 2

class Plain:
    pass

params = {
    "plain": {"lr": 0.1, "hidden_dims": (4, 2), "random_state": 3},
    "class": {"optimizer": torch.optim.NAdam},
    "function": {"lr_schedule": half},
    "lambda": {"lr_schedule": lambda progress: (lambda rest: rest ** 2)(1 - progress)},
    "partial": {"lr_schedule": functools.partial(half)},
    "object": {"lr_schedule": Plain()},
    "set in a lambda": {"lr_schedule": lambda p: 1.0 if str(p) in {"a", "b", "c", "d"} else 0.5},
    "dict": {"class_weight": {name: 1.0 for name in "dbca"}},
    "set in a callback": {"callbacks": [EpochScoring(frozenset("abcdefgh"))]},
}
found = {}
for name, values in params.items():
    model = FingerprintMLPClassifier(**values)
    found[name] = [identify_params(model, model.callbacks or []), describe_params(model)]
arrays = [np.arange(6.0).reshape(2, 3), np.array(["a", None, "é", 1.5], dtype=object)]
found["arrays"] = digest_arrays(arrays)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def identities():
    """What two processes find that put strings into sets in another order."""
    command = [sys.executable, "-c", IDENTITIES]
    processes = [
        subprocess.Popen(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True
        )
        for seed in ("1", "2")
    ]
    return [json.loads(process.communicate()[0]) for process in processes]


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "class",
        "function",
        "lambda",
        "partial",
        "object",
        "set in a lambda",
        "dict",
        "set in a callback",
        "arrays",
    ],
)
def test_alike_in_every_process(identities, name):
    one, other = (found[name] for found in identities)
    if name == "arrays":
        assert one == other
        assert len(one) == 16
        return
    assert one[0] == other[0]  # what is compared; what is shown has a test of its own


# Data

ARRAYS = {
    "float32": np.arange(6, dtype=np.float32),
    "float64": np.arange(6, dtype=np.float64),
    "int64": np.arange(6),
    "rows": np.arange(6).reshape(2, 3),
    "columns": np.arange(6).reshape(3, 2),
    "other values": np.arange(1, 7),
    "big endian": np.arange(6, dtype=">i8"),
    "bytes alike": np.arange(6).view(np.float64),
    "none": np.empty(0),
    "no rows": np.empty((0, 3)),
    "no columns": np.empty((3, 0)),
    "one number": np.array(1.0),
    "bool": np.array([True, False]),
    "text": np.array(["C", "CC"]),
    "objects": np.array(["C", None], dtype=object),
    "objects of text": np.array(["C", "None"], dtype=object),
}


def test_arrays_of_other_types_shapes_or_values_differ():
    digests = {name: digest_arrays([array]) for name, array in ARRAYS.items()}
    assert len(set(digests.values())) == len(ARRAYS)


def test_how_an_array_lies_in_memory_makes_no_difference():
    array = np.arange(24.0).reshape(4, 6)
    expected = digest_arrays([array])
    read_only = array.copy()
    read_only.flags.writeable = False
    for same in (np.asfortranarray(array), np.repeat(array, 2, axis=1)[:, ::2], read_only):
        assert digest_arrays([same]) == expected
    assert digest_arrays([array.T]) != expected


def test_what_arrays_are_put_together_from_counts():
    a, b = np.arange(3.0), np.arange(4.0)
    different = [[a, b], [b, a], [np.concatenate([a, b])], [a], [a, b, np.empty(0)], []]
    assert len({digest_arrays(arrays) for arrays in different}) == len(different)
    assert digest_arrays(iter([a, b])) == digest_arrays([a, b])


def test_nan_is_equal_to_itself_and_zeros_have_signs():
    assert digest_arrays([np.array([np.nan])]) == digest_arrays([np.array([np.nan])])
    assert digest_arrays([np.array([0.0])]) != digest_arrays([np.array([-0.0])])


def test_classifiers_have_other_parameters():
    model = FingerprintMLPClassifier(class_weight="balanced")
    assert identify_params(model, [])["class_weight"] == "'balanced'"
    assert describe_params(model)[1] == {"class_weight": "balanced"}
