import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from skchem_dl import InvalidMoleculeWarning, SmilesTokenizer
from skchem_dl.datasets import load_solubility
from skchem_dl.features._tokens import _TOKEN

PARTS = ["C", "c", "Br", "Cl", "[C@@H]", "[NH3+]", "%12", "%(123)", "=", "(", "1", "[", "%", "<-"]


@given(
    st.lists(st.sampled_from(PARTS))
    | st.text(st.characters(codec="ascii", exclude_characters="\n"))
)
def test_tokens_always_join_to_the_text(parts):
    text = "".join(parts)
    assert "".join(_TOKEN.findall(text)) == text


@pytest.mark.parametrize(
    ("smiles", "tokens"),
    [
        ("CCO", ["C", "C", "O"]),
        ("ClCBr", ["Cl", "C", "Br"]),
        ("C[C@@H](N)[O-]", ["C", "[C@@H]", "(", "N", ")", "[O-]"]),
        ("[13CH4]", ["[13CH4]"]),
        ("C%12CC%12", ["C", "%12", "C", "C", "%12"]),
        ("C%(123)CC%(123)", ["C", "%(123)", "C", "C", "%(123)"]),
        ("c1ccccc1", ["c", "1", "c", "c", "c", "c", "c", "1"]),
        ("F/C=C\\F", ["F", "/", "C", "=", "C", "\\", "F"]),
        ("[NH3]->[Fe+2]", ["[NH3]", "->", "[Fe+2]"]),
        ("[Na+].[Cl-]", ["[Na+]", ".", "[Cl-]"]),
    ],
)
def test_tokens(smiles, tokens):
    tokenizer = SmilesTokenizer().fit([smiles])
    assert set(tokenizer.vocabulary_) == set(tokens)
    expected = [tokenizer.vocabulary_[token] for token in tokens]
    assert tokenizer.transform([smiles]).tolist() == [expected]


def test_real_molecules_round_trip(nci_smiles, smiles):
    molecules = [*smiles, *load_solubility().data, *nci_smiles[:500]]
    tokenizer = SmilesTokenizer()
    codes = tokenizer.fit_transform(molecules)
    assert codes.dtype == np.int32
    assert codes.shape == (len(molecules), tokenizer.max_length_)
    assert tokenizer.inverse_transform(codes).tolist() == molecules
    np.testing.assert_array_equal(tokenizer.transform(molecules), codes)
    assert (codes[:, -1] != 0).any()  # the longest fills its row
    assert sorted(tokenizer.vocabulary_.values()) == list(range(2, codes.max() + 1))


def test_unknown_tokens_and_padding():
    tokenizer = SmilesTokenizer().fit(["CCO", "C[NH3+]"])
    message = r"1 of 2 SMILES have more than 20% tokens .*not seen in fit \(row 0: 'S'\)"
    with pytest.warns(UserWarning, match=message) as caught:
        codes = tokenizer.transform(["CS", "C"])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert codes.tolist() == [
        [tokenizer.vocabulary_["C"], 1, 0],
        [tokenizer.vocabulary_["C"], 0, 0],
    ]
    assert tokenizer.inverse_transform(codes).tolist() == ["C[?]", "C"]


def test_few_unknown_tokens_are_no_matter():
    tokenizer = SmilesTokenizer().fit(["C" * 10])
    assert tokenizer.transform(["CCCCCCCCCS", "C"])[0].tolist() == [2] * 9 + [1]
    with pytest.warns(UserWarning, match="1 of 1 SMILES .*'S'"):
        tokenizer.transform(["CCCS"])


def test_vocabulary_does_not_depend_on_the_order(smiles):
    one, other = SmilesTokenizer().fit(smiles), SmilesTokenizer().fit(smiles[::-1])
    assert one.vocabulary_ == other.vocabulary_
    assert one.max_length_ == other.max_length_


def test_too_long_is_cut_with_one_warning():
    tokenizer = SmilesTokenizer().fit(["CCO"])
    message = r"2 of 3 SMILES have more than max_length_=3 tokens \(row 1 has 4\).*cut off"
    with pytest.warns(UserWarning, match=message) as caught:
        codes = tokenizer.transform(["CC", "CCCC", "OCCCCC"])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert tokenizer.inverse_transform(codes).tolist() == ["CC", "CCC", "OCC"]


def test_too_long_is_refused():
    tokenizer = SmilesTokenizer(on_too_long="raise").fit(["CCO"])
    assert tokenizer.transform(["CCC"]).shape == (1, 3)
    with pytest.raises(ValueError, match=r"1 of 2 SMILES .*row 1 has 5.*Set max_length=5"):
        tokenizer.transform(["C", "CCCCC"])
    with pytest.raises(ValueError, match="max_length_=2 tokens"):
        tokenizer.set_params(max_length=2).fit_transform(["CCO"])


def test_max_length_is_kept():
    tokenizer = SmilesTokenizer(max_length=5)
    assert tokenizer.fit_transform(["CCO"]).shape == (1, 5)
    assert tokenizer.max_length_ == 5
    assert tokenizer.get_feature_names_out().tolist() == [f"token{i}" for i in range(5)]
    assert clone(tokenizer).set_params(max_length=None).fit(["CCO"]).max_length_ == 3


def test_unfitted():
    tokenizer = SmilesTokenizer()
    for call in (
        lambda: tokenizer.transform(["C"]),
        lambda: tokenizer.inverse_transform([[2]]),
        tokenizer.get_feature_names_out,
    ):
        with pytest.raises(NotFittedError):
            call()


def test_invalid_rows_are_padding_and_teach_nothing():
    tokenizer = SmilesTokenizer(on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning, match="2 of 3"):
        codes = tokenizer.fit_transform(["C(C(C(", "CO", None])
    assert tokenizer.vocabulary_ == {"C": 2, "O": 3}
    assert codes.tolist() == [[0, 0], [2, 3], [0, 0]]
    assert codes.dtype == np.int32
    assert tokenizer.inverse_transform(codes).tolist() == ["", "CO", ""]


def test_mols_are_canonical_and_text_is_taken_as_it_stands():
    mols = [Chem.MolFromSmiles("OCC"), Chem.MolFromSmiles("C1=CC=CC=C1")]
    tokenizer = SmilesTokenizer().fit(mols)
    written = tokenizer.inverse_transform(tokenizer.transform(mols))
    assert written.tolist() == ["CCO", "c1ccccc1"]
    assert tokenizer.inverse_transform(tokenizer.transform(["OCC"])).tolist() == ["OCC"]


def test_inverse_transform_wants_rows():
    tokenizer = SmilesTokenizer().fit(["CCO"])
    assert tokenizer.inverse_transform([[2, 2, 3]]).tolist() == ["CCO"]
    with pytest.raises(ValueError, match=r"shape \(3,\); expected \(n, max_length_\)"):
        tokenizer.inverse_transform([2, 2, 3])


def test_pandas_output():
    X = pd.Series(["CC", "CCO"], index=[7, 5])
    frame = SmilesTokenizer().set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == ["token0", "token1", "token2"]
    assert frame.index.tolist() == [7, 5]


def test_worker_processes_change_nothing(smiles, few_are_enough):
    one = SmilesTokenizer().fit_transform(smiles)
    two = SmilesTokenizer(n_jobs=2).fit_transform(smiles)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "parameters", [{"max_length": 0}, {"max_length": 2.5}, {"on_too_long": "cut"}]
)
def test_invalid_parameters(parameters):
    with pytest.raises(InvalidParameterError, match=f"'{next(iter(parameters))}' parameter"):
        SmilesTokenizer(**parameters).fit(["C"])
