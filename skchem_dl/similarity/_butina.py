"""Butina's clusters of similar fingerprints."""

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import ClusterMixin
from sklearn.utils._param_validation import Interval

from skchem_dl.similarity._base import BaseFingerprintEstimator
from skchem_dl.similarity._index import TanimotoIndex

INVALID_LABEL = -1


class ButinaClustering(ClusterMixin, BaseFingerprintEstimator):
    """Cluster fingerprints by Butina's method: spheres around those with most neighbours.

    Molecules are visited by their number of neighbours, most first (of equals the last row first).
    Each that is in no cluster yet is the centre of a new one, with all its neighbours that are in
    none. The clusters are those of RDKit's ``Butina.ClusterData(..., reordering=False)``.

    Time grows with the square of the number of molecules, memory only with the number: neighbours
    are found when they are asked for, whatever the threshold, and not kept.

    Parameters
    ----------
    distance_threshold : float, default=0.65
        Tanimoto distance (1 - similarity) up to which two molecules are neighbours. Smaller makes
        more and tighter clusters.

    Attributes
    ----------
    labels_ : ndarray of shape (n,), int
        The cluster of each row: 0, 1, 2, ... in the order in which they are found; -1 for invalid
        molecules.
    cluster_center_indices_ : ndarray of shape (n_clusters,), int
        The row of each cluster's centre.
    n_clusters_ : int
        How many there are.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, where they had any.

    See Also
    --------
    skchem_dl.pipelines.make_butina_pipeline : From SMILES.
    skchem_dl.model_selection.butina_groups : The clusters as groups, to split by.

    References
    ----------
    .. [1] Butina, D. Unsupervised Data Base Clustering Based on Daylight's Fingerprint and
       Tanimoto Similarity. J. Chem. Inf. Comput. Sci. 1999, 39, 747-750.
       https://doi.org/10.1021/ci9803381

    Examples
    --------
    >>> from skchem_dl import MorganFingerprinter
    >>> from skchem_dl.similarity import ButinaClustering
    >>> X = MorganFingerprinter().fit_transform(["c1ccccc1CCN", "CCO", "c1ccccc1CCCN", "CCCO"])
    >>> clusters = ButinaClustering().fit(X)
    >>> clusters.labels_.tolist(), clusters.cluster_center_indices_.tolist()
    ([1, 0, 1, 0], [3, 2])
    """

    _parameter_constraints: dict[str, list] = {
        "distance_threshold": [Interval(Real, 0, 1, closed="both")]
    }

    def __init__(self, distance_threshold=0.65):
        self.distance_threshold = distance_threshold

    def fit(self, X: Any, y: Any = None) -> "ButinaClustering":
        """Find the clusters.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            Fingerprints, of zeros and ones or of counts; a row of NaN stands for an invalid
            molecule.
        y : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If X is anything else, or has no valid row.
        """
        self._validate_params()
        counts, valid = self._read(X, reset=True)
        if not valid.any():
            raise ValueError(f"All {len(valid)} row(s) are NaN (invalid molecules).")
        labels, centers = _cluster(counts, self.distance_threshold)
        self.labels_ = np.full(len(valid), INVALID_LABEL)
        self.labels_[valid] = labels
        self.cluster_center_indices_ = np.flatnonzero(valid)[centers]
        self.n_clusters_ = len(centers)
        return self


def _cluster(counts: sp.csr_array, distance_threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the cluster of each row, and the row of each cluster's centre."""
    similarities_of = TanimotoIndex(counts).comparer(counts)

    # Called once to count neighbours and once more for each centre: to keep them all instead
    # would take gigabytes for 40,000 molecules and a threshold near 1.
    def neighbors_of(row: int) -> np.ndarray:
        # The subtraction is RDKit's, so that its rounding decides borderline cases.
        near = 1 - similarities_of(row) <= distance_threshold
        near[row] = False
        return near

    n_neighbors = np.array([np.count_nonzero(neighbors_of(row)) for row in range(counts.shape[0])])
    labels = np.full(len(n_neighbors), -1)
    centers: list[int] = []
    for row in np.argsort(n_neighbors, kind="stable")[::-1].tolist():
        if labels[row] < 0:
            if n_neighbors[row]:
                labels[neighbors_of(row) & (labels < 0)] = len(centers)
            labels[row] = len(centers)
            centers.append(row)
    return labels, np.array(centers)
