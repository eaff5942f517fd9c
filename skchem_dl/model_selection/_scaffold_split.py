"""Training and test sets of different scaffolds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import check_random_state

from skchem_dl.model_selection._balance import fill_parts
from skchem_dl.model_selection._groups import GroupCodes, read_groups
from skchem_dl.model_selection._parameters import check_bool, is_fraction, is_whole
from skchem_dl.model_selection._scaffolds import scaffolds_of


class ScaffoldShuffleSplit(GroupShuffleSplit):
    """Training and test sets that share no Bemis-Murcko scaffold.

    At random, scaffolds of more than half as many molecules as the test set go to the training
    set, and the others are drawn [2]_. With ``shuffle=False`` the largest scaffolds fill the
    training set and the test set gets the rest: that is DeepChem's `ScaffoldSplitter` [3]_, and
    `train_valid_test_split` gives its three sets. Sizes count molecules, where `GroupShuffleSplit`
    counts groups; they are kept as nearly as whole scaffolds allow. Molecules without a ring form
    one group, as in DeepChem. Rows that are not valid molecules, which DeepChem leaves out, go to
    the training set and do not count.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits; 1 with ``shuffle=False``, where all would be alike.
    test_size : float or int, default=0.2
        Fraction or number of molecules in the test set.
    generic : bool, default=False
        Compare frameworks alone: all atoms carbon, all bonds single.
    shuffle : bool, default=True
        Draw scaffolds at random.
    random_state : int, RandomState instance or None, default=None
        Seed of the drawing.
    smiles_column : str or int, default=None
        The column that holds the molecules, where X has several.

    Raises
    ------
    TypeError, ValueError
        If a parameter is wrong, or if with ``shuffle=False`` there are several splits or a
        `random_state`, which would have no effect.

    See Also
    --------
    scaffold_groups : The groups themselves, to be passed where X is no molecules.

    References
    ----------
    .. [1] Bemis, G. W.; Murcko, M. A. The Properties of Known Drugs. 1. Molecular Frameworks.
       J. Med. Chem. 1996, 39, 2887-2893. https://doi.org/10.1021/jm9602928
    .. [2] Yang, K.; et al. Analyzing Learned Molecular Representations for Property Prediction.
       J. Chem. Inf. Model. 2019, 59, 3370-3388. https://doi.org/10.1021/acs.jcim.9b00237
    .. [3] Wu, Z.; et al. MoleculeNet: a Benchmark for Molecular Machine Learning. Chem. Sci. 2018,
       9, 513-530. https://doi.org/10.1039/C7SC02664A

    Examples
    --------
    >>> from skchem_dl.model_selection import ScaffoldShuffleSplit
    >>> smiles = ["Cc1ccccc1", "Oc1ccccc1", "Nc1ccccc1", "CCO", "Cc1ccncc1"]
    >>> for train, test in ScaffoldShuffleSplit(1, shuffle=False).split(smiles):
    ...     print(train, test)
    [0 1 2 4] [3]
    """

    def __init__(
        self,
        n_splits=5,
        *,
        test_size=0.2,
        generic=False,
        shuffle=True,
        random_state=None,
        smiles_column=None,
    ):
        if not check_bool("shuffle", shuffle):
            if n_splits != 1:
                raise ValueError(
                    f"shuffle=False gives one and the same split each time: set n_splits=1, got "
                    f"{n_splits!r}."
                )
            if random_state is not None:
                raise ValueError("random_state has no effect with shuffle=False: leave it at None.")
        super().__init__(n_splits, test_size=test_size, random_state=random_state)
        self.generic = check_bool("generic", generic)
        self.shuffle = shuffle
        self.smiles_column = smiles_column

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows of each split.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols; with `groups`, anything with n rows.
        y : ignored
            Not used; there by scikit-learn's convention.
        groups : array-like of shape (n,), default=None
            The group of each row, instead of its scaffold.

        Yields
        ------
        train, test : ndarray of shape (n_train,) and (n_test,), int
            Row numbers.

        Raises
        ------
        TypeError, ValueError
            If X does not hold molecules and there are no groups, or if a set would be empty.
        """
        return super().split(X, y, groups)

    def _iter_indices(self, X: Any, y: Any, groups: Any) -> Iterator[tuple[np.ndarray, ...]]:
        found = self._read_groups(X, groups)
        rng = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            yield self._deal(found, {"test_size": self.test_size}, rng)

    def _split_three(
        self, X: Any, groups: Any, valid_size: float, test_size: float
    ) -> tuple[np.ndarray, ...]:
        """Give the rows of a training, a validation and a test set."""
        held_out = {"valid_size": valid_size, "test_size": test_size}
        rng = check_random_state(self.random_state)
        return self._deal(self._read_groups(X, groups), held_out, rng)

    def _read_groups(self, X: Any, groups: Any) -> GroupCodes:
        return read_groups(
            X,
            groups,
            self.smiles_column,
            lambda items: scaffolds_of(items, generic=self.generic),
            type(self).__name__,
        )

    def _deal(
        self, found: GroupCodes, held_out: dict[str, float], rng: np.random.RandomState
    ) -> tuple[np.ndarray, ...]:
        """Deal the groups out to the training set and those held out."""
        n, n_groups = int(found.sizes.sum()), len(found.sizes)
        cutoffs = _cutoffs(held_out, n)
        if self.shuffle:
            order = rng.permutation(n_groups)
            smallest = np.diff([*cutoffs, n]).min()
            large = found.sizes[order] > smallest / 2
            order = np.concatenate([order[large], order[~large]])
        else:  # of scaffolds of the same size DeepChem takes that which occurs last
            order = np.lexsort((found.first_rows, found.sizes))[::-1]
        part_of = np.zeros(n_groups + 1, dtype=np.int64)  # the last is that of invalid rows
        part_of[order] = fill_parts(found.sizes[order], cutoffs)
        loads = np.bincount(part_of[:-1], found.sizes, len(cutoffs) + 1).astype(int)
        if not loads.all():
            names = ["train", *(name.removesuffix("_size") for name in held_out)]
            counts = ", ".join(f"{k} {name}" for k, name in zip(loads, names, strict=True))
            sizes = ", ".join(f"{name}={size}" for name, size in held_out.items())
            raise ValueError(
                f"{type(self).__name__} cannot split {n} valid molecules in {n_groups} group(s), "
                f"the largest of {found.sizes.max(initial=0)}, by {sizes}: it would leave "
                f"{counts}. Choose other sizes, or pass finer groups."
            )
        return tuple(np.flatnonzero(part_of[found.codes] == k) for k in range(len(loads)))


def _cutoffs(held_out: dict[str, float], n: int) -> list[float]:
    """Give how many molecules the training set may hold, it and the next set together, ..."""
    for name, size in held_out.items():
        if not (is_fraction(size) or (is_whole(size) and 0 < size < n)):
            raise ValueError(
                f"{name} must be a fraction between 0 and 1, or a number of molecules below the "
                f"{n} there are, got {size!r}."
            )
    fractions = [size / n if is_whole(size) else size for size in held_out.values()]
    if sum(fractions) >= 1:
        sizes = " and ".join(f"{name}={size}" for name, size in held_out.items())
        raise ValueError(f"{sizes} leave nothing of the {n} molecules for training.")
    # Rounded, since 1 - 0.9 is a little less than 0.1 and would cost a molecule.
    return [round((1 - sum(fractions[k:])) * n, 6) for k in range(len(fractions))]
