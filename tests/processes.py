"""Processes that begin at once, forked from one that has imported what is slow to import.

A script that is started from scratch spends seconds on its imports, and many tests start one: the
examples, those that kill what they start. ``multiprocessing``'s fork server imports once for all.
"""

import atexit
import multiprocessing
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from multiprocessing import forkserver
from pathlib import Path
from unittest.mock import patch

IMPORTED = [
    "matplotlib.pyplot",
    "optuna",
    "pandas",
    "sklearn.ensemble",
    "skchem_dl.estimators",
    "skchem_dl.inspection",
    "skchem_dl.model_selection",
    "skchem_dl.pipelines",
    "torch.utils.tensorboard",
]
# All are errors but for ImportWarning, which Python hides unless it is asked for it: umap-learn has
# one for those who lack Tensorflow.
FILTERS = ["error", "ignore::ImportWarning"]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(IMPORTED)


class Forked:
    """Code, or the script at a path, in a process of its own: one thread, warnings are errors."""

    def __init__(self, script, *arguments, folder=".", **environment):
        self._folder = Path(tempfile.mkdtemp())
        self._out, self._err = self._folder / "out", self._folder / "err"
        self._out.touch()
        self._ended = None
        # A fork has the threads of the server, whose libraries read these when they are imported.
        with patch.dict(os.environ, {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}):
            forkserver.ensure_running()
        arguments = [str(argument) for argument in arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", **environment}
        self._process = _context.Process(
            target=_run,
            args=(script, arguments, folder, environment, self._out, self._err),
        )
        self._process.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()
        self.wait()

    def printed(self):
        """Give the lines that it has printed so far."""
        return self._out.read_text().splitlines()

    def wait_for_line(self, line):
        while line not in self.printed():
            assert self._process.is_alive(), self.wait().stderr
            time.sleep(0.002)

    def is_alive(self):
        return self._process.is_alive()

    def kill(self):
        self._process.kill()

    def interrupt(self):
        os.kill(self._process.pid, signal.SIGINT)

    def wait(self):
        """Wait for its end, and give what there is then."""
        if self._ended is None:
            self._process.join()
            out, err = self._out.read_text(), self._err.read_text()
            self._ended = subprocess.CompletedProcess([], self._process.exitcode, out, err)
            shutil.rmtree(self._folder)
        return self._ended


def _run(script, arguments, folder, environment, out, err):
    """Do in a fork what ``python script arguments`` does."""
    for stream, path in enumerate((out, err), start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.warnoptions[:] = FILTERS  # for the processes that it starts
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", ImportWarning)
    try:
        if isinstance(script, Path):
            sys.argv = [str(script), *arguments]
            sys.path.insert(0, str(script.parent))
            with patch("matplotlib.pyplot.show", _draw):
                runpy.run_path(str(script), run_name="__main__")
        else:
            sys.argv = ["-c", *arguments]
            exec(compile(script, "<code>", "exec"), {"__name__": "__main__"})
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out: joblib's workers would stay


def _draw():
    """Draw what is open, as a window would: without one, `show` does nothing."""
    import matplotlib.pyplot as plt

    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")
