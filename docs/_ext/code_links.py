"""Public names that a page writes in the voice of code become links to the API reference."""

import re
from typing import Any

import api_pages
from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

_CALL = re.compile(r"([A-Za-z_][\w.]*)(?:\(.*\))?")
_NOT_IN = (nodes.reference, nodes.title, addnodes.pending_xref, addnodes.desc_signature)


def _targets() -> dict[str, str]:
    """Give the full name of each way to write a public name: with modules before it or without."""
    found = {}
    for one in api_pages.every_public_name():
        parts = one.name.split(".")
        for start in range(len(parts)):
            found[".".join(parts[start:])] = one.name
    for module in api_pages.submodules():
        found[f"{api_pages.PACKAGE}.{module}"] = f"{api_pages.PACKAGE}.{module}"
    return found


class LinkPublicNames(SphinxTransform):
    """Wrap them in references, but for those on their own page."""

    default_priority = 700
    targets = _targets()

    def apply(self, **kwargs: Any) -> None:
        page = self.env.docname.removeprefix("api/")
        for literal in list(self.document.findall(nodes.literal)):
            match = _CALL.fullmatch(literal.astext())
            target = self.targets.get(match[1]) if match else None
            if target is None or target == page or _is_within(literal, _NOT_IN):
                continue
            reference = addnodes.pending_xref(
                "",
                refdomain="py",
                reftype="mod" if target.removeprefix("skchem_dl.") in _MODULES else "obj",
                reftarget=target,
                refexplicit=True,
                refwarn=True,
                refdoc=self.env.docname,
            )
            literal.replace_self(reference)
            reference += literal


_MODULES = set(api_pages.submodules())


def _is_within(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def setup(app: Any) -> dict[str, bool]:
    app.add_transform(LinkPublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
