"""Files that are never half written."""

import os
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
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
