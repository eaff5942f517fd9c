"""Deep learning on molecules that behaves like scikit-learn.

SMILES go in, predictions come out; everything between is a transformer or an estimator that
`Pipeline`, `GridSearchCV`, `cross_val_score`, `clone` and `joblib.dump` treat as one of their own.
Names are imported when they are first touched, so that ``import skchem_dl`` stays light: torch,
skorch and DGL come in with the first estimator.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME_OF = {
    "MorganFingerprinter": "features",
    "RDKitDescriptors": "features",
    "SmilesTokenizer": "features",
    "MolGraphizer": "features",
    "MolStandardizer": "features",
    "MolFeatureUnion": "features",
    "MolGraphs": "graphs",
    "FingerprintMLPRegressor": "estimators",
    "FingerprintMLPClassifier": "estimators",
    "SmilesCNNRegressor": "estimators",
    "SmilesCNNClassifier": "estimators",
    "MolGNNRegressor": "estimators",
    "MolGNNClassifier": "estimators",
    "load": "persistence",
    "save": "persistence",
    "InvalidMoleculeError": "exceptions",
    "InvalidMoleculeWarning": "exceptions",
}
_SUBMODULES = (
    "callbacks",
    "datasets",
    "estimators",
    "exceptions",
    "features",
    "graphs",
    "inspection",
    "metrics",
    "model_selection",
    "nn",
    "persistence",
    "pipelines",
    "preprocessing",
    "pretraining",
    "screening",
    "similarity",
)

__all__ = ["__version__", *_HOME_OF, *_SUBMODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    elif name in _SUBMODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
