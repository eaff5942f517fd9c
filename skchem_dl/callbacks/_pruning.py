"""Ends the hopeless trials of an Optuna study."""

from typing import TYPE_CHECKING, Any

from skorch.callbacks import Callback

from skchem_dl.callbacks._given import is_in_memory

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

_DIRECTIONS = {
    "loss": "minimize",
    "rmse": "minimize",
    "mae": "minimize",
    "r2": "maximize",
    "roc_auc": "maximize",
    "accuracy": "maximize",
}


class OptunaPruning(Callback):
    """Report every epoch to a trial of Optuna, and end training where its study prunes the trial.

    `fit` then raises `optuna.TrialPruned`, which `study.optimize` takes as the end of the trial;
    its log is finished and its checkpoints are deleted. Needs the extra ``tune``.

    Parameters
    ----------
    trial : optuna.Trial
        What the objective was called with.
    monitor : str, default="valid_loss"
        Column of `history_`. Those that begin with ``valid_`` need ``early_stopping=True`` or
        ``X_val``. It has to go in the direction of the study: a loss or an error where the study
        minimizes, a score where it maximizes.

    Raises
    ------
    TypeError
        In `fit`, if it is no trial.
    ValueError
        In `fit`, if `history_` has no such column, if it goes in the other direction, or in a
        worker process that the study cannot hear.

    See Also
    --------
    skchem_dl.model_selection.param_space : What to search over.

    Notes
    -----
    Of several fits in one trial, the folds of a cross-validation or the members of an ensemble,
    the first is watched: it alone is comparable between trials. `cross_val_score` needs
    ``error_score="raise"``, since it otherwise turns the pruning into a score of NaN.

    With ``optuna.create_study()`` the trials live in the memory of one process. For fits in worker
    processes give it a ``storage``. A model that still holds such a callback is pickled without
    its trial.

    References
    ----------
    .. [1] Akiba, T.; Sano, S.; Yanase, T.; Ohta, T.; Koyama, M. Optuna: A Next-generation
       Hyperparameter Optimization Framework. KDD 2019, 2623-2631.
       https://doi.org/10.1145/3292500.3330701

    Examples
    --------
    >>> import optuna
    >>> from skchem_dl.callbacks import OptunaPruning
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> optuna.logging.set_verbosity(optuna.logging.ERROR)
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> def objective(trial):
    ...     model = make_mlp_pipeline(
    ...         lr=trial.suggest_float("lr", 1e-4, 1e-2, log=True),
    ...         max_epochs=3,
    ...         early_stopping=True,
    ...         callbacks=[OptunaPruning(trial, monitor="valid_rmse")],
    ...         random_state=0,
    ...     )
    ...     return model.fit(X, y)[-1].history_[-1]["valid_rmse"]
    >>> study = optuna.create_study(direction="minimize")
    >>> study.optimize(objective, n_trials=2)
    >>> len(study.trials[0].intermediate_values)
    3
    """

    def __init__(self, trial: "BaseTrial", monitor: str = "valid_loss") -> None:
        self.trial = trial
        self.monitor = monitor

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check the trial, and find out whether this is its first fit."""
        import optuna

        if self.trial is None:
            raise ValueError(
                "This OptunaPruning was copied or sent to another process without its trial, which "
                "lives in the memory of the process that made it. Fit there (n_jobs=1), or give "
                "the study a storage: optuna.create_study(storage=...)."
            )
        if not isinstance(self.trial, optuna.trial.BaseTrial):
            raise TypeError(
                f"OptunaPruning expects the trial that an objective is called with, got "
                f"{type(self.trial).__name__}."
            )
        self._is_first = True
        if isinstance(self.trial, optuna.Trial):  # others replay what is known, and prune nothing
            study = self.trial.study
            _check_direction(self.monitor, study.direction.name.lower())
            known = study.get_trials(deepcopy=False)[self.trial.number].intermediate_values
            self._is_first = not known

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Report, and ask whether to go on."""
        import optuna

        if not self._is_first:
            return
        row = net.history[-1]
        if self.monitor not in row:
            known = sorted(name for name in row if name.startswith(("train_", "valid_")))
            raise ValueError(
                f"OptunaPruning(monitor={self.monitor!r}): no such column among {known}."
                + (
                    " Set early_stopping=True or pass X_val to have molecules to validate on."
                    if self.monitor.startswith("valid_")
                    else ""
                )
            )
        value, epoch = float(row[self.monitor]), len(net.history)
        self.trial.report(value, epoch - 1)  # pruners count from 0
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"Pruned after epoch {epoch}: {self.monitor}={value:.4g}.")

    def __sklearn_clone__(self) -> "OptunaPruning":
        """Keep to the trial: a copy of it would report to a copy of the study."""
        return type(self)(self.trial, self.monitor)

    def __getstate__(self) -> dict[str, Any]:
        """Leave a trial behind whose study is in the memory of this process."""
        state = vars(self).copy()
        if is_in_memory(self.trial):
            state["trial"] = None
        return state


def _check_direction(monitor: str, direction: str) -> None:
    """Refuse to minimize what should grow: the best trials would be pruned."""
    name = monitor.removeprefix("train_").removeprefix("valid_")
    expected = {d for known, d in _DIRECTIONS.items() if name.startswith(known)}
    if expected and direction not in expected:
        others = [f"valid_{known}" for known, d in _DIRECTIONS.items() if d == direction]
        raise ValueError(
            f"OptunaPruning(monitor={monitor!r}) in a study that is to {direction}; expected a "
            f"column that does so as the model gets better, one of {others}, or "
            f"create_study(direction={expected.pop()!r})."
        )
