"""SMILES as rows of token codes."""

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from rdkit.Chem import Mol
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skchem_dl._warnings import warn_caller
from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.features._molecules import ParsedMolecules

PADDING, UNKNOWN = 0, 1
_UNKNOWN_TEXT = "[?]"
# Of the tokens of a SMILES: more unknown ones are warned of.
_FEW_UNKNOWN = 0.2
# Bracket atoms, ring closures of two digits and more, two-letter elements, RDKit's dative bonds;
# anything else is one character. Nothing is left out, so tokens always join to the text.
_TOKEN = re.compile(r"\[[^\]]*\]|%\(\d+\)|%\d\d|Br|Cl|->|<-|.")


class SmilesTokenizer(BaseMolTransformer):
    """SMILES as rows of integer codes, one token an atom, bond, branch or ring closure.

    Vocabulary and length are learned in `fit`. Plain SMILES are taken as they are; Mols, InChI and
    SMILES with atom maps or extensions are written as canonical SMILES first. Tokens that `fit` did
    not see are encoded as unknown, with one warning if they are more than a fifth of a SMILES.

    Parameters
    ----------
    max_length : int, default=None
        Tokens a row; None takes the longest SMILES seen in `fit`.
    on_too_long : {"truncate", "raise"}, default="truncate"
        A SMILES of more tokens is cut, with one warning that counts them, or refused.
    on_invalid : {"raise", "nan"}, default="raise"
        A row that is no molecule raises `InvalidMoleculeError`, or becomes a row of padding.
    n_jobs : int, default=None
        Worker processes.
    smiles_column : str or int, default=None
        The column of SMILES, where X has several columns.
    memory : str, path, joblib.Memory or FeatureCache, default=None
        A folder that keeps what becomes of each SMILES, so that no fold, candidate or process of a
        search featurises it again. Mols are not kept.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Code of each token, from 2 on; 0 is padding, 1 is any token not seen in `fit`.
    max_length_ : int
        Tokens a row.

    See Also
    --------
    SmilesCNNRegressor, SmilesCNNClassifier : Networks on these codes.

    References
    ----------
    .. [1] Weininger, D. SMILES, a chemical language and information system. J. Chem. Inf. Comput.
       Sci. 1988, 28, 31-36. https://doi.org/10.1021/ci00057a005

    Examples
    --------
    >>> from skchem_dl import SmilesTokenizer
    >>> tokenizer = SmilesTokenizer().fit(["CCO", "C[NH3+]", "Clc1ccccc1"])
    >>> tokenizer.transform(["CCO", "Clc1ccccc1"])[:, :4]
    array([[3, 3, 5, 0],
           [4, 7, 2, 7]], dtype=int32)
    >>> tokenizer.inverse_transform(tokenizer.transform(["C[NH3+]"]))
    array(['C[NH3+]'], dtype=object)
    """

    _parameter_constraints: dict[str, list] = {
        **BaseMolTransformer._parameter_constraints,
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "on_too_long": [StrOptions({"truncate", "raise"})],
    }
    # They are cut after the vocabulary is learnt.
    _not_in_rows = (*BaseMolTransformer._not_in_rows, "max_length", "on_too_long")
    _kind = "other"

    def __init__(
        self,
        *,
        max_length=None,
        on_too_long="truncate",
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
    ):
        self.max_length = max_length
        self.on_too_long = on_too_long
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory

    def fit(self, X: Any, y: Any = None) -> "SmilesTokenizer":
        """Learn the vocabulary and the length.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._learn(self._rows(X))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Turn n molecules into n rows of codes.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.

        Returns
        -------
        codes : ndarray of shape (n, max_length), int32
            From 0 to ``len(vocabulary_) + 1``; what is left of a row is padding.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not molecules and ``on_invalid="raise"``.
        ValueError
            If a SMILES is too long and ``on_too_long="raise"``.
        """
        check_is_fitted(self)
        return self._encode(self._rows(X))

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn, then encode, parsing each molecule once.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        codes : ndarray of shape (n, max_length), int32
            As `transform` gives them.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not molecules and ``on_invalid="raise"``.
        ValueError
            If a SMILES is too long and ``on_too_long="raise"``.
        """
        tokens = self._rows(X)
        self._learn(tokens)
        return self._encode(tokens)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Write codes as SMILES again.

        Parameters
        ----------
        X : array-like of shape (n, max_length), of int
            Codes; unknown ones are written as ``[?]``, and a row of padding as "".

        Returns
        -------
        smiles : ndarray of shape (n,), of str
            What was cut off stays lost.

        Raises
        ------
        ValueError
            If X is no matrix.
        """
        check_is_fitted(self)
        codes = np.asarray(X)
        if codes.ndim != 2:
            raise ValueError(f"Got an array of shape {codes.shape}; expected (n, max_length_).")
        text = {code: token for token, code in self.vocabulary_.items()} | {PADDING: ""}
        rows = ["".join(text.get(int(code), _UNKNOWN_TEXT) for code in row) for row in codes]
        return np.array(rows, dtype=object)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns: "token0", "token1", ...

        Parameters
        ----------
        input_features : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        names : ndarray of shape (max_length,), of str
            One for each column.
        """
        check_is_fitted(self)
        return np.array([f"token{i}" for i in range(self.max_length_)], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags

    def _learn(self, tokens: list[list[str]]) -> None:
        found = sorted({token for row in tokens for token in row})
        self.vocabulary_ = {token: code for code, token in enumerate(found, start=UNKNOWN + 1)}
        # At least one column, also where no row is a molecule.
        self.max_length_ = self.max_length or max(1, *map(len, tokens))

    def _encode(self, tokens: list[list[str]]) -> np.ndarray:
        lengths = np.array([len(row) for row in tokens])
        self._report_too_long(lengths)
        codes = np.full((len(tokens), self.max_length_), PADDING, dtype=np.int32)
        code_of = self.vocabulary_.get
        for row, its_tokens in zip(codes, tokens, strict=True):
            kept = its_tokens[: self.max_length_]
            row[: len(kept)] = [code_of(token, UNKNOWN) for token in kept]
        self._report_unknown(tokens, codes)
        return codes

    def _report_unknown(self, tokens: list[list[str]], codes: np.ndarray) -> None:
        unknown = codes == UNKNOWN
        if not unknown.any():
            return
        n_unknown = np.count_nonzero(unknown, axis=1)
        rows = np.flatnonzero(n_unknown > _FEW_UNKNOWN * np.count_nonzero(codes, axis=1))
        if not len(rows):
            return
        shown = sorted({token for token in tokens[rows[0]] if token not in self.vocabulary_})
        warn_caller(
            f"{len(rows)} of {len(tokens)} SMILES have more than {_FEW_UNKNOWN:.0%} tokens that "
            f"were not seen in fit (row {rows[0]}: {', '.join(map(repr, shown[:5]))}), so what is "
            "predicted from them is unreliable. If they were written by other software, put "
            "MolStandardizer before the tokenizer, in fit and in predict."
        )

    def _report_too_long(self, lengths: np.ndarray) -> None:
        too_long = np.flatnonzero(lengths > self.max_length_)
        if not len(too_long):
            return
        message = (
            f"{len(too_long)} of {len(lengths)} SMILES have more than max_length_="
            f"{self.max_length_} tokens (row {too_long[0]} has {lengths[too_long[0]]})"
        )
        if self.on_too_long == "raise":
            raise ValueError(f"{message}. Set max_length={lengths.max()}, or leave them out.")
        warn_caller(f"{message}; their ends are cut off.")

    def _transform_parsed(self, parsed: ParsedMolecules) -> list[list[str]]:
        return [_TOKEN.findall(smiles) for smiles in parsed.smiles()]

    def _transform_mols(self, mols: Sequence[Mol]) -> list[list[str]]:
        raise NotImplementedError("tokens are made from the text, in _transform_parsed")

    def _join(self, parts: list[list[list[str]]]) -> list[list[str]]:
        return [row for part in parts for row in part]

    def _fill_invalid(self, rows: list[list[str]], valid: np.ndarray) -> list[list[str]]:
        found = iter(rows)
        return [next(found) if is_valid else [] for is_valid in valid]
