"""From a table of molecules and measurements to a data set."""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils._param_validation import StrOptions

from skchem_dl._readers.columns import pick_columns
from skchem_dl.datasets._bunch import as_dataset
from skchem_dl.datasets._duplicates import first_rows, mean_by_group
from skchem_dl.datasets._select import Selection, read_molecules
from skchem_dl.datasets._table import Table
from skchem_dl.datasets._targets import read_label_columns, read_number_columns
from skchem_dl.exceptions import first_five

# Of the parameters that are the same for every kind of file.
CONSTRAINTS = {
    "target": [str, list, tuple, None],
    "labels": ["boolean"],
    "decimal": [StrOptions({".", ","}), None],
    "na_values": [list, tuple, set, frozenset],
    "on_non_numeric": [StrOptions({"raise", "nan"})],
    "on_missing": [StrOptions({"raise", "keep", "drop"})],
    "on_invalid": [StrOptions({"raise", "keep", "drop"})],
    "duplicates": [StrOptions({"keep", "first", "mean", "error"})],
    "return_X_y": ["boolean"],
    "as_frame": ["boolean"],
}


class Options(NamedTuple):
    """The parameters of `load_csv` of the same names."""

    labels: bool
    decimal: str | None
    na_values: Collection[str]
    on_non_numeric: str
    on_missing: str
    on_invalid: str
    duplicates: str
    return_X_y: bool
    as_frame: bool


def target_names(target: str | Sequence[str] | None) -> list[str]:
    """Return the target columns as a list."""
    return [target] if isinstance(target, str) else list(target or ())


def make_dataset(
    table: Table,
    smiles_name: str,
    target: str | Sequence[str] | None,
    options: Options,
    *,
    caller: str,
) -> Any:
    """Return the Bunch, or data and target, for the rows of a table that stay."""
    if options.labels and options.duplicates == "mean":
        raise ValueError('duplicates="mean" is for numbers, but labels=True; use "first".')
    if not all(isinstance(value, str) for value in options.na_values):
        raise TypeError(f"na_values={options.na_values!r}; expected texts, as in the file.")
    names = target_names(target)
    pick_columns(table.header, [smiles_name, *names], table.path)
    selection = Selection(table)
    targets = None
    if names:
        read = (
            read_label_columns
            if options.labels
            else partial(read_number_columns, decimal=options.decimal)
        )
        targets = read(table, names, na_values=options.na_values)
        selection.check_numbers(targets, options.on_non_numeric)
        selection.check_missing(targets, names, options.on_missing)
    invalid, keys = read_molecules(table, smiles_name, canonical=options.duplicates != "keep")
    selection.check_molecules(invalid, options.on_invalid)
    rows = selection.rows
    values = None if targets is None else targets.values[rows]
    repeated: list[tuple[int, ...]] = []
    if options.duplicates != "keep":
        repeated, groups = selection.check_duplicates(keys, options.duplicates)
        rows, values = selection.rows, _merge(values, groups, options.duplicates)
    if not len(rows):
        raise ValueError(
            f"{table.path}: no row is left of {len(table.rows)}, for these reasons:\n"
            f"{first_five(sorted(set(selection.left_out.values())))}"
        )

    if values is not None and isinstance(target, str):
        values = values[:, 0]
    facts = {
        "encoding": table.encoding,
        **({"separator": table.separator} if table.separator else {}),
        "decimal": None if targets is None else targets.decimal,
    }
    return as_dataset(
        _texts(table, smiles_name, rows),
        values,
        names,
        caller=caller,
        return_X_y=options.return_X_y,
        as_frame=options.as_frame,
        smiles_name=smiles_name,
        other_columns={
            name: _texts(table, name, rows)
            for name in table.header
            if name not in (smiles_name, *names)
        },
        rows=rows,
        lines=np.array(table.lines)[rows],
        left_out=dict(sorted(selection.left_out.items())),
        invalid=invalid,
        not_numbers=[] if targets is None else targets.not_numbers,
        duplicates=repeated,
        DESCR=_describe(table, smiles_name, names, facts, selection.left_out),
        filename=str(table.path),
        **facts,
    )


def _texts(table: Table, name: str, rows: np.ndarray) -> np.ndarray:
    return np.array(table.column(name), dtype=object)[rows]


def _merge(values: np.ndarray | None, groups: np.ndarray, duplicates: str) -> np.ndarray | None:
    """Return one row of targets for each molecule, ``(n, t) -> (n_molecules, t)``."""
    if values is None:
        return None
    return mean_by_group(values, groups) if duplicates == "mean" else values[first_rows(groups)]


def _describe(
    table: Table,
    smiles: str,
    targets: list[str],
    facts: dict[str, Any],
    left_out: dict[int, str],
) -> str:
    reasons = Counter(reason.split(":")[0] for reason in left_out.values())
    smiles_from = f"column {smiles!r}" if table.separator else "the mol blocks"
    lines = [
        f"Molecules of {table.path}",
        "",
        f":SMILES: {smiles_from}",
        f":Targets: {targets or 'none'}",
        *(f":{name.capitalize()}: {value!r}" for name, value in facts.items()),
        f":Rows: {len(table.rows)} in the file, {len(table.rows) - len(left_out)} here",
        *(f":Left out: {count} rows, {reason}" for reason, count in reasons.items()),
    ]
    return "\n".join(lines)
