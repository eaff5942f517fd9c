"""What a fit writes for TensorBoard, read back with TensorBoard."""

import csv
import json
import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold
from skorch.callbacks import Callback

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.callbacks import TargetMetrics, TensorBoardLogger
from skchem_dl.callbacks._run import describe_params
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline

from .boards import read_events, read_hparams, read_scalars

# A fold's longest SMILES is not always in its training part.
pytestmark = pytest.mark.filterwarnings("ignore:.*their ends are cut off")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5)).astype(np.float32)
y = 100 + 10 * (X @ np.array([1.0, -2.0, 3.0, 0.0, 0.5])) + RNG.normal(size=40)
X_VAL = RNG.normal(size=(15, 5)).astype(np.float32)
Y_VAL = 100 + 10 * (X_VAL @ np.array([1.0, -2.0, 3.0, 0.0, 0.5]))
LABELS = np.where(y > np.median(y), "active", "inactive")
PICTURE = "predicted against measured"

OF_REGRESSION = {"loss", "rmse", "mae", "r2"}
OF_CLASSES = {"loss", "roc_auc", "accuracy"}
OF_TRAINING = {"learning_rate", "gradient_norm", "epoch_seconds"}


def make_mlp(**options):
    options = {"hidden_dims": (4,), "max_epochs": 4, "random_state": 0, **options}
    return FingerprintMLPRegressor(**options)


def make_classifier(**options):
    return FingerprintMLPClassifier((4,), **{"max_epochs": 4, "random_state": 0, **options})


def read_table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def only_folder(log_dir):
    (folder,) = log_dir.iterdir()
    return folder


def names(scalars):
    """Give the tags of the course of training, without those for the HPARAMS tab."""
    return {tag for tag in scalars if not tag.startswith("summary/")}


def expected_tags(metrics, parts=("train", "validation"), smoothed=()):
    return {
        *(f"training/{name}" for name in OF_TRAINING),
        *(f"{name}/{part}" for name in metrics for part in parts),
        *(f"{name}/validation_smoothed" for name in smoothed),
    }


# What is there


@pytest.mark.parametrize("make", [make_mlp_pipeline, make_cnn_pipeline, make_gnn_pipeline])
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_every_network_logs_both_tasks(tmp_path, smiles, make, task):
    values = np.array([len(text) for text in smiles], dtype=float)
    targets = values if task == "regression" else values > np.median(values)
    options = {"max_epochs": 3, "log_dir": tmp_path, "early_stopping": True, "random_state": 0}
    model = make(task=task, validation_fraction=0.25, **options).fit(smiles, targets)
    folder = only_folder(tmp_path)
    assert model[-1].run_dir_ == str(folder)
    scalars = read_scalars(folder)
    metrics = OF_REGRESSION if task == "regression" else OF_CLASSES
    smoothed = {"loss"} if task == "regression" else {"loss", "roc_auc"}
    assert names(scalars) == expected_tags(metrics, smoothed=smoothed)
    assert all(list(scalars[tag]) == [1, 2, 3] for tag in names(scalars))
    assert read_events(folder).Tags()["images"] == [PICTURE] * (task == "regression")
    _, _, rows = read_hparams(tmp_path)
    (row,) = rows.values()
    assert row["optimizer"] == "adam"


def test_without_validation_there_is_training_alone(tmp_path):
    make_mlp(log_dir=tmp_path).fit(X, y)
    folder = only_folder(tmp_path)
    assert names(read_scalars(folder)) == expected_tags(OF_REGRESSION, parts=["train"])
    assert read_events(folder).Tags()["images"] == [PICTURE]  # of the training molecules
    assert {path.name for path in folder.iterdir() if "tfevents" not in path.name} == {
        "metrics.csv",
        "params.json",
        "summary.json",
    }


def test_validation_molecules_of_the_user(tmp_path):
    make_mlp(log_dir=tmp_path).fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    assert names(read_scalars(only_folder(tmp_path))) == expected_tags(OF_REGRESSION)


def test_several_classes(tmp_path):
    labels = np.array(["a", "b", "c"])[np.arange(40) % 3]
    make_classifier(log_dir=tmp_path).fit(X, labels, X_val=X, y_val=labels)
    assert names(read_scalars(only_folder(tmp_path))) == expected_tags(OF_CLASSES)


def test_validation_molecules_of_one_class(tmp_path):
    # The area under the ROC curve is not defined then.
    make_classifier(log_dir=tmp_path).fit(X, LABELS, X_val=X_VAL, y_val=["active"] * 15)
    folder = only_folder(tmp_path)
    assert np.isnan(list(read_scalars(folder)["roc_auc/validation"].values())).all()
    _, metrics, rows = read_hparams(tmp_path)
    assert "summary/roc_auc/validation" in metrics
    (row,) = rows.values()
    assert np.isnan(row["summary/roc_auc/validation"])
    assert np.isfinite(row["summary/accuracy/validation"])


def test_several_numbers_with_gaps(tmp_path):
    targets = np.column_stack([y, -y, y**2])
    targets[::3, 1] = np.nan
    model = make_mlp(log_dir=tmp_path, lr=1e-12, callbacks=[TargetMetrics([1])])
    model.fit(X, targets, X_val=X_VAL, y_val=targets[:15])
    folder = only_folder(tmp_path)
    metrics = {"loss", *(name + target for name in ("r2", "rmse", "mae") for target in ("", "_1"))}
    scalars = read_scalars(folder)
    assert names(scalars) == expected_tags(metrics)
    there = ~np.isnan(targets[:15, 1])
    expected = root_mean_squared_error(targets[:15, 1][there], model.predict(X_VAL)[there, 1])
    assert scalars["rmse_1/validation"][4] == pytest.approx(expected, rel=1e-5)
    assert read_events(folder).Tags()["images"] == [PICTURE]


def test_a_task_not_measured_among_the_validation_molecules(tmp_path):
    targets = np.column_stack([y, -y])
    missing = np.column_stack([Y_VAL, np.full(15, np.nan)])
    make_mlp(log_dir=tmp_path).fit(X, targets, X_val=X_VAL, y_val=missing)
    assert read_events(only_folder(tmp_path)).Tags()["images"] == [PICTURE]


# The numbers


def test_metrics_are_in_the_units_of_y(tmp_path):
    # Without learning to speak of and without dropout, training and prediction are alike.
    model = make_mlp(log_dir=tmp_path, lr=1e-12, dropout=0.0, batch_size=7)
    model.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    scalars = read_scalars(only_folder(tmp_path))
    scores = {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r2_score}
    parts = {"train": (X, y, "train"), "validation": (X_VAL, Y_VAL, "valid")}
    for part, (features, targets, prefix) in parts.items():
        for name, score in scores.items():
            expected = score(targets, model.predict(features))
            for row in model.history_:
                assert row[f"{prefix}_{name}"] == pytest.approx(expected, rel=1e-5)
                assert scalars[f"{name}/{part}"][row["epoch"]] == pytest.approx(expected, rel=1e-5)
    assert scalars["rmse/train"][1] > 5  # y itself spreads over 40


def test_events_table_and_history_have_the_same_numbers(tmp_path):
    model = make_classifier(log_dir=tmp_path, early_stopping=True, lr_schedule="one_cycle")
    model.fit(X, LABELS)
    folder = only_folder(tmp_path)
    scalars, table = read_scalars(folder), read_table(folder / "metrics.csv")
    assert [row["epoch"] for row in table] == [1, 2, 3, 4]
    columns = {
        "learning_rate": "lr",
        "gradient_norm": "grad_norm",
        "epoch_seconds": "dur",
    }
    names_in_history = {f"training/{tag}": column for tag, column in columns.items()}
    for name in OF_CLASSES:
        names_in_history[f"{name}/train"] = f"train_{name}"
        names_in_history[f"{name}/validation"] = f"valid_{name}"
    for name in ("loss", "roc_auc"):
        names_in_history[f"{name}/validation_smoothed"] = f"valid_{name}_smoothed"
    assert set(table[0]) == {"epoch", *names_in_history} == {"epoch", *names(scalars)}
    for row, history in zip(table, model.history_, strict=True):
        for tag, column in names_in_history.items():
            assert row[tag] == history[column]  # in the table to the bit
            assert scalars[tag][history["epoch"]] == np.float32(history[column])
    assert len(set(scalars["training/learning_rate"].values())) == 4


class Gradient(Callback):
    """Takes the norm of every step by hand, before or after it is clipped."""

    def initialize(self):
        self.norms = []
        return self

    def on_grad_computed(self, net, named_parameters=None, **kwargs):
        gradients = [parameter.grad.flatten() for _, parameter in named_parameters]
        self.norms.append(torch.cat(gradients).norm().item())


@pytest.mark.parametrize("max_grad_norm", [None, 1e-3])
def test_gradient_norm(tmp_path, max_grad_norm):
    options = {"lr": 1e-12, "dropout": 0.0, "batch_size": 40, "max_grad_norm": max_grad_norm}
    model = make_mlp(log_dir=tmp_path, callbacks=[Gradient()], weight_decay=0.0, **options)
    bits = (X > 0).astype(np.float32)  # which reach the network as they are
    model.fit(bits, y)
    logged = read_scalars(only_folder(tmp_path))["training/gradient_norm"]
    # All molecules are one batch, so it is the gradient of the mean squared error.
    model.module_.zero_grad()
    outputs = model.module_(torch.from_numpy(bits))[:, 0]
    targets = torch.from_numpy(((y - y.mean()) / y.std()).astype(np.float32))
    ((outputs - targets) ** 2).mean().backward()
    by_hand = torch.cat([p.grad.flatten() for p in model.module_.parameters()]).norm().item()
    assert list(logged.values()) == pytest.approx([by_hand] * 4, rel=1e-4)
    seen = next(c for _, c in model.net_.callbacks_ if isinstance(c, Gradient)).norms
    assert seen == pytest.approx([max_grad_norm or by_hand] * 4, rel=1e-3)


def test_the_learning_rate_is_that_of_the_schedule(tmp_path):
    make_mlp(log_dir=tmp_path, lr=0.25, lr_schedule="constant").fit(X, y)
    logged = read_scalars(only_folder(tmp_path))["training/learning_rate"]
    assert logged == dict.fromkeys([1, 2, 3, 4], 0.25)


# Parameters and final metrics


def test_the_hparams_tab_has_all_parameters_and_the_metrics_of_the_epoch_that_was_kept(tmp_path):
    noise = np.random.default_rng(1).normal(size=40)  # nothing to learn, so it soon gets worse
    model = FingerprintMLPRegressor(
        (32,),
        lr=0.02,
        lr_schedule="constant",
        max_epochs=100,
        early_stopping=True,
        validation_fraction=0.5,
        n_iter_no_change=5,
        log_dir=tmp_path,
        random_state=0,
    ).fit(X, noise)
    kept = next(row for row in model.history_ if row["kept"])
    assert kept["epoch"] == model.n_iter_ - 5 < 95
    columns, metrics, rows = read_hparams(tmp_path)
    folder = only_folder(tmp_path)
    assert list(rows) == [folder.name]
    row = rows[folder.name]
    shown, _ = describe_params(model)
    assert set(columns) == set(model.get_params())
    for name, value in shown.items():  # None is there as text
        assert row[name] in (value, str(value))
    assert {f"summary/{tag}" for tag in expected_tags(OF_REGRESSION, smoothed=["loss"])} <= set(
        metrics
    )
    for name in ("loss", "rmse", "mae", "r2"):
        assert row[f"summary/{name}/validation"] == np.float32(kept[f"valid_{name}"])
        assert row[f"summary/{name}/train"] == np.float32(kept[f"train_{name}"])
    assert row["summary/loss/validation"] != np.float32(model.history_[-1]["valid_loss"])
    assert read_json(folder / "params.json") == {**shown, "hidden_dims": [32]}
    summary = read_json(folder / "summary.json")
    assert summary.pop("estimator") == "FingerprintMLPRegressor"
    assert summary.pop("epoch") == kept["epoch"]
    in_tab = {name for name in metrics if name.startswith("summary/")}
    assert {f"summary/{tag}" for tag in summary} == in_tab
    assert summary["rmse/validation"] == kept["valid_rmse"]
    assert summary["loss/train"] == kept["train_loss"]
    # The last epoch, after which training ended, is logged too.
    assert list(read_scalars(folder)["loss/train"]) == list(range(1, model.n_iter_ + 1))


def test_parameters_of_every_kind(tmp_path):
    model = make_mlp(
        log_dir=tmp_path,
        optimizer=torch.optim.NAdam,
        lr=np.float64(0.01),
        lr_schedule=lambda progress: 1 - progress,
        random_state=np.random.RandomState(0),
    ).fit(X, y)
    params = read_json(only_folder(tmp_path) / "params.json")
    assert params == {**describe_params(model)[0], "hidden_dims": [4]}
    _, _, rows = read_hparams(tmp_path)
    (row,) = rows.values()
    assert (row["optimizer"], row["lr"], row["lr_schedule"]) == ("NAdam", 0.01, "<lambda>")


def test_an_estimator_made_again_from_its_parameters(tmp_path):
    model = make_mlp(log_dir=tmp_path / "runs", hidden_dims=(6, 3), batch_norm=True).fit(X, y)
    folder = only_folder(tmp_path / "runs")
    again = FingerprintMLPRegressor(**read_json(folder / "params.json")).fit(X, y)
    np.testing.assert_array_equal(again.predict(X_VAL), model.predict(X_VAL))
    assert Path(again.run_dir_).parent == tmp_path / "runs"  # which was given as a Path


def test_fits_side_by_side_in_the_hparams_tab(tmp_path):
    for lr in (0.1, 0.01):
        make_mlp(log_dir=tmp_path, lr=lr).fit(X, y)
    _, _, rows = read_hparams(tmp_path)
    assert {row["lr"] for row in rows.values()} == {0.1, 0.01}


def test_networks_of_two_kinds_side_by_side(tmp_path, smiles):
    values = [len(text) for text in smiles]
    for make in (make_mlp_pipeline, make_gnn_pipeline):
        make(max_epochs=1, log_dir=tmp_path, random_state=0).fit(smiles, values)
    columns, _, rows = read_hparams(tmp_path)
    assert [("conv" in row, "hidden_dims" in row) for row in rows.values()] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )
    assert {"conv", "hidden_dims"} < set(columns)  # what has no column is not on the page


def test_yes_and_no_are_no_numbers(tmp_path):
    make_mlp(log_dir=tmp_path, batch_norm=True).fit(X, y)
    _, _, rows = read_hparams(tmp_path)
    (row,) = rows.values()
    # A number is shown as 1.0000, with fields for the least and the most to search for.
    assert not isinstance(row["batch_norm"], float)
    assert str(row["batch_norm"]) == "True"
    assert str(row["early_stopping"]) == "False"


def test_the_course_of_training_comes_first_on_the_page(tmp_path):
    make_mlp(log_dir=tmp_path).fit(X, y)
    # The page sorts groups by name and shows the first ones open.
    assert min(read_scalars(only_folder(tmp_path))) == "loss/train"


# Cadence, histograms, names


@pytest.mark.parametrize(
    ("every", "epochs"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (5, [5]), (9, [5])]
)
def test_every(tmp_path, every, epochs):
    logger = TensorBoardLogger(tmp_path, every=every)
    model = make_mlp(max_epochs=5, callbacks=[logger]).fit(X, y)
    folder = only_folder(tmp_path)
    scalars, table = read_scalars(folder), read_table(folder / "metrics.csv")
    assert all(list(scalars[tag]) == epochs for tag in names(scalars))
    assert [row["epoch"] for row in table] == epochs
    losses = [model.history_[epoch - 1]["train_loss"] for epoch in epochs]
    assert [row["loss/train"] for row in table] == losses


@pytest.mark.parametrize("every", [0, -1])
def test_every_that_makes_no_sense(tmp_path, every):
    with pytest.raises(ValueError, match=rf"every={every}\); expected 1 or more"):
        make_mlp(callbacks=[TensorBoardLogger(tmp_path, every=every)]).fit(X, y)
    assert list(tmp_path.iterdir()) == []


def test_histograms_are_made_on_request(tmp_path):
    make_mlp(log_dir=tmp_path / "plain").fit(X, y)
    assert read_events(only_folder(tmp_path / "plain")).Tags()["histograms"] == []
    model = make_mlp(callbacks=[TensorBoardLogger(tmp_path / "more", weights=True)]).fit(X, y)
    events = read_events(only_folder(tmp_path / "more"))
    parameters = dict(model.module_.named_parameters())
    assert set(events.Tags()["histograms"]) == {f"weights/{name}" for name in parameters}
    for name, parameter in parameters.items():
        histograms = events.Histograms(f"weights/{name}")
        assert [event.step for event in histograms] == [1, 2, 3, 4]
        last = histograms[-1].histogram_value
        assert last.num == parameter.numel()
        assert last.sum == pytest.approx(parameter.sum().item(), rel=1e-4, abs=1e-4)


class Sums(Callback):
    """Keeps the sum of the weights after every epoch."""

    def initialize(self):
        self.sums = []
        return self

    def on_epoch_end(self, net, **kwargs):
        self.sums.append(sum(p.sum().item() for p in net.module_.parameters()))


def test_histograms_of_the_last_epoch_are_its_own(tmp_path):
    # Early stopping puts the best epoch's weights back.
    noise = np.random.default_rng(1).normal(size=40)
    options = {"early_stopping": True, "n_iter_no_change": 3, "validation_fraction": 0.5}
    logger = TensorBoardLogger(tmp_path, weights=True)
    model = make_mlp(lr=0.05, max_epochs=50, callbacks=[logger, Sums()], **options).fit(X, noise)
    assert model.n_iter_ < 50
    events = read_events(only_folder(tmp_path))
    tags = events.Tags()["histograms"]
    logged = np.sum(
        [[event.histogram_value.sum for event in events.Histograms(tag)] for tag in tags], axis=0
    )
    sums = next(c for _, c in model.net_.callbacks_ if isinstance(c, Sums)).sums
    assert logged == pytest.approx(sums, rel=1e-4, abs=1e-4)


def test_names_of_folders(tmp_path):
    make_mlp(log_dir=tmp_path, lr=0.5).fit(X, y)
    logger = TensorBoardLogger(run_name="first try")
    for _ in range(2):
        make_mlp(log_dir=tmp_path, callbacks=[logger]).fit(X, y)
    name = "FingerprintMLPRegressor,hidden_dims=_4,_,lr=0.5,max_epochs=4,random_state=0-0"
    assert {path.name for path in tmp_path.iterdir()} == {name, "first_try-0", "first_try-1"}


def test_the_logger_has_the_last_word_on_the_folder(tmp_path):
    logger = TensorBoardLogger(tmp_path / "mine")
    model = make_mlp(log_dir=tmp_path / "estimator's", callbacks=[logger]).fit(X, y)
    assert model.run_dir_ == str(only_folder(tmp_path / "mine"))
    assert not (tmp_path / "estimator's").exists()


def test_runs_is_where_it_goes_otherwise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_mlp(callbacks=[TensorBoardLogger()]).fit(X, y)
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_a_named_logger(tmp_path):
    # skorch takes (name, callback) too.
    model = make_mlp(callbacks=[("board", TensorBoardLogger(tmp_path))]).fit(X, y)
    assert model.run_dir_ == str(only_folder(tmp_path))


@pytest.mark.parametrize("wrap", [lambda logger: logger, lambda logger: ("named", logger)])
def test_two_loggers(tmp_path, wrap):
    with pytest.raises(ValueError, match="callbacks has 2 TensorBoardLoggers; one at most"):
        make_mlp(callbacks=[TensorBoardLogger(tmp_path), wrap(TensorBoardLogger())]).fit(X, y)


def test_run_dir_is_of_the_last_fit(tmp_path):
    model = make_mlp(log_dir=tmp_path).fit(X, y)
    first = model.run_dir_
    assert model.fit(X, y).run_dir_ != first
    assert not hasattr(model.set_params(log_dir=None).fit(X, y), "run_dir_")


def test_members_of_an_ensemble(tmp_path):
    model = make_mlp(log_dir=tmp_path, n_members=2).fit(X, y)
    folder = only_folder(tmp_path)
    assert model.run_dir_ == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["member-0", "member-1"]
    for member in range(2):
        losses = [row["train_loss"] for row in model.history_ if row["member"] == member]
        table = read_table(folder / f"member-{member}" / "metrics.csv")
        assert [row["loss/train"] for row in table] == losses
    _, _, rows = read_hparams(tmp_path)
    assert set(rows) == {f"{folder.name}/member-0", f"{folder.name}/member-1"}


def test_warm_start_is_a_run_of_its_own(tmp_path):
    model = make_mlp(log_dir=tmp_path, warm_start=True).fit(X, y)
    first = model.run_dir_
    model.fit(X, y)
    assert len(list(tmp_path.iterdir())) == 2
    assert list(read_scalars(model.run_dir_)["loss/train"]) == [1, 2, 3, 4]
    assert list(read_scalars(first)["loss/train"]) == [1, 2, 3, 4]


# It is in nobody's way


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.5, "batch_size": 7},
        {"early_stopping": True, "dropout": 0.5},
        {"n_members": 2},
        {"max_grad_norm": 0.1, "batch_norm": True},
    ],
)
def test_logging_changes_no_bit_of_the_fit(tmp_path, options):
    plain = make_mlp(**options).fit(X, y)
    logger = TensorBoardLogger(tmp_path, weights=True)
    logged = make_mlp(callbacks=[logger], **options).fit(X, y)
    np.testing.assert_array_equal(plain.predict(X), logged.predict(X))
    left_out = ("dur", "grad_norm")
    histories = [
        [{k: v for k, v in row.items() if k not in left_out} for row in model.history_]
        for model in (plain, logged)
    ]
    assert histories[0] == histories[1]


def test_global_state_is_left_alone(tmp_path):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    make_mlp(log_dir=tmp_path).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_a_fitted_model_with_a_logger_pickles_and_clones(tmp_path):
    logger = TensorBoardLogger(tmp_path, run_name="mine", every=2, weights=True)
    model = make_mlp(callbacks=[logger]).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.run_dir_ == model.run_dir_
    other = clone(model)
    assert other.callbacks[0].get_params() == logger.get_params()
    other.fit(X, y)
    copy.fit(X, y)  # also one that was unpickled
    assert len({model.run_dir_, other.run_dir_, copy.run_dir_}) == 3
    assert vars(logger) == logger.get_params()  # training used a clone


def test_the_folder_may_be_gone_when_the_model_is_used(tmp_path):
    model = make_mlp(log_dir=tmp_path).fit(X, y)
    for path in only_folder(tmp_path).iterdir():
        path.unlink()
    only_folder(tmp_path).rmdir()
    assert np.isfinite(pickle.loads(pickle.dumps(model)).predict(X)).all()


@pytest.mark.parametrize("module", ["torch.utils.tensorboard", "matplotlib"])
def test_without_the_extra_it_is_named(tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    message = r"needs the extra 'tracking': pip install 'skchem_dl\[tracking\]'"
    with pytest.raises(ImportError, match=message):
        make_mlp(log_dir=tmp_path).fit(X, y)
    assert list(tmp_path.iterdir()) == []
    make_mlp().fit(X, y)  # needs none of it


# Fits that don't get to their end


class Raising(Callback):
    def __init__(self, error, when="on_epoch_end"):
        self.error = error
        self.when = when

    def _raise_at(self, event, net):
        if event == self.when and len(net.history) in (0, 2):
            raise self.error

    def on_train_begin(self, net, **kwargs):
        self._raise_at("on_train_begin", net)

    def on_batch_end(self, net, **kwargs):
        self._raise_at("on_batch_end", net)

    def on_epoch_end(self, net, **kwargs):
        self._raise_at("on_epoch_end", net)


@pytest.mark.parametrize("error", [RuntimeError("disk full"), KeyboardInterrupt("enough")])
@pytest.mark.parametrize("when", ["on_train_begin", "on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_error_reaches_the_user_and_files_are_closed(tmp_path, error, when, early_stopping):
    model = make_mlp(
        log_dir=tmp_path, callbacks=[Raising(error, when)], early_stopping=early_stopping
    )
    with warnings.catch_warnings():
        # A file that is left open warns where it is collected.
        warnings.simplefilter("error", ResourceWarning)
        with pytest.raises(type(error), match=str(error)):
            model.fit(X, y)
    folder = only_folder(tmp_path)
    logged = read_scalars(folder) if list(folder.glob("*tfevents*")) else {}
    epochs = {"on_train_begin": 0, "on_batch_end": 1, "on_epoch_end": 2}[when]
    assert len(logged.get("loss/train", {})) in (epochs, epochs - 1)
    assert make_mlp(log_dir=tmp_path).fit(X, y).n_iter_ == 4  # and the next fit is none the wiser


def test_what_was_trained_before_ctrl_c_is_in_the_hparams_tab(tmp_path):
    model = make_mlp(log_dir=tmp_path, callbacks=[Raising(KeyboardInterrupt())])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.run_dir_ == str(only_folder(tmp_path))
    _, _, rows = read_hparams(tmp_path)
    (row,) = rows.values()
    assert row["summary/loss/train"] == np.float32(model.history_[-1]["train_loss"])


def test_training_that_diverges_says_so(tmp_path):
    options = {"lr": 1e30, "optimizer": "sgd", "lr_schedule": "constant"}
    with pytest.raises(ValueError, match="Training diverged"):
        make_mlp(**options).fit(X, y)
    with pytest.raises(ValueError, match="Training diverged"):
        make_mlp(log_dir=tmp_path, **options).fit(X, y)


def test_a_fit_that_failed_is_not_shown_as_a_success(tmp_path):
    with pytest.raises(RuntimeError, match="disk full"):
        make_mlp(log_dir=tmp_path, callbacks=[Raising(RuntimeError("disk full"))]).fit(X, y)
    assert read_hparams(tmp_path)[2] == {}


# Many fits


def test_fits_in_threads(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: make_mlp(log_dir=tmp_path).fit(X, y), range(6)))
    assert {model.run_dir_ for model in models} == {str(path) for path in tmp_path.iterdir()}
    assert len({model.run_dir_ for model in models}) == 6
    for model in models:
        table = read_table(Path(model.run_dir_) / "metrics.csv")
        assert [row["loss/train"] for row in table] == [row["train_loss"] for row in model.history_]


def test_a_search_in_two_processes_leaves_a_folder_a_fit(tmp_path):
    grid = {"lr": [0.1, 0.03, 0.01], "hidden_dims": [(2,), (3,)], "dropout": [0.0, 0.5]}
    model = FingerprintMLPRegressor(max_epochs=2, log_dir=tmp_path, random_state=0)
    search = GridSearchCV(model, grid, cv=KFold(3), n_jobs=2).fit(X, y)
    folders = list(tmp_path.iterdir())
    assert len(folders) == 37  # 12 candidates in 3 folds, and the best once more
    assert search.best_estimator_.run_dir_ in map(str, folders)
    for folder in folders:
        assert len(list(folder.glob("*tfevents*"))) == 1
        assert len(read_table(folder / "metrics.csv")) == 2
    _, _, rows = read_hparams(tmp_path)
    assert set(rows) == {folder.name for folder in folders}
    found = sorted((row["lr"], row["hidden_dims"], row["dropout"]) for row in rows.values())
    assert len(set(found)) == 12
