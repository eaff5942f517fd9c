"""Methods compared on the same folds: as scikit-learn alone would score them, and nothing lost."""

import sys
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, make_scorer, median_absolute_error
from sklearn.model_selection import (
    KFold,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_validate,
)

from skchem_dl import MolGNNRegressor, MolGraphizer, MorganFingerprinter
from skchem_dl.metrics import masked_scorer
from skchem_dl.model_selection import ScaffoldKFold, ScaffoldShuffleSplit, compare, scaffold_groups
from skchem_dl.pipelines import SkipInvalidRows, make_linear_pipeline, make_mean_pipeline

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = X @ [1.0, 2.0, 0.0] + rng.normal(scale=0.3, size=60)
FIRST = X[0]
labels = np.where(y > 0, "yes", "no")
METHODS = {"mean": DummyRegressor(), "ridge": Ridge()}
CLASSIFIERS = {"prior": DummyClassifier(), "logistic": LogisticRegression()}


class Fails(RegressorMixin, BaseEstimator):
    """Cannot learn when the first row is among the training rows."""

    def fit(self, X, y):
        if np.isin(FIRST, X).all():
            raise RuntimeError("the first row is here")
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Counts(ClassifierMixin, BaseEstimator):
    """Counts what it is asked, slowly."""

    asked = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self.asked.append("predict")
        return np.resize(self.classes_, len(X))

    def predict_proba(self, X):
        self.asked.append("predict_proba")
        time.sleep(0.01)
        return np.column_stack([X[:, 0] < 0, X[:, 0] >= 0]).astype(float)


def of(comparison, method, column):
    scores = comparison.scores
    return scores.loc[scores["method"] == method, column].to_numpy()


def test_equals_cross_validate():
    cv = KFold(4, shuffle=True, random_state=1)
    found = compare(METHODS, X, y, cv=cv)
    names = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}
    for name, model in METHODS.items():
        expected = cross_validate(model, X, y, cv=cv, scoring=names)
        np.testing.assert_allclose(of(found, name, "rmse"), -expected["test_rmse"])
        np.testing.assert_allclose(of(found, name, "mae"), -expected["test_mae"])
        np.testing.assert_allclose(of(found, name, "r2"), expected["test_r2"])
    assert found.greater_is_better == {"rmse": False, "mae": False, "r2": True}
    assert not hasattr(METHODS["ridge"], "coef_")


def test_five_times_five_folds():
    found = compare(METHODS, X, y, scoring="r2")
    scores = found.scores
    assert scores.columns.tolist() == [
        *("method", "repeat", "fold", "r2", "fit_seconds", "predict_seconds", "error")
    ]
    assert scores["method"].tolist() == ["mean"] * 25 + ["ridge"] * 25
    assert scores["repeat"].tolist() == np.tile(np.repeat(range(5), 5), 2).tolist()
    assert scores["fold"].tolist() == list(range(5)) * 10
    assert (scores[["fit_seconds", "predict_seconds"]] >= 0).all(axis=None)
    assert scores["error"].isna().all()
    by_repeat = of(found, "ridge", "r2").reshape(5, 5)
    assert len(np.unique(by_repeat.mean(axis=1))) == 5  # other folds every time
    assert repr(found) == "Comparison of 2 methods on 25 folds by r2"


def test_every_row_is_tested_once_a_repeat_by_all_methods():
    tested = {name: [] for name in METHODS}

    def note(estimator, X, y):
        tested["ridge" if hasattr(estimator, "coef_") else "mean"].append(tuple(y))
        return 0.0

    compare(METHODS, X, y, cv=3, n_repeats=2, scoring=note)
    assert tested["mean"] == tested["ridge"]
    for repeat in range(2):
        rows = np.concatenate(tested["mean"][3 * repeat : 3 * repeat + 3])
        assert sorted(rows) == sorted(y)


def test_the_seed():
    def scores(**params):
        return of(compare(METHODS, X, y, cv=3, n_repeats=2, **params), "ridge", "rmse").tolist()

    assert scores() == scores() == scores(random_state=0) != scores(random_state=1)
    assert scores(n_jobs=2) == scores()


def test_classifiers():
    found = compare(CLASSIFIERS, X, labels, cv=3, n_repeats=2)
    assert found.metrics == ["roc_auc", "average_precision"]
    assert set(of(found, "prior", "roc_auc")) == {0.5}
    assert of(found, "logistic", "roc_auc").min() > 0.8
    own = compare(CLASSIFIERS, X, labels, cv=3, n_repeats=2, scoring={"a": get_scorer("roc_auc")})
    assert of(own, "logistic", "a").tolist() == of(found, "logistic", "roc_auc").tolist()
    as_numbers = compare(CLASSIFIERS, X, y > 0, cv=3, n_repeats=2, scoring=["f1", *found.metrics])
    as_text = compare(CLASSIFIERS, X, labels, cv=3, n_repeats=2, scoring=["f1", *found.metrics])
    for metric in as_text.metrics:
        assert (
            of(as_text, "logistic", metric).tolist() == of(as_numbers, "logistic", metric).tolist()
        )
    # Each fold has as many of each class as any other.
    rare = np.r_[[1] * 6, [0] * 54]
    prior = of(compare(CLASSIFIERS, X, rare, cv=3, n_repeats=2), "prior", "average_precision")
    np.testing.assert_allclose(prior, 0.1)


def test_several_classes():
    three = np.digitize(y, [-1, 1])
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    found = compare(CLASSIFIERS, X, three, cv=cv)
    expected = cross_validate(
        LogisticRegression(), X, three, cv=cv, scoring=["roc_auc_ovr", "average_precision"]
    )
    np.testing.assert_allclose(of(found, "logistic", "roc_auc"), expected["test_roc_auc_ovr"])
    np.testing.assert_allclose(
        of(found, "logistic", "average_precision"), expected["test_average_precision"]
    )
    one = compare(CLASSIFIERS, X, three, cv=cv, scoring="accuracy")
    assert of(one, "logistic", "accuracy").min() > 0.6


def test_several_targets_with_gaps():
    from skchem_dl import FingerprintMLPRegressor

    targets = np.column_stack([y, -y])
    targets[::4, 0] = np.nan
    model = FingerprintMLPRegressor((), max_epochs=2, random_state=0)
    cv = KFold(3)
    found = compare({"network": model}, X, targets, cv=cv)
    for name in ("root_mean_squared_error", "mean_absolute_error"):
        scorer = masked_scorer(f"neg_{name}")
        expected = cross_validate(model, X, targets, cv=cv, scoring=scorer)["test_score"]
        column = {"root_mean_squared_error": "rmse", "mean_absolute_error": "mae"}[name]
        np.testing.assert_allclose(of(found, "network", column), -expected)


def test_incomplete_labels_are_not_stratified():
    from skchem_dl import FingerprintMLPClassifier

    targets = np.column_stack([y > 0, y < 0.5]).astype(float)
    targets[::4, 0] = np.nan
    model = FingerprintMLPClassifier((), max_epochs=2, random_state=0)
    found = compare({"network": model}, X, targets, cv=3, n_repeats=1)
    assert np.isfinite(of(found, "network", "roc_auc")).all()


def test_metrics():
    def middle(y_true, y_pred):
        return median_absolute_error(y_true, y_pred)

    scoring = {
        "RMSE": "neg_root_mean_squared_error",
        "middle": make_scorer(middle, greater_is_better=False),
        "biggest": lambda estimator, X, y: estimator.predict(X).max(),
    }
    found = compare(METHODS, X, y, cv=KFold(3), scoring=scoring)
    assert found.greater_is_better == {"RMSE": False, "middle": False, "biggest": True}
    expected = cross_validate(Ridge(), X, y, cv=KFold(3), scoring=scoring)
    np.testing.assert_allclose(of(found, "ridge", "middle"), -expected["test_middle"])
    np.testing.assert_allclose(of(found, "ridge", "biggest"), expected["test_biggest"])
    listed = compare(METHODS, X, y, cv=3, n_repeats=1, scoring=["neg_max_error", "r2"])
    assert listed.greater_is_better == {"max_error": False, "r2": True}
    assert of(listed, "ridge", "max_error").min() > 0


@pytest.mark.parametrize(
    ("scoring", "error", "said"),
    [
        ("nonsense", ValueError, "No scorer 'nonsense'"),
        (["r2", 3], TypeError, "expected a name of scikit-learn's"),
        (3, TypeError, "scoring=3"),
        ({"r2": 3}, TypeError, "neither a name nor a callable"),
        ([], ValueError, "scoring is empty"),
    ],
)
def test_metrics_that_are_none(scoring, error, said):
    with pytest.raises(error, match=said):
        compare(METHODS, X, y, scoring=scoring)


@pytest.mark.parametrize(
    ("cv", "n_repeats", "repeats", "folds"),
    [
        (KFold(3), None, [0, 0, 0], [0, 1, 2]),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), None, [0, 0, 1, 1], [0, 1, 0, 1]),
        (KFold(2, shuffle=True), 2, [0, 0, 1, 1], [0, 1, 0, 1]),
        (2, 1, [0, 0], [0, 1]),
        ([(range(30), range(30, 60)), (range(20), range(20, 60))], None, [0, 0], [0, 1]),
        (TimeSeriesSplit(2), None, [0, 0], [0, 1]),
    ],
)
def test_kinds_of_cv(cv, n_repeats, repeats, folds):
    found = compare({"ridge": Ridge()}, X, y, cv=cv, n_repeats=n_repeats)
    assert found.scores["repeat"].tolist() == repeats
    assert found.scores["fold"].tolist() == folds
    assert np.isfinite(found.scores["rmse"]).all()


@pytest.mark.parametrize(
    ("cv", "n_repeats", "said"),
    [
        (KFold(3), 2, "would make the same again. Use a splitter with shuffle=True"),
        (TimeSeriesSplit(2), 2, "would make the same again"),
        ([(range(30), range(30, 60))], 2, "would make the same again"),
        (1, None, "cv must be an integer of at least 2, got 1"),
        (None, 0, "n_repeats must be an integer of at least 1, got 0"),
        (iter([]), None, "makes no fold"),
    ],
)
def test_cv_that_is_none(cv, n_repeats, said):
    with pytest.raises(ValueError, match=said):
        compare(METHODS, X, y, cv=cv, n_repeats=n_repeats)


def test_scaffolds_stay_together(nci_smiles):
    smiles = nci_smiles[:80]
    sizes = np.array([float(len(text)) for text in smiles])
    methods = {"mean": make_mean_pipeline(), "linear": make_linear_pipeline(alphas=[10.0])}
    scaffolds = scaffold_groups(smiles)
    seen = []

    def note(estimator, X, y):
        seen.append(set(X))
        return 0.0

    for cv, params in (
        (ScaffoldKFold(2, shuffle=True), {"n_repeats": 2}),
        (ScaffoldShuffleSplit(2, random_state=0), {}),
        (ScaffoldKFold(2), {"groups": scaffolds}),
    ):
        compare(methods, smiles, sizes, cv=cv, scoring=note, **params)
    for tested in seen:
        inside = {s for text, s in zip(smiles, scaffolds, strict=True) if text in tested}
        outside = {s for text, s in zip(smiles, scaffolds, strict=True) if text not in tested}
        assert not inside & outside
    assert len({frozenset(tested) for tested in seen[:8]}) == 4  # two repeats of two folds


def test_a_method_that_fails_loses_nothing_of_the_others():
    methods = {"fails": Fails(), **METHODS}
    cv = KFold(3)  # the first fold tests the first row, and the others learn from it
    with pytest.warns(FitFailedWarning, match=r"2 of 9 fits .*\nfails, 2 time.*first row is here"):
        found = compare(methods, X, y, cv=cv)
    assert np.isnan(of(found, "fails", "rmse")).tolist() == [False, True, True]
    assert np.isnan(of(found, "fails", "fit_seconds")).tolist() == [False, True, True]
    assert of(found, "fails", "error")[1] == "RuntimeError: the first row is here"
    expected = compare(METHODS, X, y, cv=cv)
    assert of(found, "ridge", "rmse").tolist() == of(expected, "ridge", "rmse").tolist()
    assert found.summary().loc["fails", ("folds", "scored")] == 1
    with pytest.warns(FitFailedWarning):
        numbered = compare(methods, X, y, cv=cv, error_score=-9, n_jobs=2)
    assert of(numbered, "fails", "r2")[1:].tolist() == [-9, -9]
    with pytest.raises(RuntimeError, match="the first row is here"):
        compare(methods, X, y, cv=cv, error_score="raise")
    with pytest.raises(ValueError, match="error_score='nan'; expected 'raise' or a number"):
        compare(methods, X, y, cv=cv, error_score="nan")
    with pytest.raises(ValueError, match=r"2 of 2 fits or their scores failed.\nfails, 2 time"):
        compare({"fails": Fails()}, X, y, cv=[(range(30), range(30, 60))] * 2)


def test_a_metric_that_fails_loses_no_other():
    def fussy(estimator, X, y):
        if estimator.predict(X)[0] == 7:
            raise ZeroDivisionError("by seven")
        return 1.0

    methods = {"constant": DummyRegressor(strategy="constant", constant=7), "ridge": Ridge()}
    with pytest.warns(FitFailedWarning, match=r"2 of 4 .*\nconstant, 2 time.*by seven"):
        found = compare(methods, X, y, cv=KFold(2), scoring={"fussy": fussy, "r2": "r2"})
    assert np.isfinite(found.scores["r2"]).all()
    assert np.isnan(of(found, "constant", "fussy")).all()
    assert of(found, "ridge", "fussy").tolist() == [1.0, 1.0]
    only = {"constant": methods["constant"]}
    with pytest.warns(FitFailedWarning, match="2 of 2"):
        found = compare(only, X, y, cv=KFold(2), scoring={"fussy": fussy, "r2": "r2"})
    assert np.isfinite(found.scores["r2"]).all()


def test_everything_is_predicted_once():
    Counts.asked.clear()
    scoring = ["roc_auc", "average_precision", "neg_brier_score", "accuracy", "f1_macro"]
    found = compare({"counts": Counts()}, X, labels == "yes", cv=KFold(2), scoring=scoring)
    assert Counts.asked == ["predict_proba", "predict"] * 2
    assert of(found, "counts", "predict_seconds").min() > 0.01


@pytest.mark.parametrize(
    "container",
    [list, tuple, np.array, pd.Series, pl.Series, lambda s: pd.DataFrame({"smiles": s})],
    ids=["list", "tuple", "array", "Series", "polars", "frame"],
)
def test_containers_of_molecules(container, smiles):
    target = [float(len(text)) for text in smiles]
    found = compare({"mean": make_mean_pipeline()}, container(smiles), target, cv=KFold(2))
    half = len(smiles) // 2
    expected = [np.mean(target[half:]), np.mean(target[:half])]
    errors = [np.abs(target[:half] - expected[0]), np.abs(target[half:] - expected[1])]
    np.testing.assert_allclose(of(found, "mean", "mae"), [e.mean() for e in errors])


def test_features_instead_of_molecules(smiles):
    target = pd.Series([float(len(text)) for text in smiles])
    graphs = MolGraphizer().fit_transform(smiles)
    network = MolGNNRegressor(hidden_dim=8, max_epochs=1, random_state=0)
    assert np.isfinite(
        compare({"gnn": network}, graphs, target, cv=2, n_repeats=1).scores["rmse"]
    ).all()
    bits = sp.csr_array(MorganFingerprinter(fp_size=32).fit_transform(smiles))
    assert np.isfinite(compare({"ridge": Ridge()}, bits, target, cv=2).scores["rmse"]).all()


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_broken_smiles_are_left_out(smiles):
    target = np.array([float(len(text)) for text in smiles])
    smiles[3] = "C("
    methods = {"mean": make_mean_pipeline(on_invalid="nan")}
    found = compare(methods, smiles, target, cv=KFold(2))
    half = len(smiles) // 2
    valid = np.delete(target[:half], 3)
    expected = [
        np.abs(valid - target[half:].mean()).mean(),
        np.abs(target[half:] - valid.mean()).mean(),
    ]
    np.testing.assert_allclose(of(found, "mean", "mae"), expected)


def test_progress(capfd):
    compare(METHODS, X, y, cv=KFold(2))
    assert capfd.readouterr() == ("", "")
    compare(METHODS, X, y, cv=KFold(2), verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert "4/4" in err
    assert "ridge" in err


def test_summary():
    found = compare(METHODS, X, y, cv=KFold(4))
    table = found.summary()
    assert table.index.tolist() == ["ridge", "mean"]  # the best first
    rmse = of(found, "ridge", "rmse")
    assert table.loc["ridge", ("rmse", "mean")] == pytest.approx(rmse.mean())
    assert table.loc["ridge", ("rmse", "sd")] == pytest.approx(rmse.std(ddof=1))
    assert table.loc["ridge", ("folds", "scored")] == 4
    names = ["rmse", "mae", "r2", "fit_seconds", "predict_seconds", "folds"]
    assert table.columns.get_level_values(0).unique().tolist() == names
    up = compare(METHODS, X, y, cv=KFold(4), scoring=["r2"]).summary()
    assert up.index.tolist() == ["ridge", "mean"]
    assert found.test("mae").means.index.tolist() == ["ridge", "mean"]


@pytest.mark.parametrize(
    ("pipelines", "error", "said"),
    [
        ([Ridge()], TypeError, "must be a dict of names to estimators"),
        ({}, TypeError, "and not empty"),
        ({"a": Ridge(), "b": LogisticRegression()}, ValueError, "'a': 'regressor', 'b': 'classif"),
        ({"a": "ridge"}, ValueError, "'a': 'neither'"),
        ({"a": SkipInvalidRows(MorganFingerprinter())}, ValueError, "'a': 'neither'"),
    ],
)
def test_pipelines_that_are_none(pipelines, error, said):
    with pytest.raises(error, match=said):
        compare(pipelines, X, y)


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        compare(METHODS, X, y[:-1])


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="need the extra 'stats'"):
        compare(METHODS, X, y)


def test_a_scorer_may_ask_more():
    def of_other_rows(model, X, y):
        return float(np.abs(model.predict(X) - model.predict(X + 1)).mean())

    def of_a_part(model, X, y):
        return float(len(model.predict(X[:3])))

    scoring = {"others": of_other_rows, "part": of_a_part}
    scores = compare({"ridge": Ridge(), "again": Ridge()}, X, y, cv=2, scoring=scoring).scores
    assert (scores["others"] > 1).all()
    assert (scores["part"] == 3).all()


class LeavesOut(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.where(X[:, 0] > 0, self.mean_, np.nan)


def test_methods_judged_on_different_molecules_are_told():
    with pytest.warns(UserWarning, match=r"not judged on the same.*'picky': [1-9]\d*\}"):
        comparison = compare({"mean": DummyRegressor(), "picky": LeavesOut()}, X, y, cv=3)
    assert comparison.scores["rmse"].notna().all()


def test_a_fit_that_fails_leaves_nobody_out():
    methods = {"fails": Fails(), "picky": LeavesOut()}
    with pytest.warns(FitFailedWarning) as caught:
        compare(methods, X, y, cv=[(np.arange(30), np.arange(30, 60))])
    assert len(caught) == 1


@pytest.mark.parametrize("name", ["error", "fold"])
def test_a_metric_of_a_name_that_is_taken(name):
    with pytest.raises(ValueError, match=rf"scoring has the name\(s\) \['{name}'\]"):
        compare(METHODS, X, y, cv=2, scoring={name: "r2"})


def test_averages_over_classes():
    found = compare(CLASSIFIERS, X, labels, cv=3, scoring="f1_macro").scores["f1_macro"]
    assert found.between(0.2, 1).all()


def test_gaps_among_text_in_a_list():
    gappy = labels.tolist()
    gappy[5] = float("nan")
    report = masked_scorer("accuracy").report(DummyClassifier().fit(X, labels), X, gappy)
    assert (report.n_used.tolist(), report.n_missing.tolist()) == ([59], [1])
