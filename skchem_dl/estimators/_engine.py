"""Training and prediction: skorch's loop over whole batches. The only importer of skorch here."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping
from skorch.utils import to_tensor
from torch import Tensor, nn

from skchem_dl.callbacks import (
    SCHEDULES,
    BestEpoch,
    LearningRateSchedule,
    ProgressBar,
    StopTraining,
)
from skchem_dl.estimators._inputs import Inputs

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}
# fork_rng saves and restores torch's one global generator: two fits at once would mix their
# random numbers, so fits in threads of one process take turns.
_generator_lock = threading.RLock()


@dataclass(frozen=True)
class TrainingRows:
    """The rows one loop goes over."""

    inputs: Inputs
    targets: np.ndarray  # (n, t) float32, aligned with the inputs
    rows: np.ndarray  # which of the n
    weights: np.ndarray | None = None  # (n, 1) float32

    def __len__(self) -> int:
        return len(self.rows)


class BatchLoader:
    """Whole batches by index, where torch's `DataLoader` would collate samples one by one."""

    def __init__(
        self, data: TrainingRows, batch_size: int, shuffle_seeds: Iterator[Sequence[int]] | None
    ) -> None:
        self.data = data
        self.batch_size = batch_size
        self.shuffle_seeds = shuffle_seeds

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        rows = self.data.rows
        if self.shuffle_seeds is not None:
            rows = np.random.default_rng(next(self.shuffle_seeds)).permutation(rows)
        for start in range(0, len(rows), self.batch_size):
            chosen = rows[start : start + self.batch_size]
            yield self.data.inputs.batch(chosen), self._targets(chosen)

    def _targets(self, rows: np.ndarray) -> Tensor | tuple[Tensor, Tensor]:
        targets = torch.from_numpy(self.data.targets[rows])
        if self.data.weights is None:
            return targets
        return targets, torch.from_numpy(self.data.weights[rows])


class TrainingNet(NeuralNet):
    """skorch's `NeuralNet` fed with `TrainingRows`.

    Parameters
    ----------
    seed : int
        Everything random about epoch k follows from ``(seed, k)``.
    weight_decay : float
        Of weight matrices; biases and normalisation are left alone.
    predict_batch_size : int
        Rows a batch in validation.
    **settings
        skorch's own.
    """

    def __init__(
        self, *args: Any, seed: int, weight_decay: float, predict_batch_size: int, **settings: Any
    ) -> None:
        self.seed = seed
        self.weight_decay = weight_decay
        self.predict_batch_size = predict_batch_size
        super().__init__(*args, **settings)

    def initialize_optimizer(self, triggered_directly: Any = None) -> "TrainingNet":
        """Build the optimizer, sparing biases and norms from weight decay."""
        self.optimizer_ = make_optimizer(self.optimizer, self.module_, self.lr, self.weight_decay)
        return self

    def get_split_datasets(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Pass on the (training, validation) pair that the estimator made."""
        return X

    def get_iterator(self, dataset: TrainingRows, training: bool = False) -> BatchLoader:
        """Go over the rows, in a new order each epoch while training."""
        if training:
            return BatchLoader(dataset, self.batch_size, self._epoch_seeds())
        return BatchLoader(dataset, self.predict_batch_size, None)

    def on_epoch_begin(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Seed dropout by the epoch."""
        super().on_epoch_begin(net, *args, **kwargs)
        _seed_torch([self.seed, len(self.history)], self.device)

    def infer(self, x: Any, **params: Any) -> Tensor:
        """Run the module on a batch."""
        return self.module_(x.to(self.device))

    def get_loss(
        self, y_pred: Tensor, y_true: Any, X: Any = None, training: bool = False
    ) -> Tensor:
        """Compare with the targets, weighted where there are weights."""
        y_true = to_tensor(y_true, device=self.device)
        parts = (y_true,) if isinstance(y_true, Tensor) else y_true  # targets, or with weights
        return self.criterion_(y_pred, *parts)

    def _epoch_seeds(self) -> Iterator[Sequence[int]]:
        while True:
            yield [self.seed, len(self.history)]


def make_optimizer(
    optimizer: str | type[torch.optim.Optimizer], module: nn.Module, lr: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Build an optimizer by name or class.

    Parameters
    ----------
    optimizer : str or class
        Name in `OPTIMIZERS`, or a torch optimizer.
    module : nn.Module
        What it trains.
    lr, weight_decay : float
        Weight decay is for matrices only.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    TypeError
        If it is a class of something else.
    """
    if isinstance(optimizer, type) and not issubclass(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer={optimizer!r}; expected a name or a torch.optim.Optimizer class."
        )
    parameters = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    options: dict[str, Any] = {"lr": lr}
    if isinstance(optimizer, str):
        if optimizer != "rmsprop":  # torch has no fused one
            options["fused"] = True  # one pass over the weights instead of one an operation
        optimizer = OPTIMIZERS[optimizer]
    return optimizer(groups, **options)


def train(net: TrainingNet, training: TrainingRows, validation: TrainingRows | None) -> None:
    """Fit a net, leaving every global random generator as it was.

    Parameters
    ----------
    net : TrainingNet
        Initialised here.
    training, validation : TrainingRows
        Without validation there is no early stopping.

    Raises
    ------
    ValueError
        If the weights end up infinite or NaN: predictions of NaN would stand for invalid molecules.
    """
    with _generator_lock, _forked_generator(net.device):
        _seed_torch([net.seed], net.device)
        net.initialize()
        net.notify("on_train_begin", X=None, y=None)
        try:
            net.fit_loop((training, validation))
        except StopTraining:
            pass  # early stopping has had enough
        except KeyboardInterrupt:
            if not any(_has_stopped(callback) for _, callback in net.callbacks_):
                raise  # the user has had enough
        finally:
            net.notify("on_train_end", X=None, y=None)
        for _, callback in net.callbacks_:
            if isinstance(callback, BestEpoch):
                callback.restore(net)
    net.module_.eval()
    if not all(parameter.isfinite().all() for parameter in net.module_.parameters()):
        raise ValueError(
            f"Training diverged: after {len(net.history)} epochs at lr={net.lr} there are weights "
            "that are not finite. Lower lr, set max_grad_norm, or scale the features."
        )


def run_rows(
    function: Any, inputs: Inputs, rows: np.ndarray, batch_size: int, device: str
) -> np.ndarray:
    """Apply a module (or one of its methods) to rows, batch after batch.

    Parameters
    ----------
    function : callable
        Takes a batch, gives a Tensor ``(len(batch), k)``.
    inputs : Inputs
        Features.
    rows : ndarray of shape (m,)
        Which of them; at least one.
    batch_size : int
        Rows a batch.
    device : str
        Where the module is.

    Returns
    -------
    ndarray of shape (m, k), float32
    """
    with torch.inference_mode():
        parts = [
            function(inputs.batch(rows[start : start + batch_size]).to(device)).float().cpu()
            for start in range(0, len(rows), batch_size)
        ]
    return torch.cat(parts).numpy()


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
    with _generator_lock, _forked_generator(net.device):
        net.initialize()
    tensors = {name: torch.from_numpy(np.array(values)) for name, values in weights.items()}
    try:
        net.module_.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"The weights don't fit the network: {error}") from error
    net.module_.eval()


def resolve_device(device: str) -> str:
    """Choose a GPU where there is one and the user leaves it to us.

    Parameters
    ----------
    device : str
        "auto", or a torch device.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If torch knows no such device, or it is not there.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f'device={device!r} does not work here. Use "auto" or "cpu". torch says: {reason}'
        ) from error
    return device


def _has_stopped(callback: Callback) -> bool:
    """Say whether it is skorch's early stopping and has just raised KeyboardInterrupt."""
    return isinstance(callback, EarlyStopping) and callback.misses_ == callback.patience


@contextmanager
def _forked_generator(device: str) -> Iterator[None]:
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def _seed_torch(entropy: Sequence[int], device: str) -> None:
    seed = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)
    torch.default_generator.manual_seed(seed)
    if torch.device(device).type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def make_callbacks(
    *,
    lr_schedule: str | Callable[[float], float],
    max_grad_norm: float | None,
    patience: int | None,
    label: str | None,
    user: Sequence[Callback] | None,
) -> list[Callback]:
    """Choose the callbacks for one training.

    Parameters
    ----------
    lr_schedule : str or callable
        Name in `SCHEDULES`, or a function of progress.
    max_grad_norm : float or None
        Gradients are scaled down to this norm.
    patience : int or None
        Epochs before early stopping; None trains all epochs and keeps the last.
    label : str or None
        What the progress bar says; None shows none.
    user : sequence of skorch callbacks, or None
        Cloned, since training changes them.

    Returns
    -------
    list of skorch callbacks
    """
    schedule = SCHEDULES[lr_schedule] if isinstance(lr_schedule, str) else lr_schedule
    callbacks: list[Callback] = [LearningRateSchedule(schedule)]
    if max_grad_norm is not None:
        callbacks.append(GradientNormClipping(max_grad_norm))
    callbacks += [clone(callback, safe=False) for callback in user or ()]
    if label is not None:
        callbacks.append(ProgressBar(label))
    if patience is not None:
        callbacks.append(BestEpoch(patience))  # last: it may end the training
    return callbacks
