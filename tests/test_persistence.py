"""save and load: everything comes back the same, and no file can run code."""

import json
import os
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVR
from skorch.callbacks import EpochTimer

import skchem_dl
from skchem_dl import (
    FingerprintMLPClassifier,
    FingerprintMLPRegressor,
    MolFeatureUnion,
    MolGraphizer,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.pipelines import (
    NeuralEmbedder,
    SkipInvalidRows,
    make_boosting_pipeline,
    make_cluster_pipeline,
    make_cnn_pipeline,
    make_consensus_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_gradient_descent_pipeline,
    make_kernel_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
    make_pca_pipeline,
)

QUICK = {"max_epochs": 2, "random_state": 0}
SMILES = ["CCO", "c1ccccc1O", "CC(=O)O", "C[C@H](N)C(=O)O", "ClCCBr", "[Na+].[Cl-]", "C", "CCN"]
Y = np.linspace(-2, 3, len(SMILES))
LABELS = np.array(["no", "yes"] * (len(SMILES) // 2))
few = RDKitDescriptors(["MolWt", "TPSA", "MaxPartialCharge"])
OBJECTS = {
    "mlp": (make_mlp_pipeline(hidden_dims=(8,), batch_norm=True, **QUICK), Y),
    "cnn": (make_cnn_pipeline(n_filters=4, **QUICK), Y),
    "gnn": (make_gnn_pipeline(hidden_dim=8, skip="gated", **QUICK), Y),
    "ensemble": (make_mlp_pipeline(hidden_dims=(8,), n_members=2, **QUICK), Y),
    "several targets": (make_gnn_pipeline(hidden_dim=8, **QUICK), np.column_stack([Y, -Y])),
    "classes": (make_gnn_pipeline("classification", conv="gcn", hidden_dim=8, **QUICK), LABELS),
    "labels": (make_mlp_pipeline("classification", **QUICK), np.eye(len(Y), 3, dtype=int)),
    "early stopping": (make_cnn_pipeline(n_filters=4, early_stopping=True, **QUICK), Y),
    "molecule features": (
        make_gnn_pipeline(
            featurizer=MolGraphizer(
                molecule_features=make_pipeline(
                    few, SimpleImputer(), QuantileTransformer(n_quantiles=4)
                )
            ),
            hidden_dim=8,
            **QUICK,
        ),
        Y,
    ),
    "linear": (make_linear_pipeline(), Y),
    "trees": (make_boosting_pipeline(max_iter=5, min_samples_leaf=1), Y),
    "trees of several targets": (
        make_boosting_pipeline(max_iter=5, min_samples_leaf=1),
        np.column_stack([Y, Y**2]),
    ),
    "trees of classes": (
        make_boosting_pipeline("classification", max_iter=5, min_samples_leaf=1),
        np.array(["a", "b", "c", "a"] * 2),
    ),
    "kernel": (make_kernel_pipeline(), Y),
    "kernel of classes": (make_kernel_pipeline("classification"), LABELS),
    "consensus": (make_consensus_pipeline(network_params={"max_epochs": 1}, random_state=0), Y),
    "consensus of classes": (
        make_consensus_pipeline(
            "classification", network_params={"max_epochs": 1}, cv=2, random_state=0
        ),
        LABELS,
    ),
    "gradient descent": (make_gradient_descent_pipeline(**QUICK), Y),
    "logistic": (make_linear_pipeline("classification"), LABELS),
    "imputed": (
        make_pipeline(
            few,
            SkipInvalidRows(make_pipeline(SimpleImputer(), StandardScaler(), Ridge())),
        ),
        Y,
    ),
    "union": (
        make_pipeline(
            FeatureUnion([("bits", MorganFingerprinter(fp_size=64)), ("few", few)]),
            SimpleImputer(),
            VarianceThreshold(),
            FingerprintMLPRegressor((4,), **QUICK),
        ),
        Y,
    ),
}
TRANSFORMERS = {
    "fingerprint": MorganFingerprinter(fp_size=64, counts=True),
    "sparse": MorganFingerprinter(fp_size=64, sparse_output=True),
    "tokens": SmilesTokenizer(),
    "standard": MolStandardizer(),
    "side by side": MolFeatureUnion([("bits", MorganFingerprinter(fp_size=64)), ("few", few)]),
    "graphs": MolGraphizer(),
    "map": make_pca_pipeline(random_state=0),
    "embedding": NeuralEmbedder(make_gnn_pipeline(hidden_dim=8, **QUICK)),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skchem"


def again(obj, path):
    skchem_dl.save(obj, path)
    return skchem_dl.load(path)


def equal(a, b):
    if hasattr(a, "toarray"):
        a, b = a.toarray(), b.toarray()
    if hasattr(a, "schema") or a.dtype == object:
        return np.all(a == b)
    # scikit-learn's matrices may lie otherwise in memory, and their products round otherwise.
    return np.allclose(a, b, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", OBJECTS)
def test_predictions_come_back_bitwise(name, path):
    model, y = OBJECTS[name]
    model = clone(model).fit(SMILES, y)
    loaded = again(model, path)
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(loaded.predict(SMILES), model.predict(SMILES))
    if hasattr(model, "predict_proba"):
        np.testing.assert_array_equal(loaded.predict_proba(SMILES), model.predict_proba(SMILES))
        np.testing.assert_array_equal(loaded.classes_, model.classes_)
    assert repr(loaded) == repr(model)
    assert loaded.fit(SMILES, y).predict(SMILES).shape == y.shape


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers(name, path):
    transformer = clone(TRANSFORMERS[name]).fit(SMILES, Y)
    loaded = again(transformer, path)
    assert equal(loaded.transform(SMILES), transformer.transform(SMILES))


def test_clusters(path):
    clusters = make_cluster_pipeline(n_clusters=2, random_state=0)
    with pytest.raises(TypeError, match="KMeans"):
        skchem_dl.save(clusters, path)


def test_searches_say_which_model_to_save(path):
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2)
    inside = make_pipeline(StandardScaler(), search)
    with pytest.raises(TypeError, match=r"Fit this search with refit=True and save GridSearchCV.b"):
        skchem_dl.save(search, path)
    X = np.eye(6)
    with pytest.raises(TypeError, match=r"Save its best model, Pipeline.steps\[1\]\[1\].b"):
        skchem_dl.save(inside.fit(X, np.arange(6)), path)
    skchem_dl.save(search.fit(X, np.arange(6)).best_estimator_, path)
    np.testing.assert_array_equal(skchem_dl.load(path).predict(X), search.predict(X))


def test_frames_with_categories(path):
    table = pd.DataFrame({"smiles": SMILES, "assay": list("abababab"), "pH": np.arange(8.0)})
    columns = ColumnTransformer(
        [
            ("molecule", MorganFingerprinter(fp_size=32), "smiles"),
            ("assay", OneHotEncoder(sparse_output=False), ["assay"]),
            ("pH", StandardScaler(), ["pH"]),
        ]
    )
    model = make_pipeline(columns, FingerprintMLPRegressor((4,), **QUICK)).fit(table, Y)
    np.testing.assert_array_equal(again(model, path).predict(table), model.predict(table))


def test_an_unfitted_estimator_stays_unfitted(path):
    loaded = again(FingerprintMLPClassifier((3, 2), lr=0.5), path)
    assert loaded.get_params() == FingerprintMLPClassifier((3, 2), lr=0.5).get_params()
    with pytest.raises(NotFittedError):
        loaded.predict(np.zeros((2, 3)))


def test_history_and_pickle_after_loading(path):
    model = clone(OBJECTS["mlp"][0]).fit(SMILES, Y)
    loaded = again(model, path)
    assert loaded[-1].history_ == model[-1].history_
    assert loaded[-1].n_iter_ == 2
    copy = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(copy.predict(SMILES), model.predict(SMILES))


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (FingerprintMLPRegressor(lr_schedule=np.cos), "FingerprintMLPRegressor.lr_schedule"),
        (FingerprintMLPRegressor(callbacks=[EpochTimer()]), r"callbacks\[0\]"),
        (make_pipeline(FunctionTransformer(np.log1p), Ridge()), r"steps\[0\]\[1\]"),
        (make_forest_pipeline(n_estimators=2), "RandomForestRegressor"),
        (RandomForestRegressor(), "RandomForestRegressor"),
        (make_pipeline(few, SVR().fit([[0.0], [1.0]], [0, 1])), r"\[1\]: An SVR with kernel='rbf'"),
        (FingerprintMLPRegressor(random_state=np.random.RandomState(0)), "random_state"),
    ],
)
def test_what_cannot_be_saved_is_named_and_leaves_the_old_file(model, named, path):
    path.write_text("precious")
    with pytest.raises(TypeError, match=named):
        skchem_dl.save(model, path)
    assert path.read_text() == "precious"
    assert os.listdir(path.parent) == [path.name]


def rewrite(path, change, change_arrays=lambda arrays: None):
    """Change the JSON text of a saved file, and its arrays."""
    with safe_open(path, framework="numpy") as file:
        document = json.loads(file.metadata()["skchem_dl"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(document)
    change_arrays(arrays)
    save_file(arrays, path, metadata={"skchem_dl": json.dumps(document)})


class Harmful(BaseEstimator):
    def __setstate__(self, state):
        raise AssertionError("code from the file was run")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=99), "format 99.*Update skchem_dl"),
        (lambda d: d["object"].update({"class": "os.system"}), "os.system.*not on the list"),
        (
            lambda d: d["object"].update({"class": f"{__name__}.Harmful"}),
            "Harmful.*not on the list",
        ),
        (lambda d: d["object"].update({"$": "code"}), "unknown kind 'code'"),
        (lambda d: d["object"]["state"].update({"__class__": 1}), "__class__"),
        (lambda d: d.pop("object"), "damaged"),
        (lambda d: d["object"].pop("state"), "damaged"),
    ],
)
def test_a_changed_file_is_refused(change, message, path):
    skchem_dl.save(SmilesTokenizer().fit(SMILES), path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=message):
        skchem_dl.load(path)


@pytest.mark.parametrize("kept", [0, 5, 100, -10])
def test_a_cut_file_is_refused(kept, path):
    skchem_dl.save(clone(OBJECTS["mlp"][0]).fit(SMILES, Y), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="damaged, or was not written"):
        skchem_dl.load(path)


def test_weights_of_another_network_are_refused(path):
    skchem_dl.save(FingerprintMLPRegressor((4,), **QUICK).fit(np.eye(4), np.arange(4)), path)

    def widen(document):
        document["object"]["state"]["n_features_in_"] = 5

    rewrite(path, widen)
    with pytest.raises(ValueError, match="don't fit the network"):
        skchem_dl.load(path)


def test_files_of_others_are_refused(path):
    save_file({"x": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="not one that skchem_dl wrote"):
        skchem_dl.load(path)
    with pytest.raises(FileNotFoundError):
        skchem_dl.load(path.parent / "missing.skchem")


def test_others_may_read_the_file_as_any_other(path):
    other = path.with_name("other")
    other.touch()
    skchem_dl.save(SmilesTokenizer(), path)
    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "tanh"}, "fitted with activation='relu' and has 'tanh' now"),
        ({"hidden_dims": (9,)}, "fitted with hidden_dims"),
        ({"precision": "bfloat16"}, "fitted with precision='float32'"),
    ],
)
def test_a_network_that_its_parameters_would_not_make_again(change, message, path):
    model = FingerprintMLPRegressor((4,), **QUICK).fit(np.eye(4), np.arange(4))
    expected = model.predict(np.eye(4))
    model.set_params(**change)
    with pytest.raises(ValueError, match=message):
        skchem_dl.save(model, path)
    model.set_params(activation="relu", hidden_dims=(4,), precision="float32", callbacks=None)
    np.testing.assert_array_equal(again(model, path).predict(np.eye(4)), expected)


def test_a_matrix_that_points_outside_of_itself_is_refused(path):
    skchem_dl.save({"coef": sp.csr_matrix(np.eye(3))}, path)

    def write_outside(arrays):
        (indices,) = (name for name in arrays if name.endswith("[1]"))
        arrays[indices][0] = 10**6

    rewrite(path, lambda document: None, write_outside)
    with pytest.raises(ValueError, match="indices must be < 3"):
        skchem_dl.load(path)


TREES = make_boosting_pipeline(max_iter=3, min_samples_leaf=1).fit(SMILES, Y)
KERNEL = make_kernel_pipeline().fit(SMILES, Y)
OUTSIDE = {
    "a feature": (TREES, "feature_idx", 10_000),
    "a feature below 0": (TREES, "feature_idx", -1),
    "a node": (TREES, "left", 1_000),
    "a node before": (TREES, "right", 0),
    "a category": (TREES, "is_categorical", 1),
    "the number of nodes": (TREES, "n_nodes", 1),
    "a support vector": (KERNEL, "support_", 1_000),
    "a support vector below 0": (KERNEL, "support_", -1),
    "kinds of support vectors": (KERNEL, "_n_support", None),
}


@pytest.mark.parametrize(("model", "name", "value"), OUTSIDE.values(), ids=OUTSIDE)
def test_models_that_point_outside_of_themselves_are_refused(model, name, value, path):
    skchem_dl.save(model, path)

    def change(arrays):
        for key in arrays:
            if key.endswith((f".{name}", f"['{name}']")):
                arrays[key] = arrays[key][:1] if value is None else np.full_like(arrays[key], value)

    rewrite(path, lambda document: None, change)
    with pytest.raises(ValueError, match="is damaged"):
        skchem_dl.load(path)


def test_no_folder_is_taken_from_a_file(path, tmp_path):
    folder = str(tmp_path / "planted")
    model = make_pipeline(StandardScaler(), Ridge(), memory=folder)
    assert again(model, path).memory is None

    def plant(document):
        document["object"]["state"]["memory"] = folder

    rewrite(path, plant)
    assert skchem_dl.load(path).memory is None
    skchem_dl.save(MorganFingerprinter(memory=folder), path)
    rewrite(path, plant)
    assert skchem_dl.load(path).memory is None


def test_columns_that_pass_through(path):
    frame = pd.DataFrame({"smiles": SMILES, "pH": np.arange(8.0)})
    columns = ColumnTransformer([("pH", "passthrough", ["pH"])])
    graphs = MolGraphizer(smiles_column="smiles", molecule_features=columns)
    model = make_gnn_pipeline(featurizer=graphs, hidden_dim=8, **QUICK).fit(frame, Y)
    np.testing.assert_array_equal(again(model, path).predict(frame), model.predict(frame))
