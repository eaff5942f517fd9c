"""Features as the estimators hold them: which rows are valid, and any of them as one batch."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from skchem_dl._rows import valid_rows
from skchem_dl.estimators._sparsity import NonZeros, in_faster_form
from skchem_dl.graphs import MolGraphs
from skchem_dl.nn import GraphBatch
from skchem_dl.nn._selection import to_device
from skchem_dl.nn._sparse import SparseRows


class Inputs(Protocol):
    """n rows of features, in one piece.

    Attributes
    ----------
    valid : ndarray of shape (n,), bool
        False where the row stands for an invalid molecule.
    """

    valid: np.ndarray

    def batch(self, rows: np.ndarray | slice) -> Any:
        """Give the chosen rows as what the network takes, on the CPU."""

    def arrays(self) -> list[np.ndarray]:
        """Give all that it holds, to tell it from others."""


class MatrixInputs:
    """Rows of numbers, dense or CSR; held in whichever form trains faster.

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
        self.valid = valid_rows(X, names)
        self.X = in_faster_form(X, self.valid)
        self.all_ones = isinstance(self.X, NonZeros) and bool((self.X.data == 1).all())

    def batch(self, rows: np.ndarray | slice) -> torch.Tensor | SparseRows:
        """Give ``(len(rows), d)``."""
        if isinstance(self.X, NonZeros):
            data, columns, offsets, n_columns = self.X.take(rows)
            return SparseRows.from_arrays(
                columns, offsets, n_columns, None if self.all_ones else data
            )
        return to_device(np.ascontiguousarray(self.X[rows], dtype=np.float32), "cpu")

    def arrays(self) -> list[np.ndarray]:
        """Give the matrix, or the three arrays of a sparse one."""
        return list(self.X[:3]) if isinstance(self.X, NonZeros) else [self.X]


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

    def batch(self, rows: np.ndarray | slice) -> torch.Tensor:
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

    def batch(self, rows: np.ndarray | slice) -> GraphBatch:
        """Give one `GraphBatch`."""
        return GraphBatch.from_graphs(self.graphs[rows])

    def arrays(self) -> list[np.ndarray]:
        """Give the flat arrays of the graphs."""
        return [array for array in self.graphs._arrays() if array is not None]
