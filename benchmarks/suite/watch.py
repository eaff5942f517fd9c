"""What a process and its children take, seen from outside: memory and time of the processors."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.1  # s
_KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Usage:
    """Of one moment."""

    seconds: float = 0.0
    mib: float = 0.0


class Watch(threading.Thread):
    """Looks at a process ten times a second, from another one, while something is done.

    ``ru_maxrss`` knows nothing of children that are still alive, as joblib's workers are. So the
    memory is the largest sum of what is resident of the process and, of each child, the part that
    is the child's alone (RssAnon): libraries that parent and child both have loaded are there once.
    It is watched from outside because what takes most memory, joining arrays, keeps a thread
    inside from looking. The time of the processors is the sum over all of them, which says more
    than the clock does where others use the machine too. Without /proc, both are 0.

    Parameters
    ----------
    pid : int
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._done = pid, threading.Event()
        self.peak_mib = 0.0
        self.seconds = 0.0

    def __enter__(self) -> "Watch":
        self._before = self._look().seconds
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self.join()
        self._note()

    def run(self) -> None:
        while not self._done.wait(INTERVAL):
            self._note()

    def _note(self) -> None:
        now = self._look()
        self.peak_mib = max(self.peak_mib, now.mib)
        self.seconds = max(self.seconds, now.seconds - self._before)

    def _look(self) -> Usage:
        parts = [
            usage_of(pid, alone=pid != self._pid) for pid in (self._pid, *descendants(self._pid))
        ]
        return Usage(sum(part.seconds for part in parts), sum(part.mib for part in parts))


def usage_of(pid: int, *, alone: bool) -> Usage:
    """Give a process' usage; `alone` leaves out the memory that it may share."""
    field = "RssAnon:" if alone else "VmRSS:"
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        ticks = _stat(pid)[11:15]  # its own and those of children that have ended
    except OSError:  # it has ended, or this is no Linux
        return Usage()
    kib = next((int(line.split()[1]) for line in status if line.startswith(field)), 0)
    return Usage(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), kib / _KIB_PER_MIB)


def descendants(pid: int) -> list[int]:
    """Give the processes that a process has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            children.setdefault(int(_stat(int(folder.name))[1]), []).append(int(folder.name))
        except OSError:
            continue
    found, new = [], [pid]
    while new:
        new = [child for parent in new for child in children.get(parent, [])]
        found += new
    return found


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat from the third on; the second is a name in brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
