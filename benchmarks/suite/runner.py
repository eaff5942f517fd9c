"""Measuring: every contender's process does its work in turn, round after round."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.suite.processes import Failed, ForkServer, ForkServers, Worker
from benchmarks.suite.subject import OURS, Contender, Subject, Variant, load_subject

ROUNDS = {True: 3, False: 5}  # of a quick run, and of a thorough one; at least
SECONDS = {True: 8.0, False: 30.0}  # in which work that is soon done has more rounds
MOST_ROUNDS = 15


@dataclass
class Plan:
    """How a whole run is made."""

    data: Path
    quick: bool
    rounds: int | None = None  # of every variant, instead of what it would have
    threads: int = 2


@dataclass
class Measured:
    """What one contender did."""

    name: str
    is_bare: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of the same runs, whatever is measured
    peak_mib: float | None = None  # of the process and its children together
    cpu_seconds: float | None = None  # of all of them, in the last run
    ratios: list[float] = field(default_factory=list)  # how many times as fast ours is, by round
    made: list[str] = field(default_factory=list)  # when and where, of what was kept
    error: str | None = None


def measure_subject(name: str, plan: Plan, servers: ForkServers) -> Iterator[dict[str, Any]]:
    """Measure all variants of a subject that the plan has; give what is known after each."""
    subject = load_subject(name)
    found = {"subject": name, "title": subject.title, "unit": asdict(subject.unit), "variants": []}
    for variant in variants(name, plan):
        contenders = [asdict(who) for who in _measure(name, subject, variant, plan, servers)]
        found["variants"].append(
            {"name": variant.name, "options": variant.options, "contenders": contenders}
        )
        yield found


def variants(name: str, plan: Plan) -> list[Variant]:
    """Give those of a subject's variants that the plan has."""
    return [variant for variant in load_subject(name).variants if variant.quick or not plan.quick]


def _measure(
    name: str, subject: Subject, variant: Variant, plan: Plan, servers: ForkServers
) -> list[Measured]:
    contenders = [who for who in subject.contenders.values() if who.applies(variant)]
    measured = {who.name: Measured(who.name, who.is_bare) for who in contenders}
    workers: dict[str, Worker] = {}

    def server(who: Contender) -> ForkServer:
        return servers.get(who.environment, imports=not subject.fresh)

    def start(who: Contender) -> None:
        workers[who.name] = server(who).fork(_request(name, who, variant, plan))

    def wait(who: Contender) -> None:
        measured[who.name].versions = workers[who.name].wait_until_ready()

    def run(who: Contender) -> None:
        _run(measured[who.name], workers[who.name], subject, variant)

    def all_of_them(step: Callable[[Contender], None]) -> None:
        for who in contenders:
            if measured[who.name].error is None:
                _try(measured[who.name], partial(step, who))

    try:
        for step in (server, start, wait):  # they prepare side by side, and work in turn
            all_of_them(step)
        for _ in _rounds(plan.rounds or variant.rounds, quick=plan.quick):
            all_of_them(run)
    finally:
        for worker in workers.values():
            worker.stop()
    _compare(measured, subject)
    for found in measured.values():
        print(f"  {variant.name:28} {found.name:24} {describe(found)}", flush=True)
    return list(measured.values())


def _rounds(asked: int | None, *, quick: bool) -> Iterator[int]:
    """Count the rounds that are asked for, or else those that fit into some seconds."""
    least, most = (asked, asked) if asked else (ROUNDS[quick], MOST_ROUNDS)
    end = time.monotonic() + SECONDS[quick]
    for count in range(most):
        if count < least or time.monotonic() < end:
            yield count


def _request(name: str, who: Contender, variant: Variant, plan: Plan) -> dict[str, Any]:
    return {
        "subject": name,
        "contender": who.name,
        "data": str(plan.data.resolve()),
        "options": variant.options,
        "threads": plan.threads,
    }


def _try(found: Measured, step: Callable[[], object]) -> None:
    """Do a step; a peer that fails is reported, and all others go on."""
    try:
        step()
    except (Failed, OSError, ValueError) as error:
        found.error = str(error)


def _run(found: Measured, worker: Worker, subject: Subject, variant: Variant) -> None:
    answer = worker.run()
    value = answer["value"]
    if value is None:
        value = answer["seconds"]
        if subject.unit.per_molecule:
            value = variant.options["n"] / value
        elif subject.unit.name == "ms":
            value *= 1_000
    found.values.append(value)
    found.seconds.append(answer["seconds"])
    if answer.get("made"):
        found.made.append(answer["made"])
    found.peak_mib, found.cpu_seconds = answer["peak_mib"], answer["cpu_seconds"]


def _compare(measured: dict[str, Measured], subject: Subject) -> None:
    ours = measured[OURS].values if OURS in measured else []
    for found in measured.values():
        pairs = zip(ours, found.values, strict=False)
        if subject.unit.more_is_better:
            found.ratios = [own / other for own, other in pairs]
        else:
            found.ratios = [other / own for own, other in pairs]


def describe(found: Measured) -> str:
    if found.error is not None:
        return f"failed: {found.error}"
    if not found.ratios:
        return f"{median(found.values):.4g}"
    return (
        f"{median(found.values):10.4g}   ours {median(found.ratios):.2f} times as good "
        f"({min(found.ratios):.2f} to {max(found.ratios):.2f})"
    )
