"""The pictures of docs/benchmarks.md."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

from benchmarks.suite import accuracy_plot, scaling_plot
from benchmarks.suite.subject import OURS, RMSE

BARE_COLOR = "0.4"


class Picture(NamedTuple):
    """A picture that a subject has of its own."""

    file: str
    draw: Callable[[dict[str, Any], Path], None]


OWN = {
    "accuracy": Picture("accuracy.png", accuracy_plot.draw),
    "scaling": Picture("scaling.png", scaling_plot.draw),
}


def draw_own(result: dict[str, Any], folder: Path) -> None:
    """Draw a subject's picture, where it has one."""
    picture = own_picture(result)
    if picture is not None:
        picture.draw(result, folder / picture.file)


def own_picture(result: dict[str, Any]) -> Picture | None:
    """Give the picture of a subject; a quick run has too few points for one."""
    return None if result["quick"] else OWN.get(result["subject"])


def draw_overview(found: list[dict[str, Any]], path: Path) -> None:
    """Draw for each kind of work how many times as good ours is as each peer."""
    rows = [
        (f"{result['title']}: {variant['name']}", _peers(variant))
        for result in found
        if result["unit"]["name"] != RMSE.name
        for variant in result["variants"]
    ]
    rows = [(label, peers) for label, peers in rows if peers]
    names = sorted({name for _, peers in rows for name, _, is_bare in peers if not is_bare})
    colors = {name: plt.get_cmap("tab20")(i % 20) for i, name in enumerate(names)}
    figure, ax = plt.subplots(figsize=(9, 0.27 * len(rows) + 1.6), layout="constrained")
    ax.axvspan(1e-9, 1, color="tab:red", alpha=0.06, lw=0)
    ax.axvline(1, color="0.3", lw=1)
    for place, (_, peers) in enumerate(rows):
        for name, value, is_bare in peers:
            if is_bare:
                style = {"marker": "D", "mfc": "white", "mec": BARE_COLOR}
            else:
                style = {"marker": "o", "color": colors[name], "mec": "white"}
            ax.plot(value, place, ms=7, ls="", **style)
    ax.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    values = [value for _, peers in rows for _, value, _ in peers]
    ax.set_xlim(min(values) / 1.3, max(values) * 1.3)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    ax.grid(axis="x", color="0.9")
    ax.grid(axis="y", color="0.95")
    ax.set_axisbelow(True)
    ax.set_xlabel("how many times as good skchem_dl is (left of 1 the peer is better)")
    handles = [
        plt.Line2D([], [], marker="o", ls="", color=colors[name], mec="white", label=name)
        for name in names
    ]
    handles.append(
        plt.Line2D([], [], marker="D", ls="", mfc="white", mec=BARE_COLOR, label="bare loop")
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _peers(variant: dict[str, Any]) -> list[tuple[str, float, bool]]:
    return [
        (who["name"], median(who["ratios"]), who["is_bare"])
        for who in variant["contenders"]
        if who["ratios"] and not who["name"].startswith(OURS)
    ]
