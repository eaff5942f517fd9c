"""A user's own table of molecules and measurements."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sklearn.utils._param_validation import validate_params

from skchem_dl._readers.columns import header_score, pick_smiles, refuse_molecule_as_header
from skchem_dl.datasets._make import CONSTRAINTS, Options, make_dataset, target_names
from skchem_dl.datasets._table import read_table


@validate_params(
    {
        "path": [str, os.PathLike],
        "smiles": [str, None],
        "encoding": [str, None],
        "separator": [str, None],
        **CONSTRAINTS,
    },
    prefer_skip_nested_validation=True,
)
def load_csv(
    path: str | os.PathLike[str],
    *,
    smiles: str | None = None,
    target: str | Sequence[str] | None = None,
    labels: bool = False,
    encoding: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    na_values: Collection[str] = (),
    on_non_numeric: str = "raise",
    on_missing: str = "raise",
    on_invalid: str = "raise",
    duplicates: str = "keep",
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    r"""Load molecules and targets from a text file with a header: CSV, semicolons or tabs.

    What is not given is found out: compression with gzip, encoding, separator, decimal comma and
    the column of SMILES; the Bunch says what was taken. What is wrong in the file is an error
    that names row and value, until a parameter says what is to become of it. Every molecule is
    parsed, some thousands a second.

    Parameters
    ----------
    path : str or path-like
        The file. It is read whole: for files larger than memory see `skchem_dl.screening`.

    smiles : str, default=None
        The column of SMILES. By default the one that is called so: "smiles", "Canonical SMILES",
        "SMILES_parent", ...

    target : str or list of str, default=None
        The column or columns to learn. By default none: `target` of the Bunch is None.

    labels : bool, default=False
        If True, targets are class labels and stay text, None where there is none.

    encoding : str, default=None
        By default UTF-8 or UTF-16 where the bytes are that, otherwise Windows-1252 (with Latin-1).

    separator : str of one character, default=None
        By default what a first line such as ``sep=;`` names (Excel writes it), otherwise the one
        of comma, semicolon, tab and ``|`` that gives the columns asked for and cuts all rows
        alike.

    decimal : {".", ","}, default=None
        The decimal mark of the targets. By default the comma if there are commas and no points,
        unless they may stand for thousands: ``1,234`` is refused, except in files with
        semicolons.

    na_values : list of str, default=()
        What else stands for a missing target, such as "n.d."; always do an empty cell, "NA",
        "N/A", "#N/A", "NaN", "null" and "None", in any case.

    on_non_numeric : {"raise", "nan"}, default="raise"
        A target that is no number ("<5", "1,234.5") is an error; or is taken as missing, with a
        warning.

    on_missing : {"raise", "keep", "drop"}, default="raise"
        A row without any target is an error, is kept with NaN, or is left out. Of several
        targets some may always be missing: they are NaN, which the networks take as
        "not measured".

    on_invalid : {"raise", "keep", "drop"}, default="raise"
        A row without a valid molecule is an error; or is kept or left out, with a warning.

    duplicates : {"keep", "first", "mean", "error"}, default="keep"
        What becomes of rows of the same molecule, which is one with the same canonical SMILES:
        they stay; the first stays; the first stays, with the mean of the targets of all; or they
        are an error.

    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` and `target` are pandas objects, and `frame` holds both.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray of object, Series} of shape (n_samples,)
            SMILES strings, as they stand in the file.
        target : {ndarray, Series, DataFrame} of shape (n_samples,) or (n_samples, n_targets)
            float64, or text if ``labels=True``. Two-dimensional if `target` was a list, be it of
            one. None without targets.
        frame : DataFrame of shape (n_samples, 1 + n_targets)
            `data` and `target`; None unless ``as_frame=True``.
        feature_names, target_names : list of str
            The columns of SMILES and of targets.
        other_columns : dict of ndarray of object, shape (n_samples,)
            The remaining columns, as text: names, dates, batches.
        rows : ndarray of int, shape (n_samples,)
            Each sample's row in the file; 0 is the first one below the header.
        lines : ndarray of int, shape (n_samples,)
            The same as lines of the file, from 1.
        left_out : dict
            Why rows of the file are not here: row to reason.
        invalid : list of InvalidMolecule
            Row, text and reason of every invalid molecule, kept or not.
        not_numbers : list of NotNumber
            Row, column and text of every target that was no number.
        duplicates : list of tuple of int
            The rows of each molecule that occurs more than once; empty if
            ``duplicates="keep"``, which does not look for them.
        encoding, separator, decimal : str
            What the file was read with.
        DESCR : str
            The above in words.
        filename : str
            The path of the file.

    (data, target) : tuple if ``return_X_y`` is True
        The SMILES strings and the targets.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If `na_values` are no texts.
    ValueError
        If the file is empty, is no text, has no header, no rows or no such column, has a column
        twice, rows of different length or wrong quotes, or has what ``"raise"`` and ``"error"``
        refuse.
    InvalidMoleculeError
        If ``on_invalid="raise"`` and some rows are no molecules.
    ImportError
        If ``as_frame=True`` and pandas is missing.

    See Also
    --------
    load_solubility : A data set that needs no file.
    fetch_lipophilicity : One of MoleculeNet's data sets.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skchem_dl.datasets import load_csv
    >>> text = "Name;SMILES;logS\nethanol;CCO;1,10\nbenzene;c1ccccc1;-1,64\n"
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "measured.csv"
    ...     _ = path.write_text(text, encoding="utf-16")
    ...     measured = load_csv(path, target="logS")
    >>> measured.data
    array(['CCO', 'c1ccccc1'], dtype=object)
    >>> measured.target
    array([ 1.1 , -1.64])
    >>> measured.encoding, measured.separator, measured.decimal
    ('utf-16', ';', ',')
    """
    options = Options(
        labels,
        decimal,
        na_values,
        on_non_numeric,
        on_missing,
        on_invalid,
        duplicates,
        return_X_y,
        as_frame,
    )
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        raise ValueError(f"{separator=} cannot separate; pass one character, or leave it out.")
    table = read_table(Path(path), encoding, separator, header_score(smiles, target_names(target)))
    smiles_name = pick_smiles(table.header, smiles, table.path)
    refuse_molecule_as_header(smiles_name, table.path)
    return make_dataset(table, smiles_name, target, options, caller="load_csv")
