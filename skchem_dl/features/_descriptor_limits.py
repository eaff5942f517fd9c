"""The size from which descriptors are NaN, since computing them would take too long.

RDKit's cost of these grows with the square, cube or fourth power of the number of atoms: a chain of
1,000 atoms would take minutes, and any SMILES of 5,000 characters may be asked for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which imports what is slow to import
    from skchem_dl.features._descriptor_tables import MolTables

MAX_ATOMS = 400  # for what needs the distances of all pairs of atoms, or eigenvalues
MAX_ATOMS_IPC = 200  # for the characteristic polynomial
MAX_ATOMS_PATHS = 1_000  # for what goes through all paths
# Paths of four bonds. A drug has some hundred; in small cages with as many as this, each of them
# takes longer.
MAX_PATHS, MAX_PATHS_SMALL = 8_000, 4_000

_ALL_PAIRS = ("BCUT2D_", "BalabanJ", "BertzCT", "EState", "VSA_EState")
_PATHS = ("Chi2", "Chi3", "Chi4", "Kappa2", "Kappa3", "Phi")
_POLYNOMIAL = ("AvgIpc", "Ipc")


def limit_of(name: str) -> Callable[["MolTables"], bool] | None:
    """Return the check whether a molecule is too large for a descriptor, if it has a limit."""
    if name.startswith(_POLYNOMIAL):
        return _too_large_for_polynomial
    if name.startswith(_ALL_PAIRS) or name.endswith("EStateIndex"):
        return _too_large_for_pairs
    if name.startswith(_PATHS):
        return _too_many_paths
    return None


def _too_large_for_polynomial(tables: "MolTables") -> bool:
    return tables.mol.GetNumAtoms() > MAX_ATOMS_IPC


def _too_large_for_pairs(tables: "MolTables") -> bool:
    return tables.mol.GetNumAtoms() > MAX_ATOMS


def _too_many_paths(tables: "MolTables") -> bool:
    n_atoms = tables.mol.GetNumAtoms()
    if n_atoms <= MAX_ATOMS_IPC:
        return tables.n_paths > MAX_PATHS_SMALL
    return n_atoms > MAX_ATOMS_PATHS or tables.n_paths > MAX_PATHS
