"""The tables and pictures of docs/benchmarks.md, from the files of results."""

from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from textwrap import fill
from typing import Any, NamedTuple

from benchmarks.suite import plots, results, scaling_table
from benchmarks.suite.accuracy_splits import put_together
from benchmarks.suite.subject import BYTES, OURS, RMSE, Subject, load_subject

DOCS = Path(__file__).parents[2] / "docs"
IMAGES = DOCS / "images"
PAGE = DOCS / "benchmarks.md"
ORDER = (
    "fingerprints",
    "descriptors",
    "tokens",
    "graphs",
    "memory",
    "mlp_fit",
    "cnn_fit",
    "gnn_epoch",
    "predict",
    "one_molecule",
    "grid_search",
    "start_up",
    "accuracy",
)  # and "scaling", which has a page of its own
WIDTH = 112  # of the page's lines
FASTER = 0.97  # below this ratio a peer is called faster; between is noise


class Beside(NamedTuple):
    """What else a table shows of each contender."""

    name: str
    of: Callable[[dict[str, Any]], float]


BESIDE = {
    RMSE.name: Beside("fit [s]", lambda who: mean(who["seconds"])),
    BYTES.name: Beside("peak [MiB]", lambda who: who["peak_mib"]),
}

INTRO = """\
# Beside its peers

Every number on this page was measured by `make bench` or `make bench-quick`; the line below a table
says when, on which machine and with what. All contenders of a table began and ended with the same
on the same molecules, each in a process of its own, in turn (A B A B), so that a slow minute of the
machine meets all of them; where what is between differs, a network for instance, the text says so.
A row gives the median of its rounds; the last column says how many times as good `skchem_dl` was in
the same round, with the least and the greatest of the rounds: above 1 it was faster (or took less),
below 1 the peer was. Who is better by more than 3 % in the median is named below the table, also
where the rounds disagree.

To repeat it, with five files of MoleculeNet's in a folder, under these names: `esol.csv` (there
`delaney-processed.csv`), `freesolv.csv` (`SAMPL.csv`), `lipophilicity.csv`, `bace.csv` and
`hiv.csv`:

```bash
make bench-envs                    # an environment for each peer, once; three have their own torch
make bench-quick DATA=that/folder  # ten minutes; make bench takes hours
```

Where the time goes that is left, and where a bar that we had set ourselves was missed, is written
down in `benchmarks/profile.md`.

![How many times as good skchem_dl is, for each kind of work](images/benchmarks.png)

A dot is a peer, a hollow diamond a bare loop over RDKit or torch, without a library around it.
"""


def write() -> None:
    """Write the page and its pictures."""
    found = results.read_all()
    ordered = [found[name] for name in ORDER if name in found]
    if "scaling" in found and not found["scaling"]["quick"]:
        scaling_table.write(found["scaling"], DOCS / "scaling.md")
        plots.draw_own(found["scaling"], IMAGES)
    parts = [INTRO]
    parts += [section(result, load_subject(result["subject"])) for result in ordered]
    PAGE.write_text("\n".join(parts))
    plots.draw_overview(ordered, IMAGES / "benchmarks.png")
    for result in ordered:
        plots.draw_own(result, IMAGES)


def section(result: dict[str, Any], subject: Subject) -> str:
    """Give a subject's table, and a sentence on each peer that is faster."""
    unit = result["unit"]["name"]
    if unit == RMSE.name:
        result = put_together(result)
    beside = BESIDE.get(unit)
    lines = [f"## {subject.title}", ""]
    if subject.about:
        lines += [fill(subject.about.strip(), WIDTH), ""]
    picture = plots.own_picture(result)
    if picture:
        lines += [f"![{subject.title}](images/{picture.file})", ""]
    columns = [unit, *([beside.name] if beside else []), "`skchem_dl` is better by"]
    lines += [f"| | | {' | '.join(columns)} |", f"|---|---{'|---:' * len(columns)}|"]
    for variant in result["variants"]:
        label = variant["name"]
        for who in variant["contenders"]:
            lines.append(_row(label, who, unit))
            label = ""
    lines += ["", *_sentences(result, subject), _footnote(result), ""]
    return "\n".join(lines)


def number(value: float) -> str:
    """Write three digits that count, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(values: list[float]) -> str:
    """Write a median, and the range where there is one."""
    if not values:
        return ""
    middle = f"{number(median(values))} ×"
    if len(values) == 1:
        return middle
    return f"{middle} ({number(min(values))} to {number(max(values))})"


def _row(label: str, who: dict[str, Any], unit: str) -> str:
    """Write a contender's row; errors are averaged over folds."""
    beside = BESIDE.get(unit)
    own = who["name"] == OURS
    name = f"**{who['name']}**" if own else who["name"]
    if who["error"] is not None:
        cells = [f"did not run: {_one_line(who['error'])}", *([""] if beside else []), ""]
    else:
        cells = [number((mean if unit == RMSE.name else median)(who["values"]))]
        if beside:
            cells.append(number(beside.of(who)))
        cells.append("" if own else ratio(who["ratios"]))
    return f"| {' | '.join([label, name, *cells])} |"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")[:160]


def _sentences(result: dict[str, Any], subject: Subject) -> list[str]:
    """Say in words where a peer is faster, and what is remarkable about each."""
    faster: dict[str, list[str]] = {}
    for variant in result["variants"]:
        for who in variant["contenders"]:
            if who["ratios"] and median(who["ratios"]) < FASTER:
                times = number(1 / median(who["ratios"]))
                faster.setdefault(who["name"], []).append(f"{variant['name']} ({times} ×)")
    lines = []
    there = {who["name"] for variant in result["variants"] for who in variant["contenders"]}
    for name in dict.fromkeys([*faster, *(name for name in subject.remarks if name in there)]):
        text = (
            f"Better than `skchem_dl`: {name}, {', '.join(faster[name])}." if name in faster else ""
        )
        remark = subject.remarks.get(name, "")
        lines += [fill(f"{text} {remark}".strip(), WIDTH), ""]
    return lines


def _footnote(result: dict[str, Any]) -> str:
    versions: dict[str, dict[str, str]] = {}  # by package and version, who was the first with it
    for variant in result["variants"]:
        for who in variant["contenders"]:
            for package, version in who["versions"].items():
                versions.setdefault(package, {}).setdefault(version, who["name"])
    made = {
        day
        for variant in result["variants"]
        for who in variant["contenders"]
        for day in who.get("made", [])
    }
    kind = "quick run" if result["quick"] else "full run"
    if made:
        kind += f", of fits made {' and '.join(sorted(made))}"
    shown = ", ".join(
        f"{package} {version}" + (f" ({who})" if i else "")
        for package, found in versions.items()
        for i, (version, who) in enumerate(found.items())
    )
    return fill(f"*{result['date'][:10]}, {kind}, {_machine(result['machine'])}: {shown}.*", WIDTH)


def _machine(found: dict[str, Any]) -> str:
    return (
        f"{found['threads']} threads on {found['cores']} virtual cores ({found['cpu']}), "
        f"{found['memory_gib']} GiB of memory, no GPU, {found['system']}, Python {found['python']}"
    )
