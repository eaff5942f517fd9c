"""Fitted estimators of scikit-learn that predict in C: their state as plain arrays, and back.

What C reads without looking is checked when it comes from a file: indices out of bounds would read
other memory, and a tree that points back to itself would never end.
"""

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.svm import SVR

_BOOSTING_ATTRIBUTES = (
    "_baseline_prediction",
    "_n_features",
    "classes_",
    "do_early_stopping_",
    "feature_names_in_",
    "n_features_in_",
    "n_trees_per_iteration_",
    "train_score_",
    "validation_score_",
)


def boosting_state(model: Any) -> dict[str, Any]:
    """Return parameters, attributes and trees of a fitted or unfitted model.

    Raises
    ------
    TypeError
        If features are categorical, or ``warm_start=True``.
    """
    state = {"params": model.get_params(deep=False)}
    if not hasattr(model, "_predictors"):
        return state
    if model.is_categorical_ is not None or model.warm_start:
        raise TypeError(
            f"A {type(model).__name__} with categorical features or warm_start=True cannot be "
            "saved. Use joblib.dump."
        )
    trees = [tree.nodes for iteration in model._predictors for tree in iteration]
    nodes = np.concatenate([*trees, np.empty(0, PREDICTOR_RECORD_DTYPE)])
    found = {name: getattr(model, name) for name in _BOOSTING_ATTRIBUTES if hasattr(model, name)}
    return state | {
        "attributes": found,
        "n_nodes": np.array([len(tree) for tree in trees], dtype=np.int64),
        "nodes": {name: nodes[name] for name in PREDICTOR_RECORD_DTYPE.names},
    }


def boosting_from_state(cls: type, state: dict[str, Any]) -> Any:
    """Make the model again.

    Raises
    ------
    ValueError
        If the trees are not whole, or of another release of scikit-learn.
    """
    model = cls(**state["params"])
    if "nodes" not in state:
        return model
    for name, value in state["attributes"].items():
        if name not in _BOOSTING_ATTRIBUTES:
            raise ValueError(f"The file is damaged: boosted trees have no attribute {name!r}.")
        setattr(model, name, value)
    n_features, n_trees = model.n_features_in_, model.n_trees_per_iteration_
    baseline = model._baseline_prediction
    if model._n_features != n_features or baseline.shape != (1, n_trees):
        raise ValueError("The file is damaged: the shapes of boosted trees do not match.")
    trees = [_predictor(nodes) for nodes in _checked_trees(state, n_features)]
    if len(trees) % n_trees:
        raise ValueError(f"The file is damaged: {len(trees)} trees for {n_trees} outputs.")
    model._predictors = [trees[k : k + n_trees] for k in range(0, len(trees), n_trees)]
    model._bin_mapper = _BinMapper(n_threads=1)
    model._bin_mapper.bin_thresholds_ = [np.empty(0)] * n_features  # read of categories alone
    model._bin_mapper.is_categorical_ = np.zeros(n_features, dtype=np.uint8)
    model._loss = model._get_loss(sample_weight=None)
    model._preprocessor = model.is_categorical_ = model._is_categorical_remapped = None
    return model


def _checked_trees(state: dict[str, Any], n_features: int) -> list[np.ndarray]:
    """Return the nodes of each tree, after checking that all paths end within it."""
    fields, n_nodes = state["nodes"], state["n_nodes"]
    if set(fields) != set(PREDICTOR_RECORD_DTYPE.names):
        raise ValueError("The boosted trees were saved with another release of scikit-learn.")
    if (n_nodes < 1).any() or n_nodes.sum() != len(fields["value"]):
        raise ValueError("The file is damaged: boosted trees have other nodes than they should.")
    nodes = np.empty(len(fields["value"]), dtype=PREDICTOR_RECORD_DTYPE)
    for name, values in fields.items():
        nodes[name] = values
    starts = np.cumsum(n_nodes) - n_nodes
    place = np.arange(len(nodes)) - np.repeat(starts, n_nodes)
    size = np.repeat(n_nodes, n_nodes)
    inner = nodes["is_leaf"] == 0
    ends = [
        (place < nodes[side].astype(np.int64)) & (nodes[side] < size) for side in ("left", "right")
    ]
    known = (nodes["feature_idx"] >= 0) & (nodes["feature_idx"] < n_features)
    sound = known & ends[0] & ends[1] & (nodes["is_categorical"] == 0)
    if not sound[inner].all():
        raise ValueError("The file is damaged: boosted trees point to nodes that are not there.")
    return np.split(nodes, starts[1:])


def _predictor(nodes: np.ndarray) -> TreePredictor:
    no_categories = np.zeros((0, 8), dtype=np.uint32)
    return TreePredictor(nodes, no_categories, no_categories)


def svr_state(model: SVR) -> dict[str, Any]:
    """Return the attributes of a support vector regression on a precomputed kernel.

    Raises
    ------
    TypeError
        If it has another kernel.
    """
    if model.kernel != "precomputed":
        raise TypeError(
            f"An SVR with kernel={model.kernel!r} cannot be saved, only one with "
            "kernel='precomputed'. Use joblib.dump."
        )
    return vars(model)


def svr_from_state(cls: type, state: dict[str, Any]) -> Any:
    """Make the model again.

    Raises
    ------
    ValueError
        If its support vectors are not among the rows of the kernel.
    """
    model: Any = object.__new__(cls)
    for name, value in state.items():
        setattr(model, name, value)
    if model.kernel != "precomputed" or model.__dict__.get("_sparse"):
        raise ValueError("The file is damaged: it has an SVR of another kernel.")
    if "support_" not in state:
        return model
    support, coefficients = model.support_, model._dual_coef_
    inside = (support >= 0) & (support < min(model.shape_fit_))
    counts = model._n_support
    if (
        not inside.all()
        or support.dtype != np.int32
        or counts.dtype != np.int32
        or counts.shape != (2,)
        or coefficients.shape != (1, len(support))
        or model._intercept_.shape != (1,)
        or coefficients.dtype != np.float64
        or model._intercept_.dtype != np.float64
    ):
        raise ValueError("The file is damaged: an SVR has support vectors that are not there.")
    return model


# How to write and read each of the classes.
STATES = {
    HistGradientBoostingRegressor: (boosting_state, boosting_from_state),
    HistGradientBoostingClassifier: (boosting_state, boosting_from_state),
    SVR: (svr_state, svr_from_state),
}
