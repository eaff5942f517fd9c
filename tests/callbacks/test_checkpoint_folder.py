"""The folder in which a fit keeps its checkpoints: nothing half written, nothing shared."""

import json
import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from processes import Forked

from skchem_dl.callbacks._checkpoint_folder import open_folder, resume_folder

IDENTITY = {
    "kind": {"estimator": "Net"},
    "params": {"lr": "0.1", "dropout": "0.0"},
    "data": {"X": "aaaa", "y": "bbbb"},
    "versions": {"torch": "2"},
}
FACTS = {"seed": 7, "log": None}


def state(epoch):
    return {"epoch": epoch, "weight": torch.arange(3.0) + epoch, "rows": [{"loss": 0.1 * epoch}]}


def changed(section, **values):
    return {**IDENTITY, section: {**IDENTITY[section], **values}}


def files(folder, pattern="*"):
    return sorted(path.name for path in folder.path.glob(pattern))


@pytest.fixture
def folder(tmp_path):
    with open_folder(tmp_path, IDENTITY, FACTS) as opened:
        yield opened


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two checkpoints as one fit left them, to be damaged in copies."""
    with open_folder(tmp_path_factory.mktemp("fits"), IDENTITY, FACTS) as opened:
        for epoch in (1, 2):
            opened.write(0, epoch, state(epoch))
    return opened.path


@pytest.fixture
def copied(written, tmp_path):
    """Give a fresh copy of them each time, with the files from the oldest to the newest."""

    def copy():
        path = tmp_path / written.name
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(written, path)
        return sorted(path.glob("*.ckpt"))

    return copy


def reopen(parent):
    return open_folder(parent, IDENTITY, FACTS)


# What is written is read


def test_round_trip(folder):
    assert folder.read(0) is None
    folder.write(0, 1, state(1))
    found = folder.read(0)
    assert torch.equal(found.pop("weight"), torch.tensor([1.0, 2.0, 3.0]))
    assert found == {"epoch": 1, "rows": [{"loss": 0.1}]}


def test_bits_come_back(folder):
    numbers = torch.tensor([0.1, -0.0, float("nan"), float("inf"), 1e-45])
    folder.write(0, 1, {"numbers": numbers, "loss": 0.1 + 0.2, "nothing": None})
    found = folder.read(0)
    assert torch.equal(found["numbers"].view(torch.int32), numbers.view(torch.int32))
    assert found["loss"].hex() == (0.1 + 0.2).hex()
    assert found["nothing"] is None


def test_two_are_kept(folder):
    for epoch in range(1, 6):
        folder.write(0, epoch, state(epoch))
    assert files(folder, "*.ckpt") == ["member-0-epoch-000004.ckpt", "member-0-epoch-000005.ckpt"]
    assert folder.read(0)["epoch"] == 5
    assert files(folder, "*.part") == []


def test_members_are_kept_apart(folder):
    for member in (0, 1, 10):
        folder.write(member, 3, state(100 + member))
    assert [folder.read(member)["epoch"] for member in (0, 1, 10)] == [100, 101, 110]
    assert folder.read(2) is None


def test_the_numbers_of_epochs_are_not_ordered_as_text(folder):
    for epoch in (9, 10, 99, 100, 1000):
        folder.write(0, epoch, state(epoch))
    assert folder.read(0)["epoch"] == 1000


def test_facts_are_those_of_the_first(tmp_path):
    with reopen(tmp_path) as first:
        first.keep({"log": "runs/a"})
    with open_folder(tmp_path, IDENTITY, {"seed": 8, "log": None}) as second:
        assert second.path == first.path
        assert second.facts == first.facts == {"seed": 7, "log": "runs/a"}
    assert json.loads((first.path / "run.json").read_text())["identity"] == IDENTITY


def test_removed_without_a_trace(tmp_path):
    with reopen(tmp_path) as folder:
        folder.write(0, 1, state(1))
        folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_folder(tmp_path):
    with pytest.raises(RuntimeError, match="power"), reopen(tmp_path) as folder:
        folder.write(0, 1, state(1))
        raise RuntimeError("power")
    with reopen(tmp_path) as again:
        assert again.read(0)["epoch"] == 1


@pytest.mark.parametrize(
    "other",
    [
        changed("params", lr="0.2"),
        changed("params", n_layers="2"),
        changed("data", y="cccc"),
        changed("versions", torch="3"),
        changed("kind", estimator="Other"),
    ],
)
def test_another_fit_has_another_folder(folder, other):
    with open_folder(folder.path.parent, other, FACTS) as another:
        assert another.path.name[:16] != folder.path.name[:16]


def test_the_order_of_parameters_is_no_difference(tmp_path):
    turned = {section: dict(reversed(v.items())) for section, v in reversed(IDENTITY.items())}
    with reopen(tmp_path) as one:
        pass
    with open_folder(tmp_path, turned, FACTS) as other:
        assert one.path == other.path


# Damage


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 0xFF
    path.write_bytes(content)


def assert_falls_back(parent, newest):
    with reopen(parent) as folder:
        with pytest.warns(UserWarning, match=rf"{newest.name} is damaged.*going back to .*-000001"):
            found = folder.read(0)
        assert found["epoch"] == 1
        assert folder.read(0)["epoch"] == 1  # now without a warning
        assert not newest.exists()


@given(position=st.integers(0, 10**6))
def test_any_flipped_byte_is_noticed(written, tmp_path_factory, position):
    parent = tmp_path_factory.mktemp("copy")
    shutil.copytree(written, parent / written.name)
    newest = max((parent / written.name).glob("*.ckpt"))
    flip(newest, position)
    assert_falls_back(parent, newest)
    shutil.rmtree(parent)


@pytest.mark.parametrize("kept", [0, 1, 31, 32, 33, 0.5, -1])
def test_cut_short(copied, kept):
    _, newest = copied()
    content = newest.read_bytes()
    newest.write_bytes(content[: int(kept * len(content)) if kept == 0.5 else kept])
    assert_falls_back(newest.parents[1], newest)


def test_longer_than_it_was(copied):
    _, newest = copied()
    newest.write_bytes(newest.read_bytes() + b"\0")
    assert_falls_back(newest.parents[1], newest)


def test_damage_to_the_older_one_is_not_looked_for(copied):
    older, newest = copied()
    flip(older, 100)
    with reopen(newest.parents[1]) as folder:
        assert folder.read(0)["epoch"] == 2


def test_both_damaged(copied):
    older, newest = copied()
    flip(older, 0)
    newest.write_bytes(b"")
    with reopen(newest.parents[1]) as folder:
        message = rf"{newest.name}, {older.name} is damaged.*starting from the first epoch"
        with pytest.warns(UserWarning, match=message):
            assert folder.read(0) is None
        assert folder.read(0) is None
        assert files(folder) == ["run.json"]


def test_files_that_were_never_finished(copied):
    _, newest = copied()
    for name in ("member-0-epoch-000003.part", "run.part"):
        (newest.parent / name).write_bytes(b"half")
    with reopen(newest.parents[1]) as folder:
        assert files(folder, "*.part") == []
        assert folder.read(0)["epoch"] == 2
        folder.write(0, 3, state(3))
        assert folder.read(0)["epoch"] == 3


def test_a_write_that_fails_leaves_the_others(copied, monkeypatch):
    _, newest = copied()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with reopen(newest.parents[1]) as folder:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            folder.write(0, 3, state(3))
        assert folder.read(0)["epoch"] == 2
        assert len(files(folder, "*.ckpt")) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null", b"{}", b'{"identity": {}}'])
def test_damaged_description_starts_anew(copied, content):
    _, newest = copied()
    (newest.parent / "run.json").write_bytes(content)
    with ExitStack() as stack:
        with pytest.warns(UserWarning, match=r"run.json is damaged; starting anew"):
            folder = stack.enter_context(reopen(newest.parents[1]))
        assert folder.facts == FACTS
        assert files(folder) == ["run.json"]
        folder.write(0, 1, state(1))
    with reopen(newest.parents[1]) as folder:
        assert folder.read(0)["epoch"] == 1


def test_a_flipped_byte_in_the_description(copied):
    # Whatever it hits, the fit has its own seed and identity, or is begun anew with a warning.
    for position in range(len(copied()[1].with_name("run.json").read_bytes())):
        newest = copied()[1]
        flip(newest.with_name("run.json"), position)
        with (
            pytest.warns(UserWarning, match=r"run.json is damaged"),
            reopen(newest.parents[1]) as folder,
        ):
            assert folder.facts == FACTS
            assert folder.read(0) is None


def test_a_wrong_digit_in_the_description(copied):
    # It is still JSON: the seed would be that of another fit.
    newest = copied()[1]
    file = newest.with_name("run.json")
    file.write_text(file.read_text().replace('"seed": 7', '"seed": 5'))
    with pytest.warns(UserWarning, match=r"run.json is damaged"), reopen(newest.parents[1]) as f:
        assert f.facts == FACTS


def test_missing_description(copied):
    _, newest = copied()
    (newest.parent / "run.json").unlink()
    with reopen(newest.parents[1]) as folder:
        assert folder.read(0) is None
        assert files(folder) == ["run.json"]


# Two at once


def test_the_same_fit_twice_at_once(tmp_path):
    with reopen(tmp_path) as one, reopen(tmp_path) as other, reopen(tmp_path) as third:
        assert len({one.path, other.path, third.path}) == 3
        one.write(0, 1, state(1))
        assert other.read(0) is None
    with reopen(tmp_path) as again:
        assert again.path == one.path


def test_the_same_fit_in_many_threads(tmp_path):
    all_open = threading.Barrier(6)

    def run(number):
        with reopen(tmp_path) as folder:
            all_open.wait()
            folder.write(0, number + 1, state(number))
            all_open.wait()
            assert folder.read(0)["epoch"] == number
            folder.remove()
        return folder.path

    with ThreadPoolExecutor(6) as pool:
        paths = list(pool.map(run, range(6)))
    assert len(set(paths)) == 6
    assert list(tmp_path.iterdir()) == []


def test_threads_that_open_and_finish_all_the_time(tmp_path):
    # The lock's file is deleted while others look at it.
    holders, wrong = {}, []

    def run(number):
        for _ in range(40):
            with reopen(tmp_path) as folder:
                if holders.setdefault(folder.path, number) != number:
                    wrong.append(folder.path)
                folder.write(0, 1, state(number))
                if folder.read(0)["epoch"] != number:
                    wrong.append(folder.path)
                del holders[folder.path]
                folder.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert wrong == []
    assert list(tmp_path.iterdir()) == []


HOLD = """
import json, sys, time
from pathlib import Path
from skchem_dl.callbacks._checkpoint_folder import open_folder
with open_folder(Path(sys.argv[1]), json.loads(sys.argv[2]), {"seed": 1}) as folder:
    folder.write(0, 5, {"epoch": 5})
    print(folder.path)
    print("open", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder open."""
    with Forked(HOLD, tmp_path, json.dumps(IDENTITY)) as process:
        process.wait_for_line("open")
        process.path = process.printed()[0]
        yield process


def test_a_killed_process_gives_its_folder_back(tmp_path, holder):
    with reopen(tmp_path) as other:
        assert str(other.path) != holder.path
        assert other.read(0) is None
        other.remove()
    with (
        pytest.raises(ValueError, match="is in use by another fit"),
        resume_folder(tmp_path / holder.path, IDENTITY),
    ):
        pass
    holder.kill()
    assert holder.wait().returncode == -signal.SIGKILL
    with reopen(tmp_path) as again:
        assert str(again.path) == holder.path
        assert again.facts == {"seed": 1}
        assert again.read(0)["epoch"] == 5


def test_what_the_second_of_two_left_is_found(tmp_path):
    # Both run, the first is finished, the second is killed: the same call goes on with it.
    with ExitStack() as second_ends, reopen(tmp_path) as first:
        second = second_ends.enter_context(reopen(tmp_path))
        second.write(0, 4, state(4))
        first.remove()
    with reopen(tmp_path) as again:
        found = again.read(0)
    assert found is not None
    assert found["epoch"] == 4


# The folder that the user names


def resume(path, identity=IDENTITY):
    with resume_folder(path, identity) as folder:
        return folder.facts, folder.read(0)["epoch"]


def test_resume(copied):
    assert resume(copied()[1].parent) == (FACTS, 2)


@pytest.mark.parametrize("copies", [0, 1, 2])
def test_resume_from_the_folder_of_all_fits(copied, copies):
    path = copied()[1].parent
    if copies == 0:
        shutil.rmtree(path)
    if copies == 2:
        shutil.copytree(path, path.with_name("another"))
    names = sorted(child.name for child in path.parent.iterdir() if child.is_dir())
    end = rf"; in it are those of {', '.join(names)}\." if names else r"interrupted\."
    with pytest.raises(ValueError, match=rf"is not the folder of a fit that was.*{end}"):
        resume(path.parent)


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_resume_from_what_is_no_folder(tmp_path, kind):
    path = tmp_path / "model.pt"
    if kind == "file":
        path.write_bytes(b"weights")
    with pytest.raises(ValueError, match=r"model.pt' is not the folder of a fit that was interr"):
        resume(path)


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (changed("params", lr="0.2"), "of another fit: lr was 0.1 and is now 0.2. Make"),
        (changed("params", conv="gat"), "conv was None and is now gat"),
        (changed("data", X="zz"), "of another fit: X differs. Make"),
        (changed("data", groups="zz"), "groups differs"),
        (changed("versions", torch="3"), "torch was 2 and is now 3"),
        (changed("kind", estimator="Other"), "estimator was Net and is now Other"),
        (
            {**changed("params", lr="0.2", dropout="0.5"), "data": {}},
            "lr was 0.1 and is now 0.2; dropout was 0.0 and is now 0.5; X differs; y differs",
        ),
    ],
)
def test_resume_another_fit(copied, identity, message):
    with pytest.raises(ValueError, match=message):
        resume(copied()[1].parent, identity)
    assert resume(copied()[1].parent) == (FACTS, 2)  # the lock is free


def test_resume_what_is_in_use(folder):
    folder.write(0, 1, state(1))
    with pytest.raises(ValueError, match="is in use by another fit"):
        resume(folder.path)


def test_resume_falls_back_too(copied):
    newest = copied()[1]
    flip(newest, 1000)
    with pytest.warns(UserWarning, match="going back"):
        assert resume(newest.parent) == (FACTS, 1)
