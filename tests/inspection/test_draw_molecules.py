"""Pictures of molecules."""

import sys
import xml.etree.ElementTree as ET
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import AllChem

from skchem_dl.inspection import draw_molecules
from skchem_dl.inspection._axes import format_number
from skchem_dl.inspection._drawing import molecule_png, molecule_svg

SVG = "{http://www.w3.org/2000/svg}"
SMILES = ["c1ccccc1", "CCO", "C(", "CC(=O)Oc1ccccc1C(=O)O", None]


def parts_of(picture):
    """Give the texts and the drawn molecules of the SVG."""
    root = ET.fromstring(picture.to_svg())
    return [text.text or "" for text in root.iter(f"{SVG}text")], root.findall(f"{SVG}svg")


def pixels_of(picture, **options):
    return plt.imread(BytesIO(picture.to_png(**options)))


def test_every_molecule_has_its_cell():
    texts, molecules = parts_of(draw_molecules(SMILES, n_columns=2, size=(100, 80)))
    places = [(int(svg.get("x")), int(svg.get("y"))) for svg in molecules]
    assert places == [(0, 0), (100, 0), (100, 80)]
    assert [svg.get("width") for svg in molecules] == ["100px"] * 3
    assert all(len(list(svg.iter(f"{SVG}path"))) > 1 for svg in molecules)
    assert " ".join(texts[:3]).startswith("no molecule:")


def test_an_invalid_cell_says_why():
    texts, _ = parts_of(draw_molecules(SMILES))
    assert " ".join(texts) == (
        "no molecule: syntax error around position 2 no molecule: missing value"
    )


def test_values_and_legends():
    picture = draw_molecules(
        SMILES,
        [-1.6437, 1000, "?", np.nan, None],
        ["benzene", "<ethanol & water>", 3, "α-β µM", None],
        unit="mM",
    )
    texts, _ = parts_of(picture)
    lines = [text for text in texts if "molecule" not in text and "position" not in text]
    assert lines == [
        *("benzene", "\N{MINUS SIGN}1.64 mM"),
        *("<ethanol & water>", "1,000 mM"),
        *("3", "?"),
        *("α-β µM", "no value"),
        *("", "no value"),
    ]


def test_long_names_are_cut():
    texts, _ = parts_of(draw_molecules(["C"], legends=["x" * 100], size=(100, 80)))
    assert texts[0].endswith("…")
    assert len(texts[0]) < 20


def test_plot_draws_into_axes():
    picture = draw_molecules(SMILES[:4], n_columns=2, size=(100, 80))
    figure, (left, right) = plt.subplots(1, 2)
    assert picture.plot(right, scale=2) is picture
    assert (picture.ax_, picture.figure_) == (right, figure)
    assert not left.images
    assert not right.axison
    np.testing.assert_array_equal(right.images[0].get_array(), pixels_of(picture, scale=2))
    plt.close(figure)


def test_plot_opens_a_figure_of_the_size_of_the_picture():
    figure = draw_molecules(SMILES[:4], n_columns=2, size=(100, 80)).plot().figure_
    assert figure.get_size_inches().tolist() == [2.0, 1.6]
    plt.close(figure)


def test_png_has_the_same_cells():
    picture = draw_molecules(SMILES[:4], n_columns=2, size=(100, 80))
    pixels = pixels_of(picture, scale=3)
    assert pixels.shape[:2] == (480, 600)
    for row in range(2):
        for column in range(2):
            cell = pixels[240 * row : 240 * (row + 1), 300 * column : 300 * (column + 1), :3]
            assert cell.min() < 0.7  # a drawing, or the reason why there is none
            assert cell[:3].min() == cell[:, :3].min() == 1  # which stays inside
    red = (pixels[240:, :300, 0] > 0.5) & (pixels[240:, :300, 1] < 0.4)
    assert red.any()


def test_png_is_not_the_rcparams():
    picture = draw_molecules(["CCO"], ["$x$"], size=(100, 80))
    plain = picture.to_png()
    with plt.rc_context({"savefig.bbox": "tight", "figure.facecolor": "red", "text.color": "red"}):
        assert picture.to_png() == plain


def test_png_text_is_no_mathematics():
    assert pixels_of(draw_molecules(["C"], legends=["$\\frac{$"])).min() < 0.5


def test_files(tmp_path):
    picture = draw_molecules(["CCO", "C"])
    picture.save(tmp_path / "a.svg")
    picture.save(str(tmp_path / "a.PNG"))
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert svg == picture._repr_svg_() == picture._repr_html_()
    assert (tmp_path / "a.PNG").read_bytes() == picture.to_png()
    with pytest.raises(ValueError, match=r"a\.pdf'; its name must end in \.svg or \.png"):
        picture.save(tmp_path / "a.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.PNG", "a.svg"]


def test_svg_needs_no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    picture = draw_molecules(["CCO"])
    assert picture.to_svg().startswith("<svg")
    with pytest.raises(ImportError, match="needs the extra 'plot'"):
        picture.to_png()


@pytest.mark.parametrize(
    "container",
    [tuple, np.array, pd.Series, lambda smiles: [Chem.MolFromSmiles(text) for text in smiles]],
)
def test_containers(container):
    smiles = ["CCO", "c1ccccc1"]
    expected = draw_molecules(smiles, pd.Series([1, 2])).to_svg()
    assert draw_molecules(container(smiles), np.array([1, 2])).to_svg() == expected


def test_a_column_of_a_frame():
    frame = pd.DataFrame({"name": ["a"], "smiles": ["CCO"]})
    picture = draw_molecules(frame, legends=frame["name"], smiles_column="smiles")
    assert len(parts_of(picture)[1]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": [1]}, r"inconsistent numbers of samples: \[5, 1\]"),
        ({"legends": ["a"] * 6}, r"inconsistent numbers of samples: \[5, 6\]"),
        ({"values": np.zeros((5, 2))}, r"values must be 1-D, .* got shape \(5, 2\)"),
        ({"n_columns": 0}, "'n_columns' parameter"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        draw_molecules(SMILES, **options)


def test_drawing_changes_no_molecule():
    flat, lying = (Chem.MolFromSmiles("CC(N)C(=O)O") for _ in range(2))
    solid = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.EmbedMolecule(solid, randomSeed=1)
    AllChem.Compute2DCoords(lying)
    for mol in (flat, lying, solid):
        before = mol.ToBinary(Chem.PropertyPickleOptions.AllProps)
        molecule_svg(mol, (100, 80))
        assert mol.ToBinary(Chem.PropertyPickleOptions.AllProps) == before


def test_three_dimensions_are_flattened_and_two_are_kept():
    solid = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    flat = molecule_svg(solid, (100, 80))
    AllChem.EmbedMolecule(solid, randomSeed=1)
    assert molecule_svg(solid, (100, 80)) == flat
    AllChem.Compute2DCoords(solid)
    conformer = solid.GetConformer()
    for atom in range(solid.GetNumAtoms()):  # upside down
        at = conformer.GetAtomPosition(atom)
        conformer.SetAtomPosition(atom, (at.x, -at.y, 0))
    assert molecule_svg(solid, (100, 80)) != flat


def test_highlights_are_those_of_rdkit():
    mol = Chem.MolFromSmiles("CCO")
    options = {"highlightAtoms": [2], "highlightAtomColors": {2: (0.0, 1.0, 0.0)}}
    assert "#00FF00" in molecule_svg(mol, (100, 80), **options)
    assert "#00FF00" not in molecule_svg(mol, (100, 80))
    pixels = plt.imread(BytesIO(molecule_png(mol, (100, 80), scale=2, **options)))
    assert pixels.shape[:2] == (160, 200)
    assert ((pixels[..., 1] > 0.9) & (pixels[..., 0] < 0.1)).any()


@settings(max_examples=20)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_text_is_a_cell(rows):
    """The SVG stays well-formed whatever stands in the rows and legends."""
    rows = [*rows, "C"]
    root = ET.fromstring(draw_molecules(rows, legends=rows).to_svg())
    assert root.tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.500"),
        (-1.6, "\N{MINUS SIGN}1.60"),
        (99.96, "100"),
        (12345.6, "12,346"),
        (3, "3"),
        (np.int64(1234), "1,234"),
        (0.0, "0.00"),
        (1.5e-7, "1.50e\N{MINUS SIGN}07"),
    ],
)
def test_numbers(value, text):
    assert format_number(value) == text
