"""Every splitter over groups: nothing lost, nothing torn apart, and the same every time."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
from sklearn import config_context
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv
from sklearn.utils.metadata_routing import get_routing_for_object

from skchem_dl import MolGraphizer, MorganFingerprinter
from skchem_dl.model_selection import (
    ButinaKFold,
    FingerprintClusterKFold,
    ScaffoldKFold,
    ScaffoldShuffleSplit,
    butina_groups,
    scaffold_groups,
    train_valid_test_split,
)

from .cases import GROUP_SPLITTERS, K_FOLDS, SHUFFLES, containers, solubility

SMILES, Y = solubility()
GROUPS_OF = {
    "scaffold, generic": lambda X: scaffold_groups(X, generic=True),
    "butina": lambda X: butina_groups(X, fp_size=256),
    "butina, shuffled": lambda X: butina_groups(X, fp_size=256),
}
each = pytest.mark.parametrize("name", GROUP_SPLITTERS)
each_k_fold = pytest.mark.parametrize("name", K_FOLDS)


def folds(splitter, X=SMILES, y=Y, groups=None):
    return [(a.tolist(), b.tolist()) for a, b in splitter.split(X, y, groups)]


@each
def test_disjoint_and_exhaustive(name):
    splitter = GROUP_SPLITTERS[name]
    found = folds(splitter)
    assert len(found) == splitter.get_n_splits(SMILES, Y)
    for train, test in found:
        assert sorted(train + test) == list(range(len(SMILES)))
        assert train
        assert test
        assert train == sorted(train)
        assert test == sorted(test)


@each_k_fold
def test_each_molecule_is_tested_once_in_folds_of_nearly_one_size(name):
    tests = [test for _, test in folds(K_FOLDS[name])]
    assert sorted(np.concatenate(tests)) == list(range(len(SMILES)))
    if "stratified" not in name:
        sizes = [len(test) for test in tests]
        assert max(sizes) - min(sizes) <= (1 if "scaffold" in name or "butina" in name else 20)


@each
def test_no_group_on_both_sides(name):
    if name not in ("clusters", "k-means"):
        groups = GROUPS_OF.get(name, scaffold_groups)(SMILES)
        assert len(set(groups)) > 20
        for train, test in folds(GROUP_SPLITTERS[name]):
            assert not set(groups[train]) & set(groups[test])


@each
def test_every_container_alike(name):
    splitter = GROUP_SPLITTERS[name]
    few, y = SMILES[::3], Y[::3]
    expected = folds(splitter, few, y)
    for kind, X in containers(few).items():
        assert folds(splitter, X, y) == expected, kind


@each
def test_column_of_a_frame(name):
    splitter = deepcopy(GROUP_SPLITTERS[name])
    frame = pd.DataFrame({"name": np.arange(len(SMILES)), "smiles": SMILES})
    with pytest.raises(ValueError, match="smiles_column="):
        folds(splitter, frame)
    splitter.smiles_column = "smiles"
    assert folds(splitter, frame) == folds(GROUP_SPLITTERS[name])


@each
def test_groups_instead_of_molecules(name):
    splitter = GROUP_SPLITTERS[name]
    groups = scaffold_groups(SMILES)
    graphs = MolGraphizer().fit_transform(SMILES)
    found = folds(splitter, graphs, groups=groups)
    assert found == folds(splitter, np.zeros((len(SMILES), 4)), groups=groups.tolist())
    assert found == folds(splitter, groups=pd.Series(groups))
    for train, test in found:
        assert not set(groups[train]) & set(groups[test])
    if name in ("scaffold", "scaffold, shuffled", *SHUFFLES):
        assert found == folds(splitter)


@each
def test_groups_are_needed_where_there_are_no_molecules(name):
    splitter = GROUP_SPLITTERS[name]
    matrix = MorganFingerprinter(fp_size=16).fit_transform(SMILES)
    message = rf"{type(splitter).__name__} makes groups of molecules\. .*pass the groups as well"
    for X in (matrix, matrix[:, :1], MolGraphizer().fit_transform(SMILES), Y):
        with pytest.raises((TypeError, ValueError), match=message):
            folds(splitter, X)


@each
def test_groups_of_another_length(name):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        folds(GROUP_SPLITTERS[name], groups=np.zeros(3))


def test_groups_of_strange_kinds():
    splitter = ScaffoldKFold(2)
    for groups in (["a", None, "b", None], [1.5, np.nan, 2.5, np.nan], [True, False] * 2):
        tests = [test for _, test in folds(splitter, list("CCCC"), None, groups)]
        assert any({1, 3} <= set(test) for test in tests)


@each_k_fold
def test_fewer_groups_than_folds(name):
    splitter = K_FOLDS[name]
    groups = np.arange(len(SMILES)) % 2
    message = rf"{type(splitter).__name__} cannot split into n_splits=3 .* 2 group\(s\)"
    with pytest.raises(ValueError, match=message):
        folds(splitter, groups=groups)
    with pytest.raises(
        ValueError, match=r"n_splits=3 folds: the 10 valid molecules are in 1 group\(s\)"
    ):
        folds(splitter, ["CCO"] * 5 + ["C("] * 5, [1] * 10, [0] * 10)
    with pytest.raises(ValueError, match=r"n_splits=3.*n_samples=2"):
        folds(splitter, ["CCO", "c1ccccc1"], [1, 2])


@pytest.mark.parametrize("name", SHUFFLES)
def test_a_set_would_be_empty(name):
    with pytest.raises(ValueError, match=r"8 valid molecules in 1 group\(s\), the largest of 8"):
        folds(SHUFFLES[name], ["CCO"] * 8, None)


@each
def test_invalid_molecules_stay_together(name, capfd):
    X = ["C(", *SMILES, "", "C1CC"]
    y = [0, *Y, 0, 0]
    bad = {0, len(X) - 2, len(X) - 1}
    for train, test in folds(GROUP_SPLITTERS[name], X, y):
        assert sorted(train + test) == list(range(len(X)))
        assert bad <= set(train) or bad <= set(test)
    assert capfd.readouterr() == ("", "")


@each
def test_nothing_but_invalid_molecules(name):
    with pytest.raises(ValueError, match=r"0 valid molecules .*0 group\(s\)"):
        folds(GROUP_SPLITTERS[name], ["C("] * 6, np.arange(6))


@each
@pytest.mark.parametrize("n_invalid", [1, 3, 40])
def test_no_training_or_test_set_is_of_invalid_molecules_alone(name, n_invalid):
    X = ["C("] * n_invalid + list(SMILES)
    y = [0] * n_invalid + list(Y)
    for seed in range(20):
        splitter = deepcopy(GROUP_SPLITTERS[name])
        if getattr(splitter, "shuffle", False):
            splitter.random_state = seed
        for train, test in folds(splitter, X, y):
            assert max(train) >= n_invalid
            assert max(test) >= n_invalid


def test_scaffold_groups_that_are_passed_keep_invalid_rows_out_of_the_test_set():
    X = ["C(", *SMILES]
    groups = scaffold_groups(X)
    for seed in range(20):
        splitter = ScaffoldShuffleSplit(1, test_size=0.3, random_state=seed)
        ((train, _),) = splitter.split(np.zeros((len(X), 2)), groups=groups)
        assert 0 in train


@each
def test_same_every_time_and_after_copies(name):
    splitter = GROUP_SPLITTERS[name]
    expected = folds(splitter)
    assert folds(splitter) == expected
    for copied in (deepcopy(splitter), clone(splitter, safe=False)):
        assert repr(copied) == repr(splitter)
        assert folds(copied) == expected


def test_another_seed():
    for splitter in (ScaffoldKFold(3, shuffle=True), ScaffoldShuffleSplit(1)):
        found = []
        for seed in range(4):
            splitter.random_state = seed
            found.append(str(folds(splitter)))
        assert len(set(found)) == 4
    first, second, third = folds(ScaffoldShuffleSplit(3, random_state=0))
    assert first != second != third


@each
def test_what_scikit_learn_asks_of_a_splitter(name):
    splitter = GROUP_SPLITTERS[name]
    assert check_cv(splitter) is splitter
    assert get_routing_for_object(splitter).split.requests == {"groups": True}
    with config_context(enable_metadata_routing=True):
        named = deepcopy(splitter).set_split_request(groups="scaffolds")
    assert get_routing_for_object(named).split.requests == {"groups": "scaffolds"}


def test_repr():
    def in_one_line(splitter):
        return " ".join(repr(splitter).split())

    assert in_one_line(ScaffoldKFold(3, generic=True)) == (
        "ScaffoldKFold(generic=True, n_bins=10, n_splits=3, random_state=None, shuffle=False, "
        "smiles_column=None, stratify=False)"
    )
    assert in_one_line(ScaffoldShuffleSplit(2)) == (
        "ScaffoldShuffleSplit(generic=False, n_splits=2, random_state=None, shuffle=True, "
        "smiles_column=None, test_size=0.2)"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ScaffoldKFold(1), "n_splits=2 or more"),
        (lambda: ScaffoldKFold(2.5), "Integral"),
        (lambda: ScaffoldKFold(generic="yes"), "generic must be True or False, got 'yes'"),
        (lambda: ScaffoldKFold(stratify=Y), "stratify must be True or False"),
        (lambda: ScaffoldKFold(n_bins=1), "n_bins must be an integer of at least 2, got 1"),
        (lambda: ScaffoldKFold(random_state=0), "shuffle"),
        (lambda: ScaffoldShuffleSplit(shuffle=False), "set n_splits=1, got 5"),
        (lambda: ScaffoldShuffleSplit(1, shuffle=False, random_state=0), "no effect"),
    ],
)
def test_parameters_are_checked(build, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build()


@pytest.mark.parametrize("size", [0, 1.0, -0.1, 161, True, "a"])
def test_sizes_are_checked(size):
    message = f"test_size must be a fraction .* below the 161 there are, got {size!r}"
    with pytest.raises(ValueError, match=message):
        folds(ScaffoldShuffleSplit(test_size=size))


@pytest.mark.parametrize("size", [0.1, 0.3, 40])
def test_sizes_are_kept_as_nearly_as_scaffolds_allow(size):
    wanted = size if isinstance(size, int) else size * len(SMILES)
    groups = scaffold_groups(SMILES)
    for train, test in folds(ScaffoldShuffleSplit(5, test_size=size, random_state=0)):
        assert 0 <= len(test) - wanted <= wanted / 2
        # The scaffolds of more than half the test set are trained on.
        names, counts = np.unique(groups, return_counts=True)
        assert set(names[counts > wanted / 2]) <= set(groups[train])


def deepchem_scaffold_split(scaffolds, frac_train=0.8, frac_valid=0.1):
    """The rule of DeepChem 2.8's ScaffoldSplitter: sets sorted by size, and two cutoffs."""
    sets = {}
    for row, scaffold in enumerate(scaffolds):
        sets.setdefault(scaffold, []).append(row)
    ordered = sorted(sets.values(), key=lambda rows: (len(rows), rows[0]), reverse=True)
    train, valid, test = [], [], []
    for rows in ordered:
        if len(train) + len(rows) <= frac_train * len(scaffolds):
            train += rows
        elif len(train) + len(valid) + len(rows) <= (frac_train + frac_valid) * len(scaffolds):
            valid += rows
        else:
            test += rows
    return [sorted(part) for part in (train, valid, test)]


@pytest.mark.parametrize(
    ("file", "sizes"), [("esol.csv", (902, 113, 113)), ("bace.csv", (1210, 151, 152))]
)
def test_largest_first_is_deepchems_split(file, sizes, shared_data):
    smiles = pd.read_csv(shared_data(file))["smiles"]
    scaffolds = [MurckoScaffoldSmiles(text, includeChirality=False) for text in smiles]
    expected = deepchem_scaffold_split(scaffolds)
    assert tuple(map(len, expected)) == sizes  # what DeepChem 2.8.0 itself gave
    rows = np.arange(len(smiles))
    splitter = ScaffoldShuffleSplit(1, test_size=0.2, shuffle=False)
    found = train_valid_test_split(smiles, rows, splitter=splitter)[3:]
    assert [part.tolist() for part in found] == expected
    train, _, test = deepchem_scaffold_split(scaffolds, frac_valid=0)
    assert folds(splitter, smiles, None, scaffolds) == [(train, test)]


def test_deterministic_folds_are_as_even_as_scikit_learns():
    groups = scaffold_groups(SMILES)
    ours = sorted(len(test) for _, test in folds(ScaffoldKFold(4)))
    theirs = sorted(len(test) for _, test in folds(GroupKFold(4), groups=groups))
    assert ours == theirs


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "random_state": 1}])
def test_stratified_is_scikit_learns(options):
    groups = scaffold_groups(SMILES)
    label = (np.median(Y) < Y).astype(int)
    found = folds(ScaffoldKFold(3, stratify=True, **options), y=label)
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    codes = np.argsort(np.argsort(first))[codes]
    assert found == folds(StratifiedGroupKFold(3, **options), y=label, groups=codes)
    shares = [label[test].mean() for _, test in found]
    assert max(shares) - min(shares) < 0.1


def test_stratified_by_bins_of_y():
    """Each fold's mean y is nearer to that of all than without."""

    def spread(splitter):
        return np.std([Y[test].mean() for _, test in folds(splitter)])

    assert spread(ButinaKFold(3, stratify=True)) < spread(ButinaKFold(3)) / 2
    with pytest.raises(ValueError, match=r"ScaffoldKFold\(stratify=True\) .* y is None"):
        folds(ScaffoldKFold(3, stratify=True), y=None)


def test_stratified_folds_are_not_empty():
    """As scikit-learn's may be."""
    groups = np.repeat(range(5), [20, 1, 20, 1, 20])
    y = np.repeat([0, 1], [34, 28])
    assert min(len(test) for _, test in StratifiedGroupKFold(5).split(y, y, groups)) == 0
    with pytest.raises(ValueError, match=r"\(stratify=True\) leaves a fold empty: too few groups"):
        folds(ScaffoldKFold(5, stratify=True), y, y, groups)


def test_a_wider_threshold_makes_fewer_clusters():
    found = []
    for threshold in (0.3, 0.8):
        splitter = ButinaKFold(2, distance_threshold=threshold)
        found.append(len(set(splitter._groups_of(SMILES))))
    assert found[0] > 2 * found[1]


def test_noise_is_a_group_a_molecule():
    alone = DBSCAN(eps=0.1, min_samples=len(SMILES))
    splitter = FingerprintClusterKFold(len(SMILES), clusterer=alone, fp_size=64)
    assert [len(test) for _, test in folds(splitter)] == [1] * len(SMILES)
    assert not hasattr(alone, "labels_")


def test_clusters_of_less_molecules_than_there_would_be_clusters():
    few = ["CCO", "CCO", "CCCO", "c1ccccc1", "CCN", "C("]
    for train, test in folds(FingerprintClusterKFold(2), few, None):
        assert ({0, 1} <= set(train)) or ({0, 1} <= set(test))


def test_stratified_folds_do_not_ask_for_targets_of_invalid_molecules():
    X = ["C(", *SMILES]
    y = [np.nan, *Y]
    for train, test in ScaffoldKFold(2, stratify=True).split(X, y):
        assert len(train) + len(test) == len(X)
