"""What a fit with the default number of threads takes beside other processes, over one thread.

    python benchmarks/threads.py [--rounds 5] [--kinds mlp cnn gnn] [--ways default passive]

Each way of computing is a process of its own, and the ways take turns: with one thread, as users
have it by default, with threads that only sleep (OMP_WAIT_POLICY=passive), and with threads that
spin as GNU OpenMP lets them by default. Each is measured alone, beside as many busy processes as
there are cores, and in two or four processes at once that do the same. Printed are the median
seconds with one thread, and of the other ways the median ratio to it within a round. What spins
beside others is so slow that it runs in the first round only; --ways leaves it out. Alone means on
a machine without other work: the last column is the load average.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median

BASE = "one thread"
SPINNING = "spinning"
WAYS = {
    BASE: {"OMP_NUM_THREADS": "1"},
    "default": {},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    SPINNING: {"GOMP_SPINCOUNT": "300000"},  # libgomp's default; skchem_dl leaves it at that
}
# Processes at once that compute the same, and others that are busy.
SCENES = {
    "alone": (1, 0),
    "beside busy processes": (1, os.cpu_count()),
    "two at once": (2, 0),
    "four at once": (4, 0),
}
EPOCHS = {"mlp": 16, "cnn": 4, "gnn": 2}
N_PREDICTIONS = 5


def work():
    """Fit or predict as often as a line on standard input asks for it, and print the seconds."""
    from skchem_dl import (
        FingerprintMLPRegressor,
        MolGNNRegressor,
        MolGraphizer,
        MorganFingerprinter,
        SmilesCNNRegressor,
        SmilesTokenizer,
    )
    from skchem_dl.datasets import load_solubility

    smiles, y = load_solubility(return_X_y=True)
    parts = {
        "mlp": (MorganFingerprinter(sparse_output=True), FingerprintMLPRegressor),
        "cnn": (SmilesTokenizer(), SmilesCNNRegressor),
        "gnn": (MolGraphizer(), MolGNNRegressor),
    }
    fitted = {}
    for kind, (featurizer, network) in parts.items():
        features = featurizer.fit_transform(smiles)
        model = network(max_epochs=EPOCHS[kind], random_state=0)
        fitted[kind] = model.fit(features, y), features
    print("ready", flush=True)
    for line in sys.stdin:
        kind, what = line.split()
        model, features = fitted[kind]
        began = time.perf_counter()
        if what == "fit":
            model.fit(features, y)
        else:
            for _ in range(N_PREDICTIONS):
                model.predict(features)
        print(time.perf_counter() - began, flush=True)


class Worker:
    def __init__(self, settings):
        ours = {name for way in WAYS.values() for name in way}
        environment = {k: v for k, v in os.environ.items() if k not in ours} | settings
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        if self.read() != "ready":
            raise RuntimeError("A worker did not start.")

    def ask(self, kind, what):
        print(kind, what, file=self._process.stdin, flush=True)

    def read(self):
        return self._process.stdout.readline().strip()

    def end(self):
        self._process.kill()
        self._process.wait()


@contextmanager
def busy(n_processes):
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(n_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def seconds(workers, kind, what):
    """Let workers do the same at once; the mean of their seconds."""
    for worker in workers:
        worker.ask(kind, what)
    return sum(float(worker.read()) for worker in workers) / len(workers)


def measure(workers, scene, arguments):
    n_processes, n_busy = SCENES[scene]
    found = {(kind, way): [] for kind in arguments.kinds for way in workers}
    for number in range(arguments.rounds):
        for kind in arguments.kinds:
            for way in workers:
                if way == SPINNING and scene != "alone" and number > 0:
                    continue
                with busy(n_busy):
                    took = seconds(workers[way][:n_processes], kind, arguments.what)
                found[kind, way].append(took)
    for kind in arguments.kinds:
        base = found[kind, BASE]
        ratios = [
            median(a / b for a, b in zip(found[kind, way], base, strict=False))
            for way in arguments.ways
        ]
        with open("/proc/loadavg") as file:
            load = file.read().split()[0]
        print(
            f"{kind:4} {scene:22} {median(base):9.2f} s"
            + "".join(f"{ratio:10.2f}" for ratio in ratios)
            + f"   {load}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=EPOCHS, default=list(EPOCHS))
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=list(SCENES))
    others = [way for way in WAYS if way != BASE]
    parser.add_argument("--ways", nargs="+", choices=others, default=others)
    parser.add_argument("--what", choices=["fit", "predict"], default="fit")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work()
        return
    most = max(SCENES[scene][0] for scene in arguments.scenes)
    workers = {way: [Worker(WAYS[way]) for _ in range(most)] for way in (BASE, *arguments.ways)}
    print(f"{os.cpu_count()} cores; {arguments.what}; seconds with one thread, then ratios to it")
    print(f"{'':27} {BASE:>11}" + "".join(f"{way:>10}" for way in arguments.ways) + "   load")
    try:
        for scene in arguments.scenes:
            measure(workers, scene, arguments)
    finally:
        for way in workers.values():
            for worker in way:
                worker.end()


if __name__ == "__main__":
    main()
