"""How Sphinx builds these pages: `make docs`, which needs no network."""

# ruff: noqa: E402  (the path comes first)

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]  # the extensions here, and this very package

import api_pages
import example_pages

import skchem_dl

project = "skchem_dl"
author = "The skchem_dl developers"
project_copyright = author
version = release = skchem_dl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "code_links",
    "docstring_names",
    "page_links",
]
exclude_patterns = ["_build", example_pages.COPIES, f"{example_pages.PAGES}/**/*.ipynb"]
default_role = "literal"  # as docstrings have it; `code_links` makes links of public names
# A reference to nothing is an error, but for other libraries', to find which takes a network.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(sklearn|joblib|numpy|scipy|pandas|torch|skorch|optuna)\..*")]

# Pages of the examples and of the API are written by each build, into folders that git ignores.
api_pages.write(DOCS / "api")
example_pages.copy(DOCS)
sphinx_gallery_conf = example_pages.settings(DOCS)

autosummary_generate = False  # which numpydoc brings along; `api_pages` does that
autodoc_typehints = "none"  # docstrings have the types, in words
numpydoc_show_class_members = False

highlight_language = "none"  # of blocks that name none: formulas, shell
smartquotes = False  # in docstrings, quotes are Python's
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"  # prompts and output of examples in docstrings

html_theme = "pydata_sphinx_theme"
html_title = f"skchem_dl {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_favicon = "_static/mark.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "skchem_dl",
        "image_light": "_static/mark.svg",
        "image_dark": "_static/mark.svg",
    },
    "header_links_before_dropdown": 5,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Pages without pages below them have nothing to show there.
html_sidebars = {
    page: []
    for page in (
        *("index", "installation", "tour", "course", "faq", "glossary", "design", "benchmarks"),
        *("contributing", "changelog", "search", "genindex", "py-modindex"),
    )
}
