"""Predictions for one chunk of molecules: valid rows only, each molecule parsed once."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from skchem_dl._rows import is_missing
from skchem_dl._steps import last_step
from skchem_dl.exceptions import InvalidMolecule
from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.features._molecules import parse_molecules, row_subset

# Predicted before anything is read: tells which columns there will be, and of which types.
_STAND_IN = "CCO"


class Predictions(NamedTuple):
    """What was predicted for n rows, of which m are valid molecules."""

    values: list[np.ndarray]  # for each column, (m,)
    valid: np.ndarray  # (n,) bool
    reasons: list[str]  # of length n; "" where there is nothing to explain


def as_text(predictions: Predictions) -> Iterator[tuple[str, ...]]:
    """Return each row's new cells: the shortest digits that read back as the same number."""
    columns = []
    for values in predictions.values:
        column = [""] * len(predictions.valid)
        cells = zip(
            predictions.valid.nonzero()[0], values.tolist(), is_missing(values), strict=True
        )
        for row, cell, missing in cells:
            column[row] = "" if missing else str(cell)
        columns.append(column)
    return zip(*columns, predictions.reasons, strict=True)


class Predictor:
    """A fitted model as a function from SMILES to named columns.

    Invalid molecules never reach the model. Where its first step is one of our featurisers, that
    step finds them, in the parse that it needs anyway; otherwise they are parsed beforehand.

    Parameters
    ----------
    model : estimator
        Fitted; takes SMILES, and has `predict`.
    prediction_column : str or sequence of str
        Name of the prediction, or names of the tasks' predictions.
    return_std : bool
        Also give the standard deviation that the model's `predict` gives.

    Attributes
    ----------
    columns : list of tuple of str and numpy dtype
        Names and types of what is predicted.
    """

    def __init__(
        self, model: Any, prediction_column: str | Sequence[str], *, return_std: bool = False
    ) -> None:
        self._featurizer, self._model = _split(model)
        self._final = last_step(model)
        self._return_std = return_std
        self._names = prediction_column
        self._warned: set[tuple] = set()
        self._check()
        molecules: Any = _as_array([_STAND_IN])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what there is to say is said of the user's molecules
            if self._featurizer is not None:
                molecules = self._featurizer.transform(molecules)
            self._feature_dtype = getattr(molecules, "dtype", None)
            self.columns = [(name, values.dtype) for name, values in self._outputs(molecules)]

    def predict(self, smiles: Sequence[Any]) -> Predictions:
        """Predict.

        Parameters
        ----------
        smiles : sequence of length n
            Text, or None.

        Returns
        -------
        Predictions
        """
        with self._warnings_once():
            molecules, invalid = self._read(smiles)
            valid = np.ones(len(smiles), dtype=bool)
            valid[[problem.row for problem in invalid]] = False
            values = [np.empty(0, dtype) for _, dtype in self.columns]
            if valid.any():
                values = [values for _, values in self._outputs(molecules)]
        reasons = [""] * len(smiles)
        for problem in invalid:
            reasons[problem.row] = problem.reason
        missing = np.any([is_missing(column) for column in values], axis=0)
        for row in np.flatnonzero(valid)[missing]:
            reasons[row] = "the model predicts NaN"
        return Predictions(values, valid, reasons)

    def _check(self) -> None:
        name = type(self._final).__name__
        if not hasattr(self._model, "predict"):
            raise TypeError(f"{name} has no predict; give predict_file a model that predicts.")
        if self._return_std and "return_std" not in signature(self._final.predict).parameters:
            raise ValueError(
                f"return_std=True needs a model whose predict takes it, and that of {name} does "
                "not: regressors of ours with n_members of 2 or more do."
            )

    def _read(self, smiles: Sequence[Any]) -> tuple[Any, list[InvalidMolecule]]:
        """Return what the model takes for the valid rows, and why the others are not."""
        if self._featurizer is None:
            parsed = parse_molecules(smiles)
            return _as_array(parsed.smiles()), parsed.invalid
        # Not scikit-learn's clone, which would forget what was learnt.
        featurizer = copy(self._featurizer)
        featurizer.on_invalid = "nan"
        # Not by the warning: what one thread catches may be another's.
        report = featurizer.__dict__["_report_invalid"] = _Report()
        features = featurizer.transform(_as_array(smiles))
        invalid = report.invalid
        if invalid:
            rows = np.delete(np.arange(len(smiles)), [problem.row for problem in invalid])
            features = row_subset(features, rows)
        # With "nan" they are float32, and some estimators mind: KMeans fitted on integers refuses.
        if getattr(features, "dtype", None) != self._feature_dtype:
            features = features.astype(self._feature_dtype)
        return features, invalid

    def _outputs(self, molecules: Any) -> Iterator[tuple[str, np.ndarray]]:
        """Predict, column by column."""
        if self._return_std:
            mean, std = self._model.predict(molecules, return_std=True)
            for name, task_mean, task_std in zip(
                self._task_names(mean), _tasks(mean), _tasks(std), strict=True
            ):
                yield from ((name, task_mean), (f"{name}_std", task_std))
        elif is_classifier(self._model) and hasattr(self._model, "predict_proba"):
            yield from self._classes(molecules)
        else:
            predicted = np.asarray(self._model.predict(molecules))
            yield from zip(self._task_names(predicted), _tasks(predicted), strict=True)

    def _classes(self, molecules: Any) -> Iterator[tuple[str, np.ndarray]]:
        """Return each task's class, then its probabilities."""
        probabilities = self._model.predict_proba(molecules)
        # Ours choose the class by the probabilities: the network need not run twice.
        decode = getattr(getattr(self._final, "_task", None), "decode", None)
        labels = np.asarray(decode(probabilities) if decode else self._model.predict(molecules))
        names = self._task_names(labels)
        if isinstance(probabilities, list):  # scikit-learn's forests: one matrix a task
            matrices, classes = probabilities, self._model.classes_
        elif labels.ndim == 2 and labels.shape[1] == probabilities.shape[1]:
            matrices, classes = list(_tasks(probabilities)), [None] * len(names)
        else:
            matrices, classes = [probabilities], [self._model.classes_]
        for name, its_labels, matrix, its_classes in zip(
            names, _tasks(labels), matrices, classes, strict=True
        ):
            yield name, its_labels
            if its_classes is None:
                yield f"{name}_probability", matrix
            else:
                for label, column in zip(its_classes, matrix.T, strict=True):
                    yield f"{name}_probability_{label}", column

    def _task_names(self, predicted: np.ndarray) -> list[str]:
        n_tasks = len(_tasks(predicted))
        if not isinstance(self._names, str):
            if len(self._names) != n_tasks:
                raise ValueError(
                    f"prediction_column={list(self._names)} has {len(self._names)} name(s), but "
                    f"the model predicts {n_tasks} task(s)."
                )
            return list(self._names)
        if n_tasks == 1:
            return [self._names]
        return [f"{self._names}_{task}" for task in range(n_tasks)]

    @contextmanager
    def _warnings_once(self) -> Iterator[None]:
        """Let each warning through once, not for every chunk, whatever numbers it gives."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for warning in caught:
            place = (warning.category, warning.filename, warning.lineno)
            if place not in self._warned:
                self._warned.add(place)
                _warn_again(warning)


class _Report:
    """Takes note of the rows that are no molecules."""

    def __init__(self) -> None:
        self.invalid: list[InvalidMolecule] = []

    def __call__(self, invalid: list[InvalidMolecule], *context: Any) -> None:
        self.invalid = invalid


def _split(model: Any) -> tuple[BaseMolTransformer | None, Any]:
    """Return the featuriser of ours that a pipeline begins with, if any, and the rest."""
    if isinstance(model, Pipeline) and len(model) > 1 and isinstance(model[0], BaseMolTransformer):
        return model[0], model[1:]
    return None, model


def _as_array(smiles: Iterable[Any]) -> np.ndarray:
    return np.array(list(smiles), dtype=object)


def _tasks(predicted: Any) -> Sequence[np.ndarray]:
    """Return the columns of ``(m,)`` or ``(m, t)``."""
    predicted = np.asarray(predicted)
    return [predicted] if predicted.ndim == 1 else list(predicted.T)


def _warn_again(warning: warnings.WarningMessage) -> None:
    warnings.warn_explicit(
        warning.message, warning.category, warning.filename, warning.lineno, source=warning.source
    )
