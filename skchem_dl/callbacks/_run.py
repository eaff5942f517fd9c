"""What one fit is: known to those that log it and those that resume it."""

import hashlib
import inspect
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback

# They say where training is shown and kept, not how it goes; data and weights have digests.
_NOT_TRAINING = (
    "callbacks",
    "checkpoint_dir",
    "log_dir",
    "memory",
    "n_jobs",
    "on_invalid",
    "pretrained",
    "verbose",
)
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Run:
    """One training of one network.

    Attributes
    ----------
    estimator : str
        Class of the estimator.
    params : dict
        All its parameters, as `plain` gives them.
    changed : dict
        Those that differ from their defaults, as `short` gives them.
    task : object
        What the targets mean: ``decode``, ``metrics``, ``is_numeric``.
    folder : Path or None
        Where it is logged.
    """

    estimator: str
    params: Mapping[str, Any]
    changed: Mapping[str, Any]
    task: Any
    folder: Path | None = None


def describe_params(estimator: BaseEstimator) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give an estimator's parameters for people to read.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    params, changed : dict
        All, and those that differ from their defaults and steer training.
    """
    params = estimator.get_params(deep=False)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(estimator)).parameters.items()
    }
    # In the order of the signature: architecture first, where names get cut.
    texts = {name: short(params[name]) for name in defaults}
    changed = {
        name: text
        for name, text in texts.items()
        if name not in _NOT_TRAINING and text != short(defaults[name])
    }
    return {name: plain(params[name]) for name in defaults}, changed


def identify_params(estimator: BaseEstimator, callbacks: Iterable[Any]) -> dict[str, str]:
    """Give what makes two fits of an estimator on the same data the same.

    Parameters
    ----------
    estimator : estimator
    callbacks : iterable of skorch callbacks
        Those that may steer the training.

    Returns
    -------
    dict of str to str
    """
    params = estimator.get_params(deep=False)
    texts = {name: _exactly(params[name]) for name in params if name not in _NOT_TRAINING}
    if isinstance(params.get("random_state"), np.random.RandomState):
        texts["random_state"] = "RandomState"  # the seed drawn from it counts
    return {**texts, "callbacks": _exactly(list(callbacks))}


def digest_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Give a digest of what is in some arrays: values, shapes and types.

    Parameters
    ----------
    arrays : iterable of ndarray

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        if array.dtype.kind == "O":
            digest.update(repr(array.tolist()).encode())
        else:
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:16]


def plain(value: Any) -> Any:
    """Give a parameter as JSON takes it, so that the estimator can be made again from it.

    Parameters
    ----------
    value : object

    Returns
    -------
    None, bool, int, float, str, or a list or tuple of them
    """
    if isinstance(value, list | tuple):
        kind = list if isinstance(value, list) else tuple
        return kind(plain(one) for one in value)
    return short(value)


def short(value: Any) -> bool | int | float | str | None:
    """Give a parameter as it fits into a name or a table: None, a bool, a number or short text.

    Parameters
    ----------
    value : object

    Returns
    -------
    None, bool, int, float or str
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, type) or inspect.isroutine(value):
        return value.__name__
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    return re.sub(r"\s+", " ", _without_address(value))[:_LONGEST_TEXT]


def _exactly(value: Any) -> str:
    """Tell parameters apart that may look alike, and alike in every process."""
    if isinstance(value, np.generic):
        value = value.item()
    for kinds, parts in _PARTS_OF:
        if isinstance(value, kinds):
            # A list and a tuple of the same widths make the same network.
            name = "" if isinstance(value, list | tuple) else type(value).__name__
            return f"{name}({', '.join(parts(value))})"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    text = _without_address(value)
    if text != repr(value) and hasattr(value, "__dict__"):  # nothing but a name and an address
        return f"{_exactly(type(value))}({', '.join(_of_mapping(vars(value)))})"
    return text


def _of_sequence(values: Iterable[Any]) -> list[str]:
    return [_exactly(value) for value in values]


def _of_set(values: Iterable[Any]) -> list[str]:
    return sorted(_of_sequence(values))


def _of_mapping(values: Mapping[Any, Any]) -> list[str]:
    return sorted(f"{_exactly(name)}={_exactly(value)}" for name, value in values.items())


def _of_function(function: FunctionType) -> list[str]:
    inside = [cell.cell_contents for cell in function.__closure__ or ()]
    given = (function.__defaults__, function.__kwdefaults__, inside)
    return [function.__module__, function.__qualname__, *_of_sequence((function.__code__, *given))]


def _of_code(code: CodeType) -> list[str]:
    digest = hashlib.sha256(code.co_code).hexdigest()[:8]
    return [digest, *code.co_names, *_of_sequence(code.co_consts)]


def _of_partial(value: partial) -> list[str]:
    return _of_sequence((value.func, value.args, value.keywords))


def _of_estimator(value: Any) -> list[str]:
    return [_exactly(type(value)), *_of_mapping(value.get_params(deep=False))]


# What is made of parts, by type; the rest is told apart by its repr.
_PARTS_OF: tuple[tuple[Any, Any], ...] = (
    ((list, tuple), _of_sequence),
    ((set, frozenset), _of_set),
    (Mapping, _of_mapping),
    (np.ndarray, lambda value: [digest_arrays([value])]),
    (FunctionType, _of_function),
    (CodeType, _of_code),
    (partial, _of_partial),
    ((BaseEstimator, Callback), _of_estimator),
)


def _without_address(value: Any) -> str:
    return re.sub(r" at 0x\w+", "", repr(value))
