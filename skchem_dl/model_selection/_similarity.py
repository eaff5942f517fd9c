"""Groups of similar fingerprints: Tanimoto neighbours and Butina's clusters."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from skchem_dl.features._fingerprints import MorganFingerprinter
from skchem_dl.model_selection._groups import molecule_items, parse_in_chunks

# A tile of similarities takes 16 MB.
_TILE = 2_048
INVALID_LABEL = -1


def butina_groups(
    X: Any,
    *,
    distance_threshold: float = 0.65,
    radius: int = 2,
    fp_size: int = 2048,
    smiles_column: str | int | None = None,
) -> np.ndarray:
    """Give each molecule's cluster by Butina's method on Morgan fingerprints.

    Parameters
    ----------
    X : list, tuple, ndarray, Series or frame of n molecules
        SMILES strings or RDKit Mols.
    distance_threshold : float, default=0.65
        Tanimoto distance (1 - similarity) from a cluster's centre up to which a molecule belongs
        to it.
    radius : int, default=2
        How many bonds an atom's environment reaches in the fingerprint.
    fp_size : int, default=2048
        Length of the fingerprint.
    smiles_column : str or int, default=None
        The column that holds the molecules, where X has several.

    Returns
    -------
    groups : ndarray of shape (n,), int
        0, 1, 2, ... in the order in which the clusters are found; -1 for all rows that are no
        molecules.

    Raises
    ------
    TypeError, ValueError
        If X does not hold molecules.

    See Also
    --------
    ButinaKFold : splits by them.
    scaffold_groups : groups of the same ring systems instead.

    References
    ----------
    .. [1] Butina, D. Unsupervised Data Base Clustering Based on Daylight's Fingerprint and
       Tanimoto Similarity. J. Chem. Inf. Comput. Sci. 1999, 39, 747-750.
       https://doi.org/10.1021/ci9803381

    Examples
    --------
    >>> from skchem_dl.model_selection import butina_groups
    >>> butina_groups(["c1ccccc1CCN", "CCO", "c1ccccc1CCCN", "CCCO", "C("]).tolist()
    [1, 0, 1, 0, -1]
    """
    items = molecule_items(X, smiles_column, "butina_groups")
    return cluster(
        items, radius, fp_size, lambda fingerprints: butina_labels(fingerprints, distance_threshold)
    )


def cluster(
    items: Sequence[Any], radius: int, fp_size: int, label: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Give each molecule the label of its Morgan fingerprint.

    Parameters
    ----------
    items : sequence of length n
        SMILES strings, Mols, or whatever else stood there.
    radius, fp_size : int
        As in `MorganFingerprinter`.
    label : callable
        Takes the fingerprints of the m molecules, ``(m, fp_size)`` uint8, and gives their labels.

    Returns
    -------
    ndarray of shape (n,), int
        -1 where there is no molecule.
    """
    rows, fingerprints = morgan_rows(items, radius, fp_size)
    labels = np.full(len(items), INVALID_LABEL)
    if len(rows):
        labels[rows] = label(fingerprints)
    return labels


def morgan_rows(items: Sequence[Any], radius: int, fp_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the fingerprints of those items that are molecules.

    Parameters
    ----------
    items : sequence of length n
        SMILES strings, Mols, or whatever else stood there.
    radius, fp_size : int
        As in `MorganFingerprinter`.

    Returns
    -------
    rows : ndarray of shape (m,), int
        Positions of the molecules.
    fingerprints : ndarray of shape (m, fp_size), uint8
    """
    fingerprinter = MorganFingerprinter(radius, fp_size)
    fingerprinter._validate_params()
    chunks = [
        (rows, fingerprinter._transform_mols(parsed.mols))
        for rows, parsed in parse_in_chunks(items)
    ]
    all_rows, fingerprints = zip(*chunks, strict=True)
    return np.concatenate(all_rows), np.concatenate(fingerprints)


def butina_labels(fingerprints: Any, distance_threshold: float) -> np.ndarray:
    """Cluster binary fingerprints by Butina's method.

    The clusters are those of RDKit's ``Butina.ClusterData(..., reordering=False)``, the method as
    published: molecules are visited by their number of neighbours, most first (of equals the last
    row first); each that is in no cluster yet starts one of all its neighbours that are in none.
    Time grows with n², memory with the number of pairs of neighbours (some 20 bytes each).

    Parameters
    ----------
    fingerprints : ndarray or CSR of shape (n, d)
        Zeros and ones.
    distance_threshold : float
        Tanimoto distance (1 - similarity) up to which two molecules are neighbours.

    Returns
    -------
    labels : ndarray of shape (n,), int
        0 for the first cluster, 1 for the second, ...
    """
    if not fingerprints.shape[0]:
        return np.empty(0, dtype=np.int64)
    neighbors = tanimoto_neighbors(fingerprints, distance_threshold)
    labels = np.full(neighbors.shape[0], -1, dtype=np.int64)
    n_clusters = 0
    for center in np.argsort(np.diff(neighbors.indptr), kind="stable")[::-1].tolist():
        if labels[center] < 0:
            members = neighbors.indices[slice(*neighbors.indptr[center : center + 2])]
            labels[center] = n_clusters
            labels[members[labels[members] < 0]] = n_clusters
            n_clusters += 1
    return labels


def tanimoto_neighbors(fingerprints: Any, distance_threshold: float) -> sp.csr_array:
    """Find all pairs of binary fingerprints within a Tanimoto distance, tile by tile.

    Parameters
    ----------
    fingerprints : ndarray or CSR of shape (n, d)
        Zeros and ones.
    distance_threshold : float

    Returns
    -------
    csr_array of shape (n, n), bool
        True where two different rows are neighbours. A row of zeros is at distance 1 from all.

    Raises
    ------
    ValueError
        If there is anything but zeros and ones, or if the distance is not from 0 to 1.
    """
    if not (fingerprints.min() >= 0 and fingerprints.max() <= 1):  # false for NaN, too
        raise ValueError(
            "Tanimoto neighbours need fingerprints of zeros and ones, got values from "
            f"{fingerprints.min()} to {fingerprints.max()}."
        )
    if not 0 <= distance_threshold <= 1:
        raise ValueError(f"distance_threshold must be from 0 to 1, got {distance_threshold!r}.")
    n = fingerprints.shape[0]
    n_bits = np.asarray(fingerprints.sum(axis=1, dtype=np.int64)).ravel()
    least_common = _least_common(2 * int(n_bits.max()), distance_threshold)
    one_side, other_side = [], []
    starts = range(0, n, _TILE)
    for top in starts:
        rows = _tile(fingerprints, top)
        for left in starts[: top // _TILE + 1]:
            # Counts of bits are exact in float32, which BLAS multiplies fastest.
            common = rows @ _tile(fingerprints, left).T
            total = n_bits[top : top + _TILE, None] + n_bits[left : left + _TILE]
            near = common >= least_common[total]
            a, b = np.nonzero(np.tril(near, -1) if top == left else near)
            one_side.append((a + top).astype(np.int32))
            other_side.append((b + left).astype(np.int32))
    a, b = np.concatenate(one_side), np.concatenate(other_side)
    below = sp.csr_array((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n))
    return below + below.T


def _tile(fingerprints: Any, start: int) -> np.ndarray:
    rows = fingerprints[start : start + _TILE]
    return (rows.toarray() if sp.issparse(rows) else rows).astype(np.float32)


def _least_common(max_total: int, distance_threshold: float) -> np.ndarray:
    """Say how many common bits make neighbours, for each total of two molecules' bits.

    The arithmetic is RDKit's, to the last bit, so that its rounding decides borderline cases.
    """
    total = np.arange(max_total + 1)[:, None]
    common = np.arange(max_total // 2 + 1)
    possible = 2 * common <= total
    either = np.where(possible & (total > 0), total - common, 1)
    near = possible & (1 - common / either <= distance_threshold)
    return np.where(near.any(axis=1), near.argmax(axis=1), np.inf).astype(np.float32)
