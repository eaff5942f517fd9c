"""What the graph networks eat: whole batches as a few flat arrays."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from skchem_dl.graphs import MolGraphs
from skchem_dl.nn._selection import stable_argsort, to_device, to_offsets


@dataclass
class GraphBatch:
    """A batch of M molecules with A atoms and B bonds, as E = 2B directed edges.

    Edges 0 to B - 1 run as the bonds are stored, the others back: edge ``(e + B) % E`` is the
    reverse of edge e. So a flip of the two halves reverses every edge without an index.

    The graphs are numpy arrays: what a network computes is planned on the CPU.

    Attributes
    ----------
    atom_codes : ndarray of shape (A, atom fields), uint8
        As in `skchem_dl.MolGraphs`.
    bond_codes : ndarray of shape (B, bond fields), uint8
        As in `skchem_dl.MolGraphs`.
    source, destination : ndarray of shape (E,), int64
        The atoms each edge leaves and enters.
    in_edges : ndarray of shape (E,), int64
        Edges sorted by destination: the edges into atom a are
        ``in_edges[in_offsets[a]:in_offsets[a + 1]]``.
    in_offsets : ndarray of shape (A + 1,), int64
        Where those of each atom begin.
    n_atoms : ndarray of shape (M,), int64
        Of each molecule.
    atom_offsets : Tensor (M + 1,), int64
        Atoms of molecule i are ``atom_offsets[i]:atom_offsets[i + 1]``.
    molecule_features : Tensor (M, d), float32, or None
        Numbers that belong to a molecule as a whole.
    atom_scale : Tensor (A,), or None
        How much of each atom's codes the network is shown, and of a bond's codes as much as of its
        two atoms' on average; None shows them as they are. For the gradients by it: each atom and
        bond then has a row of its own in all states, which takes several times as long.

    See Also
    --------
    GNN : Takes it.

    Examples
    --------
    >>> from skchem_dl import MolGraphizer
    >>> from skchem_dl.nn import GraphBatch
    >>> batch = GraphBatch.from_graphs(MolGraphizer().fit_transform(["CCO", "C"]))
    >>> batch.source.tolist(), batch.destination.tolist()
    ([0, 1, 1, 2], [1, 2, 0, 1])
    """

    atom_codes: np.ndarray
    bond_codes: np.ndarray
    source: np.ndarray
    destination: np.ndarray
    in_edges: np.ndarray
    in_offsets: np.ndarray
    n_atoms: np.ndarray
    atom_offsets: Tensor
    molecule_features: Tensor | None = None
    atom_scale: Tensor | None = None

    @classmethod
    def from_graphs(cls, graphs: MolGraphs) -> "GraphBatch":
        """Make a batch of all molecules of some graphs.

        Parameters
        ----------
        graphs : MolGraphs
            M molecules.

        Returns
        -------
        GraphBatch
            On the CPU.
        """
        source, destination = graphs.directed_edges()
        n_atoms = len(graphs.atom_codes)
        features = graphs.molecule_features
        return cls(
            atom_codes=graphs.atom_codes,
            bond_codes=graphs.bond_codes,
            source=source,
            destination=destination,
            in_edges=stable_argsort(destination, n_atoms),
            in_offsets=to_offsets(np.bincount(destination, minlength=n_atoms)),
            n_atoms=graphs.n_atoms,
            atom_offsets=to_device(graphs.atom_offsets, "cpu"),
            molecule_features=None if features is None else to_device(features, "cpu"),
        )

    def __len__(self) -> int:
        return len(self.atom_offsets) - 1

    @property
    def device(self) -> torch.device:
        """Where the rows of the network are."""
        return self.atom_offsets.device

    def reverse(self, edges: np.ndarray) -> np.ndarray:
        """Give the numbers of the reverses of edges.

        Parameters
        ----------
        edges : ndarray of any shape, int
            Numbers of edges.

        Returns
        -------
        ndarray of the same shape, int
            Numbers of edges.
        """
        half = len(self.source) // 2
        return np.where(edges < half, edges + half, edges - half)

    def to(self, device: torch.device | str) -> "GraphBatch":
        """Give the same batch for another device.

        Parameters
        ----------
        device : torch.device or str
            Where its tensors are to be.

        Returns
        -------
        GraphBatch
            Its arrays are shared.
        """
        features, scale = self.molecule_features, self.atom_scale
        return replace(
            self,
            atom_offsets=self.atom_offsets.to(device, non_blocking=True),
            molecule_features=None if features is None else features.to(device, non_blocking=True),
            atom_scale=None if scale is None else scale.to(device, non_blocking=True),
        )
