"""How good an epoch's outputs are, quickly and around gaps."""

import numpy as np
from scipy.stats import rankdata


def regression_metrics(measured: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Give root mean squared error, mean absolute error and R².

    Parameters
    ----------
    measured, predicted : ndarray of shape (n, t)
        In the units of y; NaN where there was no measurement.

    Returns
    -------
    dict of str to float
        Of several tasks the mean R² of those where it is defined and, as units may differ, errors
        a task: ``rmse_0``, ... NaN where nothing was measured, or for R² all values are equal.
    """
    errors = predicted - measured
    counts = (~np.isnan(errors)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of what is not defined: NaN
        squared = np.nansum(errors**2, axis=0) / counts
        absolute = np.nansum(np.abs(errors), axis=0) / counts
        centred = measured - np.nansum(measured, axis=0) / counts
        spread = np.nansum(centred**2, axis=0) / counts
        r2 = np.where(spread > 0, 1 - squared / spread, np.nan)
    defined = r2[~np.isnan(r2)]
    mean_r2 = float(defined.mean()) if len(defined) else float("nan")
    if len(squared) == 1:
        return {"rmse": float(np.sqrt(squared[0])), "mae": float(absolute[0]), "r2": mean_r2}
    tasks = range(len(squared))
    return {
        "r2": mean_r2,
        **{f"rmse_{task}": float(np.sqrt(squared[task])) for task in tasks},
        **{f"mae_{task}": float(absolute[task]) for task in tasks},
    }


def classification_metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Give the area under the ROC curve and the accuracy.

    Parameters
    ----------
    labels : ndarray of shape (n, t)
        0, 1, and NaN for "not measured"; of several classes one column each.
    probabilities : ndarray of shape (n, t)
        Of being 1.

    Returns
    -------
    dict of str to float
        The area is the mean over the columns that have both 0 and 1, NaN if none has.
    """
    areas = [
        area_under_roc(column[there], values[there])
        for column, values, there in zip(
            labels.T, probabilities.T, ~np.isnan(labels.T), strict=True
        )
    ]
    defined = [area for area in areas if not np.isnan(area)]
    there = ~np.isnan(labels)
    right = (probabilities > 0.5) == (labels == 1)
    return {
        "roc_auc": float(np.mean(defined)) if defined else float("nan"),
        "accuracy": float(right[there].mean()) if there.any() else float("nan"),
    }


def area_under_roc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Give the chance that a positive scores higher than a negative, ties counting half.

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
