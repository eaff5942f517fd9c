"""Drawn molecules in rows and columns, with text beneath each: SVG, PNG, or in a figure."""

import textwrap
from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from rdkit.Chem import Mol

from skchem_dl._files import replace_file
from skchem_dl.inspection._axes import import_matplotlib, new_axes
from skchem_dl.inspection._drawing import molecule_png, molecule_svg

# In pixels of the unscaled picture; a letter is on average half as wide as high.
_FONT_SIZE = 12
_LINE = 16
_LETTER = 0.55 * _FONT_SIZE
_PER_INCH = 100


class MoleculeCell(NamedTuple):
    """One molecule of a picture."""

    mol: Mol | None
    lines: Sequence[str]  # beneath the molecule
    instead: str = ""  # written where there is no molecule
    highlights: dict[str, Any] = {}  # for RDKit's `DrawMolecule`


class MoleculePicture:
    """Drawn molecules: Jupyter shows them, `save` writes a file, `plot` draws them in a figure.

    Made by `draw_molecules`.

    Parameters
    ----------
    cells : sequence of MoleculeCell
    n_columns : int
    size : tuple of int
        Width and height of one molecule, in pixels.
    """

    def __init__(
        self, cells: Sequence[MoleculeCell], *, n_columns: int, size: tuple[int, int]
    ) -> None:
        self._cells = cells
        self._n_columns = min(n_columns, len(cells))
        self._size = size
        n_lines = max(len(cell.lines) for cell in cells)
        self._pitch = (size[0], size[1] + _LINE * n_lines + (_LINE // 2 if n_lines else 0))

    def __len__(self) -> int:
        return len(self._cells)

    def __repr__(self) -> str:
        return f"<MoleculePicture of {len(self)}: save it to a .svg or .png file>"

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_html_(self) -> str:
        """Give it to those who know HTML only, as sphinx-gallery does."""
        return self.to_svg()

    def to_svg(self) -> str:
        """Draw it as SVG.

        Returns
        -------
        str
        """
        width, height = self._total_size()
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
        ]
        for cell, (left, top) in zip(self._cells, self._corners(), strict=True):
            if cell.mol is not None:
                document = molecule_svg(cell.mol, self._size, **cell.highlights)
                inner = document[document.index("<svg") :]
                parts.append(inner.replace("<svg", f'<svg x="{left}" y="{top}"', 1))
        parts += [
            f'<text x="{x}" y="{y}" fill="{color}" font-size="{_FONT_SIZE}" '
            f'font-family="sans-serif" text-anchor="middle">{escape(line)}</text>'
            for x, y, color, line in self._texts()
        ]
        return "\n".join([*parts, "</svg>\n"])

    def to_png(self, *, scale: float = 2) -> bytes:
        """Draw it as PNG.

        Parameters
        ----------
        scale : float, default=2
            How many times finer than on a screen of the usual resolution.

        Returns
        -------
        bytes

        Raises
        ------
        ImportError
            If matplotlib is missing, naming the extra it comes with.
        """
        figure_module = import_matplotlib("matplotlib.figure")
        agg = import_matplotlib("matplotlib.backends.backend_agg")
        image = import_matplotlib("matplotlib.image")
        width, height = self._total_size()
        # A Figure by itself: pyplot does not know it, and the user's rcParams cannot crop it.
        figure = figure_module.Figure(
            figsize=(width / _PER_INCH, height / _PER_INCH),
            dpi=_PER_INCH * scale,
            facecolor="white",
        )
        for cell, (left, top) in zip(self._cells, self._corners(), strict=True):
            if cell.mol is not None:
                png = molecule_png(cell.mol, self._size, scale=scale, **cell.highlights)
                bottom = height - top - self._size[1]
                figure.figimage(image.imread(BytesIO(png)), scale * left, scale * bottom)
        points = _FONT_SIZE * 72 / _PER_INCH
        for x, y, color, line in self._texts():
            style = {"color": color, "fontsize": points, "ha": "center", "parse_math": False}
            figure.text(x / width, 1 - y / height, line, **style)
        buffer = BytesIO()
        agg.FigureCanvasAgg(figure).print_png(buffer)
        return buffer.getvalue()

    def save(self, path: str | Path) -> None:
        """Write it to a file.

        Parameters
        ----------
        path : str or Path
            Its ending, ``.svg`` or ``.png``, says the format.

        Raises
        ------
        ImportError
            If it is PNG and matplotlib is missing.
        ValueError
            If it has another ending.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending not in (".svg", ".png"):
            raise ValueError(f"Got the file {str(path)!r}; its name must end in .svg or .png.")
        content = self.to_svg().encode() if ending == ".svg" else self.to_png()
        replace_file(path, content)

    def plot(self, ax: Any = None, *, scale: float = 3) -> "MoleculePicture":
        """Draw it into axes, to have it beside other plots in one figure.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None opens a figure of its own size.
        scale : float, default=3
            As in `to_png`.

        Returns
        -------
        MoleculePicture
            Itself, with the axes as `ax_` and the figure as `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is missing, naming the extra it comes with.
        """
        image = import_matplotlib("matplotlib.image")
        if ax is None:
            width, height = self._total_size()
            ax = new_axes((width / _PER_INCH, height / _PER_INCH))
        self.ax_, self.figure_ = ax, ax.figure
        ax.imshow(image.imread(BytesIO(self.to_png(scale=scale))))
        ax.set_axis_off()
        return self

    def _total_size(self) -> tuple[int, int]:
        n_rows = -(-len(self) // self._n_columns)
        return self._n_columns * self._pitch[0], n_rows * self._pitch[1]

    def _corners(self) -> list[tuple[int, int]]:
        """Give where each cell begins: left, top."""
        places = (divmod(number, self._n_columns) for number in range(len(self)))
        return [(column * self._pitch[0], row * self._pitch[1]) for row, column in places]

    def _texts(self) -> list[tuple[float, float, str, str]]:
        """Give each line's middle, base line, colour and text."""
        width, height = self._size
        n_letters = int(0.95 * width / _LETTER)
        texts = []
        for cell, (left, top) in zip(self._cells, self._corners(), strict=True):
            middle = left + width / 2
            if cell.mol is None:
                lines = textwrap.wrap(
                    _printable(cell.instead), n_letters, max_lines=height // _LINE
                )
                start = top + (height - _LINE * len(lines)) / 2 + _FONT_SIZE
                texts += [
                    (middle, start + _LINE * number, "#a33", line)
                    for number, line in enumerate(lines)
                ]
            texts += [
                (middle, top + height + _LINE * number + _FONT_SIZE, "black", _cut(line, n_letters))
                for number, line in enumerate(cell.lines)
            ]
        return texts


def _cut(line: str, n_letters: int) -> str:
    line = _printable(line)
    return line if len(line) <= n_letters else line[: n_letters - 1] + "…"


def _printable(text: str) -> str:
    """Give what XML may contain, on one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
