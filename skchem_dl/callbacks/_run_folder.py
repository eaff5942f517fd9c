"""Folders of runs, one a fit, never two fits in one; and what is written in them."""

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from skchem_dl.callbacks._run import short

_LONGEST_NAME = 90
_MOST_BYTES = 200  # with a number behind them, 255 at most


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
    name = re.sub(r"[^\w.,=+-]+", "_", name)
    # File systems count bytes.
    name = name.encode()[:_MOST_BYTES].decode(errors="ignore").strip("_,.") or "run"
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


def run_name(estimator: str, changed: Mapping[str, Any]) -> str:
    """Name a run by the parameters that differ from their defaults.

    Parameters
    ----------
    estimator : str
        Its class.
    changed : mapping
        Those parameters.

    Returns
    -------
    str
        ``"MolGNNRegressor,conv=gcn,lr=0.003"``; where that gets too long, ``",+2"`` stands for two
        more.
    """
    parts = [estimator, *(f"{name}={value}" for name, value in changed.items())]
    n_shown = len(parts)
    while n_shown > 1 and len(",".join(parts[:n_shown])) > _LONGEST_NAME:
        n_shown -= 1
    more = [f"+{len(parts) - n_shown}"] if n_shown < len(parts) else []
    return ",".join([*parts[:n_shown], *more])


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write parameters as readable JSON.

    Parameters
    ----------
    path : Path
    values : mapping
        As `plain` gives them.
    """
    path.write_text(json.dumps(dict(values), indent=2) + "\n", encoding="utf-8")


def write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV, with every column that any of them has.

    Parameters
    ----------
    path : Path
    rows : iterable of mappings
    """
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


def append_row(path: Path, values: Iterable[Any]) -> None:
    """Write one more row of the table.

    Parameters
    ----------
    path : Path
    values : iterable
        In the order of its columns.
    """
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(values)


def require_tensorboard() -> type:
    """Give TensorBoard's writer.

    Returns
    -------
    type
        torch.utils.tensorboard.SummaryWriter.

    Raises
    ------
    ImportError
        If TensorBoard or matplotlib is not installed, naming the extra.
    """
    try:
        import matplotlib  # noqa: F401
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "Logging to TensorBoard needs the extra 'tracking': pip install 'skchem_dl[tracking]'."
        ) from error
    return SummaryWriter


def open_writer(folder: Path, *, first_step: int = 1) -> Any:
    """Open a TensorBoard writer.

    Parameters
    ----------
    folder : Path
    first_step : int, default=1
        What an earlier writer wrote in this folder for this step and later ones is void.

    Returns
    -------
    torch.utils.tensorboard.SummaryWriter
    """
    purge_step = first_step if first_step > 1 else None
    return require_tensorboard()(str(folder), purge_step=purge_step)


def write_hparams(writer: Any, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    """Give a run its row in the HPARAMS tab.

    torch's own ``add_hparams`` would open a second run for it.

    Parameters
    ----------
    writer : SummaryWriter
    params : mapping
        As `plain` gives them.
    metrics : mapping of str to float
    """
    from torch.utils.tensorboard.summary import hparams

    shown = {name: _in_hparams(value) for name, value in params.items()}
    # The first summary, of the experiment, would say what columns there are; TensorBoard takes it
    # from any one run, whatever the others have. Without it, it looks at all of them.
    _, *of_run = hparams(shown, dict(metrics))
    for summary in of_run:
        writer.file_writer.add_summary(summary)
    for name, value in metrics.items():
        writer.add_scalar(name, value)


def _in_hparams(value: Any) -> int | float | str:
    """Give a value as the tab shows it: yes or no as text, where torch would write 1.0."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and not math.isnan(value) else str(short(value))
