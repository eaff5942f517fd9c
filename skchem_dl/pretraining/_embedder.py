"""Embeddings of molecules by pretrained weights, without any training."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions

from skchem_dl._fit_tasks import OneTaskMixin
from skchem_dl._rows import spread_rows
from skchem_dl.estimators._busy_waiting import limit_busy_waiting
from skchem_dl.estimators._devices import PRECISIONS, autocast, check_precision, resolve_device
from skchem_dl.estimators._pretrained import (
    BUNDLED,
    PretrainedParameterMixin,
    PretrainedWeights,
    resolve_pretrained,
)
from skchem_dl.features import MolGraphizer
from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.graphs import MolGraphs
from skchem_dl.nn import GNN, GraphBatch

_modules: WeakKeyDictionary[PretrainedWeights, dict[str, GNN]] = WeakKeyDictionary()


class PretrainedEmbedder(OneTaskMixin, PretrainedParameterMixin, TransformerMixin, BaseEstimator):
    """Compute molecule embeddings with a frozen pretrained network.

    The embeddings are features for any model of scikit-learn: ridge, support vector and Gaussian
    process regression, nearest neighbors, clustering, maps. The network was trained to predict
    RDKit descriptors and substructures. Embedding takes less than a millisecond per molecule.

    Parameters
    ----------
    pretrained : str, path, PretrainedWeights or fitted MolGNNPretrainer, default="base-v1"
        The weights, as in `MolGNNRegressor`; "auto" is those of the package.
    on_invalid : {"raise", "nan"}, default="raise"
        Whether an invalid molecule raises `InvalidMoleculeError`, or its row becomes NaN.
    n_jobs : int, default=None
        Worker processes that make graphs.
    smiles_column : str or int, default=None
        The column of SMILES, if X has several columns.
    memory : str, path, joblib.Memory or FeatureCache, default=None
        A folder that keeps graphs; see `MolGraphizer`.
    batch_size : int, default=1024
        Molecules in a step.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of matrix products.
    device : str, default="auto"
        "auto" is a GPU if torch sees one, and the CPU otherwise.

    See Also
    --------
    MolGNNPretrainer : Pretrains a network, and embeds with it as well.
    skchem_dl.pipelines.NeuralEmbedder : Embeddings of a network that is trained on targets.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pretraining import PretrainedEmbedder
    >>> X, y = load_solubility(return_X_y=True)
    >>> model = make_pipeline(PretrainedEmbedder(), StandardScaler(), RidgeCV([10, 100, 1000]))
    >>> bool(model.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.8)
    True
    """

    _parameter_constraints: dict[str, list] = {
        "pretrained": [object],
        **BaseMolTransformer._parameter_constraints,
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "precision": [StrOptions(set(PRECISIONS))],
        "device": [str],
    }

    def __init__(
        self,
        pretrained="base-v1",
        *,
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
        batch_size=1024,
        precision="float32",
        device="auto",
    ):
        self.pretrained = pretrained
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory
        self.batch_size = batch_size
        self.precision = precision
        self.device = device

    def fit(self, X: Any, y: Any = None) -> "PretrainedEmbedder":
        """Check the parameters and the kind of input; nothing is learned.

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
            If a parameter is wrong, or there are no such weights.
        """
        self._validate_params()
        self._weights()
        if not isinstance(X, MolGraphs):
            self._graphizer().fit(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Embed n molecules.

        Parameters
        ----------
        X : list, tuple, ndarray, Series or frame of n molecules, or MolGraphs
            SMILES strings, RDKit Mols or graphs.

        Returns
        -------
        embedding : ndarray of shape (n, h), float32
            NaN in the rows of invalid molecules.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not valid molecules and ``on_invalid="raise"``.
        ValueError
            If graphs are given that were made by another version of `MolGraphizer`.
        """
        self._validate_params()
        weights = self._weights()
        graphs = X if isinstance(X, MolGraphs) else self._graphizer().transform(X)
        graphs = graphs.with_molecule_features(None)
        if graphs.schema != weights.schema:
            raise ValueError(
                f"The graphs have the schema {graphs.schema}; the weights expect {weights.schema}."
            )
        valid = graphs.n_atoms > 0
        rows = np.flatnonzero(valid)
        embedded = self._embed(weights, graphs, rows)
        return spread_rows(embedded, valid)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names of the columns: "embedding0", "embedding1", ...

        Parameters
        ----------
        input_features : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        names : ndarray of shape (h,), of str
            One for each column.
        """
        width = _module_of(self._weights(), "cpu").embedding_dim
        return np.array([f"embedding{i}" for i in range(width)], dtype=object)

    def __getstate_for_file__(self) -> dict[str, Any]:
        """Return what `skchem_dl.save` writes: no folder and no file of this machine."""
        bundled = isinstance(self.pretrained, str) and self.pretrained in ("auto", *BUNDLED)
        pretrained = self.pretrained if bundled else self._weights()
        return {**vars(self), "memory": None, "pretrained": pretrained}

    def __setstate_from_file__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "memory": None})

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _weights(self) -> PretrainedWeights:
        weights = resolve_pretrained(self.pretrained)
        if weights is None:
            raise ValueError("pretrained=None; expected the name of weights, a file or a model.")
        return weights

    def _graphizer(self) -> MolGraphizer:
        names = ("on_invalid", "n_jobs", "smiles_column", "memory")
        return MolGraphizer(**{name: getattr(self, name) for name in names})

    def _embed(self, weights: PretrainedWeights, graphs: MolGraphs, rows: np.ndarray) -> np.ndarray:
        """Embed the chosen molecules, batch after batch."""
        device = resolve_device(self.device)
        check_precision(self.precision, device)
        module = _module_of(weights, device)
        parts = [np.empty((0, module.embedding_dim), dtype=np.float32)]
        with torch.inference_mode(), autocast(device, self.precision), limit_busy_waiting(device):
            for start in range(0, len(rows), self.batch_size):
                batch = GraphBatch.from_graphs(graphs[rows[start : start + self.batch_size]])
                parts.append(module.embed(batch.to(device)).float().cpu().numpy())
        return np.concatenate(parts)


def _module_of(weights: PretrainedWeights, device: str) -> GNN:
    """Return the network with these weights; it is built once for each device."""
    built = _modules.setdefault(weights, {})
    if device not in built:
        architecture: Mapping[str, Any] = weights.architecture
        module = GNN(weights.schema, 1, **architecture).eval()
        module.load_pretrained(weights.arrays)
        built[device] = module.to(device)
    return built[device]
