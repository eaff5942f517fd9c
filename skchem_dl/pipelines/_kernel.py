"""Predictions of kernel methods: from similarities between molecules."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cholesky, solve_triangular
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from skchem_dl.features import MolFeatureUnion
from skchem_dl.pipelines._factories import build_pipeline, choose_estimator
from skchem_dl.pipelines._skip_invalid import SkipInvalidRows
from skchem_dl.preprocessing import DescriptorScaler
from skchem_dl.similarity._bits import largest_counts, write_bits

_BLOCK = 1024
_JITTER = 1e-8


def make_kernel_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    gamma: float = 0.3,
    **params: Any,
) -> Pipeline:
    """Morgan count fingerprints and RDKit descriptors into a kernel method.

    The kernel is the mean of the Tanimoto similarity [1]_ of the fingerprints and of a Gaussian of
    the descriptors, standardized by `DescriptorScaler`, plus a tenth of their scalar product, which
    lets predictions leave the range of the training set. `benchmarks/baselines.md` has what else
    was tried. Memory grows with the square of the number of molecules, and time faster: 4,000
    molecules take seconds and 0.3 GB, 20,000 would take 7 GB.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Support vector regression of the standardized y, or kernel logistic regression.
    featurizer : transformer, default=None
        Instead of ``MolFeatureUnion()``. Fingerprints or descriptors alone make the kernel of
        these alone.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featurizer, if given.
    gamma : float, default=0.3
        Of the Gaussian, ``exp(-gamma * d)`` of the mean squared difference d of two molecules'
        descriptors. Larger is more local.
    **params
        For `sklearn.svm.SVR` or `sklearn.linear_model.LogisticRegression`; C is 10, and epsilon
        0.05, unless they say otherwise.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    make_neighbors_pipeline : Predictions from the most similar molecules alone.

    References
    ----------
    .. [1] Ralaivola, L.; Swamidass, S. J.; Saigo, H.; Baldi, P. Graph Kernels for Chemical
       Informatics. Neural Netw. 2005, 18, 1093-1110. https://doi.org/10.1016/j.neunet.2005.07.009

    Examples
    --------
    >>> from skchem_dl.pipelines import make_kernel_pipeline
    >>> model = make_kernel_pipeline(C=1.0)
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"]).shape
    (1,)
    """
    if choose_estimator(task, True, False):
        machine = SVR(kernel="precomputed", **{"C": 10.0, "epsilon": 0.05, **params})
        scaler = StandardScaler().set_output(transform="default")  # it scales y
        predictor = TransformedTargetRegressor(machine, transformer=scaler)
        steps = [("kernel", MixedKernel(gamma)), ("predictor", predictor)]
    else:
        predictor = LogisticRegression(**{"C": 10.0, "max_iter": 1000, **params})
        steps = [
            ("kernel", MixedKernel(gamma)),
            ("root", KernelRoot()),
            ("predictor", predictor),
        ]
    estimator = Pipeline(steps)
    return build_pipeline(
        featurizer, MolFeatureUnion(), on_invalid, SkipInvalidRows(estimator, per_target=True)
    )


class MixedKernel(TransformerMixin, BaseEstimator):
    """Compute kernel values between rows and those of `fit`, for ``kernel="precomputed"``.

    Columns that `DescriptorScaler` leaves as they are, which hold small counts, are compared by
    Tanimoto similarity; those that it scales, by a Gaussian and a scalar product.

    Parameters
    ----------
    gamma : float, default=0.3
        Of the Gaussian, by the mean squared difference.
    linear : float, default=0.1
        Weight of the mean product.
    """

    def __init__(self, gamma=0.3, linear=0.1):
        self.gamma = gamma
        self.linear = linear

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self.scaler_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Their names, if they had any."""
        return self.scaler_.feature_names_in_

    def fit(self, X: Any, y: Any = None) -> "MixedKernel":
        """Store the rows to compare with, (n, d)."""
        self.scaler_ = DescriptorScaler().set_output(transform="default").fit(X)
        self.counts_, self.values_ = self._parts(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Compute the kernel, (m, d) -> (m, n)."""
        check_is_fitted(self)
        counts, values = self._parts(X)
        kernel = np.empty((counts.shape[0], self.counts_.shape[0]))
        for rows in gen_batches(counts.shape[0], _BLOCK):  # so that intermediate ones are small
            kernel[rows] = self._block(counts[rows], values[rows])
        return kernel

    def _block(self, counts: sp.csr_array, values: np.ndarray) -> np.ndarray:
        d = values.shape[1]
        parts = []
        if counts.shape[1]:
            # From a file, it may be a matrix of scipy's older interface.
            parts.append(_tanimoto(counts, sp.csr_array(self.counts_)))
        if d:
            parts.append(rbf_kernel(values, self.values_, self.gamma / d))
        kernel = np.mean(parts, axis=0)
        return kernel + self.linear / d * (values @ self.values_.T) if d else kernel

    def _parts(self, X: Any) -> tuple[sp.csr_array, np.ndarray]:
        """Return counts, (n, c) int64, and scaled descriptors, (n, d - c) float64."""
        rows = self.scaler_.transform(X)
        scaled = self.scaler_.scaled_
        values = rows[:, np.flatnonzero(scaled)]
        values = values.toarray() if sp.issparse(values) else np.asarray(values)
        counts = sp.csr_array(rows[:, np.flatnonzero(~scaled)]).astype(np.int64)
        counts.data = np.maximum(counts.data, 0)
        counts.sum_duplicates()
        counts.eliminate_zeros()
        # In C order, as a file has it, so that products round alike.
        return counts, np.ascontiguousarray(values, dtype=np.float64)


class KernelRoot(TransformerMixin, BaseEstimator):
    """Turn kernel values into features whose scalar products they are.

    A linear model with an L2 penalty on the features is then the kernel method, exactly.
    """

    @property
    def n_features_in_(self) -> int:
        """Rows of `fit`."""
        return len(self.root_)

    def fit(self, K: np.ndarray, y: Any = None) -> "KernelRoot":
        """Factorize the kernel of the training set, (n, n)."""
        # Molecules that have equal features make it singular.
        root = cholesky(K + _JITTER * np.trace(K) / len(K) * np.eye(len(K)), lower=True)
        self.root_ = np.ascontiguousarray(root)
        return self

    def transform(self, K: np.ndarray) -> np.ndarray:
        """Compute features, (m, n) -> (m, n)."""
        check_is_fitted(self)
        return solve_triangular(self.root_, K.T, lower=True).T


def _tanimoto(one: sp.csr_array, other: sp.csr_array) -> np.ndarray:
    """Compute the similarity of each two rows of counts, (m, c), (n, c) -> (m, n).

    It is the sum of the smaller counts over the sum of the larger ones; 0 of rows without any.
    """
    largest = largest_counts(other)  # larger counts are common to no two
    bits = [_bit_matrix(counts, largest) for counts in (one, other)]
    both = (bits[0] @ bits[1].T).toarray()
    totals = one.sum(axis=1)[:, None] + other.sum(axis=1)[None, :]
    return both / np.maximum(totals - both, 1)


def _bit_matrix(counts: sp.csr_array, largest: np.ndarray) -> sp.csr_array:
    columns, starts = write_bits(counts, largest)
    shape = counts.shape[0], int(largest.sum())
    return sp.csr_array((np.ones(len(columns)), columns, starts), shape=shape)
