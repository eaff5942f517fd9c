"""The pipeline that combines a graph network, a kernel method and boosted trees."""

from typing import Any

from sklearn.pipeline import Pipeline

from skchem_dl.features import MolFeatureUnion, MolGraphizer
from skchem_dl.pipelines._baselines import make_boosting_pipeline
from skchem_dl.pipelines._consensus import ConsensusClassifier, ConsensusRegressor
from skchem_dl.pipelines._factories import build_pipeline, choose_estimator
from skchem_dl.pipelines._graph_views import FoldedCounts, GraphsAlone, MoleculeFeatures
from skchem_dl.pipelines._kernel import make_kernel_pipeline
from skchem_dl.pipelines._networks import make_gnn_pipeline
from skchem_dl.pipelines._sample import RandomSample


def make_consensus_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    network_params: dict[str, Any] | None = None,
    max_kernel_rows: int = 5000,
    n_jobs: int | None = None,
    random_state: Any = None,
    **params: Any,
) -> Pipeline:
    """A graph network, kernel methods and boosted trees, weighted by out-of-fold predictions.

    The members are the estimators of `make_gnn_pipeline`, `make_kernel_pipeline` and
    `make_boosting_pipeline`, named "network", "kernel" and "trees", and "embedding", the kernel
    method on embeddings by the weights that the network starts from (unless it starts from none).
    Graphs, fingerprint and descriptors of each molecule are computed once and shared by all.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Whether y is of numbers or of classes.
    featurizer : transformer, default=None
        Instead of ``MolGraphizer(molecule_features=MolFeatureUnion())``: another `MolGraphizer`
        with molecule features. "kernel" and "trees" see these, the others the graphs.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featurizer, if given.
    network_params : dict, default=None
        For `make_gnn_pipeline`, which makes the network: ``{"max_epochs": 30}``, for instance.
    max_kernel_rows : int, default=5000
        The kernel methods are fitted on at most so many molecules, drawn at random, as their memory
        grows with the square of the number. The weights account for the resulting loss of accuracy.
    n_jobs : int, default=None
        Worker processes of the featurizer, unless one is given, and of the fits.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds and of all members.
    **params
        For `ConsensusRegressor` or `ConsensusClassifier`: `cv`, `shrinkage` and `estimators`, a
        list of other members, which take `MolGraphs`.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `ConsensusRegressor` or
        `ConsensusClassifier`).

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    ConsensusRegressor, ConsensusClassifier : How members are weighted, and any others combined.
    make_baselines : Each kind of model by itself, and simpler ones.

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import make_consensus_pipeline
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> model = make_consensus_pipeline(network_params={"max_epochs": 2}, cv=2, random_state=0)
    >>> mean, std = model.fit(X[:50], y[:50]).predict(X[50:53], return_std=True)
    >>> list(model["estimator"].oof_errors_)
    ['network', 'embedding', 'kernel', 'trees', 'consensus']
    """
    consensus = choose_estimator(task, ConsensusRegressor, ConsensusClassifier)
    members = _members(task, network_params or {}, max_kernel_rows, folded=featurizer is None)
    estimator = consensus(
        **{"estimators": members, "n_jobs": n_jobs, "random_state": random_state, **params}
    )
    default = MolGraphizer(molecule_features=MolFeatureUnion(n_jobs=n_jobs), n_jobs=n_jobs)
    return build_pipeline(featurizer, default, on_invalid, estimator)


def _members(
    task: str, network_params: dict[str, Any], max_kernel_rows: int, *, folded: bool
) -> list[tuple[str, Pipeline]]:
    """Return the estimators by name, each behind what takes its part of the graphs."""
    from skchem_dl.pretraining import PretrainedEmbedder  # imports torch

    network = make_gnn_pipeline(task, **network_params)["estimator"]
    trees = make_boosting_pipeline(task)["estimator"]
    fold = [("fold", FoldedCounts())] if folded else []
    steps = {
        "network": [("graphs", GraphsAlone()), ("estimator", network)],
        "embedding": [
            ("embedder", PretrainedEmbedder(network.pretrained, on_invalid="nan")),
            ("estimator", _kernel_method(task, max_kernel_rows)),
        ],
        "kernel": [
            ("features", MoleculeFeatures()),
            ("estimator", _kernel_method(task, max_kernel_rows)),
        ],
        "trees": [("features", MoleculeFeatures()), *fold, ("estimator", trees)],
    }
    if network._resolve_pretrained() is None:
        del steps["embedding"]
    return [(name, Pipeline(its_steps)) for name, its_steps in steps.items()]


def _kernel_method(task: str, max_rows: int) -> Any:
    kernel = make_kernel_pipeline(task)["estimator"]
    return kernel.set_params(estimator=RandomSample(kernel.estimator, max_rows))
