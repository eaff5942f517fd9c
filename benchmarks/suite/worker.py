"""A process of an environment: imports what its contenders need, and is forked for each of them.

    python -m benchmarks.suite.worker MODULE ...

Standard input is a socket. Each message is the JSON of a contender's work, and brings the pipes
that are to be the standard input, output and error of its process; the answer is that process's id.
There, a line on standard input asks for one run, and each answer is a line of JSON on standard
output, the first as soon as all is prepared.
"""

import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.suite.environments import ENVIRONMENTS
from benchmarks.suite.subject import Case, Outcome, load_subject

LONGEST = 65_536  # bytes of a message


def main() -> None:
    warnings.filterwarnings("ignore")
    sys.stdout.reconfigure(line_buffering=True)  # what is printed is not to come after errors
    for module in sys.argv[1:]:
        with suppress(Exception):  # who needs it imports it again, and tells
            importlib.import_module(module)
    request = next_request(socket.socket(fileno=os.dup(0)))
    if request is not None:
        answer(request)


def next_request(server: socket.socket) -> dict[str, Any] | None:
    """Fork at each message and give its request in the fork; here, give None at the end of all."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks that have ended leave nothing behind
    while True:
        message, pipes, *_ = socket.recv_fds(server, LONGEST, 3)
        if not message:
            return None
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            for standard, pipe in enumerate(pipes):
                os.dup2(pipe, standard)
                os.close(pipe)
            return json.loads(message)
        for pipe in pipes:
            os.close(pipe)
        server.send(str(pid).encode())


def answer(request: dict[str, Any]) -> None:
    """Prepare a contender's work, then do it as often as asked."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    case = Case(Path(request["data"]), request["options"], request["threads"])
    subject = load_subject(request["subject"])
    chosen = subject.contenders[request["contender"]]
    work = chosen.prepare(case)
    if subject.warm_up:
        run_once(work, case.threads)
    print(json.dumps({"ready": versions(chosen.environment)}), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(run_once(work, case.threads)), file=answers, flush=True)


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


if __name__ == "__main__":
    main()
