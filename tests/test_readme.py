"""The code of the README and the docs runs as it stands, block after block, as it is pasted.

Where a block of ``text`` follows a block of ``python``, that is what is printed, numbers roughly.
"""

import codeop
import contextlib
import io
import re
from pathlib import Path

import pytest

from skchem_dl import InvalidMoleculeWarning
from skchem_dl.nn import CONVS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GENERATED = {"_build", "_examples", "api", "auto_examples"}

_BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")


@pytest.fixture
def no_new_convs():
    """Forget the convolutions that a page registers, which messages on others would list."""
    before = dict(CONVS)
    yield
    CONVS.clear()
    CONVS.update(before)


def blocks_of(page):
    """Give code and expected output (None where nothing is said) of each block."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(code, output or None) for code, output in found]


def is_written(page):
    return not GENERATED & set(page.relative_to(DOCS).parts)


PAGES = [page for page in sorted(DOCS.rglob("*.md")) if is_written(page) and blocks_of(page)]
TOUR, GALLERY = DOCS / "tour.md", DOCS / "gallery.md"
RUN_ELSEWHERE = {TOUR, GALLERY}  # below, and as the script of examples that has its lines


def run_blocks(page):
    """Give what the page's code leaves behind, and what each block prints."""
    namespace, printed = {}, []
    for code, expected in blocks_of(page):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, str(page), "exec"), namespace)
        printed.append(out.getvalue())
        if expected is not None:
            assert_alike(printed[-1], expected)
    return namespace, printed


def assert_alike(found, expected):
    """Compare the words, whatever the spaces, and the numbers: another machine rounds otherwise."""
    words = ["".join(_NUMBER.sub("#", text).split()) for text in (found, expected)]
    assert words[0] == words[1], f"prints\n{found}\nthe page says\n{expected}"
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in (found, expected)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.1, abs=0.15)


def test_there_are_blocks():
    assert len(blocks_of(ROOT / "README.md")) >= 2
    assert len(blocks_of(DOCS / "scaling.md")) >= 4
    assert sum(output is not None for _, output in blocks_of(TOUR)) >= 8
    assert {"faq.md", "guide/train.md"} <= {str(page.relative_to(DOCS)) for page in PAGES}


@pytest.mark.parametrize("page", [ROOT / "README.md", TOUR], ids=lambda page: page.name)
def test_blocks_can_be_pasted_at_the_prompt(page):
    assert [code for code, _ in blocks_of(page) if not can_be_pasted(code)] == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [("for i in x:\n    i\ni", False), ("for i in x:\n    i\n\ni", True), ("f(\n    1,\n)", True)],
)
def test_what_the_prompt_refuses(code, expected):
    assert can_be_pasted(code) == expected


def can_be_pasted(code):
    """Say whether Python's prompt takes it line by line: it wants an empty one behind a body."""
    lines = []
    for line in code.splitlines():
        lines.append(line)
        try:
            if codeop.compile_command("\n".join(lines), symbol="single") is not None:
                lines = []
        except SyntaxError:
            return False
    return True


@pytest.mark.parametrize("found", ["RMSE 0.93\n", "MAE 0.7", "RMSE 0.7 0.7"])
def test_other_output_is_noticed(found):
    assert_alike("RMSE  0.72", "RMSE 0.7\n")
    with pytest.raises(AssertionError):
        assert_alike(found, "RMSE 0.7\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page not in RUN_ELSEWHERE],
    ids=lambda page: str(page.relative_to(DOCS)),
)
def test_pages_run(page, tmp_path, monkeypatch, quiet_optuna, no_new_convs):
    monkeypatch.chdir(tmp_path)  # some write files
    assert run_blocks(page)[0].keys() > {"__builtins__"}  # and none of them raised


def test_the_tour_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it saves a model
    reason = "row 1: 'c1ccccc': unclosed ring"
    with pytest.warns(InvalidMoleculeWarning, match=reason):
        namespace, _ = run_blocks(TOUR)
    assert reason in TOUR.read_text(encoding="utf-8")
    assert (tmp_path / "solubility.skchem").exists()
    assert namespace["again"].predict(["CCO"]) == namespace["network"].predict(["CCO"])


def test_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.warns(InvalidMoleculeWarning) as caught:
        _, printed = run_blocks(ROOT / "README.md")
    assert ["row 2: 'C('" in str(w.message) for w in caught] == [True, False]
    rmse, predictions = printed[0].splitlines()
    assert float(rmse) < 0.7
    assert predictions.startswith("[")
