"""What is worth searching over, for each kind of estimator."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial


class _Range(NamedTuple):
    low: float
    high: float
    log: bool = False


# A dozen candidates each, the defaults among them.
_SMALL: dict[str, dict[str, list]] = {
    "_FingerprintMLP": {
        "hidden_dims": [(256,), (512, 128), (1024, 256)],
        "dropout": [0.2, 0.5],
        "lr": [1e-3, 3e-3],
    },
    "_SmilesCNN": {
        "n_filters": [64, 128],
        "dropout": [0.2, 0.5],
        "lr": [5e-4, 1e-3, 2e-3],
    },
    "_MolGNN": {
        "n_layers": [3, 5],
        "dropout": [0.0, 0.2],
        "lr": [5e-4, 1e-3, 2e-3],
    },
    "BaseForest": {
        "max_features": [0.1, 0.33, "sqrt"],
        "min_samples_leaf": [1, 2, 5],
    },
    "LogisticRegression": {"C": [1e-3, 1e-2, 0.1, 1.0, 10.0]},
    "RidgeCV": {},  # it chooses its penalty itself, as does the next
    "LogisticRegressionCV": {},
}
_LARGE: dict[str, dict[str, list | _Range]] = {
    "_FingerprintMLP": {
        "hidden_dims": [(128,), (256,), (512,), (256, 64), (512, 128), (1024, 256), (512, 256, 64)],
        "activation": ["relu", "gelu"],
        "dropout": _Range(0.0, 0.6),
        "batch_norm": [False, True],
        "lr": _Range(1e-4, 1e-2, log=True),
        "weight_decay": _Range(1e-5, 1e-1, log=True),
        "batch_size": [32, 64, 128],
    },
    "_SmilesCNN": {
        "embedding_dim": [32, 64, 128],
        "n_filters": [32, 64, 128],
        "kernel_sizes": [(3,), (5,), (3, 5, 7), (3, 7, 11)],
        "n_layers": [1, 2, 3],
        "pooling": ["max", "mean"],
        "head_dims": [(), (128,), (256,), (256, 64)],
        "dropout": _Range(0.0, 0.5),
        "lr": _Range(1e-4, 1e-2, log=True),
        "weight_decay": _Range(1e-6, 1e-2, log=True),
        "batch_size": [32, 64, 128],
    },
    "_MolGNN": {
        "conv": ["dmpnn", "gine", "gatv2", "attentivefp"],  # those that see bonds, but for "mpnn"
        "hidden_dim": [64, 128, 200, 300, 400],
        "n_layers": [2, 3, 4, 5, 6],
        "readout": ["sum_mean_max", "mean", "sum", "attention"],
        "dropout": _Range(0.0, 0.4),
        "lr": _Range(1e-4, 3e-3, log=True),
        "weight_decay": _Range(1e-6, 1e-2, log=True),
        "batch_size": ["auto", 32, 64, 128],
    },
    "BaseForest": {
        "max_features": _Range(0.05, 1.0),
        "min_samples_leaf": [1, 2, 3, 5, 10],
        "max_depth": [None, 10, 20],
    },
    "LogisticRegression": {"C": _Range(1e-4, 1e2, log=True)},
    "RidgeCV": {},
    "LogisticRegressionCV": {},
}
_ARCHITECTURE = ("conv", "hidden_dim", "n_layers", "readout")
_HEADS = [(300,), (300, 300)]  # of pretrained networks, which have a new one
_SIZES: dict[str, Mapping[str, Mapping[str, list | _Range]]] = {"small": _SMALL, "large": _LARGE}
_LIBRARIES = ("sklearn", "optuna")


def param_space(
    estimator: BaseEstimator, size: str = "small", *, library: str = "sklearn"
) -> dict[str, Any]:
    """Give the parameters that are worth searching over, and their values.

    The small spaces are grids of a dozen candidates, the defaults among them, for a first look. The
    large ones have seven to ten parameters, learning rates and penalties as continuous ranges, and
    are to be sampled, 30 to 100 times. Networks stay small enough for a few processor cores. Those
    that start from pretrained weights keep their architecture, but for the head, which is new.

    Parameters
    ----------
    estimator : estimator or Pipeline
        One of the six networks, a random forest, `LogisticRegression` or `RidgeCV` (whose space is
        empty: it chooses its penalty itself), alone or anywhere inside a pipeline. Its own
        parameters stay what they are unless they are in the space.
    size : {"small", "large"}, default="small"
        A grid for a first look, or ranges to be sampled.
    library : {"sklearn", "optuna"}, default="sklearn"
        For `GridSearchCV` (small) and `RandomizedSearchCV` lists and scipy distributions; for
        `OptunaSearchCV`, `study.ask` and `suggest_params` Optuna's distributions, which need the
        extra ``tune``.

    Returns
    -------
    dict of str to list or distribution
        By parameter, with the prefix that it has in `estimator`: ``"estimator__lr"``.

    Raises
    ------
    TypeError
        If there is no estimator inside that is known.
    ValueError
        If there are several, or for another size or library.
    ImportError
        If Optuna is asked for and not installed.

    See Also
    --------
    suggest_params : The parameters of one trial of an Optuna study.
    skchem_dl.callbacks.OptunaPruning : Ends hopeless trials early.

    Notes
    -----
    Epochs are not in the spaces: `HalvingGridSearchCV` takes them as its resource. Nor are the
    parameters of featurisers, so that molecules can be featurised once; add yours with
    ``space | {"featurizer__radius": [1, 2]}``.

    For Optuna, tuples (`hidden_dims`, `kernel_sizes`, `head_dims`) are lists. Its storages keep
    them, although it warns on reading them that they might not.

    References
    ----------
    .. [1] Heid, E. et al. Chemprop: A Machine Learning Package for Chemical Property Prediction.
       J. Chem. Inf. Model. 2024, 64, 9-17. https://doi.org/10.1021/acs.jcim.3c01250
       (for the ranges of graph networks)

    Examples
    --------
    >>> from skchem_dl.model_selection import param_space
    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> for name, values in param_space(make_gnn_pipeline()).items():
    ...     print(name, values)
    estimator__head_dims [(300,), (300, 300)]
    estimator__dropout [0.0, 0.2]
    estimator__lr [0.0005, 0.001, 0.002]
    """
    if size not in _SIZES:
        raise ValueError(f"size={size!r}; expected one of {tuple(_SIZES)}.")
    if library not in _LIBRARIES:
        raise ValueError(f"library={library!r}; expected one of {_LIBRARIES}.")
    prefix, model, kind = _find_model(estimator)
    space: dict[str, Any] = dict(_SIZES[size][kind])
    if getattr(model, "pretrained", None) is not None:  # its weights decide the architecture
        rest = {name: values for name, values in space.items() if name not in _ARCHITECTURE}
        space = {"head_dims": _HEADS, **rest}
    elif "conv" in space:
        space["hidden_dim"] = _divisible(space["hidden_dim"], model.n_heads)
    convert: Callable[[Any], Any] = _for_sklearn if library == "sklearn" else _for_optuna
    return {f"{prefix}{name}": convert(values) for name, values in space.items()}


def suggest_params(trial: "BaseTrial", space: Mapping[str, "BaseDistribution"]) -> dict[str, Any]:
    """Let a trial of an Optuna study choose its parameters from a space.

    Parameters
    ----------
    trial : optuna.Trial
        What the objective was called with.
    space : mapping of str to optuna distribution
        From ``param_space(..., library="optuna")``.

    Returns
    -------
    dict of str to value
        For `set_params`.

    See Also
    --------
    param_space : Gives a space.

    References
    ----------
    .. [1] Akiba, T.; Sano, S.; Yanase, T.; Ohta, T.; Koyama, M. Optuna: A Next-generation
       Hyperparameter Optimization Framework. KDD 2019, 2623-2631.
       https://doi.org/10.1145/3292500.3330701

    Examples
    --------
    >>> import optuna
    >>> from sklearn.model_selection import cross_val_score
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.model_selection import param_space, suggest_params
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> optuna.logging.set_verbosity(optuna.logging.ERROR)
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> model = make_mlp_pipeline(max_epochs=2, random_state=0)
    >>> space = param_space(model, "large", library="optuna")
    >>> def objective(trial):
    ...     model.set_params(**suggest_params(trial, space))
    ...     return cross_val_score(model, X, y, cv=2).mean()
    >>> study = optuna.create_study(direction="maximize")
    >>> study.optimize(objective, n_trials=2)
    >>> best = model.set_params(**study.best_params).fit(X, y)
    """
    return {name: _suggest(trial, name, distribution) for name, distribution in space.items()}


def _find_model(estimator: BaseEstimator) -> tuple[str, Any, str]:
    """Give the prefix of the parameters of what can be tuned, itself, and its kind."""
    if not isinstance(estimator, BaseEstimator):
        raise TypeError(
            f"param_space expects an estimator or pipeline, got {estimator!r}; an instance, if "
            "that is its class."
        )
    found = list(_models_in(estimator))
    if len(found) == 1:
        return found[0]
    names = [f"{prefix}{type(model).__name__}" for prefix, model, _ in found]
    if found:
        raise ValueError(
            f"{type(estimator).__name__} holds {len(found)} estimators with a space, {names}. Ask "
            "for that of each alone, and put its prefix before the names."
        )
    raise TypeError(
        f"param_space knows no parameters of {type(estimator).__name__}. It knows the networks of "
        "skchem_dl, random forests, LogisticRegression and RidgeCV, alone or in a pipeline."
    )


def _models_in(estimator: BaseEstimator) -> Iterator[tuple[str, Any, str]]:
    parts = {f"{name}__": part for name, part in estimator.get_params().items()}
    for prefix, part in {"": estimator, **parts}.items():
        # By name, since importing our classes would import torch.
        names = (c.__name__ for c in type(part).__mro__)
        kind = next((name for name in names if name in _LARGE), None)
        if kind is not None:
            yield prefix, part, kind


def _divisible(widths: list[int], n_heads: int) -> list[int]:
    """Round widths up to what attention can share out among its heads."""
    return list(dict.fromkeys(-(-width // n_heads) * n_heads for width in widths))


def _for_sklearn(values: list | _Range) -> Any:
    if isinstance(values, list):
        return list(values)
    if values.log:
        return loguniform(values.low, values.high)
    return uniform(values.low, values.high - values.low)


def _for_optuna(values: list | _Range) -> "BaseDistribution":
    distributions = _require_optuna().distributions
    if isinstance(values, _Range):
        return distributions.FloatDistribution(values.low, values.high, log=values.log)
    with _quiet_about_lists():
        # Storages keep JSON, which has lists but no tuples.
        choices = [list(value) if isinstance(value, tuple) else value for value in values]
        return distributions.CategoricalDistribution(choices)


def _suggest(trial: "BaseTrial", name: str, distribution: "BaseDistribution") -> Any:
    distributions = _require_optuna().distributions
    if isinstance(distribution, distributions.CategoricalDistribution):
        with _quiet_about_lists():
            return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, distributions.FloatDistribution):
        suggest: Any = trial.suggest_float
    elif isinstance(distribution, distributions.IntDistribution):
        suggest = trial.suggest_int
    else:
        raise TypeError(
            f"space[{name!r}] is {distribution!r}; expected one of Optuna's distributions. Make "
            'the space with param_space(..., library="optuna").'
        )
    low, high = distribution.low, distribution.high
    return suggest(name, low, high, step=distribution.step, log=distribution.log)


@contextmanager
def _quiet_about_lists() -> Iterator[None]:
    """Leave out Optuna's warning that lists among choices may be lost; JSON keeps them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Choices for a categorical distribution should be")
        yield


def _require_optuna() -> ModuleType:
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "A space for Optuna needs the extra 'tune': pip install 'skchem_dl[tune]'."
        ) from error
    return optuna
