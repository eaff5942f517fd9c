"""Standardized SMILES."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rdkit.Chem import Mol, MolFromSmiles, MolToSmiles
from rdkit.Chem.MolStandardize import rdMolStandardize

from skchem_dl._rows import spread_rows
from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.features._molecules import ParsedMolecules
from skchem_dl.features._reading import quiet_rdkit

# RDKit compares every fragment with every other: 500 take it 0.2 s, 2,500 take 5 s.
_MAX_FRAGMENTS = 500


class MolStandardizer(BaseMolTransformer):
    """One way to write each molecule: cleaned, largest fragment, uncharged, canonical SMILES.

    The output is an array of shape (n,). If `set_output` asks for a frame, it has one column, named
    as that of the SMILES in `fit`, or "smiles" if that has no name.

    RDKit's own standardizer; its uses, and how ChEMBL applies one, are in [1]_. Clean-up
    disconnects metals, normalizes functional groups (nitro, sulfoxide, ...) and reionizes. The
    steps are repeated until nothing changes: standardized SMILES stay as they are. It is made for
    organic molecules: of complexes and salts of metals it keeps what is left without the metal.

    Parameters
    ----------
    largest_fragment : bool, default=True
        Keep only the largest organic fragment: strips salts and solvents.
    uncharge : bool, default=True
        Neutralise charges by adding or removing hydrogens, where that is possible.
    tautomer : bool, default=False
        Take RDKit's canonical tautomer; slow (tens of milliseconds for a small molecule, a second
        for a peptide of ten residues).
    on_invalid : {"raise", "nan"}, default="raise"
        A row that is no molecule raises `InvalidMoleculeError`, or becomes None.
    n_jobs : int, default=None
        Worker processes.
    smiles_column : str or int, default=None
        The column of SMILES, where X has several columns.
    memory : str, path, joblib.Memory or FeatureCache, default=None
        A folder that keeps what becomes of each SMILES, so that no fold, candidate or process of a
        search featurises it again. Mols are not kept.

    See Also
    --------
    MorganFingerprinter, SmilesTokenizer, MolGraphizer : What can follow it in a pipeline.

    References
    ----------
    .. [1] Bento, A. P. et al. An open source chemical structure curation pipeline using RDKit.
       J. Cheminform. 2020, 12, 51. https://doi.org/10.1186/s13321-020-00456-1

    Examples
    --------
    >>> from skchem_dl import MolStandardizer
    >>> MolStandardizer().fit_transform(["[Na+].CC(=O)[O-]", "C(C)O"])
    array(['CC(=O)O', 'CCO'], dtype=object)
    """

    _parameter_constraints: dict[str, list] = {
        **BaseMolTransformer._parameter_constraints,
        "largest_fragment": ["boolean"],
        "uncharge": ["boolean"],
        "tautomer": ["boolean"],
    }
    _kind = "other"

    def __init__(
        self,
        *,
        largest_fragment=True,
        uncharge=True,
        tautomer=False,
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
    ):
        self.largest_fragment = largest_fragment
        self.uncharge = uncharge
        self.tautomer = tautomer
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory

    def fit(self, X: Any, y: Any = None) -> "MolStandardizer":
        """Check the parameters and the kind of input, and remember the name of its column.

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
        """
        super().fit(X)
        self._column_name = _column_name(X, self.smiles_column)
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the name of the one column.

        Parameters
        ----------
        input_features : array-like of shape (1,), of str, default=None
            The name of the column of X; None takes that of `fit`.

        Returns
        -------
        names : ndarray of shape (1,), of str
            "smiles" if it has no name.
        """
        name = getattr(self, "_column_name", self.smiles_column)
        if input_features is not None and len(input_features) == 1:
            name = input_features[0]
        return np.array([name if isinstance(name, str) else "smiles"], dtype=object)

    @property
    def _seconds_per_molecule(self) -> float:
        return 5e-3 if self.tautomer else 1.5e-3

    def _transform_parsed(self, parsed: ParsedMolecules) -> np.ndarray:
        """Standardize; a molecule that RDKit's standardizer refuses becomes an invalid row."""
        steps = self._steps()
        smiles, refused = [], {}
        with quiet_rdkit():
            for place, mol in enumerate(parsed.mols):
                try:
                    smiles.append(_standard_smiles(mol, steps))
                except (ValueError, RuntimeError) as error:
                    refused[place] = f"standardization failed: {error}".strip()
            parsed.refuse(refused)
        return np.array(smiles, dtype=object)

    def _transform_mols(self, mols: Sequence[Mol]) -> np.ndarray:
        raise NotImplementedError("a molecule may fail here, so _transform_parsed does it")

    def _fill_invalid(self, rows: np.ndarray, valid: np.ndarray) -> np.ndarray:
        return spread_rows(rows, valid)

    def _steps(self) -> list[Any]:
        # C++ objects don't pickle, so each chunk makes its own.
        steps: list[Any] = [rdMolStandardize.Cleanup]
        if self.largest_fragment:
            steps.append(rdMolStandardize.LargestFragmentChooser(preferOrganic=True).choose)
        if self.uncharge:
            steps.append(rdMolStandardize.Uncharger().uncharge)
        if self.tautomer:
            steps.append(rdMolStandardize.TautomerEnumerator().Canonicalize)
        return steps


def _standard_smiles(mol: Mol, steps: list[Any]) -> str:
    """Repeat all steps until the text no longer changes, so that standardizing is idempotent."""
    text = MolToSmiles(mol)
    seen: list[str] = []
    while text not in seen:
        seen.append(text)
        if text.count(".") >= _MAX_FRAGMENTS:
            raise ValueError(f"more than {_MAX_FRAGMENTS} disconnected fragments")
        # Read from the canonical text, the result cannot depend on how the molecule was written.
        again = MolFromSmiles(text)
        if again is None:  # ferrocene becomes c1cccc1
            raise ValueError(f"it gives {text!r}, which is not a valid molecule")
        for step in steps:
            again = step(again)
        text = MolToSmiles(again)
    return min(seen[seen.index(text) :])  # of a few forms that take turns, always the same one


def _column_name(X: Any, smiles_column: str | int | None) -> Any:
    """Return the name of the column that `as_items` reads, or None."""
    if smiles_column is not None:
        return smiles_column
    if not hasattr(X, "columns"):
        return getattr(X, "name", None) or None  # a Series of polars' without a name has ""
    # Of pyarrow, columns are the data.
    names = X.columns if hasattr(X, "iloc") else getattr(X, "column_names", X.columns)
    return next(iter(names))
