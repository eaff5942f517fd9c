"""Pipelines from SMILES to a network's predictions."""

from typing import Any

from sklearn.pipeline import Pipeline

from skchem_dl.features import MolGraphizer, MorganFingerprinter, SmilesTokenizer
from skchem_dl.pipelines._factories import build_pipeline, choose_estimator
from skchem_dl.preprocessing import DescriptorScaler


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
        Whether y is of numbers or of classes.
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter(counts=True, sparse_output=True)``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `FingerprintMLPRegressor` or `FingerprintMLPClassifier`.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator".
        Raw descriptors (`RDKitDescriptors`, alone or in a union) get a `DescriptorScaler` between
        them, the step "scaler".

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    make_cnn_pipeline, make_gnn_pipeline : The other two kinds of network.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> model = make_mlp_pipeline(max_epochs=5, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCCO", "c1ccccc1"], [1.1, 0.6, 0.0, -1.6]).predict(["CO"]).shape
    (1,)
    """
    from skchem_dl.estimators import FingerprintMLPClassifier, FingerprintMLPRegressor

    estimator = choose_estimator(task, FingerprintMLPRegressor, FingerprintMLPClassifier)(**params)
    fingerprinter = MorganFingerprinter(counts=True, sparse_output=True)
    return build_pipeline(
        featurizer,
        fingerprinter,
        on_invalid,
        estimator,
        scaler=DescriptorScaler(),
    )


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
        Whether y is of numbers or of classes.
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

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    make_mlp_pipeline, make_gnn_pipeline : The other two kinds of network.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_cnn_pipeline
    >>> model = make_cnn_pipeline("classification", max_epochs=5, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCC", "c1ccccc1"], [1, 1, 0, 0]).predict_proba(["CO"]).shape
    (1, 2)
    """
    from skchem_dl.estimators import SmilesCNNClassifier, SmilesCNNRegressor

    estimator = choose_estimator(task, SmilesCNNRegressor, SmilesCNNClassifier)(**params)
    return build_pipeline(featurizer, SmilesTokenizer(), on_invalid, estimator)


def make_gnn_pipeline(
    task: str = "regression",
    *,
    pretrained: Any = "auto",
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """Molecular graphs into a graph neural network, by default a pretrained one.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Whether y is of numbers or of classes.
    pretrained : str, path, PretrainedWeights or fitted MolGNNPretrainer, default="auto"
        Weights to start from, as in `MolGNNRegressor`. "auto" is those of the package, unless a
        parameter of the architecture (`conv`, `hidden_dim`, ...) is set. None draws them at random.
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

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    make_mlp_pipeline, make_cnn_pipeline : The other two kinds of network.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> model = make_gnn_pipeline(max_epochs=5, random_state=0, on_invalid="nan")
    >>> model.fit(["CCO", "CCCO", "CCCCO", "c1ccccc1"], [1.1, 0.6, 0.0, -1.6]).predict(["CO"]).shape
    (1,)
    """
    from skchem_dl.estimators import MolGNNClassifier, MolGNNRegressor

    network = choose_estimator(task, MolGNNRegressor, MolGNNClassifier)
    estimator = network(pretrained=pretrained, **params)
    return build_pipeline(featurizer, MolGraphizer(), on_invalid, estimator)
