"""How good an epoch's outputs are for each target, quickly and around gaps."""

import numpy as np
from scipy.stats import rankdata


def regression_metrics(measured: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Return root mean squared error, mean absolute error and R² of each target.

    Parameters
    ----------
    measured, predicted : ndarray of shape (n, t)
        In the units of y; NaN where there was no measurement.

    Returns
    -------
    dict of str to ndarray of shape (t,)
        NaN where nothing was measured, and R² also where all measured values are equal.
    """
    errors = predicted - measured
    counts = (~np.isnan(errors)).sum(axis=0)
    # Compared exactly: rounding gives equal values a spread above 0.
    constant = np.fmax.reduce(measured) == np.fmin.reduce(measured)
    with np.errstate(divide="ignore", invalid="ignore"):  # of what is not defined: NaN
        squared = np.nansum(errors**2, axis=0) / counts
        absolute = np.nansum(np.abs(errors), axis=0) / counts
        centered = measured - np.nansum(measured, axis=0) / counts
        spread = np.nansum(centered**2, axis=0) / counts
        r2 = np.where(constant, np.nan, 1 - squared / spread)
    return {"rmse": np.sqrt(squared), "mae": absolute, "r2": r2}


def classification_metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return the area under the ROC curve and the accuracy of each column of labels.

    Parameters
    ----------
    labels : ndarray of shape (n, t)
        0, 1, and NaN for "not measured"; of several classes one column each.
    probabilities : ndarray of shape (n, t)
        Of being 1.

    Returns
    -------
    dict of str to ndarray of shape (t,)
        NaN where nothing was measured, and the area also where only one of 0 and 1 was.
    """
    there = ~np.isnan(labels)
    right = ((probabilities > 0.5) == (labels == 1)) & there
    areas = [
        area_under_roc(column[rows], values[rows])
        for column, values, rows in zip(labels.T, probabilities.T, there.T, strict=True)
    ]
    with np.errstate(invalid="ignore"):
        accuracy = right.sum(axis=0) / there.sum(axis=0)
    return {"roc_auc": np.array(areas), "accuracy": accuracy}


def mean_of_defined(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN, or NaN if there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def area_under_roc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the probability that a positive scores higher than a negative, ties counting half.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        0 and 1.
    scores : ndarray of shape (n,)

    Returns
    -------
    float
        NaN where one class is missing.

    References
    ----------
    .. [1] Hanley, J. A.; McNeil, B. J. The Meaning and Use of the Area under a Receiver Operating
       Characteristic (ROC) Curve, Radiology 1982, 143, 29, doi 10.1148/radiology.143.1.7063747.
    """
    n_positive = int((labels == 1).sum())
    n_negative = len(labels) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    ranks = rankdata(scores)[labels == 1].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
