"""Predictions from the most similar molecules."""

from typing import Any

from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline

from skchem_dl.features import MorganFingerprinter
from skchem_dl.pipelines._factories import build_pipeline, choose_estimator
from skchem_dl.pipelines._skip_invalid import SkipInvalidRows
from skchem_dl.similarity import TanimotoNeighbors


def make_neighbors_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    n_neighbors: int = 5,
    **params: Any,
) -> Pipeline:
    """Morgan count fingerprints into the k nearest neighbours by Tanimoto distance.

    What the most similar molecules measured, the nearer the more it counts: the baseline that says
    what a model has learnt beyond looking up its training molecules.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Whether y is of numbers or of classes.
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter(counts=True)``; any fingerprints will do.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    n_neighbors : int, default=5
        How many neighbours. It is set on both steps within the estimator, "neighbors" and
        "predictor"; a search over the latter's needs the former's to be the largest of them.
    **params
        For `sklearn.neighbors.KNeighborsRegressor` or `KNeighborsClassifier`; weights are 1 /
        distance, unless `weights` says otherwise.

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
    skchem_dl.similarity.TanimotoNeighbors : Says which distance, and makes the neighbours.

    References
    ----------
    .. [1] Willett, P.; Barnard, J. M.; Downs, G. M. Chemical Similarity Searching. J. Chem. Inf.
       Comput. Sci. 1998, 38, 983-996. https://doi.org/10.1021/ci9800211

    Examples
    --------
    >>> from skchem_dl.pipelines import make_neighbors_pipeline
    >>> model = make_neighbors_pipeline(n_neighbors=2)
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"])
    array([1.1])
    """
    predictor = choose_estimator(task, KNeighborsRegressor, KNeighborsClassifier)
    options = {"weights": "distance", **params}
    estimator = Pipeline(
        [
            ("neighbors", TanimotoNeighbors(n_neighbors)),
            ("predictor", predictor(n_neighbors, metric="precomputed", **options)),
        ]
    )
    return build_pipeline(
        featurizer,
        MorganFingerprinter(counts=True),
        on_invalid,
        SkipInvalidRows(estimator, per_target=True),
    )
