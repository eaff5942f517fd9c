"""The tables at the top of docs/scaling.md, written from what was measured."""

from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

BEGIN, END = "<!-- begin of measured -->", "<!-- end of measured -->"
HOUR = 3_600
WIDTH = 112  # of the page's lines
BUSY = 0.7  # a process that got less than this part of a core had to wait for others
REMARK = (
    "The machine had other work at the time, so that a process got only a part of a core: rates by "
    "the clock, here and in the picture, are much too low. Those by a core's second (time of the "
    "processors) suffer less, and are rather too low as well."
)


def write(result: dict[str, Any], page: Path) -> None:
    """Put the tables between the page's two comments."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{page} has no lines {BEGIN} and {END} between which to write.")
    page.write_text(f"{before}{begin}\n{tables(result)}\n{end}{after}", encoding="utf-8")


def tables(result: dict[str, Any]) -> str:
    found = measured(result)
    works = list(dict.fromkeys(work for work, _, _ in found))
    sizes = sorted({n for _, n, _ in found})
    machine = result["machine"]
    lines = [
        "| | molecules by a core in a second | 10^6, one core | 10^8 | 10^10 |",
        "|---|---|---|---|---|",
        *(_costs(work, found) for work in works if (work, 1) in _lines(found)),
        "",
        fill(
            f"Measured on {result['date'][:10]} ({machine['cpu']}, {machine['cores']} cores); 10^8 "
            "and 10^10 are calculated, in hours of one core. Below is what that rests on: "
            "molecules a second by the clock, each in one run, so that a tenth or two may be the "
            "minute's, and in brackets the peak memory of all processes in MiB.",
            WIDTH,
        ),
        "",
        f"| | processes | {' | '.join(f'{n:,}' for n in sizes)} |",
        f"|---|---|{'---|' * len(sizes)}",
        *(
            f"| {work} | {processes} | "
            + " | ".join(_cell(found.get((work, n, processes))) for n in sizes)
            + " |"
            for work, processes in _lines(found)
        ),
    ]
    if _was_busy(found):
        lines += ["", fill(REMARK, WIDTH)]
    return "\n".join(lines)


def measured(result: dict[str, Any]) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Give what was measured by work, number of molecules and number of processes."""
    found = {}
    for variant in result["variants"]:
        options, [ours] = variant["options"], variant["contenders"]
        if ours["error"] is None:
            found[options["work"], options["n"], options["processes"]] = ours
    return found


def core_rate(work: str, found: dict) -> float:
    """Give molecules a second of one core, of the largest number that one process did."""
    n = max(n for other, n, processes in found if (other, processes) == (work, 1))
    ours = found[work, n, 1]
    # Without /proc there is no time of the processors.
    return n / ours["cpu_seconds"] if ours["cpu_seconds"] else median(ours["values"])


def _costs(work: str, found: dict) -> str:
    rate = core_rate(work, found)
    million = f"{_digits(1e6 / rate / 60)} min"
    hours = (f"{_digits(n / rate / HOUR)} h" for n in (1e8, 1e10))
    return f"| {work} | {_digits(rate)} | {million} | {' | '.join(hours)} |"


def _cell(ours: dict[str, Any] | None) -> str:
    return f"{_digits(median(ours['values']))} ({ours['peak_mib']:,.0f})" if ours else ""


def _lines(found: dict) -> list[tuple[str, int]]:
    return list(dict.fromkeys((work, processes) for work, _, processes in found))


def _was_busy(found: dict) -> bool:
    return any(
        ours["cpu_seconds"] and median(ours["values"]) < BUSY * n / ours["cpu_seconds"]
        for (_, n, processes), ours in found.items()
        if processes == 1
    )


def _digits(value: float) -> str:
    """Write two digits that mean something."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.1f}"
