"""Features as the estimators hold them: which rows are valid, and any of them as one batch."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch

from skchem_dl._rows import count_in_rows
from skchem_dl.graphs import MolGraphs
from skchem_dl.nn import GraphBatch


class Inputs(Protocol):
    """n rows of features, in one piece.

    Attributes
    ----------
    valid : ndarray of shape (n,), bool
        False where the row stands for an invalid molecule.
    """

    valid: np.ndarray

    def batch(self, rows: np.ndarray) -> Any:
        """Give the chosen rows as what the network takes, on the CPU."""

    def arrays(self) -> list[np.ndarray]:
        """Give all that it holds, to tell it from others."""


class MatrixInputs:
    """Rows of numbers, dense or CSR.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
        A row of nothing but NaN stands for an invalid molecule.
    names : sequence of str, optional
        Names of the columns, for messages.

    Raises
    ------
    ValueError
        If a row is NaN or infinite in part.
    """

    def __init__(self, X: Any, names: Sequence[str] | None = None) -> None:
        self.X = X
        self.valid = _valid_rows(X, names)

    def batch(self, rows: np.ndarray) -> torch.Tensor:
        """Give float32 ``(len(rows), d)``."""
        chosen = self.X[rows]
        if sp.issparse(chosen):
            chosen = chosen.toarray()
        return torch.from_numpy(np.ascontiguousarray(chosen, dtype=np.float32))

    def arrays(self) -> list[np.ndarray]:
        """Give the matrix, or the three arrays of a CSR one."""
        return [self.X.data, self.X.indices, self.X.indptr] if sp.issparse(self.X) else [self.X]


class TokenInputs:
    """Rows of token codes.

    Parameters
    ----------
    codes : ndarray of shape (n, L), int
        0 is padding; a row of nothing else stands for an invalid molecule.
    """

    def __init__(self, codes: np.ndarray) -> None:
        self.codes = codes
        used = codes != 0
        self.lengths = codes.shape[1] - np.argmax(used[:, ::-1], axis=1)
        self.valid = used.any(axis=1)

    def batch(self, rows: np.ndarray) -> torch.Tensor:
        """Give int64 ``(len(rows), L)``, no longer than the longest row."""
        length = int(self.lengths[rows].max(initial=1))
        return torch.from_numpy(self.codes[rows, :length].astype(np.int64))

    def arrays(self) -> list[np.ndarray]:
        """Give the codes."""
        return [self.codes]


class GraphInputs:
    """Molecular graphs, with their molecule features standardised.

    Parameters
    ----------
    graphs : MolGraphs of length n
        An empty one stands for an invalid molecule.
    """

    def __init__(self, graphs: MolGraphs) -> None:
        self.graphs = graphs
        self.valid = graphs.n_atoms > 0

    def batch(self, rows: np.ndarray) -> GraphBatch:
        """Give one `GraphBatch`."""
        return GraphBatch.from_graphs(self.graphs[rows])

    def arrays(self) -> list[np.ndarray]:
        """Give the flat arrays of the graphs."""
        return [array for array in self.graphs._arrays() if array is not None]


def _valid_rows(X: Any, names: Sequence[str] | None) -> np.ndarray:
    """Find the all-NaN rows, and refuse those that are NaN or infinite in part."""
    finite = np.isfinite(X.data if sp.issparse(X) else X)
    if finite.all():
        return np.ones(X.shape[0], dtype=bool)
    n_nan = count_in_rows(X, np.isnan)
    bad = count_in_rows(X, _not_finite) > 0
    invalid = n_nan == X.shape[1]
    partly = np.flatnonzero(bad & ~invalid)
    if len(partly):
        raise ValueError(_describe_partly(X, int(partly[0]), len(partly), names))
    return ~invalid


def _not_finite(values: np.ndarray) -> np.ndarray:
    return ~np.isfinite(values)


def _describe_partly(X: Any, row: int, n_rows: int, names: Sequence[str] | None) -> str:
    values = X[[row]]
    values = (values.toarray() if sp.issparse(values) else np.asarray(values))[0]
    column = int(np.flatnonzero(~np.isfinite(values))[0])
    name = "" if names is None else f" ({names[column]!r})"
    return (
        f"Input X contains NaN or infinity in part of {n_rows} row(s), first in row {row}, column "
        f"{column}{name}: {values[column]}. Fill such gaps with an imputer before this step. (Only "
        "a row of nothing but NaN stands for an invalid molecule and is passed over.)"
    )
