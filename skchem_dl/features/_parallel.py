"""Sharing rows out among worker processes, where that is quicker than doing them here."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import BACKENDS, get_active_backend

# Parsed Mols are thirty times the size of their features: a chunk bounds how many live at once.
_CHUNK_SIZE = 500
# Workers take the next chunk when they are done with one: with several each, none idles for long.
_CHUNKS_A_WORKER = 8
# Seconds of work in one process below which workers cost more than they save: those that run
# already, and those that must first be started and import scikit-learn and RDKit. The latter may
# come in several calls: as who skis again and again buys skis once renting them has cost as much.
_LEAST_WORK, _LEAST_WORK_TO_START = 0.1, 3.0
_KEPT_SECONDS = 240.0  # joblib ends workers that have had nothing to do for 300 s

_last_used = -float("inf")
_done_without = 0.0  # seconds of work that workers would have shared, had there been any


def map_chunks(
    function: Callable[[Sequence[Any]], Any],
    items: Sequence[Any],
    *,
    n_jobs: int | None,
    seconds_per_item: float,
) -> list[Any]:
    """Apply a function to items, chunk by chunk, in worker processes if that is quicker.

    Parameters
    ----------
    function : callable
        Takes some of the items, in order; can be pickled.
    items : sequence of length n, at least 1
    n_jobs : int or None
        As in `joblib.Parallel`.
    seconds_per_item : float
        What one item takes, about.

    Returns
    -------
    list
        What the function made of each chunk, in order.
    """
    work = len(items) * seconds_per_item
    could_be_shared = _could_be_shared(n_jobs, work)
    n_workers = _count_workers(n_jobs, work) if could_be_shared else 1
    size = _CHUNK_SIZE
    if n_workers > 1:
        size = min(size, -(-len(items) // (n_workers * _CHUNKS_A_WORKER)))
    chunks = (items[start : start + size] for start in range(0, len(items), size))
    if n_workers == 1:
        began = time.perf_counter()
        done = [function(chunk) for chunk in chunks]
        if could_be_shared:
            _note_work(time.perf_counter() - began)
        return done
    # One chunk a task: joblib would join what takes less than 0.2 s, and workers idle at the end.
    done = Parallel(n_jobs=n_workers, batch_size=1)(delayed(function)(chunk) for chunk in chunks)
    _note_use()
    return done


def _count_workers(n_jobs: int | None, work: float) -> int:
    """Give the number of processes for some seconds of work that could be shared."""
    backend, _ = get_active_backend()
    must_start = isinstance(backend, BACKENDS["loky"]) and not _workers_run()
    if must_start and work < _LEAST_WORK_TO_START - _done_without:
        return 1
    return effective_n_jobs(n_jobs)


def _could_be_shared(n_jobs: int | None, work: float) -> bool:
    """Say whether workers, were there any, would make it quicker."""
    if work < _LEAST_WORK:  # of a single molecule one should not ask more
        return False
    backend, _ = get_active_backend()
    if getattr(backend, "uses_threads", False):  # and only one at a time reads molecules
        return False
    return effective_n_jobs(n_jobs) > 1


def _workers_run() -> bool:
    return time.monotonic() - _last_used < _KEPT_SECONDS


def _note_use() -> None:
    global _last_used, _done_without
    _last_used, _done_without = time.monotonic(), 0.0


def _note_work(seconds: float) -> None:
    global _done_without
    _done_without += seconds
