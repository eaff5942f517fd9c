"""Three sets by any splitter."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from skchem_dl import MolGraphizer, MolGraphs
from skchem_dl.model_selection import (
    BinnedStratifiedKFold,
    ButinaKFold,
    ScaffoldKFold,
    ScaffoldShuffleSplit,
    TimeSplit,
    scaffold_groups,
    train_valid_test_split,
)

from .cases import solubility

SMILES, Y = solubility()
N = len(SMILES)
GROUPS = scaffold_groups(SMILES)
LABELS = (np.median(Y) < Y).astype(int)


def rows(splitter, y=Y, **options):
    parts = train_valid_test_split(SMILES, y, np.arange(N), splitter=splitter, **options)[6:]
    assert sorted(np.concatenate(parts)) == list(range(N))
    return parts


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "splitter",
    [
        ScaffoldShuffleSplit(),
        ScaffoldShuffleSplit(1, shuffle=False),
        ScaffoldKFold(10),
        ScaffoldKFold(10, shuffle=True),
        ButinaKFold(10, distance_threshold=0.5, fp_size=128),
        GroupKFold(10),
        GroupShuffleSplit(),
        KFold(10),
        ShuffleSplit(),
        BinnedStratifiedKFold(10),
        TimeSplit(),
        TimeSeriesSplit(),
    ],
    ids=repr,
)
def test_eighty_ten_ten(splitter, seed):
    if getattr(splitter, "shuffle", True) and hasattr(splitter, "random_state"):
        splitter.random_state = seed
    by_group = isinstance(splitter, GroupKFold | GroupShuffleSplit)
    by_time = isinstance(splitter, TimeSplit)
    parts = rows(splitter, groups=np.arange(N) if by_time else GROUPS if by_group else None)
    sizes = [len(part) / N for part in parts]
    if type(splitter) is not GroupShuffleSplit:  # which counts groups
        # Two folds of ten are large; the others have to share what is left.
        assert sizes == pytest.approx([0.8, 0.1, 0.1], abs=0.08 if by_group else 0.03)
    if by_group:
        names = [set(GROUPS[part]) for part in parts]
        assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])


def test_exact_numbers():
    for options, sizes in [
        ({"valid_size": 20, "test_size": 30}, [N - 50, 20, 30]),
        ({"valid_size": 20}, [N - 36, 20, 16]),
        ({"test_size": 0.5}, [65, 16, 80]),
    ]:
        found = rows(ShuffleSplit(3, test_size=0.9, random_state=0), **options)
        assert [len(part) for part in found] == sizes
    found = rows(ScaffoldShuffleSplit(random_state=0), valid_size=20, test_size=30)
    assert len(found[0]) <= N - 50
    assert len(found[0]) + len(found[1]) <= N - 30


def test_numbers_of_groups():
    _, valid, test = rows(
        GroupShuffleSplit(random_state=0), groups=GROUPS, valid_size=5, test_size=8
    )
    assert len(set(GROUPS[valid])) == 5
    assert len(set(GROUPS[test])) == 8
    _, valid, test = rows(GroupShuffleSplit(random_state=0), groups=GROUPS, test_size=0.25)
    assert len(set(GROUPS[valid])) == round(0.1 * len(set(GROUPS)))
    assert len(set(GROUPS[test])) == round(0.25 * len(set(GROUPS)))


def test_newest_last():
    dates = np.random.default_rng(0).permutation(N)
    train, valid, test = rows(TimeSplit(5), groups=dates)
    assert dates[train].max() < dates[valid].min()
    assert dates[valid].max() < dates[test].min()


def test_y_stratifies():
    parts = rows(StratifiedShuffleSplit(random_state=0), y=LABELS)
    assert [LABELS[part].mean() for part in parts] == pytest.approx([0.5] * 3, abs=0.05)


def test_two_folds_of_a_fair_size():
    folds = [test.tolist() for _, test in KFold(7).split(SMILES)]
    _, valid, test = rows(KFold(7))
    assert [test.tolist(), valid.tolist()] == folds[:2]
    # Of these ten, one fold is all molecules without a ring, and one all phenyl scaffolds.
    folds = [test.tolist() for _, test in ScaffoldKFold(10).split(SMILES)]
    assert sorted(map(len, folds))[-2] > 2 * N / 10
    _, valid, test = rows(ScaffoldKFold(10))
    assert test.tolist() in folds
    assert valid.tolist() in folds
    assert max(len(valid), len(test)) < 1.3 * N / 10


def test_the_splitter_is_left_as_it_was():
    splitter = ShuffleSplit(3, train_size=0.2, random_state=0)
    before = vars(splitter).copy()
    rows(splitter)
    assert vars(splitter) == before


def test_each_array_comes_back_in_its_kind():
    graphs = MolGraphizer().fit_transform(SMILES)
    arrays = [
        SMILES,
        Y,
        pd.Series(Y, index=np.arange(N) + 7),
        pl.Series(Y),
        pd.DataFrame({"y": Y}),
        sp.csr_array(Y[:, None]),
        graphs,
    ]
    splitter = ScaffoldShuffleSplit(1, shuffle=False)
    found = train_valid_test_split(*arrays, splitter=splitter)
    assert len(found) == 3 * len(arrays)
    parts = rows(splitter)
    for k, array in enumerate(arrays):
        assert {type(part) for part in found[3 * k : 3 * k + 3]} == {type(array)}
    for k, part in enumerate(parts):
        assert found[k] == [SMILES[row] for row in part]
        for column in (1, 2, 3):
            np.testing.assert_array_equal(np.asarray(found[3 * column + k]), Y[part])
        assert found[6 + k].index.tolist() == (part + 7).tolist()
        assert isinstance(found[18 + k], MolGraphs)
        assert found[18 + k] == graphs[part]
    (only, *_) = train_valid_test_split(graphs, splitter=splitter, groups=GROUPS)
    assert only == graphs[parts[0]]


def test_what_does_not_fit_together():
    with pytest.raises(TypeError, match="at least one array"):
        train_valid_test_split(splitter=KFold())
    with pytest.raises(ValueError, match="do not apply to ScaffoldKFold"):
        rows(ScaffoldKFold(10), test_size=0.2)
    with pytest.raises(ValueError, match="at least three folds"):
        rows(KFold(2))
    with pytest.raises(ValueError, match=r"valid_size=0\.5 and test_size=0\.5 leave nothing"):
        rows(ScaffoldShuffleSplit(), valid_size=0.5, test_size=0.5)
    with pytest.raises(ValueError, match="it would leave 2 train, 0 valid, 1 test"):
        train_valid_test_split(
            ["CCO", "c1ccccc1", "CC"],
            splitter=ScaffoldShuffleSplit(1, shuffle=False),
            valid_size=0.01,
            test_size=0.3,
        )
    with pytest.raises(ValueError, match="inconsistent"):
        train_valid_test_split(SMILES, Y[:5], splitter=KFold(3))


@pytest.mark.parametrize("size", [1.0, 20.7, True])
def test_sizes_that_are_none(size):
    with pytest.raises(ValueError, match="Sizes are fractions between 0 and 1 or whole numbers"):
        train_valid_test_split(list("CNOF" * 9), splitter=ShuffleSplit(), test_size=size)
