"""A real table from end to end: twelve assays, many gaps, and SMILES that RDKit rejects."""

import warnings

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem, rdBase
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning
from skchem_dl.metrics import masked_scorer
from skchem_dl.pipelines import make_forest_pipeline, make_gnn_pipeline, make_mlp_pipeline

N_REJECTED = 8
SMALL_GNN = {"hidden_dim": 16, "n_layers": 2, "head_dims": (16,)}
TRAINING = {"max_epochs": 2, "lr": 3e-3, "random_state": 0}


@pytest.fixture(scope="module")
def table(shared_data):
    """600 rows, with every SMILES that RDKit rejects among them, in random order."""
    frame = pd.read_csv(shared_data("tox21.csv"))
    with rdBase.BlockLogs():
        rejected = [Chem.MolFromSmiles(text) is None for text in frame["smiles"]]
    bad, good = frame[rejected], frame[~np.array(rejected)]
    return pd.concat([bad, good.sample(600 - len(bad), random_state=0)]).sample(
        frac=1, random_state=1
    )


@pytest.fixture(scope="module")
def X(table):
    return table["smiles"]


@pytest.fixture(scope="module")
def y(table):
    return table.drop(columns=["mol_id", "smiles"]).to_numpy()


@pytest.fixture(scope="module")
def bad(X):
    with rdBase.BlockLogs():
        return np.flatnonzero([Chem.MolFromSmiles(text) is None for text in X])


@pytest.fixture(scope="module")
def fitted(X, y):
    model = make_gnn_pipeline("classification", on_invalid="nan", **SMALL_GNN, **TRAINING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InvalidMoleculeWarning)
        return model.fit(X, y)


def test_the_subset_is_what_it_should_be(X, y, bad):
    assert len(X) == 600
    assert len(bad) == N_REJECTED >= 3
    assert y.shape == (600, 12)
    assert 0.1 < np.isnan(y).mean() < 0.3


def test_by_default_it_raises_and_names_the_rows(X, y, bad):
    with pytest.raises(InvalidMoleculeError) as caught:
        make_gnn_pipeline(task="classification").fit(X, y)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{N_REJECTED} of 600 rows are not valid molecules:"
    for line, row in zip(lines[1:6], bad[:5], strict=True):
        assert line.startswith(f"  row {row} (index {X.index[row]}): ")
        assert X.iloc[row][:60] in line
    assert [problem.row for problem in caught.value.invalid] == bad.tolist()


def test_one_warning_for_fit_and_one_for_predict(X, y, bad):
    model = make_mlp_pipeline("classification", on_invalid="nan", hidden_dims=(16,), **TRAINING)
    for step in (lambda: model.fit(X, y), lambda: model.predict_proba(X)):
        with pytest.warns(InvalidMoleculeWarning) as caught:
            step()
        assert len(caught) == 1
        assert f"{N_REJECTED} of 600 rows" in str(caught[0].message)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_every_row_keeps_its_place(fitted, X, y, bad):
    probabilities, labels = fitted.predict_proba(X), fitted.predict(X)
    assert probabilities.shape == labels.shape == y.shape
    for found in (probabilities, labels):
        assert np.flatnonzero(np.isnan(found).all(axis=1)).tolist() == bad.tolist()
        assert np.flatnonzero(np.isnan(found).any(axis=1)).tolist() == bad.tolist()
    good = np.setdiff1d(np.arange(600), bad)
    alone = fitted.predict_proba(X.iloc[good])
    np.testing.assert_allclose(probabilities[good], alone, rtol=1e-5, atol=1e-6)
    order = np.random.default_rng(0).permutation(600)
    moved = fitted.predict_proba(X.iloc[order])
    np.testing.assert_allclose(moved, probabilities[order], rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_the_report(fitted, X, y, bad):
    report = masked_scorer("roc_auc").report(fitted, X, y)
    assert report.n_invalid == N_REJECTED
    assert report.n_missing.tolist() == np.isnan(y).sum(axis=0).tolist()
    measured = ~np.isnan(np.delete(y, bad, axis=0))
    assert report.n_used.tolist() == measured.sum(axis=0).tolist()
    assert np.isfinite(report.scores).all()
    assert 0 < fitted.score(X, y) < 1


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_a_search_with_masked_scores(X, y):
    model = make_gnn_pipeline("classification", on_invalid="nan", **SMALL_GNN, **TRAINING)
    search = GridSearchCV(
        model,
        {"estimator__conv": ["dmpnn", "gcn"]},
        scoring=masked_scorer("roc_auc"),
        cv=KFold(2, shuffle=True, random_state=0),
    )
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict_proba(X).shape == y.shape


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_one_assay_with_every_kind_of_model(X, y):
    measured = ~np.isnan(y[:, 0])
    X, y = X[measured], y[measured, 0].astype(int)
    cv = KFold(2, shuffle=True, random_state=0)
    forest = make_forest_pipeline(
        "classification", on_invalid="nan", n_estimators=20, random_state=0
    )
    forest.set_params(featurizer__descriptors=["MolLogP", "TPSA", "MolWt", "RingCount"])
    network = make_mlp_pipeline(
        "classification", on_invalid="nan", hidden_dims=(64,), random_state=0
    )
    for model in (forest, network):
        scores = cross_val_score(model, X, y, scoring=masked_scorer("roc_auc"), cv=cv)
        assert scores.mean() > 0.5


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_stratifying_cannot_do_with_gaps(fitted, X, y):
    """scikit-learn stratifies for a classifier unless it is given a splitter."""
    with pytest.raises(ValueError, match="Input y contains NaN"):
        cross_val_score(fitted, X, y, cv=3, scoring=masked_scorer("roc_auc"))
