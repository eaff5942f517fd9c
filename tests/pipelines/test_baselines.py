"""The baselines: against scikit-learn's own models by hand, all together, and broken SMILES."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skchem_dl import (
    FingerprintMLPRegressor,
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    MolFeatureUnion,
    MorganFingerprinter,
    RDKitDescriptors,
)
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import (
    make_baselines,
    make_boosting_pipeline,
    make_forest_pipeline,
    make_gradient_descent_pipeline,
    make_mean_pipeline,
)
from skchem_dl.preprocessing import DescriptorScaler

X, y = load_solubility(subset="test", return_X_y=True)
X, y = X[:60], y[:60]
MIDDLE = np.median(y)


@pytest.fixture(scope="module")
def descriptors():
    return RDKitDescriptors().fit_transform(X)


def test_the_forest_is_scikit_learns_on_descriptors(descriptors):
    model = make_forest_pipeline(n_estimators=5, random_state=0).fit(X, y)
    by_hand = RandomForestRegressor(5, max_features=0.33, random_state=0).fit(descriptors, y)
    np.testing.assert_array_equal(model.predict(X), by_hand.predict(descriptors))


def test_boosting_is_scikit_learns_on_counts_and_descriptors(descriptors):
    model = make_boosting_pipeline(max_iter=2, min_samples_leaf=3, random_state=0).fit(X, y)
    counts = MorganFingerprinter(fp_size=512, counts=True).fit_transform(X)
    features = np.hstack([counts, descriptors]).astype(np.float32)
    by_hand = HistGradientBoostingRegressor(
        max_iter=2,
        learning_rate=0.05,
        max_features=0.1,
        max_bins=64,
        min_samples_leaf=3,
        random_state=0,
    ).fit(features, y)
    np.testing.assert_array_equal(model.predict(X), by_hand.predict(features))


def test_the_mean():
    assert make_mean_pipeline().fit(X, y).predict(X[:3]).tolist() == [y.mean()] * 3
    soluble = y > np.median(y)
    soluble[:5] = True
    probabilities = make_mean_pipeline("classification").fit(X, soluble).predict_proba(X[:2])
    np.testing.assert_allclose(probabilities, [[1 - soluble.mean(), soluble.mean()]] * 2)


def test_gradient_descent_comes_to_the_minimum():
    """As tests/test_linear.py says: ridge with alpha = n weight_decay / 2."""
    few = RDKitDescriptors(["FractionCSP3", "RingCount", "NumHDonors"])
    descent = {"optimizer": "sgd", "momentum": 0.0, "batch_size": 60, "lr": 0.1}
    model = make_gradient_descent_pipeline(
        featurizer=few, max_epochs=400, weight_decay=0.1, random_state=0, **descent
    ).fit(X, y)
    # The pipeline scales, and so does the network, which changes little.
    scaled = make_pipeline(few, DescriptorScaler(), DescriptorScaler()).fit_transform(X)
    expected = Ridge(alpha=len(X) * 0.1 / 2).fit(scaled, y).predict(scaled)
    np.testing.assert_allclose(model.predict(X), expected, atol=0.02)


def test_gradient_descent_has_no_hidden_layer():
    model = make_gradient_descent_pipeline()["estimator"]
    assert isinstance(model, FingerprintMLPRegressor)
    assert model.hidden_dims == ()
    with pytest.raises(TypeError, match="hidden_dims"):
        make_gradient_descent_pipeline(hidden_dims=(8,))


def test_the_forest_on_fingerprints_and_descriptors(descriptors):
    union = MolFeatureUnion(
        [("fingerprint", MorganFingerprinter(counts=True)), ("properties", RDKitDescriptors())]
    )
    model = make_forest_pipeline(featurizer=union, n_estimators=5, random_state=0)
    model.set_params(featurizer__fingerprint__radius=1).fit(X, y)
    counts = MorganFingerprinter(radius=1, counts=True).fit_transform(X)
    features = np.hstack([counts, descriptors]).astype(np.float32)
    by_hand = RandomForestRegressor(5, max_features=0.33, random_state=0).fit(features, y)
    np.testing.assert_array_equal(model.predict(X), by_hand.predict(features))


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_all_of_them(task):
    target, method = (y, "predict") if task == "regression" else (y > MIDDLE, "predict_proba")
    baselines = make_baselines(task, random_state=0)
    predicted = {}
    for name, model in baselines.items():
        small = {"n_estimators": 5, "max_iter": 5, "max_epochs": 2, "descriptors": ["MolLogP"]}
        small |= {"min_samples_leaf": 5} if name == "boosting" else {}
        if (task, name) == ("classification", "linear") or name == "kernel":
            del small["max_iter"]  # which would not converge
        names = [n for n in model.get_params() if n.rpartition("__")[2] in small]
        given = {n: small[n.rpartition("__")[2]] for n in names}
        model.set_params(**given).fit(X[:40], target[:40])
        predicted[name] = getattr(model, method)(X)
        again = getattr(model.fit(X[:40], target[:40]), method)(X)
        np.testing.assert_array_equal(again, predicted[name])
    assert len({tuple(values.ravel()) for values in predicted.values()}) == len(baselines)


def test_their_options():
    seed = 7
    baselines = make_baselines(on_invalid="nan", n_jobs=2, random_state=seed)
    params = {name: model.get_params() for name, model in baselines.items()}
    for own in params.values():
        assert own["featurizer__on_invalid"] == "nan"
        assert own["featurizer__n_jobs"] == 2
    assert params["forest"]["estimator__estimator__n_jobs"] == 2
    assert params["forest"]["estimator__estimator__random_state"] == seed
    assert params["boosting"]["estimator__estimator__random_state"] == seed
    assert params["gradient descent"]["estimator__random_state"] == seed
    with pytest.raises(ValueError, match="task='ranking'"):
        make_baselines("ranking")


@pytest.mark.parametrize("make", [make_forest_pipeline, make_boosting_pipeline])
@pytest.mark.parametrize("together", [False, True])
def test_broken_smiles_count_once(make, together):
    few = RDKitDescriptors(["MolLogP", "TPSA"])
    fingerprint = MorganFingerprinter(fp_size=16, counts=True)
    features = MolFeatureUnion([("fingerprint", fingerprint), ("few", few)]) if together else few
    small = {"n_estimators": 3} if make is make_forest_pipeline else {"max_iter": 3}
    small |= {"featurizer": features, "random_state": 0}
    broken = [*X[:30], "C(", None]
    with pytest.raises(InvalidMoleculeError, match=r"2 of 32 .*\n?.*row 30"):
        make(**small).fit(broken, np.arange(32.0))
    model = make(on_invalid="nan", **small)
    with pytest.warns(InvalidMoleculeWarning) as caught:
        model.fit(broken, [*y[:30], np.nan, np.nan])
    assert len(caught) == 1
    with pytest.warns(InvalidMoleculeWarning):
        predicted = model.predict(broken)
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [30, 31]
    without = make(**small).fit(X[:30], y[:30])
    np.testing.assert_array_equal(predicted[:30], without.predict(X[:30]))
