"""Training shown in TensorBoard, and kept as plain CSV and JSON beside it."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from skchem_dl.callbacks._runs import make_run_folder, run_name, short, write_json

_LOSSES = {"train_loss": "loss/train", "valid_loss": "loss/validation"}


def summary_writer(folder: Path) -> Any:
    """Open a TensorBoard writer.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    torch.utils.tensorboard.SummaryWriter

    Raises
    ------
    ImportError
        If TensorBoard is not installed, naming the extra.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "Logging to TensorBoard needs the extra 'tracking': pip install 'skchem_dl[tracking]'."
        ) from error
    return SummaryWriter(str(folder))


def write_hparams(writer: Any, params: dict[str, Any], metrics: dict[str, float]) -> None:
    """Give a run its row in the HPARAMS tab.

    torch's own ``add_hparams`` would open a second run for it.

    Parameters
    ----------
    writer : SummaryWriter
    params : dict
    metrics : dict of str to float
    """
    from torch.utils.tensorboard.summary import hparams

    for summary in hparams({key: short(value) for key, value in params.items()}, metrics):
        writer.file_writer.add_summary(summary)
    for name, value in metrics.items():
        writer.add_scalar(name, value)


class TensorBoardLogger(Callback):
    """Log one fit to a folder of its own.

    Losses, metrics in the units of y, learning rate, gradient norm and seconds go to TensorBoard
    epoch by epoch and, the same numbers, to ``metrics.csv``; the parameters go to the HPARAMS tab
    and to ``params.json``; at the end of a regression there is a picture of predicted against
    measured.

    Parameters
    ----------
    log_dir : path, default="runs"
        The folder is made in here.
    run_name : str, default=None
        Its name; None names it by the parameters that differ from their defaults. A number is put
        behind it, so that no two fits meet.
    every : int, default=1
        Epochs between entries; the last epoch is always one.
    weights : bool, default=False
        Log a histogram of every weight matrix as well.

    Attributes
    ----------
    folder_ : pathlib.Path
        Where it went.

    Examples
    --------
    >>> from skchem_dl.callbacks import TensorBoardLogger
    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> logger = TensorBoardLogger("runs", run_name="first try", every=5)
    >>> model = make_gnn_pipeline(callbacks=[logger])
    """

    def __init__(
        self,
        log_dir: str | Path = "runs",
        *,
        run_name: str | None = None,
        every: int = 1,
        weights: bool = False,
    ) -> None:
        self.log_dir = log_dir
        self.run_name = run_name
        self.every = every
        self.weights = weights

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Make the folder and open its files."""
        run = net.run
        name = self.run_name or run_name(run.estimator, run.changed)
        self.folder_ = make_run_folder(self.log_dir, name)
        write_json(self.folder_ / "params.json", run.params)
        self._writer = summary_writer(self.folder_)
        self._rows: list[dict[str, float]] = []
        self._collected: dict[bool, list[tuple[np.ndarray, np.ndarray]]] = {True: [], False: []}
        self._norms: list[float] = []

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Start the epoch's collections."""
        self._collected = {True: [], False: []}
        self._norms = []

    def on_grad_computed(self, net: Any, named_parameters: Any = None, **kwargs: Any) -> None:
        """Note the norm of the gradient, before any clipping."""
        squares = [
            p.grad.detach().square().sum() for _, p in named_parameters if p.grad is not None
        ]
        self._norms.append(float(sum(squares)) ** 0.5)

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, y_pred: Any = None, **kwargs: Any
    ) -> None:
        """Collect predictions for the metrics."""
        target = batch[1][0]
        self._collected[training].append(
            (target.cpu().numpy(), y_pred.detach().float().cpu().numpy())
        )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Log the epoch, where it is one of those to log."""
        row = net.history[-1]
        values = {tag: float(row[name]) for name, tag in _LOSSES.items() if name in row}
        for training, part in ((True, "train"), (False, "validation")):
            if self._collected[training]:
                target, raw = map(np.concatenate, zip(*self._collected[training], strict=True))
                for name, value in net.run.task.metrics(target, raw).items():
                    values[f"{name}/{part}"] = value
        values["training/learning_rate"] = net.optimizer_.param_groups[0]["lr"]
        values["training/gradient_norm"] = float(np.mean(self._norms))
        values["training/epoch_seconds"] = float(row["dur"])
        self._last = values
        if (row["epoch"] - 1) % self.every == 0 or row["epoch"] == net.max_epochs:
            self._log(net, row["epoch"], values)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Write parameters with final metrics, and the picture; close the files."""
        if self._rows:
            final = {f"final/{tag}": value for tag, value in self._last.items()}
            write_hparams(self._writer, net.run.params, final)
            self._add_picture(net)
        self._writer.close()
        for name in ("_writer", "_rows", "_collected", "_norms"):
            delattr(self, name)  # a writer cannot be pickled, and the rest is no longer needed

    def _log(self, net: Any, epoch: int, values: dict[str, float]) -> None:
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, epoch)
        if self.weights:
            for name, tensor in net.module_.named_parameters():
                self._writer.add_histogram(f"weights/{name}", tensor.detach().cpu(), epoch)
        self._rows.append({"epoch": epoch, **values})
        with (self.folder_ / "metrics.csv").open("a", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, self._rows[0].keys())
            if len(self._rows) == 1:
                table.writeheader()
            table.writerow(self._rows[-1])

    def _add_picture(self, net: Any) -> None:
        part = self._collected[False] or self._collected[True]
        target, raw = map(np.concatenate, zip(*part, strict=True))
        figure = net.run.task.picture(target, raw)
        if figure is not None:
            self._writer.add_figure("predicted against measured", figure, close=False)
