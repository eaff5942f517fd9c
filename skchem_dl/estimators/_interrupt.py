"""Ctrl-C that lets the running batch finish."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferred_ctrl_c(notice: Callable[[], None]) -> Iterator[None]:
    """Call `notice` at the first Ctrl-C instead of raising; the second raises as ever.

    Where Python would not raise KeyboardInterrupt either (in other threads, or under a handler of
    the caller's own) nothing is changed.

    Parameters
    ----------
    notice : callable
        Called without arguments, between two instructions of whatever is running.
    """
    usual = signal.default_int_handler
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return

    def on_signal(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, usual)
        notice()

    signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
