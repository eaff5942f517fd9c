"""Shorten the busy-waiting of OpenMP threads while other processes need the cores.

At the end of every parallel operation torch's threads wait for each other. GNU OpenMP, which comes
with torch's wheels for Linux, spins for that: 300,000 times, some 15 ms, before a thread sleeps. On
a quiet machine this is right, since sleeping and waking up take a fifth of a fit. If another
process has the core of one thread, however, all others spin through their time slices until it is
back, operation after operation, and a fit takes 10 to 70 times as long.

The spin count is read from the environment when the library is loaded, with one exception at run
time: while a process has more OpenMP threads than cores, the count is 100 (GOMP_SPINCOUNT in GCC's
manual). So a second team of threads that only sleeps shortens the waits of the first, and its end
restores them. It works if torch was imported before this package, changes neither the environment
nor a setting of torch, and leaves the number of computing threads, and so every bit of a result,
as it is.
"""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path

import torch
from threadpoolctl import ThreadpoolController

# As libgomp counted them when torch loaded it.
_N_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
_TASKS = Path("/proc/self/task")

# Share of the time for which threads were ready to run and had no core, summed over threads.
_MAX_WAITED = 1 / 3
# Seconds. Spinning under load computes next to nothing, so a look is short, and a finding is
# trusted for longer each time that it is confirmed.
_FIRST_LOOK, _LAST_LOOK = 0.03, 0.16
_FIRST_REST, _LAST_REST = 0.5, 2.0
_LINGER = 1.0  # the watching thread outlives its last use, for the sake of many short calls


def limit_busy_waiting(device: str) -> AbstractContextManager:
    """Let torch's threads sleep instead of spin while other processes need the cores.

    Parameters
    ----------
    device : str
        Nothing is done unless it is a CPU.
    """
    if device.startswith("cpu") and 1 < torch.get_num_threads() <= _N_CORES and _can_limit():
        return _limited()
    return nullcontext()


@contextmanager
def _limited() -> Iterator[None]:
    _watch.enter(torch.get_num_threads())
    try:
        yield
    finally:
        _watch.leave()


class _Watch:
    """A thread that checks, while there are users, whether the process gets its cores."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._n_threads = 1
        self._last_used = 0.0
        self._thread: threading.Thread | None = None
        self._exit = threading.Event()

    def enter(self, n_threads: int) -> None:
        """Add a user with this number of threads; the first one starts the thread."""
        with self._lock:
            self._n_users += 1
            self._n_threads = n_threads
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="skchem_dl", daemon=True)
                with suppress(RuntimeError):  # no more threads are allowed: compute without
                    thread.start()
                    self._thread = thread

    def leave(self) -> None:
        """Remove a user."""
        with self._lock:
            self._n_users -= 1
            self._last_used = time.monotonic()

    def stop(self) -> None:
        """End the thread before Python's own end takes its interpreter away."""
        self._exit.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _is_over(self) -> bool:
        with self._lock:
            unused = self._n_users == 0 and time.monotonic() > self._last_used + _LINGER
            over = unused or self._exit.is_set()
            if over:
                self._thread = None
            return over

    def _run(self) -> None:
        try:
            self._check_until_over()
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _check_until_over(self) -> None:
        look, rest = _FIRST_LOOK, _FIRST_REST
        while not self._is_over():
            if self._share_waited(look) < _MAX_WAITED:
                look, rest = min(2 * look, _LAST_LOOK), _FIRST_REST
                continue
            with _sleeping_team(_N_CORES + 2 - self._n_threads):
                self._exit.wait(rest)
            look, rest = _FIRST_LOOK, min(2 * rest, _LAST_REST)

    def _share_waited(self, seconds: float) -> float:
        """Return the share of the next seconds that threads wait for a core, summed over them."""
        began, before = time.perf_counter_ns(), _times_waited()
        self._exit.wait(seconds)
        after = _times_waited()
        waited = sum(after[task] - before[task] for task in before.keys() & after.keys())
        return waited / (time.perf_counter_ns() - began)


def _times_waited() -> dict[str, int]:
    """Return the nanoseconds for which each thread has waited for a core so far."""
    waited = {}
    for task in os.listdir(_TASKS):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            waited[task] = int((_TASKS / task / "schedstat").read_text().split()[1])
    return waited


@contextmanager
def _sleeping_team(size: int) -> Iterator[None]:
    """Keep a team of OpenMP threads that does nothing."""
    done = threading.Event()

    def keep() -> None:
        torch.get_num_threads()  # the first call in a thread sets its number, over the limit below
        with _gnu_openmp().limit(limits=size):  # for this thread only
            torch.ones(1 << 16, dtype=torch.float32, device="cpu")  # large enough to start a team
        done.wait()

    thread = threading.Thread(target=keep, name="skchem_dl", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no more threads are allowed
        yield
        return
    try:
        yield
    finally:
        done.set()
        thread.join()


@cache
def _can_limit() -> bool:
    """Check for GNU OpenMP and Linux's count of waiting, and that the user has not decided."""
    by_user = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()
    return not by_user and Path("/proc/self/schedstat").exists() and len(_gnu_openmp()) > 0


@cache
def _gnu_openmp() -> ThreadpoolController:
    return ThreadpoolController().select(prefix="libgomp")


def _forget() -> None:
    global _watch
    _watch = _Watch()


_watch = _Watch()
atexit.register(lambda: _watch.stop())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)  # the thread is the parent's
