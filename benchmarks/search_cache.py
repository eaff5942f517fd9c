"""What featurising costs a grid search of 12 candidates and 5 folds, in four ways.

    OMP_NUM_THREADS=1 python benchmarks/search_cache.py CSV TARGET [--column smiles] [--rows N]
                                                        [--jobs 1]

Without a cache, with that of scikit-learn's Pipeline, with that of the featuriser, and with graphs
made before the search. The network is as small as can be (one layer, one epoch), so that the rest
shows. Printed are how often each distinct SMILES was featurised, over all processes (fewest and
most), and seconds on the clock and on the processors; the caches start empty.
"""

import argparse
import csv
import resource
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skchem_dl import MolGNNRegressor, MolGraphizer

LEARNING_RATES = np.logspace(-4, -2, 12).tolist()


class CountingGraphizer(MolGraphizer):
    """Writes down what it featurises, in whatever process."""

    _parameter_constraints = {**MolGraphizer._parameter_constraints, "log": [str]}
    _not_in_rows = (*MolGraphizer._not_in_rows, "log")

    def __init__(self, log, memory=None):
        super().__init__(memory=memory)
        self.log = log

    def _featurize(self, items):
        with open(self.log, "a") as file:
            file.write("".join(f"{item}\n" for item in items))
        return super()._featurize(items)


def read(path, column, target, n_rows):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))[:n_rows]
    with rdBase.BlockLogs():
        rows = [row for row in rows if row[target] and Chem.MolFromSmiles(row[column]) is not None]
    return [row[column].strip() for row in rows], np.array([float(row[target]) for row in rows])


def search(model, prefix, X, y, n_jobs):
    grid = {f"{prefix}lr": LEARNING_RATES}
    return GridSearchCV(model, grid, cv=5, n_jobs=n_jobs, error_score="raise").fit(X, y)


def network():
    return MolGNNRegressor(
        hidden_dim=16, n_layers=1, head_dims=(16,), max_epochs=1, batch_size=256, random_state=0
    )


def pipeline(featurizer, **params):
    return Pipeline([("featurizer", featurizer), ("estimator", network())], **params)


def ways(make, folder, smiles, y, n_jobs):
    """Give a name and a search for each."""
    piped = "estimator__"
    return {
        "no cache": lambda: search(pipeline(make()), piped, smiles, y, n_jobs),
        "Pipeline(memory=)": lambda: search(
            pipeline(make(), memory=f"{folder}/pipeline"), piped, smiles, y, n_jobs
        ),
        "MolGraphizer(memory=)": lambda: search(
            pipeline(make(memory=f"{folder}/featurizer")), piped, smiles, y, n_jobs
        ),
        "graphs first": lambda: search(network(), "", make().fit_transform(smiles), y, n_jobs),
    }


def cpu_seconds():
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv")
    parser.add_argument("target")
    parser.add_argument("--column", default="smiles")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    smiles, y = read(arguments.csv, arguments.column, arguments.target, arguments.rows)
    n_jobs = arguments.jobs
    print(f"{len(smiles)} molecules, {len(set(smiles))} distinct, {n_jobs} processes")
    search(network(), "", MolGraphizer().fit_transform(smiles[:600]), y[:600], n_jobs)  # warm up
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        make = partial(CountingGraphizer, str(log))
        for name, run in ways(make, folder, smiles, y, n_jobs).items():
            log.write_text("")
            start = time.perf_counter(), cpu_seconds()
            scores.append(run().cv_results_["mean_test_score"])
            wall, cpu = time.perf_counter() - start[0], cpu_seconds() - start[1]
            times = Counter(log.read_text().split()).values()
            line = f"{name:22s} featurised {min(times)} to {max(times)} times, {wall:6.1f} s"
            print(line if n_jobs > 1 else f"{line}, on the processor {cpu:6.1f} s", flush=True)
            np.testing.assert_array_equal(scores[0], scores[-1])


if __name__ == "__main__":
    # As a module of this name, so that worker processes find the class in it.
    from search_cache import main

    main()
