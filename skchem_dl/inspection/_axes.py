"""Axes to draw on, and what every display writes on them."""

from collections.abc import Sequence
from importlib import import_module
from numbers import Integral
from typing import Any

import numpy as np

# In fractions of the axes: what a box of text in a corner may cover.
_BOX = (0.5, 0.3)
_MARGIN = 0.03


def import_matplotlib(module: str) -> Any:
    """Import one of matplotlib's modules.

    Parameters
    ----------
    module : str
        "matplotlib.pyplot", for example.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If matplotlib is missing, naming the extra it comes with.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            "Drawing needs the extra 'plot': pip install 'skchem_dl[plot]'."
        ) from error


def new_axes(figsize: tuple[float, float] | None = None) -> Any:
    """Open a figure with one pair of axes, arranged so that no label is cut off.

    Parameters
    ----------
    figsize : tuple of float, default=None
        Width and height in inches; None is matplotlib's own.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing, naming the extra it comes with.
    """
    pyplot = import_matplotlib("matplotlib.pyplot")
    return pyplot.subplots(figsize=figsize, layout="constrained")[1]


def text_box(ax: Any, lines: Sequence[str], x: np.ndarray, y: np.ndarray) -> Any:
    """Write lines into the corner of the axes where they hide the fewest points.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    lines : sequence of str
    x, y : ndarray of shape (n,)
        The points, in the units of the axes; together they span what is shown.

    Returns
    -------
    matplotlib.text.Text
    """
    right, top = _emptiest_corner(_fraction(x), _fraction(y))
    return ax.text(
        1 - _MARGIN if right else _MARGIN,
        1 - _MARGIN if top else _MARGIN,
        "\n".join(lines),
        transform=ax.transAxes,
        ha="right" if right else "left",
        va="top" if top else "bottom",
        multialignment="left",
        fontsize="small",
        bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": "0.8", "alpha": 0.85},
    )


def format_number(value: Any) -> str:
    """Write a number to three digits, whole where it is an integer or has more, with a true minus.

    Parameters
    ----------
    value : float or int

    Returns
    -------
    str
    """
    whole = isinstance(value, Integral) or abs(value) >= 99.95
    digits = f"{value:,.0f}" if whole else f"{value:#.3g}"
    return digits.replace("-", "\N{MINUS SIGN}")


def with_unit(label: str, unit: str | None) -> str:
    """Give an axis' label with its unit in brackets.

    Parameters
    ----------
    label : str
    unit : str or None

    Returns
    -------
    str
    """
    return f"{label} [{unit}]" if unit else label


def _emptiest_corner(x: np.ndarray, y: np.ndarray) -> tuple[bool, bool]:
    """Say whether it is on the right and whether on top; of equals, the upper left."""
    corners = [(False, True), (True, False), (True, True), (False, False)]
    width, height = _BOX

    def n_hidden(corner: tuple[bool, bool]) -> int:
        right, top = corner
        across = x > 1 - width if right else x < width
        return int(np.sum(across & (y > 1 - height if top else y < height)))

    return min(corners, key=n_hidden)


def _fraction(values: np.ndarray) -> np.ndarray:
    return (values - values.min()) / (np.ptp(values) or 1)
