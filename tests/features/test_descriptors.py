import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors
from sklearn.utils._param_validation import InvalidParameterError

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning, RDKitDescriptors
from skchem_dl.datasets import load_solubility
from skchem_dl.features._descriptor_families import compute_row, plan

FUNCTIONS = dict(Descriptors.descList)
NAMES = list(FUNCTIONS)
LARGEST = np.finfo(np.float32).max
# Of each kind one: no bonds, only hydrogens, salts, metals, radicals, isotopes, dummy atoms,
# dative and quadruple bonds, cages, no carbon, hypervalent, more atoms than drugs have.
ODD_SMILES = [
    "[He]",
    "[H][H]",
    "[H+]",
    "[Na+].[Cl-]",
    "[2H]O[2H]",
    "[1H]Cl",
    "*",
    "*CC*",
    "[*:1]C",
    "[13CH4]",
    "[O][O]",
    "[CH2]",
    "[Fe+2].[Cl-].[Cl-]",
    "N->[Pt](Cl)Cl",
    "C$C",
    "[Og]",
    "C[N+](C)(C)C.[I-]",
    "[C-]#[O+]",
    "F[P-](F)(F)(F)(F)F",
    "OS(=O)(=O)C(F)(F)F",
    "C12C3C4C1C5C2C3C45",
    "[CH-]1C=CC=C1.[CH-]1C=CC=C1.[Fe+2]",
    "N[C@@H](C)C(=O)N[C@@H](CC1=CC=C(O)C=C1)C(=O)O",
    "C/C=C/C=C\\F",
    "C[S@](=O)CC",
    "c1cc2ccc3cccc4ccc(c1)c2c34",
    "[O-][N+](=O)c1ccc(cc1)N=[N+]=[N-]",
    "OP(O)(=O)OP(=O)(O)OC",
    "C" * 120,
    "CC(C)(C)" * 30,
    "c1ccc2ccccc2c1" * 8,
    "[Cl-].[Na+].O.O.CCO.[He]",
]


def from_rdkit(mol, names):
    """Descriptors of one molecule, one of RDKit's functions after the other."""
    values = []
    for name in names:
        try:
            value = FUNCTIONS[name](mol)
        except (ValueError, RuntimeError, ArithmeticError):
            value = np.nan
        values.append(value)
    return np.array(values, dtype=np.float64)


def in_float32(values):
    return np.where(np.abs(values) <= LARGEST, values, np.nan).astype(np.float32)


def test_equals_rdkits_own_functions(smiles, nci_smiles):
    molecules = smiles + nci_smiles[:30]
    transformer = RDKitDescriptors()
    values = transformer.fit_transform(molecules)
    assert values.dtype == np.float32
    with rdBase.BlockLogs():
        expected = [from_rdkit(Chem.MolFromSmiles(text), NAMES) for text in molecules]
    np.testing.assert_array_equal(values, in_float32(expected))
    assert transformer.get_feature_names_out().tolist() == NAMES


def assert_shared_work_changes_no_bit(molecules):
    """Compare in float64, before overflow is masked, with RDKit's functions."""
    steps = plan(tuple(NAMES))
    with rdBase.BlockLogs():
        for text in molecules:
            values = compute_row(steps, Chem.MolFromSmiles(text), len(NAMES))
            expected = from_rdkit(Chem.MolFromSmiles(text), NAMES)
            np.testing.assert_array_equal(values, expected, err_msg=text)


def test_shared_work_changes_no_bit_of_odd_molecules(smiles):
    assert_shared_work_changes_no_bit(smiles + ODD_SMILES)


def test_shared_work_changes_no_bit_of_real_molecules(nci_smiles):
    assert_shared_work_changes_no_bit(load_solubility().data[::15])
    assert_shared_work_changes_no_bit(nci_smiles[::60])


@pytest.mark.slow
def test_shared_work_changes_no_bit_of_all_bundled_molecules(nci_smiles):
    assert_shared_work_changes_no_bit(load_solubility().data)
    assert_shared_work_changes_no_bit(nci_smiles)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(ODD_SMILES[:-4]), min_size=1, max_size=3))
def test_shared_work_changes_no_bit_of_mixtures(parts):
    assert_shared_work_changes_no_bit([".".join(parts)])


def other_states():
    """Mols as users have them: with hydrogens, kekulized, with atom maps, from a MolBlock."""
    drug = Chem.MolFromSmiles("CC(=O)Nc1ccc(O)cc1-c1ccncc1")
    yield Chem.AddHs(drug)
    kekulized = Chem.Mol(drug)
    Chem.Kekulize(kekulized, clearAromaticFlags=True)
    yield kekulized
    yield Chem.MolFromSmiles("[CH3:7][C@H:1]([NH2:2])[C:3](=[O:4])[OH:5]")
    yield Chem.MolFromMolBlock(Chem.MolToMolBlock(drug), removeHs=False)
    yield Chem.MolFromSmiles("[H]C([H])([H])O", sanitize=True)


def test_shared_work_changes_no_bit_of_mols_in_other_states():
    steps = plan(tuple(NAMES))
    with rdBase.BlockLogs():
        for mol in other_states():
            np.testing.assert_array_equal(
                compute_row(steps, Chem.Mol(mol), len(NAMES)), from_rdkit(Chem.Mol(mol), NAMES)
            )


def test_each_alone_equals_rdkit():
    text = "CC(=O)Nc1ccc(OS(=O)(=O)C(F)(F)F)cc1"
    expected = in_float32(from_rdkit(Chem.MolFromSmiles(text), NAMES))
    alone = [RDKitDescriptors([name]).transform([text])[0, 0] for name in NAMES]
    np.testing.assert_array_equal(alone, expected)


def test_mols_given_are_left_as_they_were():
    mol = Chem.MolFromSmiles("CC(=O)Nc1ccc(O)cc1")
    before = mol.ToBinary(Chem.PropertyPickleOptions.AllProps), dict(vars(mol))
    RDKitDescriptors().transform([mol])
    assert (mol.ToBinary(Chem.PropertyPickleOptions.AllProps), dict(vars(mol))) == before


def test_a_descriptor_that_we_do_not_know_is_rdkits(monkeypatch):
    monkeypatch.setattr(
        Descriptors, "descList", [*Descriptors.descList, ("Newest", lambda mol: 42.0)]
    )
    plan.cache_clear()
    values = compute_row(plan(("Newest", "RingCount")), Chem.MolFromSmiles("C1CC1"), 2)
    plan.cache_clear()
    assert values == [42.0, 1]


LARGE = {
    "chain": "C" * 1_000,
    "longest chain": "C" * 5_000,
    "rings": "C1CC1" * 1_000,
    "polystyrene": "C(c1ccccc1)C" * 400,
    "salt": ".".join(["[Na+].[Cl-]"] * 400),
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_molecules_take_no_long_time(kind):
    # RDKit's loop over its functions takes minutes to hours of each. The bound is wide, for slow
    # machines: each takes a tenth of it or so.
    began = time.process_time()
    values = RDKitDescriptors().transform([LARGE[kind]])
    assert time.process_time() - began < 20
    names = ["MolWt", "HeavyAtomCount", "TPSA", "RingCount", "Chi1", "MolLogP", "fr_ether"]
    mol = Chem.MolFromSmiles(LARGE[kind])
    np.testing.assert_array_equal(
        values[0, [NAMES.index(name) for name in names]], in_float32(from_rdkit(mol, names))
    )


@pytest.mark.parametrize(
    ("name", "n_atoms"),
    [("Ipc", 100), ("AvgIpc", 200), ("BCUT2D_MRLOW", 400), ("BalabanJ", 400), ("VSA_EState3", 400)],
)
def test_costly_descriptors_are_rdkits_up_to_their_limit(name, n_atoms):
    largest = "C" * n_atoms
    value = RDKitDescriptors([name, "MolWt"]).transform([largest])[0, 0]
    assert value == in_float32(from_rdkit(Chem.MolFromSmiles(largest), [name]))[0]
    larger = RDKitDescriptors([name, "MolWt"]).transform(["C" * 401])
    assert np.isnan(larger).tolist() == [[True, False]]


def square_net(width):
    """A sheet of fused four-membered rings: four paths of three bonds start with each bond."""
    net = Chem.RWMol()
    for _ in range(width**2):
        net.AddAtom(Chem.Atom(6))
    for row in range(width):
        for column in range(width - 1):
            here, across = row * width + column, column * width + row
            net.AddBond(here, here + 1, Chem.BondType.SINGLE)
            net.AddBond(across, across + width, Chem.BondType.SINGLE)
    return Chem.MolToSmiles(net)


def test_paths_are_limited_by_their_number_and_by_atoms():
    names = ["Chi4n", "Kappa3", "Phi"]
    chain, small_net, net = "C" * 1_000, square_net(8), square_net(20)
    values = RDKitDescriptors([*names, "MolWt"]).transform([chain, small_net, net, chain + "C"])
    expected = [from_rdkit(Chem.MolFromSmiles(text), names) for text in (chain, small_net)]
    np.testing.assert_array_equal(values[:2, :3], in_float32(expected))
    assert np.isnan(values[2:]).tolist() == [[True, True, True, False]] * 2


def test_too_large_for_all_that_is_asked_is_a_reason():
    with pytest.raises(InvalidMoleculeError, match="for a molecule of 500 atoms"):
        RDKitDescriptors(["AvgIpc", "BertzCT"]).transform(["C" * 500])


def test_values_known_by_heart():
    names = ["HeavyAtomCount", "RingCount", "NumHDonors", "MolWt"]
    values = RDKitDescriptors(names).transform(["CCO", "c1ccccc1"])
    np.testing.assert_allclose(values, [[3, 0, 1, 46.069], [6, 1, 0, 78.114]], atol=1e-3)


def test_overflow_becomes_nan():
    chain = "C" * 195
    ipc = FUNCTIONS["Ipc"](Chem.MolFromSmiles(chain))
    assert LARGEST < ipc < np.inf
    values = RDKitDescriptors(["HeavyAtomCount", "Ipc"]).transform([chain, "CCO"])
    assert np.isnan(values).tolist() == [[False, True], [False, False]]


def test_what_rdkit_cannot_compute_is_nan():
    values = RDKitDescriptors(["BCUT2D_MWHI", "MolWt"]).transform(["[He]", "CCO"])
    assert np.isnan(values).tolist() == [[True, False], [False, False]]


def test_other_errors_are_not_hidden(monkeypatch):
    def broken(mol):
        raise TypeError("a mistake in a descriptor")

    monkeypatch.setattr(Descriptors, "descList", [("MolWt", broken)])
    plan.cache_clear()
    with pytest.raises(TypeError, match="a mistake"):
        RDKitDescriptors(["MolWt"]).transform(["C"])
    plan.cache_clear()


@pytest.mark.parametrize("container", [list, tuple])
def test_a_subset_keeps_its_order(smiles, container):
    names = container(["TPSA", "MolWt", "MolLogP"])
    transformer = RDKitDescriptors(names).fit(smiles)
    assert transformer.get_feature_names_out().tolist() == list(names)
    everything = RDKitDescriptors()
    position = everything.get_feature_names_out().tolist().index
    np.testing.assert_array_equal(
        transformer.transform(smiles),
        everything.transform(smiles)[:, [position(name) for name in names]],
    )


@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_unknown_names(method):
    with pytest.raises(ValueError, match=r"'MolWeight', which.*close to it are.*'MolWt'"):
        getattr(RDKitDescriptors(["TPSA", "MolWeight"]), method)(["C"])


def test_a_name_may_not_occur_twice():
    with pytest.raises(ValueError, match=r"names \['MolWt'\] more than once"):
        RDKitDescriptors(["MolWt", "TPSA", "MolWt"]).fit(["C"])


@pytest.mark.parametrize("value", ["MolWt", None, 3])
def test_invalid_parameters(value):
    with pytest.raises(InvalidParameterError, match="'descriptors' parameter"):
        RDKitDescriptors(value).fit(["C"])


def test_invalid_rows_are_nan_and_pandas_output():
    X = pd.Series(["CCO", "C("], index=["ethanol", "typo"])
    transformer = RDKitDescriptors(["MolWt", "TPSA"], on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning, match=r"row 1 \(index 'typo'\)"):
        frame = transformer.set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == ["MolWt", "TPSA"]
    assert frame.index.tolist() == ["ethanol", "typo"]
    assert frame.isna().all(axis=1).tolist() == [False, True]
    assert (frame.dtypes == np.float32).all()


def test_worker_processes_change_nothing(smiles, few_are_enough):
    one = RDKitDescriptors().transform(smiles)
    two = RDKitDescriptors(n_jobs=2).transform(smiles)
    np.testing.assert_array_equal(one, two)


def test_a_molecule_of_which_nothing_is_known_is_invalid():
    names = ["BCUT2D_MWHI", "BCUT2D_MWLOW"]
    with pytest.raises(InvalidMoleculeError, match=r"row 1: .*no descriptor can be computed"):
        RDKitDescriptors(names).transform(["CCO", Chem.MolFromSmiles("[He]"), "CC"])
    lenient = RDKitDescriptors(names, on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning) as caught:
        values = lenient.transform(["[He]", "CCO", "C(", "[He]"])
    assert np.isnan(values).tolist() == [[True] * 2, [False] * 2, [True] * 2, [True] * 2]
    assert [bad.row for bad in caught[0].message.invalid] == [0, 2, 3]
    # One value is enough.
    assert np.isfinite(RDKitDescriptors([*names, "MolWt"]).transform(["[He]"])).sum() == 1


@pytest.mark.parametrize("n_atoms", [8, 12, 16])
def test_small_cages_take_no_time(n_atoms):
    cage = Chem.RWMol()
    for _ in range(n_atoms):
        cage.AddAtom(Chem.Atom(0))
    for one in range(n_atoms):
        for other in range(one):
            cage.AddBond(one, other, Chem.BondType.SINGLE)
    began = time.process_time()
    (row,) = RDKitDescriptors(["Chi4n", "HeavyAtomCount"]).transform([cage.GetMol()])
    assert np.isnan(row).tolist() == [True, False]
    assert time.process_time() - began < 2  # RDKit takes minutes
