"""A cache of featurised molecules in a folder, for any number of processes.

A file holds a batch of molecules and is never changed: it appears whole, is read without a lock,
and goes when it was merged with others, when there is no more room for it, or when it is damaged.
There is one folder for each featuriser, parameters and version. Who adds to it holds its lock, from
before the molecules are featurised, so that no other process does the same work meanwhile.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import rdkit
from filelock import FileLock
from rdkit.Chem import GetAllowNontetrahedralChirality, GetUseLegacyStereoPerception

from skchem_dl._warnings import warn_caller
from skchem_dl.exceptions import InvalidMolecule
from skchem_dl.features._cache_files import (
    KEY_BYTES,
    Batch,
    DamagedFileError,
    layout,
    read_batch,
    write_batch,
)
from skchem_dl.features._molecules import parse_molecules
from skchem_dl.features._reading import quiet_rdkit

FORMAT_VERSION = 2  # what is kept, and how molecules are read
# Written, and lost if the process is killed, at a time; and the most that one file grows to.
_BATCH_ROWS = 5_000
_FILES = "*-*-*.npz"  # time, a name that no other has, number of rows


@dataclass(frozen=True)
class FeatureCache:
    """A folder that keeps featurised molecules, with an upper size.

    For `memory=` of any featuriser; a path there stands for a cache without an upper size. Any
    number of processes may use it at once. Those that miss molecules of the same featuriser take
    turns, so that no work is done twice; to share such work out, set `n_jobs` of the featuriser.

    Kept are rows of SMILES, also why one is no molecule, apart for each class of featuriser, its
    parameters, and versions of RDKit and skchem_dl. A damaged file is deleted with a warning, and
    its molecules are featurised again.

    Parameters
    ----------
    location : str or path
        The folder; made when first written to. Everything is in its subfolder ``skchem_dl``.
    bytes_limit : int, default=None
        After each write, the oldest files are deleted until the others take no more than this. Less
        than one data set takes saves nothing.

    Raises
    ------
    TypeError
        If `location` is no path.
    ValueError
        If `bytes_limit` is not positive.

    See Also
    --------
    joblib.Memory : Caches whole function calls, as `sklearn.pipeline.Pipeline` does with `memory=`.

    Examples
    --------
    >>> import tempfile
    >>> from skchem_dl import MorganFingerprinter
    >>> from skchem_dl.features import FeatureCache
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = FeatureCache(folder, bytes_limit=10**9)
    ...     MorganFingerprinter(memory=cache).fit_transform(["CCO", "c1ccccc1O"]).shape
    (2, 2048)
    """

    location: str | os.PathLike
    bytes_limit: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.location, str | os.PathLike):
            raise TypeError(f"location must be a path, got {self.location!r}.")
        if self.bytes_limit is not None and not self.bytes_limit > 0:
            raise ValueError(f"bytes_limit must be positive or None, got {self.bytes_limit!r}.")

    @property
    def nbytes(self) -> int:
        """Bytes that its files take."""
        return sum(size for _, size, _ in self._files())

    def clear(self) -> None:
        """Delete everything in it; safe while others use it."""
        for _, _, path in self._files():
            _delete(path)

    def _make_room(self) -> None:
        if self.bytes_limit is None:
            return
        files = sorted(self._files())
        excess = sum(size for _, size, _ in files) - self.bytes_limit
        for _, size, path in files:
            if excess <= 0:
                return
            _delete(path)
            excess -= size

    def _folder(self) -> Path:
        return Path(self.location) / "skchem_dl"

    def _files(self) -> Iterable[tuple[int, int, Path]]:
        for path in self._folder().glob(f"*/{_FILES}"):
            with suppress(FileNotFoundError):  # another process was quicker
                status = path.stat()
                yield status.st_mtime_ns, status.st_size, path


class Shelf:
    """What a cache keeps of one featuriser with its parameters.

    Parameters
    ----------
    cache : FeatureCache
    folder : Path
        Where.
    identity : bytes
        Of the featuriser; goes into the keys of its molecules.
    like : rows of no molecule
        Of the type that the featuriser gives.
    """

    def __init__(self, cache: FeatureCache, folder: Path, identity: bytes, like: Any) -> None:
        self.folder = folder
        self._cache = cache
        self._hash = hashlib.blake2b(digest_size=KEY_BYTES, key=identity)
        self._like = like

    def key(self, text: str) -> bytes:
        """Give the name under which a SMILES is kept, which no other featuriser has for it."""
        hasher = self._hash.copy()
        hasher.update(text.encode(errors="surrogatepass"))
        return hasher.digest()

    def lock(self) -> FileLock:
        """Give the lock that every writer holds; it ends with its process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / "lock")

    def read(self, wanted: Iterable[bytes]) -> list[Batch]:
        """Find molecules.

        Parameters
        ----------
        wanted : iterable of bytes
            Keys.

        Returns
        -------
        list of Batch
            Those that were found, each of them once.
        """
        left, found = set(wanted), []
        for path in self._paths():
            batch = self._open(path, left) if left else None
            if batch is not None:
                left.difference_update(batch.keys)
                found.append(batch)
        return found

    def write(self, batch: Batch, join: Any) -> None:
        """Add molecules; the caller holds the lock.

        Small files are merged, so that many small calls leave few of them.

        Parameters
        ----------
        batch : Batch
            None of them on the shelf.
        join : callable
            Joins a list of rows.
        """
        for unfinished in self.folder.glob("*.part"):  # of a writer that was killed
            _delete(unfinished)
        merged = []
        for path in reversed(self._paths()):
            size = _n_rows(path)
            if size > len(batch.keys) or size + len(batch.keys) > _BATCH_ROWS:
                break
            smaller = self._open(path, None)
            batch = batch if smaller is None else join_batches([smaller, batch], join)
            merged.append(path)
        # Names in the order of writing, also where the clock is coarse.
        name = f"{time.time_ns():020d}-{uuid4().hex[:8]}-{len(batch.keys)}.npz"
        write_batch(self.folder / name, batch)
        for path in merged:
            _delete(path)
        self._cache._make_room()

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(_FILES))

    def _open(self, path: Path, wanted: set[bytes] | None) -> Batch | None:
        try:
            return read_batch(path, wanted, self._like)
        except FileNotFoundError:  # merged with another or deleted, after it was listed
            return None
        except DamagedFileError as error:
            _delete(path)
            warn_caller(
                f"The cache's file {path} was damaged ({error}) and is deleted; its molecules are "
                "featurised again.",
            )
            return None


def as_cache(memory: Any) -> FeatureCache | None:
    """Turn what `memory=` may be into a cache.

    Parameters
    ----------
    memory : str, path, joblib.Memory, FeatureCache or None

    Returns
    -------
    FeatureCache
        None where nothing is to be kept.

    Raises
    ------
    ValueError
        If it is a `joblib.Memory` that is no local folder.
    """
    if memory is None or isinstance(memory, FeatureCache):
        return memory
    if isinstance(memory, str | os.PathLike):
        return FeatureCache(memory)
    location = getattr(memory, "location", memory)
    if location is None:  # Memory(None) caches nothing
        return None
    if not isinstance(location, str | os.PathLike) or getattr(memory, "backend", "") != "local":
        raise ValueError(
            f"memory={memory!r} is no local folder; expected a path, a joblib.Memory with the "
            "backend 'local', or a FeatureCache."
        )
    return FeatureCache(location)


def cached_chunk(featurizer: Any, cache: FeatureCache, texts: Sequence[str]) -> tuple:
    """Featurise what the cache has not got, and take the rest from there.

    Parameters
    ----------
    featurizer : BaseMolTransformer
    cache : FeatureCache
    texts : sequence of n str

    Returns
    -------
    rows, valid, invalid
        As a featuriser's `_featurize` gives them.
    """
    shelf = _open_shelf(cache, featurizer)
    distinct: dict[str, bytes] = {}
    keys = []
    for text in texts:
        stripped = text.strip()
        key = distinct.get(stripped)
        if key is None:
            key = distinct[stripped] = shelf.key(stripped)
        keys.append(key)
    batches = shelf.read(distinct.values())
    missing = _missing(distinct, batches)
    if missing:
        with _lock_if_allowed(shelf) as may_write:
            batches += shelf.read(missing.values())  # others have not been idle
            missing = _missing(missing, batches)
            batches += _featurize_missing(featurizer, shelf if may_write else None, missing)
    known = join_batches(batches, featurizer._join)
    position = {key: i for i, key in enumerate(known.keys)}
    batch = known.take([position[key] for key in keys])
    bad = np.flatnonzero(~batch.valid).tolist()
    invalid = [
        InvalidMolecule(row, texts[row], reason)
        for row, reason in zip(bad, batch.reasons, strict=True)
    ]
    return batch.rows, batch.valid, invalid


def _open_shelf(cache: FeatureCache, featurizer: Any) -> Shelf:
    like = featurizer._transform_parsed(parse_molecules([]))
    identity = _identity(featurizer, like)
    folder = cache._folder() / f"{type(featurizer).__name__}-{identity.hex()}"
    return Shelf(cache, folder, identity, like)


@contextmanager
def _lock_if_allowed(shelf: Shelf) -> Iterator[bool]:
    """Hold the writers' lock, and say whether one may: a folder may be there to be read only."""
    with ExitStack() as stack:
        try:
            stack.enter_context(shelf.lock())
            allowed = True
        except PermissionError as error:
            warn_caller(f"New molecules are not kept in {shelf.folder}: {error}")
            allowed = False
        yield allowed


def _featurize_missing(
    featurizer: Any, shelf: Shelf | None, missing: dict[str, bytes]
) -> list[Batch]:
    """Featurise molecules, and keep them on the shelf, if any."""
    texts, batches = list(missing), []
    for start in range(0, len(texts), _BATCH_ROWS):
        some = texts[start : start + _BATCH_ROWS]
        rows, valid, invalid = featurizer._featurize_all(some)
        reasons = [problem.reason for problem in invalid]
        batch = Batch([missing[text] for text in some], valid, reasons, rows)
        if shelf is not None:
            _keep(batch, shelf, featurizer._join)
        batches.append(batch)
    return batches


def _keep(batch: Batch, shelf: Shelf, join: Any) -> None:
    try:
        shelf.write(batch, join)
    except OSError as error:  # a full disk: no reason to lose the work
        warn_caller(f"{len(batch.keys)} molecules are not kept in {shelf.folder}: {error}")


def join_batches(batches: list[Batch], join: Any) -> Batch:
    """Join some batches, at least one.

    Parameters
    ----------
    batches : list of Batch
    join : callable
        Joins a list of rows.

    Returns
    -------
    Batch
    """
    if len(batches) == 1:
        return batches[0]
    keys, valid, reasons, rows = zip(*batches, strict=True)
    return Batch(list(chain(*keys)), np.concatenate(valid), list(chain(*reasons)), join(list(rows)))


def _missing(distinct: dict[str, bytes], batches: list[Batch]) -> dict[str, bytes]:
    found = {key for batch in batches for key in batch.keys}
    return {text: key for text, key in distinct.items() if key not in found}


def _identity(featurizer: Any, like: Any) -> bytes:
    """Hash all that the rows depend on, beside the molecules."""
    from skchem_dl import __version__

    with quiet_rdkit():  # whose lock those descriptors hold that switch these for a moment
        stereo = [GetUseLegacyStereoPerception(), GetAllowNontetrahedralChirality()]
    facts = {
        "format": FORMAT_VERSION,
        **_class_and_params(featurizer),
        "layout": layout(like),
        "skchem_dl": __version__,
        "rdkit": rdkit.__version__,
        "stereo": stereo,  # settings of the whole process, which change what RDKit perceives
    }
    text = json.dumps(facts, sort_keys=True, default=_plain)
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


def _class_and_params(featurizer: Any) -> dict[str, Any]:
    params = featurizer.get_params(deep=False)
    return {
        "class": f"{type(featurizer).__module__}.{type(featurizer).__qualname__}",
        "params": {k: v for k, v in params.items() if k not in featurizer._not_in_rows},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if hasattr(value, "_not_in_rows"):  # a member of a union
        return _class_and_params(value)
    raise TypeError(
        f"memory= cannot tell featurisers apart by a parameter of type {type(value).__name__}, "
        f"{value!r}: use numbers and text, or leave memory at None."
    )


def _n_rows(path: Path) -> int:
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isdecimal() else _BATCH_ROWS


def _delete(path: Path) -> None:
    # Windows does not delete what another process has open: the next writer tries again.
    with suppress(FileNotFoundError, PermissionError):
        path.unlink()
