"""A user's own SD file of molecules and measurements."""

import io
import os
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sklearn.utils._param_validation import validate_params

from skchem_dl._readers.lines import Lines
from skchem_dl._readers.mol_blocks import read_molecules_of
from skchem_dl._readers.sdf import SDFRecord, own_columns, parse_record, sdf_records
from skchem_dl.datasets._bytes import decode, read_unpacked
from skchem_dl.datasets._make import CONSTRAINTS, Options, make_dataset
from skchem_dl.datasets._table import Table
from skchem_dl.exceptions import InvalidMolecule

_CHUNK_SIZE = 1_000


@validate_params(
    {"path": [str, os.PathLike], "encoding": [str, None], **CONSTRAINTS},
    prefer_skip_nested_validation=True,
)
def load_sdf(
    path: str | os.PathLike[str],
    *,
    target: str | Sequence[str] | None = None,
    labels: bool = False,
    encoding: str | None = None,
    decimal: str | None = None,
    na_values: Collection[str] = (),
    on_non_numeric: str = "raise",
    on_missing: str = "raise",
    on_invalid: str = "raise",
    duplicates: str = "keep",
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    r"""Load molecules and targets from an SD file, which may be gzipped.

    The mol block of each record becomes a canonical SMILES, with the stereochemistry that RDKit
    perceives and hydrogens as RDKit's suppliers leave them; coordinates are not kept. Data fields
    become columns. A record that RDKit cannot read is a row all the same, and its neighbors are
    read as if it were not there. What is wrong is an error that names row and line, until a
    parameter says what is to become of it.

    Parameters
    ----------
    path : str or path-like
        The file. It is read whole: for files larger than memory see `skchem_dl.screening`.

    target : str or list of str, default=None
        The data field or fields to learn. By default none: `target` of the Bunch is None.

    labels : bool, default=False
        If True, targets are class labels and stay text, None where there is none.

    encoding : str, default=None
        By default UTF-8 or UTF-16 where the bytes are that, otherwise Windows-1252 (with Latin-1).

    decimal : {".", ","}, default=None
        The decimal mark of the targets. By default the comma if there are commas and no points,
        unless they may stand for thousands: ``1,234`` is refused.

    na_values : list of str, default=()
        What else stands for a missing target, such as "n.d."; a missing or empty field, "NA",
        "N/A", "#N/A", "NaN", "null" and "None", in any case, always do.

    on_non_numeric : {"raise", "nan"}, default="raise"
        A target that is not a number ("<5", "1,234.5") is an error; or is taken as missing, with
        a warning.

    on_missing : {"raise", "keep", "drop"}, default="raise"
        A record without any target is an error, is kept with NaN, or is left out. Of several
        targets some may always be missing: they are NaN, which the networks take as
        "not measured".

    on_invalid : {"raise", "keep", "drop"}, default="raise"
        A record without a valid molecule is an error; or is kept (with an empty SMILES) or left
        out, with a warning.

    duplicates : {"keep", "first", "mean", "error"}, default="keep"
        What becomes of records of the same molecule, which is one with the same canonical SMILES:
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
            Canonical SMILES strings.
        target : {ndarray, Series, DataFrame} of shape (n_samples,) or (n_samples, n_targets)
            float64, or text if ``labels=True``. Two-dimensional if `target` was a list, be it of
            one. None without targets.
        frame : DataFrame of shape (n_samples, 1 + n_targets)
            `data` and `target`; None unless ``as_frame=True``.
        feature_names, target_names : list of str
            The column of SMILES, "smiles", and the targets.
        other_columns : dict of ndarray of object, shape (n_samples,)
            The first lines of the records as "name", then the remaining data fields, as text; ""
            where a record lacks the field. If fields are called "name" or "smiles" themselves,
            the columns made here are "mol_name" and "mol_smiles".
        rows : ndarray of int, shape (n_samples,)
            Each sample's record in the file, from 0.
        lines : ndarray of int, shape (n_samples,)
            The line of the file in which it begins, from 1.
        left_out : dict
            Why records of the file are not here: row to reason.
        invalid : list of InvalidMolecule
            Row, name and reason of every invalid molecule, kept or not.
        not_numbers : list of NotNumber
            Row, field and text of every target that was not a number.
        duplicates : list of tuple of int
            The rows of each molecule that occurs more than once; empty if
            ``duplicates="keep"``, which does not look for them.
        encoding, decimal : str
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
        If `na_values` are not texts.
    ValueError
        If the file is empty, is not text, has no such field, or has what ``"raise"`` and
        ``"error"`` refuse.
    InvalidMoleculeError
        If ``on_invalid="raise"`` and some records have no valid molecule.
    ImportError
        If ``as_frame=True`` and pandas is missing.

    See Also
    --------
    load_csv : The same for text files with a header.
    skchem_dl.screening.predict_file : Predictions for SD files of any size.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from rdkit import Chem
    >>> from skchem_dl.datasets import load_sdf
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "measured.sdf"
    ...     with Chem.SDWriter(str(path)) as writer:
    ...         for smiles, solubility in [("CCO", 1.1), ("c1ccccc1", -1.64)]:
    ...             mol = Chem.MolFromSmiles(smiles)
    ...             mol.SetDoubleProp("logS", solubility)
    ...             writer.write(mol)
    ...     measured = load_sdf(path, target="logS")
    >>> measured.data
    array(['CCO', 'c1ccccc1'], dtype=object)
    >>> measured.target
    array([ 1.1 , -1.64])
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
    table = _read_table(Path(path), encoding)
    return make_dataset(table, table.header[1], target, options, caller="load_sdf")


def _read_table(path: Path, encoding: str | None) -> Table:
    """Read a file whole, as a table of titles, SMILES and data fields."""
    text, encoding = decode(read_unpacked(path), encoding, path)
    # Only what the table needs is kept: mol blocks are most of the file.
    own: list[list[str]] = []
    data: list[dict[str, str]] = []
    lines: list[int] = []
    invalid: list[InvalidMolecule] = []
    for records in _chunks(text, path):
        smiles, reasons = read_molecules_of(records)
        for row, reason in reasons.items():
            title = records[row].title.strip()
            invalid.append(InvalidMolecule(len(own) + row, title, reason))
        own += [[record.title, text or ""] for record, text in zip(records, smiles, strict=True)]
        data += [record.fields for record in records]
        lines += [record.line for record in records]
    if not own:
        raise ValueError(f"{path} is empty. Expected a record for each molecule.")
    names = list(dict.fromkeys(name for fields in data for name in fields))
    rows = [
        [cell.strip() for cell in (*cells, *(fields.get(name, "") for name in names))]
        for cells, fields in zip(own, data, strict=True)
    ]
    header = [*own_columns(names), *names]
    return Table(path, header, rows, lines, encoding, "", tuple(invalid))


def _chunks(text: str, path: Path) -> Iterator[list[SDFRecord]]:
    records = map(parse_record, sdf_records(Lines(io.StringIO(text, newline="\n"), path)))
    while some := list(islice(records, _CHUNK_SIZE)):
        yield some
