"""The kernel baseline: RDKit and scikit-learn as oracles for the kernel and the machine on it."""

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from scipy.optimize import minimize
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVR

from skchem_dl import MolFeatureUnion, MorganFingerprinter, RDKitDescriptors
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_kernel_pipeline
from skchem_dl.preprocessing import DescriptorScaler

X, y = load_solubility(subset="test", return_X_y=True)
X, y = X[:60], y[:60]
TRAIN, TEST = slice(0, 45), slice(45, 60)


def kernel_of(model, rows):
    """The matrix that the fitted support vector machine is given for some molecules."""
    return model["estimator"].estimator_["kernel"].transform(model["featurizer"].transform(rows))


def tanimoto(rows, others, *, counts=True):
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    fingerprint = generator.GetCountFingerprint if counts else generator.GetFingerprint
    of_rows, of_others = (
        [fingerprint(Chem.MolFromSmiles(text)) for text in texts] for texts in (rows, others)
    )
    return np.array([DataStructs.BulkTanimotoSimilarity(one, of_others) for one in of_rows])


def of_descriptors(rows, others, names, gamma):
    scaler = DescriptorScaler().fit(RDKitDescriptors(names).fit_transform(others))
    a, b = (scaler.transform(RDKitDescriptors(names).transform(texts)) for texts in (rows, others))
    d = len(names)
    return rbf_kernel(a, b, gamma / d), a @ b.T / d


def test_the_kernel_of_fingerprints_is_rdkits_tanimoto_similarity():
    model = make_kernel_pipeline(featurizer=MorganFingerprinter(counts=True)).fit(
        X[TRAIN], y[TRAIN]
    )
    expected = tanimoto(X[TEST], X[TRAIN])
    np.testing.assert_allclose(kernel_of(model, X[TEST]), expected, rtol=1e-12)
    scaled = (y[TRAIN] - y[TRAIN].mean()) / y[TRAIN].std()
    machine = SVR(kernel="precomputed", C=10, epsilon=0.05)
    by_hand = machine.fit(tanimoto(X[TRAIN], X[TRAIN]), scaled).predict(expected)
    predicted = by_hand * y[TRAIN].std() + y[TRAIN].mean()
    np.testing.assert_allclose(model.predict(X[TEST]), predicted, atol=1e-6)


def test_the_kernel_of_descriptors_is_gaussian_and_linear():
    names = ["MolLogP", "TPSA", "MolWt"]
    few = RDKitDescriptors(names)
    model = make_kernel_pipeline(featurizer=few, gamma=0.7).fit(X[TRAIN], y[TRAIN])
    gaussian, product = of_descriptors(X[TEST], X[TRAIN], names, 0.7)
    np.testing.assert_allclose(kernel_of(model, X[TEST]), gaussian + 0.1 * product, rtol=1e-5)


def test_the_kernel_of_both_is_their_mean_and_a_product():
    names = ["MolLogP", "TPSA"]
    both = MolFeatureUnion(
        [("fingerprint", MorganFingerprinter()), ("few", RDKitDescriptors(names))]
    )
    model = make_kernel_pipeline(featurizer=both).fit(X[TRAIN], y[TRAIN])
    gaussian, product = of_descriptors(X[TEST], X[TRAIN], names, 0.3)
    mean = (tanimoto(X[TEST], X[TRAIN], counts=False) + gaussian) / 2
    np.testing.assert_allclose(kernel_of(model, X[TEST]), mean + 0.1 * product, atol=1e-6)


def test_sparse_features_have_the_same_kernel():
    dense, sparse = (
        MolFeatureUnion(
            [
                ("fingerprint", MorganFingerprinter(counts=True, sparse_output=sparse)),
                ("few", RDKitDescriptors(["MolLogP", "TPSA"])),
            ]
        )
        for sparse in (False, True)
    )
    one, other = (make_kernel_pipeline(featurizer=f).fit(X, y) for f in (dense, sparse))
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-6)


def test_classes_are_predicted_by_kernel_logistic_regression():
    """Its loss has the penalty a' K a / 2, where the decision is K a and an intercept."""
    soluble = (y > np.median(y)).astype(float)
    bits = MorganFingerprinter(counts=True)
    model = make_kernel_pipeline("classification", featurizer=bits, C=2.0, tol=1e-8)
    model.fit(X[TRAIN], soluble[TRAIN])
    kernel = tanimoto(X[TRAIN], X[TRAIN])

    def loss(parameters):
        decision = kernel @ parameters[:-1] + parameters[-1]
        errors = np.logaddexp(0, decision) - soluble[TRAIN] * decision
        penalty = parameters[:-1] @ kernel @ parameters[:-1] / 2
        slopes = 2 * (1 / (1 + np.exp(-decision)) - soluble[TRAIN])
        gradient = np.append(kernel @ (slopes + parameters[:-1]), slopes.sum())
        return 2 * errors.sum() + penalty, gradient

    found = minimize(loss, np.zeros(len(kernel) + 1), jac=True, options={"gtol": 1e-8})
    decision = tanimoto(X[TEST], X[TRAIN]) @ found.x[:-1] + found.x[-1]
    probabilities = model.predict_proba(X[TEST])[:, 1]
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-decision)), atol=1e-4)


def test_the_same_molecule_twice_and_a_class_of_one():
    rows = np.append(X[:20], X[:20])
    model = make_kernel_pipeline("classification").fit(rows, np.arange(40) == 3)
    assert model.predict_proba(rows).shape == (40, 2)
    assert model.predict_proba(rows)[:, 1].argmax() in (3, 23)


def test_predictions_do_not_depend_on_the_scale_of_y():
    few = RDKitDescriptors(["MolLogP", "TPSA"])
    one = make_kernel_pipeline(featurizer=few).fit(X, y).predict(X)
    other = make_kernel_pipeline(featurizer=few).fit(X, 1e6 * y + 5).predict(X)
    np.testing.assert_allclose(other, 1e6 * one + 5, rtol=1e-6)


def test_a_search_over_the_penalty_and_the_width():
    grid = {
        "estimator__estimator__predictor__regressor__C": [0.01, 10.0],
        "estimator__estimator__kernel__gamma": [0.3, 1.0],
    }
    few = RDKitDescriptors(["MolLogP", "TPSA"])
    search = GridSearchCV(make_kernel_pipeline(featurizer=few), grid, cv=3).fit(X, y)
    assert search.best_params_["estimator__estimator__predictor__regressor__C"] == 10
