"""The picture of error against time, for docs/benchmarks.md."""

from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from benchmarks.suite.accuracy_splits import put_together


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw each contender's error against the seconds of its fit.

    A column is a data set, a row a kind of split; a bar goes from the least to the greatest error.
    """
    variants = put_together(result)["variants"]
    columns, rows = (
        list(dict.fromkeys(variant["options"][name] for variant in variants))
        for name in ("data_set", "kind")
    )
    names = list(dict.fromkeys(who["name"] for v in variants for who in v["contenders"]))
    figure = Figure(
        figsize=(max(7.0, 2.9 * len(columns) + 0.6), 2.9 * len(rows) + 0.8), layout="constrained"
    )
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    for ax in panels.flat:
        ax.set_visible(False)  # what was not measured
    for variant in variants:
        options = variant["options"]
        ax = panels[rows.index(options["kind"]), columns.index(options["data_set"])]
        ax.set_visible(True)
        _draw_panel(ax, variant, names)
    for row in panels:
        row[0].set_ylabel("RMSE")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=110)


def _draw_panel(ax: Any, variant: dict[str, Any], names: list[str]) -> None:
    for who in variant["contenders"]:
        if not who["values"]:
            continue
        color = f"C{names.index(who['name'])}"
        seconds, error = mean(who["seconds"]), mean(who["values"])
        ax.vlines(seconds, min(who["values"]), max(who["values"]), color=color, lw=1, alpha=0.5)
        ax.plot(seconds, error, "o", ms=8, color=color, mec="white", label=who["name"])
    ax.set(xscale="log", xlabel="fit [s]")
    ax.set_title(variant["name"], fontsize=10)
    ax.margins(x=0.25, y=0.2)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.3g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
