"""The examples as pages: which are run while the docs are built, and what the others show."""

import os
import re
from pathlib import Path
from typing import Any

from sphinx_gallery.sorting import FileNameSortKey

# Scripts write files beside themselves, so that they run on copies, which git ignores.
COPIES, PAGES = "_examples", "auto_examples"

FIRST = ("quickstart", "from_scikit_learn")
# Those that take less than a minute and a half; the others are shown as they stand.
RUN = re.compile(r"quickstart|from_scikit_learn|maps|scaffold_search|tune|\d_\w+")
# What stands for those that are not run, or that draw nothing.
PICTURES = {
    "compare": "comparison_esol.png",
    "explain": "contributions.png",
    "gallery": "measured_predicted.png",
    "quickstart": "quickstart.png",
    "scaffold_search": "cluster_map.png",
    "tune": "tensorboard.png",
}


class Order(FileNameSortKey):
    """By name, but for those to read first."""

    def __call__(self, filename: str) -> str:
        name = Path(filename).stem
        return f"{FIRST.index(name) if name in FIRST else len(FIRST)} {filename}"


def copy(docs: Path) -> None:
    """Copy the examples, and say in those that draw nothing which picture stands for them."""
    source, target = docs.parent / "examples", docs / COPIES
    for path in sorted(source.rglob("*")):
        if path.suffix not in (".py", ".rst"):
            continue
        text = path.read_text(encoding="utf-8")
        if path.stem in PICTURES:
            text += f"\n# sphinx_gallery_thumbnail_path = 'images/{PICTURES[path.stem]}'\n"
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")
    for path in target.rglob("*.py"):
        if not (source / path.relative_to(target)).exists():
            path.unlink()


def settings(docs: Path) -> dict[str, Any]:
    """Give the settings of sphinx-gallery."""
    scripts = sorted((docs / COPIES).rglob("*.py"))
    names = [path.name for path in scripts if _is_run(docs, path)]
    return {
        "examples_dirs": COPIES,
        "gallery_dirs": PAGES,
        "filename_pattern": rf"/({'|'.join(map(re.escape, names))})$",
        "within_subsection_order": f"{__name__}.Order",
        "backreferences_dir": "api/backreferences",
        "default_thumb_file": str(docs / "images" / "molecules.png"),
        "doc_module": ("skchem_dl",),
        "inspect_global_variables": False,
        "remove_config_comments": True,
        "write_computation_times": False,
        "show_signature": False,
        "min_reported_time": 1,
    }


def _is_run(docs: Path, path: Path) -> bool:
    return bool(RUN.fullmatch(path.stem)) and (_has_data(docs) or not _needs_data(path))


def _needs_data(path: Path) -> bool:
    return "fetch_" in path.read_text(encoding="utf-8")


def _has_data(docs: Path) -> bool:
    """Lead the examples to the folder of public data sets, and say whether there is one.

    Building the docs downloads nothing.
    """
    folder = Path(os.environ.get("SKCHEM_DL_DATA", docs.parents[1] / "shared" / "data"))
    if folder.is_dir():
        os.environ["SKCHEM_DL_DATA"] = str(folder)
    return folder.is_dir()
