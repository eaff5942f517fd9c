"""What becomes of a prediction when an atom is taken away: for any model on molecules."""

from collections.abc import Callable, Sequence

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

_MOLECULES_AT_A_TIME = 200  # each becomes as many Mols as it has atoms, of 20 kB


def mask_atoms(predict: Callable[[list[Mol]], np.ndarray], mols: Sequence[Mol]) -> list[np.ndarray]:
    """Give by how much each atom's removal lowers the prediction.

    Parameters
    ----------
    predict : callable
        Of molecules, giving a number each.
    mols : sequence of Mol

    Returns
    -------
    list of arrays of shape (n_atoms,)
        NaN for the atom of a molecule that has no other.
    """
    starts = range(0, len(mols), _MOLECULES_AT_A_TIME)
    pieces = (mols[start : start + _MOLECULES_AT_A_TIME] for start in starts)
    return [losses for piece in pieces for losses in _mask_some(predict, piece)]


def _mask_some(predict: Callable[[list[Mol]], np.ndarray], mols: Sequence[Mol]) -> list[np.ndarray]:
    found = [np.full(mol.GetNumAtoms(), np.nan) for mol in mols]
    several = [number for number, mol in enumerate(mols) if mol.GetNumAtoms() > 1]
    if not several:
        return found
    whole = [mols[number] for number in several]
    parts = [without_atom(mol, atom) for mol in whole for atom in range(mol.GetNumAtoms())]
    predicted = predict(whole + parts)
    lengths = [mol.GetNumAtoms() for mol in whole]
    losses = np.repeat(predicted[: len(whole)], lengths) - predicted[len(whole) :]
    for number, of_atoms in zip(several, np.split(losses, np.cumsum(lengths)[:-1]), strict=True):
        found[number] = of_atoms
    return found


def without_atom(mol: Mol, atom: int) -> Mol:
    """Give the molecule without an atom; hydrogen takes its place at each neighbour.

    Parameters
    ----------
    mol : Mol
    atom : int

    Returns
    -------
    Mol
        Of one piece or several.
    """
    left = Chem.RWMol(mol)
    Chem.Kekulize(left, clearAromaticFlags=True)
    for bond in left.GetAtomWithIdx(atom).GetBonds():
        neighbor = bond.GetOtherAtom(left.GetAtomWithIdx(atom))
        if neighbor.GetNoImplicit():  # written in brackets: RDKit adds no hydrogen of its own
            order = int(bond.GetValenceContrib(neighbor))
            neighbor.SetNumExplicitHs(neighbor.GetNumExplicitHs() + order)
    left.RemoveAtom(atom)
    Chem.SanitizeMol(left)
    Chem.AssignStereochemistry(left, cleanIt=True, force=True)
    return left.GetMol()
