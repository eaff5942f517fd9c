"""What pipelines are made of."""

from typing import Any

from sklearn.pipeline import Pipeline


def last_step(estimator: Any) -> Any:
    """Give what a pipeline ends in, also one within another.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    estimator
        Itself where it is no pipeline.
    """
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    return estimator
