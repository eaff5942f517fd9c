"""A name that ends in an underscore is a fitted attribute, where reStructuredText sees a link."""

import re
from typing import Any

# What stands in backticks is matched first, and stays.
_UNDERSCORE = re.compile(r"`+[^`]*`+_*|(?<=\w)_(?![\w`])")
_NAMES_ALONE = re.compile(r"\s*\w+(, \w+)*")


def escape(line: str) -> str:
    """Escape them in the prose of a docstring, not in its code, nor where it defines them."""
    if line.lstrip().startswith((">>>", "...")) or _NAMES_ALONE.fullmatch(line):
        return line
    names, colon, text = line.partition(" : ")
    if not colon:
        names, text = "", line
    return names + colon + _UNDERSCORE.sub(_escape_one, text)


def _escape_one(match: re.Match) -> str:
    return r"\_" if match[0] == "_" else match[0]


def escape_all(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [escape(line) for line in lines]


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", escape_all, priority=100)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
