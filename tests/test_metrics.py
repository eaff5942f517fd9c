"""Masked scores: what is measured and predicted counts, task by task."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    get_scorer,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.svm import LinearSVC

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.metrics import MaskedScorer, masked_mean_r2, masked_scorer
from skchem_dl.pipelines import SkipInvalidRows

N = 40
INVALID = [3, 30]
rng = np.random.default_rng(0)
LABELS = rng.integers(0, 2, (N, 3)).astype(float)
LABELS[rng.random((N, 3)) < 0.3] = np.nan
NUMBERS = np.where(np.isnan(LABELS), np.nan, rng.normal(size=(N, 3)))
PREDICTED = rng.random((N, 3))
PREDICTED[INVALID] = np.nan
WEIGHT = rng.random(N)
VALID = ~np.isnan(PREDICTED[:, 0])


class Says(ClassifierMixin, BaseEstimator):
    """Gives what it was told to, for as many rows as X has."""

    def __init__(self, probabilities):
        self.probabilities = probabilities

    def fit(self, X, y=None):
        return self

    def predict_proba(self, X):
        return self.probabilities

    def predict(self, X):
        return np.where(np.isnan(self.probabilities), np.nan, self.probabilities > 0.5)

    def __sklearn_is_fitted__(self):
        return True


class Guesses(RegressorMixin, BaseEstimator):
    def __init__(self, values):
        self.values = values

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return self.values

    def __sklearn_is_fitted__(self):
        return True


X = np.zeros((N, 1))
PROBABILITY = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
CLASSIFICATION = {
    **PROBABILITY,
    "neg_brier_score": lambda *args, **kw: -brier_score_loss(*args, **kw),
    "accuracy": lambda y, p, **kw: accuracy_score(y, p > 0.5, **kw),
}
REGRESSION = {
    "r2": r2_score,
    "neg_root_mean_squared_error": lambda *args, **kw: -root_mean_squared_error(*args, **kw),
}


def by_hand(function, y, predicted, weight=None):
    scores = []
    for task in range(y.shape[1]):
        rows = VALID & ~np.isnan(y[:, task])
        weights = {} if weight is None else {"sample_weight": weight[rows]}
        scores.append(function(y[rows, task], predicted[rows, task], **weights))
    return scores


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(("name", "function"), CLASSIFICATION.items(), ids=CLASSIFICATION)
def test_classification_task_by_task(name, function, weight):
    scorer, says = masked_scorer(name), Says(PREDICTED)
    expected = by_hand(function, LABELS, PREDICTED, weight)
    given = {} if weight is None else {"sample_weight": weight}
    assert scorer(says, X, LABELS, **given) == pytest.approx(np.mean(expected))
    if weight is None:
        np.testing.assert_allclose(scorer.report(says, X, LABELS).scores, expected)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(("name", "function"), REGRESSION.items(), ids=REGRESSION)
def test_regression_task_by_task(name, function, weight):
    scorer, guesses = masked_scorer(name), Guesses(PREDICTED)
    expected = by_hand(function, NUMBERS, PREDICTED, weight)
    given = {} if weight is None else {"sample_weight": weight}
    assert scorer(guesses, X, NUMBERS, **given) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, lambda y: y.tolist()])
def test_the_report_counts(container):
    report = masked_scorer("roc_auc").report(Says(PREDICTED), X, container(LABELS))
    measured = ~np.isnan(LABELS)
    assert report.scores.shape == (3,)
    assert report.n_used.tolist() == (measured & VALID[:, None]).sum(axis=0).tolist()
    assert report.n_missing.tolist() == (~measured).sum(axis=0).tolist()
    assert report.n_invalid == 2


def test_nullable_frames():
    frame = pd.DataFrame(LABELS).astype("Int64")
    assert masked_scorer("roc_auc")(Says(PREDICTED), X, frame) == masked_scorer("roc_auc")(
        Says(PREDICTED), X, LABELS
    )


@pytest.mark.parametrize("name", ["roc_auc", "neg_brier_score"])
def test_without_gaps_it_is_scikit_learns(name):
    X = rng.normal(size=(N, 2))
    y = (X[:, 0] + 0.5 * rng.normal(size=N) > 0).astype(int)
    for model in (
        LogisticRegression(),
        FingerprintMLPClassifier((4,), max_epochs=2, random_state=0),
    ):
        model.fit(X, y)
        assert masked_scorer(name)(model, X, y) == pytest.approx(get_scorer(name)(model, X, y))


def test_a_decision_function_will_do():
    X = rng.normal(size=(N, 2))
    y = (X[:, 0] > 0).astype(int)
    model = LinearSVC().fit(X, y)
    assert masked_scorer("roc_auc")(model, X, y) == get_scorer("roc_auc")(model, X, y)
    with pytest.raises(AttributeError, match="none of the methods"):
        masked_scorer("neg_brier_score")(model, X, y)


def test_labels_of_text():
    y = np.array(["a", "b", None, "a", "b", "b"], dtype=object)
    X = np.array([[0.0], [1.0], [5.0], [0.1], [0.9], [np.nan]])
    model = SkipInvalidRows(LogisticRegression()).fit(X[[0, 1, 3, 4]], y[[0, 1, 3, 4]])
    scorer = masked_scorer("accuracy")
    report = scorer.report(model, X, y)
    assert (report.n_used.tolist(), report.n_missing.tolist(), report.n_invalid) == ([4], [1], 1)
    assert scorer(model, X, y) == 1
    assert masked_scorer("roc_auc")(model, X, y) == 1


def test_a_task_that_cannot_be_scored_is_left_out():
    labels = LABELS.copy()
    labels[:, 1] = np.nan
    labels[:, 2] = np.where(np.isnan(labels[:, 2]), np.nan, 1.0)
    scorer = masked_scorer("roc_auc")
    report = scorer.report(Says(PREDICTED), X, labels)
    assert np.isnan(report.scores).tolist() == [False, True, True]
    assert report.n_used[1] == 0
    assert scorer(Says(PREDICTED), X, labels) == report.scores[0]
    with pytest.raises(ValueError, match=r"No task can be scored.*\[0, .*invalid molecules 2"):
        scorer(Says(PREDICTED), X, labels * [np.nan, 1, 1])
    with pytest.raises(ValueError, match="No task can be scored"):
        scorer(Says(PREDICTED * np.nan), X, LABELS)
    with pytest.raises(ValueError, match=r"invalid molecules 0\.$"):  # no word of classes
        masked_scorer("r2")(Guesses(np.zeros_like(NUMBERS)), X, NUMBERS * np.nan)


def test_a_task_of_one_row_takes_no_score_from_the_others():
    y = np.array([[1.0, np.nan], [2.0, np.nan], [4.0, 5.0]])
    predicted = np.array([[1.0, 0.0], [3.0, 0.0], [4.0, 0.0]])
    assert masked_mean_r2(y, predicted) == pytest.approx(r2_score(y[:, 0], predicted[:, 0]))
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(masked_mean_r2(y[2:, :1], predicted[2:, :1]))


def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r"No scorer 'auc'; sklearn.metrics.get_scorer_names"):
        masked_scorer("auc")
    with pytest.raises(ValueError, match=r"predict_proba gave 3 columns for 1 column\(s\) of y"):
        masked_scorer("roc_auc")(Says(PREDICTED), X, LABELS[:, 0])
    with pytest.raises(ValueError, match=r"predict gave 3 columns for 2 column\(s\)"):
        masked_scorer("r2")(Guesses(PREDICTED), X, NUMBERS[:, :2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        masked_scorer("r2")(Guesses(PREDICTED), X, NUMBERS[1:])


def test_a_forest_gives_a_list():
    """Of arrays, one a label; where a label had one class only in training, of one column."""
    X = rng.normal(size=(N, 3))
    y = (X > 0).astype(int)
    y[:, 2] = 1
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    assert [task.shape[1] for task in forest.predict_proba(X)] == [2, 2, 1]
    truth = np.where(rng.random((N, 3)) < 0.2, np.nan, X > 0)
    report = masked_scorer("roc_auc").report(forest, X, truth)
    for task, p in enumerate(forest.predict_proba(X)[:2]):
        rows = ~np.isnan(truth[:, task])
        assert report.scores[task] == roc_auc_score(truth[rows, task], p[rows, 1])
    assert report.scores[2] == 0.5
    certain = masked_scorer("neg_brier_score").report(forest, X, np.ones((N, 3)) * y)
    assert np.isnan(certain.scores[2])
    X[5] = np.nan
    skipping = SkipInvalidRows(RandomForestClassifier(5, random_state=0)).fit(X, y)
    assert masked_scorer("roc_auc").report(skipping, X, truth).n_invalid == 1


@pytest.mark.parametrize("name", ["roc_auc", "accuracy"])
def test_in_a_search(name):
    X = rng.integers(0, 2, size=(N, 3)).astype(float)
    X[INVALID] = np.nan
    y = np.where(np.isnan(LABELS), np.nan, X > 0)
    model = FingerprintMLPClassifier((8,), max_epochs=10, lr=0.05, random_state=0)
    scorer = masked_scorer(name)
    search = GridSearchCV(model, {"lr": [1e-6, 0.1]}, scoring=scorer, cv=KFold(2)).fit(X, y)
    assert search.best_params_ == {"lr": 0.1}
    assert search.score(X, y) == scorer(search.best_estimator_, X, y)
    several = {"one": scorer, "two": masked_scorer("average_precision")}
    found = cross_validate(model, X, y, scoring=several, cv=KFold(2))
    assert np.isfinite([found["test_one"], found["test_two"]]).all()


def test_in_parallel():
    X = rng.normal(size=(N, 3))
    model = FingerprintMLPRegressor((8,), max_epochs=2, random_state=0)
    scorer = masked_scorer("neg_root_mean_squared_error")
    alone = cross_val_score(model, X, NUMBERS, scoring=scorer, cv=KFold(2))
    assert np.isfinite(alone).all()
    assert (
        cross_val_score(model, X, NUMBERS, scoring=scorer, cv=KFold(2), n_jobs=2).tolist()
        == alone.tolist()
    )


def test_pickling_and_display():
    scorer = masked_scorer("roc_auc")
    assert isinstance(scorer, MaskedScorer)
    loaded = pickle.loads(pickle.dumps(scorer))
    assert loaded(Says(PREDICTED), X, LABELS) == scorer(Says(PREDICTED), X, LABELS)
    assert "roc_auc_score" in repr(scorer)


def test_ridge_on_complete_targets():
    X = rng.normal(size=(N, 3))
    y = X @ rng.normal(size=(3, 2))
    model = Ridge().fit(X, y)
    assert masked_scorer("r2")(model, X, y) == pytest.approx(model.score(X, y))
    assert masked_mean_r2(y, model.predict(X)) == pytest.approx(model.score(X, y))


@pytest.mark.parametrize("classes", [["no", "yes"], [1, 2]])
def test_a_forest_of_other_labels_than_zero_and_one(classes):
    X = rng.normal(size=(N, 3))
    y = np.array(classes)[(X[:, :2] > 0).astype(int)]
    forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    report = masked_scorer("roc_auc").report(forest, X, y.astype(object))
    assert (report.scores > 0.9).all()
