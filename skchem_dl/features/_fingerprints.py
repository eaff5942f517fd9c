"""Morgan (extended-connectivity) fingerprints."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import Mol
from rdkit.Chem.rdFingerprintGenerator import GetMorganFeatureAtomInvGen, GetMorganGenerator
from sklearn.utils._param_validation import Interval

from skchem_dl._output import follow_sparse_interface, output_container
from skchem_dl.features._base import BaseMolTransformer


class MorganFingerprinter(BaseMolTransformer):
    """Morgan fingerprints (ECFP, FCFP): circular substructures hashed into a vector.

    Parameters
    ----------
    radius : int, default=2
        How many bonds an atom's environment reaches; 2 is ECFP4, 3 is ECFP6.
    fp_size : int, default=2048
        Length of the vector.
    counts : bool, default=False
        Count each substructure instead of noting that it is there.
    use_features : bool, default=False
        Start from pharmacophoric atom features (donor, acceptor, aromatic, ...), as FCFP does,
        instead of from element, degree, charge and so on.
    include_chirality : bool, default=False
        Let environments that are mirror images differ.
    use_bond_types : bool, default=True
        Let environments that differ only in bond orders differ.
    sparse_output : bool, default=False
        Return CSR, which takes a thirtieth of the memory of the dense matrix: an array or a matrix
        of scipy's, as scikit-learn's setting `sparse_interface` has it (before scikit-learn 1.9 an
        array). If `set_output` asks for frames, which cannot hold one, they are dense.
    on_invalid : {"raise", "nan"}, default="raise"
        A row that is no molecule raises `InvalidMoleculeError`, or becomes all NaN (every row is
        then float32).
    n_jobs : int, default=None
        Worker processes.
    smiles_column : str or int, default=None
        The column of SMILES, where X has several columns.
    memory : str, path, joblib.Memory or FeatureCache, default=None
        A folder that keeps what becomes of each SMILES, so that no fold, candidate or process of a
        search featurises it again. Mols are not kept.

    See Also
    --------
    RDKitDescriptors : Physico-chemical properties instead of substructures.

    References
    ----------
    .. [1] Rogers, D.; Hahn, M. Extended-Connectivity Fingerprints. J. Chem. Inf. Model. 2010,
       50, 742-754. https://doi.org/10.1021/ci100050t

    Examples
    --------
    >>> from skchem_dl import MorganFingerprinter
    >>> MorganFingerprinter(fp_size=1024).fit_transform(["CCO", "c1ccccc1O"]).shape
    (2, 1024)
    """

    _parameter_constraints: dict[str, list] = {
        **BaseMolTransformer._parameter_constraints,
        "radius": [Interval(Integral, 0, None, closed="left")],
        "fp_size": [Interval(Integral, 1, None, closed="left")],
        "counts": ["boolean"],
        "use_features": ["boolean"],
        "include_chirality": ["boolean"],
        "use_bond_types": ["boolean"],
        "sparse_output": ["boolean"],
    }
    _not_in_rows = (*BaseMolTransformer._not_in_rows, "sparse_output")
    _kind = "fingerprint"

    def __init__(
        self,
        radius=2,
        fp_size=2048,
        *,
        counts=False,
        use_features=False,
        include_chirality=False,
        use_bond_types=True,
        sparse_output=False,
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
    ):
        self.radius = radius
        self.fp_size = fp_size
        self.counts = counts
        self.use_features = use_features
        self.include_chirality = include_chirality
        self.use_bond_types = use_bond_types
        self.sparse_output = sparse_output
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns: "morgan0", "morgan1", ...

        Parameters
        ----------
        input_features : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        names : ndarray of shape (fp_size,), of str
            One for each column.
        """
        return np.array([f"morgan{i}" for i in range(self.fp_size)], dtype=object)

    def _transform_mols(self, mols: Sequence[Mol]) -> sp.csr_array:
        """Give CSR, whatever the output: a hundredth of what workers would send as a matrix."""
        count = self._generator().GetCountFingerprint
        columns: list[int] = []
        values: list[int] = []
        indptr = np.zeros(len(mols) + 1, dtype=np.int32)
        for i, mol in enumerate(mols):
            # The bits that are set are the columns that count something.
            found = count(mol).GetNonzeroElements()
            columns += found
            if self.counts:
                values += found.values()
            indptr[i + 1] = len(columns)
        data = np.array(values, dtype=np.uint32) if self.counts else np.ones(len(columns), np.uint8)
        indices = np.array(columns, dtype=np.int32)
        rows = sp.csr_array((data, indices, indptr), shape=(len(mols), self.fp_size))
        rows.sort_indices()  # RDKit gives them in no particular order
        return rows

    def _finish(self, rows: sp.csr_array) -> Any:
        if self.sparse_output and output_container(self) == "default":
            return follow_sparse_interface(rows)
        return rows.toarray()

    def _generator(self) -> Any:
        # C++ generators don't pickle, so each chunk makes its own; it takes microseconds.
        return GetMorganGenerator(
            # RDKit refuses numpy's scalars, which a parameter grid is full of.
            radius=int(self.radius),
            fpSize=int(self.fp_size),
            includeChirality=bool(self.include_chirality),
            useBondTypes=bool(self.use_bond_types),
            atomInvariantsGenerator=GetMorganFeatureAtomInvGen() if self.use_features else None,
        )
