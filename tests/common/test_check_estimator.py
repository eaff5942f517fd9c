"""scikit-learn's own checks, in full, on everything that takes a plain matrix."""

import pytest
from cases import SIMILARITY, on_matrices
from sklearn.base import is_classifier
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.svm import SVR
from sklearn.utils.estimator_checks import parametrize_with_checks

from skchem_dl.estimators import FingerprintMLPRegressor
from skchem_dl.pipelines import (
    ConsensusClassifier,
    ConsensusRegressor,
    NeuralEmbedder,
    SkipInvalidRows,
)

# The checks want a score that a small network reaches fast at a high learning rate.
QUICK = {"hidden_dims": (16,), "max_epochs": 15, "lr": 0.05, "dropout": 0.0, "batch_size": 64}
NEURAL = [make.values[0]().set_params(**QUICK) for make in on_matrices.args[1]]
WRAPPED = [
    SkipInvalidRows(Ridge()),
    SkipInvalidRows(LogisticRegression()),
    SkipInvalidRows(RandomForestClassifier(n_estimators=5, random_state=0)),
    SkipInvalidRows(make_pipeline(MaxAbsScaler(), Ridge())),
    SkipInvalidRows(PCA(random_state=0)),
    SkipInvalidRows(KMeans(n_init=1, random_state=0)),
    SkipInvalidRows(Ridge(), per_target=True),
    SkipInvalidRows(SVR(), per_target=True),
    SkipInvalidRows(LogisticRegression(), per_target=True),
    NeuralEmbedder(FingerprintMLPRegressor((8,), max_epochs=2, random_state=0)),
    ConsensusRegressor([("ridge", Ridge()), ("ridges", Ridge(10.0))], random_state=0),
    ConsensusClassifier(
        [("logistic", LogisticRegression()), ("forest", RandomForestClassifier(5))], random_state=0
    ),
]


ON_FINGERPRINTS = [cls() for cls in SIMILARITY if cls.__name__ != "SimilaritySearch"]


def test_the_matrix_estimators_are_found():
    assert {type(estimator).__name__ for estimator in NEURAL} >= {
        "FingerprintMLPRegressor",
        "FingerprintMLPClassifier",
    }


# As for scikit-learn's own SGD estimators: a row of weight 2 is not two rows where batches are
# shuffled, and where one batch holds all, the sums are equal to float32 rounding, not to 1e-7.
WEIGHTS = {
    f"check_sample_weight_equivalence_on_{kind}_data": "trained by mini-batches, in float32"
    for kind in ("dense", "sparse")
}
# Rows of weight 2 are in one fold, and rows that are there twice in two.
FOLDS = dict.fromkeys(WEIGHTS, "weighed by folds")
# It gives reals below 0 to cluster, whatever the tags say.
REALS = {"check_clustering": "reals are no fingerprints"}
# It indexes classes_ by 0 and 1; scikit-learn's scorers take two labels for two classes unless
# classes_ is a list, as of its MultiOutputClassifier.
LABELS = {"check_classifier_multioutput": "classes_ of several labels is a list"}


def expected_failures(estimator):
    name = type(estimator).__name__
    if name.startswith("FingerprintMLP"):
        return WEIGHTS
    if name.startswith("Consensus"):
        return FOLDS
    if getattr(estimator, "per_target", False) and is_classifier(estimator):
        return LABELS
    return REALS if name == "ButinaClustering" else {}


@parametrize_with_checks(
    [*NEURAL, *WRAPPED, *ON_FINGERPRINTS], expected_failed_checks=expected_failures
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_check(estimator, check):
    check(estimator)
