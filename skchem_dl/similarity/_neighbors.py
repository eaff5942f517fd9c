"""The nearest fingerprints, by Tanimoto distance."""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skchem_dl._output import OwnContainerMixin, follow_sparse_interface
from skchem_dl.similarity._base import BaseFingerprintEstimator
from skchem_dl.similarity._index import TanimotoIndex


class TanimotoNeighbors(
    OwnContainerMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseFingerprintEstimator
):
    """Turn fingerprints into a sparse graph of the Tanimoto distances to their nearest neighbours.

    It is to fingerprints what scikit-learn's `KNeighborsTransformer` is to points, and goes before
    whatever takes ``metric="precomputed"``: `KNeighborsRegressor`, `DBSCAN`, `TSNE`, ...

    The Tanimoto similarity of two fingerprints of zeros and ones is the number of common bits over
    the number of bits that either has; of counts, the sum of the smaller ones over the sum of the
    larger ones. The distance is 1 minus it. Both are RDKit's to the last bit, with all neighbours
    found: nothing is approximate.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours of each molecule. `transform` gives one more, as scikit-learn's does:
        where molecules are compared with themselves, each is its own nearest.

    Attributes
    ----------
    n_samples_fit_ : int
        How many fingerprints it was fitted on.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, where they had any.

    See Also
    --------
    SimilaritySearch : The nearest molecules, from SMILES.
    skchem_dl.pipelines.make_neighbors_pipeline : Predictions from the nearest molecules.

    References
    ----------
    .. [1] Willett, P.; Barnard, J. M.; Downs, G. M. Chemical Similarity Searching. J. Chem. Inf.
       Comput. Sci. 1998, 38, 983-996. https://doi.org/10.1021/ci9800211

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from skchem_dl import MorganFingerprinter
    >>> from skchem_dl.similarity import TanimotoNeighbors
    >>> model = make_pipeline(
    ...     MorganFingerprinter(),
    ...     TanimotoNeighbors(2),
    ...     KNeighborsRegressor(2, metric="precomputed"),
    ... )
    >>> model.fit(["CCO", "CCCO", "CCCCO", "c1ccccc1"], [1.1, 0.6, 0.0, -1.6]).predict(["CCCCCO"])
    array([0.3])
    """

    _parameter_constraints: dict[str, list] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, n_neighbors=5):
        self.n_neighbors = n_neighbors

    def fit(self, X: Any, y: Any = None) -> "TanimotoNeighbors":
        """Store fingerprints to compare with.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            Fingerprints, of zeros and ones or of counts.
        y : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If X is anything else.
        """
        self._validate_params()
        self._counts = self._read_valid(X, reset=True)
        self._index = TanimotoIndex(self._counts)
        self.n_samples_fit_ = self._counts.shape[0]
        return self

    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Find the nearest of the stored fingerprints.

        Parameters
        ----------
        X : array-like or CSR of shape (m, d), default=None
            Fingerprints. None stands for those that are stored, none of which is then taken for
            its own neighbour.
        n_neighbors : int, default=None
            How many of each; None is the parameter of the constructor.
        return_distance : bool, default=True
            Whether to give distances, too.

        Returns
        -------
        distances : ndarray of shape (m, n_neighbors), float64
            Tanimoto distances, smallest first; only if `return_distance`.
        indices : ndarray of shape (m, n_neighbors), int
            Rows of the stored fingerprints; of those at the same distance the first.

        Raises
        ------
        ValueError
            If fewer fingerprints are stored than `n_neighbors`.
        """
        similarities, indices = self._most_similar(X, n_neighbors)
        return (1 - similarities, indices) if return_distance else indices

    def kneighbors_graph(
        self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> Any:
        """Give the nearest of the stored fingerprints as a sparse matrix.

        Parameters
        ----------
        X : array-like or CSR of shape (m, d), default=None
            As in `kneighbors`.
        n_neighbors : int, default=None
            As in `kneighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether to store ones or Tanimoto distances.

        Returns
        -------
        CSR of shape (m, n), float64
            `n_neighbors` stored values a row, nearest first, distances of 0 among them. An array or
            a matrix, as scikit-learn's setting `sparse_interface` has it.

        Raises
        ------
        ValueError
            As in `kneighbors`, or if there is no such mode.
        """
        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode={mode!r}; expected one of ('connectivity', 'distance').")
        distances, indices = self.kneighbors(X, n_neighbors)
        m, k = indices.shape
        values = distances if mode == "distance" else np.ones((m, k))
        starts = np.arange(0, m * k + 1, k)
        graph = sp.csr_array(
            (values.ravel(), indices.ravel(), starts), shape=(m, self.n_samples_fit_)
        )
        return follow_sparse_interface(graph)

    def transform(self, X: Any) -> Any:
        """Give the distances to the ``n_neighbors + 1`` nearest of the stored fingerprints.

        Parameters
        ----------
        X : array-like or CSR of shape (m, d)
            Fingerprints.

        Returns
        -------
        CSR of shape (m, n), float64
            ``n_neighbors + 1`` stored values a row, nearest first. It stays sparse whatever
            `set_output` asks for: what is not stored is far away, not at a distance of 0.

        Raises
        ------
        ValueError
            As in `kneighbors`.
        """
        check_is_fitted(self)
        return self.kneighbors_graph(X, self.n_neighbors + 1, mode="distance")

    @property
    def _n_features_out(self) -> int:
        return self.n_samples_fit_

    def _read_valid(self, X: Any, *, reset: bool) -> sp.csr_array:
        counts, valid = self._read(X, reset=reset)
        if not valid.all():
            rows = np.flatnonzero(~valid)
            raise ValueError(
                f"Input X contains NaN: {len(rows)} row(s) of invalid molecules, first row "
                f"{rows[0]}. Drop them, or wrap this and the predictor behind it: "
                "skchem_dl.pipelines.SkipInvalidRows(make_pipeline(TanimotoNeighbors(), ...))."
            )
        return counts

    def _most_similar(self, X: Any, n_neighbors: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Give similarities, largest first, and indices, as `kneighbors` does."""
        check_is_fitted(self)
        themselves = X is None
        counts = self._counts if themselves else self._read_valid(X, reset=False)
        k = self._check_k(n_neighbors, counts.shape[0], themselves=themselves)
        return self._index.nearest(counts, k, themselves=themselves)

    def _check_k(self, n_neighbors: Any, n_samples: int, *, themselves: bool = False) -> int:
        """Give how many neighbours are asked for, if there can be so many."""
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or k < 1:
            raise ValueError(f"n_neighbors={k!r}; expected a whole number from 1.")
        if k > self.n_samples_fit_ - themselves:
            raise ValueError(
                f"Expected n_neighbors {'<' if themselves else '<='} n_samples_fit, but "
                f"n_neighbors = {k}, n_samples_fit = {self.n_samples_fit_}, n_samples = "
                f"{n_samples}."
            )
        return int(k)
