"""Pipelines from SMILES to the predictions of models that a network has to beat."""

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import Pipeline

from skchem_dl.features import MolFeatureUnion, MorganFingerprinter, RDKitDescriptors
from skchem_dl.pipelines._factories import build_pipeline, choose_estimator
from skchem_dl.pipelines._kernel import make_kernel_pipeline
from skchem_dl.pipelines._neighbors import make_neighbors_pipeline
from skchem_dl.pipelines._skip_invalid import SkipInvalidRows
from skchem_dl.preprocessing import DescriptorScaler

# benchmarks/baselines.md says how they were chosen.
_BOOSTING = {
    "max_iter": 500,
    "learning_rate": 0.05,
    "max_features": 0.1,
    "max_bins": 64,
    "early_stopping": False,
}


def make_baselines(
    task: str = "regression",
    *,
    on_invalid: str | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> dict[str, Pipeline]:
    """Return every baseline by its name, for `skchem_dl.model_selection.compare`.

    All take several targets with gaps. Those of scikit-learn then fit one model for each target, on
    the molecules where it is measured.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Whether y is of numbers or of classes.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featurisers, where given.
    n_jobs : int, default=None
        Worker processes of the featurisers and threads of the forest. Leave it at None where
        several models are fitted at once, as by ``compare(..., n_jobs=2)``.
    random_state : int, RandomState instance or None, default=None
        Seed of those that draw random numbers.

    Returns
    -------
    dict of str to Pipeline
        From the simplest to the strongest.

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    skchem_dl.model_selection.compare : Cross-validates them and your models on the same folds.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_baselines
    >>> list(make_baselines(random_state=0))
    ['mean', 'neighbors', 'linear', 'gradient descent', 'forest', 'boosting', 'kernel']
    """
    seed = {"random_state": random_state}
    pipelines = {
        "mean": make_mean_pipeline(task, on_invalid=on_invalid),
        "neighbors": make_neighbors_pipeline(task, on_invalid=on_invalid),
        "linear": make_linear_pipeline(task, on_invalid=on_invalid),
        "gradient descent": make_gradient_descent_pipeline(task, on_invalid=on_invalid, **seed),
        "forest": make_forest_pipeline(task, on_invalid=on_invalid, n_jobs=n_jobs, **seed),
        "boosting": make_boosting_pipeline(task, on_invalid=on_invalid, **seed),
        "kernel": make_kernel_pipeline(task, on_invalid=on_invalid),
    }
    for pipeline in pipelines.values():
        pipeline.set_params(featurizer__n_jobs=n_jobs)
    return pipelines


def make_mean_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """The mean of y for every molecule, or each class as often as it occurred: the zero mark.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Whether y is of numbers or of classes.
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter()``, which here only tells what is no molecule.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.dummy.DummyRegressor` or `DummyClassifier`.

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
    make_baselines : This and the other baselines.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_mean_pipeline
    >>> make_mean_pipeline().fit(["CCO", "CCCO"], [1.0, 3.0]).predict(["c1ccccc1"])
    array([2.])
    """
    if choose_estimator(task, True, False):
        estimator = DummyRegressor(**params)
    else:
        estimator = DummyClassifier(**params)
    return build_pipeline(
        featurizer, MorganFingerprinter(), on_invalid, SkipInvalidRows(estimator, per_target=True)
    )


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
        Raw descriptors (`RDKitDescriptors`, alone or in a union) get a `DescriptorScaler` between
        them, the step "scaler".

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    make_gradient_descent_pipeline : The same kind of model, trained step by step.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_linear_pipeline
    >>> model = make_linear_pipeline(alphas=[1.0])
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"]).shape
    (1,)
    """
    if choose_estimator(task, True, False):
        estimator = RidgeCV(**{"alphas": np.logspace(-1, 4, 11), **params})
    else:
        estimator = LogisticRegression(**{"max_iter": 1000, **params})
    return build_pipeline(
        featurizer,
        MorganFingerprinter(counts=True),
        on_invalid,
        SkipInvalidRows(estimator, per_target=True),
        scaler=DescriptorScaler(),
    )


def make_gradient_descent_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """Morgan count fingerprints into a linear model that is trained by gradient descent.

    It is a network without hidden layers, trained as the others are: loss curves, early stopping,
    several targets with gaps. ``optimizer="sgd", momentum=0.0`` makes it plain stochastic gradient
    descent. `make_linear_pipeline` finds the minimum itself, and its penalty.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Linear regression by mean squared error, or logistic regression.
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
        Raw descriptors (`RDKitDescriptors`, alone or in a union) get a `DescriptorScaler` between
        them, the step "scaler".

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    make_linear_pipeline : The same kind of model, solved at once.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_gradient_descent_pipeline
    >>> model = make_gradient_descent_pipeline(max_epochs=5, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"]).shape
    (1,)
    """
    from skchem_dl.estimators import FingerprintMLPClassifier, FingerprintMLPRegressor

    network = choose_estimator(task, FingerprintMLPRegressor, FingerprintMLPClassifier)
    estimator = network(hidden_dims=(), **params)
    return build_pipeline(
        featurizer,
        MorganFingerprinter(counts=True),
        on_invalid,
        estimator,
        scaler=DescriptorScaler(),
    )


def make_forest_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """RDKit descriptors into a random forest: the baseline that is hard to beat.

    ``featurizer=MolFeatureUnion()`` puts Morgan count fingerprints beside the descriptors. The fit
    takes three times as long; on 1,400 molecules of the lipophilicity set that lowered the error by
    1.5 % (two folds), on ESOL and FreeSolv it did not.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Whether y is of numbers or of classes.
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

    Raises
    ------
    ValueError
        If there is no such task.

    See Also
    --------
    make_boosting_pipeline : Trees that mend each other's errors, where these are averaged.

    References
    ----------
    .. [1] Svetnik, V.; Liaw, A.; Tong, C.; Culberson, J. C.; Sheridan, R. P.; Feuston, B. P. Random
       Forest: A Classification and Regression Tool for Compound Classification and QSAR Modeling.
       J. Chem. Inf. Comput. Sci. 2003, 43, 1947-1958. https://doi.org/10.1021/ci034160g

    Examples
    --------
    >>> from skchem_dl.pipelines import make_forest_pipeline
    >>> model = make_forest_pipeline(n_estimators=10, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"]).shape
    (1,)
    """
    forest = choose_estimator(task, RandomForestRegressor, RandomForestClassifier)
    estimator = forest(**{"n_estimators": 200, "max_features": 0.33, **params})
    return build_pipeline(
        featurizer, RDKitDescriptors(), on_invalid, SkipInvalidRows(estimator, per_target=True)
    )


def make_boosting_pipeline(
    task: str = "regression",
    *,
    featurizer: Any = None,
    on_invalid: str | None = None,
    **params: Any,
) -> Pipeline:
    """Morgan count fingerprints and RDKit descriptors into gradient-boosted trees.

    On folds of six public sets the error is that of LightGBM on counts and descriptors
    (`benchmarks/baselines.md`): 5 % smaller than that of scikit-learn's defaults on descriptors. A
    fit on 3,400 molecules takes ten seconds of one core. The fingerprint has 512 columns:
    1,024 take twice as long for no smaller error.

    Parameters
    ----------
    task : {"regression", "classification"}, default="regression"
        Whether y is of numbers or of classes.
    featurizer : transformer, default=None
        Instead of a `MolFeatureUnion` of ``MorganFingerprinter(fp_size=512, counts=True)``,
        "fingerprint", and ``RDKitDescriptors()``, "properties".
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.ensemble.HistGradientBoostingRegressor` or `HistGradientBoostingClassifier`;
        500 trees at a learning rate of 0.05 without early stopping, a tenth of the features a
        split, and 64 bins, unless they say otherwise.

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
    make_forest_pipeline : Trees that are averaged.

    References
    ----------
    .. [1] Friedman, J. H. Greedy Function Approximation: A Gradient Boosting Machine. Ann. Stat.
       2001, 29, 1189-1232. https://doi.org/10.1214/aos/1013203451

    Examples
    --------
    >>> from skchem_dl.pipelines import make_boosting_pipeline
    >>> model = make_boosting_pipeline(max_iter=10, random_state=0)
    >>> model.fit(["CCO", "CCCO", "CCCCO"], [1.1, 0.6, 0.0]).predict(["CCO"]).shape
    (1,)
    """
    trees = choose_estimator(task, HistGradientBoostingRegressor, HistGradientBoostingClassifier)
    estimator = trees(**_BOOSTING | params)
    features = MolFeatureUnion(
        [
            ("fingerprint", MorganFingerprinter(fp_size=512, counts=True)),
            ("properties", RDKitDescriptors()),
        ]
    )
    return build_pipeline(
        featurizer, features, on_invalid, SkipInvalidRows(estimator, per_target=True)
    )
