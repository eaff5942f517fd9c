"""What a featuriser made of some molecules, as one file: an npz of flat arrays, without pickle."""

import io
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from uuid import uuid4
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
import scipy.sparse as sp

from skchem_dl.features._molecules import row_subset
from skchem_dl.graphs import MolGraphs

KEY_BYTES = 16

# What reading a file that is cut, changed or another program's comes to.
_DAMAGE = (
    BadZipFile,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,  # a seek to before the start; opening the file is not meant
    RuntimeError,
    ValueError,
    struct.error,
)
_GRAPH_ARRAYS = ("atom_codes", "bond_codes", "bond_atoms", "atom_offsets", "bond_offsets")


class DamagedFileError(Exception):
    """A file is not what `write_batch` wrote."""


class Batch(NamedTuple):
    """Some molecules, and what a featuriser made of them."""

    keys: list[bytes]
    valid: np.ndarray  # (m,) bool
    reasons: list[str]  # why the others are not, in order
    rows: Any  # of the valid ones, in order

    def take(self, positions: Sequence[int]) -> "Batch":
        """Give some of them, in any order and any number of times."""
        chosen = np.asarray(positions, dtype=np.int64)
        if np.array_equal(chosen, np.arange(len(self.keys))):
            return self
        valid = self.valid[chosen]
        rank = np.where(self.valid, np.cumsum(self.valid), np.cumsum(~self.valid)) - 1
        return Batch(
            [self.keys[i] for i in positions],
            valid,
            [self.reasons[i] for i in rank[chosen[~valid]]],
            row_subset(self.rows, rank[chosen[valid]]),
        )


def write_batch(path: Path, batch: Batch) -> None:
    """Write a file, whole or not at all.

    Parameters
    ----------
    path : Path
    batch : Batch
    """
    part = path.with_name(f"{uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            np.savez(
                file,
                keys=np.frombuffer(b"".join(batch.keys), dtype=np.uint8).reshape(-1, KEY_BYTES),
                valid=batch.valid,
                reasons=_as_bytes(batch.reasons),
                **_as_arrays(batch.rows),
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_batch(path: Path, wanted: set[bytes] | None, like: Any) -> Batch | None:
    """Read the molecules that are wanted; every array is held against its checksum.

    Parameters
    ----------
    path : Path
    wanted : set of bytes, or None
        Keys; None wants them all.
    like : rows of no molecule
        Of the type that the featuriser gives.

    Returns
    -------
    Batch
        None if it has none of them.

    Raises
    ------
    DamagedFileError
        If the file is not as it was written.
    """
    with path.open("rb") as file:
        try:
            archive = _Archive(file)
            keys = _as_keys(archive["keys"])
            found = [i for i, key in enumerate(keys) if wanted is None or key in wanted]
            return _read_rest(archive, keys, like).take(found) if found else None
        except _DAMAGE as error:
            raise DamagedFileError(f"{type(error).__name__}: {error}") from error


def layout(rows: Any) -> str:
    """Say all about some rows that does not depend on the molecules."""
    if isinstance(rows, MolGraphs):
        return repr(rows.schema)
    if isinstance(rows, list):
        return "lists of text"
    return f"{type(rows).__name__} {rows.dtype.str} {rows.shape[1:]}"


class _Archive:
    """The arrays of an npz. `numpy.load` skips the checksum of one whose header is damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = ZipFile(file)

    def __getitem__(self, name: str) -> np.ndarray:
        member = self._zip.getinfo(f"{name}.npy")
        if member.compress_type != ZIP_STORED:
            raise ValueError(f"{name} is compressed")
        content = io.BytesIO(self._zip.read(member))
        return np.lib.format.read_array(content, allow_pickle=False)


def _read_rest(archive: _Archive, keys: list[bytes], like: Any) -> Batch:
    valid, reasons = archive["valid"], _of_bytes(archive["reasons"])
    rows = _as_rows(archive, like)
    n_rows = len(rows) if isinstance(rows, list) else rows.shape[0]
    counts = (len(valid), n_rows, len(reasons))
    if counts != (len(keys), valid.sum(), (~valid).sum()) or layout(rows) != layout(like):
        raise ValueError(f"{len(keys)} keys with {counts}, {layout(rows)} for {layout(like)}")
    return Batch(keys, valid, reasons, rows)


def _as_keys(array: np.ndarray) -> list[bytes]:
    if array.dtype != np.uint8 or array.shape[1:] != (KEY_BYTES,):
        raise ValueError(f"keys of type {array.dtype} and shape {array.shape}")
    return array.view(f"V{KEY_BYTES}").ravel().tolist()


def _as_arrays(rows: Any) -> dict[str, Any]:
    if isinstance(rows, MolGraphs):
        return {name: getattr(rows, name) for name in _GRAPH_ARRAYS}
    if isinstance(rows, list) or rows.dtype.kind == "O":
        return {"text": _as_bytes(list(rows))}
    if not sp.issparse(rows) and rows.dtype.kind != "u":
        return {"rows": rows}
    # Fingerprints are nearly all zeros: a tenth of the space, if not less.
    matrix = sp.csr_array(rows)
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}


def _as_rows(archive: _Archive, like: Any) -> Any:
    if isinstance(like, MolGraphs):
        return MolGraphs(**{name: archive[name] for name in _GRAPH_ARRAYS}, schema=like.schema)
    if isinstance(like, list):
        return _of_bytes(archive["text"])
    if not sp.issparse(like) and like.dtype.kind == "O":
        return np.array(_of_bytes(archive["text"]), dtype=object)
    if not sp.issparse(like) and like.dtype.kind != "u":
        return archive["rows"]
    indptr = archive["indptr"]
    matrix = sp.csr_array(
        (archive["data"], archive["indices"], indptr), shape=(len(indptr) - 1, like.shape[1])
    )
    return matrix if sp.issparse(like) else matrix.toarray()


def _as_bytes(texts: list[Any]) -> np.ndarray:
    return np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8)


def _of_bytes(array: np.ndarray) -> Any:
    return json.loads(array.tobytes())
