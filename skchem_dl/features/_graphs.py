"""Molecular graphs: every atom and bond as a row of small categories."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import (
    Atom,
    BondStereo,
    BondType,
    ChiralType,
    HybridizationType,
    Mol,
)
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.features._molecules import TETRAHEDRAL, row_subset
from skchem_dl.graphs import GraphSchema, MolGraphs, _offsets

# Categories of each field, in the order of their codes; code 0 is "other" everywhere.
_ELEMENTS = (*range(1, 55), 78, 79, 80, 82, 83)  # H to Xe, then Pt, Au, Hg, Pb, Bi
_DEGREES = range(7)
_CHARGES = (-2, -1, 0, 1, 2)
# Not RDKit's clockwise and counter-clockwise tags: those follow the order of the neighbours, so
# the same molecule written in another order would have other codes.
_CHIRALITIES = ("none", "R", "S")
_HYDROGENS = range(5)
_HYBRIDISATIONS = (
    HybridizationType.S,
    HybridizationType.SP,
    HybridizationType.SP2,
    HybridizationType.SP3,
    HybridizationType.SP3D,
    HybridizationType.SP3D2,
)
_SMALLEST_RINGS = (0, 3, 4, 5, 6, 7, 8)  # 0: in no ring; larger rings are "other"
_NO_YES = (0, 1)
_BOND_TYPES = (BondType.SINGLE, BondType.DOUBLE, BondType.TRIPLE, BondType.AROMATIC)
_STEREOS = (
    BondStereo.STEREONONE,
    BondStereo.STEREOANY,
    BondStereo.STEREOZ,
    BondStereo.STEREOE,
    BondStereo.STEREOCIS,
    BondStereo.STEREOTRANS,
)

_ATOM_FIELDS = {
    "element": _ELEMENTS,
    "degree": _DEGREES,
    "charge": _CHARGES,
    "chirality": _CHIRALITIES,
    "hydrogens": _HYDROGENS,
    "hybridisation": _HYBRIDISATIONS,
    "aromatic": _NO_YES,
    "smallest_ring": _SMALLEST_RINGS,
}
_BOND_FIELDS = {
    "order": _BOND_TYPES,
    "conjugated": _NO_YES,
    "in_ring": _NO_YES,
    "stereo": _STEREOS,
}
SCHEMA = GraphSchema(
    tuple((name, len(values) + 1) for name, values in _ATOM_FIELDS.items()),
    tuple((name, len(values) + 1) for name, values in _BOND_FIELDS.items()),
)


def _codes(values: Sequence[Any]) -> dict[Any, int]:
    # Looking up RDKit's enumerations by their numbers is twice as fast.
    numbers = [value if isinstance(value, str) else int(value) for value in values]
    return {value: code for code, value in enumerate(numbers, start=1)}


_ATOM_CODES = [_codes(values) for values in _ATOM_FIELDS.values()]
_BOND_CODES = [_codes(values) for values in _BOND_FIELDS.values()]


class MolGraphizer(BaseMolTransformer):
    """Molecular graphs for graph neural networks.

    Hydrogens are counted on their heavy atom, not drawn as atoms. Every field is a small
    category, and category 0 is "other", whatever the list does not name.

    Atom fields: *element* (H to Xe, Pt, Au, Hg, Pb, Bi), *degree* (neighbours, 0 to 6), *charge*
    (-2 to 2), *chirality* (none, R, S; other: a
    stereocentre that has no such label), *hydrogens* (0 to 4),
    *hybridisation* (s, sp, sp2, sp3, sp3d, sp3d2), *aromatic* (no, yes), *smallest_ring* (none,
    3 to 8 atoms). Bond fields: *order* (single, double, triple, aromatic), *conjugated* (no, yes),
    *in_ring* (no, yes), *stereo* (none, any, Z, E, cis, trans).

    Parameters
    ----------
    molecule_features : transformer, default=None
        Its output rides along as `MolGraphs.molecule_features`, which the networks join to their
        readout. It is fitted on the valid rows of whatever the graphizer gets: the molecules, or,
        with `smiles_column`, the whole frame (so a `ColumnTransformer` can add pH, dose or assay).
    on_invalid : {"raise", "nan"}, default="raise"
        A row that is no molecule raises `InvalidMoleculeError`, or becomes an empty graph.
    n_jobs : int, default=None
        Worker processes.
    smiles_column : str or int, default=None
        The column of SMILES, where X has several columns.

    Attributes
    ----------
    molecule_features_ : transformer
        The fitted transformer, where there is one.
    n_molecule_features_ : int
        How many columns it gives.

    See Also
    --------
    MolGNNRegressor, MolGNNClassifier : networks on these graphs.

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

    def __init__(
        self, *, molecule_features=None, on_invalid="raise", n_jobs=None, smiles_column=None
    ):
        self.molecule_features = molecule_features
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column

    def fit(self, X: Any, y: Any = None) -> "MolGraphizer":
        """Check the parameters, and fit `molecule_features` if there is one.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules
            SMILES strings or RDKit Mols.
        y : array-like, default=None
            Passed on to `molecule_features`.

        Returns
        -------
        self
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
        y : array-like, default=None
            Passed on to `molecule_features`.

        Returns
        -------
        MolGraphs of shape (n,)
        """
        graphs = self._rows(X)
        if self.molecule_features is None:
            return graphs
        values = self._fit_features(X, y, graphs)
        return self._with_features(graphs, np.flatnonzero(graphs.n_atoms), values)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.molecule_features is not None
        return tags

    def _fit_features(self, X: Any, y: Any, graphs: MolGraphs) -> np.ndarray:
        rows = np.flatnonzero(graphs.n_atoms)
        transformer = clone(self.molecule_features)
        values = _as_matrix(
            transformer.fit_transform(
                row_subset(X, rows), None if y is None else row_subset(y, rows)
            )
        )
        self.molecule_features_ = transformer
        self.n_molecule_features_ = values.shape[1]
        return values

    def _with_features(self, graphs: MolGraphs, rows: np.ndarray, values: Any) -> MolGraphs:
        features = np.full((len(graphs), self.n_molecule_features_), np.nan, dtype=np.float32)
        if values is not None:
            features[rows] = _as_matrix(values)
        return graphs.with_molecule_features(features)

    def _transform_mols(self, mols: Sequence[Mol]) -> MolGraphs:
        atoms, bonds, ends, n_atoms, n_bonds = [], [], [], [], []
        for mol in mols:
            rings = mol.GetRingInfo()
            atoms += [_atom_codes(atom, rings) for atom in mol.GetAtoms()]
            for bond in mol.GetBonds():
                bonds.append(_bond_codes(bond))
                ends.append((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
            n_atoms.append(mol.GetNumAtoms())
            n_bonds.append(mol.GetNumBonds())
        return MolGraphs(
            np.array(atoms, dtype=np.uint8).reshape(-1, len(_ATOM_FIELDS)),
            np.array(bonds, dtype=np.uint8).reshape(-1, len(_BOND_FIELDS)),
            np.array(ends, dtype=np.int32).reshape(-1, 2),
            _offsets(np.array(n_atoms, dtype=np.int64)),
            _offsets(np.array(n_bonds, dtype=np.int64)),
            SCHEMA,
        )

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


def _atom_codes(atom: Atom, rings: Any) -> tuple[int, ...]:
    element, degree, charge, chirality, hydrogens, hybridisation, aromatic, ring = _ATOM_CODES
    return (
        element.get(atom.GetAtomicNum(), 0),
        degree.get(atom.GetDegree(), 0),
        charge.get(atom.GetFormalCharge(), 0),
        chirality.get(_chirality(atom), 0),
        hydrogens.get(atom.GetTotalNumHs(), 0),
        hybridisation.get(int(atom.GetHybridization()), 0),
        aromatic[atom.GetIsAromatic()],
        ring.get(rings.MinAtomRingSize(atom.GetIdx()), 0),
    )


def _chirality(atom: Atom) -> str:
    tag = atom.GetChiralTag()
    if tag == ChiralType.CHI_UNSPECIFIED:
        return "none"
    labelled = tag in TETRAHEDRAL and atom.HasProp("_CIPCode")
    return atom.GetProp("_CIPCode") if labelled else "other"


def _bond_codes(bond: Any) -> tuple[int, ...]:
    order, conjugated, in_ring, stereo = _BOND_CODES
    return (
        order.get(int(bond.GetBondType()), 0),
        conjugated[bond.GetIsConjugated()],
        in_ring[bond.IsInRing()],
        stereo.get(int(bond.GetStereo()), 0),
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
