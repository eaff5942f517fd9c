"""The one place that imports DGL, and the exchange of graphs with it."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from skchem_dl.graphs import GraphSchema, MolGraphs


@cache
def import_dgl() -> Any:
    """Import DGL on torch; without DGLBACKEND it would print and write to the home folder.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If DGL is not there, with what to do.
    """
    os.environ.setdefault("DGLBACKEND", "pytorch")
    try:
        import dgl
    except (ImportError, OSError) as error:  # OSError: a C++ library that does not load
        raise ImportError(
            "DGL is not installed or does not import here (its wheels end at Python 3.11). "
            'Use backend="torch" or "auto", which do without, or install it: '
            f"pip install 'dgl>=1.1.3,<2'. The reason given was: {error}"
        ) from error
    return dgl


def has_dgl() -> bool:
    """Say whether DGL can be imported."""
    try:
        import_dgl()
    except ImportError:
        return False
    return True


def to_dgl(graphs: "MolGraphs") -> Any:
    """Make one batched DGL graph; see `MolGraphs.to_dgl`."""
    import torch

    shift = np.repeat(graphs.atom_offsets[:-1], graphs.n_bonds)
    bonds = torch.from_numpy(graphs.bond_atoms + shift[:, None])
    # Edges 2b and 2b + 1 are bond b, so that each molecule's edges stand together.
    graph = import_dgl().graph(
        (bonds.reshape(-1), bonds.flip(1).reshape(-1)), num_nodes=len(graphs.atom_codes)
    )
    graph.ndata["codes"] = torch.from_numpy(graphs.atom_codes.copy())
    graph.edata["codes"] = torch.from_numpy(graphs.bond_codes.repeat(2, axis=0))
    graph.set_batch_num_nodes(torch.from_numpy(graphs.n_atoms))
    graph.set_batch_num_edges(torch.from_numpy(2 * graphs.n_bonds))
    return graph


def from_dgl(graph: Any, schema: "GraphSchema") -> "MolGraphs":
    """Take back a batched DGL graph; see `MolGraphs.from_dgl`."""
    from skchem_dl.graphs import MolGraphs

    source, destination = (ends.numpy() for ends in graph.edges(order="eid"))
    if not (
        np.array_equal(source[::2], destination[1::2])
        and np.array_equal(source[1::2], destination[::2])
    ):
        raise ValueError(
            "Expected edges 2b and 2b + 1 of the DGL graph to be the two directions of bond b, as "
            "to_dgl() and dgllife make them (without self-loops)."
        )
    n_atoms, n_edges = graph.batch_num_nodes().numpy(), graph.batch_num_edges().numpy()
    atom_offsets = np.concatenate([[0], np.cumsum(n_atoms)])
    bond_offsets = np.concatenate([[0], np.cumsum(n_edges // 2)])
    shift = np.repeat(atom_offsets[:-1], n_edges // 2)
    bond_atoms = np.stack([source[::2] - shift, destination[::2] - shift], axis=1)
    return MolGraphs(
        _codes(graph.ndata["codes"].numpy(), schema.atom_sizes, 'ndata["codes"]'),
        _codes(graph.edata["codes"].numpy()[::2], schema.bond_sizes, 'edata["codes"]'),
        bond_atoms.astype(np.int32),
        atom_offsets,
        bond_offsets,
        schema,
    )


def _codes(codes: np.ndarray, sizes: tuple[int, ...], what: str) -> np.ndarray:
    """Refuse what the schema has no categories for; as bytes it would become other categories."""
    if codes.shape[1:] != (len(sizes),) or (codes < 0).any() or (codes >= sizes).any():
        raise ValueError(
            f"{what} has shape {codes.shape}; expected one column a field, of the schema's "
            f"categories: integers from 0 to below {sizes}."
        )
    return codes.astype(np.uint8)
