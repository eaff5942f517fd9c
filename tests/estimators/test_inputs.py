"""Features as the estimators hold them."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from skchem_dl import MolGraphizer
from skchem_dl.estimators._inputs import GraphInputs, MatrixInputs, TokenInputs
from skchem_dl.nn._sparse import SparseRows

KINDS = {"dense": np.asarray, "csr_matrix": sp.csr_matrix, "csr_array": sp.csr_array}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
X = np.array([[0, 1, 0], [2, 0, 3], [0, 0, 0], [4, 5, 6]], dtype=np.float32)
NAN, INF = np.nan, np.inf


@every_kind
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64, bool])
def test_matrix_rows(kind, dtype):
    inputs = MatrixInputs(kind(X.astype(dtype)))
    batch = inputs.batch(np.array([3, 0, 3]))
    assert inputs.valid.tolist() == [True] * 4
    assert batch.dtype == torch.float32
    np.testing.assert_array_equal(batch, X.astype(dtype)[[3, 0, 3]])


@every_kind
@pytest.mark.parametrize("rows", [slice(1, 3), slice(0, 4), slice(3, 9), slice(2, 2)])
@pytest.mark.parametrize("shape", [(4, 3), (4, 300)])  # dense, and by non-zeros
def test_a_stretch_of_rows(kind, rows, shape):
    matrix = np.zeros(shape, dtype=np.float32)
    matrix[:, :3] = X
    batch = MatrixInputs(kind(matrix)).batch(rows)
    assert isinstance(batch, SparseRows) == (shape[1] == 300)
    batch = batch.to_dense() if isinstance(batch, SparseRows) else batch
    np.testing.assert_array_equal(batch, matrix[rows])


@every_kind
def test_matrix_batch_is_a_copy(kind):
    matrix = kind(X)
    MatrixInputs(matrix).batch(np.arange(4)).zero_()
    assert matrix.sum() == X.sum()


def test_read_only_matrix_gives_no_warning():
    fixed = X.copy()
    fixed.flags.writeable = False
    for rows in (np.arange(4), slice(0, 4)):
        assert MatrixInputs(fixed).batch(rows).sum() == X.sum()


@every_kind
def test_rows_of_nan_are_invalid(kind):
    with_gaps = X.copy()
    with_gaps[[0, 2]] = NAN
    assert MatrixInputs(kind(with_gaps)).valid.tolist() == [False, True, False, True]


@every_kind
@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize(
    ("names", "column"), [(None, "column 2: "), (["a", "b", "c"], r"column 2 \('c'\): ")]
)
def test_partly_missing_rows_are_refused(kind, value, names, column):
    with_gaps = X.copy()
    with_gaps[0] = NAN
    with_gaps[1, 2] = with_gaps[3, 0] = value
    with pytest.raises(
        ValueError, match=rf"in part of 2 row\(s\), first in row 1, {column}{value}"
    ):
        MatrixInputs(kind(with_gaps), names)


@every_kind
def test_an_infinite_row_is_no_invalid_molecule(kind):
    with pytest.raises(ValueError, match="first in row 1, column 0: inf"):
        MatrixInputs(kind(np.array([[NAN, NAN], [INF, INF]])))


@every_kind
def test_a_row_of_zeros_is_valid(kind):
    matrix = np.array([[NAN, NAN], [0, 0]])
    assert MatrixInputs(kind(matrix)).valid.tolist() == [False, True]


CODES = np.array([[5, 6, 0, 0], [7, 0, 0, 0], [0, 0, 0, 0], [2, 3, 4, 5], [8, 0, 9, 0]])


@pytest.mark.parametrize(
    ("rows", "length"), [([1], 1), ([0, 1], 2), ([4, 1], 3), ([1, 3, 0], 4), ([2], 4)]
)
def test_tokens_are_trimmed_to_the_longest_of_the_batch(rows, length):
    batch = TokenInputs(CODES.astype(np.int32)).batch(np.array(rows))
    assert batch.dtype == torch.int64
    np.testing.assert_array_equal(batch, CODES[rows, :length])


def test_padding_alone_is_invalid():
    inputs = TokenInputs(CODES)
    assert inputs.valid.tolist() == [True, True, False, True, True]
    assert inputs.lengths[inputs.valid].tolist() == [2, 1, 4, 3]


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
def test_empty_graphs_are_invalid():
    graphs = MolGraphizer(on_invalid="nan").fit_transform(["CCO", "no molecule", "C"])
    inputs = GraphInputs(graphs)
    assert inputs.valid.tolist() == [True, False, True]
    batch = inputs.batch(np.array([2, 0]))
    assert len(batch) == 2
    assert batch.atom_offsets.tolist() == [0, 1, 4]
    np.testing.assert_array_equal(batch.atom_codes, graphs[[2, 0]].atom_codes)
