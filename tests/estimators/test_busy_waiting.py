"""Threads beside other processes: fits stay fast, and nothing about the process is changed."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from processes import Forked

N_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
pytestmark = pytest.mark.skipif(
    N_CORES < 2 or not sys.platform.startswith("linux"), reason="One thread, or no GNU OpenMP."
)

SETUP = """
import os, sys, threading, time
import torch
from skorch.callbacks import Callback
from skchem_dl import FingerprintMLPRegressor, MolGNNRegressor, MolGraphizer, MorganFingerprinter
from skchem_dl.datasets import load_solubility

n_threads = len(os.sched_getaffinity(0))
torch.set_num_threads(n_threads)
smiles, y = load_solubility(return_X_y=True)
"""

# Prints the names of the threads of Python during and after a fit, and what is left behind.
OBSERVED = (
    SETUP
    + """
class Names(Callback):
    def on_epoch_end(self, net, **_):
        print(*sorted({thread.name for thread in threading.enumerate()}))

environment = dict(os.environ)  # torch's optimizers set one variable
X = MorganFingerprinter().fit_transform(smiles[:100])
model = FingerprintMLPRegressor((8,), max_epochs=1, callbacks=[Names()], random_state=0)
model.fit(X, y[:100]).predict(X)
changed = dict(os.environ.items() ^ environment.items()).keys() - {"TORCHINDUCTOR_CACHE_DIR"}
print(changed or "same", torch.get_num_threads() == n_threads)
deadline = time.monotonic() + 30
while threading.active_count() > 1 and time.monotonic() < deadline:
    time.sleep(0.05)
print(threading.active_count())
"""
)

# Prints the SHA-256 of the predictions after a fit with all threads.
PREDICTED = (
    SETUP
    + """
import hashlib

for kind, make, features in (
    (FingerprintMLPRegressor, MorganFingerprinter(), {"max_epochs": 8}),
    (MolGNNRegressor, MolGraphizer(), {"max_epochs": 1}),
):
    X = make.fit_transform(smiles)
    predicted = kind(random_state=0, **features).fit(X, y).predict(X)
    print(hashlib.sha256(predicted.tobytes()).hexdigest())
"""
)

# Prints the least seconds of a fit, and of predictions, with one thread and with all of them.
TIMED = (
    SETUP
    + """
def seconds(work, *arguments):
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began

if sys.argv[1] == "mlp":
    model, X = FingerprintMLPRegressor(max_epochs=8), MorganFingerprinter().fit_transform(smiles)
else:
    model, X = MolGNNRegressor(max_epochs=1), MolGraphizer().fit_transform(smiles)
model.set_params(random_state=0).fit(X[:64], y[:64])  # what is imported or compiled is not timed
for work in (lambda: model.fit(X, y), lambda: [model.predict(X) for _ in range(5)]):
    least = {}
    for _ in range(3):
        for n in (1, n_threads):
            torch.set_num_threads(n)
            least[n] = min(least.get(n, float("inf")), seconds(work))
    print(least[1], least[n_threads])
"""
)


@contextmanager
def busy_processes():
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(N_CORES)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def lines_of(script, *arguments, **environment):
    ended = Forked(script, *arguments, **environment).wait()
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_fit_leaves_environment_threads_and_settings_as_they_were():
    during, unchanged, n_after = lines_of(OBSERVED)
    assert during == "MainThread skchem_dl"  # whose threads look after the others
    assert unchanged == "same True"
    assert n_after == "1"


@pytest.mark.parametrize(
    "setting", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "300000"}], ids=str
)
def test_what_the_user_has_set_is_respected(setting):
    during, unchanged, n_after = lines_of(OBSERVED, **setting)
    assert during == "MainThread"
    assert unchanged == "same True"
    assert n_after == "1"


@pytest.mark.slow
def test_same_bits_beside_busy_processes():
    alone = lines_of(PREDICTED)
    with busy_processes():
        assert lines_of(PREDICTED) == alone


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlp", "gnn"])
def test_all_threads_are_not_much_slower_than_one_beside_busy_processes(kind):
    with busy_processes():
        lines = lines_of(TIMED, kind)
    for line, work in zip(lines, ("fit", "predict"), strict=True):
        one, all_threads = map(float, line.split())
        # Threads that spin take 10 to 70 times as long as one.
        assert all_threads < 2.5 * one, (work, one, all_threads)


@pytest.mark.slow
def test_process_ends_at_once_and_cleanly_after_a_fit_beside_busy_processes():
    script = (
        SETUP
        + """
X = MorganFingerprinter().fit_transform(smiles)
FingerprintMLPRegressor(max_epochs=8).fit(X, y)
print({thread.name for thread in threading.enumerate()} - {"MainThread"})
"""
    )
    with busy_processes():  # a process that begins from scratch, as its true end is at issue
        ended = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=300
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "{'skchem_dl'}\n", "")
