"""SMILES beside other columns, several featurisers at once, and other libraries' features."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skchem_dl import (
    FingerprintMLPRegressor,
    MolGraphizer,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_gnn_pipeline, make_mlp_pipeline

TRAINING = {"max_epochs": 3, "batch_size": 16, "lr": 0.01, "random_state": 0}
MLP = {"hidden_dims": (8,), **TRAINING}
GNN = {"hidden_dim": 8, "n_layers": 2, "head_dims": (8,), **TRAINING}


@pytest.fixture(scope="module")
def molecules():
    X, y = load_solubility(return_X_y=True)
    return X[::20].tolist(), y[::20]


@pytest.fixture(scope="module")
def frame(molecules):
    X, y = molecules
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"smiles": X, "pH": rng.uniform(2, 12, len(y)), "dose": rng.lognormal(size=len(y))},
        index=rng.permutation(len(y)),
    )


def finite(predicted, y):
    return predicted.shape == y.shape and np.isfinite(predicted).all()


def test_smiles_beside_numbers_into_an_mlp(frame, molecules):
    y = molecules[1]
    columns = ColumnTransformer(
        [
            ("bits", MorganFingerprinter(fp_size=64), ["smiles"]),
            ("descriptors", RDKitDescriptors(["TPSA"]), "smiles"),
            ("numbers", StandardScaler(), ["pH", "dose"]),
        ]
    )
    model = Pipeline([("columns", columns), ("mlp", FingerprintMLPRegressor(**MLP))])
    assert finite(model.fit(frame, y).predict(frame), y)
    assert model["mlp"].n_features_in_ == 64 + 1 + 2
    names = columns.fit(frame).get_feature_names_out()
    assert names[-3:].tolist() == ["descriptors__TPSA", "numbers__pH", "numbers__dose"]
    model.set_output(transform="pandas").fit(frame, y)
    assert model["mlp"].feature_names_in_.tolist() == names.tolist()
    search = GridSearchCV(model, {"columns__bits__fp_size": [32, 64]}, cv=2).fit(frame, y)
    assert np.isfinite(search.best_score_)


def test_smiles_beside_numbers_into_a_gnn(frame, molecules):
    y = molecules[1]
    numbers = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["pH", "dose"]),
            ("descriptors", RDKitDescriptors(["TPSA", "MolLogP"]), "smiles"),
        ]
    )
    graphizer = MolGraphizer(molecule_features=numbers, smiles_column="smiles")
    model = make_gnn_pipeline(featurizer=graphizer, **GNN)
    assert finite(model.fit(frame, y).predict(frame), y)
    assert model["estimator"].n_molecule_features_ == 4
    assert np.isfinite(cross_val_score(model, frame, y, cv=2)).all()
    moved = model.predict(frame.assign(pH=frame["pH"] + 3))
    assert not np.array_equal(moved, model.predict(frame))


def test_feature_unions_and_standardised_smiles(molecules):
    X, y = molecules
    union = FeatureUnion([("bits", MorganFingerprinter(fp_size=32)), ("codes", SmilesTokenizer())])
    model = make_pipeline(MolStandardizer(), union, FingerprintMLPRegressor(**MLP))
    assert finite(model.fit(X, y).predict(X), y)
    upper = make_pipeline(FunctionTransformer(np.asarray), make_gnn_pipeline(**GNN))
    assert finite(upper.fit(X, y).predict(X), y)


@pytest.mark.parametrize("sparse", [False, True])
def test_fingerprints_of_scikit_fingerprints(sparse, molecules):
    fingerprints = pytest.importorskip("skfp.fingerprints")
    X, y = molecules
    featurizer = fingerprints.ECFPFingerprint(fp_size=128, sparse=sparse)
    model = make_pipeline(featurizer, FingerprintMLPRegressor(**MLP))
    assert finite(model.fit(X, y).predict(X), y)
    same = make_mlp_pipeline(featurizer=featurizer, **MLP).fit(X, y)
    assert np.array_equal(same.predict(X), model.predict(X))
