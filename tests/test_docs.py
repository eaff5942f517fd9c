"""The documentation is whole: every public name has its page, every link leads somewhere."""

import importlib
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from html import unescape
from urllib.parse import unquote

import pytest
from test_readme import DOCS, GENERATED, ROOT, is_written

import skchem_dl

WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *filter(is_written, DOCS.rglob("*.md"))]


def public_objects():
    """Give module and name of everything in the ``__all__`` of every public module."""
    modules = [name for _, name, _ in pkgutil.iter_modules(skchem_dl.__path__) if name[0] != "_"]
    for module in ["skchem_dl", *(f"skchem_dl.{name}" for name in modules)]:
        for name in importlib.import_module(module).__all__:
            if name not in modules:
                yield module, name


@pytest.fixture
def api_pages(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "_ext")
    return importlib.import_module("api_pages")


def test_every_public_object_has_a_page(api_pages, tmp_path):
    api_pages.write(tmp_path)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.rst")}
    found = list(public_objects())
    assert len(found) > 100
    for module, name in found:
        one = next(
            one for one in api_pages.public_names(module) if one.name.rpartition(".")[2] == name
        )
        kind = (
            "py:data"
            if one.is_data
            else "autoclass"
            if isinstance(one.value, type)
            else "autofunction"
        )
        assert f".. {kind}:: {one.name}\n" in pages[one.name]
        listing = "index" if module == "skchem_dl" else module
        assert one.name in pages[listing], f"{one.name} is not on the page of {module}"


def test_a_new_public_object_appears_and_an_old_one_goes(api_pages, tmp_path, monkeypatch):
    from skchem_dl import metrics

    def new():
        """Do something new."""

    monkeypatch.setattr(metrics, "new", new, raising=False)
    monkeypatch.setattr(metrics, "__all__", [*metrics.__all__, "new"])
    api_pages.write(tmp_path)
    assert "autofunction:: skchem_dl.metrics.new" in (
        tmp_path / "skchem_dl.metrics.new.rst"
    ).read_text(encoding="utf-8")
    assert "Do something new." in (tmp_path / "skchem_dl.metrics.rst").read_text(encoding="utf-8")
    monkeypatch.undo()
    api_pages.write(tmp_path)
    assert not (tmp_path / "skchem_dl.metrics.new.rst").exists()


def test_the_course_map_names_real_parameters():
    from skchem_dl import callbacks, estimators

    classes = [getattr(estimators, name) for name in estimators.__all__]
    classes += [callbacks.Checkpoint, callbacks.TensorBoardLogger]
    known = {name for cls in classes for name in inspect.signature(cls).parameters}
    known |= {"fit", *inspect.signature(estimators.MolGNNRegressor.fit).parameters}
    known |= {name for _, name in public_objects()}
    table = (DOCS / "course.md").read_text(encoding="utf-8").partition("What the course calls")[2]
    rows = [row.split("|")[2:4] for row in table.splitlines() if row.startswith("| ")]
    names = {name for row in rows for name in re.findall(r"`(\w+)(?:=[^`]*)?`", " ".join(row))}
    assert len(names) > 25
    assert names <= known


def links_in(page):
    """Give the targets of a Markdown page's links and images that are not on the network."""
    text = re.sub(
        r"^ *```(?!\{include\}).*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M
    )
    text = re.sub(r"`[^`\n]*`", "", text)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not re.match(r"\w+:", target)]


def anchors_in(page):
    """Give the anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
    for link in links_in(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.is_relative_to(DOCS) and not is_written(target):
            continue  # a page that only Sphinx makes, and that it checks
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors_in(target), f"{link} has no such heading"


def test_links_are_found():
    assert "docs/tour.md" in links_in(ROOT / "README.md")
    assert "many-processes" in anchors_in(DOCS / "scaling.md")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the docs from a copy, without running the examples, which have tests of their own."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("docs", "examples", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*GENERATED))
    for page in ROOT.glob("*.md"):
        shutil.copy(page, folder)
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    run = subprocess.run(
        [*command, "-D", "plot_gallery=0", folder / "docs", folder / "html"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return folder / "html"


@pytest.mark.slow
def test_the_docs_build(built):
    from sphinx.util.inventory import InventoryFile

    with (built / "objects.inv").open("rb") as file:
        kinds = InventoryFile.load(file, "", os.path.join)
    documented = {name for kind, names in kinds.items() if kind[:3] == "py:" for name in names}
    for module, name in public_objects():
        assert {f"{module}.{name}", f"skchem_dl.{name}"} & documented
    chapters = [path.stem for path in (ROOT / "examples").rglob("*.py")]
    pages = {path.stem for path in (built / "auto_examples").rglob("*.html")}
    assert set(chapters) <= pages


@pytest.mark.slow
def test_the_built_pages_are_whole_and_need_no_network(built):
    pages = {
        path: path.read_text(encoding="utf-8")
        for path in built.rglob("*.html")
        if "_static" not in path.relative_to(built).parts
    }
    assert len(pages) > 100
    ids = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    for path, text in pages.items():
        assert not re.findall(r'<(?:script|img|link)\b[^>]*(?:src|href)="(?:https?:)?//', text)
        for link in map(unescape, re.findall(r'\b(?:href|src)="([^"]+)"', text)):
            if re.match(r"\w+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (path.parent / unquote(name.partition("?")[0])).resolve() if name else path
            assert target.exists(), f"{path.relative_to(built)}: {link}"
            assert target not in ids or not anchor or unquote(anchor) in ids[target], (
                f"{path.relative_to(built)}: {link}"
            )
