"""The API reference: a page for each public module and object, written from their ``__all__``."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = "skchem_dl"


class Public(NamedTuple):
    """Something public: its name as users import it, and itself."""

    name: str
    value: Any

    @property
    def is_data(self) -> bool:
        return not callable(self.value)


def submodules() -> list[str]:
    root = import_module(PACKAGE)
    return [name for name in root.__all__ if inspect.ismodule(getattr(root, name))]


def public_names(module: str) -> list[Public]:
    """Give what is in a module's ``__all__``, each by its shortest name."""
    root, home = import_module(PACKAGE), import_module(module)
    found = []
    for name in home.__all__:
        value = getattr(home, name)
        if not inspect.ismodule(value):
            short = getattr(root, name, None) is value
            found.append(Public(f"{PACKAGE if short else module}.{name}", value))
    return found


def every_public_name() -> list[Public]:
    modules = [PACKAGE, *(f"{PACKAGE}.{name}" for name in submodules())]
    return list({one.name: one for module in modules for one in public_names(module)}.values())


def write(folder: Path) -> None:
    """Write the pages, touching only what has changed, so that Sphinx reads no more than that."""
    pages = {"index": _index()}
    for name in submodules():
        pages[f"{PACKAGE}.{name}"] = _module_page(f"{PACKAGE}.{name}")
    for one in every_public_name():
        pages[one.name] = _data_page(one) if one.is_data else _object_page(one)
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _index() -> str:
    modules = [f"{PACKAGE}.{name}" for name in submodules()]
    root = [one for one in public_names(PACKAGE) if one.name != f"{PACKAGE}.__version__"]
    return "\n".join(
        [
            _title("API"),
            "Everything public, from the code itself. What is not here is private and may change.",
            "",
            _title("skchem_dl", "-"),
            f".. py:module:: {PACKAGE}",
            "",
            _table(root),
            f"The version is in `{PACKAGE}.__version__`.",
            "",
            _title("Modules", "-"),
            _table([(name, import_module(name)) for name in modules], "mod"),
            _toctree([*modules, f"{PACKAGE}.__version__"]),
        ]
    )


def _module_page(module: str) -> str:
    names = public_names(module)
    data = [one for one in names if one.is_data]
    kinds = {
        "Classes": [one for one in names if inspect.isclass(one.value)],
        "Functions": [one for one in names if not one.is_data and not inspect.isclass(one.value)],
    }
    parts = [_title(module), f".. automodule:: {module}\n   :no-members:\n"]
    for kind, objects in kinds.items():
        if objects:
            parts += [_title(kind, "-"), _table(objects)]
    if data:
        lines = [f"- :py:data:`~{one.name}`: {_names_in(one.value)}" for one in data]
        parts += [_title("Names that parameters accept", "-"), "\n".join(lines), ""]
    # `persistence` and `estimators` list the same objects as other modules; each has one place.
    own = [one.name for one in names if _home(one.name) == module]
    return "\n".join([*parts, _toctree(own)])


def _home(name: str) -> str:
    """Give the module whose page an object's page stands under."""
    for module in submodules():
        if name in [one.name for one in public_names(f"{PACKAGE}.{module}")]:
            return f"{PACKAGE}.{module}"
    return PACKAGE


def _object_page(one: Public) -> str:
    kind = "class" if inspect.isclass(one.value) else "function"
    parts = [_title(one.name.rpartition(".")[2]), f".. auto{kind}:: {one.name}", ""]
    if kind == "class":
        for name, directive in _members(one.value):
            parts += [f"   .. {directive}:: {name}", ""]
        inherited = _inherited(one.value)
        if inherited:
            parts += [f"As in scikit-learn: {', '.join(f'``{name}``' for name in inherited)}.", ""]
    heading = f"Examples using ``{one.name.rpartition('.')[2]}``"
    return "\n".join([*parts, f".. minigallery:: {one.name}\n   :add-heading: {heading}\n"])


def _data_page(one: Public) -> str:
    return "\n".join(
        [
            _title(one.name.rpartition(".")[2]),
            f".. py:data:: {one.name}",
            "",
            f"   {_names_in(one.value)}",
            "",
        ]
    )


def _names_in(value: Any) -> str:
    if isinstance(value, str):
        return f"``{value!r}``"
    return ", ".join(f"``{name!r}``" for name in value)


def _members(cls: type) -> list[tuple[str, str]]:
    """Give the methods and properties that this package defines, in the order of the code."""
    found = {}
    for base in cls.__mro__:
        if not base.__module__.startswith(PACKAGE):
            continue
        for name, value in vars(base).items():
            if not name.startswith("_") and not _is_shadowed(cls, base, name):
                if isinstance(value, property):
                    found.setdefault(name, "autoproperty")
                elif inspect.isfunction(value) or isinstance(value, classmethod | staticmethod):
                    found.setdefault(name, "automethod")
    return list(found.items())


def _is_shadowed(cls: type, base: type, name: str) -> bool:
    return next(one for one in cls.__mro__ if name in vars(one)) is not base


def _inherited(cls: type) -> list[str]:
    """Give the names of what comes from scikit-learn, which documents it."""
    own = {name for name, _ in _members(cls)}
    return sorted(
        name
        for name in dir(cls)
        if not name.startswith("_")
        and name not in own
        and any(
            name in vars(base) for base in cls.__mro__ if base.__module__.startswith("sklearn.")
        )
        and callable(getattr(cls, name, None))
    )


def _table(rows: list[tuple[str, Any]], role: str = "obj") -> str:
    lines = [f"   * - :py:{role}:`~{name}`\n     - {_first_line(value)}\n" for name, value in rows]
    return f".. list-table::\n   :widths: 35 65\n\n{''.join(lines)}"


def _toctree(pages: list[str]) -> str:
    if not pages:
        return ""
    return ".. toctree::\n   :hidden:\n\n" + "".join(f"   {page}\n" for page in pages)


def _title(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}\n"


def _first_line(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]
