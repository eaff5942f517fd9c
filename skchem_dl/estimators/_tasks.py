"""What the targets mean: y as the networks learn it, and their output as users want it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from torch import nn

from skchem_dl._rows import as_labels, as_plain, is_missing, spread_rows
from skchem_dl._targets import check_multilabel
from skchem_dl.estimators._losses import (
    CLASSIFICATION_LOSSES,
    BinaryLogLoss,
    MulticlassLogLoss,
    RegressionLoss,
)
from skchem_dl.estimators._task_metrics import (
    classification_metrics,
    mean_of_defined,
    regression_metrics,
)


class RegressionTask:
    """One or several numbers, standardised for the network.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, t), float64
        Targets; NaN where one of several was not measured.
    normalize : bool
        Whether to learn on targets of mean 0 and standard deviation 1.
    weight : ndarray of shape (n,), default=None
        How much each row counts in that mean and deviation.
    """

    watched = None  # by early stopping: the loss, which weighs all tasks alike
    is_numeric = True
    measures_training = True

    def __init__(self, y: np.ndarray, normalize: bool, weight: np.ndarray | None = None) -> None:
        self.one_column = y.ndim == 1
        columns = y.reshape(len(y), -1)
        self.out_dim = columns.shape[1]
        self.mean, scale = np.zeros(self.out_dim), np.ones(self.out_dim)
        if normalize:
            self.mean, scale = _moments(columns, weight)
        # A constant column's deviation may be rounding alone.
        self.scale = np.where(scale > 1e-12 * np.abs(self.mean), scale, 1.0)

    def make_loss(self, loss: str, quantile: float) -> nn.Module:
        """Give the loss of that name."""
        return RegressionLoss(loss, quantile)

    def metrics(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Return the means of `target_metrics` over the targets where they are defined."""
        of_each = self.target_metrics(targets, outputs)
        return {name: mean_of_defined(values) for name, values in of_each.items()}

    def target_metrics(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Compare ``(n, t)`` targets, NaN for "not measured", with the network's output."""
        return regression_metrics(self._restore(targets), self._restore(outputs))

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Standardise, ``(n,) or (n, t) -> (n, t)`` float32."""
        if (y.ndim == 1) != self.one_column or y.reshape(len(y), -1).shape[1] != self.out_dim:
            expected = "(n,)" if self.one_column else f"(n, {self.out_dim})"
            raise ValueError(f"y has the shape {y.shape}; expected {expected}, as fitted first.")
        return ((y.reshape(len(y), -1) - self.mean) / self.scale).astype(np.float32)

    def weights(self, targets: np.ndarray) -> None:
        """All numbers count alike."""

    def strata(self, targets: np.ndarray) -> None:
        """Numbers are held out at random."""

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Undo `encode`, ``(n, t) -> (n,) or (n, t)`` float64."""
        values = self._restore(raw)
        return values[:, 0] if self.one_column else values

    def decode_targets(self, targets: np.ndarray) -> np.ndarray:
        """Undo `encode`, as `decode` does."""
        return self.decode(targets.astype(np.float64))

    def _restore(self, raw: np.ndarray) -> np.ndarray:
        return raw * self.scale + self.mean


class ClassificationTask:
    """Two classes, several classes, or several yes-no labels.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, t)
        Any labels, or (n, t) of 0, 1, and NaN for "not measured".
    """

    # By early stopping: on unlike molecules the loss soon rises while the ranking still improves.
    watched = "roc_auc"
    is_numeric = False
    measures_training = True

    def __init__(self, y: np.ndarray) -> None:
        self.multilabel = y.ndim == 2
        self.classes = np.arange(y.shape[1]) if self.multilabel else np.unique(y)
        self.binary = not self.multilabel and len(self.classes) == 2
        self.out_dim = 1 if self.binary else len(self.classes)
        self.class_weights: np.ndarray | None = None

    def make_loss(self, loss: str) -> nn.Module:
        """Give the loss of that name."""
        gamma = CLASSIFICATION_LOSSES[loss]
        one_each = self.binary or self.multilabel
        return BinaryLogLoss(gamma) if one_each else MulticlassLogLoss(gamma)

    def metrics(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Compare targets as `encode` gives them with the network's output."""
        if self.multilabel:  # its score asks for all labels of a molecule to be right
            ranked = self.target_metrics(targets, outputs)
            measured = (~np.isnan(targets)).sum(axis=0)
            shares = np.nansum(ranked["label_accuracy"] * measured) / max(1, measured.sum())
            return {"roc_auc": mean_of_defined(ranked["roc_auc"]), "label_accuracy": float(shares)}
        found = self.probabilities(outputs.astype(np.float64))
        right = targets[:, 0].astype(np.int64)
        labels = (right[:, None] == np.arange(found.shape[1])).astype(np.float64)
        areas = classification_metrics(labels, found)["roc_auc"]
        accuracy = float(np.mean(found.argmax(axis=1) == right))
        return {"roc_auc": mean_of_defined(areas), "accuracy": accuracy}

    def target_metrics(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Return the metrics of each of several labels; classes are one target."""
        if not self.multilabel:
            one = self.metrics(targets, outputs)
            return {name: np.array([value]) for name, value in one.items()}
        found = classification_metrics(targets, self.probabilities(outputs.astype(np.float64)))
        return {"roc_auc": found["roc_auc"], "label_accuracy": found["accuracy"]}

    def weigh_classes(self, class_weight: Any, targets: np.ndarray) -> None:
        """Set how much each class counts, from the `targets` that are learnt from."""
        self.class_weights = None
        if class_weight is None:
            return
        if self.multilabel:
            kinds = np.array([0.0, 1.0])
            columns = [
                _class_weights(class_weight, kinds, column[~np.isnan(column)])
                for column in targets.T
            ]
            self.class_weights = np.transpose(columns)  # (2, t)
        else:
            labels = self.classes[targets[:, 0].astype(np.int64)]
            weights = _class_weights(class_weight, self.classes, labels)
            self.class_weights = weights[:, None]  # (classes, 1)

    def weights(self, targets: np.ndarray) -> np.ndarray | None:
        """Give how much each target counts, ``(n, 1)`` or ``(n, t)`` float32; None if all alike."""
        if self.class_weights is None:
            return None
        codes = np.nan_to_num(targets).astype(np.int64)
        return np.take_along_axis(self.class_weights, codes, axis=0).astype(np.float32)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Number the classes, ``(n,) -> (n, 1)``, or leave ``(n, t)`` labels, float32."""
        if (y.ndim == 2) != self.multilabel or (y.ndim == 2 and y.shape[1] != self.out_dim):
            expected = f"(n, {self.out_dim})" if self.multilabel else "(n,)"
            raise ValueError(f"y has the shape {y.shape}; expected {expected}, as fitted first.")
        if self.multilabel:
            return y.astype(np.float32)
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise ValueError(
                f"y has the label(s) {unknown.tolist()}, which are not among those fitted first: "
                f"{self.classes.tolist()}."
            )
        return np.searchsorted(self.classes, y).astype(np.float32)[:, None]

    def decode_targets(self, targets: np.ndarray) -> np.ndarray:
        """Undo `encode`: labels ``(n,)``, or ``(n, t)`` of 0, 1 and NaN; 0 and 1 without NaN."""
        if not self.multilabel:
            return self.classes[targets[:, 0].astype(np.int64)]
        return targets.astype(np.float64 if np.isnan(targets).any() else np.int64)

    def strata(self, targets: np.ndarray) -> np.ndarray | None:
        """Give the class of each row, to hold out some of each; several labels have none."""
        return None if self.multilabel else targets[:, 0]

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Turn logits into ``(n, classes)``, or ``(n, t)`` for several labels."""
        if self.multilabel:
            return _sigmoid(raw)
        if self.binary:
            positive = _sigmoid(raw)
            return np.hstack([1 - positive, positive])
        exponents = np.exp(raw - raw.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)

    def decode(self, probabilities: np.ndarray) -> np.ndarray:
        """Choose labels, NaN (None among strings) where the probabilities are NaN."""
        valid = ~np.isnan(probabilities).any(axis=1)
        if self.multilabel:
            labels = (probabilities[valid] > 0.5).astype(np.int64)
        else:
            labels = self.classes[np.argmax(probabilities[valid], axis=1)]
        return spread_rows(labels, valid)


def read_labels(y: Any) -> Any:
    """Give labels as an array of their own type, in which missing ones can still be told."""
    if sp.issparse(y):
        return y  # for scikit-learn to refuse
    return as_plain(np.asarray(as_labels(y)))


def check_labels(y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Give y as ``(n,)`` labels or ``(n, t)`` of 0, 1 and NaN, or say what is wrong with it.

    `rows` are the row numbers of the n, for the message.
    """
    if y.ndim == 2:
        return check_multilabel(y, rows)
    missing = is_missing(y)
    if missing.any():
        raise ValueError(
            f"Input y contains NaN: {int(missing.sum())} of {len(y)} labels are missing, the first "
            f"in row {rows[missing.argmax()]}. Leave those rows out."
        )
    y = as_plain(y)  # the gaps may have been in rows that are no molecules
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise ValueError(f"Input y contains infinity, first in row {rows[np.isinf(y).argmax()]}.")
    check_classification_targets(y)
    if type_of_target(y) not in ("binary", "multiclass"):
        raise ValueError(f"y is {type_of_target(y)!r}; expected classes or a 0/1 matrix.")
    return y


def _class_weights(class_weight: Any, classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give how much each class counts; 1 where it does not occur."""
    weights = np.ones(len(classes))
    if isinstance(class_weight, Mapping):
        names = classes.tolist()
        unknown = [name for name in class_weight if name not in names]
        if unknown:
            raise ValueError(f"class_weight has {unknown}; the classes are {names}.")
        weights[:] = [class_weight.get(name, 1.0) for name in names]
    else:
        there = np.isin(classes, labels)
        weights[there] = compute_class_weight(class_weight, classes=classes[there], y=labels)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError(f"class_weight={class_weight!r}; expected numbers from 0 on.")
    return weights


def _moments(columns: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and standard deviation of what is measured in each column."""
    if weight is None:
        return np.nanmean(columns, axis=0), np.nanstd(columns, axis=0)
    shares = np.where(np.isnan(columns), 0.0, weight[:, None])
    shares /= shares.sum(axis=0)
    mean = np.nansum(shares * columns, axis=0)
    return mean, np.sqrt(np.nansum(shares * (columns - mean) ** 2, axis=0))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * logits))
