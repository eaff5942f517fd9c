"""Checks of the splitters' parameters, which scikit-learn's splitters make as they are built."""

from numbers import Integral, Real
from typing import Any

import numpy as np


def is_whole(value: Any) -> bool:
    """Say whether this is an integer, and not True or False.

    Parameters
    ----------
    value : any

    Returns
    -------
    bool
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_fraction(value: Any) -> bool:
    """Say whether this is a number between 0 and 1, without these.

    Parameters
    ----------
    value : any

    Returns
    -------
    bool
    """
    return isinstance(value, Real) and 0.0 < float(value) < 1.0


def check_at_least(name: str, value: Any, least: int) -> int:
    """Give an integer parameter, if it is one and large enough.

    Parameters
    ----------
    name : str
    value : int
    least : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is no integer, or too small.
    """
    if not is_whole(value) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    return int(value)


def check_bool(name: str, value: Any) -> bool:
    """Give a parameter that is True or False.

    Parameters
    ----------
    name : str
    value : bool

    Returns
    -------
    bool

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}.")
    return bool(value)
