"""The processes of contenders, each of its own."""

import json
import os
import selectors
import signal
import socket
import subprocess
from contextlib import suppress
from types import TracebackType
from typing import Any

from benchmarks.suite.environments import ENVIRONMENTS, is_ready, python_of
from benchmarks.suite.subject import FOLDER
from benchmarks.suite.watch import Watch

PATIENCE = 1_800  # seconds that one answer may take
FAREWELL = 10  # seconds to end in


class Failed(Exception):
    """A contender could not do its work."""


class Worker:
    """A contender's process, at the other ends of three pipes."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self._pid = pid
        self._in, self._out, self._err = os.fdopen(stdin, "w"), os.fdopen(stdout), os.fdopen(stderr)
        os.set_blocking(stderr, False)
        self._complaints = ""

    def wait_until_ready(self) -> dict[str, str]:
        """Wait for the work to be prepared, and give the versions of what does it."""
        return self._answer()["ready"]

    def run(self) -> dict[str, Any]:
        with suppress(BrokenPipeError):  # it has ended; of what, its answer tells
            self._in.write("run\n")
            self._in.flush()
        with Watch(self._pid) as watch:
            answer = self._answer()
        peak_mib = max(answer["peak_mib"], watch.peak_mib)
        return {**answer, "peak_mib": peak_mib, "cpu_seconds": watch.seconds}

    def stop(self) -> None:
        """End its input: a worker that is killed leaves joblib's workers behind, for minutes."""
        with suppress(BrokenPipeError):
            self._in.close()
        if not self._out.closed and not self._has_ended():
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._out.close()
        self._err.close()

    def _has_ended(self) -> bool:
        """Wait for the end of its output; it is no child of this process."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            return bool(selector.select(FAREWELL))

    def _answer(self) -> dict[str, Any]:
        """Wait for a line, reading along what is complained of, which would else fill its pipe."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._err, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(PATIENCE)}
                if not ready:
                    self.stop()
                    raise Failed(f"no answer after {PATIENCE} s")
                if self._err in ready:
                    text = self._err.read()
                    self._complaints = (self._complaints + (text or ""))[-4_000:]
                    if not text:
                        selector.unregister(self._err)
                if self._out in ready:
                    line = self._out.readline()
                    if line:
                        return json.loads(line)
                    self.stop()
                    raise Failed(self._last_complaint())

    def _last_complaint(self) -> str:
        lines = [line for line in self._complaints.splitlines() if line.strip()]
        return lines[-1] if lines else "ended without a word"


class ForkServer:
    """A process of an environment, forked for each contender.

    To import torch and what stands on it takes longer than most of what is measured.
    """

    def __init__(self, environment: str, *, imports: bool, threads: int) -> None:
        if not is_ready(environment):
            raise Failed(f"the environment {environment} is not there; make bench-envs")
        modules = ENVIRONMENTS[environment].imports if imports else ()
        self._socket, other = socket.socketpair()
        self._socket.settimeout(PATIENCE)
        with other:
            self._process = subprocess.Popen(
                [str(python_of(environment)), "-m", "benchmarks.suite.worker", *modules],
                stdin=other,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=FOLDER.parent,
                env={
                    **os.environ,
                    "OMP_NUM_THREADS": str(threads),
                    "MKL_NUM_THREADS": str(threads),
                    "DGLBACKEND": "pytorch",
                    "CUDA_VISIBLE_DEVICES": "",  # the page is of processors, and says so
                    "PYTHONWARNINGS": "ignore",
                },
            )

    def fork(self, request: dict[str, Any]) -> Worker:
        """Give a new process that prepares what is asked."""
        stdin, to_stdin = os.pipe()
        from_stdout, stdout = os.pipe()
        from_stderr, stderr = os.pipe()
        theirs = [stdin, stdout, stderr]
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], theirs)
            pid = self._socket.recv(32)  # as soon as all is imported
        except (ConnectionError, TimeoutError):
            pid = b""
        finally:
            for pipe in theirs:
                os.close(pipe)
        if not pid:
            for pipe in (to_stdin, from_stdout, from_stderr):
                os.close(pipe)
            raise Failed(f"the process to be forked ended with code {self.stop()}")
        return Worker(int(pid), to_stdin, from_stdout, from_stderr)

    def runs(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> int:
        """End it, and give the code with which it did."""
        self._socket.close()
        try:
            return self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class ForkServers:
    """Those of a whole run; none is started before it is needed."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._servers: dict[tuple[str, bool], ForkServer] = {}

    def get(self, environment: str, *, imports: bool) -> ForkServer:
        key = environment, imports
        if key in self._servers and not self._servers[key].runs():
            self._servers.pop(key).stop()
        if key not in self._servers:
            self._servers[key] = ForkServer(environment, imports=imports, threads=self._threads)
        return self._servers[key]

    def __enter__(self) -> "ForkServers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers.values():
            server.stop()
