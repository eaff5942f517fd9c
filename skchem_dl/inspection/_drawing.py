"""One molecule, drawn by RDKit as SVG or PNG; RDKit's defaults are never touched."""

from typing import Any

from rdkit.Chem import Mol
from rdkit.Chem.Draw import rdMolDraw2D

# In pixels; smaller only where a molecule would not fit. Else methane fills the picture.
_BOND_LENGTH = 28
_FONT_SIZES = (7, 16)


def molecule_svg(mol: Mol, size: tuple[int, int], **highlights: Any) -> str:
    """Draw a molecule as an SVG document.

    Parameters
    ----------
    mol : Mol
        Sanitised. It is not changed; 2-D coordinates of its own are kept.
    size : tuple of int
        Width and height in pixels.
    **highlights
        For RDKit's `MolDraw2D.DrawMolecule`: `highlightAtoms`, `highlightAtomColors` and so on.

    Returns
    -------
    str
    """
    return _draw(rdMolDraw2D.MolDraw2DSVG(*size), mol, 1, highlights)


def molecule_png(mol: Mol, size: tuple[int, int], *, scale: float = 1, **highlights: Any) -> bytes:
    """Draw a molecule as a PNG file.

    Parameters
    ----------
    mol : Mol
        Sanitised. It is not changed; 2-D coordinates of its own are kept.
    size : tuple of int
        Width and height in pixels, before they are scaled.
    scale : float, default=1
        Draws as many times finer, lines and letters with the rest.
    **highlights
        For RDKit's `MolDraw2D.DrawMolecule`: `highlightAtoms`, `highlightAtomColors` and so on.

    Returns
    -------
    bytes
    """
    width, height = (round(scale * pixels) for pixels in size)
    return _draw(rdMolDraw2D.MolDraw2DCairo(width, height), mol, scale, highlights)


def _draw(canvas: Any, mol: Mol, scale: float, highlights: dict[str, Any]) -> Any:
    options = canvas.drawOptions()
    options.fixedBondLength = _BOND_LENGTH * scale
    options.minFontSize, options.maxFontSize = (round(size * scale) for size in _FONT_SIZES)
    options.bondLineWidth = 1.5 * scale
    options.scaleBondWidth = False
    options.prepareMolsBeforeDrawing = False
    canvas.DrawMolecule(_prepare(mol), **highlights)
    canvas.FinishDrawing()
    return canvas.GetDrawingText()


def _prepare(mol: Mol) -> Mol:
    """Give a copy with 2-D coordinates; atoms keep their numbers."""
    is_3d = mol.GetNumConformers() > 0 and mol.GetConformer().Is3D()
    return rdMolDraw2D.PrepareMolForDrawing(mol, forceCoords=is_3d)
