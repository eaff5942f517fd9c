"""From a row of the table of data sets to a function that fetches it."""

import os
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils._param_validation import validate_params

from skchem_dl._readers.columns import pick_columns
from skchem_dl.datasets._bunch import as_dataset
from skchem_dl.datasets._download import RemoteFile, find_or_download
from skchem_dl.datasets._table import Table, read_table
from skchem_dl.datasets._targets import describe_not_numbers, read_number_columns


class Task(NamedTuple):
    """Something to learn from a data set, and how MoleculeNet scores it."""

    kind: str  # "regression" or "classification"
    split: str  # "random" or "scaffold"
    scoring: str  # a name of scikit-learn's scorers
    targets: dict[str, str]  # column to unit, or to the meaning of the classes


class Source(NamedTuple):
    """One data set."""

    name: str
    title: str
    about: str
    n_rows: int
    remote: str
    sha256: tuple[str, ...]
    smiles: tuple[str, ...]  # what its column may be called
    tasks: tuple[Task, ...]  # the first one is the default
    reference: str
    license: str


MOLECULENET = (
    'Wu, Z., et al. (2018). "MoleculeNet: a benchmark for molecular machine learning". Chemical '
    "Science, 9(2), 513-530. https://doi.org/10.1039/C7SC02664A"
)


def make_fetch(source: Source) -> Callable[..., Any]:
    """Make the public function of a data set.

    Parameters
    ----------
    source : Source

    Returns
    -------
    callable
        In the form of scikit-learn's ``fetch_*``, with its documentation.
    """
    caller = f"fetch_{source.name}"
    file = RemoteFile(f"{source.name}.csv", source.remote, source.sha256, caller)

    def fetch(
        *,
        data_home: str | os.PathLike[str] | None = None,
        download_if_missing: bool = True,
        target: str | Sequence[str] | None = None,
        return_X_y: bool = False,
        as_frame: bool = False,
    ) -> Any:
        task, names = _choose(source, target)
        path = find_or_download(file, data_home, download_if_missing)
        table = read_table(path, separator=",")
        smiles_name = next(name for name in source.smiles if name in table.header)
        values = _read_targets(table, names, task)
        return as_dataset(
            _texts(table, smiles_name),
            values[:, 0] if len(names) == 1 and not isinstance(target, list | tuple) else values,
            names,
            caller=caller,
            return_X_y=return_X_y,
            as_frame=as_frame,
            units={name: task.targets[name] for name in names},
            task=task.kind,
            recommended_split=task.split,
            recommended_scoring=task.scoring,
            other_columns={
                name: _texts(table, name)
                for name in table.header
                if name not in (smiles_name, *names)
            },
            citation=source.reference,
            license=source.license,
            DESCR=_describe(source),
            filename=str(path),
        )

    fetch.__name__ = fetch.__qualname__ = caller
    fetch.__module__ = "skchem_dl.datasets"
    fetch.__doc__ = _document(source)
    constraints = {
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "target": [str, list, tuple, None],
        "return_X_y": ["boolean"],
        "as_frame": ["boolean"],
    }
    return validate_params(constraints, prefer_skip_nested_validation=True)(fetch)


def _choose(source: Source, target: str | Sequence[str] | None) -> tuple[Task, list[str]]:
    """Find the task that the targets belong to."""
    if target is None:
        return source.tasks[0], list(source.tasks[0].targets)
    names = [target] if isinstance(target, str) else list(target)
    for task in source.tasks:
        if names and set(names) <= set(task.targets) and len(set(names)) == len(names):
            return task, names
    choices = " or of ".join(str(list(task.targets)) for task in source.tasks)
    raise ValueError(f"fetch_{source.name} has no target={target!r}; expected some of {choices}.")


def _read_targets(table: Table, names: list[str], task: Task) -> np.ndarray:
    """Read numbers, ``(n, t)``; classes without gaps are integers."""
    pick_columns(table.header, names, table.path)
    targets = read_number_columns(table, names, ".", ())
    if targets.not_numbers:
        raise ValueError(describe_not_numbers(table, targets))
    if task.kind == "classification" and not np.isnan(targets.values).any():
        return targets.values.astype(np.int64)
    return targets.values


def _texts(table: Table, name: str) -> np.ndarray:
    return np.array(table.column(name), dtype=object)


def _describe(source: Source) -> str:
    """Write DESCR."""
    title = [source.title, "-" * len(source.title), ""]
    return "\n".join([*title, _describe_body(source), "", _describe_references(source)])


def _describe_body(source: Source) -> str:
    lines = [source.about, "", f":Samples: {source.n_rows:,}"]
    for task in source.tasks:
        lines += [f":Target ({task.kind}): {name}, {unit}" for name, unit in task.targets.items()]
        lines.append(f":Recommended ({task.kind}): {task.split} split, {task.scoring!r} [2]_")
    return "\n".join([*lines, f":Licence: {source.license}"])


def _describe_references(source: Source) -> str:
    numbered = enumerate((source.reference, MOLECULENET), start=1)
    texts = [
        fill(f".. [{number}] {text}", 96, subsequent_indent="   ", break_on_hyphens=False)
        for number, text in numbered
    ]
    return "\n".join(["References", "----------", *texts])


def _document(source: Source) -> str:
    """Write the docstring."""
    default = source.tasks[0]
    names = list(default.targets)
    shape = "(n_samples,)" if len(names) == 1 else f"(n_samples, {len(names)})"
    kinds = " or ".join(task.kind for task in source.tasks)
    choices = [name for task in source.tasks for name in task.targets]
    return f"""Fetch {source.title} ({kinds}).

{_describe_body(source)}

Parameters
----------
data_home : str or path-like, default=None
    The folder of data. By default the one that the environment variable ``SKCHEM_DL_DATA`` names,
    or ``~/skchem_dl_data``.

download_if_missing : bool, default=True
    If False, raise an OSError where the file is not in the folder, instead of downloading it.

target : str or list of str, default=None
    Which of {choices} to give; by default {names}. Of a list the `target` is two-dimensional.

return_X_y : bool, default=False
    If True, return ``(data, target)`` instead of a Bunch.

as_frame : bool, default=False
    If True, `data` and `target` are pandas objects, and `frame` holds both.

Returns
-------
data : :class:`~sklearn.utils.Bunch`
    Dictionary-like object, with the following attributes.

    data : {{ndarray of object, Series}} of shape (n_samples,)
        SMILES strings. Those that RDKit rejects keep their rows: ``on_invalid="nan"`` of the
        featurisers deals with them.
    target : {{ndarray, Series, DataFrame}} of shape {shape}
        float64, NaN where nothing was measured; classes without gaps are int64.
    frame : DataFrame
        `data` and `target`; None unless ``as_frame=True``.
    feature_names, target_names : list of str
        The names of the columns of `frame`.
    units : dict
        The unit of each target, or the meaning of its classes.
    task : str
        "regression" or "classification".
    recommended_split : str
        "random" or "scaffold", as MoleculeNet splits the set [2]_.
    recommended_scoring : str
        scikit-learn's name of MoleculeNet's metric.
    other_columns : dict of ndarray of object, shape (n_samples,)
        The remaining columns of the file, as text.
    citation, license : str
        What to cite, and the terms of the data.
    DESCR : str
        The full description of the data set.
    filename : str
        The path of the file.

(data, target) : tuple if ``return_X_y`` is True
    The SMILES strings and the targets.

Raises
------
OSError
    If the file is neither there nor can be downloaded, or has not the SHA-256 it should have.
ImportError
    If it must be downloaded and pooch is missing, or if ``as_frame=True`` and pandas is missing.
ValueError
    If there is no such `target`, or several do not go together.

See Also
--------
load_csv : Reads a file of your own.

{_describe_references(source)}

Examples
--------
>>> from skchem_dl.datasets import fetch_{source.name}
>>> X, y = fetch_{source.name}(return_X_y=True)  # doctest: +SKIP
>>> X.shape, y.shape  # doctest: +SKIP
{_shapes(source.n_rows, len(names))}
"""


def _shapes(n_rows: int, n_targets: int) -> str:
    return str(((n_rows,), (n_rows,) if n_targets == 1 else (n_rows, n_targets)))
