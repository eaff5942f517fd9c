"""Folders of runs: one a fit, never two fits in one."""

import json
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

_LONGEST_NAME = 80


def make_run_folder(log_dir: str | Path, name: str) -> Path:
    """Create a folder that no other fit has, also with other processes at work.

    Parameters
    ----------
    log_dir : path
        Where it is created; made if need be.
    name : str
        What it is called; a number is put behind it.

    Returns
    -------
    Path
    """
    name = re.sub(r"[^\w.,=+-]+", "_", name)[:_LONGEST_NAME].strip("_,.") or "run"
    parent = Path(log_dir)
    parent.mkdir(parents=True, exist_ok=True)
    for number in count():
        folder = parent / f"{name}-{number}"
        try:
            folder.mkdir()  # atomic: just one process can succeed
        except FileExistsError:
            continue
        return folder
    raise AssertionError("count() does not end")


def run_name(estimator_name: str, changed: Mapping[str, Any]) -> str:
    """Name a run by the parameters that differ from their defaults.

    Parameters
    ----------
    estimator_name : str
    changed : mapping
        Those parameters.

    Returns
    -------
    str
        ``"MolGNNRegressor,conv=gcn,lr=0.003"``
    """
    return ",".join([estimator_name, *(f"{key}={short(value)}" for key, value in changed.items())])


def short(value: Any) -> Any:
    """Give a parameter as TensorBoard and JSON take it: a bool, a number or short text.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool, int, float or str
    """
    if value is None or isinstance(value, bool | int | float | str):
        return "None" if value is None else value
    if isinstance(value, type) or callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return re.sub(r"\s+", " ", repr(value))[:200]


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write parameters as readable JSON.

    Parameters
    ----------
    path : Path
    values : mapping
    """
    shown = {key: short(value) for key, value in values.items()}
    path.write_text(json.dumps(shown, indent=2, allow_nan=True) + "\n", encoding="utf-8")
