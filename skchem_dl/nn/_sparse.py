"""Rows of which most numbers are zero, such as fingerprints, and the layers that take them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from skchem_dl.nn._kernels import sum_rows
from skchem_dl.nn._layers import in_float32
from skchem_dl.nn._selection import Messages, Selection, runs


@dataclass
class SparseRows:
    """A batch of n rows of d numbers, by those that are not zero.

    A product with a matrix is a message-passing sum: each row hears the columns that it has.

    Attributes
    ----------
    columns : Messages
        From the d columns to the n rows.
    values : Tensor (N,), float32, or None
        The numbers, row by row; None means ones.
    """

    columns: Messages
    values: Tensor | None = None

    @classmethod
    def from_arrays(
        cls,
        columns: np.ndarray,
        offsets: np.ndarray,
        n_columns: int,
        values: np.ndarray | None = None,
    ) -> "SparseRows":
        """Make a batch on the CPU from the arrays of a CSR matrix.

        Parameters
        ----------
        columns : ndarray of shape (N,)
            Of each number; none twice in a row.
        offsets : ndarray of shape (n + 1,)
            Row i has numbers ``offsets[i]`` to ``offsets[i + 1] - 1``.
        n_columns : int
        values : ndarray of shape (N,), default=None
            The numbers; None means ones.
        """
        source = Selection(columns.astype(np.int64), n_columns)
        messages = Messages(source, offsets.astype(np.int64))
        return cls(
            messages, None if values is None else torch.from_numpy(values.astype(np.float32))
        )

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def device(self) -> torch.device:
        """Where products are made."""
        return torch.device(self.columns.source.device)

    def to(self, device: torch.device | str) -> "SparseRows":
        """Give the same batch for another device."""
        if torch.device(device) == self.device:
            return self
        source = Selection(self.columns.source.rows, self.columns.source.n_from, device)
        values = None if self.values is None else self.values.to(device, non_blocking=True)
        return SparseRows(Messages(source, self.columns.starts), values)

    def to_dense(self) -> Tensor:
        """Give the matrix, ``(n, d)`` float32."""
        source = self.columns.source
        row_of = runs(self.columns.starts, self.device).index
        dense = torch.zeros(len(self), source.n_from, dtype=torch.float32, device=self.device)
        values = dense.new_ones(len(source)) if self.values is None else self.values
        dense[row_of, source.index] = values
        return dense

    def __matmul__(self, matrix: Tensor) -> Tensor:
        """Multiply, ``(n, d) @ (d, h) -> (n, h)``."""
        return sum_rows(self.columns, matrix, self.values)


class InputLayer(nn.Module):
    """A linear layer that takes `SparseRows` as well as a matrix.

    Its weights are those of `nn.Linear`, stored transposed: what one column of the input adds to
    all units is then one run of memory.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        drawn = nn.Linear(in_features, out_features)
        self.weight_by_column = nn.Parameter(drawn.weight.detach().T.contiguous())
        self.bias = drawn.bias

    @property
    def weight(self) -> Tensor:
        """The weights as `nn.Linear` has them, ``(out_features, in_features)``."""
        return self.weight_by_column.T

    def forward(self, rows: Tensor | SparseRows) -> Tensor:
        """Map ``(n, d) -> (n, h)``."""
        if isinstance(rows, SparseRows):
            return rows @ self.weight_by_column + self.bias
        return linear(rows, self.weight, self.bias)


class OnlyLayer(InputLayer):
    """The layer of a linear model, first and last: as `OutputLayer`, always in float32."""

    def forward(self, rows: Tensor | SparseRows) -> Tensor:
        """Map ``(n, d) -> (n, out_dim)``."""
        if isinstance(rows, SparseRows):
            return super().forward(rows)
        return in_float32(super().forward, rows)


def as_matrix(rows: Tensor | SparseRows) -> Tensor:
    """Give rows as a matrix, ``(n, d)``."""
    return rows.to_dense() if isinstance(rows, SparseRows) else rows
