"""Loss curves."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.inspection import LossCurveDisplay
from skchem_dl.pipelines import NeuralEmbedder, SkipInvalidRows

X = np.random.default_rng(0).normal(size=(40, 3))
y = X.sum(axis=1)


def make_mlp(cls=FingerprintMLPRegressor, **options):
    return cls((4,), **{"max_epochs": 6, "random_state": 0, **options})


def labels(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_training_alone():
    model = make_mlp().fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    (line,) = display.lines_
    assert line.get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert line.get_ydata().tolist() == [row["train_loss"] for row in model.history_]
    assert labels(display) == ["training"]
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_title() == "FingerprintMLPRegressor"


@pytest.mark.parametrize(
    ("cls", "metric"),
    [(FingerprintMLPRegressor, "rmse"), (FingerprintMLPClassifier, "roc_auc")],
)
def test_validation_and_the_epoch_kept(cls, metric):
    model = make_mlp(cls, early_stopping=True, n_iter_no_change=2, lr=0.5, max_epochs=40)
    model.fit(X, y > 0 if cls is FingerprintMLPClassifier else y)
    display = LossCurveDisplay.from_estimator(model, metric=metric, linewidth=3)
    training, validation = display.lines_
    assert validation.get_ydata().tolist() == [row[f"valid_{metric}"] for row in model.history_]
    assert training.get_linewidth() == validation.get_linewidth() == 3
    kept = [row["epoch"] for row in model.history_ if row["kept"]]
    assert kept == [model.net_.kept_epoch] != [model.n_iter_]
    dotted = [line for line in display.ax_.lines if line.get_linestyle() == ":"]
    assert dotted[0].get_xdata() == kept * 2
    assert labels(display) == ["training", "validation", "kept epoch"]


def test_members_have_a_line_each():
    display = LossCurveDisplay.from_estimator(make_mlp(n_members=3).fit(X, y))
    assert len(display.lines_) == 3
    assert labels(display) == ["training"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(make_pipeline(model), {}, cv=2),
        SkipInvalidRows,
        NeuralEmbedder,
    ],
)
def test_the_network_is_found(wrap):
    fitted = wrap(make_mlp()).fit(X, y)
    ax = plt.figure().subplots()
    display = LossCurveDisplay.from_estimator(fitted, ax=ax)
    assert display.ax_ is ax
    assert len(display.lines_) == 1


def test_what_cannot_be_drawn():
    with pytest.raises(TypeError, match="Pipeline holds no network whose training"):
        LossCurveDisplay.from_estimator(make_pipeline(Ridge()).fit(X, y))
    with pytest.raises(ValueError, match=r"No metric 'roc_auc' in the history; it has \['loss', "):
        LossCurveDisplay.from_estimator(make_mlp().fit(X, y), metric="roc_auc")


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="needs the extra 'plot'"):
        LossCurveDisplay.from_estimator(make_mlp().fit(X, y))
