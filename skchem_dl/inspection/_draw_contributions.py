"""Molecules whose atoms are coloured by what they contribute."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from rdkit.Chem import Mol
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params

from skchem_dl.inspection._draw_molecules import molecule_cells
from skchem_dl.inspection._molecule_picture import MoleculePicture

# Blue to white to red, as matplotlib's "RdBu_r" ends, and pale enough for a letter to be read.
_LOW, _MIDDLE, _HIGH = np.array([(0.40, 0.62, 0.96), (1.0, 1.0, 1.0), (0.98, 0.50, 0.45)])
_RADIUS = 0.42  # of the circles, in units of a bond's length


@validate_params(
    {
        "max_contribution": [Interval(Real, 0, None, closed="neither"), None],
        "unit": [str, None],
        "n_columns": [Interval(Integral, 1, None, closed="left")],
        "size": [tuple],
        "smiles_column": [str, Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def draw_contributions(
    molecules: Any,
    contributions: Sequence[Any],
    values: Any = None,
    legends: Any = None,
    *,
    max_contribution: float | None = None,
    unit: str | None = None,
    n_columns: int = 4,
    size: tuple[int, int] = (250, 200),
    smiles_column: str | int | None = None,
) -> MoleculePicture:
    """Draw molecules with their atoms coloured: red what raises a prediction, blue what lowers it.

    Parameters
    ----------
    molecules : list, tuple, ndarray, Series or frame of n molecules
        SMILES strings or RDKit Mols, as `atom_contributions` took them.
    contributions : sequence of n arrays of shape (n_atoms,)
        From `atom_contributions`.
    values : array-like of length n, default=None
        Measured or predicted, written beneath as in `draw_molecules`.
    legends : array-like of length n, default=None
        Names, for example.
    max_contribution : float, default=None
        What has the full colour; None takes the largest of all, so that the molecules of one
        picture can be compared.
    unit : str, default=None
        Written after numbers.
    n_columns : int, default=4
        Molecules side by side.
    size : tuple of int, default=(250, 200)
        Width and height of one molecule, in pixels.
    smiles_column : str or int, default=None
        The column that holds the molecules, where there are several.

    Returns
    -------
    MoleculePicture
        Jupyter shows it. ``save("why.svg")`` writes it to a file; a PNG needs the extra `plot`.

    Raises
    ------
    ValueError
        If there are not as many contributions as molecules, or not as many of one as it has atoms.

    See Also
    --------
    atom_contributions : Works them out.

    Examples
    --------
    >>> from skchem_dl.inspection import atom_contributions, draw_contributions
    >>> from skchem_dl.pipelines import make_linear_pipeline
    >>> smiles = ["CCO", "CCCO", "CCCCO", "c1ccccc1"]
    >>> model = make_linear_pipeline().fit(smiles, [1.1, 0.6, 0.0, -1.6])
    >>> draw_contributions(smiles, atom_contributions(model, smiles), model.predict(smiles))
    <MoleculePicture of 4: save it to a .svg or .png file>
    """
    cells = molecule_cells(molecules, values, legends, unit, smiles_column)
    check_consistent_length(cells, contributions)
    arrays = [np.asarray(of_atoms, dtype=np.float64) for of_atoms in contributions]
    for row, (cell, of_atoms) in enumerate(zip(cells, arrays, strict=True)):
        _check_length(row, cell.mol, of_atoms)
    most = max_contribution or _largest(arrays)
    coloured = [
        cell if cell.mol is None else cell._replace(highlights=_highlights(of_atoms / most))
        for cell, of_atoms in zip(cells, arrays, strict=True)
    ]
    return MoleculePicture(coloured, n_columns=n_columns, size=size)


def _check_length(row: int, mol: Mol | None, of_atoms: np.ndarray) -> None:
    n_atoms = mol.GetNumAtoms() if mol is not None else 0
    if of_atoms.shape != (n_atoms,):
        raise ValueError(
            f"The contributions of row {row} have the shape {of_atoms.shape}; expected "
            f"({n_atoms},), one for each atom. Are they of the same molecules?"
        )


def _largest(arrays: list[np.ndarray]) -> float:
    finite = np.abs(np.concatenate(arrays))
    return float(np.nanmax(finite, initial=0.0)) or 1.0


def _highlights(shares: np.ndarray) -> dict[str, Any]:
    """Give RDKit's arguments that colour atoms by numbers from -1 to 1; NaN stays uncoloured."""
    atoms = np.flatnonzero(np.isfinite(shares)).tolist()
    return {
        "highlightAtoms": atoms,
        "highlightAtomColors": {atom: _color(shares[atom]) for atom in atoms},
        "highlightAtomRadii": dict.fromkeys(atoms, _RADIUS),
        "highlightBonds": [],
    }


def _color(share: float) -> tuple[float, float, float]:
    end = _HIGH if share > 0 else _LOW
    red, green, blue = _MIDDLE + min(abs(share), 1.0) * (end - _MIDDLE)
    return float(red), float(green), float(blue)
