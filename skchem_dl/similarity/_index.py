"""Tanimoto similarities to many fingerprints at once, by an inverted index."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from skchem_dl.similarity._bits import largest_counts, write_bits

# A bit that more than one in so many molecules have is kept as a row of bytes: rows of bytes are
# added up faster than long lists of molecules are counted.
_FREQUENT = 8
# So many zeros and ones add up to no more than a byte holds.
_MOST_FREQUENT_BITS = 255


class TanimotoIndex:
    """For each bit, the fingerprints that have it; similarities come from counting these.

    The similarity of two fingerprints is the sum of the smaller counts over the sum of the larger
    ones: with zeros and ones, the number of common bits over that of the bits that either has. Two
    fingerprints without any have similarity 0. It is RDKit's, to the last bit.

    Parameters
    ----------
    counts : csr_array of shape (n, d), int
        The fingerprints to compare with, n > 0.
    """

    def __init__(self, counts: sp.csr_array) -> None:
        self._largest = largest_counts(counts)
        columns, starts = write_bits(counts, self._largest)
        ones = np.ones(len(columns), dtype=np.uint8)
        shape = counts.shape[0], int(self._largest.sum())
        rows_of_bit = sp.csr_array((ones, columns, starts), shape=shape).T.tocsr()
        lengths = np.diff(rows_of_bit.indptr)
        frequent = np.argsort(lengths, kind="stable")[::-1][:_MOST_FREQUENT_BITS]
        frequent = frequent[lengths[frequent] > shape[0] / _FREQUENT]
        self._totals = counts.sum(axis=1).astype(np.float64)
        self._rows = rows_of_bit.indices.astype(np.intp)
        self._starts = rows_of_bit.indptr
        self._frequent = rows_of_bit[frequent].toarray()
        self._place = np.full(shape[1], -1)
        self._place[frequent] = np.arange(len(frequent))

    def comparer(self, counts: sp.csr_array) -> Callable[[int], np.ndarray]:
        """Give a function that compares one of some fingerprints with all that are stored.

        Parameters
        ----------
        counts : csr_array of shape (m, d), int

        Returns
        -------
        callable
            Takes a row of `counts`, gives the similarities, ``(n,)`` float64.
        """
        columns, starts = write_bits(counts, self._largest)  # others are common to no two
        totals = counts.sum(axis=1).tolist()

        def similarities_of(row: int) -> np.ndarray:
            both = self._common(columns[starts[row] : starts[row + 1]])
            return both / np.maximum(self._totals + (totals[row] - both), 1)

        return similarities_of

    def nearest(
        self, counts: sp.csr_array, k: int, *, themselves: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the most similar of the stored fingerprints.

        Parameters
        ----------
        counts : csr_array of shape (m, d), int
        k : int
            How many of each.
        themselves : bool, default=False
            Whether these are the stored ones: then none is its own neighbour.

        Returns
        -------
        similarities : ndarray of shape (m, k), float64
            The largest first.
        indices : ndarray of shape (m, k), int
            Of equals the first.
        """
        shape = counts.shape[0], k
        similarities, indices = np.empty(shape), np.empty(shape, dtype=np.int64)
        similarities_of = self.comparer(counts)
        for row in range(shape[0]):
            values = similarities_of(row)
            if themselves:
                values[row] = -1
            indices[row] = _largest(values, k)
            similarities[row] = values[indices[row]]
        return similarities, indices

    def _common(self, columns: np.ndarray) -> np.ndarray:
        """Count how many of some bits each stored fingerprint has."""
        places = self._place[columns]
        both = self._frequent[places[places >= 0]].sum(axis=0, dtype=np.uint8)
        rare = columns[places < 0].tolist()
        if not rare:
            return both.astype(np.float64)
        rows = [self._rows[self._starts[bit] : self._starts[bit + 1]] for bit in rare]
        return both + np.bincount(np.concatenate(rows), minlength=len(both))


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """Give the places of the k largest, in order; of equals the first."""
    smallest = np.partition(values, len(values) - k)[len(values) - k]
    candidates = np.flatnonzero(values >= smallest)
    return candidates[np.argsort(-values[candidates], kind="stable")[:k]]
