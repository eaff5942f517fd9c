"""What the networks eat: whole batches as a few tensors."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skchem_dl.graphs import MolGraphs


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

    def reverse(self, edges: Tensor) -> Tensor:
        """Give the numbers of the reverses of edges."""
        half = len(self.source) // 2
        return torch.where(edges < half, edges + half, edges - half)

    def to(self, device: torch.device | str) -> "GraphBatch":
        """Give the same batch on another device."""
        tensors: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, tensor in tensors.items():
            if tensor is not None:
                tensors[name] = tensor.to(device, non_blocking=True)
        return GraphBatch(**tensors)


def _tensor(array: np.ndarray) -> Tensor:
    # torch warns of arrays it may not write to, and joblib maps large arrays read-only.
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
