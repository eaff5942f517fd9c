"""What is taken for X, and what is refused with which words."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from cases import (
    assert_same,
    data,
    features,
    neural,
    on_graphs,
    on_matrices,
    on_tokens,
    outputs,
    pipelines,
    supervised,
    target,
)
from rdkit.Chem import MolFromSmiles
from sklearn.base import clone

from skchem_dl import MolGraphizer, RDKitDescriptors
from skchem_dl.graphs import GraphSchema, MolGraphs

CONTAINERS = {
    "tuple": tuple,
    "array": np.array,
    "column": lambda smiles: np.array(smiles, dtype=object)[:, None],
    "Series": pd.Series,
    "DataFrame": lambda smiles: pd.DataFrame({"smiles": smiles}),
    "polars": pl.Series,
    "Mols": lambda smiles: [MolFromSmiles(text) for text in smiles],
}


@pipelines
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_containers_of_molecules_are_alike(make, container, smiles):
    model = make()
    # As RDKit writes them, so that tokens from Mols are the same.
    X, y = data(model, [text for text in smiles if text in ("CCO", "C#N", "c1ccc2ccccc2c1")])
    expected = outputs(clone(model).fit(X, y), X)
    assert_same(outputs(model.fit(container(X), y), container(X)), expected)


@on_matrices
@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.coo_array, sp.csc_array])
def test_sparse_equals_dense(make, container, smiles):
    model = make()
    X, y = data(model, smiles)
    expected = outputs(clone(model).fit(X, y), X)
    sparse = container(X)
    assert_same(outputs(model.fit(sparse, y), sparse), expected)
    assert_same(outputs(model, X), expected)


@on_matrices
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint32, np.int64, np.float16, np.float64])
def test_any_numbers(make, dtype, smiles):
    model = make()
    X, y = data(model, smiles)
    expected = outputs(clone(model).fit(X, y), X)
    assert_same(outputs(model.fit(X.astype(dtype), y), X.astype(dtype)), expected)


@on_matrices
def test_feature_names(make, smiles):
    model = make()
    frame = (
        RDKitDescriptors(["MolLogP", "TPSA"]).set_output(transform="pandas").fit_transform(smiles)
    )
    model.fit(frame, target(model, smiles))
    assert model.feature_names_in_.tolist() == ["MolLogP", "TPSA"]
    with pytest.raises(ValueError, match="The feature names should match"):
        model.predict(frame[["TPSA", "MolLogP"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert_same(model.predict(frame.to_numpy()), model.predict(frame))


@neural
def test_another_width(make, smiles):
    model = make()
    X, y = data(model, smiles)
    model.fit(X, y)
    if isinstance(X, MolGraphs):
        other = X.with_molecule_features(np.zeros((len(X), 2), dtype=np.float32))
        with pytest.raises(ValueError, match="have 2 molecule features; fitted on 0"):
            model.predict(other)
    else:
        with pytest.raises(ValueError, match=rf"X has {X.shape[1] - 1} features, but .* expecting"):
            model.predict(X[:, 1:])


@neural
def test_smiles_where_features_belong(make, smiles):
    model = make()
    y = target(model, smiles)
    for molecules in (smiles, pd.Series(smiles), np.array(smiles), [MolFromSmiles("C")] * len(y)):
        with pytest.raises(TypeError, match=r"got .*_pipeline\(\)") as caught:
            model.fit(molecules, y)
        assert type(model).__name__ in str(caught.value)
    model.fit(*data(model, smiles))
    with pytest.raises(TypeError, match=r"got list|got the str 'C'"):
        model.predict(smiles)


@neural
def test_the_wrong_features(make, smiles):
    model = make()
    y = target(model, smiles)
    if isinstance(features(model, smiles), MolGraphs):
        with pytest.raises(TypeError, match="expects MolGraphs, got ndarray"):
            model.fit(np.zeros((len(y), 3)), y)
    else:
        with pytest.raises(TypeError, match="MolGraphs is a ragged array"):
            model.fit(MolGraphizer().fit_transform(smiles), y)
        with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
            model.fit(np.zeros(len(y)), y)
    with pytest.raises((TypeError, ValueError), match=r"expects MolGraphs|Expected 2D array"):
        model.fit(None, y)


@neural
def test_no_rows(make, smiles):
    model = make()
    X, y = data(model, smiles)
    with pytest.raises(ValueError, match=r"Found (array with 0 sample|0 graphs)"):
        model.fit(X[:0], y[:0])
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"Found (array with 0 sample|0 graphs)"):
        model.predict(X[:0])


@pipelines
def test_what_is_no_container_of_molecules(make, smiles):
    model = make()
    y = target(model, smiles)
    with pytest.raises(TypeError, match="Got a single str, 'CCO'"):
        model.fit("CCO", y)
    with pytest.raises(ValueError, match="Found 0 molecules"):
        model.fit([], y)
    frame = pd.DataFrame({"smiles": smiles, "dose": 1.0})
    with pytest.raises(ValueError, match="Say which one holds the SMILES"):
        model.fit(frame, y)
    expected = outputs(clone(model).fit(smiles, y), smiles)
    model.set_params(featurizer__smiles_column="smiles")
    assert_same(outputs(model.fit(frame, y), frame), expected)


@on_matrices
@pytest.mark.parametrize(("bad", "said"), [(np.nan, "nan"), (np.inf, "inf")])
def test_a_row_that_is_missing_in_part(make, bad, said, smiles):
    model = make()
    X, y = data(model, smiles)
    X = pd.DataFrame(X.astype(np.float32)).add_prefix("bit")
    X.iloc[4, 2] = bad
    for container, name in ((X, r" \('bit2'\)"), (X.to_numpy(), ""), (sp.csr_array(X), "")):
        with pytest.raises(
            ValueError, match=rf"in part of 1 row\(s\), first in row 4, column 2{name}: {said}"
        ):
            clone(model).fit(container, y)


@on_tokens
def test_codes_that_are_none(make, smiles):
    model = make()
    X, y = data(model, smiles)
    for bad in (-1, 0.5, np.nan, np.inf):
        codes = X.astype(np.float64)
        codes[3, 1] = bad
        with pytest.raises(ValueError, match=r"token codes.*row 3, column 1"):
            model.fit(codes, y)
    codes = X.astype(np.int64)
    codes[3, 1] = 2**32 + 5
    with pytest.raises(ValueError, match=r"token codes.*row 3, column 1.*4294967301"):
        model.fit(codes, y)
    whole = model.fit(X.astype(np.float64), y).predict(X)
    assert_same(model.predict(X.astype(np.int64)), whole)


@on_graphs
def test_graphs_of_another_schema(make, smiles):
    model = make()
    X, y = data(model, smiles)
    model.fit(X, y)
    schema = GraphSchema(X.schema.atom_fields, X.schema.bond_fields, version=99)
    other = MolGraphs(
        X.atom_codes, X.bond_codes, X.bond_atoms, X.atom_offsets, X.bond_offsets, schema
    )
    with pytest.raises(ValueError, match=r"have the schema .*version=99.*fitted on .*version"):
        model.predict(other)


@supervised
def test_lengths_that_differ(make, smiles):
    model = make()
    X, y = data(model, smiles)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X[:-1], y)
