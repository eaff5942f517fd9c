"""Pictures for logs."""

from typing import Any

import numpy as np

_INCHES = 4
_DPI = 80


def draw_predictions(measured: np.ndarray, predicted: np.ndarray, molecules: str) -> Any:
    """Draw predicted against measured, a panel a task.

    Parameters
    ----------
    measured, predicted : ndarray of shape (n,) or (n, t)
        In the units of y; NaN where there was no measurement.
    molecules : str
        Which ones, for the title.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot, so it opens no window and needs no closing.
    """
    from matplotlib.figure import Figure
    from sklearn.metrics import PredictionErrorDisplay

    measured, predicted = (values.reshape(len(values), -1) for values in (measured, predicted))
    n_tasks = measured.shape[1]
    figure = Figure(figsize=(_INCHES * n_tasks, _INCHES), dpi=_DPI)
    figure.subplots_adjust(left=0.15 / n_tasks, right=0.98, bottom=0.13, wspace=0.3)
    panels = figure.subplots(1, n_tasks, squeeze=False)[0]
    for task, panel in enumerate(panels):
        there = ~np.isnan(measured[:, task])
        if there.any():
            PredictionErrorDisplay(
                y_true=measured[there, task], y_pred=predicted[there, task]
            ).plot(ax=panel, kind="actual_vs_predicted", scatter_kwargs={"s": 8, "alpha": 0.6})
        panel.set(xlabel="predicted", ylabel="measured")
        panel.set_title(f"{int(there.sum())} {molecules}" + (f", task {task}" * (n_tasks > 1)))
    return figure
