import numpy as np
import pytest
from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from sklearn.utils._param_validation import InvalidParameterError

from skchem_dl import InvalidMoleculeError, InvalidMoleculeWarning, MolStandardizer

NOTHING = {"largest_fragment": False, "uncharge": False}


@pytest.mark.parametrize(
    ("smiles", "parameters", "expected"),
    [
        ("C(C)O", {}, "CCO"),
        ("[Na+].CC(=O)[O-]", {}, "CC(=O)O"),
        ("[Na+].CC(=O)[O-]", {"uncharge": False}, "CC(=O)[O-]"),
        ("[Na+].CC(=O)[O-]", {"largest_fragment": False}, "CC(=O)[O-].[Na+]"),
        ("[Na+].CC(=O)[O-]", NOTHING, "CC(=O)[O-].[Na+]"),
        ("CCO.O", {}, "CCO"),
        ("CCO.O", NOTHING, "CCO.O"),
        ("C[NH3+].[Cl-]", {}, "CN"),
        ("C[N+](C)(C)C", {}, "C[N+](C)(C)C"),
        ("CN(=O)=O", NOTHING, "C[N+](=O)[O-]"),
        ("CC(=O)O[Na]", NOTHING, "CC(=O)[O-].[Na+]"),
        ("C=C(O)C", {}, "C=C(C)O"),
        ("C=C(O)C", {"tautomer": True}, "CC(C)=O"),
        ("C[C@H](N)C(=O)O", {}, "C[C@H](N)C(=O)O"),
    ],
)
def test_known_cases(smiles, parameters, expected):
    assert MolStandardizer(**parameters).fit_transform([smiles]).tolist() == [expected]


@pytest.mark.parametrize("tautomer", [False, True])
def test_equals_rdkits_standardiser(smiles, nci_smiles, tautomer):
    molecules = [*smiles, "[K+].OC(=O)[O-]", "c1cc[nH+]cc1.[Br-]", "Oc1ccccn1", *nci_smiles[:40]]
    found = MolStandardizer(tautomer=tautomer).transform(molecules)
    assert found.dtype == object
    with rdBase.BlockLogs():
        for text, standard in zip(molecules, found, strict=True):
            mol = rdMolStandardize.Cleanup(Chem.MolFromSmiles(text))
            mol = rdMolStandardize.LargestFragmentChooser(preferOrganic=True).choose(mol)
            mol = rdMolStandardize.Uncharger().uncharge(mol)
            if tautomer:
                mol = rdMolStandardize.TautomerEnumerator().Canonicalize(mol)
            assert standard == Chem.MolToSmiles(mol)


def test_real_molecules_can_be_read_again_and_stay(nci_smiles):
    once = MolStandardizer(on_invalid="nan").fit_transform(nci_smiles[:300])
    assert once.tolist() == MolStandardizer().transform(once).tolist()


def test_invalid_rows_become_none():
    standardizer = MolStandardizer(on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning, match="2 of 4 rows"):
        found = standardizer.fit_transform(["OCC", "C(", None, "[Na+].[Cl-]"])
    assert found.dtype == object
    assert found[:3].tolist() == ["CCO", None, None]
    assert found[3] is not None


FERROCENE = "[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1"


@pytest.mark.parametrize(("bad", "result"), [(FERROCENE, "c1cccc1"), ("[SbH6+3]", "[SbH9]")])
@pytest.mark.parametrize("make", [str, Chem.MolFromSmiles])
def test_what_rdkit_cannot_standardise_is_an_invalid_row(bad, result, make):
    rows = ["C(", "CCO", make(bad), None]
    with pytest.raises(InvalidMoleculeError, match="3 of 4 rows") as caught:
        MolStandardizer().transform(rows)
    assert [problem.row for problem in caught.value.invalid] == [0, 2, 3]
    problem = caught.value.invalid[1]
    assert problem.value == (bad if make is str else Chem.MolToSmiles(Chem.MolFromSmiles(bad)))
    expected = f"standardization failed: it gives '{result}', which is not a valid molecule"
    assert problem.reason == expected
    with pytest.warns(InvalidMoleculeWarning, match=r"row 2: .*standardization failed"):
        found = MolStandardizer(on_invalid="nan").transform(rows)
    assert np.equal(found, None).tolist() == [True, False, True, True]


def test_an_error_of_a_step_makes_an_invalid_row(monkeypatch):
    def refuse(mol):
        if mol.GetNumAtoms() == 2:
            raise RuntimeError("Pre-condition Violation")
        return mol

    standardizer = MolStandardizer()
    monkeypatch.setattr(standardizer, "_steps", lambda: [refuse])
    with pytest.raises(InvalidMoleculeError, match="row 1: 'CC': standardization failed: Pre-cond"):
        standardizer.transform(["C", "CC", "CCC"])


def test_worker_processes_change_nothing(nci_smiles, few_are_enough):
    rows = ["C(", *nci_smiles[:50], FERROCENE]
    with pytest.warns(InvalidMoleculeWarning, match=r"2 of 52(.|\n)*row 51"):
        one = MolStandardizer(on_invalid="nan").transform(rows)
    with pytest.warns(InvalidMoleculeWarning, match=r"2 of 52(.|\n)*row 51"):
        two = MolStandardizer(on_invalid="nan", n_jobs=2).transform(rows)
    assert one.tolist() == two.tolist()


@pytest.mark.parametrize("name", ["largest_fragment", "uncharge", "tautomer"])
def test_invalid_parameters(name):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter"):
        MolStandardizer(**{name: "yes"}).fit(["C"])
