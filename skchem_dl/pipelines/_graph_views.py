"""What parts of a `MolGraphs` with molecule features are for which estimator."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skchem_dl.graphs import MolGraphs


class _NothingToFit(TransformerMixin, BaseEstimator):
    """A transformer that learns nothing."""

    def fit(self, X: Any, y: Any = None) -> Any:
        """Return the transformer itself."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


class GraphsAlone(_NothingToFit):
    """Return graphs without their molecule features."""

    def transform(self, X: MolGraphs) -> MolGraphs:
        """Drop the molecule features, (n,) -> (n,)."""
        return _check_graphs(X).with_molecule_features(None)


class MoleculeFeatures(_NothingToFit):
    """Return the molecule features of graphs."""

    def transform(self, X: MolGraphs) -> np.ndarray:
        """Return the matrix, NaN in the rows of invalid molecules, (n,) -> (n, d) float32."""
        features = _check_graphs(X).molecule_features
        if features is None:
            raise ValueError(
                "The graphs have no molecule features, which some models of the consensus are "
                "fitted on. Make them with "
                "MolGraphizer(molecule_features=MolFeatureUnion())."
            )
        return features


class FoldedCounts(_NothingToFit):
    """Fold the counts in the first columns to a shorter fingerprint, as RDKit makes it.

    Parameters
    ----------
    n_counts : int, default=2048
        How many of the columns are a fingerprint of counts.
    fp_size : int, default=512
        How many to fold them to: a divisor of `n_counts`.
    """

    def __init__(self, n_counts=2048, fp_size=512):
        self.n_counts = n_counts
        self.fp_size = fp_size

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Add up the counts, (n, d) -> (n, fp_size + d - n_counts)."""
        # RDKit takes a hash modulo the size, so that bit b goes to b modulo the smaller size.
        counts = X[:, : self.n_counts].reshape(len(X), -1, self.fp_size).sum(axis=1)
        return np.hstack([counts, X[:, self.n_counts :]])


def _check_graphs(X: Any) -> MolGraphs:
    if not isinstance(X, MolGraphs):
        raise TypeError(
            f"Expected MolGraphs, got {type(X).__name__}. The featurizer of a consensus pipeline "
            "must be a MolGraphizer(molecule_features=...)."
        )
    return X
