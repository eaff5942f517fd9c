"""Points coloured by a number or by a category."""

from collections import Counter
from numbers import Real
from typing import Any

import numpy as np

from skchem_dl._rows import is_missing
from skchem_dl.inspection._axes import import_matplotlib

COLOR_KINDS = ("auto", "continuous", "diverging", "categorical")
_MARKERS = "o^"
_N_COLORS = 10
_MOST_CATEGORIES = len(_MARKERS) * _N_COLORS
_WITHIN = 0.98
_NO_VALUE = "0.8"
_STYLE = {"s": 14, "linewidths": 0, "alpha": 0.8}


def choose_kind(values: np.ndarray) -> str:
    """Say whether values are numbers or categories; whole numbers are categories.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    {"continuous", "categorical"}
    """
    there = values[~is_missing(values)].tolist()
    numbers = all(isinstance(value, Real) for value in there)
    return "continuous" if numbers and any(value % 1 for value in there) else "categorical"


def scatter_numbers(
    ax: Any, xy: np.ndarray, values: np.ndarray, *, diverging: bool, label: str, **kwargs: Any
) -> tuple[list[Any], Any]:
    """Draw points coloured by a number, with a colour bar; those without are grey.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    xy : ndarray of shape (n, 2)
    values : ndarray of shape (n,)
    diverging : bool
        Colours to either side of 0. The two in a hundred farthest from it share the ends of the
        colour map, or one outlier would leave all others pale.
    label : str
        Of the colour bar.
    **kwargs
        For matplotlib's `scatter`.

    Returns
    -------
    scatters : list of matplotlib.collections.PathCollection
        Those with a value, then those without where there are any.
    colorbar : matplotlib.colorbar.Colorbar
    """
    missing = is_missing(values)
    numbers = values[~missing].astype(float)
    style: dict[str, Any] = {**_STYLE, "cmap": "viridis"}
    if diverging:
        norm = import_matplotlib("matplotlib.colors").CenteredNorm(halfrange=_range(numbers))
        # Values near 0 are pale, and need an edge to be seen.
        style.update(cmap="coolwarm", norm=norm, edgecolors="0.4", linewidths=0.4)
    scatters = [ax.scatter(*xy[~missing].T, c=numbers, **{**style, **kwargs})]
    ends = "both" if diverging else "neither"
    colorbar = ax.figure.colorbar(scatters[0], ax=ax, label=label, extend=ends)
    colorbar.solids.set_alpha(1)
    if missing.any():
        scatters.append(ax.scatter(*xy[missing].T, color=_NO_VALUE, zorder=0.9, **_STYLE))
    return scatters, colorbar


def _range(numbers: np.ndarray) -> float | None:
    return float(np.quantile(np.abs(numbers), _WITHIN)) or None if len(numbers) else None


def scatter_categories(
    ax: Any, xy: np.ndarray, values: np.ndarray, *, label: str, **kwargs: Any
) -> tuple[list[Any], Any]:
    """Draw points coloured by category, with a legend beside the axes; those without are grey.

    Twenty have a colour or a marker of their own; of more, the smallest are drawn together.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    xy : ndarray of shape (n, 2)
    values : ndarray of shape (n,)
    label : str
        The legend's title.
    **kwargs
        For matplotlib's `scatter`.

    Returns
    -------
    scatters : list of matplotlib.collections.PathCollection
        One for each entry of the legend.
    legend : matplotlib.legend.Legend
    """
    colors = import_matplotlib("matplotlib").colormaps["tab10"].colors
    groups, others = group_categories(values)
    scatters, labels = [], []
    for number, (name, rows) in enumerate(groups.items()):
        marker, color = divmod(number, _N_COLORS)
        style = {**_STYLE, "color": colors[color], "marker": _MARKERS[marker], **kwargs}
        scatters.append(ax.scatter(*xy[rows].T, **style))
        labels.append(f"{name} ({rows.sum():,})")
    for name, rows in others.items():
        scatters.append(ax.scatter(*xy[rows].T, color=_NO_VALUE, zorder=0.9, **_STYLE))
        labels.append(f"{name} ({rows.sum():,})")
    legend = ax.legend(
        scatters,
        labels,
        title=label or None,
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        fontsize="small",
        markerscale=1.5,
        handletextpad=0.2,
    )
    return scatters, legend


def group_categories(
    values: np.ndarray,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Give the rows of each category in order of their names, and those of the rest.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    groups : dict of str to ndarray of shape (n,), bool
        At most twenty, the largest.
    others : dict of str to ndarray of shape (n,), bool
        Smaller categories together, and rows without any.
    """
    missing = is_missing(values)
    sizes = Counter(values[~missing].tolist())
    largest = sorted(sizes, key=sizes.__getitem__, reverse=True)
    if len(largest) > _MOST_CATEGORIES:
        largest = largest[: _MOST_CATEGORIES - 1]
    chosen = sorted(largest, key=lambda name: (isinstance(name, str), name))
    groups = {write_category(name): _equal(values, name, ~missing) for name in chosen}
    rest = ~missing & ~np.logical_or.reduce([*groups.values(), np.zeros(len(values), bool)])
    others = {f"{len(sizes) - len(chosen)} smaller": rest, "none": missing}
    return groups, {name: rows for name, rows in others.items() if rows.any()}


def _equal(values: np.ndarray, name: Any, known: np.ndarray) -> np.ndarray:
    rows = known.copy()
    rows[known] = values[known] == name  # pandas' NA is neither equal nor unequal to anything
    return rows


def write_category(name: Any) -> str:
    """Write a category; clusters are whole numbers even where NaN made them floats.

    Parameters
    ----------
    name : object

    Returns
    -------
    str
    """
    return f"{name:.0f}" if isinstance(name, float) and name.is_integer() else str(name)
