"""A map of molecules."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from skchem_dl._rows import as_labels, is_missing
from skchem_dl.features._molecules import as_items, parse_molecules
from skchem_dl.inspection._axes import format_number, new_axes, with_unit
from skchem_dl.inspection._point_colors import (
    COLOR_KINDS,
    choose_kind,
    scatter_categories,
    scatter_numbers,
    write_category,
)
from skchem_dl.inspection._thumbnails import draw_thumbnails

_FIGSIZE = (7.2, 5.4)
_ANNOTATED_FIGSIZE = (8.8, 6.6)


class ChemicalSpaceDisplay:
    """A map of molecules in two dimensions, coloured, with some of them drawn.

    Make it with `from_estimator` or `from_coordinates`. Molecules without coordinates, since they
    are invalid, are left out and counted; those without a value or category are grey.

    Parameters
    ----------
    xy : ndarray of shape (n, 2)
        NaN where a row is no molecule.
    color : ndarray of shape (n,), default=None
        A number or a category for each.
    color_kind : {"auto", "continuous", "diverging", "categorical"}, default="auto"
        As in `from_estimator`.
    color_label : str, default=None
        What the colour means.
    unit : str, default=None
        Of the colour.
    molecules : n molecules, default=None
        To be drawn where `annotate` says so.
    annotate : sequence of int, default=()
        Rows of the molecules to draw.

    Attributes
    ----------
    scatters_ : list of matplotlib.collections.PathCollection
        One; or one for each category in the legend; last the molecules without a value.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        Of numbers.
    legend_ : matplotlib.legend.Legend or None
        Of categories.
    thumbnails_ : list of matplotlib.axes.Axes
        The drawn molecules.
    text_ : matplotlib.text.Text
        Numbers of molecules.
    ax_ : matplotlib.axes.Axes
        Where it is drawn.
    figure_ : matplotlib.figure.Figure
        The figure around them.

    See Also
    --------
    skchem_dl.pipelines.make_pca_pipeline : Principal components of fingerprints.

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.inspection import ChemicalSpaceDisplay
    >>> from skchem_dl.pipelines import make_pca_pipeline
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> display = ChemicalSpaceDisplay.from_estimator(
    ...     make_pca_pipeline(random_state=0).fit(X),
    ...     X, color=y, color_label="logS", unit="log10(mol/L)", annotate=[0, 100],
    ... )
    >>> display.text_.get_text()
    '257 molecules'
    """

    def __init__(
        self,
        xy: np.ndarray,
        *,
        color: np.ndarray | None = None,
        color_kind: str = "auto",
        color_label: str | None = None,
        unit: str | None = None,
        molecules: Any = None,
        annotate: Sequence[int] = (),
    ) -> None:
        self.xy = xy
        self.color = color
        self.color_kind = color_kind
        self.color_label = color_label
        self.unit = unit
        self.molecules = molecules
        self.annotate = annotate

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        color: Any = None,
        color_kind: str = "auto",
        color_label: str | None = None,
        unit: str | None = None,
        molecules: Any = None,
        annotate: Sequence[int] = (),
        ax: Any = None,
        **kwargs: Any,
    ) -> "ChemicalSpaceDisplay":
        """Transform molecules and draw where they are.

        Parameters
        ----------
        estimator : fitted transformer or pipeline
            Its `transform` gives two columns, as that of `make_pca_pipeline` does.
        X : n molecules, or what the estimator takes
            What is placed.
        color : array-like of length n, default=None
            A number or a category for each molecule.
        color_kind : {"auto", "continuous", "diverging", "categorical"}, default="auto"
            "continuous" for a property; "diverging" for residuals, with the same colour to either
            side of 0; "categorical" for folds and clusters. "auto" is "continuous" where there
            are numbers with decimals, otherwise "categorical".
        color_label : str, default=None
            What the colour means.
        unit : str, default=None
            Of the colour.
        molecules : n molecules, default=None
            What is drawn, where that is not X.
        annotate : sequence of int, default=()
            Rows of molecules to draw beside their points; a handful, or they get small.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's `scatter`.

        Returns
        -------
        ChemicalSpaceDisplay
            With what it drew as attributes.

        Raises
        ------
        TypeError
            If the estimator has no `transform`.
        ValueError
            If it does not give two columns, if lengths differ, or if a row to annotate is not there
            or is no molecule.
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no transform (t-SNE and others can only "
                "fit_transform). Use ChemicalSpaceDisplay.from_coordinates("
                "estimator.fit_transform(X), molecules=X, ...)."
            )
        return cls.from_coordinates(
            estimator.transform(X),
            color=color,
            color_kind=color_kind,
            color_label=color_label,
            unit=unit,
            molecules=X if molecules is None else molecules,
            annotate=annotate,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_coordinates(
        cls,
        xy: Any,
        *,
        color: Any = None,
        color_kind: str = "auto",
        color_label: str | None = None,
        unit: str | None = None,
        molecules: Any = None,
        annotate: Sequence[int] = (),
        ax: Any = None,
        **kwargs: Any,
    ) -> "ChemicalSpaceDisplay":
        """Draw molecules where they are.

        Parameters
        ----------
        xy : array-like of shape (n, 2)
            NaN where a row is no molecule.
        color : array-like of length n, default=None
            A number or a category for each molecule.
        color_kind : {"auto", "continuous", "diverging", "categorical"}, default="auto"
            As in `from_estimator`.
        color_label : str, default=None
            What the colour means.
        unit : str, default=None
            Of the colour.
        molecules : n molecules, default=None
            SMILES strings or RDKit Mols, needed to draw some of them.
        annotate : sequence of int, default=()
            Rows of molecules to draw beside their points; a handful, or they get small.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's `scatter`.

        Returns
        -------
        ChemicalSpaceDisplay
            With what it drew as attributes.

        Raises
        ------
        ValueError
            If there are not two columns, if lengths differ, or if a row to annotate is not there
            or is no molecule.
        """
        xy = check_array(xy, dtype=np.float64, ensure_all_finite="allow-nan", input_name="xy")
        if xy.shape[1] != 2:
            raise ValueError(f"A map needs 2 coordinates a molecule; got {xy.shape[1]}.")
        if color is not None:
            color = np.asarray(as_labels(color))
            if color.ndim != 1:
                raise ValueError(f"color must be 1-D, one a molecule; got shape {color.shape}.")
            check_consistent_length(xy, color)
        display = cls(
            xy,
            color=color,
            color_kind=color_kind,
            color_label=color_label,
            unit=unit,
            molecules=molecules,
            annotate=annotate,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "ChemicalSpaceDisplay":
        """Draw it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure.
        **kwargs
            For matplotlib's `scatter`.

        Returns
        -------
        ChemicalSpaceDisplay
            With what it drew as attributes.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If there is no such `color_kind`.
        """
        if self.color_kind not in COLOR_KINDS:
            raise ValueError(f"color_kind={self.color_kind!r}; expected one of {COLOR_KINDS}.")
        mols = self._annotated()
        if ax is None:
            ax = new_axes(_ANNOTATED_FIGSIZE if mols else _FIGSIZE)
        self.ax_, self.figure_ = ax, ax.figure
        shown = ~np.isnan(self.xy).any(axis=1)
        self._scatter(shown, kwargs)
        ax.set(xlabel="dimension 1", ylabel="dimension 2")
        self.text_ = ax.set_title(self._summary(shown), loc="left", fontsize="small")
        self.thumbnails_: list[Any] = []
        if mols:
            place = np.cumsum(shown) - 1  # of each row among those shown
            rows = [int(place[row]) for row in self.annotate]
            captions = [self._caption(row) for row in self.annotate]
            self.thumbnails_ = draw_thumbnails(ax, self.xy[shown], rows, mols, captions)
        return self

    def _scatter(self, shown: np.ndarray, kwargs: dict[str, Any]) -> None:
        self.colorbar_ = self.legend_ = None
        xy = self.xy[shown]
        if self.color is None:
            style = {"s": 14, "linewidths": 0, "alpha": 0.8, **kwargs}
            self.scatters_ = [self.ax_.scatter(*xy.T, **style)]
            return
        values = self.color[shown]
        kind = choose_kind(values) if self.color_kind == "auto" else self.color_kind
        label = with_unit(self.color_label or "", self.unit)
        if kind == "categorical":
            self.scatters_, self.legend_ = scatter_categories(
                self.ax_, xy, values, label=label, **kwargs
            )
        else:
            self.scatters_, self.colorbar_ = scatter_numbers(
                self.ax_, xy, values, diverging=kind == "diverging", label=label, **kwargs
            )

    def _annotated(self) -> list[Any]:
        """Give the molecules to draw."""
        if not len(self.annotate):
            return []
        if self.molecules is None:
            raise ValueError("annotate= needs the molecules: pass them as molecules=.")
        items, _ = as_items(self.molecules)
        check_consistent_length(self.xy, items)
        outside = [row for row in self.annotate if not 0 <= row < len(items)]
        if outside:
            raise ValueError(f"Rows {outside} to annotate; there are {len(items)}, from 0 on.")
        nowhere = [row for row in self.annotate if np.isnan(self.xy[row]).any()]
        if nowhere:
            raise ValueError(f"Rows {nowhere} to annotate have no coordinates.")
        parsed = parse_molecules([items[row] for row in self.annotate])
        if parsed.invalid:
            bad = parsed.invalid[0]
            raise ValueError(
                f"Row {self.annotate[bad.row]} to annotate, {bad.value!r}, is no molecule: "
                f"{bad.reason}. Pass SMILES or Mols as molecules= where X holds neither."
            )
        return parsed.mols

    def _caption(self, row: int) -> str:
        if self.color is None or is_missing(self.color[row : row + 1])[0]:
            return ""
        value = self.color[row]
        return format_number(value) if self.colorbar_ is not None else write_category(value)

    def _summary(self, shown: np.ndarray) -> str:
        parts = [f"{shown.sum():,} molecules"]
        if not shown.all():
            parts.append(f"{(~shown).sum():,} invalid left out")
        if self.color is not None:
            n_grey = int(is_missing(self.color[shown]).sum())
            parts += [f"{n_grey:,} without a value"] * (n_grey > 0)
        return ", ".join(parts)
