"""Training and prediction: skorch's loop over whole batches."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from skorch.utils import to_tensor
from torch import Tensor

from skchem_dl.callbacks import BestEpoch, Checkpoint, StopTraining, TensorBoardLogger
from skchem_dl.callbacks._checkpoint_folder import CheckpointFolder
from skchem_dl.callbacks._given import is_pruning, picklable_callbacks
from skchem_dl.callbacks._run import Run
from skchem_dl.estimators._busy_waiting import limit_busy_waiting
from skchem_dl.estimators._data import BatchLoader, TrainingRows
from skchem_dl.estimators._devices import autocast, deterministic_convolutions
from skchem_dl.estimators._inputs import Inputs
from skchem_dl.estimators._interrupt import deferred_ctrl_c
from skchem_dl.estimators._net_callbacks import columns_note, has_stopped, restored_epoch
from skchem_dl.estimators._optimizers import make_optimizer
from skchem_dl.estimators._scored_net import RowsDataset, ScoredNet

# fork_rng saves and restores torch's one global generator: two fits at once would mix their
# random numbers, so fits in threads of one process take turns.
_generator_lock = threading.RLock()


class TrainingNet(ScoredNet):
    """skorch's `NeuralNet` fed with `TrainingRows`.

    Parameters
    ----------
    seed : int
        Everything random about epoch k follows from ``(seed, k)``.
    weight_decay : float
        Of weight matrices; biases and normalisation are left alone.
    momentum : float
        Of stochastic gradient descent.
    precision : {"float32", "bfloat16"}
        Of matrix products.
    predict_batch_size : int
        Rows a batch in validation.
    run : Run, optional
        What is trained, for callbacks that log it.
    member : int, default=0
        Which network of an ensemble it is.
    pretrained : dict of str to ndarray, optional
        Weights that the module starts from; those that it lacks are drawn at random.
    pretrained_lr_factor : float, default=1.0
        Learning rate of these weights, relative to that of the others.
    **settings
        skorch's own.
    """

    checkpoints: CheckpointFolder | None = None  # where there is one, while training goes on
    ctrl_c_pressed = False
    cut_short = False  # in the middle of an epoch
    abandoned = False  # by a callback that raises on purpose: nobody will go on with it
    failed = False
    stopping = False  # by a callback, at the end of this epoch

    def __init__(
        self,
        *args: Any,
        seed: int,
        weight_decay: float,
        momentum: float,
        precision: str,
        predict_batch_size: int,
        run: Run | None = None,
        member: int = 0,
        pretrained: Mapping[str, np.ndarray] | None = None,
        pretrained_lr_factor: float = 1.0,
        **settings: Any,
    ) -> None:
        self.seed = seed
        self.weight_decay = weight_decay
        self.momentum = momentum
        self.precision = precision
        self.predict_batch_size = predict_batch_size
        self.run = run
        self.member = member
        self.pretrained = pretrained
        self.pretrained_lr_factor = pretrained_lr_factor
        super().__init__(*args, **settings)

    def initialize_module(self) -> "TrainingNet":
        """Build the module, and start from pretrained weights if there are any."""
        super().initialize_module()
        if self.pretrained is not None:
            self.module_.load_pretrained(self.pretrained)
        return self

    def initialize_optimizer(self, triggered_directly: Any = None) -> "TrainingNet":
        """Build the optimizer, sparing biases and norms from weight decay."""
        self.optimizer_ = make_optimizer(
            self.optimizer,
            self.module_,
            lr=self.lr,
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            pretrained=self.pretrained or (),
            pretrained_lr_factor=self.pretrained_lr_factor,
        )
        return self

    def get_split_datasets(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Pass on the (training, validation) pair that the estimator made."""
        return [None if rows is None else RowsDataset(rows) for rows in X]

    def get_iterator(self, dataset: Any, training: bool = False) -> BatchLoader:
        """Go over the rows, in a new order each epoch while training."""
        rows = dataset.X if isinstance(dataset, RowsDataset) else dataset
        if training:
            return BatchLoader(rows, self.batch_size, self._epoch_seeds())
        return BatchLoader(rows, self.predict_batch_size, None)

    def on_epoch_begin(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Seed dropout by the epoch."""
        super().on_epoch_begin(net, *args, **kwargs)
        _seed_torch([self.seed, len(self.history)], self.device)

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call all callbacks, then end training if one has asked for it.

        After a batch, training ends if the user has pressed Ctrl-C.
        """
        getattr(self, method_name)(self, **kwargs)
        for name, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except StopTraining:
                self.stopping = True
            except KeyboardInterrupt:
                if not has_stopped(callback):
                    raise
                self.stopping = True
            except KeyError as error:
                error.add_note(columns_note(name, self.history))
                raise
        if self.stopping:
            raise StopTraining
        if method_name == "on_batch_end" and self.ctrl_c_pressed:
            raise KeyboardInterrupt

    def infer(self, x: Any, **params: Any) -> Tensor:
        """Run the module on a batch."""
        with autocast(self.device, self.precision):
            return self.module_(x.to(self.device)).float()

    def get_loss(
        self, y_pred: Tensor, y_true: Any, X: Any = None, training: bool = False
    ) -> Tensor:
        """Compare with the targets, weighted where there are weights."""
        y_true = to_tensor(y_true, device=self.device)
        parts = (y_true,) if isinstance(y_true, Tensor) else y_true  # targets, or with weights
        return self.criterion_(y_pred, *parts)

    def outputs(self, data: TrainingRows, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Give targets and outputs of the first rows, ``(m, t)`` and ``(m, k)``."""
        rows = data.rows[:most]
        self.module_.eval()
        return data.targets[rows], run_rows(self, "forward", data.inputs, rows)

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights the module has, counted from 1; 0 if it was not finished."""
        kept = 0 if self.cut_short else len(self.history)
        # BestEpoch restores first, then skorch's callbacks in their order.
        callbacks = sorted(
            (c for _, c in self.callbacks_), key=lambda c: not isinstance(c, BestEpoch)
        )
        for callback in callbacks:
            kept = restored_epoch(callback, self.history) or kept
        return kept

    def snapshot(self) -> "TrainingNet":
        """Return a net that predicts as this one does now, and is not trained further."""
        copied = type(self).__new__(type(self))
        module = deepcopy(self.module_).eval()
        own = {"module_": module, "callbacks": [], "callbacks_": [], "checkpoints": None}
        copied.__dict__.update({**self.__dict__, **own})
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """Leave out callbacks that cannot be pickled."""
        state = super().__getstate__()
        lists = {name: state[name] for name in ("callbacks", "callbacks_") if name in state}
        return {**state, **{name: picklable_callbacks(given) for name, given in lists.items()}}

    def _epoch_seeds(self) -> Iterator[Sequence[int]]:
        while True:
            yield [self.seed, len(self.history)]


def train(
    net: TrainingNet,
    training: TrainingRows,
    validation: TrainingRows | None,
    start: dict[str, np.ndarray] | None = None,
) -> None:
    """Fit a net, leaving every global random generator as it was.

    Parameters
    ----------
    net : TrainingNet
        Initialised here.
    training, validation : TrainingRows
        Without validation there is no early stopping.
    start : dict of str to ndarray, optional
        Weights to begin with, instead of random ones.

    Raises
    ------
    ValueError
        If `start` is of another network, or the weights end up infinite or NaN: predictions of NaN
        would stand for invalid molecules.
    KeyboardInterrupt
        If the user presses Ctrl-C; the net is then as after the best epoch so far.
    """
    net.ctrl_c_pressed = net.cut_short = net.abandoned = net.failed = net.stopping = False

    def notice() -> None:
        net.ctrl_c_pressed = True

    # The lock first: who waits for another thread's fit may give up at once.
    with (
        _generator_lock,
        deferred_ctrl_c(notice),
        _isolated_torch(net.device),
        deterministic_convolutions(net.device),
        limit_busy_waiting(net.device),
    ):
        _seed_torch([net.seed], net.device)
        net.initialize()
        if start is not None:
            _start_from(net, start)
        try:
            try:
                _run_epochs(net, training, validation)
            finally:
                for logger in _callbacks_of(net, TensorBoardLogger):
                    logger.catch_up(net)
                for callback in _callbacks_of(net, BestEpoch):
                    callback.restore(net)
            _refuse_divergence(net)
        except BaseException as error:
            net.abandoned = is_pruning(error)
            net.failed = isinstance(error, Exception) and not net.abandoned
            _end_training(net, (training, validation), error)
            raise
        _end_training(net, (training, validation))
    if net.ctrl_c_pressed:
        raise KeyboardInterrupt


def keep_finished(net: TrainingNet) -> None:
    """Keep a trained net while the other members of its ensemble are trained."""
    for callback in _callbacks_of(net, Checkpoint):
        callback.finish(net)


def _run_epochs(net: TrainingNet, training: TrainingRows, validation: TrainingRows | None) -> None:
    try:
        net.notify("on_train_begin", X=(training, validation), y=None)
        net.fit_loop((training, validation), epochs=net.max_epochs - len(net.history))
    except StopTraining:
        pass  # a callback has had enough
    except KeyboardInterrupt:  # the user has had enough
        if net.history and "train_loss" not in net.history[-1]:
            net.history.pop()
            net.cut_short = True
        raise


def _end_training(net: TrainingNet, parts: Any, error: BaseException | None = None) -> None:
    """Call `on_train_end`, in whose failure the `error` that ended training is not lost."""
    net.module_.eval()
    net.stopping = False
    try:
        net.notify("on_train_end", X=parts, y=None)
    except Exception as another:
        if error is None:
            raise
        error.add_note(f"Calling on_train_end after it failed as well: {another!r}")


def run_rows(net: TrainingNet, method: str, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
    """Apply a trained net's module (or one of its methods) to rows, batch after batch.

    Parameters
    ----------
    net : TrainingNet
        Its module is in evaluation mode.
    method : str
        "forward" or "embed".
    inputs : Inputs
        Features.
    rows : ndarray of shape (m,)
        Which of them; at least one.

    Returns
    -------
    ndarray of shape (m, k), float32
    """
    function, size = getattr(net.module_, method), net.predict_batch_size
    with (
        torch.inference_mode(),
        autocast(net.device, net.precision),
        limit_busy_waiting(net.device),
    ):
        parts = [
            function(inputs.batch(some).to(net.device)).float().cpu() for some in _cut(rows, size)
        ]
    return (parts[0] if len(parts) == 1 else torch.cat(parts)).numpy()


def _cut(rows: np.ndarray, size: int) -> Iterator[np.ndarray | slice]:
    """Cut rows into batches; those next to each other, as nearly always, need no gathering."""
    if (np.diff(rows) == 1).all():
        first, end = int(rows[0]), int(rows[-1]) + 1
        return (slice(start, min(start + size, end)) for start in range(first, end, size))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def get_weights(net: TrainingNet) -> dict[str, np.ndarray]:
    """Give a trained net's weights and running statistics by name.

    Parameters
    ----------
    net : TrainingNet

    Returns
    -------
    dict of str to ndarray
    """
    return {name: tensor.cpu().numpy() for name, tensor in net.module_.state_dict().items()}


def set_weights(net: TrainingNet, weights: dict[str, np.ndarray]) -> None:
    """Make an untrained net the trained one that the weights came from.

    Parameters
    ----------
    net : TrainingNet
        Initialised here.
    weights : dict of str to ndarray

    Raises
    ------
    ValueError
        If they are of another network.
    """
    with _generator_lock, _isolated_torch(net.device):
        net.initialize()
    _load_weights(net, weights)
    net.module_.eval()


def _start_from(net: TrainingNet, weights: dict[str, np.ndarray]) -> None:
    try:
        _load_weights(net, weights)
    except ValueError as error:
        raise ValueError(
            "warm_start=True goes on with the network of the fit before, but the parameters now "
            f"ask for another one. Set them back, or warm_start to False. {error}"
        ) from error


def _load_weights(net: TrainingNet, weights: dict[str, np.ndarray]) -> None:
    tensors = {name: torch.from_numpy(np.array(values)) for name, values in weights.items()}
    try:
        net.module_.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"The weights don't fit the network: {error}") from error


def _refuse_divergence(net: TrainingNet) -> None:
    if not all(parameter.isfinite().all() for parameter in net.module_.parameters()):
        raise ValueError(
            f"Training diverged: after {len(net.history)} epochs at lr={net.lr} there are weights "
            "that are not finite. Lower lr, set max_grad_norm, or scale the features."
        )


def _callbacks_of(net: TrainingNet, kind: type) -> list[Any]:
    return [callback for _, callback in net.callbacks_ if isinstance(callback, kind)]


@contextmanager
def _isolated_torch(device: str) -> Iterator[None]:
    """Keep torch's generators, and train in float32 with gradients, whatever the caller has set."""
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.random.fork_rng(devices=devices),
        ):
            yield
    finally:
        torch.set_default_dtype(dtype)


def _seed_torch(entropy: Sequence[int], device: str) -> None:
    # int first: NumPy 1 cannot shift a uint64 scalar by a Python int.
    seed = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]) >> 1
    torch.default_generator.manual_seed(seed)
    if torch.device(device).type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
