"""A trained network's inner vector as features for other methods."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skchem_dl._fit_tasks import CallbackSupportMixin, inner_fit, with_callbacks


class NeuralEmbedder(CallbackSupportMixin, MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Turn molecules into what a network makes of them before its head.

    Each trained network has axes of its own: embeddings of two networks, even of one trained on two
    folds, cannot be compared or stacked. Stack predictions instead, as `StackingRegressor` does.

    Parameters
    ----------
    estimator : estimator or Pipeline
        One of the six neural estimators, or a pipeline that ends in one (then `transform` takes
        what the pipeline takes, SMILES for instance). Wrap a fitted one in scikit-learn's
        `FrozenEstimator` to use it as it is.

    Attributes
    ----------
    estimator_ : estimator or Pipeline
        The fitted one.
    n_features_in_ : int
        Columns of X, where that is a matrix.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, where they had any.

    See Also
    --------
    skchem_dl.MolGNNRegressor : One of the networks; its `embed` is what this gives.
    sklearn.frozen.FrozenEstimator : Keeps a network as it is.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import NeuralEmbedder, make_gnn_pipeline
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> embedder = NeuralEmbedder(make_gnn_pipeline(max_epochs=2, random_state=0))
    >>> make_pipeline(embedder, PCA(2)).fit_transform(X, y).shape
    (257, 2)
    """

    _parameter_constraints: dict[str, list] = {"estimator": [object]}

    def __init__(self, estimator):
        self.estimator = estimator

    @property
    def n_features_in_(self) -> int:
        """Columns that the estimator was fitted on."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Their names, where they had any."""
        return self.estimator_.feature_names_in_

    @with_callbacks
    def fit(self, X: Any, y: Any = None, **params: Any) -> "NeuralEmbedder":
        """Train a clone of the network.

        Parameters
        ----------
        X : of length n
            What the estimator takes.
        y : array-like of shape (n,) or (n, t), default=None
            Targets, which the networks need.
        **params
            For the estimator's `fit`: sample_weight, groups, X_val, ...

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        TypeError
            If there is no neural estimator at the end of `estimator`.
        """
        _neural_part(self.estimator)
        if _routing_enabled():
            params = process_routing(self, "fit", **params).estimator.fit
        estimator = clone(self.estimator)
        with inner_fit(self, estimator, X, y):
            self.estimator_ = estimator.fit(X, y, **params)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Embed.

        Parameters
        ----------
        X : of length n
            What the estimator takes.

        Returns
        -------
        embedding : ndarray of shape (n, h), float32
            NaN in the rows of invalid molecules.
        """
        check_is_fitted(self)
        before, network = _neural_part(self.estimator_)
        for steps in before:
            X = steps.transform(X)
        return network.embed(X)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns: "embedding0", "embedding1", ...

        Parameters
        ----------
        input_features : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        names : ndarray of shape (h,), of str
            One for each column.
        """
        check_is_fitted(self)
        _, network = _neural_part(self.estimator_)
        return np.array([f"embedding{i}" for i in range(network.embedding_dim_)], dtype=object)

    def get_metadata_routing(self) -> MetadataRouter:
        """Route metadata to the estimator.

        Returns
        -------
        MetadataRouter
            What scikit-learn asks for where metadata routing is enabled.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _neural_part(estimator: Any) -> tuple[list[Pipeline], Any]:
    """Give the pipelines of steps before the network, if any, and the network."""
    before, network = [], estimator
    while isinstance(network, FrozenEstimator | Pipeline):
        if isinstance(network, FrozenEstimator):
            network = network.estimator
        else:
            before += [network[:-1]] if len(network) > 1 else []
            network = network[-1]
    if not hasattr(network, "embed"):
        raise TypeError(
            f"NeuralEmbedder needs one of the neural estimators, or a pipeline that ends in "
            f"one, got {type(network).__name__}."
        )
    return before, network
