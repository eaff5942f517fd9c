"""The categories of atoms and bonds, and reading them off RDKit molecules one call at a time."""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from rdkit.Chem import (
    Atom,
    Bond,
    BondStereo,
    BondType,
    ChiralType,
    HybridizationType,
    Mol,
)

from skchem_dl.features._reading import HAS_CHIRAL_TAG
from skchem_dl.graphs import GraphSchema, MolGraphs, _offsets

# Categories of each field, in the order of their codes; code 0 is "other" everywhere.
_ELEMENTS = (*range(1, 55), 78, 79, 80, 82, 83)  # H to Xe, then Pt, Au, Hg, Pb, Bi
_DEGREES = range(7)
_CHARGES = (-2, -1, 0, 1, 2)
# Not RDKit's clockwise and counter-clockwise tags: those follow the order of the neighbours, so
# the same molecule written in another order would have other codes.
_CHIRALITIES = ("none", "R", "S")
_HYDROGENS = range(5)
_HYBRIDISATIONS = (
    HybridizationType.S,
    HybridizationType.SP,
    HybridizationType.SP2,
    HybridizationType.SP3,
    HybridizationType.SP3D,
    HybridizationType.SP3D2,
)
_SMALLEST_RINGS = (0, 3, 4, 5, 6, 7, 8)  # 0: in no ring; larger rings are "other"
_NO_YES = (0, 1)
_BOND_TYPES = (BondType.SINGLE, BondType.DOUBLE, BondType.TRIPLE, BondType.AROMATIC)
_STEREOS = (
    BondStereo.STEREONONE,
    BondStereo.STEREOANY,
    BondStereo.STEREOZ,
    BondStereo.STEREOE,
    BondStereo.STEREOCIS,
    BondStereo.STEREOTRANS,
)

_ATOM_FIELDS: dict[str, Sequence[Any]] = {
    "element": _ELEMENTS,
    "degree": _DEGREES,
    "charge": _CHARGES,
    "chirality": _CHIRALITIES,
    "hydrogens": _HYDROGENS,
    "hybridisation": _HYBRIDISATIONS,
    "aromatic": _NO_YES,
    "smallest_ring": _SMALLEST_RINGS,
}
_BOND_FIELDS: dict[str, Sequence[Any]] = {
    "order": _BOND_TYPES,
    "conjugated": _NO_YES,
    "in_ring": _NO_YES,
    "stereo": _STEREOS,
}
SCHEMA = GraphSchema(
    tuple((name, len(values) + 1) for name, values in _ATOM_FIELDS.items()),
    tuple((name, len(values) + 1) for name, values in _BOND_FIELDS.items()),
)
CHIRALITY_CODES = {value: code for code, value in enumerate(_CHIRALITIES, start=1)}

# The calls into RDKit are nearly all of the time, so they are made by `map` over unbound methods:
# no lookup of a name and no Python frame for an atom.
_READ_ATOM = {
    "element": Atom.GetAtomicNum,
    "charge": Atom.GetFormalCharge,
    "hydrogens": Atom.GetTotalNumHs,
    "hybridisation": Atom.GetHybridization,
    "aromatic": Atom.GetIsAromatic,
}
_READ_BOND = {
    "order": Bond.GetBondType,
    "conjugated": Bond.GetIsConjugated,
    "in_ring": Bond.IsInRing,
    "begin": Bond.GetBeginAtomIdx,
    "end": Bond.GetEndAtomIdx,
}
_TETRAHEDRAL = (ChiralType.CHI_TETRAHEDRAL_CW, ChiralType.CHI_TETRAHEDRAL_CCW)
_NO_STEREO = int(BondStereo.STEREONONE)


class CodeTable:
    """Code of every whole number that a field may take; 0 for those it does not name."""

    def __init__(self, values: Iterable[Any]) -> None:
        numbers = [int(value) for value in values]
        self._low = min(numbers) - 1  # clipping puts all that is too small there, and too large
        self._codes = np.zeros(max(numbers) + 2 - self._low, dtype=np.uint8)
        for code, number in enumerate(numbers, start=1):
            self._codes[number - self._low] = code

    def __call__(self, numbers: Any) -> np.ndarray:
        return self._codes.take(np.asarray(numbers, dtype=np.int64) - self._low, mode="clip")


_TABLES = {
    name: CodeTable(values)
    for name, values in (_ATOM_FIELDS | _BOND_FIELDS).items()
    if name != "chirality"
}


def make_graphs(
    numbers: dict[str, Any],
    chirality: np.ndarray,
    bond_atoms: np.ndarray,
    n_atoms: np.ndarray,
    n_bonds: np.ndarray,
) -> MolGraphs:
    """Turn RDKit's numbers into graphs.

    Parameters
    ----------
    numbers : dict of str to array-like of shape (A,) or (B,)
        What RDKit says for each field, by name, but for degree and chirality.
    chirality : ndarray of shape (A,), uint8
        Its codes.
    bond_atoms : ndarray of shape (B, 2), integer
        The two atoms of each bond, numbered from the start of their molecule.
    n_atoms, n_bonds : ndarray of shape (n,), int64
        Of each molecule.

    Returns
    -------
    MolGraphs
    """
    atom_offsets = _offsets(n_atoms)
    ends = bond_atoms + np.repeat(atom_offsets[:-1], n_bonds)[:, None]
    degree = np.bincount(ends.ravel(), minlength=len(chirality))
    codes = {name: _TABLES[name](values) for name, values in numbers.items()}
    codes |= {"degree": _TABLES["degree"](degree), "chirality": chirality}
    return MolGraphs(
        np.stack([codes[name] for name in _ATOM_FIELDS], axis=1),
        np.stack([codes[name] for name in _BOND_FIELDS], axis=1),
        np.ascontiguousarray(bond_atoms, dtype=np.int32),
        atom_offsets,
        _offsets(n_bonds),
        SCHEMA,
    )


def graphs_of_mols(mols: Sequence[Mol], texts: Sequence[str | None]) -> MolGraphs:
    """Read n graphs off n sanitised molecules.

    Parameters
    ----------
    mols : sequence of n Mol
        With rings and labels of stereocentres perceived.
    texts : sequence of n str or None
        The SMILES that a molecule was parsed from, if it was.

    Returns
    -------
    MolGraphs
    """
    atoms: dict[str, list] = {name: [] for name in (*_READ_ATOM, "smallest_ring", "chirality")}
    bonds: dict[str, list] = {name: [] for name in (*_READ_BOND, "stereo")}
    # One molecule at a time: with a whole chunk's atoms alive, every pass took twice as long.
    for mol, text in zip(mols, texts, strict=True):
        _read_atoms(mol, atoms)
        _read_bonds(mol, text, bonds)
    chirality = np.array(atoms.pop("chirality"), dtype=np.uint8)
    bond_atoms = np.array([bonds.pop("begin"), bonds.pop("end")], dtype=np.int32).T
    sizes = [(mol.GetNumAtoms(), mol.GetNumBonds()) for mol in mols]
    n_atoms, n_bonds = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    return make_graphs(atoms | bonds, chirality, bond_atoms, n_atoms, n_bonds)


def _read_atoms(mol: Mol, numbers: dict[str, list]) -> None:
    n_atoms = mol.GetNumAtoms()
    atoms = list(map(mol.GetAtomWithIdx, range(n_atoms)))
    for name, read in _READ_ATOM.items():
        numbers[name].extend(map(read, atoms))
    numbers["smallest_ring"].extend(map(mol.GetRingInfo().MinAtomRingSize, range(n_atoms)))
    chirality = [CHIRALITY_CODES["none"]] * n_atoms
    for atom in mol.GetAtomsMatchingQuery(HAS_CHIRAL_TAG):
        chirality[atom.GetIdx()] = _chirality_code(atom)
    numbers["chirality"].extend(chirality)


def _read_bonds(mol: Mol, text: str | None, numbers: dict[str, list]) -> None:
    bonds = list(map(mol.GetBondWithIdx, range(mol.GetNumBonds())))
    for name, read in _READ_BOND.items():
        numbers[name].extend(map(read, bonds))
    # RDKit is slow to hand out an enumeration, and a SMILES without / and \ has no such bond.
    flat = text is not None and "/" not in text and "\\" not in text
    numbers["stereo"].extend(repeat(_NO_STEREO, len(bonds)) if flat else map(Bond.GetStereo, bonds))


def _chirality_code(atom: Atom) -> int:
    """Give the code of an atom that has a chiral tag."""
    if atom.GetChiralTag() in _TETRAHEDRAL and atom.HasProp("_CIPCode"):
        return CHIRALITY_CODES.get(atom.GetProp("_CIPCode"), 0)
    return 0
