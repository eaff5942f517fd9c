"""Measured against predicted values, or what is between them."""

from typing import Any

import numpy as np
from sklearn.metrics import (
    PredictionErrorDisplay,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from skchem_dl.inspection._axes import (
    format_number,
    import_matplotlib,
    new_axes,
    text_box,
    with_unit,
)
from skchem_dl.inspection._regression import describe_rows, pair_up, predict

_FIGSIZE = (5.4, 5.0)


class MeasuredPredictedDisplay(PredictionErrorDisplay):
    """Measured against predicted values of a property, with the errors in numbers.

    scikit-learn's `PredictionErrorDisplay` for molecules: with units, error bars and a choice of
    task, without the rows that were not measured or are no molecules, which it counts. Make it with
    `from_estimator` or `from_predictions`. Predictions are on the x-axis, as they should be [1]_.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n,)
        Without NaN.
    y_std : ndarray of shape (n,), default=None
        Standard deviations of the predictions.
    unit : str, default=None
        Of the values, for axes and errors.
    estimator_name : str, default=None
        For the title.
    n_not_measured, n_not_predicted : int, default=0
        Rows left out.

    Attributes
    ----------
    scatter_ : matplotlib.collections.PathCollection
        The molecules.
    line_ : matplotlib.lines.Line2D
        Where predictions would be right.
    errorbar_ : matplotlib.container.ErrorbarContainer or None
        One standard deviation to either side.
    text_ : matplotlib.text.Text
        Numbers of molecules, RMSE, MAE and R².
    ax_ : matplotlib.axes.Axes
        Where it is drawn.
    figure_ : matplotlib.figure.Figure
        The figure around them.

    See Also
    --------
    UncertaintyCalibrationDisplay : Whether the error bars are as long as they should be.

    References
    ----------
    .. [1] Piñeiro, G., Perelman, S., Guerschman, J. P. and Paruelo, J. M. (2008). "How to evaluate
       models: Observed vs. predicted or predicted vs. observed?" Ecological Modelling, 216(3-4),
       316-322. https://doi.org/10.1016/j.ecolmodel.2008.05.006

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.inspection import MeasuredPredictedDisplay
    >>> from skchem_dl.pipelines import make_linear_pipeline
    >>> model = make_linear_pipeline().fit(*load_solubility(subset="train", return_X_y=True))
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> display = MeasuredPredictedDisplay.from_estimator(model, X, y, unit="log10(mol/L)")
    >>> print(display.text_.get_text())
    257 molecules
    RMSE = 0.761 log10(mol/L)
    MAE = 0.565 log10(mol/L)
    R² = 0.858
    """

    def __init__(
        self,
        *,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        y_std: np.ndarray | None = None,
        unit: str | None = None,
        estimator_name: str | None = None,
        n_not_measured: int = 0,
        n_not_predicted: int = 0,
    ) -> None:
        super().__init__(y_true=y_true, y_pred=y_pred)
        self.y_std = y_std
        self.unit = unit
        self.estimator_name = estimator_name
        self.n_not_measured = n_not_measured
        self.n_not_predicted = n_not_predicted

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        kind: str = "actual_vs_predicted",
        return_std: bool = False,
        task: int | str | None = None,
        unit: str | None = None,
        estimator_name: str | None = None,
        ax: Any = None,
        scatter_kwargs: dict[str, Any] | None = None,
        line_kwargs: dict[str, Any] | None = None,
    ) -> "MeasuredPredictedDisplay":
        """Predict and draw.

        Parameters
        ----------
        estimator : fitted regressor
            A pipeline, a search, or whatever else has `predict`.
        X : n molecules, or what the estimator takes
            What is predicted.
        y : array-like of shape (n,) or (n, t)
            Measured values, NaN where there are none.
        kind : {"actual_vs_predicted", "residual_vs_predicted"}, default="actual_vs_predicted"
            Residuals are measured minus predicted.
        return_std : bool, default=False
            Draw the standard deviations that an ensemble's `predict` gives as error bars.
        task : int or str, default=None
            The column of y; a name where y is a frame. Needed only where there are several.
        unit : str, default=None
            Of the values, for axes and errors.
        estimator_name : str, default=None
            For the title.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        scatter_kwargs, line_kwargs : dict, default=None
            For matplotlib's `scatter` and `plot`.

        Returns
        -------
        MeasuredPredictedDisplay
            With what it drew as attributes.

        Raises
        ------
        TypeError
            If standard deviations are asked of a model that has none.
        ValueError
            If there are several tasks and none is chosen, or if no row is both measured and
            predicted.
        """
        y_pred, y_std = predict(estimator, X, return_std=return_std)
        return cls.from_predictions(
            y,
            y_pred,
            kind=kind,
            y_std=y_std,
            task=task,
            unit=unit,
            estimator_name=estimator_name,
            ax=ax,
            scatter_kwargs=scatter_kwargs,
            line_kwargs=line_kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        kind: str = "actual_vs_predicted",
        y_std: Any = None,
        task: int | str | None = None,
        unit: str | None = None,
        estimator_name: str | None = None,
        ax: Any = None,
        scatter_kwargs: dict[str, Any] | None = None,
        line_kwargs: dict[str, Any] | None = None,
    ) -> "MeasuredPredictedDisplay":
        """Draw predictions that are there already.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n,) or (n, t)
            NaN where there is no measurement, or where the row is no molecule.
        kind : {"actual_vs_predicted", "residual_vs_predicted"}, default="actual_vs_predicted"
            Residuals are measured minus predicted.
        y_std : array-like of the same shape, default=None
            Standard deviations of the predictions, for error bars.
        task : int or str, default=None
            The column; a name where `y_true` is a frame. Needed only where there are several.
        unit : str, default=None
            Of the values, for axes and errors.
        estimator_name : str, default=None
            For the title.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        scatter_kwargs, line_kwargs : dict, default=None
            For matplotlib's `scatter` and `plot`.

        Returns
        -------
        MeasuredPredictedDisplay
            With what it drew as attributes.

        Raises
        ------
        ValueError
            If there are several tasks and none is chosen, or if no row is both measured and
            predicted.
        """
        pairs = pair_up(y_true, y_pred, y_std, task)
        display = cls(**pairs._asdict(), unit=unit, estimator_name=estimator_name)
        return display.plot(
            ax=ax, kind=kind, scatter_kwargs=scatter_kwargs, line_kwargs=line_kwargs
        )

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "actual_vs_predicted",
        scatter_kwargs: dict[str, Any] | None = None,
        line_kwargs: dict[str, Any] | None = None,
    ) -> "MeasuredPredictedDisplay":
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        kind : {"actual_vs_predicted", "residual_vs_predicted"}, default="actual_vs_predicted"
            Residuals are measured minus predicted.
        scatter_kwargs, line_kwargs : dict, default=None
            For matplotlib's `scatter` and `plot`.

        Returns
        -------
        MeasuredPredictedDisplay
            With what it drew as attributes.
        """
        if ax is None:
            ax = new_axes(_FIGSIZE)
        super().plot(
            ax=ax,
            kind=kind,
            scatter_kwargs={"s": 20, "alpha": 0.6, "linewidths": 0, **(scatter_kwargs or {})},
            line_kwargs={"color": "0.4", "linewidth": 1, **(line_kwargs or {})},
        )
        against_measured = kind == "actual_vs_predicted"
        across = self.y_true if against_measured else self.y_true - self.y_pred
        self.errorbar_ = None
        if self.y_std is not None:
            bars = {"xerr" if against_measured else "yerr": self.y_std}
            style = {"fmt": "none", "ecolor": "0.7", "elinewidth": 0.8, "zorder": 0.5}
            self.errorbar_ = ax.errorbar(self.y_pred, across, **bars, **style)
        if against_measured:
            self._set_ticks()
        label = "measured" if against_measured else "measured \N{MINUS SIGN} predicted"
        ax.set(xlabel=with_unit("predicted", self.unit), ylabel=with_unit(label, self.unit))
        ax.set_title(self.estimator_name)
        self.text_ = text_box(ax, self._summary(), self.y_pred, across)
        return self

    def _set_ticks(self) -> None:
        """Put round numbers on both axes, where scikit-learn has quarters of the range."""
        ticker = import_matplotlib("matplotlib.ticker")
        for axis in (self.ax_.xaxis, self.ax_.yaxis):
            axis.set_major_locator(ticker.MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))

    def _summary(self) -> list[str]:
        unit = f" {self.unit}" if self.unit else ""
        rmse = root_mean_squared_error(self.y_true, self.y_pred)
        mae = mean_absolute_error(self.y_true, self.y_pred)
        first, *left_out = describe_rows(
            len(self.y_true), self.n_not_measured, self.n_not_predicted
        )
        lines = [first, f"RMSE = {format_number(rmse)}{unit}", f"MAE = {format_number(mae)}{unit}"]
        if np.ptp(self.y_true):  # else R² has no meaning
            lines.append(f"R² = {format_number(r2_score(self.y_true, self.y_pred))}")
        return lines + left_out
