"""Training shown in TensorBoard, and kept as plain CSV and JSON beside it."""

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from skorch.callbacks import Callback

from skchem_dl._warnings import warn_caller
from skchem_dl.callbacks._pictures import draw_predictions
from skchem_dl.callbacks._run import Run
from skchem_dl.callbacks._run_folder import (
    append_row,
    make_run_folder,
    open_writer,
    require_tensorboard,
    run_name,
    write_hparams,
    write_json,
    write_table,
)

_MOST_POINTS = 1_000
_PARTS = {"train": "train", "valid": "validation"}
_TRAINING_TAGS = {"lr": "learning_rate", "dur": "epoch_seconds", "grad_norm": "gradient_norm"}
_NOT_SHOWN = ("epoch", "batches", "train_batch_count", "valid_batch_count")


class TensorBoardLogger(Callback):
    """Log each fit to a folder of its own.

    Losses, metrics in the units of y, learning rate, gradient norm and seconds of each epoch go to
    TensorBoard and, the same numbers, to ``metrics.csv``. At the end the HPARAMS tab gets all
    parameters with the metrics of the epoch that was kept, which are in ``params.json`` and
    ``summary.json`` too; a regression also gets a picture of predicted against measured. Needs the
    extra ``tracking``.

    Estimators make one themselves where ``log_dir`` is set; pass this one in ``callbacks`` to
    choose the name or the cadence.

    Parameters
    ----------
    log_dir : path, default=None
        The folder is made in here. None is the estimator's ``log_dir``, or else "runs".
    run_name : str, default=None
        Its name; None names it by the parameters that differ from their defaults. A number is put
        behind it, so that no two fits meet.
    every : int, default=1
        Epochs between entries; the last epoch is always one.
    weights : bool, default=False
        Log a histogram of every weight matrix as well.

    See Also
    --------
    log_search : A finished search, a row a candidate.

    Examples
    --------
    >>> from skchem_dl.callbacks import TensorBoardLogger
    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> logger = TensorBoardLogger(run_name="first try", every=5)
    >>> model = make_gnn_pipeline(log_dir="runs", callbacks=[logger])
    """

    def __init__(
        self,
        log_dir: str | Path | None = None,
        *,
        run_name: str | None = None,
        every: int = 1,
        weights: bool = False,
    ) -> None:
        self.log_dir = log_dir
        self.run_name = run_name
        self.every = every
        self.weights = weights

    def make_folder(self, log_dir: str | Path | None, run: Run) -> Path:
        """Make the folder of a fit, which the members of an ensemble share.

        Parameters
        ----------
        log_dir : path or None
            The estimator's.
        run : Run
            What is trained.

        Returns
        -------
        Path
            A folder that no other fit has.

        Raises
        ------
        ValueError
            If `every` is less than 1.
        ImportError
            If TensorBoard or matplotlib is missing.
        """
        if self.every < 1:
            raise ValueError(f"TensorBoardLogger(every={self.every!r}); expected 1 or more epochs.")
        require_tensorboard()
        name = self.run_name or run_name(run.estimator, run.changed)
        return make_run_folder(self.log_dir or log_dir or "runs", name)

    # Here already, since another callback's on_train_begin may fail before this one's.
    _finished = False
    _n_logged = 0
    _writer: Any = None

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Open the files, before the first epoch."""
        self._open(net)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Log the epoch, where it is one of those to log."""
        if len(net.history) % self.every == 0:
            self._log(net)

    def catch_up(self, net: Any) -> None:
        """Log the last epoch, if it is not, before the best one's weights are put back.

        Parameters
        ----------
        net : skorch.NeuralNet
            The one that was trained.
        """
        complete = bool(net.history) and "train_loss" in net.history[-1]
        if complete and self._n_logged < len(net.history):
            self._open(net)
            self._log(net)

    def on_train_end(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Write parameters with the final metrics, and the picture; close the files."""
        # A member may have been finished before its process was killed.
        goes_on = net.failed or (net.ctrl_c_pressed and net.checkpoints is not None)
        if self._n_logged and not self._finished and not goes_on:
            self._open(net)
            try:
                self._summarise(net, *X)
            except Exception as error:  # hours of training should not be lost for a picture
                warn_caller(f"The summary of {net.run.folder} could not be written: {error!r}")
            self._finished = True
        if self._writer is not None:
            self._writer.close()
            self._writer = None  # it cannot be pickled

    def _open(self, net: Any) -> None:
        if self._writer is None:
            net.run.folder.mkdir(exist_ok=True)
            self._columns: list[str] = []  # the table of a resumed training may have lines too many
            self._writer = open_writer(net.run.folder, first_step=len(net.history))
            write_json(net.run.folder / "params.json", net.run.params)

    def _log(self, net: Any) -> None:
        epoch = self._n_logged = len(net.history)
        values = _values(net.history[-1])
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, epoch)
        if self.weights:
            for name, tensor in net.module_.named_parameters():
                if tensor.isfinite().all():
                    self._writer.add_histogram(f"weights/{name}", tensor.detach().cpu(), epoch)
        path = net.run.folder / "metrics.csv"
        if list(values) == self._columns:
            append_row(path, [epoch, *values.values()])
            return
        self._columns = list(values)
        rows = enumerate(net.history, start=1)
        logged = [(n, row) for n, row in rows if n % self.every == 0 or n == epoch]
        write_table(path, [{"epoch": n, **_values(row)} for n, row in logged])

    def _summarise(self, net: Any, training: Any, validation: Any) -> None:
        epoch = net.kept_epoch or len(net.history)  # the last whole one, where Ctrl-C cut one short
        kept = _values(net.history[epoch - 1])
        final = {f"summary/{tag}": value for tag, value in kept.items()}
        write_hparams(self._writer, net.run.params, final)
        facts = {"estimator": net.run.estimator, "epoch": epoch}
        write_json(net.run.folder / "summary.json", {**facts, **kept})
        if net.run.task.is_numeric:
            self._add_picture(net, training, validation)

    def _add_picture(self, net: Any, training: Any, validation: Any) -> None:
        part = "training" if validation is None else "validation"
        targets, outputs = net.outputs(training if validation is None else validation, _MOST_POINTS)
        figure = draw_predictions(
            net.run.task.decode(targets), net.run.task.decode(outputs), f"{part} molecules"
        )
        self._writer.add_figure("predicted against measured", figure, close=False)


def _values(row: Mapping[str, Any]) -> dict[str, float]:
    """Give the numbers of an epoch under the names that TensorBoard groups them by."""
    tags = {name: _tag(name) for name in row if name not in _NOT_SHOWN}
    return {
        tag: float(row[name])
        for name, tag in tags.items()
        if isinstance(row[name], Real) and not isinstance(row[name], bool)
    }


def _tag(column: str) -> str:
    """Give ``rmse/validation`` for ``valid_rmse``, so that one chart shows both parts."""
    if column in _TRAINING_TAGS:
        return f"training/{_TRAINING_TAGS[column]}"
    part, _, name = column.partition("_")
    if part not in _PARTS:
        return f"other/{column}"
    name, smoothed, _ = name.partition("_smoothed")
    return f"{name}/{_PARTS[part]}{smoothed}"
