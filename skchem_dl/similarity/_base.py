"""What everything that takes fingerprints has in common: how it reads them."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import Mol
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_non_negative, validate_data

from skchem_dl._rows import valid_rows

# No molecule has a substructure more often; it bounds how far counts are written out as bits.
_LARGEST_COUNT = 65_535


class Fingerprints(NamedTuple):
    """Fingerprints of the valid rows; `valid` says which of all rows those are."""

    counts: sp.csr_array  # (m, d) int64, nothing stored but positive counts
    valid: np.ndarray  # (n,) bool


class BaseFingerprintEstimator(BaseEstimator):
    """Base of the estimators that compare fingerprints, of zeros and ones or of counts."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.input_tags.categorical = True  # whole numbers
        return tags

    def _read(self, X: Any, *, reset: bool) -> Fingerprints:
        """Check fingerprints, and leave out the rows that stand for invalid molecules.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        reset : bool
            Whether to learn the number of columns, or to compare it.

        Returns
        -------
        Fingerprints

        Raises
        ------
        TypeError
            If X holds molecules.
        ValueError
            If X holds anything but whole numbers from 0, or a row that is NaN in part.
        """
        options: dict[str, Any] = {"accept_sparse": "csr", "ensure_all_finite": False}
        try:
            rows = sp.csr_array(validate_data(self, X, reset=reset, **options))
        except (TypeError, ValueError) as error:
            _refuse_molecules(X, type(self).__name__, error)
            raise
        valid = valid_rows(rows, getattr(self, "feature_names_in_", None))
        rows = rows[np.flatnonzero(valid)]
        check_non_negative(rows, type(self).__name__)
        _check_counts(rows, valid, type(self).__name__)
        counts = rows.astype(np.int64)
        counts.sum_duplicates()
        counts.eliminate_zeros()
        return Fingerprints(counts, valid)


def _refuse_molecules(X: Any, owner: str, error: Exception) -> None:
    """Tell those who pass molecules what to do."""
    first = np.asarray(X, dtype=object).ravel()[:1].tolist()
    if first and isinstance(first[0], str | Mol):
        raise TypeError(
            f"{owner} expects an (n, d) matrix of fingerprints, got the "
            f"{type(first[0]).__name__} {first[0]!r}. Make one with "
            "MorganFingerprinter().fit_transform(smiles), or put it before this in a pipeline: "
            f"make_pipeline(MorganFingerprinter(), {owner}())."
        ) from error


def _check_counts(rows: sp.csr_array, valid: np.ndarray, owner: str) -> None:
    wrong = np.flatnonzero((rows.data % 1 != 0) | (rows.data > _LARGEST_COUNT))
    if len(wrong):
        place = wrong[0]
        row = np.flatnonzero(valid)[np.searchsorted(rows.indptr, place, side="right") - 1]
        raise ValueError(
            f"{owner} expects fingerprints: zeros and ones, or counts up to {_LARGEST_COUNT}. Got "
            f"{rows.data[place]} in row {row}, column {rows.indices[place]}."
        )
