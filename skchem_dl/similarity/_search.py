"""The most similar molecules of a library."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skchem_dl._rows import valid_rows
from skchem_dl.features import MorganFingerprinter
from skchem_dl.similarity._neighbors import TanimotoNeighbors


class Nearest(NamedTuple):
    """The most similar molecules of a library, for each of m molecules the nearest first.

    Attributes
    ----------
    indices : ndarray of shape (m, k), int
        Rows of the library; -1 where the molecule is invalid.
    similarities : ndarray of shape (m, k), float64
        Tanimoto similarities; NaN where the molecule is invalid.

    See Also
    --------
    SimilaritySearch.nearest : Gives one.

    Examples
    --------
    >>> from skchem_dl.similarity import SimilaritySearch
    >>> search = SimilaritySearch(n_neighbors=1).fit(["CCO", "c1ccccc1"])
    >>> search.nearest(["CCO"])
    Nearest(indices=array([[0]]), similarities=array([[1.]]))
    """

    indices: np.ndarray
    similarities: np.ndarray


class SimilaritySearch(BaseEstimator):
    """Find the most similar molecules of a library, by the Tanimoto similarity of fingerprints.

    Every molecule of the library is compared, exactly. 40,000 of them take some milliseconds a
    query.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many to find for each molecule.
    featurizer : transformer, default=None
        From molecules to fingerprints, of zeros and ones or of counts; None is
        ``MorganFingerprinter(sparse_output=True)``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given. With "nan" an invalid molecule in the library is never
        found, and one that is searched for finds nothing.

    Attributes
    ----------
    featurizer_ : transformer
        The fitted one.
    neighbors_ : TanimotoNeighbors
        The library's fingerprints.
    library_rows_ : ndarray of shape (n_valid,), int
        The rows of the library that are valid molecules.

    See Also
    --------
    TanimotoNeighbors : The same on fingerprints, as a step of a pipeline.

    References
    ----------
    .. [1] Willett, P.; Barnard, J. M.; Downs, G. M. Chemical Similarity Searching. J. Chem. Inf.
       Comput. Sci. 1998, 38, 983-996. https://doi.org/10.1021/ci9800211

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.similarity import SimilaritySearch
    >>> library = load_solubility().data
    >>> search = SimilaritySearch(n_neighbors=3).fit(library)
    >>> found = search.nearest(["CC(=O)Oc1ccccc1C(=O)O"])  # aspirin
    >>> for row, similarity in zip(found.indices[0], found.similarities[0]):
    ...     print(library[row], similarity.round(2))
    O=C(O)c1ccccc1C(=O)O 0.52
    Cc1ccccc1C(=O)O 0.48
    O=C(O)c1ccccc1-c1ccccc1C(=O)O 0.46
    """

    _parameter_constraints: dict[str, list] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "featurizer": [HasMethods(["fit_transform", "transform"]), None],
        "on_invalid": [StrOptions({"raise", "nan"}), None],
    }

    def __init__(self, n_neighbors=5, *, featurizer=None, on_invalid=None):
        self.n_neighbors = n_neighbors
        self.featurizer = featurizer
        self.on_invalid = on_invalid

    def fit(self, X: Any, y: Any = None) -> "SimilaritySearch":
        """Store a library.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        InvalidMoleculeError
            If some rows are no molecules, unless ``on_invalid="nan"``.
        ValueError
            If none is.
        """
        self._validate_params()
        chosen = self.featurizer
        featurizer = MorganFingerprinter(sparse_output=True) if chosen is None else clone(chosen)
        if self.on_invalid is not None:
            featurizer.set_params(on_invalid=self.on_invalid)
        fingerprints = _featurize(featurizer.fit_transform, X)
        rows = np.flatnonzero(valid_rows(fingerprints))
        if not len(rows):
            raise ValueError(f"None of the {fingerprints.shape[0]} row(s) is a valid molecule.")
        self.neighbors_ = TanimotoNeighbors(self.n_neighbors).fit(fingerprints[rows])
        self.featurizer_, self.library_rows_ = featurizer, rows
        return self

    def nearest(self, X: Any, n_neighbors: int | None = None) -> Nearest:
        """Find the most similar molecules of the library.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of m molecules
            SMILES strings or RDKit Mols.
        n_neighbors : int, default=None
            How many for each; None is the parameter of the constructor.

        Returns
        -------
        Nearest
            Indices and similarities, both ``(m, n_neighbors)``; of molecules that are equally
            similar, the first of the library.

        Raises
        ------
        InvalidMoleculeError
            If some rows are no molecules, unless ``on_invalid="nan"``.
        ValueError
            If the library has fewer valid molecules than `n_neighbors`.
        """
        check_is_fitted(self)
        fingerprints = _featurize(self.featurizer_.transform, X)
        valid = valid_rows(fingerprints)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        self.neighbors_._check_k(k, len(valid))
        shape = len(valid), k
        found = Nearest(np.full(shape, -1), np.full(shape, np.nan))
        if valid.any():
            similarities, indices = self.neighbors_._most_similar(fingerprints[valid], k)
            found.indices[valid] = self.library_rows_[indices]
            found.similarities[valid] = similarities
        return found

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


def _featurize(transform: Callable[[Any], Any], X: Any) -> Any:
    """Give fingerprints as a matrix, even where scikit-learn is set to make frames."""
    with config_context(transform_output="default"):
        fingerprints = transform(X)
    return fingerprints.tocsr() if sp.issparse(fingerprints) else np.asarray(fingerprints)
