"""Pipelines from SMILES: a featuriser, and an estimator that suits it."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import Pipeline

from skchem_dl.features import (
    MolGraphizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.pipelines._skip_invalid import SkipInvalidRows

_TASKS = ("regression", "classification")


def make_mlp_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """Morgan count fingerprints into a multi-layer perceptron.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter(counts=True)``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `FingerprintMLPRegressor` or `FingerprintMLPClassifier`.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator".

    Examples
    --------
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> model = make_mlp_pipeline(max_epochs=5, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCCO", "c1ccccc1"], [1.1, 0.6, 0.0, -1.6]).predict(["CO"]).shape
    (1,)
    """
    from skchem_dl.estimators import FingerprintMLPClassifier, FingerprintMLPRegressor

    estimator = _choose(task, FingerprintMLPRegressor, FingerprintMLPClassifier)(**params)
    return _pipeline(featurizer, MorganFingerprinter(counts=True), on_invalid, estimator)


def make_cnn_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """SMILES tokens into a convolutional network.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
    featurizer : transformer, default=None
        Instead of ``SmilesTokenizer()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `SmilesCNNRegressor` or `SmilesCNNClassifier`.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator".

    Examples
    --------
    >>> from skchem_dl.pipelines import make_cnn_pipeline
    >>> model = make_cnn_pipeline("classification", max_epochs=5, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCC", "c1ccccc1"], [1, 1, 0, 0]).predict_proba(["CO"]).shape
    (1, 2)
    """
    from skchem_dl.estimators import SmilesCNNClassifier, SmilesCNNRegressor

    estimator = _choose(task, SmilesCNNRegressor, SmilesCNNClassifier)(**params)
    return _pipeline(featurizer, SmilesTokenizer(), on_invalid, estimator)


def make_gnn_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """Molecular graphs into a graph neural network.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
    featurizer : transformer, default=None
        Instead of ``MolGraphizer()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `MolGNNRegressor` or `MolGNNClassifier`.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator".

    Examples
    --------
    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> model = make_gnn_pipeline(max_epochs=5, random_state=0, on_invalid="nan")
    >>> model.fit(["CCO", "CCCO", "CCCCO", "c1ccccc1"], [1.1, 0.6, 0.0, -1.6]).predict(["CO"]).shape
    (1,)
    """
    from skchem_dl.estimators import MolGNNClassifier, MolGNNRegressor

    estimator = _choose(task, MolGNNRegressor, MolGNNClassifier)(**params)
    return _pipeline(featurizer, MolGraphizer(), on_invalid, estimator)


def make_linear_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """Morgan count fingerprints into a linear model: the baseline to beat first.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Ridge regression, its penalty chosen by leave-one-out, or logistic regression.
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter(counts=True)``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.linear_model.RidgeCV` or `LogisticRegression`.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).

    Examples
    --------
    >>> from skchem_dl.pipelines import make_linear_pipeline
    >>> model = make_linear_pipeline(alphas=[1.0])
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"]).shape
    (1,)
    """
    if _choose(task, True, False):
        estimator = RidgeCV(**{"alphas": np.logspace(-1, 4, 11), **params})
    else:
        estimator = LogisticRegression(**{"max_iter": 1000, **params})
    return _pipeline(
        featurizer, MorganFingerprinter(counts=True), on_invalid, SkipInvalidRows(estimator)
    )


def make_forest_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """RDKit descriptors into a random forest: the baseline that is hard to beat.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
    featurizer : transformer, default=None
        Instead of ``RDKitDescriptors()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.ensemble.RandomForestRegressor` or `RandomForestClassifier`; a third of the
        features a split, unless `max_features` says otherwise.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).

    Examples
    --------
    >>> from skchem_dl.pipelines import make_forest_pipeline
    >>> model = make_forest_pipeline(n_estimators=10, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"]).shape
    (1,)
    """
    forest = _choose(task, RandomForestRegressor, RandomForestClassifier)
    estimator = forest(**{"n_estimators": 200, "max_features": 0.33, **params})
    return _pipeline(featurizer, RDKitDescriptors(), on_invalid, SkipInvalidRows(estimator))


def make_pca_pipeline(
    *, featurizer: Any = None, on_invalid: str | None = None, **params: Any
) -> Pipeline:
    """Morgan fingerprints into their principal components: a map of the molecules.

    Parameters
    ----------
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.decomposition.PCA`; two components, unless `n_components` says otherwise.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).

    Examples
    --------
    >>> from skchem_dl.pipelines import make_pca_pipeline
    >>> make_pca_pipeline().fit_transform(["CCO", "CCCO", "c1ccccc1"]).shape
    (3, 2)
    """
    estimator = PCA(**{"n_components": 2, **params})
    return _pipeline(featurizer, MorganFingerprinter(), on_invalid, SkipInvalidRows(estimator))


def make_cluster_pipeline(
    *, featurizer: Any = None, on_invalid: str | None = None, **params: Any
) -> Pipeline:
    """Morgan fingerprints into k-means clusters.

    Parameters
    ----------
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.cluster.KMeans`; eight clusters, unless `n_clusters` says otherwise.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).

    Examples
    --------
    >>> from skchem_dl.pipelines import make_cluster_pipeline
    >>> clusters = make_cluster_pipeline(n_clusters=2, random_state=0)
    >>> clusters.fit_predict(["CCO", "CCCO", "c1ccccc1", "c1ccccc1C"]).shape
    (4,)
    """
    estimator = KMeans(**params)
    return _pipeline(featurizer, MorganFingerprinter(), on_invalid, SkipInvalidRows(estimator))


def _choose(task: str, regression: Any, classification: Any) -> Any:
    if task not in _TASKS:
        raise ValueError(f"task={task!r}; expected one of {_TASKS}.")
    return regression if task == "regression" else classification


def _pipeline(featurizer: Any, default: Any, on_invalid: str | None, estimator: Any) -> Pipeline:
    chosen = default if featurizer is None else featurizer
    if on_invalid is not None:
        chosen = clone(chosen).set_params(on_invalid=on_invalid)
    return Pipeline([("featurizer", chosen), ("estimator", estimator)])
