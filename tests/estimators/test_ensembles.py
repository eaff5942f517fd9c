"""Ensembles: n_members networks, their mean and their spread."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import cross_val_score

from skchem_dl.estimators import FingerprintMLPClassifier, FingerprintMLPRegressor

X, Y = make_regression(60, 8, n_targets=2, random_state=0)
X = X.astype(np.float32)
QUICK = {"hidden_dims": (8,), "max_epochs": 3, "random_state": 0}


def fit(n_members, y=Y[:, 0], **options):
    return FingerprintMLPRegressor(**{**QUICK, **options}, n_members=n_members).fit(X, y)


@pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one target", "two targets"])
def test_mean_and_spread_are_those_of_the_members(y):
    ensemble = fit(3, y)
    members = []
    for net in ensemble.nets_:
        single = clone(ensemble).fit(X, y)
        single.nets_ = [net]
        members.append(single.predict(X))
    mean, std = ensemble.predict(X, return_std=True)
    assert mean.shape == std.shape == y.shape
    np.testing.assert_allclose(mean, np.mean(members, axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, np.std(members, axis=0, ddof=1), rtol=1e-9)
    np.testing.assert_array_equal(ensemble.predict(X), mean)
    assert (std > 0).all()


def test_the_first_member_is_the_single_network():
    ensemble, single = fit(3), fit(1)
    ensemble.nets_ = ensemble.nets_[:1]
    np.testing.assert_array_equal(ensemble.predict(X), single.predict(X))


def test_members_differ_and_follow_from_the_seed():
    weights = [[net.module_.head.weight.detach().numpy() for net in fit(3).nets_] for _ in range(2)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0][0], weights[0][1])
    assert not np.array_equal(weights[0][1], weights[0][2])


def test_history_names_the_member():
    table = pd.DataFrame(fit(2).history_)
    assert table["member"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["epoch"].tolist() == [1, 2, 3, 1, 2, 3]
    assert "member" not in fit(1).history_[0]
    assert fit(2).n_iter_ == 3


def test_embedding_holds_the_members_side_by_side():
    ensemble = fit(3)
    assert ensemble.embed(X).shape == (60, 24)
    assert ensemble.embedding_dim_ == 24


def test_invalid_rows_are_nan_in_mean_and_spread():
    broken = X.copy()
    broken[4] = np.nan
    mean, std = fit(2).predict(broken, return_std=True)
    assert np.flatnonzero(np.isnan(mean)).tolist() == np.flatnonzero(np.isnan(std)).tolist() == [4]


def test_spread_of_one_network_is_refused():
    with pytest.raises(ValueError, match=r"n_members=1.*2 or more"):
        fit(1).predict(X, return_std=True)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers_average_probabilities(n_classes):
    data, labels = make_classification(60, 8, n_informative=4, n_classes=n_classes, random_state=0)
    ensemble = FingerprintMLPClassifier(**QUICK, n_members=2).fit(data, labels)
    probabilities = ensemble.predict_proba(data)
    members = []
    for net in list(ensemble.nets_):
        ensemble.nets_ = [net]
        members.append(ensemble.predict_proba(data))
    np.testing.assert_allclose(probabilities, np.mean(members, axis=0), rtol=1e-12)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_inside_cross_validation():
    model = FingerprintMLPRegressor(**QUICK, n_members=2)
    assert np.isfinite(cross_val_score(model, X, Y[:, 0], cv=3)).all()
