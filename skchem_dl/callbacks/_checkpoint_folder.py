"""What a fit that was killed leaves behind, so that the same call can go on."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

import torch
from filelock import BaseFileLock, FileLock, Timeout

from skchem_dl._files import release_and_remove, replace_file
from skchem_dl._warnings import warn_caller

_KEPT = 2  # the newest, and the one before in case that is damaged
_DIGEST_BYTES = 32
_DESCRIPTION_FILE = "run.json"


class CheckpointFolder:
    """The checkpoints of one fit.

    Parameters
    ----------
    path : Path
    facts : dict
        What was drawn when the fit began: its seed, and where it is logged.
    """

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        self.path = path
        self.facts = facts

    def write(self, member: int, epoch: int, state: Mapping[str, Any]) -> None:
        """Add a checkpoint, whole or not at all, and remove all but the one before it.

        Parameters
        ----------
        member : int
            Which network of an ensemble.
        epoch : int
            Epochs trained.
        state : mapping
            Tensors, numbers, text, and lists and dicts of them.
        """
        buffer = io.BytesIO()
        buffer.write(bytes(_DIGEST_BYTES))
        torch.save(dict(state), buffer)
        content = buffer.getbuffer()
        content[:_DIGEST_BYTES] = _digest(content[_DIGEST_BYTES:])
        replace_file(self.path / f"member-{member}-epoch-{epoch:06d}.ckpt", content)
        for old in self._files(member)[:-_KEPT]:
            old.unlink()

    def read(self, member: int) -> dict[str, Any] | None:
        """Give the newest checkpoint that is whole, with a warning if that is not the newest.

        Parameters
        ----------
        member : int

        Returns
        -------
        dict or None
            None if there is none.
        """
        damaged: list[Path] = []
        for path in reversed(self._files(member)):
            content = path.read_bytes()
            if _digest(memoryview(content)[_DIGEST_BYTES:]) == content[:_DIGEST_BYTES]:
                state = _load(content[_DIGEST_BYTES:])
                self._warn(damaged, f"going back to {path.name}")
                return state
            damaged.append(path)
        self._warn(damaged, "starting from the first epoch")
        return None

    def keep(self, facts: Mapping[str, Any]) -> None:
        """Note facts for those who resume the fit.

        Parameters
        ----------
        facts : mapping
        """
        self.facts = {**self.facts, **facts}
        identity = _read_description(self.path)["identity"]
        _write_description(self.path, identity, self.facts)

    def remove(self) -> None:
        """Delete it all."""
        shutil.rmtree(self.path)

    def _files(self, member: int) -> list[Path]:
        return sorted(self.path.glob(f"member-{member}-epoch-*.ckpt"))

    def _warn(self, damaged: list[Path], what_now: str) -> None:
        if damaged:
            names = ", ".join(path.name for path in damaged)
            warn_caller(f"In {self.path}, {names} is damaged or was cut short; {what_now}.")
            for path in damaged:
                path.unlink()


@contextmanager
def open_folder(
    parent: Path, identity: Mapping[str, Any], facts: Mapping[str, Any]
) -> Iterator[CheckpointFolder]:
    """Open the folder of this fit, as it was left or new, for nobody else to use meanwhile.

    Parameters
    ----------
    parent : Path
        Where the folders of all fits are.
    identity : mapping
        Parameters, data and versions: what makes two fits the same.
    facts : mapping
        What has been drawn for this fit; where an earlier one left a folder, its own count.

    Yields
    ------
    CheckpointFolder
    """
    name = _digest(json.dumps(identity, sort_keys=True).encode()).hex()[:16]
    parent.mkdir(parents=True, exist_ok=True)
    # The same fit may run twice at once; what either left is found before a new one is made.
    left = sorted(file.parent for file in parent.glob(f"{name}*/{_DESCRIPTION_FILE}"))
    new = (parent / (f"{name}-{number}" if number else name) for number in count())
    path, lock = next((p, lock) for p in chain(left, new) if (lock := _try_lock(p)) is not None)
    with _held(lock, path):
        path.mkdir(exist_ok=True)
        for part in path.glob("*.part"):
            part.unlink()
        try:
            known = _read_description(path)
        except FileNotFoundError:
            known = None
        except ValueError as error:
            warn_caller(f"{error}; starting anew.")
            known = None
        if known is None:
            for old in path.glob("*.ckpt"):  # of whom, nobody can say any more
                old.unlink()
            known = _write_description(path, identity, facts)
        yield CheckpointFolder(path, known["facts"])


@contextmanager
def resume_folder(path: Path, identity: Mapping[str, Any]) -> Iterator[CheckpointFolder]:
    """Open the folder that the user names, if it is of the same fit.

    Parameters
    ----------
    path : Path
    identity : mapping

    Yields
    ------
    CheckpointFolder

    Raises
    ------
    ValueError
        If there is nothing to resume, if the fit is another one (naming the differences), or if it
        is running.
    """
    try:
        known = _read_description(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        found = sorted(file.parent.name for file in path.glob(f"*/{_DESCRIPTION_FILE}"))
        raise ValueError(
            f"resume_from={str(path)!r} is not the folder of a fit that was interrupted"
            + (f"; in it are those of {', '.join(found)}." if found else ".")
        ) from error
    differences = list(_differences(known["identity"], identity))
    if differences:
        raise ValueError(
            f"resume_from={str(path)!r} is of another fit: {'; '.join(differences)}. Make them the "
            "same, or leave resume_from out to start anew."
        )
    lock = _try_lock(path)
    if lock is None:
        raise ValueError(f"resume_from={str(path)!r} is in use by another fit.")
    with _held(lock, path):
        yield CheckpointFolder(path, known["facts"])


def _try_lock(path: Path) -> BaseFileLock | None:
    """Keep others out; the system frees the lock when a process is killed."""
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


@contextmanager
def _held(lock: BaseFileLock, path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        if path.exists():
            lock.release()
        else:  # the fit is finished
            release_and_remove(lock)


def _write_description(
    path: Path, identity: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Write which fit it is, for people too, with a digest that tells whether it is whole."""
    known = {"identity": dict(identity), "facts": dict(facts)}
    text = json.dumps({**known, "digest": _json_digest(known)}, indent=2)
    replace_file(path / _DESCRIPTION_FILE, text.encode())
    return known


def _read_description(path: Path) -> dict[str, Any]:
    file = path / _DESCRIPTION_FILE
    try:
        known = json.loads(file.read_bytes().decode())
        digest = known.pop("digest")
    except (UnicodeDecodeError, json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is damaged") from error
    if digest != _json_digest(known):
        raise ValueError(f"{file} is damaged")
    return known


def _json_digest(values: Mapping[str, Any]) -> str:
    return _digest(json.dumps(values, sort_keys=True).encode()).hex()


def _differences(known: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    for section in dict.fromkeys([*known, *given]):
        one, other = known.get(section, {}), given.get(section, {})
        for name in dict.fromkeys([*one, *other]):
            if one.get(name) == other.get(name):
                continue
            if section == "data":
                yield f"{name} differs"
            else:
                yield f"{name} was {one.get(name)} and is now {other.get(name)}"


def _load(content: bytes) -> dict[str, Any]:
    # On the CPU: what takes it knows where its tensors belong.
    return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")


def _digest(content: Any) -> bytes:
    return hashlib.sha256(content).digest()
