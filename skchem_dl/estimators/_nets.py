"""The nets of an estimator: made from its parameters, seeded, and read out."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from skchem_dl.callbacks import BestEpoch
from skchem_dl.callbacks._fit_report import EpochReporter
from skchem_dl.estimators._data import resolve_batch_size
from skchem_dl.estimators._devices import check_precision, resolve_device
from skchem_dl.estimators._engine import TrainingNet
from skchem_dl.estimators._net_callbacks import make_callbacks, prints
from skchem_dl.estimators._tracking import Tracking

if TYPE_CHECKING:
    from skchem_dl.estimators._base import BaseNeuralEstimator


def make_net(
    estimator: "BaseNeuralEstimator",
    seed: int,
    member: int,
    tracking: Tracking | None = None,
    n_rows: int = 1,
    device: str | None = None,
    reporter: EpochReporter | None = None,
    pretrained: Mapping[str, np.ndarray] | None = None,
) -> TrainingNet:
    """Build one network of an estimator, not yet initialised.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        With its parameters checked, X read and its task set.
    seed : int
    member : int
        Which network of an ensemble.
    tracking : Tracking, optional
        Where its training is logged and kept.
    n_rows : int, default=1
        Molecules to train on.
    device : str, optional
        Instead of the estimator's.
    reporter : EpochReporter, optional
        Reports its epochs to scikit-learn's callbacks.
    pretrained : dict of str to ndarray, optional
        Weights to start from, without an output layer.

    Returns
    -------
    TrainingNet
    """
    task = estimator._task
    device = device or resolve_device(estimator.device)
    check_precision(estimator.precision, device)
    module, arguments = estimator._module()
    net = TrainingNet(
        module,
        module__out_dim=task.out_dim,
        **{f"module__{name}": value for name, value in arguments.items()},
        criterion=estimator._make_loss(),
        optimizer=estimator.optimizer,
        # A checkpoint holds them, and no numbers of numpy's, which a search may draw.
        lr=float(estimator.lr),
        momentum=float(estimator.momentum),
        weight_decay=float(estimator.weight_decay),
        batch_size=resolve_batch_size(estimator.batch_size, n_rows),
        predict_batch_size=estimator.predict_batch_size,
        max_epochs=estimator._n_epochs() if tracking else 1,
        iterator_valid__batch_size=estimator.predict_batch_size,
        train_split=None,
        callbacks=make_callbacks(
            lr_schedule=estimator.lr_schedule,
            max_grad_norm=estimator.max_grad_norm,
            task=task,
            best_epoch=_best_epoch(estimator),
            label=_label(estimator, member) if estimator.verbose else None,
            user=tracking.user_callbacks if tracking else (),
            reporter=reporter,
            logger=tracking.logger if tracking else None,
            checkpoint=tracking.checkpoint if tracking else None,
        ),
        callbacks__print_log=None,
        device=device,
        precision=estimator.precision,
        seed=seed,
        member=member,
        pretrained=pretrained,
        pretrained_lr_factor=estimator._pretrained_lr_factor,
        run=tracking.run_of(member) if tracking else None,
        task=task,
        verbose=int(prints(tracking.user_callbacks) if tracking else False),
    )
    net.checkpoints = tracking.folder if tracking else None
    return net


def draw_seed(random_state: Any) -> int:
    """Give the seed of a fit.

    Parameters
    ----------
    random_state : int, RandomState or None
        None draws from the system, so that numpy's global generator stays as it is.

    Returns
    -------
    int
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def member_seed(seed: int, member: int) -> int:
    """Derive a member's seed; the first has the estimator's own, so it is the single network.

    Parameters
    ----------
    seed : int
        The estimator's.
    member : int

    Returns
    -------
    int
    """
    if member == 0:
        return seed
    return int(np.random.SeedSequence([seed, member]).generate_state(1)[0])


def history_rows(nets: Sequence[TrainingNet]) -> list[dict[str, Any]]:
    """Give skorch's histories, an epoch a row, without their batches and bookkeeping.

    Parameters
    ----------
    nets : sequence of TrainingNet

    Returns
    -------
    list of dict
    """
    rows = []
    for member, net in enumerate(nets):
        which = {} if len(nets) == 1 else {"member": member}
        for row in net.history:
            values = {
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in row.items()
                if name != "batches" and not name.endswith(("_best", "_batch_count"))
            }
            rows.append({**which, **values, "kept": row["epoch"] == net.kept_epoch})
    return rows


def _best_epoch(estimator: "BaseNeuralEstimator") -> BestEpoch | None:
    if not estimator.early_stopping:
        return None
    watched = estimator._task.watched
    return BestEpoch(estimator.n_iter_no_change, metric=watched and f"valid_{watched}")


def _label(estimator: "BaseNeuralEstimator", member: int) -> str:
    name, n_members = type(estimator).__name__, estimator.n_members
    return name if n_members == 1 else f"{name} {member + 1}/{n_members}"
