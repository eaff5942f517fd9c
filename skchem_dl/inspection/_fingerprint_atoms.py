"""From the bits of a Morgan fingerprint to the atoms that set them."""

from dataclasses import dataclass

import numpy as np
from rdkit.Chem import FindAtomEnvironmentOfRadiusN, Mol
from rdkit.Chem.rdFingerprintGenerator import AdditionalOutput

from skchem_dl.features import MorganFingerprinter


@dataclass
class Environments:
    """The circular substructures that a molecule's fingerprint is made of.

    Attributes
    ----------
    bit : ndarray of shape (e,), int
        The column that each counts in.
    atoms : ndarray of shape (e, n_atoms), bool
        Which atoms each consists of.
    center : ndarray of shape (e,), int
        The atom each is drawn around.
    """

    bit: np.ndarray
    atoms: np.ndarray
    center: np.ndarray

    def share_out(self, of_bits: np.ndarray) -> np.ndarray:
        """Share a bit's contribution among its substructures, whose part goes to their centre.

        A substructure is an atom in its surroundings. Spread over all its atoms, contributions are
        further from known ones (see ``docs/explanations.md``).

        Parameters
        ----------
        of_bits : ndarray of shape (fp_size,)

        Returns
        -------
        ndarray of shape (n_atoms,)
        """
        counts = np.bincount(self.bit, minlength=len(of_bits))
        each = of_bits[self.bit] / counts[self.bit]
        return np.bincount(self.center, each, self.atoms.shape[1])

    def with_and_without(self, fp_size: int, counts: bool) -> np.ndarray:
        """Give the fingerprint, and for each atom what is left of it without that atom.

        Parameters
        ----------
        fp_size : int
        counts : bool
            Whether the fingerprint counts.

        Returns
        -------
        ndarray of shape (1 + n_atoms, fp_size), float32
        """
        n_atoms = self.atoms.shape[1]
        rows = np.zeros((1 + n_atoms, fp_size), dtype=np.float32)
        stays = np.vstack([np.ones(len(self.bit), dtype=bool), ~self.atoms.T])
        row, environment = np.nonzero(stays)
        np.add.at(rows, (row, self.bit[environment]), 1)
        return rows if counts else (rows > 0).astype(np.float32)


def environments(fingerprinter: MorganFingerprinter, mol: Mol) -> Environments:
    """List the substructures that set a molecule's bits.

    Parameters
    ----------
    fingerprinter : MorganFingerprinter
    mol : Mol

    Returns
    -------
    Environments
    """
    output = AdditionalOutput()
    output.AllocateBitInfoMap()
    fingerprinter._generator().GetCountFingerprint(mol, additionalOutput=output)
    found = [
        (bit, center, radius)
        for bit, places in output.GetBitInfoMap().items()
        for center, radius in places
    ]
    atoms = np.zeros((len(found), mol.GetNumAtoms()), dtype=bool)
    for number, (_, center, radius) in enumerate(found):
        atoms[number, center] = True
        for bond in FindAtomEnvironmentOfRadiusN(mol, radius, center) if radius else ():
            ends = mol.GetBondWithIdx(bond)
            atoms[number, [ends.GetBeginAtomIdx(), ends.GetEndAtomIdx()]] = True
    bits, centers, _ = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return Environments(bits, atoms, centers)
