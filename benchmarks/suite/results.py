"""Files of results: what was measured, where, with what, and when."""

import json
import os
import platform
from datetime import datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
QUICK = "_quick"  # ends the names of a quick run's files


def machine(threads: int) -> dict[str, Any]:
    return {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "threads": threads,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def write(result: dict[str, Any], *, quick: bool, threads: int) -> Path:
    """Write a subject's file; a quick run does not touch that of a thorough one."""
    RESULTS.mkdir(exist_ok=True)
    head = {
        "date": datetime.now().isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine(threads),
    }
    path = RESULTS / f"{result['subject']}{QUICK * quick}.json"
    path.write_text(json.dumps({**head, **result}, indent=1) + "\n")
    return path


def read_all() -> dict[str, dict[str, Any]]:
    """Give what each subject's last run has found, quick or thorough."""
    files = {path: json.loads(path.read_text()) for path in RESULTS.glob("*.json")}
    in_time = sorted(files.items(), key=lambda item: item[1]["date"])
    return {path.stem.removesuffix(QUICK): result for path, result in in_time}


def cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
