"""Imputation and scaling of descriptors for models that depend on the scale of their input."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from skchem_dl._output import follow_sparse_interface, output_container
from skchem_dl._rows import count_in_rows

__all__ = ["DescriptorScaler"]

# Descriptors have heavy tails: a new molecule's may be hundreds of standard deviations away.
_CLIP = 5.0
# No molecule has a substructure more often; larger whole numbers are measurements.
_LARGEST_COUNT = 65_535
_LARGE = 10.0  # root mean square of a column
_DENSE = 0.5  # share of the values of a matrix that are not 0


class DescriptorScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Impute missing descriptors and scale those that need it; leave fingerprints as they are.

    Descriptors differ by many orders of magnitude (RDKit's Ipc reaches 1e38 in molecules whose
    logP is 3), and RDKit cannot compute each of them for every molecule. Linear models, neighbors,
    clusters, principal components and networks need them imputed and on one scale; trees do not.

    - A missing value becomes the median of its column in `fit`. A row of nothing but NaN stands for
      an invalid molecule, does not count in `fit` and stays NaN.
    - A column is standardized to mean 0 and standard deviation 1 and clipped to five standard
      deviations, unless it holds counts (whole numbers from 0) of a standard deviation of at most
      1, as the bits and most counts of a fingerprint are: standardized, rare ones would outweigh
      all others.
    - A fingerprint, that is a matrix of bits, or of counts of which most are 0, is not scaled.

    The ready pipelines put one behind descriptors where their estimator needs it.

    Parameters
    ----------
    with_scaling : bool, default=True
        If False, only impute.

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_features,), float64
        The median of each column, 0 if it has no value at all.
    scaled_ : ndarray of shape (n_features,), bool
        Which columns are scaled.
    mean_, scale_ : ndarray of shape (n_features,), float64
        Means and standard deviations; 0 and 1 of columns that are not scaled.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, if they had any.

    See Also
    --------
    skchem_dl.RDKitDescriptors : Computes descriptors.
    sklearn.preprocessing.StandardScaler : Scales every column.

    Examples
    --------
    >>> import numpy as np
    >>> from skchem_dl.preprocessing import DescriptorScaler
    >>> DescriptorScaler().fit_transform([[100.5, 1], [np.nan, 0], [299.5, 0], [200.0, 0]]).round(2)
    array([[-1.41,  1.  ],
           [ 0.  ,  0.  ],
           [ 1.41,  0.  ],
           [ 0.  ,  0.  ]])
    """

    _parameter_constraints: dict[str, list] = {"with_scaling": ["boolean"]}

    def __init__(self, *, with_scaling=True):
        self.with_scaling = with_scaling

    def fit(self, X: Any, y: Any = None) -> "DescriptorScaler":
        """Learn medians, means and standard deviations.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            Descriptors, fingerprints, or both side by side.
        y : ignored
            Not used; present by scikit-learn's convention.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If X is not a matrix of numbers, contains infinity, or has no valid row.
        """
        self._validate_params()
        X = self._validate_X(X, reset=True)
        valid = ~_is_all_nan(X)
        if not valid.any():
            raise ValueError(f"All {X.shape[0]} row(s) are NaN (invalid molecules).")
        X = X if valid.all() else X[np.flatnonzero(valid)]
        self.fill_values_ = _medians(X)
        self.scaled_ = np.zeros(X.shape[1], dtype=bool)
        if self.with_scaling and not is_fingerprint(X):
            self.scaled_ = ~_hold_small_counts(X, self.fill_values_)
        self.mean_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        columns = np.flatnonzero(self.scaled_)
        if len(columns):
            block = _filled(_dense(X[:, columns]), self.fill_values_[columns])
            moments = StandardScaler().fit(block)
            self.mean_[columns], self.scale_[columns] = moments.mean_, moments.scale_
        return self

    def transform(self, X: Any) -> Any:
        """Impute and scale.

        Parameters
        ----------
        X : array-like or CSR of shape (n, d)
            As in `fit`.

        Returns
        -------
        rows : ndarray or CSR of shape (n, d)
            Floats of the type of X, or float32. The values of X themselves if there is nothing to
            scale or impute.

        Raises
        ------
        ValueError
            If X has other columns than in `fit`, or contains infinity.
        """
        check_is_fitted(self)
        rows = scale_rows(self, self._validate_X(X, reset=False))
        if sp.issparse(rows) and output_container(self) != "default":
            return rows.toarray()
        return follow_sparse_interface(rows)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _validate_X(self, X: Any, *, reset: bool) -> Any:
        X = validate_data(self, X, reset=reset, accept_sparse="csr", ensure_all_finite="allow-nan")
        if sp.issparse(X) and not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        return X

    def _scale(self, X: Any) -> Any:
        values = X.data if sp.issparse(X) else X
        gaps = np.isnan(values) if values.dtype.kind == "f" else np.zeros(0, dtype=bool)
        if not (self.scaled_.any() or gaps.any()):
            return X
        dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float32)
        X = X.astype(dtype)  # a copy
        all_nan = _is_all_nan(X)
        if gaps.any():
            _fill(X, self.fill_values_, all_nan)
        columns = np.flatnonzero(self.scaled_)
        if not len(columns):
            return X
        block = standardize(_dense(X[:, columns]), self.mean_[columns], self.scale_[columns])
        if sp.issparse(X):
            return _replace_columns(X, columns, block.astype(dtype))
        X[:, columns] = block
        return X


def scale_rows(scaler: DescriptorScaler, X: Any) -> Any:
    """Impute and scale rows that were validated already."""
    return scaler._scale(X)


def standardize(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Standardize columns and clip them to five standard deviations, in float64."""
    return np.clip((values - mean) / scale, -_CLIP, _CLIP)


def is_fingerprint(X: Any) -> bool:
    """Check whether a matrix holds bits, or counts of which most are 0, (n, d) without NaN rows.

    Counts such as numbers of atoms and rings are descriptors, and of very different sizes.
    """
    values = X.data if sp.issparse(X) else X
    if values.dtype in (np.uint8, np.uint16, np.bool_):
        return True
    if values.dtype.kind == "f" and not _are_counts(values[:64]).all():
        return False  # descriptors, mostly
    if np.count_nonzero(values) > _DENSE * X.shape[0] * X.shape[1]:
        return bool(((values == 0) | (values == 1)).all())
    if values.dtype.kind in "iu":
        return bool(values.min(initial=0) >= 0 and values.max(initial=0) <= _LARGEST_COUNT)
    return bool(_are_counts(values).all())


def has_large_values(X: Any) -> bool:
    """Check whether the root mean square of a column is too large for a network."""
    if sp.issparse(X):
        squares = np.bincount(X.indices, X.data.astype(np.float64) ** 2, X.shape[1])
    else:
        squares = np.einsum("ij,ij->j", X, X, dtype=np.float64, casting="unsafe")
    return bool(squares.max(initial=0) > _LARGE**2 * X.shape[0])


def _are_counts(values: np.ndarray) -> np.ndarray:
    """Check which values are whole numbers from 0, or NaN."""
    if values.dtype.kind in "iu":
        return (values >= 0) & (values <= _LARGEST_COUNT)
    whole = (values >= 0) & (values <= _LARGEST_COUNT) & (values == np.rint(values))
    return whole | np.isnan(values)


def _hold_small_counts(X: Any, fill_values: np.ndarray) -> np.ndarray:
    """Check which columns hold counts of a standard deviation of at most 1, (d,) bool."""
    if sp.issparse(X):
        n, d = X.shape
        wrong = np.bincount(X.indices, weights=~_are_counts(X.data), minlength=d)
        data = _filled(X.data, fill_values[X.indices])
        mean = np.bincount(X.indices, weights=data, minlength=d) / n
        variance = np.bincount(X.indices, weights=data**2, minlength=d) / n - mean**2
        return (wrong == 0) & (variance <= 1)
    counts = np.all(_are_counts(X), axis=0)
    small = np.zeros(X.shape[1], dtype=bool)
    small[counts] = _filled(X[:, counts], fill_values[counts]).std(axis=0) <= 1
    return small


def _is_all_nan(X: Any) -> np.ndarray:
    """Check which rows are nothing but NaN, (n,) bool."""
    return count_in_rows(X, np.isnan) == X.shape[1]


def _medians(X: Any) -> np.ndarray:
    """Return the median of each column, 0 if there is no value, (d,) float64."""
    values = X.data if sp.issparse(X) else X
    medians = np.zeros(X.shape[1])
    if sp.issparse(X):  # in which most columns have the median 0
        enough = np.flatnonzero(2 * np.bincount(X.indices, minlength=X.shape[1]) >= X.shape[0])
    else:
        enough = np.arange(X.shape[1])
    if values.dtype.kind == "f" and len(enough):
        block = _dense(X[:, enough])
        known = ~np.isnan(block).all(axis=0)
        medians[enough[known]] = np.nanmedian(block[:, known], axis=0)
    return medians


def _filled(values: np.ndarray, fill_values: np.ndarray) -> np.ndarray:
    """Return values in float64 with those to fill in for NaN, of a shape that broadcasts."""
    values = values.astype(np.float64)
    return np.where(np.isnan(values), fill_values, values)


def _fill(X: Any, fill_values: np.ndarray, all_nan: np.ndarray) -> None:
    """Impute in place, except in rows of nothing but NaN."""
    if sp.issparse(X):
        row_of = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        places = np.flatnonzero(np.isnan(X.data) & ~all_nan[row_of])
        X.data[places] = fill_values[X.indices[places]]
    else:
        rows, columns = np.nonzero(np.isnan(X) & ~all_nan[:, None])
        X[rows, columns] = fill_values[columns]


def _replace_columns(X: Any, columns: np.ndarray, block: np.ndarray) -> Any:
    """Put dense columns in the place of those of a CSR matrix."""
    others = np.delete(np.arange(X.shape[1]), columns)
    joined = sp.hstack([X[:, others], sp.csr_array(block)], format="csr")
    order = np.concatenate([others, columns]).astype(joined.indices.dtype)
    result = type(X)((joined.data, order[joined.indices], joined.indptr), shape=X.shape)
    result.sort_indices()
    return result


def _dense(X: Any) -> np.ndarray:
    return X.toarray() if sp.issparse(X) else X
