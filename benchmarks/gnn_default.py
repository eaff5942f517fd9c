"""Error of `MolGNNRegressor()` beside chemprop's default, fold by fold.

    python benchmarks/gnn_default.py DATA RESULTS [--chemprop PYTHON] [--sets esol bace ...]
    python benchmarks/gnn_default.py DATA RESULTS --choose

DATA is the folder of lipophilicity.csv, esol.csv, freesolv.csv and bace.csv; PYTHON the interpreter
of an environment that has chemprop==2.3.1. The first form judges: five folds of
`KFold(5, shuffle=True, random_state=0)` and three seeds, every fit a line of the file RESULTS, so
that it can be interrupted and goes on. It prints a table of both methods' RMSE and of their paired
difference. The second form is what the default was chosen by: candidates on folds of another seed.
Times are for the suite: subjects `gnn_epoch`, `predict` and `accuracy`.
"""

import argparse
import csv
import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from sklearn.model_selection import KFold

ROOT = Path(__file__).parents[1]
PEER = "benchmarks.peers.chemprop_fold"
SETS = {
    "esol": "measured log solubility in mols per litre",
    "freesolv": "expt",
    "lipophilicity": "exp",
    "bace": "pIC50",
}
N_FOLDS, N_SEEDS, THREADS = 5, 3, 2
# What was compared for the default; the first is the default.
CANDIDATES = {
    "default": {},
    "mean, 64": {"readout": "mean", "batch_size": 64},
    "sum, 64": {"readout": "sum", "batch_size": 64},
    "attention, 64": {"readout": "attention", "batch_size": 64},
    "64": {"batch_size": 64},
    "32": {"batch_size": 32},
    "64, rate 5e-4": {"batch_size": 64, "lr": 5e-4},
    "64, dropout 0.1": {"batch_size": 64, "dropout": 0.1},
}
# The default sees nothing but the graph; the other, RDKit's descriptors of the molecule too.
MODELS = {"default": {}, "with descriptors": {"descriptors": True}}


def load(folder, name):
    with open(folder / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    smiles = np.array([row["smiles"].strip() for row in rows])
    return smiles, np.array([float(row[SETS[name]]) for row in rows])


def fit_ours(folder, name, fold, seed, *, options=None, split_seed=0, descriptors=False):
    """Fit and predict from SMILES."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    from skchem_dl import MolGNNRegressor, MolGraphizer, RDKitDescriptors

    smiles, y = load(folder, name)
    train, test = list(KFold(N_FOLDS, shuffle=True, random_state=split_seed).split(y))[fold]
    features = make_pipeline(RDKitDescriptors(), SimpleImputer())
    graphizer = MolGraphizer(molecule_features=features if descriptors else None)
    model = MolGNNRegressor(random_state=seed, **(options or {}))
    model.fit(graphizer.fit_transform(smiles[train]), y[train])
    predicted = model.predict(graphizer.transform(smiles[test]))
    return {"rmse": float(np.sqrt(np.mean((predicted - y[test]) ** 2)))}


def fit_chemprop(python, folder, name, fold, seed):
    path = str(folder.resolve() / f"{name}.csv")
    columns = ["smiles", SETS[name]]
    python = str(Path(python).absolute())
    command = [python, "-m", PEER, path, *columns, str(fold), str(seed), str(THREADS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


class Results:
    """Fits that were made already, a line each."""

    def __init__(self, path):
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.rows = {self.key(**row): row for row in map(json.loads, lines)}

    @staticmethod
    def key(data, model, fold, seed, **found):
        return data, model, fold, seed

    def rmse(self, data, model, fold, seed, fit, *arguments, **options):
        """Give the RMSE of a fit, which is made if it is not on file."""
        key = data, model, fold, seed
        if key not in self.rows:
            found = fit(*arguments, data, fold, seed, **options)
            row = {**found, "data": data, "model": model, "fold": fold, "seed": seed}
            with open(self.path, "a") as file:
                file.write(json.dumps(row) + "\n")
            self.rows[key] = row
        return self.rows[key]["rmse"]


def judge(arguments, results):
    folder, runs = arguments.data, list(product(range(N_FOLDS), range(N_SEEDS)))
    print("set            model               RMSE   - chemprop   95 % up to   of chemprop's")
    for name in arguments.sets:
        peer = np.array(
            [
                results.rmse(name, "chemprop", *run, fit_chemprop, arguments.chemprop, folder)
                for run in runs
            ]
        )
        print(f"{name:14} {'chemprop':17} {peer.mean():7.4f}", flush=True)
        for model in arguments.models:
            options = MODELS[model]
            ours = np.array(
                [results.rmse(name, model, *run, fit_ours, folder, **options) for run in runs]
            )
            print(f"{name:14} {model:17} {ours.mean():7.4f} {describe(ours, peer)}", flush=True)


def describe(ours, peer):
    """Say how far the paired difference may reach."""
    difference = (ours - peer).mean()
    spread = (ours - peer).std(ddof=1) / np.sqrt(len(ours))
    bound = difference + stats.t.ppf(0.975, len(ours) - 1) * spread
    return f"{difference:10.4f} {bound:12.4f} {100 * bound / peer.mean():11.1f} %"


def choose(arguments, results):
    print("set            candidate             RMSE")
    for name, (model, options) in product(arguments.sets, CANDIDATES.items()):
        settings = {"options": options, "split_seed": 1}
        errors = [
            results.rmse(name, model, fold, fold, fit_ours, arguments.data, **settings)
            for fold in range(N_FOLDS)
        ]
        print(f"{name:14} {model:17} {np.mean(errors):8.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--chemprop")
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--choose", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.choose:
        choose(arguments, Results(arguments.results))
    else:
        judge(arguments, Results(arguments.results))


if __name__ == "__main__":
    main()
