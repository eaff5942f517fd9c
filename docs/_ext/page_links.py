"""Links to the scripts of the examples, as the repository has them, lead to their pages here."""

import re
from typing import Any

import example_pages

_SCRIPT = re.compile(r"\]\((?P<up>(?:\.\./)+)examples/(?P<name>[\w/]+)\.py\)")


def lead_to_pages(app: Any, docname: str, source: list[str]) -> None:
    source[0] = _SCRIPT.sub(rf"](/{example_pages.PAGES}/\g<name>.rst)", source[0])


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", lead_to_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
