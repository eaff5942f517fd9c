"""Every public estimator, transformer and ready pipeline, small, and data that it takes.

They are discovered, so a new one is tested without being listed anywhere.
"""

import inspect
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

import skchem_dl.estimators
import skchem_dl.features
import skchem_dl.pipelines
import skchem_dl.pretraining
import skchem_dl.similarity
from skchem_dl import MolGraphizer, MolGraphs, MorganFingerprinter, SmilesTokenizer

# Wherever a parameter of this name occurs, also inside a pipeline.
SMALL = {
    "batch_size": 16,
    "descriptors": ("MolLogP", "TPSA", "RingCount"),
    "embedding_dim": 4,
    "fp_size": 64,
    "head_dims": (8,),
    "hidden_dim": 8,
    "hidden_dims": (8,),
    "kernel_sizes": (3, 5),
    "lr": 0.01,
    "max_epochs": 2,
    "n_clusters": 2,
    "n_components": 2,
    "n_estimators": 5,
    "n_filters": 4,
    "n_layers": 2,
    "n_neighbors": 2,
    "n_picks": 3,
    "perplexity": 2,
    "random_state": 0,
    "readout_dim": 8,
}
# By their full names, as estimators of scikit-learn have others of the same name.
SMALL_CONSENSUS = {"estimator__cv": 2, "estimator__trees__estimator__estimator__max_iter": 20}
_FEATURIZER_OF = {
    "tokens": SmilesTokenizer(),
    "graphs": MolGraphizer(),
    "matrix": MorganFingerprinter(fp_size=64),
}
METHODS = ("predict", "predict_proba", "decision_function", "transform", "embed", "nearest")
# What is found in `fit` by estimators that have none of these.
_FOUND = ("labels_", "embedding_", "selected_indices_")


def small(estimator):
    """Set what makes it cheap and repeatable."""
    names = estimator.get_params()
    chosen = {name: name.rpartition("__")[2] for name in names}
    return estimator.set_params(
        **{name: SMALL[last] for name, last in chosen.items() if last in SMALL},
        **{name: value for name, value in SMALL_CONSENSUS.items() if name in names},
    )


def _public(module):
    return [getattr(module, name) for name in module.__all__]


def _classes(module):
    return [item for item in _public(module) if inspect.isclass(item)]


ESTIMATORS = _classes(skchem_dl.estimators)
FEATURIZERS = [cls for cls in _classes(skchem_dl.features) if issubclass(cls, BaseEstimator)]
FEATURIZERS.append(skchem_dl.pretraining.PretrainedEmbedder)
PRETRAINERS = [skchem_dl.pretraining.MolGNNPretrainer]
WRAPPERS = _classes(skchem_dl.pipelines)
SIMILARITY = [cls for cls in _classes(skchem_dl.similarity) if issubclass(cls, BaseEstimator)]
# Not the one that makes several at once.
FACTORIES = [
    item
    for item in _public(skchem_dl.pipelines)
    if inspect.isfunction(item) and inspect.signature(item).return_annotation is Pipeline
]


def _make(build, *args):
    return small(build(*args))


def _param(build, *args):
    name = "-".join([build.__name__, *(arg for arg in args if isinstance(arg, str))])
    return pytest.param(partial(_make, build, *args), id=name)


def _pipelines():
    for factory in FACTORIES:
        if "task" in inspect.signature(factory).parameters:
            yield _param(factory, "regression")
            yield _param(factory, "classification")
        else:
            yield _param(factory)


def _wrapped(cls):
    """Return what a wrapper takes: an estimator, or several by name."""
    networks = skchem_dl.estimators
    if "estimators" not in inspect.signature(cls).parameters:
        return networks.FingerprintMLPRegressor()
    kind = "Classifier" if issubclass(cls, ClassifierMixin) else "Regressor"
    network = getattr(networks, f"FingerprintMLP{kind}")
    return [("one", network()), ("other", network(loss="focal" if "C" in kind else "mae"))]


_NEURAL = [_param(cls) for cls in ESTIMATORS]
_FEATURIZERS = [_param(cls) for cls in FEATURIZERS]
_PRETRAINERS = [_param(cls) for cls in PRETRAINERS]
_PIPELINES = list(_pipelines())
_SIMILARITY = [_param(cls) for cls in SIMILARITY]
_WRAPPERS = [_param(cls, _wrapped(cls)) for cls in WRAPPERS]
_SUPERVISED = [p for p in _NEURAL + _PIPELINES if get_tags(p.values[0]()).target_tags.required]


def _kind(estimator):
    tags = get_tags(estimator).input_tags
    if tags.positive_only and not tags.sparse:
        return "tokens"
    return "matrix" if tags.two_d_array else "graphs"


def _of_kind(kind):
    found = [p for p in _NEURAL if _kind(p.values[0]()) == kind]
    return pytest.mark.parametrize("make", found)


# A test with `make` runs for each of them; make() gives a new one.
neural = pytest.mark.parametrize("make", _NEURAL)
on_matrices, on_tokens, on_graphs = map(_of_kind, ("matrix", "tokens", "graphs"))
classifiers, regressors = (
    pytest.mark.parametrize("make", [p for p in _NEURAL if is_classifier(p.values[0]()) == wanted])
    for wanted in (True, False)
)
featurizers = pytest.mark.parametrize("make", _FEATURIZERS)
classes = pytest.mark.parametrize(
    "make", _NEURAL + _FEATURIZERS + _PRETRAINERS + _SIMILARITY + _WRAPPERS
)
pipelines = pytest.mark.parametrize("make", _PIPELINES)
supervised = pytest.mark.parametrize("make", _SUPERVISED)
everything = pytest.mark.parametrize(
    "make", _NEURAL + _FEATURIZERS + _PRETRAINERS + _PIPELINES + _SIMILARITY + _WRAPPERS
)


def features(estimator, smiles, on_invalid="raise"):
    """Give molecules as the estimator takes them."""
    if isinstance(estimator, Pipeline) or get_tags(estimator).input_tags.string:
        return list(smiles)
    featurizer = _FEATURIZER_OF[_kind(estimator)]
    return clone(featurizer).set_params(on_invalid=on_invalid).fit_transform(smiles)


def target(estimator, smiles):
    """Give something to learn: whether a molecule has an aromatic ring, or its length."""
    if is_classifier(estimator):
        return np.array(["c" in text for text in smiles], dtype=np.int64)
    if is_regressor(estimator) or get_tags(estimator).target_tags.required:
        return np.array([len(text) for text in smiles], dtype=np.float64)
    return None


def data(estimator, smiles):
    return features(estimator, smiles), target(estimator, smiles)


def outputs(fitted, X):
    """Give what each of its methods makes of X, or, if it has none, what it found in `fit`."""
    if not takes_new_rows(fitted):
        while hasattr(fitted, "estimator_") or isinstance(fitted, Pipeline):
            fitted = fitted[-1] if isinstance(fitted, Pipeline) else fitted.estimator_
        return {name: value for name, value in vars(fitted).items() if name in _FOUND}
    found = {method: getattr(fitted, method)(X) for method in METHODS if hasattr(fitted, method)}
    return {
        method: np.hstack(values) if method == "nearest" else values
        for method, values in found.items()
    }


def takes_new_rows(model):
    """Say whether it has results for rows that it was not fitted on."""
    return any(hasattr(model, method) for method in METHODS)


def rows_of(values, rows):
    return [values[i] for i in rows] if isinstance(values, list) else values[rows]


def assert_same(one, other, rtol=0.0, atol=0.0):
    """Compare any results: matrices, labels, graphs, or dictionaries of them."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name], rtol, atol)
    elif isinstance(one, MolGraphs):
        assert one == other
    else:
        one, other = (v.toarray() if sp.issparse(v) else np.asarray(v) for v in (one, other))
        assert one.dtype == other.dtype
        if one.dtype.kind == "f":
            np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
        else:
            np.testing.assert_array_equal(one, other)
