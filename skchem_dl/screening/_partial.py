"""The part of a file that is written already, and what is known about it after an interruption."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from skchem_dl._files import release_and_remove, replace_file

_FORMAT = 1


@dataclass(frozen=True)
class Progress:
    """How far a file has come; what was written beyond that counts as not written.

    Parameters
    ----------
    n_bytes, n_rows, n_invalid : int
        Written so far.
    sample : dict
        Some of the predictions, to tell the model from another.
    """

    n_bytes: int = 0
    n_rows: int = 0
    n_invalid: int = 0
    sample: dict[str, Any] = field(default_factory=dict)


class PartialFile:
    """A file under a name of its own until it is whole.

    Next to it is a journal. It is replaced after each piece, which is on the disk by then, so that
    at any moment one of the two says how much of the other is good.

    Parameters
    ----------
    path : Path
        The name that the file will have.
    identity : mapping
        What makes two runs the same, as JSON.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path.with_name(f"{path.name}.part")
        self.progress = Progress()
        self._whole_path, self._identity = path, dict(identity)
        self._journal = path.with_name(f"{path.name}.part.json")
        self._file: BinaryIO | None = None
        self._began = False

    def resume(self) -> None:
        """Go on where an earlier run was interrupted, if there was one.

        Raises
        ------
        ValueError
            If that run was another one (the message names the differences), or is damaged.
        """
        if not (self.path.exists() and self._journal.exists()):
            return
        advice = f"To start anew, delete {self.path.name} or set resume=False."
        try:
            known = json.loads(self._journal.read_text(encoding="utf-8"))
            progress = Progress(**known["progress"])
            identity = known["identity"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self._journal} is damaged: {error!r}. {advice}") from error
        if not progress.n_rows:
            return  # nothing would be lost
        differences = [
            f"{name} was {identity.get(name)!r} and is now {self._identity.get(name)!r}"
            for name in {**identity, **self._identity}
            if identity.get(name) != self._identity.get(name)
        ]
        if differences:
            raise ValueError(
                f"{self.path} is of a run that was interrupted, but not of this one: "
                f"{'; '.join(differences)}. {advice}"
            )
        if self.path.stat().st_size < progress.n_bytes:
            raise ValueError(
                f"{self.path} is damaged: of {progress.n_bytes} bytes there are "
                f"{self.path.stat().st_size}. {advice}"
            )
        self.progress = progress

    def append(self, content: bytes, n_rows: int, n_invalid: int, sample: dict[str, Any]) -> None:
        """Write the next piece.

        Parameters
        ----------
        content : bytes
        n_rows, n_invalid : int
            How many rows they are, and how many of those are invalid.
        sample : dict
            Replaces that of the piece before, if it is not empty.
        """
        if self._file is None:
            self._file = self._open()
        self._file.write(content)
        self._file.flush()
        os.fsync(self._file.fileno())
        before = self.progress
        self.progress = replace(
            before,
            n_bytes=before.n_bytes + len(content),
            n_rows=before.n_rows + n_rows,
            n_invalid=before.n_invalid + n_invalid,
            sample=sample or before.sample,
        )
        self._write_journal()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def take_name(self, finished: Path) -> None:
        """Return the finished file its name, and remove the rest.

        Parameters
        ----------
        finished : Path
            The partial file, or one that was made of it.

        Raises
        ------
        FileExistsError
            If another has come to bear that name meanwhile.
        """
        refuse_existing(self._whole_path)
        finished.replace(self._whole_path)
        self._remove()

    def discard_if_empty(self) -> None:
        """Leave nothing behind if a run ended before it had predicted anything."""
        if self._began and not self.progress.n_rows:
            self._remove()

    def _open(self) -> BinaryIO:
        self._began = True
        if not self.progress.n_bytes:
            self._journal.unlink(missing_ok=True)  # of a run that is thrown away
            return self.path.open("wb")
        file = self.path.open("r+b")
        file.truncate(self.progress.n_bytes)
        file.seek(self.progress.n_bytes)
        return file

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def _write_journal(self) -> None:
        known = {"identity": self._identity, "progress": asdict(self.progress)}
        replace_file(self._journal, json.dumps(known).encode())


@contextmanager
def open_partial(path: Path, identity: Mapping[str, Any], *, resume: bool) -> Iterator[PartialFile]:
    """Open the partial file of `path`, for nobody else to use meanwhile.

    Parameters
    ----------
    path : Path
    identity : mapping
    resume : bool
        Whether to go on with what an interrupted run has left.

    Yields
    ------
    PartialFile

    Raises
    ------
    ValueError
        If it cannot be resumed, or if another process writes it.
    """
    lock = FileLock(f"{path}.part.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(f"{path} is being written by another process.") from error
    partial = PartialFile(path, {"format": _FORMAT, **identity})
    try:
        if resume:
            partial.resume()
        yield partial
    finally:
        partial.close()
        partial.discard_if_empty()
        release_and_remove(lock)


def refuse_existing(path: Path) -> None:
    """Raise a FileExistsError if there is such a file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FileNotFoundError
        If there is no folder to write it in.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} in.")
    if path.exists():
        raise FileExistsError(
            f"{path} is there already, and is not overwritten. Delete it, or choose another name."
        )
