"""A finished search in TensorBoard's HPARAMS tab."""

from collections.abc import Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone

from skchem_dl.callbacks._run import plain, short
from skchem_dl.callbacks._run_folder import (
    make_run_folder,
    open_writer,
    require_tensorboard,
    write_hparams,
    write_json,
    write_table,
)


class _Candidate(NamedTuple):
    params: dict[str, Any]  # those that were searched over
    scores: dict[str, float]


def log_search(search: Any, log_dir: str | Path, *, run_name: str | None = None) -> Path:
    """Write a finished search for TensorBoard, one row of the HPARAMS tab a candidate.

    Every candidate has a folder with its scores (mean and standard deviation over the splits) and
    the parameters of the whole pipeline (``params.json``, for `set_params`); beside them,
    ``candidates.csv`` is the same as a table and ``best_params.json`` has the winner. Open
    TensorBoard on the folder that is given back: opened on its parent, the tab also shows the
    single fits that are logged there.

    Parameters
    ----------
    search : fitted search
        `GridSearchCV`, `RandomizedSearchCV`, a halving search, Optuna's `OptunaSearchCV`, or an
        Optuna `Study`. All candidates of a halving search are there, also those of early rounds.
    log_dir : path
        The search gets a folder of its own in here.
    run_name : str, default=None
        Its name; None takes the class of the search.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        If the search is not finished, or no candidate of it has a score.
    TypeError
        If it is no search.

    See Also
    --------
    TensorBoardLogger : The course of single fits.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skchem_dl.callbacks import log_search
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> model = make_mlp_pipeline(max_epochs=2, random_state=0)
    >>> search = GridSearchCV(model, {"estimator__lr": [1e-3, 1e-2]}, cv=2).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = sorted(path.name for path in log_search(search, folder).iterdir())
    >>> found
    ['best_params.json', 'candidate-0', 'candidate-1', 'candidates.csv']
    """
    require_tensorboard()
    candidates = list(_candidates(search))
    if not any(_has_score(candidate) for candidate in candidates):
        raise ValueError(
            f"None of the {len(candidates)} candidates of this {type(search).__name__} has a score."
        )
    folder = make_run_folder(log_dir, run_name or type(search).__name__)
    base = getattr(search, "estimator", None)
    digits = len(str(len(candidates) - 1))
    for number, candidate in enumerate(candidates):
        place = folder / f"candidate-{number:0{digits}d}"
        place.mkdir()
        params = _all_params(base, candidate.params)
        write_json(place / "params.json", params)
        writer = open_writer(place)
        write_hparams(writer, params, candidate.scores)
        writer.close()
    table = [{**{k: short(v) for k, v in c.params.items()}, **c.scores} for c in candidates]
    write_table(folder / "candidates.csv", table)
    for name in ("best_params_", "best_params"):  # neither with several metrics and refit=False
        if hasattr(search, name):
            write_json(folder / "best_params.json", _plain_items(getattr(search, name)))
    return folder


def _candidates(search: Any) -> Iterator[_Candidate]:
    study = getattr(search, "study_", search)  # OptunaSearchCV's own cv_results_ has no parameters
    if hasattr(study, "trials"):
        return _of_optuna(study)
    if hasattr(search, "cv_results_"):
        return _of_scikit_learn(search.cv_results_)
    if any(hasattr(search, name) for name in ("param_grid", "param_distributions")):
        raise ValueError(f"This {type(search).__name__} is not fitted yet.")
    raise TypeError(
        f"log_search expects a finished search (GridSearchCV, OptunaSearchCV, an Optuna Study, "
        f"...), got {type(search).__name__}."
    )


def _of_scikit_learn(results: Mapping[str, Any]) -> Iterator[_Candidate]:
    names = [name for name in results if name.startswith(("mean_", "std_", "rank_"))]
    names += [name for name in ("iter", "n_resources") if name in results]  # halving
    for number, params in enumerate(results["params"]):
        yield _Candidate(dict(params), {name: float(results[name][number]) for name in names})


def _of_optuna(study: Any) -> Iterator[_Candidate]:
    if len(study.directions) > 1:
        raise ValueError(
            f"log_search takes a study of one objective; this one has {len(study.directions)}."
        )
    for trial in study.trials:
        if trial.state.name != "COMPLETE":  # one that was pruned has the value of an early epoch
            continue
        attributes = {
            name: float(value)
            for name, value in trial.user_attrs.items()
            if name.startswith(("mean_", "std_")) and isinstance(value, Real)
        }
        yield _Candidate(dict(trial.params), attributes or {"value": float(trial.value)})


def _has_score(candidate: _Candidate) -> bool:
    scores = [v for k, v in candidate.scores.items() if k.startswith("mean_test_") or k == "value"]
    return bool(np.isfinite(scores).any())


def _all_params(base: BaseEstimator | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parameters searched over, then all others of the pipeline with its parts' names."""
    shown = _plain_items(params)
    if base is None:
        return shown
    own = {name: clone(value, safe=False) for name, value in params.items()}
    every = clone(base).set_params(**own).get_params(deep=True)
    for name, value in every.items():
        is_part = hasattr(value, "get_params") or any(n.startswith(f"{name}__") for n in every)
        if name not in shown and not is_part and name not in ("steps", "memory", "transform_input"):
            shown[name] = plain(value)
    return shown


def _plain_items(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in params.items()}
