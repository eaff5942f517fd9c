"""Scaffolds against RDKit's own."""

import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from rdkit import Chem, rdBase
from rdkit.Chem.Scaffolds.MurckoScaffold import (
    GetScaffoldForMol,
    MakeScaffoldGeneric,
    MurckoScaffoldSmiles,
)
from sklearn.model_selection import GroupKFold

from skchem_dl import MolGraphizer, MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import scaffold_groups

MOLECULES = ["Cc1ccccc1", "Oc1ccncc1", "CCO"]
SCAFFOLDS = ["c1ccccc1", "c1ccncc1", ""]


@pytest.fixture
def many(smiles):
    return smiles + load_solubility().data[::2].tolist()


def without_radicals(mol):
    """RDKit leaves one where it cuts a double-bonded atom off a linker that was made generic."""
    for atom in mol.GetAtoms():
        atom.SetNumRadicalElectrons(0)
        atom.SetNoImplicit(False)
    return mol


def test_equal_to_rdkit(many):
    with rdBase.BlockLogs():
        expected = [MurckoScaffoldSmiles(text, includeChirality=False) for text in many]
    assert scaffold_groups(many).tolist() == expected
    assert expected.count("") > 20
    assert len(set(expected)) > 100


def test_generic_equal_to_rdkit_where_it_has_one(many):
    found = scaffold_groups(many, generic=True)
    n_compared = 0
    with rdBase.BlockLogs():
        for text, framework in zip(many, found, strict=True):
            scaffold = GetScaffoldForMol(Chem.MolFromSmiles(text))
            try:
                expected = GetScaffoldForMol(MakeScaffoldGeneric(scaffold))
            except Chem.AtomValenceException:
                continue
            assert framework == Chem.MolToSmiles(without_radicals(expected))
            n_compared += 1
    assert n_compared > 0.99 * len(many)


def test_generic_joins_what_differs_in_atoms_bonds_and_decoration():
    rings = ["c1ccccc1", "c1ccncc1", "O=C1CCCCC1", "CC1CCCCO1", "C1CC[13CH2]CC1"]
    assert set(scaffold_groups(rings, generic=True)) == {"C1CCCCC1"}
    assert len(set(scaffold_groups(rings))) == 5


def test_generic_where_an_atom_has_six_neighbors():
    spiro = "C1C[Pt]12(CC2)1CC1"
    with rdBase.BlockLogs():
        scaffold = GetScaffoldForMol(Chem.MolFromSmiles(spiro))
        with pytest.raises(Chem.AtomValenceException):
            MakeScaffoldGeneric(scaffold)
    (framework,) = scaffold_groups([spiro], generic=True)
    assert framework.count("C") == 7


@pytest.mark.parametrize(
    "text",
    [
        "CCOC(=O)C=C1CCC2(CC1)OCCO2",
        "[CH3][CH2][O]C(=O)[CH]=[C]1[CH2][CH2]C2(CC1)OCCO2",
        "CCOC(=O)[CH:7]=C1CCC2(CC1)OCCO2",
    ],
)
def test_hydrogens_written_in_brackets_are_no_part_of_it(text):
    assert scaffold_groups([text]).tolist() == ["C=C1CCC2(CC1)OCCO2"]


@pytest.mark.parametrize("many_atoms", [1, 100])
def test_large_molecules_have_the_scaffolds_of_rdkit(many, many_atoms, monkeypatch):
    chain = "CCCCCCN" * 20
    many = [*many[::5], f"c1ccccc1{chain}C(=O)N1CCCC1{chain}", f"O=C1NC(=S)N1C=N{chain}c1c[nH]cc1"]
    with rdBase.BlockLogs():
        expected = [MurckoScaffoldSmiles(text, includeChirality=False) for text in many]
    monkeypatch.setattr("skchem_dl.model_selection._scaffolds._MANY_ATOMS", many_atoms)
    assert scaffold_groups(many).tolist() == expected


@pytest.mark.parametrize("generic", [False, True])
def test_long_chains_take_no_time(generic):
    began = time.process_time()
    found = scaffold_groups(["C" * 5000, "C1CC1" + "C" * 4000], generic=generic)
    assert found.tolist() == ["", "C1CC1"]
    assert time.process_time() - began < 5  # RDKit's decomposition takes minutes


@pytest.mark.parametrize(
    "text",
    [
        "C=C1N=C2CC(c3cccs3)CC(=O)C2C(c2cccs2)C1=C(O)OCC",
        "CN=C1NN(c2ccccc2)C(=O)C1C(=N)C(=O)Nc1ccccc1",
        "CN=C1C=CC2=C(C=C(c3ccccc3)CN2)C1=NO",
    ],
)
def test_atom_maps_do_not_change_it(text):
    rng = np.random.default_rng(0)
    expected = scaffold_groups([text])
    for _ in range(20):
        mol = Chem.MolFromSmiles(text)
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(int(rng.integers(0, 100)))
        assert scaffold_groups([mol]) == expected


def test_stereochemistry_is_no_part_of_it():
    decalins = ["C1CC[C@H]2CCCC[C@@H]2C1", "C1CC[C@@H]2CCCC[C@@H]2C1", "C1CCC2CCCCC2C1"]
    assert set(scaffold_groups(decalins)) == {"C1CCC2CCCCC2C1"}


@pytest.mark.parametrize(
    "X",
    [
        MOLECULES,
        tuple(MOLECULES),
        np.array(MOLECULES),
        np.array(MOLECULES, dtype=object)[:, None],
        pd.Series(MOLECULES, index=[7, 8, 9]),
        pl.Series(MOLECULES),
        pd.DataFrame({"smiles": MOLECULES}),
        [Chem.MolFromSmiles(text) for text in MOLECULES],
    ],
    ids=["list", "tuple", "array", "column", "pandas", "polars", "frame", "mols"],
)
def test_every_kind_of_input(X):
    assert scaffold_groups(X).tolist() == SCAFFOLDS


def test_column_of_a_wider_frame():
    frame = pd.DataFrame({"name": list("abc"), "structure": MOLECULES})
    assert scaffold_groups(frame, smiles_column="structure").tolist() == SCAFFOLDS
    with pytest.raises(ValueError, match="smiles_column="):
        scaffold_groups(frame)


def test_a_molecule_with_hydrogens_and_names_is_left_as_it_is():
    mol = Chem.AddHs(Chem.MolFromSmiles("Cc1ccccc1"))
    before = mol.ToBinary(Chem.PropertyPickleOptions.AllProps)
    scaffold_groups([mol])
    assert mol.ToBinary(Chem.PropertyPickleOptions.AllProps) == before


def test_invalid_molecules_are_a_group_of_their_own(capfd):
    bad = ["C(", "", None, float("nan"), "CC name"]
    found = scaffold_groups([*MOLECULES, *bad])
    assert found[:3].tolist() == SCAFFOLDS
    assert set(found[3:]) == {"invalid molecule"}
    assert capfd.readouterr() == ("", "")


def test_groups_for_scikit_learn(many):
    groups = scaffold_groups(many)
    for train, test in GroupKFold(3).split(many, groups=groups):
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize(
    "X",
    [
        MorganFingerprinter(fp_size=16).fit_transform(MOLECULES),
        MorganFingerprinter(fp_size=16, sparse_output=True).fit_transform(MOLECULES),
        MolGraphizer().fit_transform(MOLECULES),
        [1.0, 2.0],
        np.array([[1.0], [2.0]]),
        [[0, 1], [1, 0]],
        "CCO",
    ],
    ids=["matrix", "sparse", "graphs", "numbers", "column", "lists", "text"],
)
def test_what_is_no_molecules(X):
    with pytest.raises((TypeError, ValueError), match=r"groups=scaffold_groups\(smiles\)"):
        scaffold_groups(X)
