"""Bemis-Murcko scaffolds."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from rdkit.Chem import (
    Atom,
    BondType,
    Mol,
    MolFromSmiles,
    MolToSmiles,
    MurckoDecompose,
    RWMol,
)

from skchem_dl.features._reading import quiet_rdkit
from skchem_dl.model_selection._groups import INVALID_GROUP, molecule_items, parse_in_chunks

# RDKit needs 2 ms for so many, and 3 s for 1,000.
_MANY_ATOMS = 100
# RDKit adds no hydrogens to an atom that was written with brackets, such as [CH2], and loses a
# neighbor outside of the scaffold. The canonical SMILES has no brackets that are not needed.
_OPEN_VALENCE = re.compile(r"\[[A-Z][a-z]?H?\d*\]")
# If rings have several methylene or imine groups, RDKit may write the molecule that it has cut in
# more than one way. The molecule read from that text is always written in the same way.
_SEVERAL_SPELLINGS = re.compile(r"[CN]=")


def scaffold_groups(
    X: Any, *, generic: bool = False, smiles_column: str | int | None = None
) -> np.ndarray:
    """Give each molecule's Bemis-Murcko scaffold: its rings and what links them.

    They are the groups for scikit-learn's own splitters, for ours where X is features or graphs,
    and for the early stopping of the estimators, ``fit(X, y, groups=...)``.

    Parameters
    ----------
    X : list, tuple, ndarray, Series or frame of n molecules
        SMILES strings or RDKit Mols.
    generic : bool, default=False
        Take the framework alone: every atom becomes a carbon, every bond a single one, and atoms
        outside rings and linkers go (without it, ``=O`` on a ring stays).
    smiles_column : str or int, default=None
        The column that holds the molecules, where X has several.

    Returns
    -------
    groups : ndarray of shape (n,), of str
        Canonical SMILES of the scaffolds, without stereochemistry: ``""`` for all molecules
        without a ring, which so form one group, and ``"invalid molecule"`` for all rows that are
        no molecules.

    Raises
    ------
    TypeError, ValueError
        If X does not hold molecules.

    See Also
    --------
    ScaffoldKFold, ScaffoldShuffleSplit : Split by them.
    butina_groups : Groups of similar fingerprints instead.

    References
    ----------
    .. [1] Bemis, G. W.; Murcko, M. A. The Properties of Known Drugs. 1. Molecular Frameworks.
       J. Med. Chem. 1996, 39, 2887-2893. https://doi.org/10.1021/jm9602928

    Examples
    --------
    >>> from skchem_dl.model_selection import scaffold_groups
    >>> scaffold_groups(["Cc1ccccc1", "Oc1ccncc1", "CCO", "O=C1CCCCC1"]).tolist()
    ['c1ccccc1', 'c1ccncc1', '', 'O=C1CCCCC1']
    >>> scaffold_groups(["Cc1ccccc1", "Oc1ccncc1", "CCO", "O=C1CCCCC1"], generic=True).tolist()
    ['C1CCCCC1', 'C1CCCCC1', '', 'C1CCCCC1']

    >>> import numpy as np
    >>> from sklearn.model_selection import GroupKFold
    >>> smiles = ["Cc1ccccc1", "Oc1ccccc1", "CCO", "CCN"]
    >>> for train, test in GroupKFold(2).split(smiles, groups=scaffold_groups(smiles)):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1] [2 3]
    """
    return scaffolds_of(molecule_items(X, smiles_column, "scaffold_groups"), generic=generic)


def scaffolds_of(items: Sequence[Any], *, generic: bool) -> np.ndarray:
    """Do what `scaffold_groups` does, for molecules in a flat sequence.

    Parameters
    ----------
    items : sequence of length n
        SMILES strings, Mols, or whatever else stood there.
    generic : bool

    Returns
    -------
    ndarray of shape (n,), of str
    """
    scaffolds = np.full(len(items), INVALID_GROUP, dtype=object)
    write = _framework_smiles if generic else _scaffold_smiles
    for rows, parsed in parse_in_chunks(items, stereo=False):
        with quiet_rdkit():
            scaffolds[rows] = [
                write(mol) if mol.GetRingInfo().NumRings() else "" for mol in parsed.mols
            ]
    return scaffolds


def _scaffold_smiles(mol: Mol) -> str:
    # What MurckoScaffoldSmiles(includeChirality=False) gives, in less time.
    scaffold = MolToSmiles(_decompose(mol), False)
    if _OPEN_VALENCE.search(scaffold):
        scaffold = MolToSmiles(_decompose(MolFromSmiles(MolToSmiles(mol))), False)
    if _SEVERAL_SPELLINGS.match(scaffold):
        read_again = MolFromSmiles(scaffold)
        scaffold = scaffold if read_again is None else MolToSmiles(read_again, False)
    return scaffold


def _framework_smiles(mol: Mol) -> str:
    """Return the SMILES of the rings and linkers as if they were a hydrocarbon.

    RDKit's MakeScaffoldGeneric keeps double-bonded substituents of a ring, and fails if an atom has
    more than four neighbors, as metals may.
    """
    core = _rings_and_linkers(mol)
    framework = RWMol()
    number = {atom: framework.AddAtom(Atom(6)) for atom in core}
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if ends[0] in number and ends[1] in number:
            framework.AddBond(number[ends[0]], number[ends[1]], BondType.SINGLE)
    framework.UpdatePropertyCache(strict=False)
    return MolToSmiles(framework)


def _decompose(mol: Mol) -> Mol:
    """Return rings, linkers and what is double-bonded to them."""
    return MurckoDecompose(mol) if mol.GetNumAtoms() <= _MANY_ATOMS else _decompose_large(mol)


def _decompose_large(mol: Mol) -> Mol:
    """Do what RDKit's `MurckoDecompose` does, whose time grows with the cube of the atoms."""
    core = set(_rings_and_linkers(mol))
    kept = set(core)
    scaffold = RWMol(mol)
    for atom in map(scaffold.GetAtomWithIdx, core):
        for bond in atom.GetBonds():
            neighbor = bond.GetOtherAtomIdx(atom.GetIdx())
            if neighbor in core:
                continue
            if bond.GetBondType() == BondType.DOUBLE:
                kept.add(neighbor)
            elif atom.GetIsAromatic() and atom.GetAtomicNum() != 6:
                atom.SetNumExplicitHs(1)
            else:
                atom.SetNoImplicit(False)
                atom.SetNumExplicitHs(0)
    scaffold.BeginBatchEdit()
    for index in set(range(mol.GetNumAtoms())) - kept:
        scaffold.RemoveAtom(index)
    scaffold.CommitBatchEdit()
    return scaffold.GetMol()


def _rings_and_linkers(mol: Mol) -> list[int]:
    """Return the atoms that remain when terminal atoms are removed until there are none."""
    neighbors = [[other.GetIdx() for other in atom.GetNeighbors()] for atom in mol.GetAtoms()]
    degree = [len(of_atom) for of_atom in neighbors]
    terminal = [index for index, count in enumerate(degree) if count < 2]
    while terminal:
        index = terminal.pop()
        degree[index] = 0
        for other in neighbors[index]:
            degree[other] -= 1
            if degree[other] == 1:
                terminal.append(other)
    return [index for index, count in enumerate(degree) if count > 1]
