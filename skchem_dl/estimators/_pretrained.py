"""Pretrained weights: what they hold, where they come from, and how a network starts from them."""

import os
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skchem_dl.graphs import GraphSchema
from skchem_dl.persistence import load

BUNDLED = ("base-v1",)  # files of skchem_dl/weights; the last is what "auto" stands for
_FIT_FIRST = (
    " Fit it first. In a parameter grid pass its weights_, because searches clone estimators."
)
# Parameters of `GNN` that decide which weights it has, and what they mean.
ARCHITECTURE = (
    "conv",
    "hidden_dim",
    "n_layers",
    "batch_norm",
    "skip",
    "n_heads",
    "average_heads",
    "virtual_node",
    "jumping_knowledge",
    "readout",
    "readout_dim",
    "activation",
)


@dataclass(frozen=True, eq=False, repr=False)
class PretrainedWeights:
    """Weights of a pretrained graph network, without a head.

    `MolGNNPretrainer.weights_` is one. Pass it to ``pretrained=`` of `MolGNNRegressor`,
    `MolGNNClassifier` or `make_gnn_pipeline`, or write it to a file with `skchem_dl.save` and pass
    the path.

    Parameters
    ----------
    architecture : dict of str to object
        Parameters of `skchem_dl.nn.GNN` that make the network: "conv", "hidden_dim", "n_layers",
        "readout", "readout_dim", ...
    schema : GraphSchema
        Fields and categories of the graphs that it was trained on.
    arrays : dict of str to ndarray of any shape
        Weights by the name they have in the network, float32 or float16.
    card : dict of str to object, default=None
        Provenance: training data, recipe and software versions.

    See Also
    --------
    skchem_dl.pretraining.MolGNNPretrainer : Trains them.

    Examples
    --------
    >>> from skchem_dl.pretraining import MolGNNPretrainer
    >>> pretrainer = MolGNNPretrainer(hidden_dim=16, max_epochs=1, random_state=0)
    >>> pretrainer.fit(["CCO", "c1ccccc1O", "CC(=O)N", "CCN"]).weights_
    PretrainedWeights(conv='dmpnn', hidden_dim=16, n_layers=3, 8 arrays)
    """

    architecture: Mapping[str, Any]
    schema: GraphSchema
    arrays: Mapping[str, np.ndarray]
    card: Mapping[str, Any] | None = None

    def __sklearn_clone__(self) -> "PretrainedWeights":
        return self  # it never changes

    def __repr__(self) -> str:
        named = ("conv", "hidden_dim", "n_layers")
        parts = [f"{name}={self.architecture[name]!r}" for name in named]
        return f"PretrainedWeights({', '.join(parts)}, {len(self.arrays)} arrays)"

    def astype(self, dtype: Any) -> "PretrainedWeights":
        """Return the same weights in another precision.

        Parameters
        ----------
        dtype : dtype
            For instance float16, which halves the file; networks compute in float32 in any case.

        Returns
        -------
        PretrainedWeights
            With arrays of that type.
        """
        arrays = {
            name: values.astype(dtype) if values.dtype.kind == "f" else values
            for name, values in self.arrays.items()
        }
        return PretrainedWeights(self.architecture, self.schema, arrays, self.card)


class PretrainedParameterMixin(BaseEstimator):
    """An estimator with a parameter ``pretrained``, which may be a fitted pretrainer."""

    pretrained: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, without those of a pretrainer that holds the weights.

        Parameters
        ----------
        deep : bool, default=True
            Ignored; present for API consistency by convention.

        Returns
        -------
        dict
            Values by name.
        """
        return super().get_params(deep=False)

    def __sklearn_clone__(self) -> Any:
        """Clone with the same weights, instead of a pretrainer that holds them.

        A clone of the pretrainer would not be fitted.
        """
        bare = copy(self)
        bare.pretrained = None
        cloned = super(PretrainedParameterMixin, bare).__sklearn_clone__()
        cloned.pretrained = getattr(self.pretrained, "weights_", self.pretrained)
        return cloned


def resolve_pretrained(pretrained: Any) -> PretrainedWeights | None:
    """Return the weights that a parameter ``pretrained`` stands for."""
    if pretrained is None or isinstance(pretrained, PretrainedWeights):
        return pretrained
    found = pretrained
    if isinstance(pretrained, str | os.PathLike):
        name = BUNDLED[-1] if pretrained == "auto" else os.fspath(pretrained)
        found = _bundled(name) if name in BUNDLED else _read_file(name)
    weights = getattr(found, "weights_", found)  # of a fitted pretrainer
    if isinstance(weights, PretrainedWeights):
        return weights
    unfitted = type(found).__name__ == "MolGNNPretrainer"
    raise TypeError(
        f"pretrained={pretrained!r} is of type {type(found).__name__}; expected None, 'auto', one "
        f"of {BUNDLED}, a file of pretrained weights, or a fitted MolGNNPretrainer."
        + (_FIT_FIRST if unfitted else "")
    )


@cache
def _bundled(name: str) -> PretrainedWeights:
    with as_file(files("skchem_dl") / "weights" / f"{name}.skchem") as path:
        return load(path)


def _read_file(path: str) -> Any:
    if not os.path.isfile(path):
        raise ValueError(
            f"pretrained={path!r} is neither a file nor the name of weights that come with "
            f"skchem_dl: {', '.join(BUNDLED)}."
        )
    status = os.stat(path)
    return _load_once(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _load_once(path: str, *version: int) -> Any:
    """Load a file that has not changed since; `version` tells if it has."""
    return load(path)
