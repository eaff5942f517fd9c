"""RDKit's topological descriptors that it computes in Python, vectorized to the same bits.

Sums run in RDKit's order (numpy adds up the first axis row by row), so that no bit differs.
"""

import math

import numpy as np
from rdkit.Chem import (
    BondStereo,
    BondType,
    FindMolChiralCenters,
    FindPotentialStereoBonds,
    HybridizationType,
    Mol,
)
from rdkit.ML.InfoTheory.rdInfoTheory import InfoEntropy

from skchem_dl.features._descriptor_tables import OUTER_ELECTRONS, MolTables

_BERTZ_CUTOFF = 100  # atoms are alike if their distances to the nearest 100 are
_AROMATIC, _DOUBLE = int(BondType.AROMATIC), int(BondType.DOUBLE)
_SPS_HYBRIDIZATION = {HybridizationType.SP: 1, HybridizationType.SP2: 2, HybridizationType.SP3: 3}


def _running_sum(values: np.ndarray) -> float:
    """Sum one after the other; numpy's own sum of a vector is pairwise."""
    return float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def estate_extremes(tables: MolTables) -> list[float]:
    """Return the largest and the smallest E-state index, and so of their absolute values."""
    indices = tables.estate_indices
    sizes = np.abs(indices)
    return [indices.max(), indices.min(), sizes.max(), sizes.min()]


def chi_connectivity(tables: MolTables) -> list[float]:
    """Return Chi0 and Chi1."""
    degrees = tables.degrees
    products = degrees[tables.bonded[:, 0]] * degrees[tables.bonded[:, 1]]
    return [_running_sum(np.sqrt(1.0 / factor[factor != 0])) for factor in (degrees, products)]


def valence_electrons(tables: MolTables) -> list[float]:
    charge = sum([atom.GetFormalCharge() for atom in tables.atoms])
    electrons = OUTER_ELECTRONS[tables.atomic_numbers] + tables.hydrogens
    return [int(electrons.sum()) - charge]


def radical_electrons(tables: MolTables) -> list[float]:
    return [sum([atom.GetNumRadicalElectrons() for atom in tables.atoms])]


def balaban_j(tables: MolTables) -> list[float]:
    n_bonds = len(tables.bonded)
    n_cycles = n_bonds - len(tables.degrees) + 1
    if n_cycles + 1 == 0:
        return [0.0]
    sums = tables.balaban_distances.sum(axis=0)
    bonded = tables.bonded[np.lexsort(tables.bonded.T[::-1])]
    terms = 1.0 / np.sqrt(sums[bonded[:, 0]] * sums[bonded[:, 1]])
    return [float(n_bonds) / float(n_cycles + 1) * _running_sum(terms)]


def bertz_ct(tables: MolTables) -> list[float]:
    n_atoms = len(tables.atoms)
    if n_atoms < 2:
        return [0.0]
    connections = list(_bertz_connections(tables).values()) or [1]
    elements: dict[int, int] = {}
    for number in tables.atomic_numbers.tolist():
        elements[number] = elements.get(number, 0) + 1
    total = sum(connections)
    of_bonds = total * (InfoEntropy(np.array(connections, float)) + math.log(total) / math.log(2))
    return [n_atoms * InfoEntropy(np.array(list(elements.values()), float)) + of_bonds]


def _bertz_connections(tables: MolTables) -> dict[tuple[int, ...], float]:
    """Count pairs of adjacent bonds by the classes of their atoms, in RDKit's order."""
    classes = _symmetry_classes(tables.balaban_distances)
    neighbors: list[list[tuple[int, int, float]]] = [[] for _ in classes]
    for first, second, kind, is_aromatic in tables.bonds:
        order = 1.5 if is_aromatic or kind == _AROMATIC else float(kind)
        neighbors[first].append((second, classes[second], order))
        neighbors[second].append((first, classes[first], order))
    connections: dict[tuple[int, ...], float] = {}
    for atom, here in enumerate(classes):
        around = sorted(neighbors[atom])
        for place, (neighbor, one, order) in enumerate(around):
            if order > 1 and neighbor > atom:
                pair = (here, one) if here < one else (one, here)
                connections[pair] = connections.get(pair, 0) + order * (order - 1) / 2
            for _, other, other_order in around[place + 1 :]:
                angle = (one, here, other) if one < other else (other, here, one)
                connections[angle] = connections.get(angle, 0) + order * other_order
    return connections


def _symmetry_classes(distances: np.ndarray) -> list[int]:
    """Number atoms by their sorted distances to the nearest others, to four decimals."""
    rows = np.rint(np.sort(distances, axis=1)[:, :_BERTZ_CUTOFF] * 1e4)
    seen: dict[bytes, int] = {}
    return [seen.setdefault(row.tobytes(), len(seen) + 1) for row in rows]


def information_content(tables: MolTables) -> list[float]:
    """Return Ipc and AvgIpc."""
    coefficients = np.abs(_characteristic_polynomial(tables.distances == 1))
    entropy = InfoEntropy(coefficients)
    return [_running_sum(coefficients) * entropy, entropy]


def _characteristic_polynomial(adjacent: np.ndarray) -> np.ndarray:
    """Compute the coefficients by Le Verrier's method, as RDKit does, noise included."""
    n_atoms = len(adjacent)
    coefficients = np.ones(n_atoms + 1)
    adjacency = adjacent.astype(np.float64)
    power, following = adjacency.copy(), np.empty_like(adjacency)
    diagonal, next_diagonal = (array.ravel()[:: n_atoms + 1] for array in (power, following))
    for k in range(1, n_atoms + 1):
        coefficients[k] = coefficient = 1.0 / k * np.add.reduce(diagonal)
        diagonal -= coefficient
        np.dot(adjacency, power, following)
        power, following = following, power
        diagonal, next_diagonal = next_diagonal, diagonal
    return coefficients


def spacial_score(tables: MolTables) -> list[float]:
    """Return SPS, normalized by the number of heavy atoms."""
    mol = Mol(tables.mol)
    FindPotentialStereoBonds(mol)
    stereo = {
        atom
        for atom, _ in FindMolChiralCenters(
            mol, includeUnassigned=True, includeCIP=False, useLegacyImplementation=False
        )
    }
    for bond, (first, second, kind, _) in enumerate(tables.bonds):
        if kind == _DOUBLE and mol.GetBondWithIdx(bond).GetStereo() != BondStereo.STEREONONE:
            stereo.update((first, second))
    score = 0
    per_atom = zip(tables.atoms, tables.degrees.tolist(), tables.n_rings, strict=True)
    for index, (atom, degree, n_rings) in enumerate(per_atom):
        shape = _SPS_HYBRIDIZATION.get(atom.GetHybridization(), 4)
        in_ring = 2 if n_rings and not atom.GetIsAromatic() else 1
        score += shape * in_ring * (2 if index in stereo else 1) * degree**2
    return [score / mol.GetNumHeavyAtoms()]
