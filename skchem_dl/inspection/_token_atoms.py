"""From the tokens of a SMILES to the atoms of its molecule."""

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

from skchem_dl.features._reading import read_hydrogens

_BARE_ATOMS = frozenset(["B", "C", "N", "O", "P", "S", "F", "I", "Cl", "Br", *"bcnops*"])


def share_out_tokens(
    mol: Mol, text: str | None, tokens: list[str], of_tokens: np.ndarray
) -> np.ndarray:
    """Share the contributions of tokens among the atoms.

    Brackets, ring closures and bonds follow the atom that they belong to, and go with it. A
    hydrogen that is written as an atom goes with the atom that it is bound to.

    Parameters
    ----------
    mol : Mol
    text : str or None
        Its SMILES; None where the tokens are those of the canonical one.
    tokens : list of str
        Of the SMILES.
    of_tokens : ndarray of shape (n_tokens,)
        What each contributes; fewer than `tokens` where the end was cut off.

    Returns
    -------
    ndarray of shape (n_atoms,)
    """
    written = np.cumsum([_is_atom(token) for token in tokens[: len(of_tokens)]]) - 1
    atoms = (_canonical_order(mol) if text is None else _heavy_atoms(text))[np.maximum(written, 0)]
    return np.bincount(atoms, of_tokens, mol.GetNumAtoms())


def _canonical_order(mol: Mol) -> np.ndarray:
    """Give the atom that each one in the canonical SMILES is."""
    Chem.MolToSmiles(mol)
    return np.array(list(mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]))


def _is_atom(token: str) -> bool:
    return token.startswith("[") or token in _BARE_ATOMS


def _heavy_atoms(smiles: str) -> np.ndarray:
    """Give the atom that each one written is part of, once hydrogens are removed."""
    mol, kept = read_hydrogens(smiles)
    numbers = np.full(mol.GetNumAtoms(), -1)
    numbers[kept] = np.arange(len(kept))
    for atom in mol.GetAtoms():
        if numbers[atom.GetIdx()] < 0:
            numbers[atom.GetIdx()] = numbers[atom.GetNeighbors()[0].GetIdx()]
    return numbers
