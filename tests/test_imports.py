"""Imports point one way, and heavy libraries stay where they belong."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skchem_dl

PACKAGE = Path(skchem_dl.__file__).parent
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
# Each may import those before it and itself; what is not listed may import them all.
LAYERS = [
    "exceptions",
    "_warnings",
    "_rows",
    "_targets",
    "_output",
    "_sklearn_state",
    "persistence",
    "_files",
    "_steps",
    "_fit_tasks",
    "graphs",
    "_dgl",
    "preprocessing",
    "features",
    "_readers",
    "nn",
    "callbacks",
    "metrics",
    "datasets",
    "similarity",
    "estimators",
    "pretraining",
    "model_selection",
    "pipelines",
    "inspection",
    "screening",
]
LIGHT = {"numpy", "scipy", "sklearn", "joblib", "rdkit", "filelock", "cuik_molmaker"}


def imports_of(file, *, lazy=None):
    """Give the dotted names a file imports: all, or only those inside (outside) functions."""
    tree = ast.parse((PACKAGE / file).read_text())
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if lazy is None or lazy == (node in inside):
            yield from names_of(node, file)


def names_of(node, file):
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        folder = ["skchem_dl", *Path(file).parent.parts]
        base = folder[: len(folder) + 1 - node.level] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        if module == "skchem_dl":  # the root hands out names from all over
            homes = [skchem_dl._HOME_OF.get(alias.name, alias.name) for alias in node.names]
            yield from (f"skchem_dl.{home}" for home in homes)
        else:
            yield module
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if called in ("import_module", "__import__") and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value


def layer_of(file):
    return Path(file).parts[0].removesuffix(".py")


def foreign(names):
    tops = {name.split(".")[0] for name in names}
    return tops - set(sys.stdlib_module_names) - {"skchem_dl"}


def own(names):
    return {name.split(".")[1] for name in names if name.startswith("skchem_dl.")}


def test_the_walk_sees_every_kind_of_import():
    source = """
import torch.nn
from skchem_dl import MolGraphs, nn
from . import _rows
from ..graphs import GraphSchema
from .._dgl import to_dgl
def f():
    import_module("skorch")
"""
    found = [name for node in ast.walk(ast.parse(source)) for name in names_of(node, "nn/_a.py")]
    assert sorted(found) == [
        "skchem_dl._dgl",
        "skchem_dl.graphs",
        "skchem_dl.graphs",
        "skchem_dl.nn",
        "skchem_dl.nn",
        "skorch",
        "torch.nn",
    ]
    assert {"exceptions.py", "graphs.py", "features/_base.py"} <= set(FILES)


@pytest.mark.parametrize("file", [file for file in FILES if layer_of(file) in LAYERS])
def test_arrows_point_one_way(file):
    earlier = LAYERS[: LAYERS.index(layer_of(file)) + 1]
    if file == "graphs.py":
        earlier = [*earlier, "_dgl"]  # inside functions only: see below
    assert own(imports_of(file)) - {"__version__"} <= set(earlier)


def test_the_root_imports_nothing():
    assert foreign(imports_of("__init__.py")) == set()
    assert own(imports_of("__init__.py", lazy=False)) == set()


def test_graphs_needs_numpy_only():
    assert foreign(imports_of("graphs.py")) == {"numpy"}
    assert own(imports_of("graphs.py", lazy=False)) == set()
    assert own(imports_of("graphs.py", lazy=True)) == {"_dgl"}


@pytest.mark.parametrize("file", [f for f in FILES if layer_of(f) in ("features", "similarity")])
def test_features_are_light(file):
    assert foreign(imports_of(file)) <= LIGHT
    assert "_dgl" not in own(imports_of(file))


@pytest.mark.parametrize("file", [file for file in FILES if layer_of(file) == "similarity"])
def test_similarity_needs_features_only(file):
    assert own(imports_of(file)) <= {"_output", "_rows", "features", "similarity"}


@pytest.mark.parametrize(
    ("library", "places"),
    [
        (
            "skorch",
            (
                "callbacks/",
                "estimators/_engine.py",
                "estimators/_net_callbacks.py",
                "estimators/_scored_net.py",
            ),
        ),
        ("dgl", ("_dgl.py", "nn/_kernels")),
        ("pooch", ("datasets/_download.py",)),
    ],
)
def test_libraries_with_one_home(library, places):
    importers = [file for file in FILES if library in foreign(imports_of(file))]
    assert [file for file in importers if not file.startswith(places)] == []


@pytest.mark.parametrize(
    "library", ["matplotlib", "pandas", "pooch", "scikit_posthocs", "statsmodels"]
)
def test_optional_libraries_are_imported_where_they_are_used(library):
    assert [file for file in FILES if library in foreign(imports_of(file, lazy=False))] == []


def run(code):
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)


HEAVY = "print(*[name for name in ('torch', 'skorch', 'dgl', 'optuna') if name in sys.modules])"


@pytest.mark.parametrize(
    "code",
    [
        "import sys, skchem_dl; assert 'pandas' not in sys.modules; " + HEAVY,
        "import sys, skchem_dl; skchem_dl.MorganFingerprinter; " + HEAVY,
        "import sys, skchem_dl; skchem_dl.screening; " + HEAVY,
        "import sys, skchem_dl; skchem_dl.MolGraphizer().transform(['CCO']); " + HEAVY,
        "import sys, skchem_dl; skchem_dl.similarity.SimilaritySearch().fit(['C']); " + HEAVY,
        "import sys, skchem_dl.model_selection as m; m.scaffold_groups(['CCO']); " + HEAVY,
        "import sys, skchem_dl; skchem_dl.model_selection.param_space; " + HEAVY,
        "import sys, skchem_dl.inspection as i; i.draw_molecules(['C']).to_svg(); " + HEAVY,
        "import sys, skchem_dl; skchem_dl.model_selection.compare; " + HEAVY,
    ],
)
def test_import_is_light_and_silent(code):
    done = run(code)
    assert done.stderr == ""
    assert done.stdout == "\n"
    assert done.returncode == 0


def test_public_names():
    assert sorted(skchem_dl.__all__) == dir(skchem_dl)
    assert skchem_dl.MolGraphs is skchem_dl.graphs.MolGraphs
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        skchem_dl.Nonsense  # noqa: B018
