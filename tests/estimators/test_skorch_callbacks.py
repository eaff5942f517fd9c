"""Every callback that skorch and optuna-integration ship: it works, or is refused in words."""

import inspect
import pickle
import re
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import optuna
import pytest
import skorch.callbacks
import torch
from optuna_integration import SkorchPruningCallback
from sklearn.base import clone
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score
from sklearn.model_selection import cross_val_score
from skorch.callbacks import Callback

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.callbacks import Checkpoint
from skchem_dl.metrics import masked_scorer

DOCS = Path(__file__).parents[2] / "docs" / "guide" / "track.md"
EPOCHS = 4
X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
y = 10 * X.sum(axis=1) + 3
labels = np.where(y > 3, "yes", "no")


def make_mlp(*callbacks, **options):
    given = {"max_epochs": EPOCHS, "random_state": 0, "early_stopping": True, **options}
    return FingerprintMLPRegressor((4,), callbacks=list(callbacks), **given)


def make_classifier(*callbacks, **options):
    given = {"max_epochs": EPOCHS, "random_state": 0, "early_stopping": True, **options}
    return FingerprintMLPClassifier((4,), callbacks=list(callbacks), **given)


def column(model, name):
    return [row[name] for row in model.history_]


class Server:
    """An experiment tracker's run: it takes any call, and cannot be copied or pickled."""

    def __init__(self, folder=None):
        self.calls = []
        self.dir = folder
        self.info = types.SimpleNamespace(run_id="run")
        self._lock = threading.Lock()

    def log_scalar(self, *values):
        self.calls.append(values)

    def log_metric(self, run_id, *values, step):
        self.calls.append(values)

    def log_artifact(self, run_id, path):
        self.calls.append(Path(path).name)

    def set_terminated(self, run_id):
        self.calls.append("ended")

    def log(self, values):
        self.calls.append(values)

    def watch(self, module):
        self.calls.append(module)

    def stop(self):
        self.calls.append("ended")

    def append(self, value):
        self.calls.append(value)

    def __getitem__(self, name):
        return self

    def __setitem__(self, name, value):
        self.calls.append((name, value))


# One check for each of skorch's: its function is called `check_NAME`.


def check_Callback(tmp_path):
    assert make_mlp(Callback()).fit(X, y).n_iter_ == EPOCHS


def check_EpochTimer(tmp_path):
    assert min(column(make_mlp(skorch.callbacks.EpochTimer()).fit(X, y), "dur")) > 0


def check_PrintLog(tmp_path, capsys=None):
    lines = []
    make_mlp(skorch.callbacks.PrintLog(sink=lines.append)).fit(X, y)
    assert len(lines) == EPOCHS + 2
    assert "valid_rmse" in lines[0]


def check_ProgressBar(tmp_path):
    bars = []

    class Bar(skorch.callbacks.ProgressBar):
        def on_epoch_end(self, net, **kwargs):
            bars.append((self.pbar_.n, self.pbar_.total))
            super().on_epoch_end(net, **kwargs)

    make_mlp(Bar(), batch_size=8).fit(X, y)
    assert bars == [(6, 6)] * EPOCHS  # 36 molecules to train on, 4 in one batch of validation


def check_NeptuneLogger(tmp_path):
    run = Server()
    modules = {
        "neptune.types": types.SimpleNamespace(
            File=types.SimpleNamespace(from_content=lambda text, extension: text)
        ),
        "neptune.handler": types.SimpleNamespace(Handler=type("Handler", (), {})),
        "neptune": types.ModuleType("neptune"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        model = make_mlp(skorch.callbacks.NeptuneLogger(run)).fit(X, y)
    assert set(column(model, "valid_rmse")) <= {c for c in run.calls if isinstance(c, float)}
    assert run.calls[-1] == "ended"


def check_WandbLogger(tmp_path):
    run = Server(tmp_path)
    model = make_mlp(skorch.callbacks.WandbLogger(run)).fit(X, y)
    assert [c["valid_rmse"] for c in run.calls[1:]] == column(model, "valid_rmse")
    assert (tmp_path / "best_model.pth").exists()
    with pytest.raises(ValueError, match=r"WandbLogger\(save_model=True\).*Set early_stopping"):
        make_mlp(skorch.callbacks.WandbLogger(run), early_stopping=False).fit(X, y)
    keep_none = skorch.callbacks.WandbLogger(run, save_model=False)
    assert make_mlp(keep_none, early_stopping=False).fit(X, y).n_iter_ == EPOCHS


def check_SacredLogger(tmp_path):
    run = Server()
    model = make_mlp(skorch.callbacks.SacredLogger(run)).fit(X, y)
    found = [value for name, value, _ in run.calls if name == "valid_rmse"]
    assert found == column(model, "valid_rmse")


def check_MlflowLogger(tmp_path):
    run = Server()
    model = make_mlp(skorch.callbacks.MlflowLogger(run, run)).fit(X, y)
    found = [call[1] for call in run.calls if call[0] == "valid_rmse"]
    assert found == column(model, "valid_rmse")
    assert "params.pth" in run.calls
    assert run.calls[-1] == "ended"


def check_TensorBoard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path)
    model = make_mlp(skorch.callbacks.TensorBoard(writer, close_after_train=False)).fit(X, y)
    writer.flush()
    found = EventAccumulator(str(tmp_path)).Reload().Scalars("Loss/valid_rmse")
    assert [event.value for event in found] == pytest.approx(column(model, "valid_rmse"))
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    with pytest.raises(ValueError, match=r"without its TensorBoard, which cannot be pickled: "):
        copied.fit(X, y)
    assert copied.set_params(callbacks=None).fit(X, y).n_iter_ == EPOCHS
    assert clone(model).callbacks[0].writer is writer
    writer.close()


def check_LRScheduler(tmp_path):
    scheduler = skorch.callbacks.LRScheduler("StepLR", step_size=1, gamma=0.5)
    model = make_mlp(scheduler, lr=0.1, lr_schedule="constant").fit(X, y)
    assert column(model, "event_lr") == pytest.approx([0.1, 0.05, 0.025, 0.0125])
    still = make_mlp(lr=0.1, lr_schedule="constant").fit(X, y)
    assert not np.array_equal(model.predict(X), still.predict(X))
    with pytest.raises(ValueError, match=r"LRScheduler, but lr_schedule='cosine'.*=\"constant\""):
        make_mlp(scheduler).fit(X, y)


def check_WarmRestartLR(tmp_path):
    with pytest.raises(TypeError, match=r'pass LRScheduler\("WarmRestartLR"\)'):
        make_mlp(skorch.callbacks.WarmRestartLR).fit(X, y)
    scheduler = skorch.callbacks.LRScheduler("WarmRestartLR")
    assert make_mlp(scheduler, lr_schedule="constant").fit(X, y).n_iter_ == EPOCHS


def check_Checkpoint(tmp_path):
    best = skorch.callbacks.Checkpoint(dirname=str(tmp_path), load_best=True, f_history=None)
    # At such a rate the loss rises again.
    model = make_mlp(best, lr=1.0, lr_schedule="constant", n_iter_no_change=20).fit(X, y)
    losses = column(model, "valid_loss")
    [kept] = [row for row in model.history_ if row["kept"]]
    assert kept["valid_loss"] == min(losses)
    stored = torch.load(tmp_path / "params.pt", weights_only=True)
    assert all(torch.equal(stored[k], v) for k, v in model.module_.state_dict().items())
    with pytest.raises(skorch.exceptions.SkorchException, match="Make sure you have validation"):
        make_mlp(best, early_stopping=False).fit(X, y)


def check_TrainEndCheckpoint(tmp_path):
    end = skorch.callbacks.TrainEndCheckpoint(dirname=str(tmp_path))
    model = make_mlp(end).fit(X, y)
    stored = torch.load(tmp_path / "train_end_params.pt", weights_only=True)
    assert all(torch.equal(stored[k], v) for k, v in model.module_.state_dict().items())


def check_LoadInitState(tmp_path):
    for number, kind in enumerate(
        [skorch.callbacks.Checkpoint, skorch.callbacks.TrainEndCheckpoint]
    ):
        keeper = kind(dirname=str(tmp_path / str(number)))
        make_mlp(keeper, early_stopping=False).fit(X, y, X_val=X, y_val=y)
        loaded = make_mlp(
            keeper, skorch.callbacks.LoadInitState(keeper), early_stopping=False, max_epochs=6
        ).fit(X, y, X_val=X, y_val=y)
        assert column(loaded, "epoch") == [1, 2, 3, 4, 5, 6]  # four of them from the files


def check_EarlyStopping(tmp_path):
    stop = skorch.callbacks.EarlyStopping(patience=1, threshold=1e9, load_best=True, sink=str)
    model = make_mlp(stop, early_stopping=False).fit(X, y, X_val=X, y_val=y)
    assert column(model, "kept") == [True, False]
    with pytest.raises(KeyError) as caught:
        make_mlp(stop, early_stopping=False).fit(X, y)
    assert "'EarlyStopping'" in caught.value.__notes__[0]
    assert "valid_ need early_stopping=True or X_val" in caught.value.__notes__[0]


def check_GradientNormClipping(tmp_path):
    class Norm(Callback):
        norms = []

        def on_grad_computed(self, net, named_parameters, **kwargs):
            self.norms.append(sum((p.grad**2).sum() for _, p in named_parameters).sqrt().item())

    make_mlp(skorch.callbacks.GradientNormClipping(1e-3), Norm()).fit(X, y)
    assert max(Norm.norms) <= 1.001e-3


def check_ParamMapper(tmp_path):
    zero = skorch.callbacks.ParamMapper("*", fn=torch.nn.init.zeros_, at=EPOCHS)
    model = make_mlp(zero, lr=1e-12, early_stopping=False).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y.mean(), rtol=1e-5)


def check_Freezer(tmp_path):
    weights = [
        make_mlp(skorch.callbacks.Freezer("*0*"), max_epochs=n, early_stopping=False)
        .fit(X, y)
        .module_.state_dict()
        for n in (1, 3)
    ]
    moved = {name for name in weights[0] if not torch.equal(weights[0][name], weights[1][name])}
    assert moved
    assert not any("0" in name for name in moved)


def check_Unfreezer(tmp_path):
    frozen = skorch.callbacks.Freezer("*")
    thawed = skorch.callbacks.Unfreezer("*", at=1)
    plain = make_mlp().fit(X, y)
    np.testing.assert_array_equal(make_mlp(frozen, thawed).fit(X, y).predict(X), plain.predict(X))


def check_Initializer(tmp_path):
    ones = skorch.callbacks.Initializer("*weight", fn=torch.nn.init.ones_)
    model = make_mlp(ones, lr=1e-12, early_stopping=False).fit(X, y)
    assert all(p.eq(1).all() for n, p in model.module_.named_parameters() if n.endswith("weight"))


def check_InputShapeSetter(tmp_path):
    with pytest.raises(ValueError, match="InputShapeSetter, but the networks take their input"):
        make_mlp(skorch.callbacks.InputShapeSetter()).fit(X, y)


def check_BatchScoring(tmp_path):
    for caching in (True, False):
        scoring = skorch.callbacks.BatchScoring("r2", name="b", use_caching=caching)
        model = make_mlp(scoring, early_stopping=False).fit(X, y, X_val=X, y_val=y)
        assert column(model, "b") == pytest.approx(column(model, "valid_r2"), rel=1e-5)


def check_EpochScoring(tmp_path):
    scoring = skorch.callbacks.EpochScoring("neg_root_mean_squared_error", name="e")
    model = make_mlp(scoring).fit(X, y)
    assert column(model, "e") == pytest.approx([-v for v in column(model, "valid_rmse")], rel=1e-5)


def check_PassthroughScoring(tmp_path):
    class Half(Callback):
        def on_batch_end(self, net, training, **kwargs):
            net.history.record_batch("half", 0.5)

    model = make_mlp(Half(), skorch.callbacks.PassthroughScoring("half")).fit(X, y)
    assert column(model, "half") == [0.5] * EPOCHS


CHECKS = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def all_of_skorch():
    listed = set(skorch.callbacks.__all__)
    found = inspect.getmembers(skorch.callbacks, inspect.isclass)
    return sorted(listed | {name for name, kind in found if issubclass(kind, Callback)})


@pytest.mark.parametrize("name", all_of_skorch())
def test_each_callback_of_skorch(name, tmp_path):
    assert name in CHECKS, f"skorch has a new callback {name}: add a check, and a row to {DOCS}"
    CHECKS[name](tmp_path)


def test_the_guide_lists_each_callback_of_skorch():
    rows = re.findall(r"^\| ([^|]+) \|", DOCS.read_text(), flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(all_of_skorch()) - {"Callback"} <= named
    assert "SkorchPruningCallback" in named


# Scores in the units of y


@pytest.mark.parametrize("caching", [True, False])
@pytest.mark.parametrize(
    ("scoring", "metric"),
    [
        ("r2", r2_score),
        (mean_absolute_error, mean_absolute_error),
        (lambda net, X, y: r2_score(y, net.predict(X)), r2_score),
        (None, r2_score),
    ],
    ids=["text", "metric", "function", "none"],
)
def test_scores_of_a_regression(scoring, metric, caching):
    callback = skorch.callbacks.EpochScoring(scoring, name="score", use_caching=caching)
    model = make_mlp(callback, early_stopping=False, n_members=1)
    model.fit(X, y, X_val=X[:30], y_val=y[:30], sample_weight=np.linspace(1, 2, len(y)))
    expected = metric(y[:30], model.predict(X[:30]))
    assert column(model, "score")[-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("caching", [True, False])
@pytest.mark.parametrize("weight", [None, "balanced"])
@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss", None])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_of_classes(scoring, weight, caching, n_classes):
    scorer = f"{scoring}_ovr" if (scoring, n_classes) == ("roc_auc", 3) else scoring
    target = labels if n_classes == 2 else np.array(["a", "b", "c"])[np.arange(len(y)) % 3]
    callback = skorch.callbacks.EpochScoring(scorer, name="score", use_caching=caching)
    model = make_classifier(callback, early_stopping=False, class_weight=weight)
    model.fit(X, target, X_val=X[:30], y_val=target[:30])
    from sklearn.metrics import check_scoring

    expected = check_scoring(model, scorer)(model, X[:30], target[:30])
    assert column(model, "score")[-1] == pytest.approx(expected, rel=1e-5)


def test_scores_of_the_molecules_that_are_trained_on():
    callback = skorch.callbacks.EpochScoring("accuracy", on_train=True, use_caching=False, name="a")
    cached = skorch.callbacks.EpochScoring("accuracy", on_train=True, name="b")
    model = make_classifier(callback, cached, early_stopping=False).fit(X, labels)
    assert column(model, "a")[-1] == accuracy_score(labels, model.predict(X))
    assert column(model, "b") == column(model, "train_accuracy")


def test_scores_of_several_targets():
    several = np.column_stack([y, -y])
    several[::5, 0] = np.nan
    callback = skorch.callbacks.EpochScoring(masked_scorer("r2"), name="score")
    model = make_mlp(callback, early_stopping=False).fit(X, several, X_val=X, y_val=several)
    assert column(model, "score")[-1] == pytest.approx(model.score(X, several), rel=1e-5)


def test_scores_of_several_labels():
    several = np.column_stack([y > 3, y > 5]).astype(int)
    callback = skorch.callbacks.EpochScoring(masked_scorer("roc_auc"), name="score")
    default = skorch.callbacks.EpochScoring(None, name="default")
    model = make_classifier(callback, default, early_stopping=False)
    model.fit(X, several, X_val=X, y_val=several)
    expected = roc_auc_score(several, model.predict_proba(X))
    assert column(model, "score")[-1] == pytest.approx(expected)
    assert column(model, "default")[-1] == model.score(X, several)


def test_the_net_predicts_in_the_units_of_y():
    bits = (X > 0).astype(np.float32)  # which reach the network as they are
    model = make_classifier().fit(bits, labels)
    again = pickle.loads(pickle.dumps(model))
    for net in (model.net_, again.net_):
        batch = torch.from_numpy(bits)
        np.testing.assert_allclose(net.predict_proba(batch), model.predict_proba(bits), rtol=1e-6)
        assert net.predict(batch).tolist() == model.predict(bits).tolist()
    assert not hasattr(make_mlp().fit(X, y).net_, "predict_proba")


# Copies


class Private(Callback):
    """Keeps its arguments under other names, as many do."""

    def __init__(self, sink):
        self._sink = sink
        self.losses = []

    def on_epoch_end(self, net, **kwargs):
        self._sink.append(net.history[-1]["train_loss"])
        self.losses.append(net.history[-1]["train_loss"])


def test_callbacks_that_scikit_learn_cannot_clone():
    server = Server()
    mine = Private(server)
    model = make_mlp(mine, n_members=2)
    assert clone(model).fit(X, y).callbacks[0]._sink is server
    first = [row["train_loss"] for row in model.fit(X, y).history_]
    assert server.calls == mine.losses == first * 2
    assert cross_val_score(clone(model), X, y, cv=2, error_score="raise").shape == (2,)


def test_callbacks_that_cannot_be_cloned_in_threads():
    sinks = [[], []]
    models = [make_mlp(Private(sink)) for sink in sinks]
    with ThreadPoolExecutor(2) as pool:
        fitted = list(pool.map(lambda model: model.fit(X, y), models))
    assert [column(model, "train_loss") for model in fitted] == sinks


def test_a_callback_that_cannot_be_pickled_is_refused_in_workers():
    model = make_mlp(skorch.callbacks.SacredLogger(Server()))
    again = pickle.loads(pickle.dumps(model))
    with pytest.raises(ValueError, match=r"without its SacredLogger.*Fit where it was made"):
        again.fit(X, y)
    [error] = joblib.Parallel(2)([joblib.delayed(_fit_error)(model)])
    assert "without its SacredLogger" in error


def _fit_error(model):
    try:
        model.fit(X, y)
    except ValueError as error:
        return str(error)


def test_loggers_and_checkpoints_together(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path / "board")
    loggers = [skorch.callbacks.TensorBoard(writer), skorch.callbacks.SacredLogger(Server())]
    model = make_mlp(*loggers, Checkpoint(tmp_path / "keep")).fit(X, y)
    assert model.n_iter_ == EPOCHS


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (Callback, r"pass an instance, Callback\(\)"),
        (types.SimpleNamespace(on_fit_task_begin=1), r"go into set_callbacks"),
        ("early", "expected skorch callbacks."),
    ],
)
def test_what_is_not_a_callback(given, hint):
    with pytest.raises(TypeError, match=hint):
        make_mlp(given).fit(X, y)


# Pruning by optuna-integration


@pytest.mark.usefixtures("quiet_optuna")
def test_pruning_of_optuna_integration(tmp_path):
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=0.0, n_warmup_steps=1))

    def objective(trial):
        model = make_mlp(SkorchPruningCallback(trial, "valid_loss"), checkpoint_dir=tmp_path)
        return clone(model).fit(X, y).history_[-1]["valid_loss"]

    study.optimize(objective, n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert list(study.trials[0].intermediate_values) == [0, 1]
    assert not list(tmp_path.glob("*/*"))  # nobody will continue it


@pytest.mark.usefixtures("quiet_optuna")
def test_a_trial_in_memory_stays_in_its_process():
    trial = optuna.create_study().ask()
    model = make_mlp(SkorchPruningCallback(trial, "valid_loss")).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(X).tolist() == model.predict(X).tolist()
    with pytest.raises(ValueError, match=r"without its SkorchPruningCallback.*a storage"):
        again.fit(X, y)


# The end of training


class AtEpoch2(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            from skchem_dl.callbacks import StopTraining

            raise StopTraining


def test_the_epoch_that_ends_training_reaches_all_callbacks():
    lines = []
    model = make_mlp(AtEpoch2(), skorch.callbacks.PrintLog(sink=lines.append)).fit(X, y)
    assert model.n_iter_ == 2
    assert len(lines) == 2 + 2


def test_the_table_of_epochs_is_printed(capsys):
    make_mlp(skorch.callbacks.PrintLog()).fit(X, y)
    assert len(capsys.readouterr().out.splitlines()) == EPOCHS + 2
    make_mlp().fit(X, y)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("kind", [skorch.callbacks.EpochScoring, skorch.callbacks.BatchScoring])
def test_scoring_without_molecules_to_validate_on_is_refused(kind):
    X, y = np.eye(8, dtype=np.uint8), np.arange(8.0)
    model = FingerprintMLPRegressor((4,), max_epochs=1, callbacks=[kind("r2", name="score")])
    with pytest.raises(ValueError, match=rf"{kind.__name__}\('r2'\), but there are no molecules"):
        model.fit(X, y)
    model.fit(X, y, X_val=X, y_val=y)
    assert "score" in model.history_[-1]
