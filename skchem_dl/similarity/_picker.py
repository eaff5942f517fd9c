"""Picking diverse fingerprints."""

import itertools
import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from rdkit.DataStructs import ExplicitBitVect
from rdkit.SimDivFilters.rdSimDivPickers import MaxMinPicker as RDKitPicker
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skchem_dl.similarity._base import BaseFingerprintEstimator
from skchem_dl.similarity._bits import largest_counts, write_bits

_LARGEST_SEED = 2**31 - 1


class MaxMinPicker(BaseFingerprintEstimator):
    """Pick diverse fingerprints: each as far as possible from those picked before.

    The first is drawn at random; the next is always the one whose nearest pick is farthest away by
    Tanimoto distance. It is RDKit's picker, which does so without comparing all pairs.

    scikit-learn has no step that leaves rows out of a pipeline, because the targets would not
    follow. So this one says which rows it picked, for ``X[picker.selected_indices_]`` and y alike.

    Parameters
    ----------
    n_picks : int or float, default=10
        How many, or which share of the valid rows (between 0 and 1, rounded up).
    random_state : int, RandomState instance or None, default=None
        Draws the first pick. An integer below 2**31 is RDKit's `seed` as it is.

    Attributes
    ----------
    selected_indices_ : ndarray of shape (n_picks,), int
        The picked rows in the order of picking: the first few are themselves a diverse choice.
        Rows of NaN, which stand for invalid molecules, are never among them.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, where they had any.

    See Also
    --------
    ButinaClustering : Its centres stand each for many similar molecules.

    References
    ----------
    .. [1] Ashton, M.; Barnard, J.; Casset, F.; Charlton, M.; Downs, G.; Gorse, D.; Holliday, J.;
       Lahana, R.; Willett, P. Identification of Diverse Database Subsets using Property-Based and
       Fragment-Based Molecular Descriptions. Quant. Struct.-Act. Relat. 2002, 21, 598-604.
       https://doi.org/10.1002/qsar.200290002

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skchem_dl import MorganFingerprinter
    >>> from skchem_dl.similarity import MaxMinPicker
    >>> smiles = ["CCO", "CCCO", "c1ccccc1CCN", "c1ccccc1CCCN"]
    >>> picker = make_pipeline(MorganFingerprinter(), MaxMinPicker(2, random_state=0)).fit(smiles)
    >>> [smiles[row] for row in picker[-1].selected_indices_]
    ['c1ccccc1CCN', 'CCCO']
    """

    _parameter_constraints: dict[str, list] = {
        "n_picks": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "random_state": ["random_state"],
    }

    def __init__(self, n_picks=10, *, random_state=None):
        self.n_picks = n_picks
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "MaxMinPicker":
        """Pick diverse rows.

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
            If X is anything else, or has fewer valid rows than `n_picks`.
        """
        self._validate_params()
        counts, valid = self._read(X, reset=True)
        rows = np.flatnonzero(valid)
        n_picks = self._number(len(rows), len(valid))
        vectors = _bit_vectors(counts)
        picks = RDKitPicker().LazyBitVectorPick(vectors, len(rows), n_picks, seed=self._seed())
        self.selected_indices_ = rows[np.array(picks)]
        return self

    def _number(self, n_valid: int, n_samples: int) -> int:
        if not isinstance(self.n_picks, Integral):
            n_picks = math.ceil(self.n_picks * n_valid)
        else:
            n_picks = int(self.n_picks)
        if not 0 < n_picks <= n_valid:
            raise ValueError(
                f"n_picks={self.n_picks}, but X has {n_valid} valid row(s): n_samples = "
                f"{n_samples}, of which {n_samples - n_valid} are NaN (invalid molecules)."
            )
        return n_picks

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state) & _LARGEST_SEED
        return int(check_random_state(self.random_state).randint(_LARGEST_SEED))


def _bit_vectors(counts: sp.csr_array) -> list[ExplicitBitVect]:
    """Give RDKit's vectors, counts written out as bits."""
    largest = largest_counts(counts)
    columns, starts = write_bits(counts, largest)
    vectors = []
    for start, end in itertools.pairwise(starts):
        vector = ExplicitBitVect(int(largest.sum()))
        vector.SetBitsFromList(columns[start:end].tolist())
        vectors.append(vector)
    return vectors
