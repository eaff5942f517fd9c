"""What several descriptors of one molecule read, computed once and kept as long as the molecule."""

from functools import cached_property

import numpy as np
from rdkit.Chem import Atom, GetDistanceMatrix, GetPeriodicTable, Mol, RemoveHs
from rdkit.Chem.EState.EState import GetPrincipleQuantumNumber
from rdkit.Chem.rdMolDescriptors import (
    CalcCrippenDescriptors,
    CalcNumRotatableBonds,
    NumRotatableBondsOptions,
    _CalcCrippenContribs,
    _CalcLabuteASAContribs,
)
from rdkit.Chem.rdPartialCharges import ComputeGasteigerCharges

from skchem_dl.features._descriptor_patterns import Token, atom_type, tokens_of

_N_ELEMENTS = 119
OUTER_ELECTRONS = np.array([GetPeriodicTable().GetNOuterElecs(z) for z in range(_N_ELEMENTS)])
_QUANTUM_NUMBERS = np.array([GetPrincipleQuantumNumber(z) for z in range(_N_ELEMENTS)])
_FAR = 1e6  # greater distances are between fragments


class MolTables:
    """Arrays and sums of one molecule, each computed when first read."""

    def __init__(self, mol: Mol):
        self.mol = mol

    @cached_property
    def bare(self) -> Mol | None:
        """What `RemoveHs` returns, or None if it changes nothing (these tables then serve)."""
        bare = RemoveHs(self.mol)
        return None if bare.ToBinary(0) == self.mol.ToBinary(0) else bare

    @cached_property
    def atoms(self) -> list[Atom]:
        return list(self.mol.GetAtoms())

    @cached_property
    def atomic_numbers(self) -> np.ndarray:
        return np.array([atom.GetAtomicNum() for atom in self.atoms])

    @cached_property
    def degrees(self) -> np.ndarray:
        return np.array([atom.GetDegree() for atom in self.atoms])

    @cached_property
    def hydrogens(self) -> np.ndarray:
        return np.array([atom.GetTotalNumHs() for atom in self.atoms])

    @cached_property
    def types(self) -> list[int]:
        return [atom_type(atom) for atom in self.atoms]

    @cached_property
    def n_rings(self) -> list[int]:
        """In how many rings each atom is."""
        count = self.mol.GetRingInfo().NumAtomRings
        return [count(atom) for atom in range(len(self.atoms))]

    @cached_property
    def bonds(self) -> list[tuple[int, int, int, bool]]:
        """First atom, second atom (first < second), `BondType` and aromaticity of each bond."""
        bonds: list[tuple[int, int, int, bool]] = []
        for bond in self.mol.GetBonds():
            first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            if first > second:
                first, second = second, first
            bonds.append((first, second, bond.GetBondType(), bond.GetIsAromatic()))
        return bonds

    @cached_property
    def bonded(self) -> np.ndarray:
        """The two atoms of each bond, (B, 2)."""
        return np.array([bond[:2] for bond in self.bonds], dtype=np.intp).reshape(-1, 2)

    @cached_property
    def n_paths(self) -> int:
        """The number of paths of four bonds, closed ones included."""
        onward = self.degrees - 1
        first, second = self.bonded.T
        ways = np.zeros((2, len(onward)), dtype=np.int64)  # and their squares, around each atom
        for here, there in ((first, second), (second, first)):
            np.add.at(ways[0], here, onward[there])
            np.add.at(ways[1], here, onward[there] ** 2)
        return int((ways[0] ** 2 - ways[1]).sum()) // 2

    @cached_property
    def tokens(self) -> set[Token]:
        """What patterns of substructures may need and this molecule has."""
        hydrogens = self.hydrogens.tolist()
        if 1 in self.types:  # patterns count hydrogens that are atoms as well
            hydrogens = [atom.GetTotalNumHs(includeNeighbors=True) for atom in self.atoms]
        return tokens_of(self.atoms, self.types, self.n_rings, hydrogens, self.bonds)

    @cached_property
    def distances(self) -> np.ndarray:
        return GetDistanceMatrix(self.mol, useBO=False, useAtomWts=False)

    @cached_property
    def balaban_distances(self) -> np.ndarray:
        """Distances in which a bond is as long as the reciprocal of its order."""
        return GetDistanceMatrix(
            self.mol, useBO=True, useAtomWts=False, force=True, prefix="Balaban"
        )

    @cached_property
    def estate_indices(self) -> np.ndarray:
        """Electrotopological states of the atoms."""
        numbers, degrees = self.atomic_numbers, self.degrees
        electrons = OUTER_ELECTRONS[numbers] - self.hydrogens
        period = _QUANTUM_NUMBERS[numbers]
        intrinsic = (4.0 / (period * period) * electrons + 1) / np.maximum(degrees, 1)
        intrinsic[degrees == 0] = 0.0
        steps = self.distances + 1
        differences = (intrinsic - intrinsic[:, np.newaxis]) / (steps * steps)
        differences[steps >= _FAR] = 0.0
        return differences.sum(axis=0) + intrinsic

    @cached_property
    def surface(self) -> np.ndarray:
        """Labute's approximate surface area of each atom."""
        return np.array(_CalcLabuteASAContribs(self.mol, True)[0])

    @cached_property
    def crippen(self) -> tuple[float, float]:
        """Crippen's logP and molar refractivity."""
        return CalcCrippenDescriptors(self.mol)

    @cached_property
    def crippen_contributions(self) -> list[tuple[float, float]]:
        """What each atom, without its hydrogens, adds to them."""
        return _CalcCrippenContribs(self.mol)

    @cached_property
    def charges(self) -> list[float]:
        """Gasteiger's partial charges."""
        if not self.has_charge_parameters:
            ComputeGasteigerCharges(self.mol)
        return [atom.GetDoubleProp("_GasteigerCharge") for atom in self.atoms]

    @cached_property
    def has_charge_parameters(self) -> bool:
        """Whether there are Gasteiger's parameters for all atoms; computes the charges."""
        try:
            ComputeGasteigerCharges(self.mol, 12, True)
        except ValueError:  # RDKit's, for the first atom without
            return False
        return True

    @cached_property
    def n_rotatable_bonds(self) -> int:
        return CalcNumRotatableBonds(self.mol, NumRotatableBondsOptions.Strict)
