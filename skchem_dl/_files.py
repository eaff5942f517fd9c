"""Files that are never half written."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any


def replace_file(path: Path, content: Any) -> None:
    """Write a file that has, at any moment and after a crash, its old content or all of the new.

    Parameters
    ----------
    path : Path
        What is not whole yet is beside it, with the ending ".part"; one process writes it at a
        time.
    content : bytes-like
    """
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def release_and_remove(lock: Any) -> None:
    """Let go of a lock, and remove its file.

    Parameters
    ----------
    lock : filelock.BaseFileLock
    """
    file = Path(lock.lock_file)
    if os.name == "nt":  # where no file can be removed that is open
        lock.release()
        with suppress(OSError):
            file.unlink(missing_ok=True)
    else:  # elsewhere nobody may take it in between
        file.unlink(missing_ok=True)
        lock.release()
