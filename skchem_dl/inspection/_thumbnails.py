"""Small drawn molecules beside their points."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from rdkit.Chem import Mol
from scipy.optimize import linear_sum_assignment

from skchem_dl.inspection._axes import import_matplotlib
from skchem_dl.inspection._drawing import molecule_png

# What is worse than a line as long as the axes are wide: to hide a sixth of all points.
_HIDES_ALL = 6.0
_FEWEST_CELLS = 5  # a side
_FILL = 0.92  # of a cell, so that neighbours do not touch
_CAPTION = 0.17  # of a thumbnail's height
_PIXELS_AN_INCH = 90  # for RDKit, whose lines and letters have a size in pixels
_SCALE = 3


def draw_thumbnails(
    ax: Any, points: np.ndarray, rows: Sequence[int], mols: Sequence[Mol], captions: Sequence[str]
) -> list[Any]:
    """Draw molecules into the axes, each joined to its point by a line.

    They stand in a frame of cells around the points, one in each, so that none covers another.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With the points drawn; its limits are widened to make room, and then kept.
    points : ndarray of shape (n, 2)
    rows : sequence of int of length m
        Which points the molecules are.
    mols : sequence of Mol of length m
    captions : sequence of str of length m

    Returns
    -------
    list of matplotlib.axes.Axes
        One for each molecule, in the same order.
    """
    image = import_matplotlib("matplotlib.image")
    k = _cells_a_side(len(rows))
    ax.margins(1.05 / (k - 2))
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    ax.figure.canvas.figure.draw_without_rendering()  # only then is known how large the axes are
    fractions = ax.transAxes.inverted().transform(ax.transData.transform(points))
    corners = place_thumbnails(fractions, fractions[list(rows)], k)
    side = 1 / k
    box = ax.get_window_extent()
    inches = side * _FILL * np.array([box.width, box.height]) / ax.figure.dpi
    width, height = np.maximum(1, _PIXELS_AN_INCH * inches).astype(int).tolist()
    thumbnails = []
    for row, corner, mol, caption in zip(rows, corners, mols, captions, strict=True):
        lower_left = corner + side * (1 - _FILL) / 2
        thumbnail = ax.inset_axes([*lower_left, side * _FILL, side * _FILL], zorder=5)
        beneath = _CAPTION * height if caption else 0
        png = molecule_png(mol, (width, round(height - beneath)), scale=_SCALE)
        thumbnail.imshow(image.imread(BytesIO(png)), extent=(0, width, beneath, height))
        thumbnail.set(xlim=(0, width), ylim=(0, height), xticks=[], yticks=[])
        for spine in thumbnail.spines.values():
            spine.set(color="0.6", linewidth=0.8)
        thumbnail.text(
            width / 2, 3, caption, ha="center", va="bottom", fontsize=7, parse_math=False
        )
        _join(ax, points[row], corner + side / 2)
        thumbnails.append(thumbnail)
    ax.scatter(*points[list(rows)].T, s=50, facecolors="none", edgecolors="black", zorder=4)
    return thumbnails


def place_thumbnails(points: np.ndarray, anchors: np.ndarray, k: int) -> np.ndarray:
    """Choose a cell of the frame for each anchor: near it, and where few points are.

    All at once, as an assignment of the lowest total cost, which also keeps lines from crossing:
    of two that cross, exchanging the ends makes both together shorter.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        In fractions of the axes.
    anchors : ndarray of shape (m, 2)
        Those to be pointed at.
    k : int
        Cells a side of the axes.

    Returns
    -------
    ndarray of shape (m, 2)
        The lower left corner of each one's cell; no two are the same.
    """
    cells = np.array([divmod(cell, k) for cell in range(k * k)])
    in_frame = ((cells == 0) | (cells == k - 1)).any(axis=1)
    hidden = _count_in_cells(points, k)[in_frame] / len(points)
    corners = cells[in_frame] / k
    distance = np.linalg.norm(anchors[:, None] - (corners + 0.5 / k), axis=2)
    return corners[linear_sum_assignment(distance + _HIDES_ALL * hidden)[1]]


def _cells_a_side(n_thumbnails: int) -> int:
    """Give a frame with a few cells to spare, so that none is far from its point."""
    return max(_FEWEST_CELLS, -(-n_thumbnails // 4) + 2)


def _count_in_cells(points: np.ndarray, k: int) -> np.ndarray:
    column, row = np.clip((points * k).astype(int), 0, k - 1).T
    return np.bincount(column * k + row, minlength=k * k)


def _join(ax: Any, point: np.ndarray, centre: np.ndarray) -> None:
    """Draw a line from a point to beneath its thumbnail, so that it always meets the frame."""
    ax.annotate(
        "",
        xy=point,
        xytext=centre,
        textcoords=ax.transAxes,
        arrowprops={"arrowstyle": "-", "color": "0.3", "linewidth": 0.8, "shrinkA": 0},
        zorder=4,
    )
