"""The message-passing primitives, once on DGL and once on plain torch, with equal results.

Atoms carry rows of width h, edges too. A graph network here is made of matrix products and these
eight sums and gathers; nothing else in the package knows how a graph is walked.

The torch versions never scatter: a sum over an atom's edges is an `embedding_bag` over edges
sorted by destination, and its gradient is a gather (and the other way round). That is two to four
times as fast on a CPU as `index_add`, and on a GPU free of atomics, so deterministic.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from skchem_dl._dgl import import_dgl
from skchem_dl.nn._batch import GraphBatch, reversed_edges
from skchem_dl.nn._layers import check_option

BACKENDS = ("auto", "dgl", "torch")
REDUCTIONS = ("mean", "sum", "max")
_MAX_MODE = 2  # torch.embedding_bag's number for it


class Kernels(Protocol):
    """What both back ends can do."""

    def sum_edges(self, batch: GraphBatch, edge_values: Tensor) -> Tensor:
        """Sum the values of the edges that enter each atom, ``(E, h) -> (A, h)``."""

    def sum_neighbours(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Sum the values of each atom's neighbours, ``(A, h) -> (A, h)``."""

    def at_source(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Give each edge the value of the atom it leaves, ``(A, h) -> (E, h)``."""

    def sum_others(self, batch: GraphBatch, edge_values: Tensor) -> Tensor:
        """Sum what enters the atom each edge leaves, but for its reverse, ``(E, h) -> (E, h)``."""

    def at_destination(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Give each edge the value of the atom it enters, ``(A, h) -> (E, h)``."""

    def sum_weighted(self, batch: GraphBatch, atom_values: Tensor, weights: Tensor) -> Tensor:
        """Sum each atom's neighbours by weight, ``(A, k, d)`` and ``(E, k)`` to ``(A, k, d)``."""

    def reduce_molecules(self, batch: GraphBatch, atom_values: Tensor, how: str) -> Tensor:
        """Take "sum", "mean" or "max" over each molecule's atoms, ``(A, h) -> (M, h)``.

        A molecule without atoms gets zeros.
        """

    def at_atoms(self, batch: GraphBatch, molecule_values: Tensor) -> Tensor:
        """Give each atom the value of its molecule, ``(M, h) -> (A, h)``."""


class TorchKernels:
    """The primitives on torch alone, for every device."""

    def sum_edges(self, batch: GraphBatch, edge_values: Tensor) -> Tensor:
        """Sum over entering edges."""
        return _SumEdges.apply(edge_values, batch.in_edges, batch.in_offsets, batch.destination)

    def sum_neighbours(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Sum over neighbours."""
        neighbours = batch.source.index_select(0, batch.in_edges)
        return _SumNeighbours.apply(atom_values, neighbours, batch.in_offsets)

    def at_source(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Gather."""
        return _AtSource.apply(atom_values, batch.source, batch.in_edges, batch.in_offsets)

    def sum_others(self, batch: GraphBatch, edge_values: Tensor) -> Tensor:
        """Sum over other edges, in one pass over memory."""
        return _SumOthers.apply(edge_values, *batch.other_edges())

    def at_destination(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Gather."""
        ends = batch.destination, batch.in_edges, batch.in_offsets
        return _AtDestination.apply(atom_values, *ends)

    def sum_weighted(self, batch: GraphBatch, atom_values: Tensor, weights: Tensor) -> Tensor:
        """Sum over neighbours."""
        neighbours = batch.source.index_select(0, batch.in_edges)
        ends = neighbours, batch.in_edges, batch.in_offsets, batch.destination
        return _SumWeighted.apply(atom_values, weights.to(atom_values.dtype), *ends)

    def reduce_molecules(self, batch: GraphBatch, atom_values: Tensor, how: str) -> Tensor:
        """Reduce contiguous atoms."""
        return reduce_runs(atom_values, batch.atom_offsets, how)

    def at_atoms(self, batch: GraphBatch, molecule_values: Tensor) -> Tensor:
        """Repeat."""
        return _SpreadRuns.apply(molecule_values, batch.atom_offsets, len(batch.atom_codes))


class DGLKernels:
    """The primitives on DGL's sparse products."""

    def sum_edges(self, batch: GraphBatch, edge_values: Tensor) -> Tensor:
        """Sum over entering edges."""
        return import_dgl().ops.copy_e_sum(_dgl_graph(batch), edge_values)

    def sum_neighbours(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Sum over neighbours."""
        return import_dgl().ops.copy_u_sum(_dgl_graph(batch), atom_values)

    def at_source(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Gather."""
        return import_dgl().ops.copy_u(_dgl_graph(batch), atom_values)

    def sum_others(self, batch: GraphBatch, edge_values: Tensor) -> Tensor:
        """Sum what enters each atom, and take away what comes straight back."""
        there, back = edge_values.chunk(2)
        entering = self.sum_edges(batch, edge_values)
        return self.at_source(batch, entering) - torch.cat([back, there])

    def at_destination(self, batch: GraphBatch, atom_values: Tensor) -> Tensor:
        """Gather."""
        return import_dgl().ops.copy_v(_dgl_graph(batch), atom_values)

    def sum_weighted(self, batch: GraphBatch, atom_values: Tensor, weights: Tensor) -> Tensor:
        """Sum over neighbours."""
        weights = weights.to(atom_values.dtype)[..., None]
        return import_dgl().ops.u_mul_e_sum(_dgl_graph(batch), atom_values, weights)

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


def _dgl_graph(batch: GraphBatch) -> Any:
    if batch.dgl_graph is None:
        ends = (batch.source, batch.destination)
        batch.dgl_graph = import_dgl().graph(ends, num_nodes=len(batch.atom_codes))
    return batch.dgl_graph


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
    each = torch.arange(len(values), device=values.device)
    if how == "max":
        return _MaxRuns.apply(values, each, offsets)
    lengths = offsets.diff()
    run = torch.repeat_interleave(lengths, output_size=len(values))
    total = _SumEdges.apply(values, each, offsets, run)
    return total / lengths.clamp(min=1)[:, None] if how == "mean" else total


def _bag(values: Tensor, indices: Tensor, offsets: Tensor) -> Tensor:
    """Sum rows of `values`, chosen by `indices`, run by run."""
    return embedding_bag(indices, values, offsets, mode="sum", include_last_offset=True)


class _SumEdges(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, in_edges, in_offsets, destination):
        ctx.save_for_backward(destination)
        return _bag(values, in_edges, in_offsets)

    @staticmethod
    def backward(ctx, grad):
        (destination,) = ctx.saved_tensors
        return grad.index_select(0, destination), None, None, None


class _SpreadRuns(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, offsets, n_rows):
        ctx.save_for_backward(offsets)
        return values.repeat_interleave(offsets.diff(), dim=0, output_size=n_rows)

    @staticmethod
    def backward(ctx, grad):
        (offsets,) = ctx.saved_tensors
        each = torch.arange(len(grad), device=grad.device)
        return _bag(grad.contiguous(), each, offsets), None, None


class _SumOthers(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, edges, offsets, followers, follower_offsets):
        ctx.save_for_backward(followers, follower_offsets)
        return _bag(values, edges, offsets)

    @staticmethod
    def backward(ctx, grad):
        return _bag(grad.contiguous(), *ctx.saved_tensors), None, None, None, None


class _SumNeighbours(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, neighbours, in_offsets):
        ctx.save_for_backward(neighbours, in_offsets)
        return _bag(values, neighbours, in_offsets)

    @staticmethod
    def backward(ctx, grad):
        # Every bond is there in both directions, so the sum is its own transpose.
        return _bag(grad.contiguous(), *ctx.saved_tensors), None, None


class _AtSource(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, source, in_edges, in_offsets):
        ctx.save_for_backward(in_edges, in_offsets)
        return values.index_select(0, source)

    @staticmethod
    def backward(ctx, grad):
        in_edges, in_offsets = ctx.saved_tensors
        # The edges that leave an atom are the reverses of those that enter it.
        return (
            _bag(grad.contiguous(), reversed_edges(in_edges, len(in_edges)), in_offsets),
            None,
            None,
            None,
        )


class _AtDestination(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, destination, in_edges, in_offsets):
        ctx.save_for_backward(in_edges, in_offsets)
        return values.index_select(0, destination)

    @staticmethod
    def backward(ctx, grad):
        return _bag(grad.contiguous(), *ctx.saved_tensors), None, None, None


class _SumWeighted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, weights, neighbours, in_edges, in_offsets, destination):
        ctx.save_for_backward(values, weights, neighbours, in_edges, in_offsets, destination)
        return _weighted_bag(values, weights.index_select(0, in_edges), neighbours, in_offsets)

    @staticmethod
    def backward(ctx, grad):
        values, weights, neighbours, in_edges, in_offsets, destination = ctx.saved_tensors
        grad = grad.contiguous()
        of_values = of_weights = None
        if ctx.needs_input_grad[0]:
            # What left an atom went to its neighbours, over the reverses of the edges they came by.
            leaving = weights.index_select(0, reversed_edges(in_edges, len(in_edges)))
            of_values = _weighted_bag(grad, leaving, neighbours, in_offsets)
        if ctx.needs_input_grad[1]:
            arriving = grad.index_select(0, destination.index_select(0, in_edges))
            products = (arriving * values.index_select(0, neighbours)).sum(-1)
            of_weights = torch.empty_like(products).index_copy_(0, in_edges, products)
        return of_values, of_weights, None, None, None, None


def _weighted_bag(values: Tensor, weights: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """Sum rows ``(A, k, d)`` run by run, each head by weights of its own ``(E, k)``."""
    n_atoms, n_heads, dim = values.shape
    heads = torch.arange(n_heads, device=rows.device)[:, None]
    # Head after head, so that a bag holds the edges of one atom and head.
    flat = values.transpose(0, 1).reshape(n_heads * n_atoms, dim)
    starts = torch.cat([(heads * len(rows) + offsets[:-1]).flatten(), offsets[-1:] * n_heads])
    summed = embedding_bag(
        (heads * n_atoms + rows).flatten(),
        flat,
        starts,
        mode="sum",
        per_sample_weights=weights.T.flatten(),
        include_last_offset=True,
    )
    return summed.view(n_heads, n_atoms, dim).transpose(0, 1)


class _MaxRuns(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, each, offsets):
        largest, _, _, winners = torch.embedding_bag(
            values, each, offsets, mode=_MAX_MODE, include_last_offset=True
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
        return result, None, None


def _at_least_float32(values: Tensor) -> Tensor:
    return values.float() if values.dtype == torch.bfloat16 else values
