"""Several kinds of features side by side, from molecules that are parsed once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import Mol
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _BaseComposition

from skchem_dl._output import follow_sparse_interface, output_container
from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.features._descriptors import RDKitDescriptors
from skchem_dl.features._fingerprints import MorganFingerprinter


class MolFeatureUnion(BaseMolTransformer, _BaseComposition):
    """Fingerprints and descriptors side by side: one row a molecule, the columns of all.

    Like `sklearn.pipeline.FeatureUnion`, but a molecule is parsed once, and is valid or not for all
    members together. `on_invalid`, `n_jobs`, `smiles_column` and `memory` are the union's;
    those of the members have no effect.

    Parameters
    ----------
    transformer_list : list of (str, transformer), default=None
        Featurisers of this package that give numbers and learn nothing, with names to set their
        parameters by. None takes ``MorganFingerprinter(counts=True)`` as "fingerprint" and
        ``RDKitDescriptors()`` as "properties"; to set parameters of these, list them.
        With ``sparse_output=True`` in one of them, the rows are CSR, as of `MorganFingerprinter`.
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
    sklearn.pipeline.FeatureUnion : Joins any transformers, each of which reads X for itself.

    Examples
    --------
    >>> from skchem_dl import MolFeatureUnion, MorganFingerprinter, RDKitDescriptors
    >>> members = [
    ...     ("fingerprint", MorganFingerprinter(fp_size=512, counts=True)),
    ...     ("few", RDKitDescriptors(["MolLogP", "TPSA"])),
    ... ]
    >>> MolFeatureUnion(members).fit_transform(["CCO", "c1ccccc1O"]).shape
    (2, 514)
    """

    _parameter_constraints: dict[str, list] = {
        **BaseMolTransformer._parameter_constraints,
        "transformer_list": [list, None],
    }

    def __init__(
        self,
        transformer_list=None,
        *,
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
    ):
        self.transformer_list = transformer_list
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the parameters, those of the members as "name__parameter".

        Parameters
        ----------
        deep : bool, default=True
            With those of the members.

        Returns
        -------
        dict
            Values by name.
        """
        return self._get_params("transformer_list", deep=deep)

    def set_params(self, **params: Any) -> "MolFeatureUnion":
        """Set parameters, those of the members by "name__parameter", or a member by its name.

        Parameters
        ----------
        **params
            What to set.

        Returns
        -------
        self : object
            The union itself.
        """
        self._set_params("transformer_list", **params)
        return self

    def fit(self, X: Any, y: Any = None) -> "MolFeatureUnion":
        """Check the parameters, those of the members among them; nothing is learnt.

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
        TypeError
            If a member is no featuriser whose rows can be joined.
        ValueError
            If there is none, a parameter of one is wrong, or two have the same name.
        """
        super().fit(X)
        members = self._members()
        self._validate_names([name for name, _ in members])
        for _, member in members:
            member.fit(["C"])
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns by member and its own name for them: "fingerprint__morgan0", ...

        Parameters
        ----------
        input_features : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        names : ndarray of shape (d,), of str
            One for each column.
        """
        names = [
            f"{name}__{column}"
            for name, member in self._members()
            for column in member.get_feature_names_out()
        ]
        return np.array(names, dtype=object)

    def _members(self) -> list[tuple[str, Any]]:
        if self.transformer_list is None:
            return [
                ("fingerprint", MorganFingerprinter(counts=True)),
                ("properties", RDKitDescriptors()),
            ]
        if not self.transformer_list:
            raise ValueError("transformer_list is empty; expected [(name, transformer), ...].")
        for item in self.transformer_list:
            if not (isinstance(item, tuple) and len(item) == 2 and _gives_numbers(item[1])):
                raise TypeError(
                    f"transformer_list has {item!r}; expected (name, transformer), the latter a "
                    "MorganFingerprinter or an RDKitDescriptors. sklearn.pipeline.FeatureUnion "
                    "joins others."
                )
        return list(self.transformer_list)

    @property
    def _seconds_per_molecule(self) -> float:
        return sum(member._seconds_per_molecule for _, member in self._members())

    def _transform_mols(self, mols: Sequence[Mol]) -> np.ndarray | sp.csr_array:
        parts = [member._transform_mols(mols) for _, member in self._members()]
        if any(sp.issparse(part) for part in parts):
            return sp.hstack([sp.csr_array(part) for part in parts], format="csr", dtype=np.float32)
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _finish(self, rows: Any) -> Any:
        if not sp.issparse(rows):
            return rows
        wanted = any(getattr(member, "sparse_output", False) for _, member in self._members())
        if wanted and output_container(self) == "default":
            return follow_sparse_interface(rows)
        return rows.toarray()


def _gives_numbers(member: Any) -> bool:
    return (
        isinstance(member, BaseMolTransformer)
        and member._kind != "other"
        and hasattr(member, "get_feature_names_out")
        and not get_tags(member).requires_fit
    )
