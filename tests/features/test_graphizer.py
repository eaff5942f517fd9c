import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from rdkit import Chem
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from skchem_dl import (
    InvalidMoleculeError,
    InvalidMoleculeWarning,
    MolGraphizer,
    MolGraphs,
    MorganFingerprinter,
    RDKitDescriptors,
)
from skchem_dl.features import _graphs_fast
from skchem_dl.features._graphs import SCHEMA

# The documented categories, written out; a category's code is its position, from 1.
PERIODIC_TABLE = Chem.GetPeriodicTable()
ATOM_CATEGORIES = {
    "element": [PERIODIC_TABLE.GetElementSymbol(z) for z in range(1, 55)]
    + ["Pt", "Au", "Hg", "Pb", "Bi"],
    "degree": [0, 1, 2, 3, 4, 5, 6],
    "charge": [-2, -1, 0, 1, 2],
    "chirality": [None, "R", "S"],
    "hydrogens": [0, 1, 2, 3, 4],
    "hybridisation": ["S", "SP", "SP2", "SP3", "SP3D", "SP3D2"],
    "aromatic": [False, True],
    "smallest_ring": [0, 3, 4, 5, 6, 7, 8],
}
BOND_CATEGORIES = {
    "order": ["SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"],
    "conjugated": [False, True],
    "in_ring": [False, True],
    "stereo": ["STEREONONE", "STEREOANY", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS"],
}


def code(value, categories):
    return categories.index(value) + 1 if value in categories else 0


def atom_values(atom):
    rings = atom.GetOwningMol().GetRingInfo().AtomRings()
    return {
        "element": atom.GetSymbol(),
        "degree": len(atom.GetNeighbors()),
        "charge": atom.GetFormalCharge(),
        "chirality": chirality(atom),
        "hydrogens": atom.GetNumExplicitHs() + atom.GetNumImplicitHs(),
        "hybridisation": str(atom.GetHybridization()),
        "aromatic": atom.GetIsAromatic(),
        "smallest_ring": min((len(r) for r in rings if atom.GetIdx() in r), default=0),
    }


def chirality(atom):
    centres = dict(Chem.FindMolChiralCenters(atom.GetOwningMol(), useLegacyImplementation=True))
    if str(atom.GetChiralTag()) == "CHI_UNSPECIFIED":
        return None
    tetrahedral = str(atom.GetChiralTag()).startswith("CHI_TETRAHEDRAL_C")
    return centres.get(atom.GetIdx(), "no label") if tetrahedral else "not tetrahedral"


def bond_values(bond):
    rings = bond.GetOwningMol().GetRingInfo().BondRings()
    return {
        "order": str(bond.GetBondType()),
        "conjugated": bond.GetIsConjugated(),
        "in_ring": any(bond.GetIdx() in ring for ring in rings),
        "stereo": str(bond.GetStereo()),
    }


def expected_codes(parts, values_of, categories):
    values = [values_of(part) for part in parts]
    return [[code(row[name], categories[name]) for name in categories] for row in values]


@pytest.fixture(params=["pure", "fast"])
def each_way(request, monkeypatch):
    """Read the graphs in Python, and in C++ where that is installed."""
    monkeypatch.setattr(_graphs_fast, "ENABLED", request.param == "fast")
    monkeypatch.setattr(_graphs_fast, "MIN_ROWS", 0)


def test_schema_is_what_the_documentation_says():
    sizes = {name: len(values) + 1 for name, values in ATOM_CATEGORIES.items()}
    assert dict(SCHEMA.atom_fields) == sizes
    assert SCHEMA.atom_sizes == tuple(sizes.values())
    sizes = {name: len(values) + 1 for name, values in BOND_CATEGORIES.items()}
    assert dict(SCHEMA.bond_fields) == sizes
    assert SCHEMA.bond_sizes == tuple(sizes.values())


@pytest.mark.usefixtures("each_way")
def test_every_code_and_bond(smiles, nci_smiles):
    molecules = [*smiles, "C" * 300, *nci_smiles[:300]]
    graphs = MolGraphizer().fit_transform(molecules)
    assert isinstance(graphs, MolGraphs)
    assert graphs.schema == SCHEMA
    assert graphs.atom_codes.dtype == graphs.bond_codes.dtype == np.uint8
    assert graphs.bond_atoms.dtype == np.int32
    for text, graph in zip(molecules, graphs, strict=True):
        mol = Chem.MolFromSmiles(text)
        atoms = expected_codes(mol.GetAtoms(), atom_values, ATOM_CATEGORIES)
        bonds = expected_codes(mol.GetBonds(), bond_values, BOND_CATEGORIES)
        assert graph.atom_codes.tolist() == atoms
        assert graph.bond_codes.tolist() == bonds
        ends = [[bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()] for bond in mol.GetBonds()]
        assert graph.bond_atoms.tolist() == ends


@pytest.mark.parametrize("kind", ["text", "mol", "pickled mol"])
def test_codes_do_not_depend_on_how_a_stereoisomer_is_written(kind):
    glucose = Chem.MolFromSmiles("OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O")
    written = [Chem.MolToRandomSmilesVect(glucose, 20, randomSeed=7)[i] for i in range(20)]
    if kind != "text":
        written = [Chem.MolFromSmiles(text) for text in written]
    if kind == "pickled mol":  # as worker processes get them: without computed properties
        written = [pickle.loads(pickle.dumps(mol)) for mol in written]
    graphs = MolGraphizer().transform(written)
    atoms = [sorted(graph.atom_codes.tolist()) for graph in graphs]
    assert len(set(map(str, written))) > 5 or kind != "text"
    assert all(codes == atoms[0] for codes in atoms)


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize(
    ("smiles", "field"),
    [
        ("[U]", "element"),
        ("*", "element"),
        ("F[Re](F)(F)(F)(F)(F)F", "degree"),
        ("[Al+3]", "charge"),
        ("[N-3]", "charge"),
        ("F[Pt@SP1](Cl)(Br)I", "chirality"),
        ("[ReH9-2]", "hydrogens"),
        ("*", "hybridisation"),
        ("C1CCCCCCCCC1", "smallest_ring"),
        ("[NH3]->[Fe+2]", "order"),
        ("[Re]$[Re]", "order"),
    ],
)
def test_rare_values_are_other(smiles, field):
    graphs = MolGraphizer().transform([smiles])
    names = [*ATOM_CATEGORIES, *BOND_CATEGORIES]
    columns = [*graphs.atom_codes.T, *graphs.bond_codes.T]
    assert 0 in columns[names.index(field)]


@pytest.mark.usefixtures("each_way")
def test_sizes():
    graphs = MolGraphizer().transform(["[Na+].[Cl-]", "C", "C" * 300, "[H][H]"])
    assert graphs.n_atoms.tolist() == [2, 1, 300, 2]
    assert graphs.n_bonds.tolist() == [0, 0, 299, 1]


@pytest.mark.usefixtures("each_way")
def test_invalid_molecules_are_empty_graphs():
    rows = ["", "CCO", "C(", "C", None]
    with pytest.raises(InvalidMoleculeError, match="3 of 5"):
        MolGraphizer().transform(rows)
    with pytest.warns(InvalidMoleculeWarning, match="3 of 5"):
        graphs = MolGraphizer(on_invalid="nan").transform(rows)
    assert graphs.n_atoms.tolist() == [0, 3, 0, 1, 0]
    assert graphs.n_bonds.tolist() == [0, 2, 0, 0, 0]
    assert graphs[[1, 3]] == MolGraphizer().transform(["CCO", "C"])


def test_worker_processes_change_nothing(nci_smiles, few_are_enough):
    rows = ["C(", *nci_smiles[:300]]
    with pytest.warns(InvalidMoleculeWarning, match="1 of 301"):
        one = MolGraphizer(on_invalid="nan").transform(rows)
    with pytest.warns(InvalidMoleculeWarning, match="1 of 301"):
        two = MolGraphizer(on_invalid="nan", n_jobs=2).transform(rows)
    assert one == two


def test_memory(nci_smiles, shared_data):
    assert MolGraphizer().transform(nci_smiles[:1000]).nbytes < 700 * 1000
    drugs = pd.read_csv(shared_data("lipophilicity.csv"))["smiles"][:1000]
    assert MolGraphizer().transform(drugs).nbytes < 700 * 1000


def test_it_never_becomes_a_frame(smiles):
    graphizer = MolGraphizer(molecule_features=RDKitDescriptors(["MolWt"]))
    with sklearn.config_context(transform_output="pandas"):
        assert graphizer.fit_transform(smiles) == graphizer.transform(smiles)
        assert isinstance(graphizer.fit_transform(smiles), MolGraphs)
    asked = clone(graphizer).set_output(transform="polars")
    assert asked.fit_transform(smiles) == graphizer.transform(smiles)


def test_names_are_those_of_the_molecule_features(smiles):
    assert MolGraphizer().get_feature_names_out().tolist() == []
    graphizer = MolGraphizer(molecule_features=RDKitDescriptors(["MolWt", "TPSA"]))
    with pytest.raises(NotFittedError):
        graphizer.get_feature_names_out()
    assert graphizer.fit(smiles).get_feature_names_out().tolist() == ["MolWt", "TPSA"]


WEIGHT = RDKitDescriptors(["MolWt", "TPSA"])


@pytest.mark.parametrize(
    "transformer",
    [
        WEIGHT,
        make_pipeline(WEIGHT, StandardScaler()),
        MorganFingerprinter(fp_size=32, sparse_output=True),
    ],
    ids=["descriptors", "pipeline", "sparse"],
)
@pytest.mark.parametrize("container", [list, np.array, pd.Series, pl.Series])
def test_molecule_features(smiles, transformer, container):
    X = container(smiles)
    graphizer = MolGraphizer(molecule_features=transformer)
    graphs = graphizer.fit_transform(X)
    expected = clone(transformer).fit_transform(smiles)
    expected = expected.toarray() if hasattr(expected, "toarray") else expected
    assert graphs.molecule_features.dtype == np.float32
    np.testing.assert_array_equal(graphs.molecule_features, expected.astype(np.float32))
    assert graphizer.n_molecule_features_ == expected.shape[1]
    assert clone(graphizer).fit(X).transform(X) == graphs
    assert graphs.with_molecule_features(None) == MolGraphizer().transform(X)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_beside_the_smiles(frame):
    X = frame({"pH": [7.4, 2.0, 5.0], "smiles": ["CCO", "C(", "C"], "assay": ["a", "b", "c"]})
    columns = ColumnTransformer(
        [("pH", "passthrough", ["pH"]), ("assay", OneHotEncoder(), ["assay"])]
    )
    graphizer = MolGraphizer(molecule_features=columns, smiles_column="smiles", on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning):
        graphs = graphizer.fit_transform(X)
    nan = np.nan  # and no category for the assay of the invalid row
    expected = np.array([[7.4, 1, 0], [nan, nan, nan], [5.0, 0, 1]], dtype=np.float32)
    np.testing.assert_array_equal(graphs.molecule_features, expected)
    assert graphs.n_atoms.tolist() == [3, 0, 1]


class Recorder(TransformerMixin, BaseEstimator):
    """Keeps what it is given; gives one column, or whatever is asked of it."""

    def __init__(self, shape=(-1, 1)):
        self.shape = shape

    def fit(self, X, y=None):
        self.fitted_on_ = list(X), y
        return self

    def transform(self, X):
        self.seen_ = list(X)
        return np.arange(len(X), dtype=float).reshape(self.shape)


@pytest.mark.filterwarnings("ignore::skchem_dl.InvalidMoleculeWarning")
@pytest.mark.parametrize("y", [[1, 2, 3, 4], np.array([1, 2, 3, 4]), pd.Series([1, 2, 3, 4])])
def test_invalid_rows_never_reach_the_molecule_features(y):
    recorder = Recorder()
    graphizer = MolGraphizer(molecule_features=recorder, on_invalid="nan")
    graphs = graphizer.fit_transform(["C(", "CCO", None, "C"], y)
    assert graphizer.molecule_features_.fitted_on_[0] == ["CCO", "C"]
    assert list(graphizer.molecule_features_.fitted_on_[1]) == [2, 4]
    assert not hasattr(recorder, "seen_")  # the parameter itself is never fitted
    features = graphs.molecule_features
    np.testing.assert_array_equal(features, [[np.nan], [0], [np.nan], [1]])
    np.testing.assert_array_equal(graphizer.transform(["C("]).molecule_features, [[np.nan]])
    assert graphizer.molecule_features_.seen_ == ["CCO", "C"]


def test_molecule_features_must_be_fitted_and_two_dimensional():
    with pytest.raises(NotFittedError):
        MolGraphizer(molecule_features=WEIGHT).transform(["C"])
    with pytest.raises(ValueError, match=r"shape \(2,\); expected \(n, d\)"):
        MolGraphizer(molecule_features=Recorder(shape=-1)).fit(["C", "CC"])
    with pytest.raises(InvalidParameterError, match="'molecule_features' parameter"):
        MolGraphizer(molecule_features="MolWt").fit(["C"])


def test_set_params_reaches_the_molecule_features():
    graphizer = MolGraphizer(molecule_features=clone(WEIGHT)).fit(["C"])
    graphizer.set_params(molecule_features__descriptors=["RingCount"])
    assert graphizer.fit_transform(["C1CC1"]).molecule_features.tolist() == [[1.0]]
