"""Warnings that point to the line of the user's that led to them."""

import sys
import warnings

# A call passes through a pipeline, a search, a fitting loop, before it comes to what warns.
_LIBRARIES = {"joblib", "numpy", "pandas", "sklearn", "skchem_dl", "skorch", "torch"}


def warn_caller(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn, and name the innermost line that is in none of the libraries.

    Python shows a warning once for each line, so one that named a line of scikit-learn's would be
    shown for the first of the user's calls only, and tell nothing of where to look.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_library(frame.f_globals):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_library(names: dict) -> bool:
    return names.get("__name__", "").partition(".")[0] in _LIBRARIES
