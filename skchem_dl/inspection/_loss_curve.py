"""How losses and metrics went, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skchem_dl.inspection._axes import new_axes

_PARTS = {"train": ("training", "C0"), "valid": ("validation", "C1")}
_LEADS_ON = ("best_estimator_", "estimator_", "regressor_", "estimator")


class LossCurveDisplay:
    """Loss or a metric of training and validation molecules, by epoch.

    Make it with `from_estimator`. The dotted line is the epoch whose weights were kept, where that
    is not the last.

    Parameters
    ----------
    history : sequence of dict
        An epoch each, as in an estimator's ``history_``.
    metric : str, default="loss"
        Columns ``train_METRIC`` and ``valid_METRIC`` are drawn.
    estimator_name : str, default=None
        For the title.

    Attributes
    ----------
    lines_ : list of matplotlib.lines.Line2D
        Training before validation, members of an ensemble one after another.
    ax_ : matplotlib.axes.Axes
        Where it is drawn.
    figure_ : matplotlib.figure.Figure
        The figure around them.

    See Also
    --------
    skchem_dl.callbacks.TensorBoardLogger : The same while training goes on.

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.inspection import LossCurveDisplay
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> model = make_mlp_pipeline(max_epochs=5, early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model, metric="rmse")
    >>> [line.get_label() for line in display.lines_]
    ['training', 'validation']
    """

    def __init__(
        self,
        history: Sequence[Mapping[str, Any]],
        *,
        metric: str = "loss",
        estimator_name: str | None = None,
    ) -> None:
        self.history = history
        self.metric = metric
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, metric: str = "loss", ax: Any = None, **kwargs: Any
    ) -> "LossCurveDisplay":
        """Draw the training of a fitted network.

        Parameters
        ----------
        estimator : fitted estimator
            A neural estimator, or a pipeline or search that ends in one.
        metric : str, default="loss"
            "loss"; of regression also "rmse", "mae" (in the units of y) and "r2"; of classification
            "roc_auc" and "accuracy" (of several labels "label_accuracy", where each label counts by
            itself). Of several targets these are means; `skchem_dl.callbacks.TargetMetrics` records
            "rmse_0" and so on.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's ``plot``.

        Returns
        -------
        LossCurveDisplay
            With what it drew as attributes.

        Raises
        ------
        TypeError
            If there is no network in it.
        ValueError
            If there is no such metric, naming those there are.
        """
        network = _network_in(estimator)
        check_is_fitted(network)
        display = cls(network.history_, metric=metric, estimator_name=type(network).__name__)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "LossCurveDisplay":
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's ``plot``.

        Returns
        -------
        LossCurveDisplay
            With what it drew as attributes.
        """
        self._check_metric()
        if ax is None:
            ax = new_axes()
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_: list[Any] = []
        members: dict[int, list[Mapping[str, Any]]] = {}
        for row in self.history:
            members.setdefault(row.get("member", 0), []).append(row)
        for number, rows in enumerate(members.values()):
            self._plot_member(rows, first=number == 0, **kwargs)
        ax.set(xlabel="epoch", ylabel=self.metric, title=self.estimator_name)
        ax.legend()
        return self

    def _plot_member(self, rows: list[Mapping[str, Any]], *, first: bool, **kwargs: Any) -> None:
        epochs = [row["epoch"] for row in rows]
        for part, (name, color) in _PARTS.items():
            column = f"{part}_{self.metric}"
            if column in rows[0]:
                options = {"color": color, "label": name if first else None, **kwargs}
                self.lines_ += self.ax_.plot(epochs, [row.get(column) for row in rows], **options)
        kept = [row["epoch"] for row in rows if row["kept"]]
        if kept and kept[0] != epochs[-1]:
            label = "kept epoch" if first else None
            self.ax_.axvline(kept[0], color="0.5", linestyle=":", label=label)

    def _check_metric(self) -> None:
        columns = dict.fromkeys(name for row in self.history for name in row)
        parts = [name.partition("_") for name in columns]
        metrics = dict.fromkeys(metric for part, _, metric in parts if part in _PARTS)
        if self.metric not in metrics:
            raise ValueError(f"No metric {self.metric!r} in the history; it has {list(metrics)}.")


def _network_in(estimator: Any) -> Any:
    """Find the neural estimator that a pipeline, a search or a wrapper ends in."""
    from skchem_dl.estimators._base import BaseNeuralEstimator  # which imports torch

    network = estimator
    while not isinstance(network, BaseNeuralEstimator):
        if isinstance(network, Pipeline):
            network = network[-1]
            continue
        inner = [name for name in _LEADS_ON if hasattr(network, name)]
        if not inner:
            raise TypeError(
                f"{type(estimator).__name__} holds no network whose training could be drawn."
            )
        network = getattr(network, inner[0])
    return network
