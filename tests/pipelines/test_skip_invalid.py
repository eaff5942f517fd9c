"""Any scikit-learn estimator passes over rows of nothing but NaN."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier, is_clusterer, is_regressor
from sklearn.cluster import DBSCAN, KMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.manifold import TSNE
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from skchem_dl import FingerprintMLPRegressor, MolStandardizer, MorganFingerprinter
from skchem_dl.exceptions import InvalidMoleculeWarning
from skchem_dl.pipelines import SkipInvalidRows, make_cluster_pipeline

BAD = [1, 4, 11]
GOOD = np.setdiff1d(np.arange(12), BAD)


@pytest.fixture
def X():
    X = np.random.default_rng(0).normal(size=(12, 3))
    X[BAD] = np.nan
    return X


@pytest.fixture
def y():
    return np.random.default_rng(1).integers(0, 2, 12).astype(float)


CONTAINERS = {
    "array": np.asarray,
    "list": lambda X: X.tolist(),
    "object": lambda X: np.where(np.isnan(X), None, X),
    "csr": sp.csr_array,
    "csr_matrix": sp.csr_matrix,
    "coo": sp.coo_array,
    "csc": sp.csc_array,
    "pandas": lambda X: pd.DataFrame(X, columns=list("abc"), index=np.arange(12)[::-1]),
    "nullable": lambda X: pd.DataFrame(X, columns=list("abc")).convert_dtypes(),
    "polars": lambda X: pl.DataFrame(X, schema=list("abc")),
}
containers = pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
y_containers = pytest.mark.parametrize(
    "y_container", [np.asarray, list, pd.Series, pl.Series, lambda y: np.asarray(y)[:, None]]
)


def assert_spread(found, expected):
    found = np.asarray(found)
    assert len(found) == 12
    np.testing.assert_allclose(found[GOOD].astype(float), expected, rtol=1e-9, atol=1e-12)
    assert np.isnan(found[BAD].astype(float)).all()


@containers
def test_containers(container, X, y):
    expected = Ridge().fit(X[GOOD], y[GOOD])
    model = SkipInvalidRows(Ridge()).fit(container(X), y)
    assert_spread(model.predict(container(X)), expected.predict(X[GOOD]))
    assert model.score(container(X), y) == pytest.approx(expected.score(X[GOOD], y[GOOD]))
    assert model.n_features_in_ == 3


@y_containers
def test_targets(y_container, X, y):
    expected = LinearRegression().fit(X[GOOD], y[GOOD])
    y[BAD] = np.nan
    model = SkipInvalidRows(LinearRegression()).fit(X, y_container(y))
    assert_spread(model.predict(X).ravel(), expected.predict(X[GOOD]))


def test_classifiers(X, y):
    labels = np.where(y > 0, "yes", "no").astype(object)
    labels[BAD] = None
    model = SkipInvalidRows(LogisticRegression()).fit(X, labels)
    expected = LogisticRegression().fit(X[GOOD], labels[GOOD].astype(str))
    assert model.classes_.tolist() == ["no", "yes"]
    assert_spread(model.predict_proba(X), expected.predict_proba(X[GOOD]))
    assert_spread(model.decision_function(X), expected.decision_function(X[GOOD]))
    predicted = model.predict(X)
    assert predicted.dtype == object
    assert predicted[BAD].tolist() == [None] * 3
    assert predicted[GOOD].tolist() == expected.predict(X[GOOD]).tolist()
    assert model.score(X, labels) == expected.score(X[GOOD], labels[GOOD].astype(str))


def test_several_labels_of_a_forest(X, y):
    """Its predict_proba is a list: one array a label."""
    several = np.column_stack([y, 1 - y, y])
    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    expected = clone(forest).fit(X[GOOD], several[GOOD])
    model = SkipInvalidRows(forest).fit(X, several)
    assert_spread(model.predict(X), expected.predict(X[GOOD]))
    found, wanted = model.predict_proba(X), expected.predict_proba(X[GOOD])
    assert len(found) == 3
    for task in range(3):
        assert_spread(found[task], wanted[task])
    assert [task.shape for task in model.predict_proba(X[BAD])] == [(3, 2)] * 3


def test_transformers(X):
    expected = PCA(2).fit(X[GOOD]).transform(X[GOOD])
    model = SkipInvalidRows(PCA(2))
    assert_spread(model.fit_transform(X), expected)
    assert_spread(model.transform(X), expected)
    assert model.get_feature_names_out().tolist() == ["pca0", "pca1"]
    assert_spread(SkipInvalidRows(TSNE(perplexity=3)).fit_transform(X)[:, 0] * 0, np.zeros(9))
    assert not hasattr(SkipInvalidRows(TSNE()), "transform")


def test_sparse_stays_sparse(X):
    expected = MaxAbsScaler().fit_transform(X[GOOD])
    found = SkipInvalidRows(MaxAbsScaler()).fit_transform(sp.csr_array(X))
    assert sp.issparse(found)
    assert found.format == "csr"
    assert_spread(found.toarray(), expected)
    counts = SkipInvalidRows(MaxAbsScaler()).fit(sp.csr_array(X)).transform(sp.csr_array(X[GOOD]))
    np.testing.assert_allclose(counts.toarray(), expected)


@pytest.mark.parametrize(
    "clusterer",
    [
        KMeans(2, n_init=1, random_state=0),
        DBSCAN(eps=1.0, min_samples=2),
        make_pipeline(StandardScaler(), KMeans(2, n_init=1, random_state=0)),
        GaussianMixture(2, random_state=0),
        IsolationForest(random_state=0, n_estimators=5),
        EllipticEnvelope(random_state=0, support_fraction=1.0),
    ],
    ids=lambda clusterer: type(clusterer).__name__,
)
def test_clusterers_and_outliers(clusterer, X):
    expected = clone(clusterer).fit_predict(X[GOOD])
    assert_spread(SkipInvalidRows(clusterer).fit_predict(X), expected)


def test_an_imputer_goes_inside(X, y):
    X[0, 1] = np.nan
    chain = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
    expected = clone(chain).fit(X[GOOD], y[GOOD]).predict(X[GOOD])
    assert_spread(SkipInvalidRows(chain).fit(X, y).predict(X), expected)
    filler = SkipInvalidRows(SimpleImputer())
    assert_spread(filler.fit_transform(X), SimpleImputer().fit_transform(X[GOOD]))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        SkipInvalidRows(Ridge()).fit(X, y)


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("how", ["set_output", "after fit", "globally"])
def test_set_output(container, how, X):
    frame = CONTAINERS[container](X)
    model = SkipInvalidRows(PCA(2))
    if how == "set_output":
        model.set_output(transform=container)
    model.fit(frame)
    if how == "after fit":
        model.set_output(transform=container)
    with config_context(transform_output=container if how == "globally" else "default"):
        found, whole = model.transform(frame), model.transform(frame[:1])
        nothing = model.transform(frame[1:2])
    for rows in (found, whole, nothing):
        assert type(rows) is type(frame)
        assert list(rows.columns) == ["pca0", "pca1"]
    assert_spread(found.to_numpy(), PCA(2).fit(X[GOOD]).transform(X[GOOD]))
    assert np.isnan(nothing.to_numpy()).all()
    if container == "pandas":
        assert found.index.tolist() == frame.index.tolist()
        assert nothing.index.tolist() == [10]


class Weighing(BaseEstimator):
    """Remembers the weights it was given."""

    def fit(self, X, y=None, sample_weight=None):
        self.weight_ = sample_weight
        return self

    def score(self, X, y=None, sample_weight=None):
        return float(np.sum(sample_weight))


@pytest.mark.parametrize("routing", [False, True])
def test_weights_are_cut_too(routing, X, y):
    weight = np.arange(12.0)
    with config_context(enable_metadata_routing=routing):
        inner = Weighing()
        if routing:
            inner.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model = SkipInvalidRows(inner).fit(X, y, sample_weight=weight)
        assert model.estimator_.weight_.tolist() == weight[GOOD].tolist()
        assert model.score(X, y, sample_weight=weight) == weight[GOOD].sum()


def test_weights_are_routed_through_a_search(X, y):
    weight = np.arange(12.0) + 1
    with config_context(enable_metadata_routing=True):
        ridge = Ridge().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(SkipInvalidRows(ridge), {"estimator__alpha": [0.1, 1.0]}, cv=KFold(2))
        search.fit(X, y, sample_weight=weight)
    expected = Ridge(alpha=search.best_params_["estimator__alpha"]).fit(
        X[GOOD], y[GOOD], weight[GOOD]
    )
    assert_spread(search.predict(X), expected.predict(X[GOOD]))


def test_none_is_valid(X, y):
    with pytest.raises(ValueError, match=r"All 3 row\(s\) are NaN"):
        SkipInvalidRows(Ridge()).fit(X[BAD], y[BAD])
    frame = pd.DataFrame(X, columns=list("abc"))
    model = SkipInvalidRows(LogisticRegression()).fit(frame, y)
    assert np.isnan(model.predict(frame.iloc[BAD])).all()
    assert np.isnan(model.predict_proba(frame.iloc[BAD])).all()
    assert model.predict_proba(frame.iloc[BAD]).shape == (3, 2)
    with pytest.raises(ValueError, match=r"All 3 row\(s\) are NaN"):
        model.score(frame.iloc[BAD], y[BAD])
    with pytest.raises(ValueError, match="X has 2 features, but LogisticRegression is expecting 3"):
        model.fit(X, y).predict(X[BAD][:, :2])


def test_lengths_that_differ(X, y):
    for wrong in (y[:-1], np.append(y, 0)):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            SkipInvalidRows(Ridge()).fit(X, wrong)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            SkipInvalidRows(Ridge()).fit(X, y).score(X, wrong)


@pytest.mark.parametrize(
    "inner", [Ridge(), LogisticRegression(), KMeans(), PCA(), RidgeClassifier()]
)
def test_it_has_what_the_inner_estimator_has(inner, X):
    model = SkipInvalidRows(inner)
    for method in ("predict", "predict_proba", "decision_function", "transform", "fit_predict"):
        assert hasattr(model, method) == hasattr(inner, method)
    for kind in (is_classifier, is_regressor, is_clusterer):
        assert kind(model) == kind(inner)
    with pytest.raises(NotFittedError):
        getattr(model, "predict" if hasattr(model, "predict") else "transform")(X)


def test_names_follow_the_last_fit(X, y):
    model = SkipInvalidRows(Ridge())
    assert not hasattr(model, "n_features_in_")
    frame = pd.DataFrame(X, columns=list("abc"))
    assert model.fit(frame, y).feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["c", "b", "a"]])
    assert not hasattr(model.fit(X, y), "feature_names_in_")


def test_a_failed_fit_keeps_the_old_one(X, y):
    model = SkipInvalidRows(Ridge()).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="alpha"):
        model.set_params(estimator__alpha=-1).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


def test_several_targets(X, y):
    several = np.column_stack([y, 2 * y])
    expected = RandomForestRegressor(5, random_state=0).fit(X[GOOD], several[GOOD])
    model = SkipInvalidRows(RandomForestRegressor(5, random_state=0)).fit(X, several)
    assert_spread(model.predict(X), expected.predict(X[GOOD]))


def test_meta_estimators(X, y):
    assert np.isfinite(cross_val_score(SkipInvalidRows(Ridge()), X, y, cv=3)).all()
    classes = np.resize([0, 1], 12)
    found = cross_val_score(SkipInvalidRows(KNeighborsClassifier(1)), X, classes, cv=2)
    assert np.isfinite(found).all()
    chosen = SequentialFeatureSelector(SkipInvalidRows(Ridge()), n_features_to_select=1, cv=2)
    assert chosen.fit(X[GOOD], y[GOOD]).get_support().sum() == 1


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@pytest.mark.parametrize("sparse", [False, True])
def test_behind_a_featurizer(sparse, smiles):
    smiles[2] = None
    y = [len(text or "") for text in smiles]
    bits = MorganFingerprinter(fp_size=64, on_invalid="nan", sparse_output=sparse)
    model = make_pipeline(bits, SkipInvalidRows(Ridge())).fit(smiles, y)
    assert np.flatnonzero(np.isnan(model.predict(smiles))).tolist() == [2]


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_around_meta_estimators_on_molecules(smiles):
    """Left alone, soft voting takes NaN for the first class."""
    smiles[2] = "C("
    member = make_pipeline(MorganFingerprinter(fp_size=64), LogisticRegression())
    voting = VotingClassifier([("one", member), ("other", clone(member))], voting="soft")
    model = make_pipeline(MolStandardizer(on_invalid="nan"), SkipInvalidRows(voting))
    model.fit(smiles, np.resize(["a", "b"], len(smiles)))
    assert np.flatnonzero(np.equal(model.predict(smiles), None)).tolist() == [2]
    assert np.flatnonzero(np.isnan(model.predict_proba(smiles)[:, 0])).tolist() == [2]
    assert model.predict(["C("]).tolist() == [None]
    assert model.predict_proba([None, "C("]).shape == (2, 2)


def test_a_transformer_that_gives_columns():
    X = sp.csr_array(np.array([[1.0, 0.0, 2.0], [np.nan] * 3, [0.0, np.nan, 4.0]]))
    filled = SkipInvalidRows(SimpleImputer()).fit_transform(X)
    expected = np.array([[1.0, 0.0, 2.0], [np.nan] * 3, [0.0, 0.0, 4.0]])
    np.testing.assert_array_equal(filled.toarray(), expected)


@pytest.mark.parametrize("on_invalid", ["raise", "nan"])
def test_clusters_of_no_molecule(on_invalid):
    """KMeans wants numbers of the type that it was fitted to; NaN makes float32 of all."""
    smiles = ["CCO", "CCCO", "c1ccccc1", "Cc1ccccc1"]
    model = make_cluster_pipeline(on_invalid=on_invalid, n_clusters=2, random_state=0).fit(smiles)
    expected = model.predict(smiles)
    model.set_params(featurizer__on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning):
        assert np.isnan(model.predict(["C("])).tolist() == [True]
        found = model.predict([*smiles, "C("])
    np.testing.assert_array_equal(found, [*expected, np.nan])


def test_an_error_says_of_what_it_counts_the_rows():
    X = np.array([[np.nan, np.nan], [1, 2], [np.nan, 1], [3, 4]])
    model = SkipInvalidRows(FingerprintMLPRegressor(max_epochs=1))
    with pytest.raises(ValueError, match="first in row 1") as caught:
        model.fit(X, [0.0, 1.0, 2.0, 3.0])
    assert caught.value.__notes__ == ["Rows are counted among the 3 valid ones of 4."]
    model.fit(X[[1, 3]], [1.0, 3.0])
    with pytest.raises(ValueError, match="first in row 1") as caught:
        model.predict(X[:3])
    assert caught.value.__notes__ == ["Rows are counted among the 2 valid ones of 3."]
    with pytest.raises(ValueError, match="first in row 1") as caught:
        model.predict(X[1:])
    assert not hasattr(caught.value, "__notes__")
