"""One reading of a molecule, whatever its labels, hydrogens, bonds and the state of the Mol."""

import pickle
import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import AllChem

from skchem_dl import (
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    MolGraphizer,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.inspection import atom_contributions, draw_molecules
from skchem_dl.model_selection import ScaffoldKFold, butina_groups, scaffold_groups
from skchem_dl.pipelines import make_gnn_pipeline, make_linear_pipeline

# Toluene, as reaction software writes it.
MAPPED = "[CH3:1][c:2]1[cH:3][cH:4][cH:5][cH:6][cH:7]1"
MAPPED_ANEW = "[CH3:7][c:6]1[cH:5][cH:4][cH:3][cH:2][cH:1]1"

# Written as RDKit writes them, so that Mols have the atoms in the order of the text.
MOLECULES = [
    "CCO",
    "CC(C)Cl",
    "C[C@H](N)C(=O)O",
    "C/C=C/c1ccc([N+](=O)[O-])cc1",
    "F/C=C\\F",
    "Cc1ccccc1",
    "CC(=O)[O-].[Na+]",
    "[2H]C([2H])([2H])O",
    "[H][H]",
    "c1ccc2[nH]ccc2c1",
    "CN1CCC[C@H]1c1cccnc1",
    "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O",
    "N[Pt](N)(Cl)Cl",
    "CS(C)(=O)=O",
    "C[Si](C)(C)C#N",
    "O=C1C=CC(=O)C=C1",
    "CC(F)C(O)CN",
    "N=C(N)c1ccccc1",
    "O=c1[nH][nH]c(=S)[nH]1",
]


def mapped(mol, rng):
    mol = Chem.Mol(mol)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(rng.choice([0, 1, 7, rng.randint(1, 99)]))
    return mol


def kekulized(mol, clear):
    mol = Chem.Mol(mol)
    Chem.Kekulize(mol, clearAromaticFlags=clear)
    return mol


def with_coordinates(mol):
    mol = Chem.AddHs(mol)
    AllChem.Compute2DCoords(mol)
    return mol


def embedded(mol, rng):
    """Return a Mol with hydrogens and a conformer, whose stereochemistry is one of several."""
    mol = Chem.AddHs(mol)
    AllChem.EmbedMolecule(mol, randomSeed=rng.randrange(1000))  # of metals, there is none
    return mol


def with_empty_conformer(mol):
    mol = Chem.AddHs(mol)
    mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
    return mol


# Each takes a Mol and a generator of random numbers.
STATES = {
    "mapped": mapped,
    "with hydrogens": lambda mol, rng: Chem.AddHs(mol),
    "mapped, with hydrogens": lambda mol, rng: mapped(Chem.AddHs(mol), rng),
    "kekulized": lambda mol, rng: kekulized(mol, True),
    "kekulized, flags kept": lambda mol, rng: kekulized(mol, False),
    "unsanitized": lambda mol, rng: Chem.MolFromSmiles(Chem.MolToSmiles(mol), sanitize=False),
    "pickled": lambda mol, rng: pickle.loads(pickle.dumps(mol)),
    "drawn": lambda mol, rng: with_coordinates(mol),
    "embedded": embedded,
    "empty conformer": lambda mol, rng: with_empty_conformer(mol),
}
TEXTS = {
    "mapped": lambda mol, rng: Chem.MolToSmiles(mapped(mol, rng)),
    "with hydrogens": lambda mol, rng: Chem.MolToSmiles(Chem.AddHs(mol)),
    "hydrogens in brackets": lambda mol, rng: Chem.MolToSmiles(mol, allHsExplicit=True),
    "kekulized": lambda mol, rng: Chem.MolToSmiles(kekulized(mol, True), kekuleSmiles=True),
    "bonds written": lambda mol, rng: Chem.MolToSmiles(mol, allBondsExplicit=True),
    "CXSMILES": lambda mol, rng: Chem.MolToCXSmiles(with_coordinates(mol)),
    "blanks around": lambda mol, rng: f"\t {Chem.MolToSmiles(mol)} \r\n",
}


def assert_read_as(items, texts):
    """Check that items give, row by row, what these canonical SMILES give."""
    fingerprinter = MorganFingerprinter(include_chirality=True, counts=True)
    np.testing.assert_array_equal(fingerprinter.transform(items), fingerprinter.transform(texts))
    standardizer = MolStandardizer()
    standard = standardizer.transform(texts)
    np.testing.assert_array_equal(standardizer.transform(items), standard)
    tokenizer = SmilesTokenizer().fit(standard)
    np.testing.assert_array_equal(
        tokenizer.transform(standardizer.transform(items)), tokenizer.transform(standard)
    )
    for generic in (False, True):
        np.testing.assert_array_equal(
            scaffold_groups(items, generic=generic), scaffold_groups(texts, generic=generic)
        )


@pytest.mark.parametrize("state", STATES)
def test_mols_in_any_state_give_graphs_of_their_smiles_atom_for_atom(state, same_graphs):
    rng = random.Random(0)
    given_mols = [STATES[state](Chem.MolFromSmiles(text), rng) for text in MOLECULES]
    assert_read_as(given_mols, MOLECULES)
    if state != "unsanitized":  # canonical SMILES, written again, may begin with another atom
        assert same_graphs(
            MolGraphizer().transform(given_mols), MolGraphizer().transform(MOLECULES)
        )


@pytest.mark.parametrize("way", TEXTS)
def test_texts_with_labels_give_what_plain_smiles_give(way):
    rng = random.Random(0)
    texts = [TEXTS[way](Chem.MolFromSmiles(text), rng) for text in MOLECULES]
    assert_read_as(texts, MOLECULES)


@pytest.mark.parametrize("n_times", [1, 200])  # with 500 rows, graphs are read in C++
def test_graphs_of_mapped_smiles_have_no_labels(n_times):
    texts = ["[CH3:1][C@H:2]([CH3:3])[Cl:4]", "[CH3:5][OH:0]", MAPPED] * n_times
    plain = ["CC(C)Cl", "CO", "Cc1ccccc1"] * n_times
    assert MolGraphizer().transform(texts) == MolGraphizer().transform(plain)


@given(
    smiles=st.sampled_from(MOLECULES),
    state=st.sampled_from(list(STATES)),
    way=st.sampled_from(list(TEXTS)),
    seed=st.integers(0, 10_000),
)
def test_any_state_of_any_writing_is_the_same_molecule(smiles, state, way, seed):
    rng = random.Random(seed)
    mol = Chem.MolFromSmiles(smiles)
    mol = Chem.RenumberAtoms(mol, rng.sample(range(mol.GetNumAtoms()), mol.GetNumAtoms()))
    assert_read_as([STATES[state](mol, rng), TEXTS[way](mol, rng)], [smiles, smiles])


def test_real_molecules_in_every_state(nci_smiles):
    rng = random.Random(0)
    mols = [Chem.MolFromSmiles(text) for text in nci_smiles[::40]]
    expected = [Chem.MolToSmiles(mol) for mol in mols]
    ways = [*STATES.values(), *TEXTS.values()]
    items = [rng.choice(ways)(mol, rng) for mol in mols]
    assert_read_as(items, expected)
    descriptors = RDKitDescriptors(["MolWt", "MolLogP", "TPSA", "NumHDonors", "RingCount"])
    np.testing.assert_allclose(
        descriptors.transform(items), descriptors.transform(expected), rtol=1e-6
    )


def test_isotopes_stay_and_labels_of_dummy_atoms_go():
    texts = ["[13CH3:1]O", "CO", "[1*]C[2*:3]", "*C*"]
    found = MolStandardizer(largest_fragment=False, uncharge=False).transform(texts)
    assert found.tolist() == ["[13CH3]O", "CO", "*C*", "*C*"]


def test_splitters_keep_one_molecule_in_one_fold():
    same = ["Cc1ccccc1", MAPPED, MAPPED_ANEW, Chem.AddHs(Chem.MolFromSmiles("Cc1ccccc1"))]
    assert len(set(scaffold_groups(same))) == 1
    assert len(set(butina_groups(same))) == 1
    folds = list(ScaffoldKFold(2).split([*same, "c1ccncc1", "CCO"]))
    assert sum({0, 1, 2, 3} <= set(test.tolist()) for _, test in folds) == 1


@pytest.mark.parametrize("make", [make_gnn_pipeline, make_linear_pipeline])
def test_predictions_do_not_depend_on_the_state_of_the_mol(make):
    texts = MOLECULES[:6]
    network = {"max_epochs": 3, "random_state": 0} if make is make_gnn_pipeline else {}
    model = make(**network).fit(texts, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    mols = [Chem.AddHs(Chem.MolFromSmiles(text)) for text in texts]
    np.testing.assert_allclose(model.predict(mols), model.predict(texts), rtol=1e-4)
    np.testing.assert_allclose(model.predict([MAPPED]), model.predict(["Cc1ccccc1"]), rtol=1e-4)


def test_contributions_follow_the_atoms_of_the_mol_without_hydrogens():
    model = make_linear_pipeline().fit(MOLECULES[:6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    text, drawn = "CC(=O)Nc1ccc(O)cc1", "Oc1ccc(NC(C)=O)cc1"
    mol = Chem.AddHs(Chem.MolFromSmiles(drawn))
    found, expected, other = atom_contributions(model, [mol, drawn, text])
    np.testing.assert_allclose(found, expected)
    assert found[0] == pytest.approx(other[8])


def test_drawings_keep_the_coordinates_of_the_user():
    mol = with_coordinates(Chem.MolFromSmiles("CCO"))
    as_given = draw_molecules([Chem.RemoveHs(mol)]).to_svg()
    assert draw_molecules([mol]).to_svg() == as_given != draw_molecules(["CCO"]).to_svg()


QUERIES = {
    "SMARTS": (Chem.MolFromSmarts("[#6]-[O;H1]"), "atom # 0 is a query"),
    "plain SMARTS": (Chem.MolFromSmarts("CC"), "atom # 0 is a query"),
    "any bond": ("C~N", "'~' at position 2 is a bond of any or of zero order"),
    "zero-order bond": (Chem.MolFromSmiles("N.[Cu] |Z:0.0|"), None),
    "link nodes": ("OC1CCCC(*)C1 |LN:1:1.3.2.6|", "it stands for several molecules"),
    "variable attachment": ("CO*.C1=CC=NC=C1 |m:2:3.5.4|", "it stands for several molecules"),
    "ring bonds": ("C1CC1 |rb:0:*|", "atom # 0 is a query"),
    "reaction": ("CCO>>CC=O", "a reaction, not a molecule"),
    "broken extension": ("CC |$a|", ""),
    "broken invariant": ("CCO |SgD:0:a:b|", " "),
    "InChI": ("InChI=1S/nothing", "RDKit cannot read this InChI"),
}


@pytest.mark.parametrize(("item", "reason"), QUERIES.values(), ids=QUERIES)
def test_what_is_not_one_molecule_is_refused_with_a_reason(item, reason):
    if reason is None:
        mol = Chem.RWMol(Chem.MolFromSmiles("N.[Cu]"))
        mol.AddBond(0, 1, Chem.BondType.ZERO)
        item, reason = mol.GetMol(), "'~' in its SMILES is a bond of any or of zero order"
    for featurizer in (MorganFingerprinter(), MolGraphizer(), SmilesTokenizer()):
        with pytest.raises(InvalidMoleculeError, match="1 of 2 rows") as caught:
            featurizer.fit_transform(["C", item])
        assert caught.value.invalid[0].reason
        assert reason in caught.value.invalid[0].reason
    assert scaffold_groups([item]).tolist() == ["invalid molecule"]


def test_the_message_shows_a_mol_as_its_smiles():
    five = Chem.MolFromSmiles("CC(C)(C)(C)C", sanitize=False)
    with pytest.raises(
        InvalidMoleculeError, match=r"row 0: Mol 'CC\(C\)\(C\)\(C\)C': Explicit val"
    ):
        MorganFingerprinter().transform([five, Chem.MolFromSmarts("[C,N]")])
    with pytest.warns(InvalidMoleculeWarning, match=r"row 0: Mol '\[C,N\]': atom # 0 is a query"):
        MorganFingerprinter(on_invalid="nan").transform([Chem.MolFromSmarts("[C,N]")])


def test_inchi_is_read():
    inchi = Chem.MolToInchi(Chem.MolFromSmiles("C[C@H](N)C(=O)O"))
    assert_read_as([inchi], ["C[C@H](N)C(=O)O"])
    assert len(np.unique(SmilesTokenizer().fit_transform([inchi, "C[C@H](N)C(=O)O"]), axis=0)) == 1


@pytest.mark.parametrize("group", ["&1:1", "o1:1", "&7:1"])
def test_centers_of_racemates_are_unspecified(group):
    racemate = f"C[C@H](N)C(=O)O |{group}|"
    assert_read_as([racemate, Chem.MolFromSmiles(racemate)], ["CC(N)C(=O)O"] * 2)
    block = Chem.MolToV3KMolBlock(Chem.MolFromSmiles(racemate))
    assert_read_as([Chem.MolFromMolBlock(block)], ["CC(N)C(=O)O"])


def test_absolute_and_relative_centers_are_kept():
    absolute, relative = "C[C@H](N)C(=O)O |a:1|", "C[C@H](O)[C@@H](C)Cl |&1:1,3|"
    assert_read_as([absolute, relative], ["C[C@H](N)C(=O)O", "C[C@H](O)[C@@H](C)Cl"])


def block_of(smiles, **options):
    mol = with_coordinates(Chem.MolFromSmiles(smiles))
    return Chem.MolFromMolBlock(Chem.MolToMolBlock(mol), **options)


@pytest.mark.parametrize("smiles", ["C[C@H](N)C(=O)O", "F/C=C/F", "C[C@@H](O)/C=C\\Cl"])
@pytest.mark.parametrize("options", [{}, {"sanitize": False}, {"removeHs": False}], ids=repr)
def test_stereochemistry_of_mol_blocks_is_kept(smiles, options):
    assert_read_as([block_of(smiles, **options)], [Chem.CanonSmiles(smiles)])


def test_three_dimensions_give_an_unsanitized_mol_its_stereochemistry():
    mol = Chem.AddHs(Chem.MolFromSmiles("C[C@H](N)C(=O)O"))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    unsanitized = Chem.MolFromMolBlock(Chem.MolToMolBlock(mol), sanitize=False, removeHs=False)
    assert_read_as([unsanitized, mol], ["C[C@H](N)C(=O)O"] * 2)


def test_large_mols_are_refused_before_they_are_written():
    mol = Chem.RWMol()
    for _ in range(20_000):
        mol.AddAtom(Chem.Atom(6))
    began = time.perf_counter()
    with pytest.raises(InvalidMoleculeError, match="20000 heavy atoms, more than 5000"):
        MorganFingerprinter().transform([mol.GetMol()])
    assert time.perf_counter() - began < 1
    long = Chem.MolFromSmiles("C(C)(C)" * 650)
    with pytest.raises(InvalidMoleculeError, match=r"its SMILES is .* long, more than 5000"):
        MorganFingerprinter().transform([Chem.MolFromSmiles("[13CH2]" * 800)])
    assert MorganFingerprinter().transform([long]).any()
