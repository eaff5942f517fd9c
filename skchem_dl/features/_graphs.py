"""Molecular graphs: every atom and bond as a row of small categories."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import Mol
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from skchem_dl._output import OwnContainerMixin
from skchem_dl.features._base import BaseMolTransformer, Chunk
from skchem_dl.features._graph_codes import SCHEMA, graphs_of_mols
from skchem_dl.features._graphs_fast import read_smiles
from skchem_dl.features._kinds import gives_descriptors
from skchem_dl.features._molecules import ParsedMolecules, row_subset
from skchem_dl.graphs import MolGraphs, _offsets
from skchem_dl.preprocessing import DescriptorScaler

__all__ = ["SCHEMA", "MolGraphizer"]


class MolGraphizer(OwnContainerMixin, BaseMolTransformer):
    """Molecular graphs for graph neural networks.

    Hydrogens are counted on their heavy atom; they are atoms only where RDKit keeps them in a
    SMILES (isotopes, molecular hydrogen). Every field is a small category, and category 0 is
    "other", whatever the list does not name.

    Atom fields: *element* (H to Xe, Pt, Au, Hg, Pb, Bi), *degree* (neighbours, 0 to 6), *charge*
    (-2 to 2), *chirality* (none, R, S; other: a
    stereocentre that has no such label), *hydrogens* (0 to 4),
    *hybridisation* (s, sp, sp2, sp3, sp3d, sp3d2), *aromatic* (no, yes), *smallest_ring* (none,
    3 to 8 atoms). Bond fields: *order* (single, double, triple, aromatic), *conjugated* (no, yes),
    *in_ring* (no, yes), *stereo* (none, any, Z, E, cis, trans).

    With the extra ``fast`` (``pip install "skchem_dl[fast]"``), and if its release matches that of
    RDKit, SMILES are read in C++: the graphs are the same, in about half the time.

    Parameters
    ----------
    molecule_features : transformer, default=None
        Its output rides along as ``MolGraphs.molecule_features``, which the networks join to their
        readout. It is fitted on the valid rows of whatever the graphizer gets: the molecules, or,
        with `smiles_column`, the whole frame (so a `ColumnTransformer` can add pH, dose or assay);
        a featurizer without a `smiles_column` of its own takes the same.
        A descriptor that RDKit cannot compute for a molecule is imputed by its median; other gaps
        are left as they are.
    on_invalid : {"raise", "nan"}, default="raise"
        A row that is no molecule raises `InvalidMoleculeError`, or becomes an empty graph.
    n_jobs : int, default=None
        Worker processes.
    smiles_column : str or int, default=None
        The column of SMILES, where X has several columns.
    memory : str, path, joblib.Memory or FeatureCache, default=None
        A folder that keeps what becomes of each SMILES, so that no fold, candidate or process of a
        search featurises it again. Mols are not kept. `molecule_features` may have a memory of its
        own.

    Attributes
    ----------
    molecule_features_ : transformer
        The fitted transformer, where there is one.
    n_molecule_features_ : int
        How many columns it gives.

    See Also
    --------
    MolGNNRegressor, MolGNNClassifier : Networks on these graphs.

    Examples
    --------
    >>> from skchem_dl import MolGraphizer
    >>> MolGraphizer().fit_transform(["CCO", "c1ccccc1"])
    MolGraphs(2 molecules, 9 atoms, 8 bonds)
    """

    _parameter_constraints: dict[str, list] = {
        **BaseMolTransformer._parameter_constraints,
        "molecule_features": [HasMethods(["fit_transform", "transform"]), None],
    }
    _not_in_rows = (*BaseMolTransformer._not_in_rows, "molecule_features")
    _kind = "other"

    def __init__(
        self,
        *,
        molecule_features=None,
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
    ):
        self.molecule_features = molecule_features
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory

    def fit(self, X: Any, y: Any = None) -> "MolGraphizer":
        """Check the parameters, and fit `molecule_features` if there is one.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : array-like of shape (n,) or (n, t), default=None
            Passed on to `molecule_features`.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        super().fit(X)
        if self.molecule_features is not None:
            self._fit_features(X, y, self._rows(X))
        return self

    def transform(self, X: Any) -> MolGraphs:
        """Turn n molecules into n graphs.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.

        Returns
        -------
        MolGraphs of shape (n,)
            One graph a molecule, in the order of `X`.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not molecules and ``on_invalid="raise"``.
        ValueError
            If `molecule_features` does not give a matrix.
        """
        graphs = self._rows(X)
        if self.molecule_features is None:
            return graphs
        check_is_fitted(self, "molecule_features_")
        rows = np.flatnonzero(graphs.n_atoms)
        values = self.molecule_features_.transform(row_subset(X, rows)) if len(rows) else None
        return self._with_features(graphs, rows, values)

    def fit_transform(self, X: Any, y: Any = None) -> MolGraphs:
        """Fit, then transform, parsing each molecule once.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : array-like of shape (n,) or (n, t), default=None
            Passed on to `molecule_features`.

        Returns
        -------
        MolGraphs of shape (n,)
            One graph a molecule, in the order of `X`.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not molecules and ``on_invalid="raise"``.
        ValueError
            If `molecule_features` does not give a matrix.
        """
        graphs = self._rows(X)
        if self.molecule_features is None:
            return graphs
        values = self._fit_features(X, y, graphs)
        return self._with_features(graphs, np.flatnonzero(graphs.n_atoms), values)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of ``MolGraphs.molecule_features``.

        Parameters
        ----------
        input_features : array-like of shape (d,), of str, default=None
            Passed on to `molecule_features`.

        Returns
        -------
        names : ndarray of shape (n_molecule_features,), of str
            Empty without `molecule_features`.
        """
        if self.molecule_features is None:
            return np.empty(0, dtype=object)
        check_is_fitted(self, "molecule_features_")
        return self.molecule_features_.get_feature_names_out(input_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.molecule_features is not None
        return tags

    def _fit_features(self, X: Any, y: Any, graphs: MolGraphs) -> np.ndarray:
        rows = np.flatnonzero(graphs.n_atoms)
        transformer = clone(self.molecule_features)
        if getattr(transformer, "smiles_column", self) is None:
            transformer.set_params(smiles_column=self.smiles_column)
        values = _as_matrix(
            transformer.fit_transform(
                row_subset(X, rows), None if y is None else row_subset(y, rows)
            )
        )
        self.molecule_features_ = transformer
        self.n_molecule_features_ = values.shape[1]
        self._imputer = None
        if gives_descriptors(transformer):  # the networks scale them
            imputer = DescriptorScaler(with_scaling=False).set_output(transform="default")
            self._imputer = imputer.fit(values)
        return values

    def _with_features(self, graphs: MolGraphs, rows: np.ndarray, values: Any) -> MolGraphs:
        features = np.full((len(graphs), self.n_molecule_features_), np.nan, dtype=np.float32)
        if values is not None:
            values = _as_matrix(values)
            imputer = getattr(self, "_imputer", None)  # not in files of earlier versions
            features[rows] = values if imputer is None else imputer.transform(values)
        return graphs.with_molecule_features(features)

    def _featurize(self, items: Sequence[Any]) -> Chunk:
        read = read_smiles(items)
        if read is None:
            return super()._featurize(items)
        graphs, done = read
        if done.all():
            return graphs, done, []
        others = super()._featurize([items[row] for row in np.flatnonzero(~done).tolist()])
        return self._interleave((graphs, done[done], []), others, ~done)

    def _transform_parsed(self, parsed: ParsedMolecules) -> MolGraphs:
        return graphs_of_mols(parsed.mols, parsed.texts)

    def _transform_mols(self, mols: Sequence[Mol]) -> MolGraphs:
        return graphs_of_mols(mols, [None] * len(mols))

    def _join(self, parts: list[MolGraphs]) -> MolGraphs:
        return MolGraphs.concatenate(parts)

    def _fill_invalid(self, rows: MolGraphs, valid: np.ndarray) -> MolGraphs:
        """Put an empty graph where there was no molecule."""
        n_atoms, n_bonds = np.zeros((2, len(valid)), dtype=np.int64)
        n_atoms[valid], n_bonds[valid] = rows.n_atoms, rows.n_bonds
        return MolGraphs(
            rows.atom_codes,
            rows.bond_codes,
            rows.bond_atoms,
            _offsets(n_atoms),
            _offsets(n_bonds),
            rows.schema,
        )


def _as_matrix(values: Any) -> np.ndarray:
    """Give molecule features as (n, d) float32, or say what is wrong with them."""
    values = values.toarray() if sp.issparse(values) else values
    matrix = np.asarray(values, dtype=np.float32)
    if matrix.ndim != 2:
        raise ValueError(
            f"molecule_features gave an array of shape {matrix.shape}; expected (n, d) numbers."
        )
    return matrix
