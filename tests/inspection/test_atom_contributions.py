"""Contributions of atoms: exact where the model is linear, complete where it is a network."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import Descriptors
from rdkit.Chem.rdFingerprintGenerator import AdditionalOutput, GetMorganGenerator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, PoissonRegressor, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skchem_dl import MolGraphizer, MorganFingerprinter, RDKitDescriptors, SmilesTokenizer
from skchem_dl.datasets import load_solubility
from skchem_dl.exceptions import InvalidMoleculeError, InvalidMoleculeWarning
from skchem_dl.inspection import _masking, atom_contributions
from skchem_dl.inspection._masking import without_atom
from skchem_dl.nn import READOUTS
from skchem_dl.nn._sparse import as_matrix
from skchem_dl.pipelines import (
    SkipInvalidRows,
    make_cnn_pipeline,
    make_gnn_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
)

# A few molecules have not all tokens of others.
pytestmark = pytest.mark.filterwarnings("ignore:.* SMILES have more than 20% tokens")

SMILES, LOGS = (part[:80] for part in load_solubility(subset="train", return_X_y=True))
HIGH = np.greater(LOGS, np.median(LOGS))
ASKED = ["CCO", "CC(=O)Oc1ccccc1C(=O)[O-]", "C[N+](=O)[O-]", "ClC1CCC1.[Na+]"]
NETWORKS = {"mlp": make_mlp_pipeline, "cnn": make_cnn_pipeline, "gnn": make_gnn_pipeline}
SMALL = {"gnn": {"hidden_dim": 16, "head_dims": (16,)}, "cnn": {"n_filters": 8}, "mlp": {}}


def n_atoms(smiles):
    return [Chem.MolFromSmiles(one).GetNumAtoms() for one in smiles]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    options = {"max_epochs": 3, "random_state": 0, "n_members": 2, **SMALL[request.param]}
    return NETWORKS[request.param](**options).fit(SMILES, LOGS)


@pytest.fixture(scope="module")
def forest():
    model = RandomForestRegressor(10, random_state=0)
    return make_pipeline(RDKitDescriptors(), SkipInvalidRows(model)).fit(SMILES, LOGS)


def shown(model, smiles, factor):
    """Predict with everything that the networks are shown multiplied by a factor, in float64."""
    estimator = model[-1]
    inputs = estimator._read(model[0].transform(smiles), reset=False)
    batch = as_matrix(inputs.batch(np.arange(len(smiles))))
    outputs = []
    for net in estimator.nets_:
        module = deepcopy(net.module_).double()
        if isinstance(batch, torch.Tensor) and batch.is_floating_point():
            given = batch.double() * factor
        else:  # of graphs and tokens it is embedded codes
            given = batch
            for part in module.modules():
                if type(part).__name__ in ("CodeEmbedding", "Embedding"):
                    part.weight.data *= factor
        with torch.no_grad():
            outputs.append(estimator._task.decode(module(given).numpy()))
    return np.mean(outputs, axis=0)


def test_integrated_gradients_add_up_to_what_the_molecule_adds(network):
    found = atom_contributions(network, ASKED, method="integrated_gradients")
    assert [len(of_atoms) for of_atoms in found] == n_atoms(ASKED)
    added = network.predict(ASKED) - shown(network, ASKED, 0.0)
    sums = [of_atoms.sum() for of_atoms in found]
    np.testing.assert_allclose(sums, added, atol=0.02 * np.abs(added).max())


def test_gradient_x_input_is_the_slope_at_the_molecule(network):
    found = atom_contributions(network, ASKED, method="gradient_x_input")
    slopes = (shown(network, ASKED, 1 + 1e-5) - shown(network, ASKED, 1 - 1e-5)) / 2e-5
    np.testing.assert_allclose([of_atoms.sum() for of_atoms in found], slopes, rtol=1e-3, atol=1e-4)


def test_order_of_atoms_is_that_of_the_smiles(network):
    one, other = atom_contributions(network, ["CCO", "OCC"], method="integrated_gradients")
    if isinstance(network[0], SmilesTokenizer):  # which reads the text
        assert len(one) == len(other) == 3
    else:
        np.testing.assert_allclose(one, other[::-1], atol=1e-5)


def test_a_molecule_has_the_same_contributions_in_any_company(network):
    alone = atom_contributions(network, ASKED[1:2])[0]
    together = atom_contributions(network, ASKED)[1]
    np.testing.assert_allclose(alone, together, atol=1e-4)


def test_nothing_is_changed(network):
    modules = [net.module_ for net in network[-1].nets_]
    slopes = [weights.grad.clone() for module in modules for weights in module.parameters()]
    before = network.predict(ASKED)
    for method in ("integrated_gradients", "gradient_x_input", "masking"):
        atom_contributions(network, ASKED, method=method)
    assert not any(part._forward_hooks for module in modules for part in module.modules())
    after = [weights.grad for module in modules for weights in module.parameters()]
    assert all(map(torch.equal, after, slopes))
    np.testing.assert_array_equal(network.predict(ASKED), before)


def by_hand(fingerprinter, coefficients, smiles):
    """Share each bit's part of a linear model among its environments' centres, with plain RDKit."""
    mol = Chem.MolFromSmiles(smiles)
    output = AdditionalOutput()
    output.AllocateBitInfoMap()
    generator = GetMorganGenerator(radius=fingerprinter.radius, fpSize=fingerprinter.fp_size)
    row = generator.GetCountFingerprintAsNumPy(mol)
    generator.GetCountFingerprint(mol, additionalOutput=output)
    found = np.zeros(mol.GetNumAtoms())
    for bit, places in output.GetBitInfoMap().items():
        assert row[bit] == len(places)
        value = row[bit] if fingerprinter.counts else 1
        for center, _ in places:
            found[center] += coefficients[bit] * value / len(places)
    return found


@pytest.mark.parametrize("options", [{"counts": True}, {"fp_size": 64}, {"sparse_output": True}])
@pytest.mark.parametrize("method", ["auto", "gradient_x_input"])
def test_linear_model_on_fingerprints_is_exact(options, method):
    model = make_linear_pipeline(featurizer=MorganFingerprinter(**options), alphas=[1.0])
    model.fit(SMILES, LOGS)
    ridge = model[-1].estimator_
    for smiles, of_atoms in zip(
        ASKED, atom_contributions(model, ASKED, method=method), strict=True
    ):
        np.testing.assert_allclose(of_atoms, by_hand(model[0], ridge.coef_, smiles), atol=1e-6)
        assert of_atoms.sum() == pytest.approx(model.predict([smiles])[0] - ridge.intercept_)


def without_oxygen(make):
    """Add up what ethanol's two carbons and its methyl group set in a fingerprint."""
    mol = Chem.MolFromSmiles("CCO")
    carbons, methyl = (getattr(GetMorganGenerator(radius=r), make) for r in (0, 1))
    # The environment of radius 1 comes with that of radius 0 again.
    return carbons(mol, fromAtoms=[1]).astype(int) + methyl(mol, fromAtoms=[0])


def test_masking_takes_an_atoms_bits_away():
    model = make_linear_pipeline(alphas=[1.0]).fit(SMILES, LOGS)
    (found,) = atom_contributions(model, ["CCO"], method="masking")
    left = without_oxygen("GetCountFingerprintAsNumPy")
    whole, rest = model[-1].estimator_.predict([model[0].transform(["CCO"])[0], left])
    assert found[2] == pytest.approx(whole - rest)


def test_masking_of_anything_is_the_loss_without_the_atom(forest):
    (found,) = atom_contributions(forest, ["Cc1ccncc1"])
    whole, *without = forest.predict(["Cc1ccncc1", "c1ccncc1", "CC(C=C)=CC=N", "CC(C=C)=CC=C"])
    # Kekulised, pyridine's atoms can be taken away one way or the other.
    np.testing.assert_allclose(found[0], whole - without[0])
    assert len(found) == 7


@pytest.mark.parametrize(
    ("smiles", "atom", "expected"),
    [
        ("CCO", 1, "C.O"),
        ("c1cc[nH]c1", 3, "C=CC=C"),
        ("c1cc[nH]c1", 0, "C=CNC"),
        ("C[N+](=O)[O-]", 2, "C[NH2+][O-]"),
        ("C[N+](=O)[O-]", 3, "C[NH+]=O"),
        ("C[N+](=O)[O-]", 0, "O=[NH+][O-]"),
        ("F/C=C/F", 0, "C=CF"),
        ("C[C@H](O)F", 0, "OCF"),
        ("[Na+].[Cl-]", 0, "[Cl-]"),
    ],
)
def test_hydrogen_takes_the_place_of_an_atom(smiles, atom, expected):
    mol = Chem.MolFromSmiles(smiles)
    left = without_atom(mol, atom)
    assert Chem.MolToSmiles(left) == Chem.CanonSmiles(expected)
    assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(smiles)


def test_a_single_atom_cannot_be_masked(forest):
    found = atom_contributions(forest, ["C", "CC"])
    assert np.isnan(found[0]).tolist() == [True]
    assert np.isfinite(found[1]).tolist() == [True, True]


def test_brackets_and_written_hydrogens_go_with_their_atoms():
    model = make_cnn_pipeline(max_epochs=2, random_state=0, n_filters=4).fit(
        [*SMILES, "[H]OC([2H])C[NH3+]", "C%12CCCC%12Br"], [*LOGS, 0, 0]
    )
    asked = ["[H]OC([2H])C[NH3+]", "C%12CCCC%12Br"]
    for smiles, of_atoms in zip(asked, atom_contributions(model, asked), strict=True):
        mol = Chem.MolFromSmiles(smiles)
        assert len(of_atoms) == mol.GetNumAtoms()
    given = [Chem.MolFromSmiles(smiles) for smiles in asked]
    text = [Chem.MolToSmiles(mol) for mol in given]
    for mol, of_mol, of_text in zip(
        given, atom_contributions(model, given), atom_contributions(model, text), strict=True
    ):
        order = list(mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
        np.testing.assert_allclose(of_mol[order], of_text, atol=1e-5)


def test_what_was_cut_off_contributes_nothing():
    model = make_cnn_pipeline(
        featurizer=SmilesTokenizer(max_length=4), max_epochs=2, random_state=0, n_filters=4
    )
    with pytest.warns(UserWarning, match="their ends are cut off"):
        model.fit(SMILES, LOGS)
    with pytest.warns(UserWarning, match="their ends are cut off"):
        (found,) = atom_contributions(model, ["CCCCCCO"])
    assert found[4:].tolist() == [0, 0, 0]
    assert np.abs(found[:4]).min() > 0


@pytest.mark.parametrize("kind", NETWORKS)
def test_classes_and_labels(kind):
    model = NETWORKS[kind]("classification", max_epochs=2, random_state=0, **SMALL[kind])
    model.fit(SMILES, HIGH)
    odds = np.log(model.predict_proba(ASKED)[:, 1] / model.predict_proba(ASKED)[:, 0])
    found = atom_contributions(model, ASKED, method="integrated_gradients")
    added = [of_atoms.sum() for of_atoms in found]
    # What nothing shown is predicted to be is the same for all, but that a graph's shape is shown.
    if kind != "gnn":
        assert np.ptp(odds - added) < 0.05 * np.ptp(odds)
    masked = atom_contributions(model, ["CCO"], method="masking")[0]
    assert np.abs(masked).max() <= 1
    labels = np.column_stack([HIGH, ~HIGH]).astype(float)
    two = NETWORKS[kind]("classification", max_epochs=2, random_state=0, **SMALL[kind])
    two.fit(SMILES, labels)
    first, second = (atom_contributions(two, ["CCO"], target=k)[0] for k in (0, 1))
    assert not np.allclose(first, second)
    with pytest.raises(ValueError, match="target=2; expected a number from 0 to 1"):
        atom_contributions(two, ["CCO"], target=2)
    with pytest.raises(ValueError, match="target=2; expected a number from 0 to 1"):
        atom_contributions(two, ["CCO"], target=2, method="masking")


def test_probability_of_a_forest_of_two_classes():
    model = make_pipeline(MorganFingerprinter(), RandomForestClassifier(5, random_state=0))
    model.fit(SMILES, HIGH)
    (found,) = atom_contributions(model, ["CCO"])
    left = without_oxygen("GetFingerprintAsNumPy") > 0
    whole, rest = model[1].predict_proba([model[0].transform(["CCO"])[0], left])[:, 1]
    assert found[2] == pytest.approx(whole - rest)


def test_linear_classifier():
    model = make_pipeline(MorganFingerprinter(), LogisticRegression())
    model.fit(SMILES, HIGH)
    (found,) = atom_contributions(model, ["CCO"])
    odds = model.decision_function(["CCO"])[0] - model[1].intercept_[0]
    assert found.sum() == pytest.approx(odds)


def test_several_targets():
    both = np.column_stack([LOGS, -2 * LOGS])
    model = make_linear_pipeline(alphas=[1.0]).fit(SMILES, both)
    first, second = (atom_contributions(model, ["CCO"], target=k)[0] for k in (0, 1))
    np.testing.assert_allclose(second, -2 * first, rtol=1e-6)


def test_searches_and_frozen_estimators_are_looked_into():
    search = GridSearchCV(make_linear_pipeline(), {"featurizer__radius": [1]}, cv=2)
    search.fit(SMILES, LOGS)
    inside = atom_contributions(search.best_estimator_, ["CCO"])[0]
    for wrapped in (search, FrozenEstimator(search)):
        np.testing.assert_array_equal(atom_contributions(wrapped, ["CCO"])[0], inside)


@pytest.mark.parametrize("readout", READOUTS)
def test_readout_masking_is_the_loss_without_the_atoms_vector(readout):
    """Of every readout, against one molecule after another with a row cut out by hand."""
    featurizer = MolGraphizer(molecule_features=MorganFingerprinter(fp_size=16))
    options = {"readout": readout, "max_epochs": 2, "random_state": 0, **SMALL["gnn"]}
    model = make_gnn_pipeline(featurizer=featurizer, **options).fit(SMILES, LOGS)
    module, scale = model[-1].module_, model[-1]._task.scale[0]
    asked = [*ASKED, "C"]
    inputs = model[-1]._read(model[0].transform(asked), reset=False)
    for row, of_atoms in enumerate(atom_contributions(model, asked)):
        batch = inputs.batch(np.array([row]))
        with torch.no_grad():
            states = module.atom_states(batch)
            whole = module(batch)[0, 0].item()
            for atom, contribution in enumerate(of_atoms):
                rest = torch.cat([states[:atom], states[atom + 1 :]])
                offsets = torch.tensor([0, len(rest)])
                part = replace(
                    batch,
                    atom_codes=np.delete(batch.atom_codes, atom, axis=0),
                    n_atoms=np.array([len(rest)]),
                    atom_offsets=offsets,
                )
                left = module.head(module.read_out(part, rest))[0, 0].item()
                assert contribution == pytest.approx(scale * (whole - left), abs=2e-4)


def test_readout_masking_of_a_sum_is_what_was_added():
    """Without a head the output is linear in a sum of atoms, and nothing depends on the rest."""
    options = {"readout": "sum", "head_dims": (), "max_epochs": 2, "random_state": 0}
    model = make_gnn_pipeline(hidden_dim=8, **options).fit(SMILES, LOGS)
    bias = model[-1].module_.head[-1].bias.item() * model[-1]._task.scale[0]
    constant = model[-1]._task.mean[0] + bias
    sums = [of_atoms.sum() for of_atoms in atom_contributions(model, ASKED)]
    np.testing.assert_allclose(sums, model.predict(ASKED) - constant, atol=1e-4)


def test_readout_masking_in_pieces(monkeypatch):
    model = make_gnn_pipeline(max_epochs=1, random_state=0, **SMALL["gnn"]).fit(SMILES, LOGS)
    at_once = atom_contributions(model, SMILES)
    monkeypatch.setattr("skchem_dl.inspection._readout_masking._MOST_ROWS", 300)
    in_pieces = atom_contributions(model, SMILES)
    for one, other in zip(at_once, in_pieces, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("method", ["auto", "masking"])
def test_invalid_rows_keep_their_place(network, method):
    asked = ["CCO", "C(", "CO"]
    with pytest.raises(InvalidMoleculeError, match="row 1"):
        atom_contributions(network, asked, method=method)
    network[0].set_params(on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning, match="row 1"):
        found = atom_contributions(network, asked, method=method)
    network[0].set_params(on_invalid="raise")
    assert [len(of_atoms) for of_atoms in found] == [3, 0, 2]


def test_what_cannot_be(forest):
    with pytest.raises(ValueError, match=r"method='shap'; expected one of"):
        atom_contributions(forest, ["CCO"], method="shap")
    with pytest.raises(ValueError, match="for this one there is 'masking'"):
        atom_contributions(forest, ["CCO"], method="gradient_x_input")
    with pytest.raises(TypeError, match="Got a single str"):
        atom_contributions(forest, "CCO")


def test_molecule_features_stay_as_they_are():
    featurizer = MolGraphizer(molecule_features=MorganFingerprinter(fp_size=16))
    model = make_gnn_pipeline(featurizer=featurizer, max_epochs=2, random_state=0, **SMALL["gnn"])
    model.fit(SMILES, LOGS)
    found = atom_contributions(model, ASKED, method="integrated_gradients")
    added = model.predict(ASKED) - shown(model, ASKED, 0.0)
    sums = [of_atoms.sum() for of_atoms in found]
    np.testing.assert_allclose(sums, added, atol=0.02 * np.abs(added).max())


@pytest.mark.parametrize("model", [SVC(kernel="linear"), PoissonRegressor()])
def test_coefficients_that_are_no_weights_of_a_sum(model):
    y = np.arange(len(SMILES)) % 3
    fitted = make_pipeline(MorganFingerprinter(), model).fit(SMILES, y)
    with pytest.raises(ValueError, match="for this one there is 'masking'"):
        atom_contributions(fitted, SMILES, method="gradient_x_input")


def test_sparse_coefficients_and_frames():
    y = np.arange(len(SMILES)) % 2
    model = make_pipeline(MorganFingerprinter(fp_size=64), SGDClassifier(random_state=0))
    expected = atom_contributions(model.fit(SMILES, y), SMILES)
    model[-1].sparsify()
    found = atom_contributions(model, SMILES)
    framed = atom_contributions(model.set_output(transform="pandas"), SMILES)
    for one, other, third in zip(expected, found, framed, strict=True):
        np.testing.assert_allclose(one, other)
        np.testing.assert_allclose(one, third)


def test_masking_some_molecules_at_a_time(monkeypatch):
    mols = [Chem.MolFromSmiles(text) for text in ("CCO", "C", "c1ccccc1O", "CN", "O")]
    sizes = []

    def weights(parts):
        sizes.append(len(parts))
        return np.array([Descriptors.MolWt(part) for part in parts])

    whole = _masking.mask_atoms(weights, mols)
    monkeypatch.setattr(_masking, "_MOLECULES_AT_A_TIME", 2)
    pieces = _masking.mask_atoms(weights, mols)
    assert sizes == [3 + 3 + 7 + 2, 1 + 3, 2 + 7 + 2]
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)
