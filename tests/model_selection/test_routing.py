"""Splitters inside scikit-learn; groups that reach the folds and each fit's validation split."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.dummy import DummyRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from skchem_dl import (
    FingerprintMLPRegressor,
    MolGNNRegressor,
    MolGraphizer,
    MorganFingerprinter,
)
from skchem_dl.estimators import _base
from skchem_dl.model_selection import (
    ScaffoldKFold,
    ScaffoldShuffleSplit,
    TimeSplit,
    scaffold_groups,
)
from skchem_dl.pipelines import make_mlp_pipeline

from .cases import GROUP_SPLITTERS, K_FOLDS, OTHERS, containers, solubility

SMILES, Y = solubility(24)
N = len(SMILES)
SCAFFOLDS = scaffold_groups(SMILES)
ALL = GROUP_SPLITTERS | OTHERS
each = pytest.mark.parametrize("name", ALL)


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@each
def test_every_splitter_everywhere(name):
    splitter = ALL[name]
    by_time = {"groups": np.arange(N)} if name == "time" else {}
    model = make_pipeline(MorganFingerprinter(fp_size=32), Ridge())
    inputs = {k: containers(SMILES)[k] for k in ("list", "array", "pandas", "frame", "mols")}
    expected = None
    for kind, X in inputs.items():
        scores = cross_val_score(model, X, Y, cv=splitter, params=by_time)
        found = cross_validate(model, X, Y, cv=splitter, params=by_time, return_indices=True)
        search = GridSearchCV(model, {"ridge__alpha": [1.0, 10.0]}, cv=splitter)
        search.fit(X, Y, **by_time)
        in_search = [search.cv_results_[f"split{k}_test_score"][0] for k in range(len(scores))]
        assert np.isfinite(scores).all()
        assert scores.tolist() == found["test_score"].tolist() == in_search
        for train, test in zip(found["indices"]["train"], found["indices"]["test"], strict=True):
            assert not set(train) & set(test)
        expected = scores if expected is None else expected
        np.testing.assert_array_equal(scores, expected, err_msg=kind)


@each
def test_graphs_and_matrices_with_groups(name):
    splitter = ALL[name]
    params = {} if name == "binned" else {"groups": SCAFFOLDS}
    if name == "time":
        params = {"groups": np.arange(N)}
    graphs = MolGraphizer().fit_transform(SMILES)
    matrix = MorganFingerprinter(fp_size=32).fit_transform(SMILES)
    for model, X in ((DummyRegressor(), graphs), (Ridge(), matrix)):
        scores = cross_val_score(model, X, Y, cv=splitter, params=params)
        assert np.isfinite(scores).all()
        assert (
            scores.tolist()
            == cross_validate(model, X, Y, cv=splitter, params=params)["test_score"].tolist()
        )
        name_of_param = "alpha" if isinstance(model, Ridge) else "strategy"
        value = model.get_params()[name_of_param]
        search = GridSearchCV(model, {name_of_param: [value]}, cv=splitter).fit(X, Y, **params)
        assert search.best_score_ == pytest.approx(scores.mean())


@pytest.mark.parametrize("name", K_FOLDS)
def test_cross_val_predict_fills_every_row(name):
    model = make_pipeline(MorganFingerprinter(fp_size=32), Ridge())
    assert np.isfinite(cross_val_predict(model, SMILES, Y, cv=K_FOLDS[name])).all()


def test_halving_takes_splits_that_stay_the_same():
    model = make_pipeline(MorganFingerprinter(fp_size=32), Ridge())
    for splitter in (ScaffoldKFold(3), ScaffoldShuffleSplit(1, shuffle=False)):
        search = HalvingGridSearchCV(
            model,
            {"ridge__alpha": [0.1, 1, 10]},
            cv=splitter,
            resource="ridge__max_iter",
            max_resources=30,
        )
        assert search.fit(SMILES, Y).best_params_


@pytest.fixture
def inner_splits(monkeypatch):
    """Of each fit the groups that it trained on, and those that it held out to stop by."""
    sides = []
    hold_out = _base.hold_out

    def spy(rows, fraction, seed, *, labels, groups):
        parts = hold_out(rows, fraction, seed, labels=labels, groups=groups)
        assert groups is not None, "no groups reached fit"
        group_of = dict(zip(rows.tolist(), groups.tolist(), strict=True))
        sides.append([{group_of[row] for row in part.tolist()} for part in parts])
        return parts

    monkeypatch.setattr(_base, "hold_out", spy)
    return sides


SMALL = {"max_epochs": 1, "early_stopping": True, "validation_fraction": 0.25, "random_state": 0}


def cases():
    """A model, its X, and one of its parameters to search over."""
    mlp = FingerprintMLPRegressor((4,), **SMALL)
    frame = pd.DataFrame({"id": np.arange(N), "smiles": SMILES})
    pipeline = make_mlp_pipeline(hidden_dims=(4,), **SMALL).set_params(featurizer__fp_size=32)
    from_frame = make_pipeline(MorganFingerprinter(fp_size=32, smiles_column="smiles"), mlp)
    gnn = MolGNNRegressor(hidden_dim=4, n_layers=1, head_dims=(), **SMALL)
    return {
        "pipeline": (pipeline, SMILES, "estimator__lr"),
        "pipeline, frame": (from_frame, frame, "fingerprintmlpregressor__lr"),
        "matrix": (mlp, MorganFingerprinter(fp_size=32).fit_transform(SMILES), "lr"),
        "graphs": (gnn, MolGraphizer().fit_transform(SMILES), "lr"),
    }


OUTER = {
    "scaffold folds": ScaffoldKFold(3),
    "scaffold split": ScaffoldShuffleSplit(2, random_state=0),
    "scikit-learn's": GroupKFold(3),
}


def check_both_levels(inner, splits, n_candidates=1, refit=False):
    """No group on both sides of a fold, nor of any fit's own split of the fold's training part."""
    expected = []
    for train, test in splits:
        outer_train, outer_test = set(SCAFFOLDS[train]), set(SCAFFOLDS[test])
        assert not outer_train & outer_test
        expected += [outer_train]
    expected = expected * n_candidates + [set(SCAFFOLDS)] * refit
    assert len(inner) == len(expected)
    for (trained_on, held_out), there in zip(inner, expected, strict=True):
        assert trained_on
        assert held_out
        assert not trained_on & held_out
        assert trained_on | held_out == there


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("case", cases())
def test_no_scaffold_on_both_sides_at_either_level(case, outer, inner_splits):
    model, X, parameter = cases()[case]
    splitter, groups = OUTER[outer], {"groups": SCAFFOLDS}
    splits = list(splitter.split(np.zeros(N), groups=SCAFFOLDS))

    search = GridSearchCV(model, {parameter: [0.01, 0.001]}, cv=splitter).fit(X, Y, **groups)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    check_both_levels(inner_splits, splits, n_candidates=2, refit=True)

    inner_splits.clear()
    found = cross_validate(model, X, Y, cv=splitter, params=groups, return_indices=True)
    check_both_levels(inner_splits, zip(*found["indices"].values(), strict=True))
    for (train, _), used in zip(splits, found["indices"]["train"], strict=True):
        np.testing.assert_array_equal(train, used)

    inner_splits.clear()
    cross_val_score(model, X, Y, cv=splitter, params=groups)
    check_both_levels(inner_splits, splits)


def test_a_search_within_cross_validation(inner_splits):
    model, X, parameter = cases()["pipeline"]
    search = GridSearchCV(model, {parameter: [0.01, 0.001]}, cv=ScaffoldKFold(2))
    found = cross_validate(
        search, X, Y, cv=ScaffoldKFold(3), params={"groups": SCAFFOLDS}, return_indices=True
    )
    splits = list(zip(*found["indices"].values(), strict=True))
    assert len(inner_splits) == 3 * (2 * 2 + 1)
    for k, (train, test) in enumerate(splits):
        assert not set(SCAFFOLDS[train]) & set(SCAFFOLDS[test])
        of_this_fold = inner_splits[5 * k : 5 * k + 5]
        for trained_on, held_out in of_this_fold:
            assert not trained_on & held_out
            assert not (trained_on | held_out) & set(SCAFFOLDS[test])
        trained_on, held_out = of_this_fold[-1]
        assert trained_on | held_out == set(SCAFFOLDS[train])


def test_dates_outside_and_scaffolds_inside(inner_splits):
    model, X, _ = cases()["pipeline"]
    dates = np.arange(N)[::-1]
    splitter = TimeSplit(2).set_split_request(groups="dates")
    params = {"groups": SCAFFOLDS, "dates": dates}
    found = cross_validate(model, X, Y, cv=splitter, params=params, return_indices=True)
    for (train, test), (trained_on, held_out) in zip(
        zip(*found["indices"].values(), strict=True), inner_splits, strict=True
    ):
        assert dates[train].max() < dates[test].min()
        assert not trained_on & held_out
        assert trained_on | held_out == set(SCAFFOLDS[train])
