"""Maps of molecules."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.exceptions import InvalidMoleculeWarning
from skchem_dl.inspection import ChemicalSpaceDisplay
from skchem_dl.inspection._point_colors import choose_kind, group_categories
from skchem_dl.inspection._thumbnails import place_thumbnails
from skchem_dl.pipelines import make_pca_pipeline

RNG = np.random.default_rng(0)
XY = RNG.normal(size=(60, 2))
XY[2] = np.nan  # the broken molecule
NUMBERS = RNG.normal(size=60)


@pytest.fixture
def draw(molecules):
    """Draw the sixty molecules."""

    def draw(**options):
        return ChemicalSpaceDisplay.from_coordinates(XY, molecules=molecules[0], **options)

    return draw


def test_plain(draw, as_png):
    display = draw()
    (scatter,) = display.scatters_
    np.testing.assert_array_equal(scatter.get_offsets(), np.delete(XY, 2, axis=0))
    assert display.text_.get_text() == "59 molecules, 1 invalid left out"
    assert display.colorbar_ is display.legend_ is None
    assert display.thumbnails_ == []
    as_png(display.figure_)


def test_a_property_has_a_colour_bar_with_its_unit(draw, as_png):
    values = NUMBERS.copy()
    values[[10, 20]] = np.nan
    display = draw(color=values, color_label="logS", unit="log10(mol/L)")
    coloured, grey = display.scatters_
    np.testing.assert_array_equal(coloured.get_array(), np.delete(values, [2, 10, 20]))
    np.testing.assert_array_equal(grey.get_offsets(), XY[[10, 20]])
    assert display.colorbar_.ax.get_ylabel() == "logS [log10(mol/L)]"
    assert display.text_.get_text() == "59 molecules, 1 invalid left out, 2 without a value"
    as_png(display.figure_)


def test_residuals_are_centred_at_zero(draw, as_png):
    display = draw(color=NUMBERS + 1, color_kind="diverging")
    norm = display.scatters_[0].norm
    assert norm.vmax == np.quantile(np.abs(np.delete(NUMBERS + 1, 2)), 0.98)
    assert norm.vmin == -norm.vmax
    assert norm(0.0) == 0.5
    as_png(display.figure_)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_nothing_but_zero_or_nan(draw, as_png, value):
    display = draw(color=np.full(60, value), color_kind="diverging")
    as_png(display.figure_)
    assert sum(len(scatter.get_offsets()) for scatter in display.scatters_) == 59
    assert ("59 without a value" in display.text_.get_text()) == np.isnan(value)


def test_categories_have_a_legend(draw, as_png):
    folds = np.arange(60) % 3
    display = draw(color=folds, color_label="fold")
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["0 (20)", "1 (20)", "2 (19)"]
    assert display.legend_.get_title().get_text() == "fold"
    assert [len(scatter.get_offsets()) for scatter in display.scatters_] == [20, 20, 19]
    assert display.text_.get_text() == "59 molecules, 1 invalid left out"
    as_png(display.figure_)
    display.figure_.canvas.draw()
    assert display.legend_.get_window_extent().x1 <= display.figure_.bbox.x1  # not cut off


def test_many_categories(draw, as_png):
    names = [f"cluster {number:02}" for number in [*range(30), *range(30)]]
    names[:5] = ["cluster 07"] * 5
    display = draw(color=names, color_label="cluster")
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert len(texts) == len(display.scatters_) == 20
    assert "cluster 07 (6)" in texts  # the largest keeps its colour
    assert texts[-1].startswith("11 smaller (")
    assert sum(len(scatter.get_offsets()) for scatter in display.scatters_) == 59
    styles = {
        (tuple(scatter.get_facecolor()[0]), scatter.get_paths()[0].vertices.shape)
        for scatter in display.scatters_
    }
    assert len(styles) == 20  # no two alike
    as_png(display.figure_)


def test_clusters_with_gaps_are_whole_numbers():
    groups, others = group_categories(np.array([1.0, 0.0, np.nan, 1.0]))
    assert {name: rows.tolist() for name, rows in groups.items()} == {
        "0": [False, True, False, False],
        "1": [True, False, False, True],
    }
    assert {name: rows.tolist() for name, rows in others.items()} == {
        "none": [False, False, True, False]
    }


def test_large_categories_with_gaps_are_told_apart():
    groups, _ = group_categories(np.array([20190501.0, 20190502.0, np.nan, 0.5]))
    assert list(groups) == ["0.5", "20190501", "20190502"]
    assert [rows.sum() for rows in groups.values()] == [1, 1, 1]


@pytest.mark.parametrize(
    "gaps",
    [
        lambda names: pd.Series(names, dtype="string"),
        lambda names: [np.nan if name is None else name for name in names],
        lambda names: np.array(names, dtype=object),
    ],
    ids=["pandas", "list", "objects"],
)
def test_gaps_among_names_are_grey(draw, gaps):
    names = [None if i % 4 == 3 else "ab"[i % 2] for i in range(60)]
    display = draw(color=gaps(names))
    texts = [text.get_text().partition(" ")[0] for text in display.legend_.get_texts()]
    assert texts == ["a", "b", "none"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.5, 1.0, np.nan], "continuous"),
        (np.array([0.5, None], dtype=object), "continuous"),
        ([0, 1, 5], "categorical"),
        ([0.0, 1.0, np.nan], "categorical"),  # clusters of a pipeline with a broken SMILES
        (["a", "b"], "categorical"),
        ([True, False], "categorical"),
        ([np.nan, np.nan], "categorical"),
    ],
)
def test_kind_of_colour(values, kind):
    assert choose_kind(np.asarray(values)) == kind


def test_whole_numbers_may_be_a_property(draw):
    assert draw(color=np.arange(60), color_kind="continuous").colorbar_ is not None


def test_molecules_are_drawn_beside_their_points(draw, as_png):
    rows = [0, 1, 30, 59, 45, 12]
    display = draw(color=NUMBERS, annotate=rows)
    as_png(display.figure_)
    boxes = [thumbnail.get_window_extent() for thumbnail in display.thumbnails_]
    assert len(boxes) == 6
    for number, box in enumerate(boxes):
        assert box.width > 20 and box.height > 20
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert display.ax_.bbox.contains(box.x0, box.y0)
        assert display.ax_.bbox.contains(box.x1, box.y1)
    dots = display.ax_.transData.transform(np.delete(XY, 2, axis=0))
    assert not any(box.contains(*dot) for box in boxes for dot in dots)  # nothing is hidden
    lines = [note.xy for note in display.ax_.texts if hasattr(note, "xy")]
    np.testing.assert_array_equal(lines, XY[rows])
    captions = [thumbnail.texts[0].get_text() for thumbnail in display.thumbnails_]
    assert captions == [f"{NUMBERS[row]:#.3g}".replace("-", "\N{MINUS SIGN}") for row in rows]
    for thumbnail in display.thumbnails_:
        assert np.asarray(thumbnail.images[0].get_array()).std() > 0


def test_no_line_ends_at_another_molecule(draw):
    """Rows are positions in X, also behind a row without coordinates."""
    display = draw(color=np.arange(60), annotate=[3])
    (note,) = [note for note in display.ax_.texts if hasattr(note, "xy")]
    np.testing.assert_array_equal(note.xy, XY[3])
    assert display.thumbnails_[0].texts[0].get_text() == "3"


@given(st.integers(1, 40), st.integers(0, 2**16))
def test_thumbnails_never_share_a_cell(n, seed):
    points = np.random.default_rng(seed).uniform(size=(50, 2))
    k = max(5, -(-n // 4) + 2)
    corners = place_thumbnails(points, points[:n], k)
    cells = np.rint(corners * k).astype(int)
    assert len({tuple(cell) for cell in cells}) == n
    assert ((cells == 0) | (cells == k - 1)).any(axis=1).all()  # in the frame


def test_from_estimator(molecules):
    X, y = molecules
    pipeline = make_pca_pipeline(random_state=0, on_invalid="nan")
    with pytest.warns(InvalidMoleculeWarning):
        xy = pipeline.fit_transform(X)
    with pytest.warns(InvalidMoleculeWarning):
        display = ChemicalSpaceDisplay.from_estimator(pipeline, X, color=y, annotate=[0])
    np.testing.assert_allclose(display.xy, xy, atol=1e-5)
    assert display.text_.get_text() == "59 molecules, 1 invalid left out, 1 without a value"
    assert len(display.thumbnails_) == 1


def test_from_fingerprints(molecules):
    X = np.delete(molecules[0], 2)
    fingerprints = MorganFingerprinter(fp_size=128).transform(X)
    pca = PCA(2, random_state=0).fit(fingerprints)
    display = ChemicalSpaceDisplay.from_estimator(pca, fingerprints, molecules=X, annotate=[1])
    assert len(display.thumbnails_) == 1


def test_estimators_that_cannot_be_drawn(molecules):
    X = np.delete(molecules[0], 2)
    with pytest.raises(TypeError, match=r"Pipeline has no transform .*\.from_coordinates"):
        ChemicalSpaceDisplay.from_estimator(make_pipeline(MorganFingerprinter(), TSNE()), X)
    with pytest.raises(ValueError, match="A map needs 2 coordinates a molecule; got 3"):
        ChemicalSpaceDisplay.from_estimator(make_pca_pipeline(n_components=3).fit(X), X)
    with pytest.raises(NotFittedError):
        ChemicalSpaceDisplay.from_estimator(make_pca_pipeline(), X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color": NUMBERS[:5]}, "inconsistent numbers of samples"),
        ({"color": XY}, r"color must be 1-D, one a molecule; got shape \(60, 2\)"),
        ({"color": NUMBERS, "color_kind": "rainbow"}, "color_kind='rainbow'; expected one of"),
        ({"annotate": [60, -1]}, r"Rows \[60, -1\] to annotate; there are 60, from 0 on"),
        ({"annotate": [2]}, r"Rows \[2\] to annotate have no coordinates"),
    ],
)
def test_errors(draw, options, message):
    with pytest.raises(ValueError, match=message):
        draw(**options)


def test_annotating_needs_molecules():
    with pytest.raises(ValueError, match="pass them as molecules="):
        ChemicalSpaceDisplay.from_coordinates(XY, annotate=[0])
    with pytest.raises(ValueError, match=r"Row 1 to annotate, 'C\(', is no molecule: .*syntax"):
        ChemicalSpaceDisplay.from_coordinates(XY[:2], molecules=["C", "C("], annotate=[0, 1])


def test_dollars_are_no_mathematics(draw, as_png):
    names = np.array(["C$C", "_$x"] * 30)
    display = draw(color=names, annotate=[0])
    as_png(display.figure_)
    assert display.thumbnails_[0].texts[0].get_text() == "C$C"
    assert len(display.legend_.get_texts()) == 2


def test_two_maps_in_one_figure(molecules, as_png):
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
    for ax, color in zip(axes, (NUMBERS, np.arange(60) % 4), strict=True):
        display = ChemicalSpaceDisplay.from_coordinates(
            XY, color=color, molecules=molecules[0], annotate=[0, 1], ax=ax
        )
        assert display.ax_ is ax
    as_png(figure)
