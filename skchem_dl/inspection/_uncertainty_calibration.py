"""Whether predicted standard deviations are as large as the errors."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import erf
from sklearn.metrics import auc

from skchem_dl.inspection._axes import format_number, new_axes, text_box, with_unit
from skchem_dl.inspection._regression import describe_rows, pair_up, predict

_KINDS = ("coverage", "rmse_vs_std")
_FIGSIZE = (5.2, 5.0)
_PERCENT = np.linspace(0, 1, 101)


class _Bins(NamedTuple):
    """Molecules of similar predicted standard deviation."""

    std: np.ndarray  # (b,) root of the mean predicted variance
    rmse: np.ndarray  # (b,)


class UncertaintyCalibrationDisplay:
    """Calibration of the standard deviations that a regressor predicts.

    Make it with `from_estimator` or `from_predictions`. ``kind="coverage"`` asks, for central
    intervals of every nominal probability under a normal distribution, which fraction of the
    measured values lies within [1]_ [2]_. The area between that curve and the diagonal is the
    miscalibration area [3]_: 0 is perfect, 0.5 the worst. ``kind="rmse_vs_std"`` sorts molecules
    into bins by their standard deviation and asks how large the errors in each are; the mean
    relative difference is the expected normalised calibration error (ENCE) [4]_.

    The standard deviation between the members of an ensemble is usually too small: it holds what
    the members disagree about, not the noise of the measurement.

    Parameters
    ----------
    y_true, y_pred, y_std : ndarray of shape (n,)
        Without NaN.
    n_bins : int, default=10
        Bins, with the same number of molecules each, for ``kind="rmse_vs_std"``.
    unit : str, default=None
        Of the values, for the axes.
    estimator_name : str, default=None
        For the title.
    n_not_measured, n_not_predicted : int, default=0
        Rows left out.

    Attributes
    ----------
    coverage_ : ndarray of shape (101,)
        Fraction of the measured values within the intervals of nominal probability 0, 0.01, ..., 1.
    miscalibration_area_ : float
        From 0 to 0.5.
    bin_std_, bin_rmse_ : ndarray of shape (bins,)
        Root mean predicted variance, and root mean squared error.
    ence_ : float
        0 is perfect.
    line_ : matplotlib.lines.Line2D
        The curve, or the bins.
    text_ : matplotlib.text.Text
        Number of molecules, and the measure of the kind that is drawn.
    ax_ : matplotlib.axes.Axes
        Where it is drawn.
    figure_ : matplotlib.figure.Figure
        The figure around them.

    See Also
    --------
    MeasuredPredictedDisplay : The standard deviations as error bars.

    References
    ----------
    .. [1] Kuleshov, V., Fenner, N. and Ermon, S. (2018). "Accurate Uncertainties for Deep Learning
       Using Calibrated Regression". ICML. https://doi.org/10.48550/arXiv.1807.00263
    .. [2] Scalia, G., Grambow, C. A., Pernici, B., Li, Y.-P. and Green, W. H. (2020). "Evaluating
       Scalable Uncertainty Estimation Methods for Deep Learning-Based Molecular Property
       Prediction". Journal of Chemical Information and Modeling, 60(6), 2697-2717.
       https://doi.org/10.1021/acs.jcim.9b00975
    .. [3] Tran, K., Neiswanger, W., Yoon, J., Zhang, Q., Xing, E. and Ulissi, Z. W. (2020).
       "Methods for comparing uncertainty quantifications for material property predictions".
       Machine Learning: Science and Technology, 1(2), 025006.
       https://doi.org/10.1088/2632-2153/ab7e1a
    .. [4] Levi, D., Gispan, L., Giladi, N. and Fetaya, E. (2022). "Evaluating and Calibrating
       Uncertainty Prediction in Regression Tasks". Sensors, 22(15), 5540.
       https://doi.org/10.3390/s22155540

    Examples
    --------
    >>> import numpy as np
    >>> from skchem_dl.inspection import UncertaintyCalibrationDisplay
    >>> errors = np.random.default_rng(0).normal(size=1000)
    >>> display = UncertaintyCalibrationDisplay.from_predictions(
    ...     y_true=errors, y_pred=np.zeros(1000), y_std=np.full(1000, 0.5)
    ... )
    >>> round(display.miscalibration_area_, 2)
    0.2
    """

    def __init__(
        self,
        *,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        y_std: np.ndarray,
        n_bins: int = 10,
        unit: str | None = None,
        estimator_name: str | None = None,
        n_not_measured: int = 0,
        n_not_predicted: int = 0,
    ) -> None:
        self.y_true = y_true
        self.y_pred = y_pred
        self.y_std = y_std
        self.n_bins = n_bins
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
        kind: str = "coverage",
        n_bins: int = 10,
        task: int | str | None = None,
        unit: str | None = None,
        estimator_name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> "UncertaintyCalibrationDisplay":
        """Predict with standard deviations, and draw.

        Parameters
        ----------
        estimator : fitted regressor whose `predict` takes `return_std`
            An ensemble (``n_members=5``), or a pipeline that ends in one.
        X : n molecules, or what the estimator takes
            What is predicted.
        y : array-like of shape (n,) or (n, t)
            Measured values, NaN where there are none; of molecules that were not trained on.
        kind : {"coverage", "rmse_vs_std"}, default="coverage"
            What is drawn; see the class.
        n_bins : int, default=10
            Bins, with the same number of molecules each, for ``kind="rmse_vs_std"``.
        task : int or str, default=None
            The column of y; a name where y is a frame. Needed only where there are several.
        unit : str, default=None
            Of the values, for the axes.
        estimator_name : str, default=None
            For the title.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's `plot`.

        Returns
        -------
        UncertaintyCalibrationDisplay
            With what it drew as attributes.

        Raises
        ------
        TypeError
            If the model predicts no standard deviations.
        ValueError
            If there are several tasks and none is chosen, or if no row is both measured and
            predicted.
        """
        y_pred, y_std = predict(estimator, X, return_std=True)
        return cls.from_predictions(
            y,
            y_pred,
            y_std,
            kind=kind,
            n_bins=n_bins,
            task=task,
            unit=unit,
            estimator_name=estimator_name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        y_std: Any,
        *,
        kind: str = "coverage",
        n_bins: int = 10,
        task: int | str | None = None,
        unit: str | None = None,
        estimator_name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> "UncertaintyCalibrationDisplay":
        """Draw predictions that are there already.

        Parameters
        ----------
        y_true, y_pred, y_std : array-like of shape (n,) or (n, t)
            NaN where there is no measurement, or where the row is no molecule.
        kind : {"coverage", "rmse_vs_std"}, default="coverage"
            What is drawn; see the class.
        n_bins : int, default=10
            Bins, with the same number of molecules each, for ``kind="rmse_vs_std"``.
        task : int or str, default=None
            The column; a name where `y_true` is a frame. Needed only where there are several.
        unit : str, default=None
            Of the values, for the axes.
        estimator_name : str, default=None
            For the title.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's `plot`.

        Returns
        -------
        UncertaintyCalibrationDisplay
            With what it drew as attributes.

        Raises
        ------
        ValueError
            If there are several tasks and none is chosen, if no row is both measured and
            predicted, or if a standard deviation is negative.
        """
        pairs = pair_up(y_true, y_pred, y_std, task)
        display = cls(**pairs._asdict(), n_bins=n_bins, unit=unit, estimator_name=estimator_name)
        return display.plot(ax=ax, kind=kind, **kwargs)

    def plot(
        self, ax: Any = None, *, kind: str = "coverage", **kwargs: Any
    ) -> "UncertaintyCalibrationDisplay":
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        kind : {"coverage", "rmse_vs_std"}, default="coverage"
            What is drawn; see the class.
        **kwargs
            For matplotlib's `plot`.

        Returns
        -------
        UncertaintyCalibrationDisplay
            With what it drew as attributes.

        Raises
        ------
        ValueError
            If `kind` is another.
        """
        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r}; expected one of {_KINDS}.")
        if ax is None:
            ax = new_axes(_FIGSIZE)
        self.ax_, self.figure_ = ax, ax.figure
        self._calculate()
        draw = self._plot_coverage if kind == "coverage" else self._plot_bins
        draw(**kwargs)
        ax.set_title(self.estimator_name)
        return self

    def _calculate(self) -> None:
        errors = np.abs(self.y_true - self.y_pred)
        self.coverage_ = _coverage(errors, self.y_std)
        self.miscalibration_area_ = float(auc(_PERCENT, np.abs(self.coverage_ - _PERCENT)))
        self.bin_std_, self.bin_rmse_ = _bin(errors, self.y_std, self.n_bins)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.abs(self.bin_std_ - self.bin_rmse_) / self.bin_std_
        self.ence_ = float(np.mean(relative))

    def _plot_coverage(self, **kwargs: Any) -> None:
        ax = self.ax_
        ax.plot([0, 1], [0, 1], color="0.4", linewidth=1, linestyle="--")
        (self.line_,) = ax.plot(_PERCENT, self.coverage_, **{"linewidth": 2, **kwargs})
        color = self.line_.get_color()
        ax.fill_between(_PERCENT, _PERCENT, self.coverage_, color=color, alpha=0.2, linewidth=0)
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        ax.set_xlabel("nominal coverage of the central interval")
        ax.set_ylabel("fraction of measured values within")
        for x, y, text in ((0.3, 0.7, "std too large"), (0.7, 0.3, "std too small")):
            ax.text(x, y, text, color="0.5", ha="center", va="center", zorder=0)
        lines = [f"miscalibration area = {format_number(self.miscalibration_area_)}"]
        both = np.concatenate([_PERCENT, _PERCENT])
        self.text_ = text_box(
            ax, self._summary(lines), both, np.concatenate([self.coverage_, _PERCENT])
        )

    def _plot_bins(self, **kwargs: Any) -> None:
        ax = self.ax_
        highest = 1.08 * max(self.bin_std_.max(), self.bin_rmse_.max())
        ax.plot([0, highest], [0, highest], color="0.4", linewidth=1, linestyle="--")
        (self.line_,) = ax.plot(
            self.bin_std_, self.bin_rmse_, **{"marker": "o", "linewidth": 1, **kwargs}
        )
        ax.set(xlim=(0, highest), ylim=(0, highest), aspect="equal")
        ax.set_xlabel(with_unit("predicted standard deviation", self.unit))
        ax.set_ylabel(with_unit("RMSE", self.unit))
        lines = [f"{len(self.bin_std_)} bins", f"ENCE = {format_number(self.ence_)}"]
        limits = [0, highest]
        self.text_ = text_box(
            ax,
            self._summary(lines),
            np.append(limits, self.bin_std_),
            np.append(limits, self.bin_rmse_),
        )

    def _summary(self, lines: list[str]) -> list[str]:
        first, *left_out = describe_rows(
            len(self.y_true), self.n_not_measured, self.n_not_predicted
        )
        return [first, *lines, *left_out]


def _coverage(errors: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Give the fraction of errors within the central interval of each percentage."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(errors == 0, 0, errors / std)  # a certain prediction may be right
    # The narrowest central interval that holds the measured value, as a probability.
    narrowest = np.sort(erf(z / np.sqrt(2)))
    return np.searchsorted(narrowest, _PERCENT, side="right") / len(narrowest)


def _bin(errors: np.ndarray, std: np.ndarray, n_bins: int) -> _Bins:
    """Sort by the standard deviation into bins of equal numbers."""
    order = np.argsort(std, kind="stable")
    bins = np.array_split(order, min(n_bins, len(order)))
    root_mean_square = [
        (np.sqrt(np.mean(std[rows] ** 2)), np.sqrt(np.mean(errors[rows] ** 2))) for rows in bins
    ]
    return _Bins(*np.array(root_mean_square).T)
