"""Measuring: every contender's process does its work in turn, round after round."""

import json
import os
import selectors
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.suite.environments import is_ready, python_of
from benchmarks.suite.subject import FOLDER, OURS, Contender, Subject, Variant, load_subject
from benchmarks.suite.watch import Watch

PATIENCE = 1_800  # seconds that one answer may take
FAREWELL = 10  # seconds to end in
ROUNDS = {True: 3, False: 5}  # of a quick run, and of a thorough one


@dataclass
class Plan:
    """How a whole run is made."""

    data: Path
    quick: bool
    rounds: int | None = None  # of every variant, instead of what it has
    threads: int = 2


@dataclass
class Measured:
    """What one contender did."""

    name: str
    is_limit: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of the same runs, whatever is measured
    peak_mib: float | None = None  # of the process and its children together
    cpu_seconds: float | None = None  # of all of them, in the last run
    ratios: list[float] = field(default_factory=list)  # how many times as fast ours is, by round
    error: str | None = None


class Failed(Exception):
    """A contender could not do its work."""


class Worker:
    """A contender's process."""

    def __init__(self, subject: str, contender: Contender, variant: Variant, plan: Plan) -> None:
        request = {
            "data": str(plan.data.resolve()),
            "options": variant.options,
            "threads": plan.threads,
        }
        command = [python_of(contender.environment), "-m", "benchmarks.suite.worker"]
        self.process = subprocess.Popen(
            [*map(str, command), subject, contender.name, json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=FOLDER.parent,
            env={
                **os.environ,
                "OMP_NUM_THREADS": str(plan.threads),
                "MKL_NUM_THREADS": str(plan.threads),
                "DGLBACKEND": "pytorch",
                "CUDA_VISIBLE_DEVICES": "",  # the page is of processors, and says so
                "PYTHONWARNINGS": "ignore",
            },
        )
        os.set_blocking(self.process.stderr.fileno(), False)
        self.complaints = ""

    def wait_until_ready(self) -> dict[str, str]:
        """Wait for the work to be prepared, and give the versions of what does it."""
        return self._answer()["ready"]

    def run(self) -> dict[str, Any]:
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        with Watch(self.process.pid) as watch:
            answer = self._answer()
        peak_mib = max(answer["peak_mib"], watch.peak_mib)
        return {**answer, "peak_mib": peak_mib, "cpu_seconds": watch.seconds}

    def stop(self) -> None:
        """End its input: a worker that is killed leaves joblib's workers behind, for minutes."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def _answer(self) -> dict[str, Any]:
        """Wait for a line, reading along what is complained of, which would else fill its pipe."""
        out, err = self.process.stdout, self.process.stderr
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            selector.register(err, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(PATIENCE)}
                if not ready:
                    self.stop()
                    raise Failed(f"no answer after {PATIENCE} s")
                if err in ready:
                    text = err.read()
                    self.complaints = (self.complaints + (text or ""))[-4_000:]
                    if not text:
                        selector.unregister(err)
                if out in ready:
                    line = out.readline()
                    if line:
                        return json.loads(line)
                    self.stop()
                    raise Failed(self._last_complaint())

    def _last_complaint(self) -> str:
        lines = [line for line in self.complaints.splitlines() if line.strip()]
        return lines[-1] if lines else f"ended with code {self.process.returncode}"


def measure_subject(name: str, plan: Plan) -> Iterator[dict[str, Any]]:
    """Measure all variants of a subject that the plan has; give what is known after each."""
    subject = load_subject(name)
    found = {"subject": name, "title": subject.title, "unit": asdict(subject.unit), "variants": []}
    for variant in subject.variants:
        if plan.quick and not variant.quick:
            continue
        contenders = [asdict(who) for who in _measure(name, subject, variant, plan)]
        found["variants"].append(
            {"name": variant.name, "options": variant.options, "contenders": contenders}
        )
        yield found


def _measure(name: str, subject: Subject, variant: Variant, plan: Plan) -> list[Measured]:
    contenders = [who for who in subject.contenders.values() if who.applies(variant)]
    measured = {who.name: Measured(who.name, who.is_limit) for who in contenders}
    workers: dict[str, Worker] = {}
    try:
        for who in contenders:  # they prepare side by side, and work in turn
            _try(measured[who.name], partial(_start, workers, name, who, variant, plan))
        for who, worker in workers.items():
            _try(measured[who], partial(_await, measured[who], worker))
        for _ in range(plan.rounds or variant.rounds or ROUNDS[plan.quick]):
            for who, worker in workers.items():
                if measured[who].error is None:
                    _try(measured[who], partial(_run, measured[who], worker, subject, variant))
    finally:
        for worker in workers.values():
            worker.stop()
    _compare(measured, subject)
    for found in measured.values():
        print(f"  {variant.name:28} {found.name:24} {describe(found)}", flush=True)
    return list(measured.values())


def _start(
    workers: dict[str, Worker],
    name: str,
    who: Contender,
    variant: Variant,
    plan: Plan,
) -> None:
    if not is_ready(who.environment):
        raise Failed(f"the environment {who.environment} is not there; make bench-envs")
    workers[who.name] = Worker(name, who, variant, plan)


def _await(found: Measured, worker: Worker) -> None:
    found.versions = worker.wait_until_ready()


def _try(found: Measured, step: Callable[[], None]) -> None:
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
