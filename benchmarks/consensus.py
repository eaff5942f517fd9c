"""What the defaults of `make_consensus_pipeline` were chosen by.

    python benchmarks/consensus.py DATA RESULTS [--sets esol freesolv] [--folds 2] [--epochs 15]
    python benchmarks/consensus.py DATA RESULTS --table

DATA is the folder of the public sets. Members are fitted on folds of
`KFold(5, shuffle=True, random_state=1)` and of `ScaffoldKFold(5, shuffle=True, random_state=1)`:
on all training molecules, and on inner folds of these, random ones and whole scaffolds. What they
predict is kept in the folder RESULTS, one file a fold, so that the script can be interrupted; the
table combines it in different ways, without any further fit. Everything is of one thread.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import GroupKFold, KFold

from skchem_dl import MolFeatureUnion, MolGraphizer
from skchem_dl.model_selection import ScaffoldKFold, scaffold_groups
from skchem_dl.pipelines import make_consensus_pipeline
from skchem_dl.pipelines._consensus._weights import squared_error_weights

SETS = {
    "esol": "measured log solubility in mols per litre",
    "freesolv": "expt",
    "bace": "pIC50",
    "lipophilicity": "exp",
}
NAMES = ("network", "kernel", "trees")
SHRINKAGES = (np.inf, 1000, 300, 100, 30, 0)


def load(folder, name):
    with open(folder / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([r["smiles"] for r in rows]), np.array([float(r[SETS[name]]) for r in rows])


def fitted(name, graphs, y, seed, epochs):
    params = {"max_epochs": epochs}
    consensus = make_consensus_pipeline(network_params=params)["estimator"]
    member = dict(consensus.estimators)[name]
    seeds = [p for p in member.get_params() if p.endswith("random_state")]
    return member.set_params(**dict.fromkeys(seeds, seed)).fit(graphs, y)


def inner_folds(train, groups):
    random = {f"random {k}": KFold(k, shuffle=True, random_state=0) for k in (3, 5)}
    found = {name: list(cv.split(train)) for name, cv in random.items()}
    whole = GroupKFold(3, shuffle=True, random_state=0)
    return found | {"scaffold 3": list(whole.split(train, groups=groups[train]))}


def predictions(graphs, y, train, test, groups, epochs):
    """Return what members predict: of fits on all rows, (3, m); on folds, (k, 3, m) and (3, n)."""
    found = {"y_train": y[train], "y_test": y[test]}
    whole = [fitted(name, graphs[train], y[train], 0, epochs) for name in NAMES]
    found["whole"] = np.array([model.predict(graphs[test]) for model in whole])
    for kind, folds in inner_folds(train, groups).items():
        held_out = np.full((len(NAMES), len(train)), np.nan)
        committee = np.empty((len(folds), len(NAMES), len(test)))
        for k, (inner, rest) in enumerate(folds):
            for m, name in enumerate(NAMES):
                model = fitted(name, graphs[train[inner]], y[train[inner]], k, epochs)
                held_out[m, rest] = model.predict(graphs[train[rest]])
                committee[k, m] = model.predict(graphs[test])
        found[f"{kind} held out"], found[f"{kind} committee"] = held_out, committee
    return found


def run(arguments):
    arguments.results.mkdir(exist_ok=True)
    for name in arguments.sets:
        X, y = load(arguments.data, name)
        graphs = MolGraphizer(molecule_features=MolFeatureUnion()).fit_transform(X)
        groups = scaffold_groups(X)
        splitters = {
            "random": KFold(5, shuffle=True, random_state=1),
            "scaffold": ScaffoldKFold(5, shuffle=True, random_state=1),
        }
        for kind, splitter in splitters.items():
            for fold, (train, test) in enumerate(splitter.split(X, y)):
                path = arguments.results / f"{name}-{kind}-{fold}.npz"
                if fold < arguments.folds and not path.exists():
                    found = predictions(graphs, y, train, test, groups, arguments.epochs)
                    np.savez(path, **found)


def rmse(predicted, y):
    return float(np.sqrt(np.mean((predicted - y) ** 2)))


def combined(results, kind, shrinkage, *, committee):
    """Return the error of the weighted mean of models fitted on all rows, or on folds."""
    held_out, y = results[f"{kind} held out"], results["y_train"]
    weights = squared_error_weights(y, held_out, np.ones(len(y)), shrinkage)
    models = results[f"{kind} committee"].mean(axis=0) if committee else results["whole"]
    return rmse(weights @ models, results["y_test"])


def rows_of_table():
    """Yield what to compare: its name, and the function of the results of a fold."""
    for m, name in enumerate(NAMES):
        yield name, lambda r, m=m: rmse(r["whole"][m], r["y_test"])
    yield (
        "the best of them by held-out molecules",
        lambda r: rmse(r["whole"][best(r)], r["y_test"]),
    )
    for kind in ("random 3", "random 5", "scaffold 3"):
        for committee in (False, True):
            what = "models of the folds" if committee else "fitted on all"
            for shrinkage in SHRINKAGES:
                yield (
                    f"{kind}, {what}, shrinkage {shrinkage}",
                    lambda r, k=kind, s=shrinkage, c=committee: combined(r, k, s, committee=c),
                )


def best(results):
    errors = results["random 3 held out"] - results["y_train"]
    return int(np.argmin(np.mean(errors**2, axis=1)))


def table(folder):
    files = sorted(folder.glob("*.npz"))
    folds = [dict(np.load(file)) for file in files]
    reference = np.array([combined(r, "random 3", 100, committee=False) for r in folds])
    print(f"| | relative | {' | '.join(file.stem for file in files)} |")
    print("|---|---|" + "---|" * len(files))
    for name, error_of in rows_of_table():
        errors = np.array([error_of(results) for results in folds])
        cells = " | ".join(f"{error:.3f}" for error in errors)
        print(f"| {name} | {np.mean(errors / reference):.3f} | {cells} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--sets", nargs="+", default=["esol", "freesolv"], choices=SETS)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.table:
        run(arguments)
    table(arguments.results)
