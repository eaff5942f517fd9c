"""Whether a matrix is better held by its rows of numbers or by those that are not zero."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

# Both ways the first layer of 128 to 1,024 units trains equally fast at 7 to 10 % (on a CPU).
_MAX_DENSITY = 0.08
# A dense matrix is read in pieces that stay in the processor's cache.
_PIECE_SIZE = 2**18


class NonZeros(NamedTuple):
    """A matrix by its numbers that are not zero, as CSR has them: scipy's is slow on few rows.

    Attributes
    ----------
    data, indices : ndarray of shape (N,)
        Numbers and their columns, in order.
    indptr : ndarray of shape (n + 1,)
        Row i has ``indptr[i]`` to ``indptr[i + 1] - 1``.
    n_columns : int
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    n_columns: int

    def take(self, rows: np.ndarray | slice) -> "NonZeros":
        """Give some rows; those of a slice are next to each other, and are not copied."""
        if isinstance(rows, slice):
            first, end, _ = rows.indices(len(self.indptr) - 1)
            offsets = self.indptr[first : end + 1]
            there = slice(offsets[0], offsets[-1])
            return NonZeros(
                self.data[there], self.indices[there], offsets - offsets[0], self.n_columns
            )
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=indptr[1:])
        places = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
        return NonZeros(self.data[places], self.indices[places], indptr, self.n_columns)


def in_faster_form(X: Any, valid: np.ndarray) -> np.ndarray | NonZeros:
    """Give a matrix by its numbers that are not zero where they are few, and dense otherwise.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    valid : ndarray of shape (n,), bool
        The other rows stand for invalid molecules. They don't count, and may become empty.

    Returns
    -------
    ndarray of shape (n, d), or NonZeros
        The same numbers, whichever way they came, are held the same way.
    """
    most = _MAX_DENSITY * valid.sum() * X.shape[1]
    if not sp.issparse(X):
        return _non_zeros(X, valid, most)
    if np.diff(X.indptr)[valid].sum() > most:
        return X.toarray()
    if not X.has_canonical_format:
        X = X.copy()  # it is the user's
        X.sum_duplicates()
    return NonZeros(X.data, X.indices, X.indptr, X.shape[1])


def _non_zeros(X: np.ndarray, valid: np.ndarray, most: float) -> np.ndarray | NonZeros:
    """Find the numbers that are not zero; where there are more than `most`, give X as it is."""
    n, d = X.shape
    size = max(1, _PIECE_SIZE // d)
    offsets, columns, values = [np.zeros(1, dtype=np.int64)], [], []
    n_found = 0
    for start in range(0, n, size):
        piece = X[start : start + size]
        there = piece != 0
        if not valid[start : start + size].all():
            there &= valid[start : start + size, None]
        places = np.flatnonzero(there)  # several times as fast as pairs of row and column
        starts = d * np.arange(len(piece) + 1)
        ends = np.searchsorted(places, starts)
        row_starts = np.repeat(starts[:-1], np.diff(ends))
        offsets.append(n_found + ends[1:])
        columns.append((places - row_starts).astype(np.int32))
        values.append(piece.ravel()[places])
        n_found += len(places)
        if n_found > most:
            return X
    return NonZeros(np.concatenate(values), np.concatenate(columns), np.concatenate(offsets), d)
