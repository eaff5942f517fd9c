"""RDKit's two-dimensional descriptors."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np
from rdkit.Chem import Mol
from sklearn.utils._param_validation import StrOptions

from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.features._molecules import ParsedMolecules
from skchem_dl.features._reading import quiet_rdkit

_FLOAT32_MAX = float(np.finfo(np.float32).max)


class RDKitDescriptors(BaseMolTransformer):
    """Physico-chemical and topological descriptors (logP, TPSA, weight, counts, ...).

    They are RDKit's: logP and molar refractivity, for example, are Crippen's [1]_, TPSA is Ertl's
    [2]_. A value that RDKit cannot compute, or that overflows float32, is NaN; a molecule of
    which all values are is invalid. Put an imputer behind it; where invalid molecules may occur,
    wrap the imputer in `skchem_dl.pipelines.SkipInvalidRows`, so that it does not invent values for
    them.

    All values equal those of RDKit's functions, but intermediate results (E-state indices, Crippen
    contributions, partial charges, distances ...) are computed once a molecule, which makes all
    descriptors together about twice as fast.

    Parameters
    ----------
    descriptors : "all" or list of str, default="all"
        Names as in `rdkit.Chem.Descriptors.descList`, in the order of the columns.
    on_invalid : {"raise", "nan"}, default="raise"
        A row that is no molecule raises `InvalidMoleculeError`, or becomes all NaN.
    n_jobs : int, default=None
        Worker processes.
    smiles_column : str or int, default=None
        The column of SMILES, where X has several columns.
    memory : str, path, joblib.Memory or FeatureCache, default=None
        A folder that keeps what becomes of each SMILES, so that no fold, candidate or process of a
        search featurises it again. Mols are not kept.

    See Also
    --------
    MorganFingerprinter : Substructures instead of properties.

    Notes
    -----
    The cost of some descriptors grows with the square to the fourth power of the number of atoms.
    They are NaN for larger molecules, so that no SMILES takes long:

    - ``Ipc`` and ``AvgIpc`` above 200 atoms. From about 70 atoms on, RDKit's own algorithm loses
      all digits of them to rounding, and so do these values.
    - ``BCUT2D_*``, ``BalabanJ``, ``BertzCT``, ``EState_VSA*``, ``VSA_EState*`` and
      ``*EStateIndex`` above 400 atoms.
    - ``Chi2*``, ``Chi3*``, ``Chi4*``, ``Kappa2``, ``Kappa3`` and ``Phi`` above 1,000 atoms, and
      with more than 8,000 paths of four bonds (4,000 up to 200 atoms: cages and nets).

    References
    ----------
    .. [1] Wildman, S. A.; Crippen, G. M. Prediction of Physicochemical Parameters by Atomic
       Contributions. J. Chem. Inf. Comput. Sci. 1999, 39, 868-873.
       https://doi.org/10.1021/ci990307l
    .. [2] Ertl, P.; Rohde, B.; Selzer, P. Fast Calculation of Molecular Polar Surface Area as a Sum
       of Fragment-Based Contributions and Its Application to the Prediction of Drug Transport
       Properties. J. Med. Chem. 2000, 43, 3714-3717. https://doi.org/10.1021/jm000942e

    Examples
    --------
    >>> from skchem_dl import RDKitDescriptors
    >>> RDKitDescriptors(["HeavyAtomCount", "RingCount"]).fit_transform(["CCO", "c1ccccc1"])
    array([[3., 0.],
           [6., 1.]], dtype=float32)
    """

    _parameter_constraints: dict[str, list] = {
        **BaseMolTransformer._parameter_constraints,
        "descriptors": [StrOptions({"all"}), list, tuple],
    }

    def __init__(
        self,
        descriptors="all",
        *,
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
    ):
        self.descriptors = descriptors
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory

    def fit(self, X: Any, y: Any = None) -> "RDKitDescriptors":
        """Check the parameters, the descriptors' names among them.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If RDKit has no descriptor of a given name, or a name occurs twice.
        """
        super().fit(X)
        self._names()
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns by their descriptors.

        Parameters
        ----------
        input_features : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        names : ndarray of shape (d,), of str
            One for each column.
        """
        return np.array(list(self._names()), dtype=object)

    @property
    def _seconds_per_molecule(self) -> float:
        if isinstance(self.descriptors, str):
            return 3e-3
        return super()._seconds_per_molecule + 5e-5 * len(self.descriptors)

    def _names(self) -> Sequence[str]:
        available = _all_names()
        if isinstance(self.descriptors, str):
            return available
        for name in self.descriptors:
            if name not in available:
                close = get_close_matches(str(name), available, n=3, cutoff=0.5)
                raise ValueError(
                    f"descriptors has {name!r}, which this RDKit does not know; close to it are "
                    f"{close}. rdkit.Chem.Descriptors.descList names all {len(available)}."
                )
        if len(set(self.descriptors)) < len(self.descriptors):
            twice = sorted({name for name in self.descriptors if self.descriptors.count(name) > 1})
            raise ValueError(f"descriptors names {twice} more than once.")
        return self.descriptors

    def _transform_parsed(self, parsed: ParsedMolecules) -> np.ndarray:
        """Call a molecule invalid of which nothing is known: such rows are passed over later."""
        values = self._transform_mols(parsed.mols)
        known = ~np.isnan(values).all(axis=1) | (values.shape[1] == 0)
        nothing = np.flatnonzero(~known).tolist()
        parsed.refuse({row: _why_nothing(parsed.mols[row]) for row in nothing})
        return values[known]

    def _transform_mols(self, mols: Sequence[Mol]) -> np.ndarray:
        from skchem_dl.features._descriptor_families import compute_row, plan

        names = tuple(self._names())
        steps = plan(names)
        with quiet_rdkit():
            rows = [compute_row(steps, mol, len(names)) for mol in mols]
        values = np.array(rows, dtype=np.float64).reshape(len(mols), len(names))
        values[~(np.abs(values) <= _FLOAT32_MAX)] = np.nan  # inf and NaN too
        return values.astype(np.float32)


@cache
def _all_names() -> tuple[str, ...]:
    from rdkit.Chem import Descriptors  # a slow import, that only this class needs

    return tuple(name for name, _ in Descriptors.descList)


def _why_nothing(mol: Mol) -> str:
    from skchem_dl.features._descriptor_limits import MAX_ATOMS_IPC

    reason, n_atoms = "no descriptor can be computed", mol.GetNumAtoms()
    if n_atoms <= MAX_ATOMS_IPC:
        return reason
    return f"{reason} for a molecule of {n_atoms} atoms (RDKitDescriptors documents the limits)"
