"""Pictures for logs."""

from typing import Any

import numpy as np

_INCHES = 4
_COLUMNS = 3
_MOST_PANELS = 12
_DPI = 80


def draw_predictions(measured: np.ndarray, predicted: np.ndarray, molecules: str) -> Any:
    """Draw predicted against measured, a panel a task, for the first twelve.

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
    n_shown = min(n_tasks, _MOST_PANELS)
    n_columns = min(n_shown, _COLUMNS)
    n_rows = -(-n_shown // n_columns)
    size = (_INCHES * n_columns, _INCHES * n_rows)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).flatten()
    for panel in panels[n_shown:]:
        panel.remove()
    for task, panel in enumerate(panels[:n_shown]):
        there = ~np.isnan(measured[:, task])
        if there.any():
            PredictionErrorDisplay(
                y_true=measured[there, task], y_pred=predicted[there, task]
            ).plot(ax=panel, kind="actual_vs_predicted", scatter_kwargs={"s": 8, "alpha": 0.6})
        panel.set(xlabel="predicted", ylabel="measured")
        which = f", task {task} of {n_tasks}" if n_tasks > 1 else ""
        panel.set_title(f"{int(there.sum())} {molecules}{which}")
    return figure
