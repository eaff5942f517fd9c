"""The picture of rate and memory against the number of molecules, for docs/scaling.md."""

from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from benchmarks.suite.scaling_table import measured

STYLES = {1: ("-", "o"), 2: ("--", "s")}  # of line and points, by number of processes
ONLY_IN_TABLE = ("MLP, Parquet to Parquet", "MLP, gzipped CSV")  # they lie on that of CSV


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw what was measured of the subject "scaling" into a PNG."""
    found = measured(result)
    works = [work for work in dict.fromkeys(key[0] for key in found) if work not in ONLY_IN_TABLE]
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    rate, memory = figure.subplots(1, 2, sharex=True)
    for i, work in enumerate(works):
        for processes, (line, marker) in STYLES.items():
            points = sorted(
                (n, median(ours["values"]), ours["peak_mib"])
                for (other, n, its_processes), ours in found.items()
                if (other, its_processes) == (work, processes)
            )
            sizes, rates, peaks = zip(*points, strict=True) if points else ((), (), ())
            style = {"color": f"C{i}", "linestyle": line, "marker": marker, "markersize": 4}
            rate.plot(sizes, rates, **style)
            memory.plot(sizes, peaks, **style)
    for ax, label in ((rate, "rate [molecules/s]"), (memory, "peak memory [MiB]")):
        ax.set(xscale="log", yscale="log", xlabel="molecules", ylabel=label)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axis.set_minor_formatter(NullFormatter())
        ax.grid(color="0.9")
        ax.set_axisbelow(True)
    handles = [Line2D([], [], color=f"C{i}", label=work) for i, work in enumerate(works)]
    for processes, (line, marker) in STYLES.items():
        label = f"{processes} process{'es' * (processes > 1)}"
        handles.append(
            Line2D([], [], color="0.3", ls=line, marker=marker, markersize=4, label=label)
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=110)
