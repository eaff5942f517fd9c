"""What all factories do: choose an estimator by task, and put it behind a featurizer."""

from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skchem_dl.features._kinds import gives_descriptors
from skchem_dl.preprocessing import DescriptorScaler

_TASKS = ("regression", "classification")


def choose_estimator(task: str, regression: Any, classification: Any) -> Any:
    """Give what belongs to a task.

    Parameters
    ----------
    task : {"regression", "classification"}
    regression, classification : any

    Returns
    -------
    One of the two.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    if task not in _TASKS:
        raise ValueError(f"task={task!r}; expected one of {_TASKS}.")
    return regression if task == "regression" else classification


def build_pipeline(
    featurizer: Any,
    default: Any,
    on_invalid: str | None,
    estimator: Any,
    *,
    scaler: DescriptorScaler | None = None,
) -> Pipeline:
    """Put an estimator behind a featurizer.

    Parameters
    ----------
    featurizer : transformer or None
        As the user gave it; left as it is.
    default : transformer
        Instead of None.
    on_invalid : {"raise", "nan"} or None
        Set on a copy of the featuriser, where given.
    estimator : estimator
    scaler : DescriptorScaler, optional
        Put before the estimator if the featurizer gives descriptors.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator", and a "scaler" between them if it needs one.
    """
    chosen = default if featurizer is None else featurizer
    if on_invalid is not None:
        chosen = clone(chosen).set_params(on_invalid=on_invalid)
    steps = [("featurizer", chosen), ("estimator", estimator)]
    if scaler is not None and gives_descriptors(chosen):
        steps.insert(1, ("scaler", scaler))
    return Pipeline(steps)
