"""The gallery: its page shows what its script makes, and the script runs."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from test_readme import blocks_of

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "gallery.md"
SCRIPT = (ROOT / "examples" / "gallery.py").read_text(encoding="utf-8")
SHOWN = re.findall(r"!\[.+?\]\((.+?)\)", PAGE.read_text(encoding="utf-8"))


def test_the_page_shows_the_lines_of_the_script():
    blocks = [code for code, _ in blocks_of(PAGE)]
    assert len(blocks) == len(SHOWN) + 1  # the first makes the model
    assert [block for block in blocks if block not in SCRIPT] == []
    assert sorted(blocks, key=SCRIPT.index) == blocks


def test_the_pictures_are_there_and_small():
    assert len(SHOWN) == 10
    assert [
        name for name in SHOWN if not 5_000 < (PAGE.parent / name).stat().st_size < 120_000
    ] == []


@pytest.mark.slow
def test_the_script_makes_every_picture(run_example, tmp_path):
    run = run_example("gallery.py")
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    made = sorted(
        path.relative_to(tmp_path / "docs").as_posix() for path in tmp_path.rglob("*.png")
    )
    assert made == sorted(SHOWN)
    for name in made:
        pixels = plt.imread(tmp_path / "docs" / name)
        assert min(pixels.shape[:2]) > 300
        assert pixels[..., :3].std() > 0.05
