"""The picture of error against time, for docs/benchmarks.md."""

from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw each contender's error against the seconds of its fit, a panel a data set."""
    found = _means(result)
    names = list(dict.fromkeys(name for points in found.values() for name in points))
    figure = Figure(figsize=(max(7.0, 3.2 * len(found) + 0.6), 3.9), layout="constrained")
    panels = figure.subplots(1, len(found), squeeze=False)[0]
    for ax, (title, points) in zip(panels, found.items(), strict=True):
        for name, (seconds, error) in points.items():
            color = f"C{names.index(name)}"
            ax.plot(seconds, error, "o", ms=8, color=color, mec="white", label=name)
        ax.set(xscale="log", title=title, xlabel="fit [s]")
        ax.margins(x=0.25, y=0.2)
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.3g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(color="0.9")
        ax.set_axisbelow(True)
    panels[0].set_ylabel("RMSE")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=120)


def _means(result: dict[str, Any]) -> dict[str, dict[str, tuple[float, float]]]:
    """Give the mean seconds and error by data set, with its kind of split, and contender."""
    runs: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for variant in result["variants"]:
        options = variant["options"]
        split = "scaffold split" if options["split"] == "scaffold" else "random folds"
        for who in variant["contenders"]:
            pairs = zip(who["seconds"], who["values"], strict=True)
            runs[f"{options['data_set']}, {split}"][who["name"]] += pairs
    return {
        title: {
            name: (mean(pair[0] for pair in pairs), mean(pair[1] for pair in pairs))
            for name, pairs in of_set.items()
            if pairs
        }
        for title, of_set in runs.items()
    }
