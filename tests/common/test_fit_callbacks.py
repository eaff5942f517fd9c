"""scikit-learn's callbacks, set by `set_callbacks`: what networks and featurizers report."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version

from skchem_dl import FingerprintMLPRegressor, MorganFingerprinter, load, save
from skchem_dl.metrics import masked_scorer
from skchem_dl.pipelines import (
    NeuralEmbedder,
    SkipInvalidRows,
    make_cnn_pipeline,
    make_gnn_pipeline,
    make_mlp_pipeline,
)

if parse_version(sklearn.__version__) < parse_version("1.9"):
    pytest.skip("scikit-learn has callbacks from 1.9 on", allow_module_level=True)

from sklearn.callback import ScoringMonitor

SMILES = np.array(["C" * n + "O" for n in range(1, 21)] + ["C" * n + "N" for n in range(1, 11)])
Y = np.linspace(-3, 5, len(SMILES))
EPOCHS = 3
MAKERS = [make_mlp_pipeline, make_cnn_pipeline, make_gnn_pipeline]
X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
y = X.sum(axis=1)


class Recorder:
    """Keeps what it is called with; each call names the task by its path from the root."""

    max_propagation_depth = None

    def __init__(self, stop_at=None, fail_at=None):
        self.events = []
        self.fitted = []
        self.stop_at = stop_at
        self.fail_at = fail_at

    def _note(self, kind, context):
        path = []
        task = context
        while task is not None:
            path.append((task.task_name, task.task_id))
            task = task.parent
        self.events.append((kind, path[::-1]))

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self._note("begin", context)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self._note("end", context)
        self.fitted.append((context.task_name, X, y, fitted_estimator))
        if self.fail_at == (context.task_name, context.task_id):
            raise RuntimeError("no more paper")
        return self.stop_at == (context.task_name, context.task_id)

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def ended(self, name):
        return [event[1][-1] for event in self.events if event[0] == "end" and name in event[1][-1]]


def make_mlp(callback, **options):
    model = FingerprintMLPRegressor((4,), **{"max_epochs": EPOCHS, "random_state": 0, **options})
    return model.set_callbacks(callback)


def check_pairs(events):
    """Each task that begins also ends, after all tasks in it."""
    open_tasks = []
    for event in events[1:-1]:
        kind, path = event
        if kind == "begin":
            open_tasks.append(path)
        else:
            assert open_tasks.pop() == path
    assert not open_tasks
    assert (events[0], events[-1]) == ("setup", "teardown")


def test_a_network_reports_its_epochs():
    recorder = Recorder()
    model = make_mlp(recorder).fit(X, y)
    check_pairs(recorder.events)
    assert recorder.ended("epoch") == [("epoch", k) for k in range(EPOCHS)]
    assert recorder.events[-2] == ("end", [("fit", 0)])
    assert not [name for name in vars(model) if "callback" in name and name.endswith("ctx")]


def test_an_ensemble_reports_its_members():
    recorder = Recorder()
    make_mlp(recorder, n_members=2).fit(X, y)
    check_pairs(recorder.events)
    assert recorder.ended("member") == [("member", 0), ("member", 1)]
    assert recorder.ended("epoch") == [("epoch", k) for k in range(EPOCHS)] * 2


def test_early_stopping_reports_the_epochs_that_were_trained():
    recorder = Recorder()
    model = make_mlp(recorder, early_stopping=True, n_iter_no_change=1, lr=10.0, max_epochs=50)
    model.fit(X, y)
    check_pairs(recorder.events)
    assert len(recorder.ended("epoch")) == model.n_iter_ < 50


@pytest.mark.parametrize("make", MAKERS)
def test_a_callback_gets_a_fitted_estimator_each_epoch(make):
    recorder = Recorder()
    model = make(max_epochs=EPOCHS, random_state=0, lr_schedule="constant", lr=0.01)
    features = model[0].fit_transform(SMILES)
    network = model[-1].set_callbacks(recorder).fit(features, Y)
    epochs = [call for call in recorder.fitted if call[0] == "epoch"]
    for n_epochs, (_, given, targets, fitted) in enumerate(epochs, start=1):
        shorter = clone(network).set_callbacks().set_params(max_epochs=n_epochs)
        np.testing.assert_array_equal(targets, Y)
        # Asked when training has moved on.
        np.testing.assert_array_equal(
            fitted.predict(given), shorter.fit(features, Y).predict(features)
        )
        assert fitted.n_iter_ == n_epochs


def test_a_callback_gets_the_rows_that_are_learned_from():
    recorder = Recorder()
    gaps = X.copy()
    gaps[3] = np.nan
    weights = np.ones(len(y))
    weights[5] = 0
    make_mlp(recorder).fit(gaps, y, sample_weight=weights)
    rows = np.setdiff1d(np.arange(len(y)), [3, 5])
    for _, given, targets, _ in recorder.fitted:
        np.testing.assert_array_equal(given, X[rows])
        np.testing.assert_array_equal(targets, y[rows])


def test_scoring_monitor():
    monitor = ScoringMonitor(scoring="r2")
    model = make_mlp(monitor, n_members=2, early_stopping=True).fit(X, y)
    log = monitor.get_logs().data
    assert [row["task_name"] for row in log].count("epoch") == 2 * EPOCHS
    [whole] = [row for row in log if row["task_name"] == "fit"]
    assert whole["r2"] == pytest.approx(model.score(X, y))


def test_scoring_monitor_of_targets_with_gaps():
    several = np.column_stack([y, -y])
    several[::4, 1] = np.nan
    monitor = ScoringMonitor(scoring=masked_scorer("r2"))
    model = make_mlp(monitor).fit(X, several)
    assert monitor.get_logs().data[0]["score"] == pytest.approx(model.score(X, several))


def test_a_callback_may_end_training():
    recorder = Recorder(stop_at=("epoch", 1))
    assert make_mlp(recorder).fit(X, y).n_iter_ == 2
    check_pairs(recorder.events)
    one = make_mlp(Recorder(stop_at=("member", 0)), n_members=3).fit(X, y)
    assert len(one.nets_) == 1


def test_a_callback_that_fails():
    recorder = Recorder(fail_at=("epoch", 1))
    model = make_mlp(recorder)
    with pytest.raises(RuntimeError, match="no more paper"):
        model.fit(X, y)
    assert recorder.events[-1] == "teardown"
    assert not hasattr(model, "_callback_fit_ctx")
    assert model.set_callbacks().fit(X, y).n_iter_ == EPOCHS


class Interrupting(Recorder):
    def on_fit_task_begin(self, estimator, context):
        super().on_fit_task_begin(estimator, context)
        if (context.task_name, context.task_id) == ("epoch", 1):
            raise KeyboardInterrupt


def test_ctrl_c():
    recorder = Interrupting()
    model = make_mlp(recorder)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert recorder.events[-1] == "teardown"
    assert model.n_iter_ == 1
    assert np.isfinite(model.predict(X)).all()


def test_an_invalid_input_tears_down():
    recorder = Recorder()
    with pytest.raises(ValueError, match="NaN"):
        make_mlp(recorder).fit(X, np.where(y > 0, y, np.nan))
    assert recorder.events[-1] == "teardown"


@pytest.mark.parametrize("make", MAKERS)
def test_a_pipeline_reports_without_warnings(make):
    recorder = Recorder()
    make(max_epochs=EPOCHS).set_callbacks(recorder).fit(SMILES, Y)
    check_pairs(recorder.events)
    assert len(recorder.ended("epoch")) == EPOCHS


def test_a_search_reports():
    recorder = Recorder()
    search = GridSearchCV(make_mlp_pipeline(max_epochs=2), {"estimator__lr": [0.1, 0.2]}, cv=2)
    search.set_callbacks(recorder).fit(SMILES, Y)
    check_pairs(recorder.events)
    assert len(recorder.ended("epoch")) == 2 * (2 * 2 + 1)


def test_a_search_in_worker_processes():
    monitor = ScoringMonitor(scoring="neg_mean_absolute_error")
    model = FingerprintMLPRegressor((4,), max_epochs=2).set_callbacks(monitor)
    search = GridSearchCV(model, {"lr": [0.1, 0.2]}, cv=2, n_jobs=2, refit=False).fit(X, y)
    runs = monitor.get_logs(select="all")
    assert len(runs[-1].data) >= 2 * 3
    assert search.n_splits_ == 2


def test_wrappers_report():
    recorder = Recorder()
    inner = FingerprintMLPRegressor((4,), max_epochs=2)
    SkipInvalidRows(inner).set_callbacks(recorder).fit(X, y)
    check_pairs(recorder.events)
    assert len(recorder.ended("epoch")) == 2
    recorder = Recorder()
    embedder = NeuralEmbedder(make_mlp_pipeline(max_epochs=2))
    make_pipeline(embedder, SkipInvalidRows(Ridge())).set_callbacks(recorder)
    embedder.set_callbacks(recorder).fit(SMILES, Y)
    check_pairs(recorder.events)
    assert len(recorder.ended("epoch")) == 2


def test_a_featurizer_is_one_task():
    recorder = Recorder()
    MorganFingerprinter().set_callbacks(recorder).fit_transform(SMILES)
    check_pairs(recorder.events)
    assert recorder.ended("fit") == [("fit", 0)]


def test_callbacks_stay_with_clones_and_pickles_but_not_in_files(tmp_path):
    monitor = ScoringMonitor(scoring="r2")
    model = make_mlp(monitor).fit(X, y)
    assert clone(model)._skl_callbacks == [monitor]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.fit(X, y).n_iter_ == EPOCHS
    pipeline = make_pipeline(MorganFingerprinter(), FingerprintMLPRegressor((4,), max_epochs=1))
    save(pipeline.set_callbacks(monitor).fit(SMILES, Y), tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(SMILES), pipeline.predict(SMILES))


def test_results_do_not_depend_on_callbacks():
    silent = FingerprintMLPRegressor((4,), max_epochs=EPOCHS, random_state=0, dropout=0.5)
    watched = clone(silent).set_callbacks(ScoringMonitor(scoring="r2"), Recorder())
    np.testing.assert_array_equal(silent.fit(X, y).predict(X), watched.fit(X, y).predict(X))


def test_progress_bar(capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    make_gnn_pipeline(max_epochs=2, n_members=2).set_callbacks(ProgressBar()).fit(SMILES, Y)
    shown = capsys.readouterr().out
    assert "MolGNNRegressor - fit" in shown
    assert "100%" in shown
