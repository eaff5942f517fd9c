"""A skorch net as scoring callbacks expect it: it predicts, and is scored, in the units of y."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from skorch import NeuralNet
from skorch.callbacks import BatchScoring, EpochScoring
from skorch.dataset import Dataset
from skorch.utils import to_numpy
from torch import Tensor

from skchem_dl.estimators._data import TrainingRows
from skchem_dl.metrics import masked_mean_r2


class RowsDataset(Dataset):
    """`TrainingRows` as the dataset that skorch's callbacks know.

    Parameters
    ----------
    rows : TrainingRows
    """

    def __init__(self, rows: TrainingRows) -> None:
        self.X = rows

    @property
    def y(self) -> np.ndarray:
        """Targets as the network learns them, ``(m, t)``."""
        return self.X.targets[self.X.rows]

    def __len__(self) -> int:
        return len(self.X)


def _predicts_classes(net: "ScoredNet") -> bool:
    return not net.task.is_numeric


class ScoredNet(NeuralNet):
    """skorch's `NeuralNet` with the predictions of the estimator that it belongs to.

    Parameters
    ----------
    task : RegressionTask or ClassificationTask
        What the targets mean.
    **settings
        skorch's own.
    """

    def __init__(self, *args: Any, task: Any, **settings: Any) -> None:
        self.task = task
        super().__init__(*args, **settings)

    @property
    def classes_(self) -> np.ndarray:
        """Labels of the classes, as the estimator's."""
        if self.task.is_numeric:
            raise AttributeError("A regression has no classes_.")
        return self.task.classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.task.is_numeric:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        else:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags

    def forward_iter(self, X: Any, training: bool = False, device: str = "cpu") -> Iterator[Tensor]:
        """Yield outputs for `TrainingRows`, or for one batch."""
        is_batch = not isinstance(X, RowsDataset | TrainingRows)
        for batch in [(X, None)] if is_batch else self.get_iterator(X):
            yield self.evaluation_step(batch, training=training).to(device)

    def predict(self, X: Any) -> np.ndarray:
        """Predict as the estimator does, with this network."""
        return self.task.decode(self._outputs(X) if self.task.is_numeric else self.predict_proba(X))

    @available_if(_predicts_classes)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities as the estimator does, with this network."""
        return self.task.probabilities(self._outputs(X))

    def score(self, X: Any, y: np.ndarray) -> float:
        """Return R² or accuracy, as the estimator's `score`."""
        predicted = self.predict(X)
        if self.task.is_numeric:
            return masked_mean_r2(y, predicted)
        right = y == predicted
        return float(np.mean((right | np.isnan(y)).all(axis=1) if right.ndim == 2 else right))

    def _outputs(self, X: Any) -> np.ndarray:
        return to_numpy(self.forward(X)).astype(np.float64)


def score_in_units(callbacks: Sequence[Any], task: Any) -> None:
    """Let skorch's scoring callbacks compare with targets in the units of y.

    Parameters
    ----------
    callbacks : sequence of callbacks or (name, callback) pairs
        Changed in place.
    task : RegressionTask or ClassificationTask
    """
    for given in callbacks:
        callback = given[1] if isinstance(given, tuple) else given
        if isinstance(callback, BatchScoring | EpochScoring):
            extractor = partial(_extract_targets, task, callback.target_extractor)
            callback.target_extractor = extractor


def _extract_targets(task: Any, extractor: Callable[[Any], Any], y: Any) -> Any:
    """Decode a batch's targets, which stand beside weights if there are any."""
    targets = to_numpy(y[0] if isinstance(y, tuple | list) else y)
    return extractor(task.decode_targets(targets))
