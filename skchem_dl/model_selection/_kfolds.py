"""K-folds that never part molecules of the same scaffold or cluster."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.utils import check_random_state

from skchem_dl.features._molecules import row_subset
from skchem_dl.model_selection._balance import spread_groups
from skchem_dl.model_selection._groups import GroupCodes, read_groups
from skchem_dl.model_selection._parameters import check_at_least, check_bool
from skchem_dl.model_selection._scaffolds import scaffolds_of
from skchem_dl.model_selection._similarity import cluster
from skchem_dl.model_selection._stratify import strata_of
from skchem_dl.similarity import ButinaClustering

_CLUSTERS_PER_FOLD = 10


class BaseMoleculeKFold(GroupKFold):
    """K-fold over groups that are passed or, without any, made of the molecules in X.

    A new kind implements `_groups_of`.

    Parameters
    ----------
    n_splits : int
    stratify : bool
    n_bins : int
    shuffle : bool
    random_state : int, RandomState instance or None
    smiles_column : str, int or None
    """

    def __init__(self, n_splits, *, stratify, n_bins, shuffle, random_state, smiles_column):
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)
        self.stratify = check_bool("stratify", stratify)
        self.n_bins = check_at_least("n_bins", n_bins, 2)
        self.smiles_column = smiles_column

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows of each fold.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols; with `groups`, anything with n rows.
        y : array-like of shape (n,), default=None
            The targets, for ``stratify=True``.
        groups : array-like of shape (n,), default=None
            The group of each row, instead of those that the molecules make.

        Yields
        ------
        train, test : ndarray of shape (n_train,) and (n_test,), int
            Row numbers.

        Raises
        ------
        TypeError, ValueError
            If X does not hold molecules and there are no groups, or fewer groups than folds.
        """
        return super().split(X, y, groups)

    @abstractmethod
    def _groups_of(self, items: Sequence[Any]) -> np.ndarray:
        """Give the group of each molecule; those that are invalid have one of their own."""

    def _iter_test_indices(self, X: Any, y: Any, groups: Any) -> Iterator[np.ndarray]:
        name = type(self).__name__
        found = read_groups(X, groups, self.smiles_column, self._groups_of, name)
        if len(found.sizes) < self.n_splits:
            raise ValueError(
                f"{name} cannot split into n_splits={self.n_splits} folds: the "
                f"{found.sizes.sum()} valid molecules are in {len(found.sizes)} group(s). Lower "
                "n_splits, or pass finer groups."
            )
        valid = found.codes >= 0
        fold_of = np.empty(len(valid), dtype=np.int64)
        fold_of[valid] = self._folds(y, found)[found.codes[valid]]
        loads = np.bincount(fold_of[valid], minlength=self.n_splits)
        fold_of[~valid] = loads.argmin()
        yield from (np.flatnonzero(fold_of == fold) for fold in range(self.n_splits))

    def _folds(self, y: Any, found: GroupCodes) -> np.ndarray:
        """Return the fold of each group."""
        if self.stratify:
            return self._stratified(y, found)
        rng = check_random_state(self.random_state) if self.shuffle else None
        return spread_groups(found.sizes, self.n_splits, rng)

    def _stratified(self, y: Any, found: GroupCodes) -> np.ndarray:
        name = f"{type(self).__name__}(stratify=True)"
        valid = found.codes >= 0
        codes = found.codes[valid]
        strata = strata_of(
            None if y is None else row_subset(y, np.flatnonzero(valid)),
            self.n_bins,
            self.n_splits,
            name,
        )
        splitter = StratifiedGroupKFold(
            self.n_splits, shuffle=self.shuffle, random_state=self.random_state
        )
        fold_of = np.empty(len(found.sizes), dtype=np.int64)
        for fold, (_, test) in enumerate(splitter.split(strata, strata, codes)):
            if not len(test):
                raise ValueError(
                    f"{name} leaves a fold empty: too few groups for n_splits={self.n_splits}, "
                    f"{len(found.sizes)}, of too different sizes. Lower n_splits, or set "
                    "stratify=False."
                )
            fold_of[codes[test]] = fold
        return fold_of


class ScaffoldKFold(BaseMoleculeKFold):
    """K-fold in which no Bemis-Murcko scaffold is in two folds.

    The folds are as nearly equal in size as whole scaffolds allow, at random as well, where
    `GroupKFold` balances the numbers of groups instead. Molecules without a ring form one group,
    as in DeepChem. Rows that are not valid molecules are all in the smallest fold.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    generic : bool, default=False
        Compare frameworks alone: all atoms carbon, all bonds single.
    stratify : bool, default=False
        Spread the values of y evenly over the folds as well: classes, or bins of numbers. It is
        what `StratifiedGroupKFold` makes of it.
    n_bins : int, default=10
        How many bins, for a y of more different numbers than that.
    shuffle : bool, default=False
        Draw the folds at random, instead of dealing the scaffolds out from the largest.
    random_state : int, RandomState instance or None, default=None
        Seed of the drawing.
    smiles_column : str or int, default=None
        The column that holds the molecules, where X has several.

    See Also
    --------
    scaffold_groups : The groups themselves, to be passed where X is no molecules.
    ScaffoldShuffleSplit : One split, of sizes to choose, and DeepChem's.

    References
    ----------
    .. [1] Bemis, G. W.; Murcko, M. A. The Properties of Known Drugs. 1. Molecular Frameworks.
       J. Med. Chem. 1996, 39, 2887-2893. https://doi.org/10.1021/jm9602928

    Examples
    --------
    >>> from skchem_dl.model_selection import ScaffoldKFold
    >>> smiles = ["Cc1ccccc1", "Oc1ccccc1", "Cc1ccncc1", "CCO", "CCN"]
    >>> for train, test in ScaffoldKFold(3).split(smiles):
    ...     print(train, test)
    [2 3 4] [0 1]
    [0 1 2] [3 4]
    [0 1 3 4] [2]
    """

    def __init__(
        self,
        n_splits=5,
        *,
        generic=False,
        stratify=False,
        n_bins=10,
        shuffle=False,
        random_state=None,
        smiles_column=None,
    ):
        super().__init__(
            n_splits,
            stratify=stratify,
            n_bins=n_bins,
            shuffle=shuffle,
            random_state=random_state,
            smiles_column=smiles_column,
        )
        self.generic = check_bool("generic", generic)

    def _groups_of(self, items: Sequence[Any]) -> np.ndarray:
        return scaffolds_of(items, generic=self.generic)


class ButinaKFold(BaseMoleculeKFold):
    """K-fold in which no cluster of similar molecules is in two folds, by Butina's method.

    A cluster is a molecule with many neighbours and those of them that are in no cluster yet.
    Molecules of two clusters, and so of two folds, may still be neighbours of each other.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    distance_threshold : float, default=0.65
        Tanimoto distance (1 - similarity) up to which two molecules are neighbours: smaller makes
        more and tighter clusters, and the test set easier.
    radius : int, default=2
        How many bonds an atom's environment reaches in the Morgan fingerprint.
    fp_size : int, default=2048
        Length of the fingerprint.
    stratify : bool, default=False
        Spread the values of y evenly over the folds as well: classes, or bins of numbers.
    n_bins : int, default=10
        How many bins, for a y of more different numbers than that.
    shuffle : bool, default=False
        Draw the folds at random, instead of dealing the clusters out from the largest.
    random_state : int, RandomState instance or None, default=None
        Seed of the drawing.
    smiles_column : str or int, default=None
        The column that holds the molecules, where X has several.

    See Also
    --------
    butina_groups : The clusters themselves, to be passed where X is no molecules.

    References
    ----------
    .. [1] Butina, D. Unsupervised Data Base Clustering Based on Daylight's Fingerprint and
       Tanimoto Similarity. J. Chem. Inf. Comput. Sci. 1999, 39, 747-750.
       https://doi.org/10.1021/ci9803381

    Examples
    --------
    >>> from skchem_dl.model_selection import ButinaKFold
    >>> smiles = ["CCO", "CCCO", "c1ccccc1CCN", "c1ccccc1CCCN"]
    >>> for train, test in ButinaKFold(2).split(smiles):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1] [2 3]
    """

    def __init__(
        self,
        n_splits=5,
        *,
        distance_threshold=0.65,
        radius=2,
        fp_size=2048,
        stratify=False,
        n_bins=10,
        shuffle=False,
        random_state=None,
        smiles_column=None,
    ):
        super().__init__(
            n_splits,
            stratify=stratify,
            n_bins=n_bins,
            shuffle=shuffle,
            random_state=random_state,
            smiles_column=smiles_column,
        )
        self.distance_threshold = distance_threshold
        self.radius = radius
        self.fp_size = fp_size

    def _groups_of(self, items: Sequence[Any]) -> np.ndarray:
        label = ButinaClustering(self.distance_threshold).fit_predict
        return cluster(items, self.radius, self.fp_size, label)


class FingerprintClusterKFold(BaseMoleculeKFold):
    """K-fold in which no cluster of fingerprints is in two folds, by any of scikit-learn's ways.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    clusterer : clusterer or pipeline that ends in one, default=None
        Its ``fit_predict`` gets the fingerprints, (n, fp_size) zeros and ones in float32. None is
        `MiniBatchKMeans` [1]_ with ten clusters a fold. Rows that it takes for noise (label -1) are
        a group each.
    radius : int, default=2
        How many bonds an atom's environment reaches in the Morgan fingerprint.
    fp_size : int, default=2048
        Length of the fingerprint.
    stratify : bool, default=False
        Spread the values of y evenly over the folds as well: classes, or bins of numbers.
    n_bins : int, default=10
        How many bins, for a y of more different numbers than that.
    shuffle : bool, default=False
        Draw the folds at random, instead of dealing the clusters out from the largest.
    random_state : int, RandomState instance or None, default=None
        Seed of the drawing; clusters do not depend on it.
    smiles_column : str or int, default=None
        The column that holds the molecules, where X has several.

    See Also
    --------
    ButinaKFold : Clusters by Tanimoto similarity, of which there may be any number.

    References
    ----------
    .. [1] Sculley, D. Web-Scale K-Means Clustering. WWW 2010.
       https://doi.org/10.1145/1772690.1772862

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skchem_dl.model_selection import FingerprintClusterKFold
    >>> smiles = ["CCO", "CCCO", "c1ccccc1CCN", "c1ccccc1CCCN"]
    >>> splitter = FingerprintClusterKFold(2, clusterer=KMeans(2, random_state=0))
    >>> for train, test in splitter.split(smiles):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1] [2 3]
    """

    def __init__(
        self,
        n_splits=5,
        *,
        clusterer=None,
        radius=2,
        fp_size=2048,
        stratify=False,
        n_bins=10,
        shuffle=False,
        random_state=None,
        smiles_column=None,
    ):
        super().__init__(
            n_splits,
            stratify=stratify,
            n_bins=n_bins,
            shuffle=shuffle,
            random_state=random_state,
            smiles_column=smiles_column,
        )
        self.clusterer = clusterer
        self.radius = radius
        self.fp_size = fp_size

    def _groups_of(self, items: Sequence[Any]) -> np.ndarray:
        return cluster(items, self.radius, self.fp_size, self._label)

    def _label(self, fingerprints: np.ndarray) -> np.ndarray:
        clusterer = self.clusterer
        if clusterer is None:
            n_clusters = min(_CLUSTERS_PER_FOLD * self.n_splits, len(fingerprints))
            clusterer = MiniBatchKMeans(n_clusters, random_state=0, n_init=1)
        labels = np.array(clone(clusterer).fit_predict(fingerprints.astype(np.float32)))
        noise = labels < 0
        labels[noise] = labels.max() + 1 + np.arange(noise.sum())
        return labels
