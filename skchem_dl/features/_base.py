"""The template that every featuriser follows: read rows, parse, transform chunks, put back rows."""

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed, effective_n_jobs
from rdkit.Chem import Mol
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import StrOptions

from skchem_dl._rows import spread_rows
from skchem_dl.exceptions import (
    InvalidMolecule,
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    describe_invalid,
)
from skchem_dl.features._molecules import ParsedMolecules, as_items, parse_molecules

# Parsed Mols are thirty times the size of their features: a chunk bounds how many live at once.
_CHUNK_SIZE = 1_000
# Below this many molecules a worker process costs more than it saves.
_MIN_PARALLEL = 2_000

# The valid molecules' rows, which of the chunk's rows are valid, and why the others are not.
Chunk = tuple[Any, np.ndarray, list[InvalidMolecule]]


class BaseMolTransformer(TransformerMixin, BaseEstimator):
    """Base of everything that turns n molecules into n rows of something.

    A new featuriser sets its parameters in ``__init__`` and implements `_transform_mols`; one
    whose rows are not numbers also says how chunks are joined (`_join`) and what stands in an
    invalid molecule's row (`_fill_invalid`).

    Parameters
    ----------
    on_invalid : {"raise", "nan"}
        What becomes of a row that is not a molecule.
    n_jobs : int or None
        Worker processes; None is 1, unless in a `joblib.parallel_config` context.
    smiles_column : str, int or None
        The column that holds the molecules, where X has several.
    """

    _parameter_constraints: dict[str, list] = {
        "on_invalid": [StrOptions({"raise", "nan"})],
        "n_jobs": [Integral, None],
        "smiles_column": [str, Integral, None],
    }

    on_invalid: str
    n_jobs: int | None
    smiles_column: str | int | None

    def fit(self, X: Any, y: Any = None) -> "BaseMolTransformer":
        """Check the parameters and the kind of input; nothing is learnt.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : ignored

        Returns
        -------
        self
        """
        self._validate_params()
        as_items(X, self.smiles_column)
        return self

    def transform(self, X: Any) -> Any:
        """Turn n molecules into n rows.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.

        Returns
        -------
        rows : of length n, in the order of `X`

        Raises
        ------
        InvalidMoleculeError
            If some rows are not molecules and ``on_invalid="raise"``.
        """
        return self._rows(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        return tags

    def _rows(self, X: Any) -> Any:
        """Featurise the valid rows, then raise for the others or fill them."""
        self._validate_params()
        items, labels = as_items(X, self.smiles_column)
        chunks = self._map_chunks(items)
        invalid, valid = _collect_rows(chunks)
        if invalid:
            message = describe_invalid(invalid, len(items), labels)
            if self.on_invalid == "raise":
                raise InvalidMoleculeError(
                    f'{message}\nMend or drop them, or set on_invalid="nan" to keep their place.',
                    invalid,
                    len(items),
                )
            warnings.warn(message, InvalidMoleculeWarning, stacklevel=4)
        rows = self._join([values for values, _, _ in chunks])
        return self._fill_invalid(rows, valid) if self.on_invalid == "nan" else rows

    def _map_chunks(self, items: Sequence[Any]) -> list[Chunk]:
        n_jobs = effective_n_jobs(self.n_jobs)
        if len(items) < _MIN_PARALLEL:
            n_jobs = 1
        size = min(_CHUNK_SIZE, -(-len(items) // n_jobs))
        starts = range(0, len(items), size)
        pieces = (items[start : start + size] for start in starts)
        if n_jobs == 1:
            return [self._featurize(piece) for piece in pieces]
        return Parallel(n_jobs=n_jobs)(delayed(self._featurize)(piece) for piece in pieces)

    def _featurize(self, items: Sequence[Any]) -> Chunk:
        """Featurise one chunk."""
        parsed = parse_molecules(items)
        return self._transform_parsed(parsed), parsed.valid, parsed.invalid

    def _transform_parsed(self, parsed: ParsedMolecules) -> Any:
        """Turn one chunk's valid molecules into rows; for those that need the text as well."""
        return self._transform_mols(parsed.mols)

    @abstractmethod
    def _transform_mols(self, mols: Sequence[Mol]) -> Any:
        """Turn m valid molecules into m rows; m may be 0."""

    def _join(self, parts: list[Any]) -> Any:
        """Join the chunks' rows."""
        if sp.issparse(parts[0]):
            return sp.vstack(parts, format="csr")
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _fill_invalid(self, rows: Any, valid: np.ndarray) -> Any:
        """Give float32 rows with all-NaN ones where there was no molecule."""
        return spread_rows(rows.astype(np.float32), valid)


def _collect_rows(chunks: list[Chunk]) -> tuple[list[InvalidMolecule], np.ndarray]:
    """Number the chunks' invalid rows from the start of the whole input."""
    invalid, start = [], 0
    for _, valid, bad in chunks:
        invalid += [problem._replace(row=problem.row + start) for problem in bad]
        start += len(valid)
    return invalid, np.concatenate([valid for _, valid, _ in chunks])
