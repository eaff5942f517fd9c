"""Groups of molecules with similar fingerprints."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skchem_dl.features._fingerprints import MorganFingerprinter
from skchem_dl.model_selection._groups import molecule_items, parse_in_chunks
from skchem_dl.similarity import ButinaClustering
from skchem_dl.similarity._butina import INVALID_LABEL


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
    ButinaKFold : Splits by them.
    skchem_dl.similarity.ButinaClustering : The same on fingerprints of any kind.
    scaffold_groups : Groups of the same ring systems instead.

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
    return cluster(items, radius, fp_size, ButinaClustering(distance_threshold).fit_predict)


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
        (rows, fingerprinter._transform_mols(parsed.mols).toarray())
        for rows, parsed in parse_in_chunks(items)
    ]
    all_rows, fingerprints = zip(*chunks, strict=True)
    return np.concatenate(all_rows), np.concatenate(fingerprints)
