"""What worker processes bring to a search, and how many threads each of them uses.

    python benchmarks/search_threads.py [--model mlp] [--rounds 3] [--molecules 300] [--epochs 4]

A grid of 12 candidates and 3 folds over `make_mlp_pipeline`, or over graphs made once, in ways of
running it that take turns: in this process, in two worker processes as joblib starts them, in two
that are given two threads each, and in two threads. Printed are the threads that torch had in the
fits, the median seconds of the search, and those of the first search, which starts the workers. Run
it without OMP_NUM_THREADS to see what users see.
"""

import argparse
import os
import time
from statistics import median

import joblib
import numpy as np
import torch
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV

from skchem_dl import MolGNNRegressor, MolGraphizer
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import param_space
from skchem_dl.pipelines import make_mlp_pipeline

WAYS = {
    "n_jobs=1": (1, {"backend": "loky"}),
    "n_jobs=2": (2, {"backend": "loky"}),
    "n_jobs=2, 2 threads each": (2, {"backend": "loky", "inner_max_num_threads": 2}),
    'n_jobs=2, backend="threading"': (2, {"backend": "threading"}),
}


def score_and_threads(model, X, y):
    """Score, and tell how many threads torch has where the model was fitted."""
    r2 = get_scorer("r2")(model, X, y)
    return {"r2": r2, "threads": torch.get_num_threads()}


def search(model, space, X, y, n_jobs):
    grid = GridSearchCV(
        model,
        space,
        cv=3,
        n_jobs=n_jobs,
        scoring=score_and_threads,
        refit=False,
        error_score="raise",
    )
    began = time.perf_counter()
    grid.fit(X, y)
    return time.perf_counter() - began, grid.cv_results_


def compare(name, model, X, y, rounds):
    space = param_space(model)
    seconds = {way: [] for way in WAYS}
    first = {way: [] for way in WAYS}
    threads, scores = {}, {}
    for _ in range(rounds):
        for way, (n_jobs, backend) in WAYS.items():
            with joblib.parallel_config(**backend):
                took, results = search(model, space, X, y, n_jobs)
                first[way].append(took)
                print(f"  {way}: {took:.1f} s", flush=True)
                seconds[way].append(search(model, space, X, y, n_jobs)[0])
            threads[way] = sorted({int(n) for n in results["mean_test_threads"]})
            scores[way] = results["mean_test_r2"]
    print(f"\n{name}: 12 candidates x 3 folds, {len(y)} molecules, {rounds} rounds")
    for way in WAYS:
        took = seconds[way]
        apart = np.abs(scores[way] - scores["n_jobs=1"]).max()
        print(
            f"  {way:30} torch threads {threads[way]}  {median(took):6.1f} s ({min(took):.1f} to "
            f"{max(took):.1f}), the first {median(first[way]):.1f} s; R2 differs by {apart:.0e}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=["mlp", "gnn"], default="mlp")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--molecules", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    X, y = load_solubility(return_X_y=True)
    X, y = X[: arguments.molecules], y[: arguments.molecules]
    print(
        f"{joblib.cpu_count()} processors, torch threads here {torch.get_num_threads()}, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}",
        flush=True,
    )
    options = {"max_epochs": arguments.epochs, "random_state": 0}
    if arguments.model == "mlp":
        compare("make_mlp_pipeline", make_mlp_pipeline(**options), X, y, arguments.rounds)
    else:
        graphs = MolGraphizer().fit_transform(X)
        compare(
            "MolGNNRegressor on graphs", MolGNNRegressor(**options), graphs, y, arguments.rounds
        )


if __name__ == "__main__":
    main()
