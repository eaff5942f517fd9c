"""One contender, in an environment of its own: prepares its work, then does it when told to.

    python -m benchmarks.suite.worker SUBJECT CONTENDER JSON

A line on standard input asks for one run; each answer is a line of JSON on the standard output
that it began with.
"""

import gc
import json
import os
import resource
import sys
import time
import warnings
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from benchmarks.suite.environments import ENVIRONMENTS
from benchmarks.suite.subject import Case, Outcome, load_subject


def versions(environment: str) -> dict[str, str]:
    found = {}
    for package in ENVIRONMENTS[environment].shown:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def set_threads(threads: int) -> None:
    """Let torch use as many threads as all others do, where it is there."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_once(work, threads: int) -> dict:
    gc.collect()
    set_threads(threads)
    began = time.perf_counter()
    own = work()
    seconds = time.perf_counter() - began
    answer = {"seconds": seconds, "value": None, "peak_mib": peak_mib()}
    if isinstance(own, float):
        answer["value"] = float(own)
    elif isinstance(own, Outcome):
        answer |= asdict(own)
    return answer


def main() -> None:
    name, contender, request = sys.argv[1:]
    request = json.loads(request)
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.filterwarnings("ignore")
    case = Case(Path(request["data"]), request["options"], request["threads"])
    subject = load_subject(name)
    chosen = subject.contenders[contender]
    work = chosen.prepare(case)
    if subject.warm_up:
        run_once(work, case.threads)
    print(json.dumps({"ready": versions(chosen.environment)}), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(run_once(work, case.threads)), file=answers, flush=True)


if __name__ == "__main__":
    main()
