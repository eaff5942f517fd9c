"""The template that every featuriser follows: read rows, parse, transform chunks, put back rows."""

import os
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from numbers import Integral
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import Mol
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import HasMethods, StrOptions

from skchem_dl._fit_tasks import OneTaskMixin
from skchem_dl._rows import spread_rows
from skchem_dl._warnings import warn_caller
from skchem_dl.exceptions import (
    InvalidMolecule,
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    describe_invalid,
)
from skchem_dl.features._cache import FeatureCache, as_cache, cached_chunk
from skchem_dl.features._molecules import (
    ParsedMolecules,
    as_items,
    parse_molecules,
    row_subset,
)
from skchem_dl.features._parallel import map_chunks

# What each featuriser's attributes were when its parameters were last validated.
_checked: WeakKeyDictionary[Any, tuple[Any, ...]] = WeakKeyDictionary()

# The valid molecules' rows, which of the chunk's rows are valid, and why the others are not.
Chunk = tuple[Any, np.ndarray, list[InvalidMolecule]]


class BaseMolTransformer(OneTaskMixin, TransformerMixin, BaseEstimator):
    """Base of everything that turns n molecules into n rows of something.

    A new featuriser sets its parameters in ``__init__`` and implements `_transform_mols`; one
    whose rows are not numbers also says so (`_kind`), how chunks are joined (`_join`) and what
    stands in an invalid molecule's row (`_fill_invalid`); one that is far slower than parsing says
    by how much (`_seconds_per_molecule`).

    Parameters
    ----------
    on_invalid : {"raise", "nan"}
        What becomes of a row that is not a molecule.
    n_jobs : int or None
        Worker processes; None is 1, unless in a `joblib.parallel_config` context.
    smiles_column : str, int or None
        The column that holds the molecules, where X has several.
    memory : str, path, joblib.Memory, FeatureCache or None
        Where rows are kept. What `_transform_parsed` makes of a SMILES may then depend on nothing
        but the parameters (those in `_not_in_rows` excepted), RDKit and the version of skchem_dl.
    """

    _parameter_constraints: dict[str, list] = {
        "on_invalid": [StrOptions({"raise", "nan"})],
        "n_jobs": [Integral, None],
        "smiles_column": [str, Integral, None],
        "memory": [str, os.PathLike, HasMethods(["cache"]), FeatureCache, None],
    }
    # Parameters on which the rows of `_transform_parsed` do not depend.
    _not_in_rows: tuple[str, ...] = ("memory", "n_jobs", "on_invalid", "smiles_column")
    # "fingerprint": bits or counts; "numbers": of any size and with gaps; "other": no such matrix.
    _kind: str = "numbers"

    on_invalid: str
    n_jobs: int | None
    smiles_column: str | int | None
    memory: Any

    def fit(self, X: Any, y: Any = None) -> "BaseMolTransformer":
        """Check the parameters and the kind of input; nothing is learnt.

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
        self._check_params()
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
        rows : of length n
            One a molecule, in the order of `X`.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not molecules and ``on_invalid="raise"``.
        """
        return self._rows(X)

    def __getstate_for_file__(self) -> dict[str, Any]:
        """Give what `skchem_dl.save` writes: no folder of this machine."""
        return {**vars(self), "memory": None}

    def __setstate_from_file__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "memory": None})

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        return tags

    def _check_params(self) -> None:
        """Validate the parameters, unless these very objects were: that takes longer than ECFP4."""
        values = tuple(vars(self).values())
        known = _checked.get(self, ())
        if len(values) != len(known) or any(a is not b for a, b in zip(values, known, strict=True)):
            self._validate_params()
            _checked[self] = values

    def _rows(self, X: Any) -> Any:
        """Featurise the valid rows, then raise for the others or fill them."""
        self._check_params()
        items, labels = as_items(X, self.smiles_column)
        cache = as_cache(self.memory)
        make = self._featurize_all if cache is None else partial(self._featurize_cached, cache)
        rows, valid, invalid = make(items)
        if invalid:
            self._report_invalid(invalid, len(items), labels)
        rows = self._finish(rows)
        return self._fill_invalid(rows, valid) if self.on_invalid == "nan" else rows

    def _report_invalid(
        self, invalid: list[InvalidMolecule], n_rows: int, labels: Sequence[object] | None
    ) -> None:
        message = describe_invalid(invalid, n_rows, labels)
        if self.on_invalid == "raise":
            raise InvalidMoleculeError(
                f'{message}\nFix or drop these rows, or set on_invalid="nan" to keep their place.',
                invalid,
                n_rows,
            )
        warn_caller(InvalidMoleculeWarning(message, invalid, n_rows))

    def _featurize_cached(self, cache: FeatureCache, items: Sequence[Any]) -> Chunk:
        """Featurise the rows that are not in the cache; only text is looked up there."""
        is_text = np.array([isinstance(item, str) for item in items])
        if not is_text.any():
            return self._featurize_all(items)
        chunk = cached_chunk(self, cache, [item for item in items if isinstance(item, str)])
        if is_text.all():
            return chunk
        others = self._featurize_all([item for item in items if not isinstance(item, str)])
        return self._interleave(chunk, others, ~is_text)

    def _featurize_all(self, items: Sequence[Any]) -> Chunk:
        """Featurise any number of rows, chunk by chunk."""
        chunks = map_chunks(
            self._featurize,
            items,
            n_jobs=self.n_jobs,
            seconds_per_item=self._seconds_per_molecule,
        )
        invalid, valid = _collect_rows(chunks)
        return self._join([rows for rows, _, _ in chunks]), valid, invalid

    def _featurize(self, items: Sequence[Any]) -> Chunk:
        """Featurise one chunk."""
        parsed = parse_molecules(items)
        return self._transform_parsed(parsed), parsed.valid, parsed.invalid

    def _interleave(self, one: Chunk, other: Chunk, from_other: np.ndarray) -> Chunk:
        """Join two chunks, given which rows of the whole are the other's."""
        places = np.flatnonzero(~from_other), np.flatnonzero(from_other)
        valid = np.empty(len(from_other), dtype=bool)
        invalid = []
        for (_, its_valid, its_invalid), its_places in zip((one, other), places, strict=True):
            valid[its_places] = its_valid
            invalid += [bad._replace(row=int(its_places[bad.row])) for bad in its_invalid]
        order = np.argsort(np.concatenate([places[0][one[1]], places[1][other[1]]]))
        rows = row_subset(self._join([one[0], other[0]]), order)
        return rows, valid, sorted(invalid, key=lambda bad: bad.row)

    def _transform_parsed(self, parsed: ParsedMolecules) -> Any:
        """Turn one chunk's valid molecules into rows; for those that need the text as well."""
        return self._transform_mols(parsed.mols)

    @abstractmethod
    def _transform_mols(self, mols: Sequence[Mol]) -> Any:
        """Turn m valid molecules into m rows; m may be 0."""

    def _join(self, parts: list[Any]) -> Any:
        """Join the chunks' rows."""
        if len(parts) == 1:
            return parts[0]
        return sp.vstack(parts, format="csr") if sp.issparse(parts[0]) else np.concatenate(parts)

    @property
    def _seconds_per_molecule(self) -> float:
        """What one takes on one core, roughly: a few are not worth a worker process."""
        return 2e-4

    def _finish(self, rows: Any) -> Any:
        """Turn rows, as workers send and the cache keeps them, into those that are given."""
        return rows

    def _fill_invalid(self, rows: Any, valid: np.ndarray) -> Any:
        """Give float32 rows with all-NaN ones where there was no molecule."""
        return spread_rows(rows.astype(np.float32, copy=False), valid)


def _collect_rows(chunks: list[Chunk]) -> tuple[list[InvalidMolecule], np.ndarray]:
    """Number the chunks' invalid rows from the start of the whole input."""
    invalid, start = [], 0
    for _, valid, bad in chunks:
        invalid += [problem._replace(row=problem.row + start) for problem in bad]
        start += len(valid)
    return invalid, np.concatenate([valid for _, valid, _ in chunks])
