"""What a graph network predicts where its readout leaves an atom's vector out."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from skchem_dl.estimators._engine import TrainingNet
from skchem_dl.estimators._inputs import Inputs
from skchem_dl.nn import GNN, GraphBatch
from skchem_dl.nn._selection import to_device, to_offsets

# A molecule of n atoms becomes n of n - 1 atoms: 300 floats each for so many take 60 MB.
_MOST_ROWS = 50_000


def readout_contributions(
    net: TrainingNet, inputs: Inputs, rows: np.ndarray, target: int
) -> list[np.ndarray]:
    """Give by how much the output falls where the readout leaves out each atom.

    Parameters
    ----------
    net : TrainingNet
        Of a graph network.
    inputs : Inputs
    rows : ndarray of shape (m,)
        Valid ones.
    target : int
        Which of the outputs.

    Returns
    -------
    list of m arrays of shape (n_atoms,), float64
    """
    module: GNN = net.module_
    with torch.inference_mode():
        batch = inputs.batch(rows).to(net.device)
        atoms = module.atom_states(batch)
        whole = module.head(module.read_out(batch, atoms))[:, target]
        left = torch.cat(
            [
                module.head(module.read_out(part, atoms[to_device(kept, net.device)]))[:, target]
                for part, kept in _without_each_atom(batch)
            ]
        )
    losses = np.repeat(whole.cpu().numpy(), batch.n_atoms).astype(np.float64) - left.cpu().numpy()
    return np.split(losses, to_offsets(batch.n_atoms)[1:-1])


def _without_each_atom(batch: GraphBatch) -> Iterator[tuple[GraphBatch, np.ndarray]]:
    """Give molecules without one of their atoms, and which atoms of the batch are left.

    The batches are good for a readout and nothing else.
    """
    starts = to_offsets(batch.n_atoms)[:-1]
    for chunk in _chunks(batch.n_atoms):
        n_atoms = batch.n_atoms[chunk]
        kept = [_all_but_each(start, n) for start, n in zip(starts[chunk], n_atoms, strict=True)]
        left = np.repeat(n_atoms - 1, n_atoms)
        features = batch.molecule_features
        if features is not None:
            copies = to_device(np.repeat(chunk, n_atoms), batch.device)
            features = features[copies]
        atoms = np.concatenate(kept)
        part = replace(
            batch,
            atom_codes=batch.atom_codes[atoms],
            n_atoms=left,
            atom_offsets=to_device(to_offsets(left), batch.device),
            molecule_features=features,
        )
        yield part, atoms


def _chunks(n_atoms: np.ndarray) -> Iterator[np.ndarray]:
    """Give the numbers of some molecules at a time, as many as there is room for."""
    piece = np.cumsum(n_atoms**2) // _MOST_ROWS
    yield from np.split(np.arange(len(n_atoms)), np.flatnonzero(np.diff(piece)) + 1)


def _all_but_each(start: int, n: int) -> np.ndarray:
    """List n numbers from `start` on n times, each time without one of them."""
    numbers = np.broadcast_to(np.arange(start, start + n), (n, n))
    return numbers[~np.eye(n, dtype=bool)]
