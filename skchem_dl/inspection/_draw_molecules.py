"""A picture of molecules with their values."""

from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params

from skchem_dl._rows import is_missing
from skchem_dl.features._molecules import as_items, parse_molecules
from skchem_dl.inspection._axes import format_number
from skchem_dl.inspection._molecule_picture import MoleculeCell, MoleculePicture


@validate_params(
    {
        "unit": [str, None],
        "n_columns": [Interval(Integral, 1, None, closed="left")],
        "size": [tuple],
        "smiles_column": [str, Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def draw_molecules(
    molecules: Any,
    values: Any = None,
    legends: Any = None,
    *,
    unit: str | None = None,
    n_columns: int = 4,
    size: tuple[int, int] = (200, 150),
    smiles_column: str | int | None = None,
) -> MoleculePicture:
    """Draw molecules in rows and columns, with their values beneath.

    Parameters
    ----------
    molecules : list, tuple, ndarray, Series or frame of n molecules
        SMILES strings or RDKit Mols. What is neither keeps its place, and the picture says there
        what is wrong with it.
    values : array-like of length n, default=None
        Measured or predicted: numbers are written to three digits, NaN as "no value", and text as
        it is.
    legends : array-like of length n, default=None
        Names, for example.
    unit : str, default=None
        Written after numbers.
    n_columns : int, default=4
        Molecules side by side.
    size : tuple of int, default=(200, 150)
        Width and height of one molecule, in pixels.
    smiles_column : str or int, default=None
        The column that holds the molecules, where there are several.

    Returns
    -------
    MoleculePicture
        Jupyter shows it. ``save("molecules.svg")`` writes it to a file; a PNG needs the extra
        `plot`.

    Raises
    ------
    ValueError
        If values or legends are not as many as the molecules.

    See Also
    --------
    draw_contributions : Colours the atoms.
    ChemicalSpaceDisplay : Puts molecules on a map.

    Examples
    --------
    >>> from skchem_dl.inspection import draw_molecules
    >>> picture = draw_molecules(
    ...     ["c1ccccc1", "CCO", "C("], [-1.64, 1.1, None], ["benzene", "ethanol", "typing error"],
    ...     unit="log10(mol/L)",
    ... )
    >>> picture
    <MoleculePicture of 3: save it to a .svg or .png file>
    >>> "no molecule: syntax error" in picture.to_svg()
    True
    """
    cells = molecule_cells(molecules, values, legends, unit, smiles_column)
    return MoleculePicture(cells, n_columns=n_columns, size=size)


def molecule_cells(
    molecules: Any, values: Any, legends: Any, unit: str | None, smiles_column: str | int | None
) -> list[MoleculeCell]:
    """Do what `draw_molecules` does with its arguments before it draws.

    Parameters
    ----------
    molecules, values, legends, unit, smiles_column
        Of `draw_molecules`.

    Returns
    -------
    list of n MoleculeCell
    """
    items, _ = as_items(molecules, smiles_column)
    columns = []
    if legends is not None:
        columns.append(_column(legends, "legends", str, missing=""))
    if values is not None:
        columns.append(_column(values, "values", partial(_value_text, unit), missing="no value"))
    check_consistent_length(items, *columns)
    parsed = parse_molecules(items)
    mols = iter(parsed.mols)
    reasons = {bad.row: bad.reason for bad in parsed.invalid}
    return [
        MoleculeCell(
            None if row in reasons else next(mols),
            [column[row] for column in columns],
            f"no molecule: {reasons.get(row)}",
        )
        for row in range(len(items))
    ]


def _column(values: Any, name: str, write: Callable[[Any], str], *, missing: str) -> list[str]:
    """Give a line of text for each molecule."""
    cells = np.asarray(values, dtype=object)
    if cells.ndim != 1:
        raise ValueError(f"{name} must be 1-D, one for each molecule; got shape {cells.shape}.")
    absent = is_missing(cells)
    return [missing if gone else write(cell) for cell, gone in zip(cells, absent, strict=True)]


def _value_text(unit: str | None, value: Any) -> str:
    if not isinstance(value, Real):
        return str(value)
    number = format_number(value)
    return f"{number} {unit}" if unit else number
