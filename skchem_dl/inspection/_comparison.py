"""Which of several methods are the same, at a glance."""

from typing import Any

import numpy as np

from skchem_dl.inspection._axes import import_matplotlib, new_axes

_KINDS = ("intervals", "matrix")
# Blue and orange are told apart by the colour-blind too, and from grey.
_BETTER, _SAME, _WORSE = "#0072B2", "#7F7F7F", "#D55E00"
_STANDINGS = {
    "best": (_BETTER, "best"),
    "same": (_SAME, "not distinguishable from the best"),
    "worse": (_WORSE, "worse (p < {alpha:g})"),
}
_LEVELS = (0.05, 0.01, 0.001)  # a star each


class ComparisonDisplay:
    """Methods with simultaneous confidence intervals, or the differences of all pairs.

    Make it with `from_comparison`. Grey are the methods that the test cannot tell from the best
    one, orange those that are worse. In the matrix, blue says that the method of the row is better
    than that of the column, orange that it is worse, and white that the two cannot be told apart.

    Parameters
    ----------
    means : DataFrame
        A row a method, the best first, with the columns "mean", "lower", "upper" and "standing"
        ("best", "same" or "worse"), as `model_selection.ComparisonTest.means`.
    pairs : DataFrame
        A row a pair, with the columns "method_1", "method_2", "difference" and "p_value", as
        `model_selection.ComparisonTest.pairs`.
    metric : str, default="score"
        Its name, for the axis.
    greater_is_better : bool, default=True
        Whether more of it is.
    alpha : float, default=0.05
        Level of significance of intervals and standings, for the legend; the matrix has stars.
    title : str, default=None
        None has none.

    Attributes
    ----------
    lines_ : list of matplotlib.container.ErrorbarContainer
        Of ``kind="intervals"``, a method each.
    im_ : matplotlib.image.AxesImage
        Of ``kind="matrix"``.
    text_ : ndarray of shape (k, k), of matplotlib.text.Text
        Of ``kind="matrix"``; None on the diagonal.
    ax_ : matplotlib.axes.Axes
        Where it is drawn.
    figure_ : matplotlib.figure.Figure
        The figure around them.

    See Also
    --------
    skchem_dl.model_selection.compare : Makes what is drawn here.

    References
    ----------
    .. [1] Ash, J. R. et al. Practically Significant Method Comparison Protocols for Machine
       Learning in Small Molecule Drug Discovery. J. Chem. Inf. Model. 2025.
       https://doi.org/10.1021/acs.jcim.5c01609

    Examples
    --------
    >>> import pandas as pd
    >>> from skchem_dl.inspection import ComparisonDisplay
    >>> from skchem_dl.model_selection import Comparison
    >>> scores = pd.DataFrame({
    ...     "method": ["forest"] * 4 + ["mean"] * 4,
    ...     "repeat": 0,
    ...     "fold": [0, 1, 2, 3] * 2,
    ...     "rmse": [0.61, 0.70, 0.65, 0.59, 2.0, 2.2, 2.1, 1.9],
    ... })
    >>> display = ComparisonDisplay.from_comparison(Comparison(scores, {"rmse": False}))
    >>> display.ax_.get_xlabel()
    'rmse (lower is better)'
    """

    def __init__(
        self,
        means: Any,
        pairs: Any,
        *,
        metric: str = "score",
        greater_is_better: bool = True,
        alpha: float = 0.05,
        title: str | None = None,
    ) -> None:
        self.means = means
        self.pairs = pairs
        self.metric = metric
        self.greater_is_better = greater_is_better
        self.alpha = alpha
        self.title = title

    @classmethod
    def from_comparison(
        cls,
        comparison: Any,
        *,
        metric: str | None = None,
        kind: str = "intervals",
        method: str = "auto",
        alpha: float = 0.05,
        ax: Any = None,
        **kwargs: Any,
    ) -> "ComparisonDisplay":
        """Test the methods of a comparison, and draw what came out.

        Parameters
        ----------
        comparison : Comparison
            What `model_selection.compare` gives.
        metric : str, default=None
            None is its first.
        kind : {"intervals", "matrix"}, default="intervals"
            Intervals of the methods, or differences of all pairs.
        method : {"auto", "anova", "friedman"}, default="auto"
            As for `Comparison.test`.
        alpha : float, default=0.05
            Level of significance.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's ``errorbar`` or ``imshow``.

        Returns
        -------
        ComparisonDisplay
            With what it drew as attributes.
        """
        test = comparison.test(metric, method=method, alpha=alpha)
        display = cls(
            test.means,
            test.pairs,
            metric=test.metric,
            greater_is_better=test.greater_is_better,
            alpha=alpha,
            title=str(test).partition(", p = ")[0],
        )
        return display.plot(kind=kind, ax=ax, **kwargs)

    def plot(self, *, kind: str = "intervals", ax: Any = None, **kwargs: Any) -> Any:
        """Draw it.

        Parameters
        ----------
        kind : {"intervals", "matrix"}, default="intervals"
            Intervals of the methods, or differences of all pairs.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure that is large enough.
        **kwargs
            For matplotlib's ``errorbar`` or ``imshow``.

        Returns
        -------
        ComparisonDisplay
            With what it drew as attributes.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If there is no such kind.
        """
        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r}; expected one of {_KINDS}.")
        self.ax_ = self._own_axes(kind) if ax is None else ax
        self.figure_ = self.ax_.figure
        draw = self._plot_intervals if kind == "intervals" else self._plot_matrix
        draw(**kwargs)
        return self

    def _own_axes(self, kind: str) -> Any:
        """Open a figure in which each method has its place."""
        k = len(self.means)
        intervals = kind == "intervals"
        return new_axes((8, 1.8 + 0.4 * k) if intervals else (max(8, 3 + 0.85 * k), 3.2 + 0.5 * k))

    def _plot_intervals(self, **kwargs: Any) -> None:
        ax, best = self.ax_, self.means.iloc[0]
        ax.axvspan(best["lower"], best["upper"], color=_BETTER, alpha=0.12, linewidth=0)
        self.lines_ = []
        labelled: set[str] = set()
        for place, row in enumerate(self.means.itertuples()):
            color, label = _STANDINGS[row.standing]
            options = {"color": color, "fmt": "o", "capsize": 4, "linewidth": 2, **kwargs}
            label = "_" if row.standing in labelled else label.format(alpha=self.alpha)
            labelled.add(row.standing)
            reach = [[row.mean - row.lower], [row.upper - row.mean]]
            self.lines_.append(ax.errorbar(row.mean, place, xerr=reach, label=label, **options))
            ax.annotate(
                self._written(row.mean),
                (1, place),
                xycoords=ax.get_yaxis_transform(),
                xytext=(4, 0),
                textcoords="offset points",
                verticalalignment="center",
            )
        ax.set_yticks(range(len(self.means)), self.means.index)
        ax.set_ylim(len(self.means) - 0.4, -0.6)
        ax.set_xlabel(f"{self.metric} ({self._direction()})")
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
        ax.set_title(self.title, pad=30)  # above the legend

    def _plot_matrix(self, **kwargs: Any) -> None:
        names = self.means.index.tolist()
        difference, stars, differ = self._square(names)
        strength = np.where(differ, np.maximum(stars, 1), 0)
        better = np.sign(difference) * strength * (1.0 if self.greater_is_better else -1.0)
        np.fill_diagonal(better, np.nan)
        make_map = import_matplotlib("matplotlib.colors").LinearSegmentedColormap.from_list
        colors = make_map("worse_better", [_WORSE, "white", _BETTER])
        options = {"cmap": colors, "vmin": -3.5, "vmax": 3.5, "aspect": "auto", **kwargs}
        self.im_ = self.ax_.imshow(better, **options)
        self.ax_.set_facecolor("0.9")  # where there is no pair
        self.text_ = np.full(difference.shape, None, dtype=object)
        for i, j in zip(*np.nonzero(~np.eye(len(names), dtype=bool)), strict=True):
            written = self._written(difference[i, j], sign="+")
            self.text_[i, j] = self.ax_.text(
                j,
                i,
                f"{written}\n{'*' * stars[i, j]}".strip(),
                ha="center",
                va="center",
                color="white" if strength[i, j] > 2 else "black",
                fontsize="small",
            )
        self.ax_.set_xticks(
            range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor"
        )
        self.ax_.set_yticks(range(len(names)), names)
        self.ax_.set_xlabel(
            f"{self.metric} ({self._direction()}), row minus column\n"
            "blue: row better, orange: row worse, white: not distinguishable "
            f"(p ≥ {self.alpha:g})\n"
            "* p < 0.05, ** p < 0.01, *** p < 0.001"
        )
        self.ax_.set_title(self.title)

    def _square(self, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give differences, numbers of stars, and whether they are significant, (k, k)."""
        place = {name: i for i, name in enumerate(names)}
        difference = np.zeros((len(names), len(names)))
        stars = np.zeros(difference.shape, dtype=int)
        differ = np.zeros(difference.shape, dtype=bool)
        for pair in self.pairs.itertuples():
            i, j = place[pair.method_1], place[pair.method_2]
            difference[i, j], difference[j, i] = pair.difference, -pair.difference
            stars[i, j] = stars[j, i] = sum(pair.p_value < level for level in _LEVELS)
            differ[i, j] = differ[j, i] = pair.p_value < self.alpha
        return difference, stars, differ

    def _written(self, value: float, sign: str = "") -> str:
        """Write a number with three digits of a typical mean, the same number after the point."""
        typical = np.abs(self.means["mean"]).median()
        decimals = 3 if not typical > 0 else int(np.clip(2 - np.floor(np.log10(typical)), 0, 6))
        return f"{value:{sign}.{decimals}f}"

    def _direction(self) -> str:
        return f"{'higher' if self.greater_is_better else 'lower'} is better"
