"""Saving estimators and pipelines in one file without pickle: loading runs no code from it.

The file is a safetensors file: every array as it is, and beside them one JSON text that says which
object has which attributes. Only classes on a list are written, and only those are made again.
"""

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any
from uuid import uuid4

import numpy as np
import scipy.sparse as sp
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes
from sklearn.pipeline import Pipeline

from skchem_dl._output import follow_sparse_interface
from skchem_dl._sklearn_state import STATES

__all__ = ["load", "save"]

FORMAT_VERSION = 1
_KEY = "skchem_dl"
_KIND = "$"  # marks a JSON object that stands for something JSON has no word for

# What may be in a file: everything public of these modules, and the names in the table.
_ALL_OF = ("skchem_dl.features", "skchem_dl.estimators", "skchem_dl.preprocessing")
_SOME_OF = {
    "skchem_dl.estimators._tasks": ("ClassificationTask", "RegressionTask"),
    "skchem_dl.estimators._pretrained": ("PretrainedWeights",),
    "skchem_dl.graphs": ("GraphSchema",),
    "skchem_dl.pipelines": (
        "ConsensusClassifier",
        "ConsensusRegressor",
        "NeuralEmbedder",
        "SkipInvalidRows",
    ),
    "skchem_dl.pipelines._graph_views": ("FoldedCounts", "GraphsAlone", "MoleculeFeatures"),
    "skchem_dl.pipelines._kernel": ("KernelRoot", "MixedKernel"),
    "skchem_dl.pipelines._per_target": ("PerTarget",),
    "skchem_dl.pipelines._sample": ("RandomSample",),
    "skchem_dl.pretraining": ("MolGNNPretrainer", "PretrainedEmbedder"),
    "skchem_dl.pretraining._targets": ("PretrainingTask",),
    "sklearn.compose": ("ColumnTransformer", "TransformedTargetRegressor"),
    "sklearn.decomposition": ("PCA", "TruncatedSVD"),
    "sklearn.dummy": ("DummyClassifier", "DummyRegressor"),
    "sklearn.ensemble": ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
    "sklearn.feature_selection": ("VarianceThreshold",),
    "sklearn.impute": ("MissingIndicator", "SimpleImputer"),
    "sklearn.linear_model": (
        "ElasticNet",
        "Lasso",
        "LinearRegression",
        "LogisticRegression",
        "Ridge",
        "RidgeCV",
        "RidgeClassifier",
    ),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.preprocessing": (
        "FunctionTransformer",  # of no function: what ColumnTransformer makes of "passthrough"
        "LabelBinarizer",
        "LabelEncoder",
        "MaxAbsScaler",
        "MinMaxScaler",
        "Normalizer",
        "OneHotEncoder",
        "OrdinalEncoder",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    ),
    "sklearn.svm": ("SVR",),
    "sklearn.utils": ("Bunch",),
}

# Classes that occur as parameters: `OneHotEncoder(dtype=numpy.float64)`.
_PLAIN_TYPES: dict[str, type] = {
    cls.__name__: cls
    for cls in (int, float, bool, str, np.float32, np.float64, np.int32, np.int64, np.uint8)
}


def save(obj: Any, path: str | os.PathLike) -> None:
    """Write an estimator, a featuriser or a whole pipeline to one file, without pickle.

    The file takes its name only when it is complete. What it holds: our estimators and
    featurisers, and pipelines of them with scikit-learn's plain steps (scalers, imputers, encoders,
    linear models, boosted trees, PCA, `ColumnTransformer`, ...), and all of `make_kernel_pipeline`
    and `make_consensus_pipeline`. Use `joblib.dump` for anything else.

    Parameters
    ----------
    obj : estimator
        Fitted or not.
    path : path
        Overwritten if it is there.

    Raises
    ------
    TypeError
        If a part of it cannot be written so: a function, a callback, an estimator not on the list.
        The message names the part.
    ValueError
        If parameters of a network were changed after `fit`, so that they make another one.

    See Also
    --------
    load : Reads it again.

    Examples
    --------
    >>> import tempfile
    >>> import skchem_dl
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> model = make_mlp_pipeline(max_epochs=2).fit(["CCO", "CCC", "CCN"], [1.0, 2.0, 3.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skchem_dl.save(model, folder + "/model.skchem")
    ...     again = skchem_dl.load(folder + "/model.skchem")
    >>> bool((again.predict(["CCO"]) == model.predict(["CCO"])).all())
    True
    """
    arrays: dict[str, np.ndarray] = {}
    document = {
        "format": FORMAT_VERSION,
        "versions": _versions(),
        "object": _Writer(arrays).write(obj, type(obj).__name__),
    }
    path = Path(path)
    # Not safetensors' save_file, nor mkstemp: nobody but the owner may read what they write.
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        part.write_bytes(to_bytes(arrays, metadata={_KEY: json.dumps(document)}))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | os.PathLike) -> Any:
    """Read what `save` wrote; nothing in the file is run.

    Parameters
    ----------
    path : path
        Where the file is.

    Returns
    -------
    estimator
        As it was saved; networks are on the CPU.

    Raises
    ------
    ValueError
        If the file is not whole, is not one of ours, or is of a later format.

    See Also
    --------
    save : Writes such a file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skchem_dl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "ecfp6.skchem"
    ...     skchem_dl.save(skchem_dl.MorganFingerprinter(radius=3), path)
    ...     skchem_dl.load(path)
    MorganFingerprinter(radius=3)
    """
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged, or was not written by skchem_dl: {error}") from error
    if _KEY not in metadata:
        raise ValueError(f"{path} is a safetensors file, but not one that skchem_dl wrote.")
    try:
        document = json.loads(metadata[_KEY])
        version, writer = document["format"], document["versions"]["skchem_dl"]
        if version == FORMAT_VERSION:
            return _Reader(arrays).read(document["object"])
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}") from error
    raise ValueError(
        f"{path} has format {version!r} (written with skchem_dl {writer}); this version reads "
        f"{FORMAT_VERSION}. Update skchem_dl, or save it again with this version."
    )


class _Writer:
    """Turns objects into JSON, and puts arrays aside."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays

    def write(self, value: Any, where: str) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        for kind, matches, write in self._kinds():
            if matches(value):
                return {_KIND: kind, **write(value, where)}
        raise TypeError(
            f"{where} cannot be saved: it is a {_name_of(value)}, which is not on the list of "
            f"what loads without running code. {_instead_of(value, where)}, or use joblib.dump."
        )

    def _kinds(self) -> tuple[tuple[str, Callable, Callable], ...]:
        return (
            ("list", lambda v: type(v) is list, self._items),
            ("tuple", lambda v: type(v) is tuple, self._items),
            ("set", lambda v: type(v) is set, lambda v, w: self._items(sorted(v), w)),
            ("dict", lambda v: type(v) is dict, self._pairs),
            ("slice", lambda v: isinstance(v, slice), self._slice),
            ("dtype", lambda v: isinstance(v, np.dtype), lambda v, w: {"name": v.str}),
            ("path", lambda v: isinstance(v, PurePath), lambda v, w: {"name": str(v)}),
            ("type", _is_plain_type, lambda v, w: {"name": v.__name__}),
            ("scalar", lambda v: isinstance(v, np.generic), self._scalar),
            ("strings", _is_text_array, self._strings),
            ("array", lambda v: isinstance(v, np.ndarray) and v.dtype.kind in "biuf", self._array),
            ("csr", lambda v: sp.issparse(v), self._csr),
            ("object", lambda v: _name_of(v) in _allowed(), self._object),
        )

    def _items(self, values: Any, where: str) -> dict:
        return {"items": [self.write(v, f"{where}[{i}]") for i, v in enumerate(values)]}

    def _pairs(self, values: Mapping, where: str) -> dict:
        return {
            "items": [
                [self.write(k, f"a key of {where}"), self.write(v, f"{where}[{k!r}]")]
                for k, v in values.items()
            ]
        }

    def _slice(self, value: slice, where: str) -> dict:
        return self._items([value.start, value.stop, value.step], where)

    def _scalar(self, value: np.generic, where: str) -> dict:
        return {"dtype": value.dtype.str, "value": value.item()}

    def _strings(self, values: np.ndarray, where: str) -> dict:
        shape, flat = list(values.shape), values.ravel().tolist()
        return {"dtype": values.dtype.str, "shape": shape, **self._items(flat, where)}

    def _array(self, values: np.ndarray, where: str) -> dict:
        key = f"{len(self.arrays)}:{where}"
        self.arrays[key] = np.ascontiguousarray(values)
        return {"key": key}

    def _csr(self, value: Any, where: str) -> dict:
        value = value.tocsr()
        parts = (value.data, value.indices, value.indptr)
        return {"shape": list(value.shape), **self._items(parts, where)}

    def _object(self, value: Any, where: str) -> dict:
        if type(value) in STATES:
            state = _state_of(value, where)
        elif _has_own(value):
            state = value.__getstate_for_file__()
        else:
            state = value if isinstance(value, dict) else vars(value)  # a Bunch is a dict
        if isinstance(value, Pipeline):
            state = {**state, "memory": None}  # a folder of this machine
        # What scikit-learn's set_callbacks has set: it reports a fit and is no part of the model.
        state = {name: item for name, item in state.items() if name != "_skl_callbacks"}
        return {
            "class": _name_of(value),
            "state": {name: self.write(v, f"{where}.{name}") for name, v in state.items()},
        }


class _Reader:
    """Turns JSON into objects again, from classes on the list only."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = arrays

    def read(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kind = value.get(_KIND)
        if kind not in self._KINDS:
            raise ValueError(f"The file holds something of unknown kind {kind!r}; it is damaged.")
        return self._KINDS[kind](self, value)

    def _items(self, value: dict) -> list:
        return [self.read(item) for item in value["items"]]

    def _pairs(self, value: dict) -> dict:
        return {self.read(k): self.read(v) for k, v in value["items"]}

    def _strings(self, value: dict) -> np.ndarray:
        return np.array(self._items(value), dtype=value["dtype"]).reshape(value["shape"])

    def _csr(self, value: dict) -> Any:
        matrix = sp.csr_matrix(tuple(self._items(value)), shape=value["shape"])
        matrix.check_format(full_check=True)  # indices out of bounds would read other memory
        return follow_sparse_interface(matrix)

    def _object(self, value: dict) -> Any:
        cls = _allowed().get(value["class"])
        if cls is None:
            raise ValueError(
                f"The file asks for {value['class']}, which is not on the list of what may be "
                "loaded. It was damaged, or made by someone who means harm."
            )
        for name in value["state"]:
            if name.startswith("__"):
                raise ValueError(f"The file sets {name}, which no object may have set.")
        state = {name: self.read(item) for name, item in value["state"].items()}
        if cls in STATES:
            return STATES[cls][1](cls, state)
        if issubclass(cls, dict):
            return cls(**state)
        if issubclass(cls, Pipeline):
            state["memory"] = None  # joblib would unpickle what a stranger put there
        obj: Any = cls.__new__(cls)
        if _has_own(obj):
            obj.__setstate_from_file__(state)
        else:
            for name, item in state.items():
                object.__setattr__(obj, name, item)  # frozen dataclasses too
        return obj

    _KINDS: dict[str, Callable] = {
        "list": _items,
        "tuple": lambda self, value: tuple(self._items(value)),
        "set": lambda self, value: set(self._items(value)),
        "dict": _pairs,
        "slice": lambda self, value: slice(*self._items(value)),
        "dtype": lambda self, value: np.dtype(value["name"]),
        "path": lambda self, value: Path(value["name"]),
        "type": lambda self, value: _PLAIN_TYPES[value["name"]],
        "scalar": lambda self, value: np.dtype(value["dtype"]).type(value["value"]),
        "strings": _strings,
        "array": lambda self, value: self.arrays[value["key"]],
        "csr": _csr,
        "object": _object,
    }


@cache
def _allowed() -> dict[str, type]:
    """Give the classes that may be in a file, by the name they have there."""
    modules = {name: import_module(name) for name in (*_ALL_OF, *_SOME_OF)}
    listed = {**{name: modules[name].__all__ for name in _ALL_OF}, **_SOME_OF}
    classes = [getattr(modules[home], name) for home, names in listed.items() for name in names]
    return {f"{cls.__module__}.{cls.__qualname__}": cls for cls in classes}


def _name_of(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _instead_of(value: Any, where: str) -> str:
    """Return what to do about a value that cannot be saved."""
    if hasattr(value, "best_estimator_"):
        return f"Save its best model, {where}.best_estimator_"
    if hasattr(value, "param_grid") or hasattr(value, "param_distributions"):
        return f"Fit this search with refit=True and save {where}.best_estimator_"
    return "Change that parameter or step"


def _has_own(value: Any) -> bool:
    return hasattr(value, "__getstate_for_file__")


def _state_of(value: Any, where: str) -> dict[str, Any]:
    """Return the state of an estimator whose class is in the table of these."""
    try:
        return STATES[type(value)][0](value)
    except TypeError as error:
        raise TypeError(f"{where}: {error}") from error


def _is_plain_type(value: Any) -> bool:
    return isinstance(value, type) and value in _PLAIN_TYPES.values()


def _is_text_array(value: Any) -> bool:
    if not isinstance(value, np.ndarray):
        return False
    if value.dtype.kind == "O":
        return all(v is None or type(v) in (str, int, float, bool) for v in value.ravel())
    return value.dtype.kind == "U"


def _versions() -> dict[str, str]:
    import rdkit
    import sklearn

    from skchem_dl import __version__

    return {
        "skchem_dl": __version__,
        "numpy": np.__version__,
        "rdkit": rdkit.__version__,
        "scikit-learn": sklearn.__version__,
    }
