"""sample_weight: what counts more in the loss, for every kind of network."""

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import cross_validate
from torch.nn import functional as F

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.estimators._losses import BinaryLogLoss, MulticlassLogLoss, RegressionLoss
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline

SMILES = ["CCO", "c1ccccc1O", "CC(=O)O", "CCCCC", "ClCCBr", "CCN", "C", "CCCO"]
Y = np.linspace(-2, 3, len(SMILES))
WEIGHT = np.array([1, 2, 0, 3, 1, 0.5, 2, 1])
FACTORIES = [make_mlp_pipeline, make_cnn_pipeline, make_gnn_pipeline]
every_network = pytest.mark.parametrize("factory", FACTORIES)
WEIGHTS = torch.tensor([[1.0], [0.5], [3.0]])


@pytest.mark.parametrize(
    ("name", "each"),
    [("mse", lambda d: d**2), ("mae", abs), ("huber", lambda d: 0.5 * d**2)],
)
def test_regression_loss_by_hand(name, each):
    predicted = torch.tensor([[0.5, 1.0], [0.0, -0.5], [1.0, 0.0]])
    target = torch.tensor([[0.0, torch.nan], [0.25, 0.0], [torch.nan, torch.nan]])
    terms = 1.0 * each(0.5) + 0.5 * each(-0.25) + 0.5 * each(-0.5)
    loss = RegressionLoss(name)(predicted, target, WEIGHTS)
    assert float(loss) == pytest.approx(terms / 3)


def test_classification_losses_by_hand():
    logits, target = torch.tensor([[0.3], [-1.0], [2.0]]), torch.tensor([[1.0], [0.0], [torch.nan]])
    terms = F.binary_cross_entropy_with_logits(logits[:2], target[:2], reduction="none")
    expected = (terms * WEIGHTS[:2]).sum() / 2
    assert float(BinaryLogLoss()(logits, target, WEIGHTS)) == pytest.approx(float(expected))
    logits, target = torch.eye(3), torch.tensor([[0.0], [2.0], [1.0]])
    terms = F.cross_entropy(logits, target[:, 0].long(), reduction="none")
    expected = (terms * WEIGHTS[:, 0]).sum() / 3
    assert float(MulticlassLogLoss()(logits, target, WEIGHTS)) == pytest.approx(float(expected))


@every_network
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}])
def test_equal_weights_change_nothing(factory, options):
    model = factory(max_epochs=3, random_state=0, **options)
    plain = clone(model).fit(SMILES, Y).predict(SMILES)
    weighted = clone(model).fit(SMILES, Y, estimator__sample_weight=np.full(len(Y), 2.0))
    np.testing.assert_allclose(weighted.predict(SMILES), plain, rtol=1e-4)


@every_network
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_weight_zero_leaves_a_molecule_out(factory, task):
    model = factory(task, max_epochs=3, random_state=0)
    y = Y if task == "regression" else (Y > 0).astype(int)
    kept = WEIGHT > 0
    smiles = [text for text, keep in zip(SMILES, kept, strict=True) if keep]
    features = clone(model[0]).fit(SMILES).transform(SMILES)
    few = clone(model[0]).fit(SMILES).transform(smiles)
    one = clone(model[-1]).fit(features, y, sample_weight=kept.astype(float))
    other = clone(model[-1]).fit(few, y[kept], sample_weight=np.ones(kept.sum()))
    np.testing.assert_allclose(one.predict(features), other.predict(features), rtol=1e-4)


def test_linear_model_converges_to_weighted_least_squares():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(80, 4)).astype(np.float32)
    y = X @ [1.0, -2.0, 0.5, 3.0] + generator.normal(size=80)
    weight = generator.uniform(0.1, 3, size=80)
    model = FingerprintMLPRegressor(
        (), optimizer="sgd", lr=0.1, weight_decay=0.0, batch_size=80, max_epochs=300, random_state=0
    )
    model.fit(X, y, sample_weight=weight)
    expected = LinearRegression().fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-3, atol=1e-3)
    plain = LinearRegression().fit(X, y).predict(X)
    assert np.abs(model.predict(X) - plain).max() > 0.05


def test_score_takes_weights():
    X = np.random.default_rng(0).normal(size=(20, 3))
    y = X[:, 0]
    model = FingerprintMLPRegressor((4,), max_epochs=3, random_state=0).fit(X, y)
    weight = np.r_[np.ones(10), np.zeros(10)]
    assert model.score(X, y, weight) == pytest.approx(model.score(X[:10], y[:10]))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-np.ones(8), "Negative values"),
        (np.ones(7), "sample_weight"),
        (np.zeros(8), "non-zero"),
        (np.full(8, np.nan), "NaN"),
    ],
)
def test_wrong_weights(weight, message):
    model = FingerprintMLPClassifier((4,), max_epochs=1)
    with pytest.raises(ValueError, match=message):
        model.fit(np.eye(8), np.arange(8) % 2, sample_weight=weight)


def test_routed_through_cross_validation():
    X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    model = FingerprintMLPRegressor((4,), max_epochs=2, random_state=0)
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_validate(model, X, X[:, 0], cv=3, params={"sample_weight": np.ones(30)})
    assert np.isfinite(scores["test_score"]).all()


def test_voting_passes_weights_on():
    X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    network = FingerprintMLPRegressor((4,), max_epochs=2, random_state=0)
    voting = VotingRegressor([("network", network), ("ridge", Ridge())])
    weight = np.arange(30) % 3.0
    voting.fit(X, X[:, 0], sample_weight=weight)
    alone = clone(network).fit(X, X[:, 0], sample_weight=weight)
    np.testing.assert_array_equal(voting.estimators_[0].predict(X), alone.predict(X))


@pytest.mark.parametrize("batch_size", [pytest.param(1, marks=pytest.mark.slow), 8, 1000])
@pytest.mark.parametrize("how", ["class_weight", "sample_weight"])
def test_rare_classes_count_as_much_in_small_batches(how, batch_size):
    # Nothing to tell them apart by: balanced, they are equally likely.
    y = np.arange(400) < 20
    X = np.zeros((400, 1))
    model = FingerprintMLPClassifier((), batch_size=batch_size, weight_decay=0.0, random_state=0)
    model.set_params(lr=0.2 if batch_size == 1000 else 0.002)
    model.set_params(max_epochs=15 if batch_size == 1 else 60)
    if how == "class_weight":
        model.set_params(class_weight="balanced").fit(X, y)
    else:
        model.fit(X, y, sample_weight=np.where(y, 19.0, 1.0))
    assert model.predict_proba(X[:1])[0, 1] == pytest.approx(0.5, abs=0.05)
