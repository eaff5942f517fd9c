"""Colours of atoms, read out of the SVG that RDKit writes."""

import re

import numpy as np
import pytest
from rdkit import Chem

from skchem_dl.datasets import load_solubility
from skchem_dl.inspection import atom_contributions, draw_contributions
from skchem_dl.pipelines import make_linear_pipeline

RED, BLUE, WHITE = "#F97F72", "#669EF4", "#FFFFFF"


def circles(picture):
    """The colour of each atom's circle, in the order in which they are drawn."""
    return re.findall(r"<ellipse[^>]*style='fill:(#\w+)", picture.to_svg())


def test_full_colours_at_the_largest_and_white_at_zero():
    picture = draw_contributions(["CCO"], [np.array([-2.0, 0.0, 2.0])])
    assert circles(picture) == [BLUE, WHITE, RED]


def test_one_scale_for_all_unless_told():
    found = [[1.0, 0.0], [4.0, 0.0]]
    weak, _, strong, _ = circles(draw_contributions(["CC", "CO"], found))
    assert strong == RED
    assert weak not in (RED, WHITE)
    told = circles(draw_contributions(["CC", "CO"], found, max_contribution=1.0))
    assert told == [RED, WHITE, RED, WHITE]


def test_values_names_and_rows_that_are_no_molecules():
    picture = draw_contributions(
        ["CO", "C("], [[1, 2], []], [0.5, np.nan], ["methanol", "broken"], unit="log10(mol/L)"
    )
    svg = picture.to_svg()
    for text in ("methanol", "0.500 log10(mol/L)", "broken", "no molecule"):
        assert text in svg
    assert len(circles(picture)) == 2


def test_what_cannot_be_masked_is_not_coloured():
    assert circles(draw_contributions(["C"], [[np.nan]])) == []
    assert circles(draw_contributions(["CC"], [[0.0, 0.0]])) == [WHITE, WHITE]


def test_contributions_of_other_molecules():
    with pytest.raises(ValueError, match=r"row 1 have the shape \(2,\); expected \(3,\)"):
        draw_contributions(["CC", "CCO"], [[1, 2], [1, 2]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        draw_contributions(["CC", "CCO"], [[1, 2]])


def test_from_model_to_file(tmp_path):
    X, y = load_solubility(subset="test", return_X_y=True)
    model = make_linear_pipeline().fit(X, y)
    mols = [Chem.MolFromSmiles(smiles) for smiles in X[:6]]
    before = [mol.ToBinary() for mol in mols]
    picture = draw_contributions(mols, atom_contributions(model, mols), model.predict(mols))
    picture.save(tmp_path / "why.png")
    picture.save(tmp_path / "why.svg")
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    assert len(circles(picture)) == sum(mol.GetNumAtoms() for mol in mols)
    assert [mol.ToBinary() for mol in mols] == before
