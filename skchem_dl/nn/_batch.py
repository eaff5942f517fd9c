"""What the networks eat: whole batches as a few tensors."""

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from skchem_dl.graphs import MolGraphs

_MADE_LATER = ("dgl_graph", "_kinds", "_others")


class BondKinds(NamedTuple):
    """The distinct bonds of a batch, and its edges sorted by them.

    Attributes
    ----------
    codes : Tensor (U, bond fields), uint8
        Of each kind.
    counts : list of int
        Edges of each kind.
    order : Tensor (E,), int64
        Edges, kind after kind.
    position : Tensor (E,), int64
        Where each edge is in that order.
    """

    codes: Tensor
    counts: list[int]
    order: Tensor
    position: Tensor


class OtherEdges(NamedTuple):
    """For each edge those that enter the atom it leaves, but not the one it would run back along.

    Attributes
    ----------
    edges : Tensor (T,), int64
        Those of edge e are ``edges[offsets[e]:offsets[e + 1]]``.
    offsets : Tensor (E + 1,), int64
    followers, follower_offsets : Tensor
        The transpose: which edges have e among theirs.
    """

    edges: Tensor
    offsets: Tensor
    followers: Tensor
    follower_offsets: Tensor


@dataclass
class GraphBatch:
    """A batch of M molecules with A atoms and B bonds, as E = 2B directed edges.

    Edges 0 to B - 1 run as the bonds are stored, the others back: edge ``(e + B) % E`` is the
    reverse of edge e. So a flip of the two halves reverses every edge without an index.

    Attributes
    ----------
    atom_codes : Tensor (A, atom fields), uint8
    bond_codes : Tensor (B, bond fields), uint8
    source, destination : Tensor (E,), int64
        The atoms each edge leaves and enters.
    in_edges : Tensor (E,), int64
        Edges sorted by destination: the edges into atom a are
        ``in_edges[in_offsets[a]:in_offsets[a + 1]]``.
    in_offsets : Tensor (A + 1,), int64
    atom_offsets : Tensor (M + 1,), int64
        Atoms of molecule i are ``atom_offsets[i]:atom_offsets[i + 1]``.
    molecule_features : Tensor (M, d), float32, or None
    """

    atom_codes: Tensor
    bond_codes: Tensor
    source: Tensor
    destination: Tensor
    in_edges: Tensor
    in_offsets: Tensor
    atom_offsets: Tensor
    molecule_features: Tensor | None = None
    dgl_graph: Any = field(default=None, repr=False)  # made by the DGL kernels when first needed
    _kinds: BondKinds | None = field(default=None, repr=False)
    _others: OtherEdges | None = field(default=None, repr=False)

    @classmethod
    def from_graphs(cls, graphs: MolGraphs) -> "GraphBatch":
        """Make a batch of all molecules of `graphs`."""
        source, destination = graphs.directed_edges()
        in_edges = np.argsort(destination, kind="stable")
        in_offsets = np.zeros(len(graphs.atom_codes) + 1, dtype=np.int64)
        np.cumsum(np.bincount(destination, minlength=len(graphs.atom_codes)), out=in_offsets[1:])
        features = graphs.molecule_features
        return cls(
            atom_codes=_tensor(graphs.atom_codes),
            bond_codes=_tensor(graphs.bond_codes),
            source=_tensor(source),
            destination=_tensor(destination),
            in_edges=_tensor(in_edges),
            in_offsets=_tensor(in_offsets),
            atom_offsets=_tensor(graphs.atom_offsets),
            molecule_features=None if features is None else _tensor(features),
        )

    def __len__(self) -> int:
        return len(self.atom_offsets) - 1

    def both_ways(self, bonds: Tensor) -> Tensor:
        """Give each edge the value of its bond, ``(B, h) -> (E, h)``."""
        return torch.cat([bonds, bonds])

    def bond_kinds(self) -> BondKinds:
        """Sort the edges by kind of bond, once a batch."""
        if self._kinds is None:
            codes, kind = torch.unique(self.bond_codes, dim=0, return_inverse=True)
            kind = torch.cat([kind, kind])
            order = torch.argsort(kind, stable=True)
            counts = torch.bincount(kind, minlength=len(codes)).tolist()
            self._kinds = BondKinds(codes, counts, order, torch.argsort(order))
        return self._kinds

    def other_edges(self) -> OtherEdges:
        """List, once a batch, what each directed bond hears in directed message passing."""
        if self._others is None:
            n_edges = len(self.source)
            n_entering = self.in_offsets.diff().index_select(0, self.source)
            total = int(n_entering.sum())
            edge = torch.repeat_interleave(n_entering, output_size=total)
            starts = n_entering.cumsum(0) - n_entering
            first = self.in_offsets.index_select(0, self.source) - starts
            place = torch.arange(total, device=edge.device) + first.index_select(0, edge)
            entering = self.in_edges.index_select(0, place)
            edges = entering[entering != self.reverse(edge)]
            counts = n_entering - 1  # its own reverse is always there
            # Edge j hears e just if the reverse of e hears that of j; reverses are half a turn on.
            half = n_edges // 2
            turn = int(counts[:half].sum())
            followers = self.reverse(torch.cat([edges[turn:], edges[:turn]]))
            self._others = OtherEdges(
                edges, _offsets(counts), followers, _offsets(counts.roll(half))
            )
        return self._others

    def reverse(self, edges: Tensor) -> Tensor:
        """Give the numbers of the reverses of edges."""
        return reversed_edges(edges, len(self.source))

    def to(self, device: torch.device | str) -> "GraphBatch":
        """Give the same batch on another device."""
        tensors: dict[str, Any] = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in _MADE_LATER
        }
        for name, tensor in tensors.items():
            if tensor is not None:
                tensors[name] = tensor.to(device, non_blocking=True)
        return GraphBatch(**tensors)


def reversed_edges(edges: Tensor, n_edges: int) -> Tensor:
    """Give the numbers of the reverses of some of `n_edges` edges: they are half a turn on."""
    half = n_edges // 2
    return torch.where(edges < half, edges + half, edges - half)


def _offsets(counts: Tensor) -> Tensor:
    return torch.nn.functional.pad(counts.cumsum(0), (1, 0))


def _tensor(array: np.ndarray) -> Tensor:
    # torch warns of arrays it may not write to, and joblib maps large arrays read-only.
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
