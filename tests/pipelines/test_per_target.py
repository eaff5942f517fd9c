"""Several targets with gaps for estimators of scikit-learn that take one target, or no gaps."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.svm import SVR

from skchem_dl import load, save
from skchem_dl.datasets import load_solubility
from skchem_dl.inspection import atom_contributions
from skchem_dl.metrics import masked_scorer
from skchem_dl.model_selection import compare
from skchem_dl.pipelines import SkipInvalidRows, make_baselines, make_linear_pipeline

INVALID = [2, 17]
VALID = np.setdiff1d(np.arange(40), INVALID)


@pytest.fixture
def X():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[INVALID] = np.nan
    return X


@pytest.fixture
def numbers():
    """Three targets, which lack a third, one value, and a half."""
    y = np.random.default_rng(1).normal(size=(40, 3))
    y[::3, 0] = y[5, 1] = y[20:, 2] = np.nan
    return y


@pytest.fixture
def labels(numbers):
    return np.where(np.isnan(numbers), np.nan, numbers > 0)


def measured(y, column):
    return np.setdiff1d(np.flatnonzero(~np.isnan(y[:, column])), INVALID)


def by_hand(estimator, X, y, method="predict"):
    """Fit each column on its own rows, and predict all valid ones."""
    columns = []
    for column in range(y.shape[1]):
        rows = measured(y, column)
        fitted = clone(estimator).fit(X[rows], y[rows, column])
        columns.append(getattr(fitted, method)(X[VALID]))
    return columns


def assert_spread(found, expected):
    np.testing.assert_array_equal(found[VALID], expected)
    assert np.isnan(found[INVALID]).all()


@pytest.mark.parametrize("estimator", [Ridge(), SVR(), RandomForestRegressor(5, random_state=0)])
def test_each_target_is_fitted_where_it_is_measured(estimator, X, numbers):
    model = SkipInvalidRows(estimator, per_target=True).fit(X, numbers)
    assert_spread(model.predict(X), np.column_stack(by_hand(estimator, X, numbers)))
    assert model.n_features_in_ == 3


CONTAINERS = {
    "object": lambda y: np.where(np.isnan(y), None, y),
    "list": lambda y: y.tolist(),
    "frame": lambda y: pd.DataFrame(y, columns=list("abc"), index=np.arange(40)[::-1]),
    "nullable": lambda y: pd.DataFrame(y).convert_dtypes(),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_containers_of_targets_are_alike(container, X, numbers, labels):
    for estimator, y in ((Ridge(), numbers), (LogisticRegression(), labels)):
        model = SkipInvalidRows(estimator, per_target=True)
        expected = clone(model).fit(X, y)
        found = model.fit(X, container(y))
        np.testing.assert_array_equal(found.predict(X), expected.predict(X))
        assert found.score(X, container(y)) == expected.score(X, y)


@pytest.mark.parametrize("n_targets", [None, 1, 2])
def test_without_gaps_the_estimator_gets_y_as_it_is(n_targets, X):
    y = np.random.default_rng(2).normal(size=40 if n_targets is None else (40, n_targets))
    forest = RandomForestRegressor(5, random_state=0)
    if n_targets == 1:
        forest = Ridge()  # scikit-learn's forests warn of a column
    expected = clone(forest).fit(X[VALID], y[VALID])
    model = SkipInvalidRows(forest, per_target=True).fit(X, y)
    assert_spread(model.predict(X), expected.predict(X[VALID]))
    assert model.score(X, y) == expected.score(X[VALID], y[VALID])
    assert type(model.estimator_) is type(forest)


def test_one_column_with_gaps_stays_a_column(X, numbers):
    model = SkipInvalidRows(Ridge(), per_target=True).fit(X, numbers[:, [0]])
    assert_spread(model.predict(X), np.column_stack(by_hand(Ridge(), X, numbers[:, [0]])))


def test_a_gap_in_a_vector_is_refused_as_before(X, numbers):
    with pytest.raises(ValueError, match="Input y contains NaN"):
        SkipInvalidRows(Ridge(), per_target=True).fit(X, numbers[:, 0])


def test_gaps_are_refused_unless_asked_for(X, numbers):
    with pytest.raises(ValueError, match="Input y contains NaN"):
        SkipInvalidRows(Ridge()).fit(X, numbers)


def test_labels_and_their_probabilities_have_one_column_a_target(X, labels):
    inner = LogisticRegression()
    model = SkipInvalidRows(inner, per_target=True).fit(X, labels)
    assert_spread(model.predict(X), np.column_stack(by_hand(inner, X, labels)))
    of_one = [both[:, 1] for both in by_hand(inner, X, labels, "predict_proba")]
    assert_spread(model.predict_proba(X), np.column_stack(of_one))
    values = by_hand(inner, X, labels, "decision_function")
    assert_spread(model.decision_function(X), np.column_stack(values))
    assert model.predict(X[VALID]).dtype == np.int64
    assert [classes.tolist() for classes in model.classes_] == [[0, 1]] * 3


def test_probabilities_have_the_same_shape_without_gaps(X, labels):
    y = np.nan_to_num(labels).astype(int)
    forest = RandomForestClassifier(5, random_state=0)
    listed = clone(forest).fit(X[VALID], y[VALID]).predict_proba(X[VALID])
    model = SkipInvalidRows(forest, per_target=True).fit(X, y)
    assert_spread(model.predict_proba(X), np.column_stack([both[:, 1] for both in listed]))


def test_several_classes_a_target_stay_a_list(X):
    y = np.random.default_rng(3).integers(0, 3, (40, 2))
    model = SkipInvalidRows(RandomForestClassifier(5, random_state=0), per_target=True).fit(X, y)
    assert [matrix.shape for matrix in model.predict_proba(X)] == [(40, 3)] * 2


@pytest.mark.parametrize("only", [0, 1])
def test_a_label_of_one_class_is_constant(only, X, labels):
    labels[~np.isnan(labels[:, 1]), 1] = only
    model = SkipInvalidRows(LogisticRegression(), per_target=True).fit(X, labels)
    assert (model.predict(X)[VALID, 1] == only).all()
    assert (model.predict_proba(X)[VALID, 1] == only).all()
    assert ((model.decision_function(X)[VALID, 1] > 0) == only).all()


def test_targets_that_cannot_be_learned_are_refused(X, numbers, labels):
    regressor, classifier = (
        SkipInvalidRows(inner, per_target=True) for inner in (Ridge(), LogisticRegression())
    )
    numbers[VALID, 2] = np.nan
    with pytest.raises(ValueError, match="Column 2 of y has no measured value"):
        regressor.fit(X, numbers)
    labels[3, 1] = 2
    with pytest.raises(ValueError, match=r"must hold 0, 1 and NaN .* column 1 is .*2"):
        classifier.fit(X, labels)


def test_an_error_says_which_target(X, numbers):
    with pytest.raises(ValueError, match="alpha") as caught:
        SkipInvalidRows(Ridge(alpha=-1), per_target=True).fit(X, numbers)
    n = len(measured(numbers, 0))
    note = f"In the fit of column 0 of y, which has {n} measured values."
    assert note in caught.value.__notes__


@pytest.mark.parametrize("routing", [False, True])
def test_weights_go_with_the_rows(routing, X, numbers):
    weight = np.arange(40.0) + 1
    with config_context(enable_metadata_routing=routing):
        inner = Ridge()
        if routing:
            inner.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model = SkipInvalidRows(inner, per_target=True).fit(X, numbers, sample_weight=weight)
        score = model.score(X, numbers, sample_weight=weight)
    scores = []
    for column in range(3):
        rows = measured(numbers, column)
        fitted = Ridge().fit(X[rows], numbers[rows, column], weight[rows])
        np.testing.assert_array_equal(model.predict(X)[VALID, column], fitted.predict(X[VALID]))
        scores.append(fitted.score(X[rows], numbers[rows, column], weight[rows]))
    assert score == pytest.approx(np.mean(scores))


def test_a_validation_set_may_have_gaps_too(X, numbers):
    boosting = HistGradientBoostingRegressor(
        max_iter=20, early_stopping=True, n_iter_no_change=2, min_samples_leaf=2, random_state=0
    )
    X_val, y_val = X[::-1], numbers[::-1]
    weight = np.arange(40.0) + 1
    model = SkipInvalidRows(boosting, per_target=True).fit(
        X, numbers, X_val=X_val, y_val=y_val, sample_weight=weight, sample_weight_val=weight[::-1]
    )
    for column in range(3):
        rows = measured(numbers, column)
        own = {"X": X[rows], "y": numbers[rows, column], "sample_weight": weight[rows]}
        back = {f"{name}_val": values[::-1] for name, values in own.items()}
        fitted = clone(boosting).fit(**own, **back)
        np.testing.assert_array_equal(model.predict(X)[VALID, column], fitted.predict(X[VALID]))


def test_the_score_counts_what_is_measured(X, numbers, labels):
    model = SkipInvalidRows(Ridge(), per_target=True).fit(X, numbers)
    of_each = [
        r2_score(numbers[rows, column], model.predict(X)[rows, column])
        for column in range(3)
        for rows in [measured(numbers, column)]
    ]
    assert model.score(X, numbers) == pytest.approx(np.mean(of_each))
    assert model.score(X, numbers) == pytest.approx(masked_scorer("r2")(model, X, numbers))
    classifier = SkipInvalidRows(LogisticRegression(), per_target=True).fit(X, labels)
    right = ((classifier.predict(X) == labels) | np.isnan(labels)).all(axis=1)
    known = VALID[~np.isnan(labels[VALID]).all(axis=1)]
    assert classifier.score(X, labels) == pytest.approx(right[known].mean())
    with pytest.raises(ValueError, match=r"y has shape \(38, 2\); expected \(38, 3\), as in fit"):
        classifier.score(X, labels[:, :2])


def test_a_fit_without_gaps_is_scored_where_there_are_some(X, numbers):
    model = SkipInvalidRows(Ridge(), per_target=True).fit(X, np.nan_to_num(numbers))
    assert model.score(X, numbers) == pytest.approx(masked_scorer("r2")(model, X, numbers))


def test_a_search_chooses_by_masked_scores(X, numbers):
    search = GridSearchCV(
        SkipInvalidRows(Ridge(), per_target=True),
        {"estimator__alpha": [1e-3, 1e3]},
        cv=KFold(3),
        scoring=masked_scorer("neg_mean_absolute_error"),
    )
    assert search.fit(X, numbers).predict(X).shape == (40, 3)
    # These targets are noise, which the larger penalty leaves alone.
    assert search.best_params_ == {"estimator__alpha": 1e3}


def test_scikit_learns_scorers_take_the_probabilities(X, labels):
    y = np.nan_to_num(labels[VALID, :2]).astype(int)  # two labels are not two classes
    model = SkipInvalidRows(LogisticRegression(), per_target=True)
    found, masked = (
        cross_val_score(model, X[VALID], y, cv=KFold(2), scoring=scoring)
        for scoring in ("roc_auc", masked_scorer("roc_auc"))
    )
    np.testing.assert_allclose(found, masked)


SMILES, LOGS = load_solubility(subset="test", return_X_y=True)
SMILES, LOGS = SMILES[:45], LOGS[:45]
TWO = np.column_stack([LOGS, -2 * LOGS])
TWO[::4, 0] = TWO[1::3, 1] = np.nan
SMALL = {
    "estimator__estimator__n_estimators": 5,
    "estimator__max_epochs": 2,
    "featurizer__descriptors": ["MolLogP", "TPSA"],
    "featurizer__properties__descriptors": ["MolLogP", "TPSA"],
}


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_all_baselines_are_compared_on_targets_with_gaps(task):
    y = TWO if task == "regression" else np.where(np.isnan(TWO), np.nan, TWO > [-2, 4])
    baselines = make_baselines(task, random_state=0)
    for pipeline in baselines.values():
        own = pipeline.get_params()
        pipeline.set_params(**{name: value for name, value in SMALL.items() if name in own})
    baselines["boosting"].set_params(estimator__estimator__max_iter=5)
    scores = compare(baselines, SMILES, y, cv=KFold(2), error_score="raise").scores
    assert len(scores) == 2 * len(baselines)
    assert np.isfinite(scores.iloc[:, 3:5].to_numpy(dtype=float)).all()
    for pipeline in baselines.values():
        pipeline.fit(SMILES, y)
        assert pipeline.predict(SMILES).shape == y.shape
        if task == "classification":
            probabilities = pipeline.predict_proba(SMILES)
            assert probabilities.shape == y.shape
            assert ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_save_and_load(task, tmp_path):
    y = TWO.copy() if task == "regression" else np.where(np.isnan(TWO), np.nan, TWO > [-2, 4])
    if task == "classification":
        y[~np.isnan(y[:, 0]), 0] = 1  # a constant
    model = make_linear_pipeline(task).fit(SMILES, y)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(SMILES), model.predict(SMILES))
    assert again.score(SMILES, y) == model.score(SMILES, y)
    if task == "classification":
        assert (again.predict(SMILES)[:, 0] == 1).all()


def test_atom_contributions_to_each_of_two_labels():
    y = np.where(np.isnan(TWO), np.nan, TWO > [-2, 4])
    model = make_linear_pipeline("classification").fit(SMILES, y)
    single = make_linear_pipeline("classification")
    for target in (0, 1):
        rows = np.flatnonzero(~np.isnan(y[:, target]))
        single.fit([SMILES[row] for row in rows], y[rows, target])
        of_both = atom_contributions(model, ["CCCO"], method="masking", target=target)
        alone = atom_contributions(single, ["CCCO"], method="masking")
        np.testing.assert_allclose(of_both[0], alone[0])
