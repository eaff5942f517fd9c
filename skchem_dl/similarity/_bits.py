"""Fingerprints as lists of bits, counts written out so that sets of bits say the same."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp


class Bits(NamedTuple):
    """Fingerprints as lists of the bits that are set."""

    columns: np.ndarray  # (set bits of all rows,) int
    starts: np.ndarray  # (n + 1,) int: where each row's begin


def write_bits(counts: sp.csr_array, largest: np.ndarray) -> Bits:
    """Write a count of three as three bits: "at least one", "at least two", "at least three".

    The smaller of two counts is then the number of bits that they have in common, and the larger
    one the number of bits that either has.

    Parameters
    ----------
    counts : csr_array of shape (n, d), int
    largest : ndarray of shape (d,), int
        How many bits each column has; larger counts set them all.

    Returns
    -------
    Bits
        Numbered from 0 to ``largest.sum() - 1``.
    """
    first = np.cumsum(largest) - largest
    repeats = np.minimum(counts.data, largest[counts.indices])
    ends = np.concatenate([[0], np.cumsum(repeats)])
    within = np.arange(ends[-1]) - np.repeat(ends[:-1], repeats)  # 0, 1, ... within each count
    return Bits(np.repeat(first[counts.indices], repeats) + within, ends[counts.indptr])


def largest_counts(counts: sp.csr_array) -> np.ndarray:
    """Give the largest count of each column.

    Parameters
    ----------
    counts : csr_array of shape (n, d), int

    Returns
    -------
    ndarray of shape (d,), int64
    """
    return counts.max(axis=0).toarray().astype(np.int64).ravel()
