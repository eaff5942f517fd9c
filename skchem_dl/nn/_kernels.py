"""The message-passing primitives, once on DGL and once on plain torch, with equal results.

N messages go to n rows of width h. A graph network here is made of matrix
products and these eight sums and gathers; nothing else in the package knows how a graph is walked.

The torch versions never scatter: a sum over messages is an `embedding_bag`, and its gradient is a
gather or a bag of the inverse lists (and the other way round). That is two to four times as fast on
a CPU as `index_add`, and on a GPU free of atomics, so deterministic.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag

from skchem_dl._dgl import import_dgl
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._layers import check_option
from skchem_dl.nn._selection import Messages, Selection

BACKENDS = ("auto", "dgl", "torch")
REDUCTIONS = ("mean", "sum", "max")
_SUM_MODE, _MAX_MODE = 0, 2  # torch.embedding_bag's numbers for them


class Kernels(Protocol):
    """What both back ends can do."""

    def take(self, values: Tensor, rows: Selection) -> Tensor:
        """Select rows, ``(n_from, h) -> (n, h)``."""

    def at_source(self, messages: Messages, state: Tensor) -> Tensor:
        """Give each message the row that it comes from, ``(n_before, h) -> (N, h)``."""

    def at_destination(self, messages: Messages, state: Tensor) -> Tensor:
        """Give each message the row that hears it, ``(n, h) -> (N, h)``."""

    def sum_messages(self, messages: Messages, values: Tensor) -> Tensor:
        """Sum the messages that each row hears, ``(N, h) -> (n, h)``."""

    def sum_neighbours(self, messages: Messages, state: Tensor) -> Tensor:
        """Sum the rows that each row hears, ``(n_before, h) -> (n, h)``."""

    def attend(self, messages: Messages, state: Tensor, logits: Tensor) -> Tensor:
        """Take the mean of the rows that each row hears, weighted by the softmax of logits.

        ``(n_before, k, d)`` and ``(N, k)`` to ``(n, k, d)``, for k heads; zeros where there is
        nothing to hear.
        """

    def reduce_molecules(self, batch: GraphBatch, atom_values: Tensor, how: str) -> Tensor:
        """Take "sum", "mean" or "max" over each molecule's atoms, ``(A, h) -> (M, h)``.

        A molecule without atoms gets zeros.
        """

    def at_atoms(self, batch: GraphBatch, molecule_values: Tensor) -> Tensor:
        """Give each atom the value of its molecule, ``(M, h) -> (A, h)``."""


class TorchKernels:
    """The primitives on torch alone, for every device."""

    def take(self, values: Tensor, rows: Selection) -> Tensor:
        """Gather."""
        return _Take.apply(values, rows)

    def at_source(self, messages: Messages, state: Tensor) -> Tensor:
        """Gather."""
        return _Take.apply(state, messages.source)

    def at_destination(self, messages: Messages, state: Tensor) -> Tensor:
        """Gather."""
        return _Take.apply(state, messages.destination)

    def sum_messages(self, messages: Messages, values: Tensor) -> Tensor:
        """Sum runs of messages."""
        return _SumRuns.apply(values, messages.destination.index, messages.offsets)

    def sum_neighbours(self, messages: Messages, state: Tensor) -> Tensor:
        """Sum over messages, in one pass over memory."""
        return sum_rows(messages, state)

    def attend(self, messages: Messages, state: Tensor, logits: Tensor) -> Tensor:
        """Sum over messages, in one pass over memory."""
        return _Attend.apply(state, _at_least_float32(logits), messages)

    def reduce_molecules(self, batch: GraphBatch, atom_values: Tensor, how: str) -> Tensor:
        """Reduce contiguous atoms."""
        return reduce_runs(atom_values, batch.atom_offsets, how)

    def at_atoms(self, batch: GraphBatch, molecule_values: Tensor) -> Tensor:
        """Repeat."""
        return _SpreadRuns.apply(molecule_values, batch.atom_offsets, len(batch.atom_codes))


class DGLKernels:
    """The primitives on DGL's sparse products."""

    def take(self, values: Tensor, rows: Selection) -> Tensor:
        """Gather; that is no matter of graphs."""
        return values.index_select(0, rows.index)

    def at_source(self, messages: Messages, state: Tensor) -> Tensor:
        """Gather."""
        return import_dgl().ops.copy_u(_dgl_graph(messages), state)

    def at_destination(self, messages: Messages, state: Tensor) -> Tensor:
        """Gather."""
        return import_dgl().ops.copy_v(_dgl_graph(messages), state)

    def sum_messages(self, messages: Messages, values: Tensor) -> Tensor:
        """Sum over messages."""
        return import_dgl().ops.copy_e_sum(_dgl_graph(messages), values)

    def sum_neighbours(self, messages: Messages, state: Tensor) -> Tensor:
        """Sum over messages."""
        return import_dgl().ops.copy_u_sum(_dgl_graph(messages), state)

    def attend(self, messages: Messages, state: Tensor, logits: Tensor) -> Tensor:
        """Sum over messages."""
        graph, ops = _dgl_graph(messages), import_dgl().ops
        shares = ops.edge_softmax(graph, _at_least_float32(logits))
        return ops.u_mul_e_sum(graph, state, shares.to(state.dtype)[..., None])

    def reduce_molecules(self, batch: GraphBatch, atom_values: Tensor, how: str) -> Tensor:
        """Reduce contiguous atoms."""
        n_atoms = batch.atom_offsets.diff()
        reducer = "max" if how == "max" else "sum"
        # In float32: DGL has no sum of bfloat16 rows on the CPU.
        total = import_dgl().ops.segment_reduce(n_atoms, _at_least_float32(atom_values), reducer)
        total = total.to(atom_values.dtype)
        # DGL's own mean of no atoms is NaN.
        return total / n_atoms.clamp(min=1)[:, None] if how == "mean" else total

    def at_atoms(self, batch: GraphBatch, molecule_values: Tensor) -> Tensor:
        """Repeat; DGL's own broadcast does it the same way."""
        return molecule_values.repeat_interleave(batch.atom_offsets.diff(), dim=0)


def make_kernels(backend: str) -> Kernels:
    """Give the kernels of a back end.

    Parameters
    ----------
    backend : {"auto", "dgl", "torch"}
        "auto" is torch: when both were measured (`benchmarks/kernels.py`) it was the faster on
        every primitive but the max readout, and it works on every device and Python.

    Returns
    -------
    Kernels

    Raises
    ------
    ImportError
        If "dgl" is asked for and not installed.
    ValueError
        If there is no such back end.
    """
    check_option("backend", backend, BACKENDS)
    if backend == "dgl":
        import_dgl()
        return DGLKernels()
    return TorchKernels()


def _dgl_graph(messages: Messages) -> Any:
    if messages.dgl_graph is None:
        ends = messages.source.index, messages.destination.index
        n_rows = {"before": messages.source.n_from, "after": len(messages)}
        messages.dgl_graph = import_dgl().heterograph({("before", "to", "after"): ends}, n_rows)
    return messages.dgl_graph


def reduce_runs(values: Tensor, offsets: Tensor, how: str) -> Tensor:
    """Take "sum", "mean" or "max" over runs of rows; an empty run gives zeros.

    Parameters
    ----------
    values : Tensor (N, h)
    offsets : Tensor (n + 1,), int64
        Run i is ``values[offsets[i]:offsets[i + 1]]``.
    how : {"sum", "mean", "max"}

    Returns
    -------
    Tensor (n, h)
    """
    if how == "max":
        return _MaxRuns.apply(values, offsets)
    lengths = offsets.diff()
    run = torch.repeat_interleave(lengths, output_size=len(values))
    total = _SumRuns.apply(values, run, offsets)
    return total / lengths.clamp(min=1)[:, None] if how == "mean" else total


def sum_rows(messages: Messages, state: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum what each row hears.

    Parameters
    ----------
    messages : Messages
        N of them, to n rows.
    state : Tensor (n_before, h)
    weights : Tensor (N,), default=None
        Constants that the messages are multiplied with.

    Returns
    -------
    Tensor (n, h)
    """
    if weights is not None:
        weights = weights.to(state.dtype)
    if not torch.is_grad_enabled():  # an autograd function costs a molecule more than its sum
        return _bag(state, messages.source.index, messages.offsets, weights)
    return _SumRowsHeard.apply(state, messages, weights)


def _bag(values: Tensor, indices: Tensor, offsets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum rows of `values`, chosen by `indices`, run by run."""
    return embedding_bag(
        indices,
        values,
        offsets,
        mode="sum",
        per_sample_weights=weights,
        include_last_offset=True,
    )


def _numbers(rows: Tensor) -> Tensor:
    return torch.arange(len(rows), device=rows.device)


class _Take(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, rows):
        ctx.rows = rows
        return values.index_select(0, rows.index)

    @staticmethod
    def backward(ctx, grad):
        return _bag(grad.contiguous(), *ctx.rows.inverse), None


class _SumRuns(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, run, offsets):
        ctx.save_for_backward(run)
        return _bag(values, _numbers(values), offsets)

    @staticmethod
    def backward(ctx, grad):
        return grad.index_select(0, *ctx.saved_tensors), None, None


class _SpreadRuns(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, offsets, n_rows):
        ctx.save_for_backward(offsets)
        return values.repeat_interleave(offsets.diff(), dim=0, output_size=n_rows)

    @staticmethod
    def backward(ctx, grad):
        return _bag(grad.contiguous(), _numbers(grad), *ctx.saved_tensors), None, None


class _SumRowsHeard(torch.autograd.Function):
    @staticmethod
    def forward(ctx, state, messages, weights):
        ctx.messages, ctx.weights = messages, weights
        return _bag(state, messages.source.index, messages.offsets, weights)

    @staticmethod
    def backward(ctx, grad):
        places, offsets = ctx.messages.source.inverse
        weights = None if ctx.weights is None else ctx.weights.index_select(0, places)
        return _bag(grad.contiguous(), ctx.messages.hearers, offsets, weights), None, None


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx, state, logits, messages):
        n_slots, n_heads = messages.n_slots, logits.shape[1]
        table = logits.new_full((n_slots * len(messages), n_heads), -torch.inf)
        table.index_copy_(0, messages.slots, logits)
        # A column without messages becomes NaN, which nothing reads.
        shares = torch.softmax(table.view(n_slots, len(messages) * n_heads), 0).view_as(table)
        weights = shares.index_select(0, messages.slots).to(state.dtype)
        ctx.save_for_backward(state, shares, weights)
        ctx.messages = messages
        return _weighted_bag(state, weights, messages.source.index, messages.offsets)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        state, shares, weights = ctx.saved_tensors
        messages = ctx.messages
        grad = grad.contiguous()
        of_state = of_logits = None
        if ctx.needs_input_grad[0]:
            places, offsets = messages.source.inverse
            leaving = weights.index_select(0, places)
            of_state = _weighted_bag(grad, leaving, messages.hearers, offsets)
        if ctx.needs_input_grad[1]:
            of_weights = _products(grad, messages.destination.index, state, messages.source.index)
            of_shares = torch.zeros_like(shares)
            of_shares.index_copy_(0, messages.slots, of_weights.to(shares.dtype))
            table = (messages.n_slots, -1) if len(messages) else shares.shape
            of_table = torch._softmax_backward_data(
                of_shares.view(table), shares.view(table), 0, shares.dtype
            )
            of_logits = of_table.view_as(shares).index_select(0, messages.slots)
        return of_state, of_logits, None


def _weighted_bag(values: Tensor, weights: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """Sum rows ``(n, k, d)`` run by run, each head by weights of its own ``(N, k)``."""
    n_heads, dim = values.shape[1:]
    heads = torch.arange(n_heads, device=rows.device)[:, None]
    # Head after head, so that a bag holds the messages of one row and head.
    starts = torch.cat([(heads * len(rows) + offsets[:-1]).flatten(), offsets[-1:] * n_heads])
    summed = embedding_bag(
        (rows * n_heads + heads).flatten(),
        values.reshape(-1, dim),
        starts,
        mode="sum",
        per_sample_weights=weights.T.flatten(),
        include_last_offset=True,
    )
    return summed.view(n_heads, len(offsets) - 1, dim).transpose(0, 1)


def _products(one: Tensor, rows: Tensor, other: Tensor, other_rows: Tensor) -> Tensor:
    """Multiply pairs of rows ``(n, k, d)``, head by head: give ``(N, k)``."""
    n_heads, dim = one.shape[1:]
    heads = torch.arange(n_heads, device=rows.device)
    # In one pass, where gathered rows would have to be written and read again.
    products = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        one.reshape(-1, dim),
        other.reshape(-1, dim),
        (other_rows[:, None] * n_heads + heads).flatten(),
        rows.new_empty(0),  # where bags begin, which the next makes superfluous
        (rows[:, None] * n_heads + heads).flatten(),
        _SUM_MODE,
    )
    return products.view(-1, n_heads)


class _MaxRuns(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, offsets):
        largest, _, _, winners = torch.embedding_bag(
            values, _numbers(values), offsets, mode=_MAX_MODE, include_last_offset=True
        )
        ctx.save_for_backward(winners, offsets)
        ctx.shape = values.shape
        return largest

    @staticmethod
    def backward(ctx, grad):
        winners, offsets = ctx.saved_tensors
        # Runs don't overlap, so no two winners of a column are the same row. An empty run has
        # none, whatever its entry says.
        grad = grad.masked_fill(offsets.diff()[:, None] == 0, 0.0)
        result = grad.new_zeros(ctx.shape)
        if len(result):
            result.scatter_add_(0, winners.clamp(min=0), grad)
        return result, None


def _at_least_float32(values: Tensor) -> Tensor:
    return values.float() if values.dtype == torch.bfloat16 else values
