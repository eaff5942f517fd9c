"""What fine-tuning of pretrained weights was chosen by, beside a network from random weights.

    python benchmarks/pretraining.py DATA RESULTS [--methods TEXT ...] [--sets esol ...]
    python benchmarks/pretraining.py DATA RESULTS --table

DATA is the folder of the public sets (of those in moleculeace, only rows of the training split are
used). Candidates are fitted on the first folds of `KFold(5, shuffle=True, random_state=1)` and of
`ScaffoldKFold(5, shuffle=True, random_state=1)`. Every fit is a line of the file RESULTS, so that
the script can be interrupted. Each is of one thread.
"""

import argparse
import json
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import torch
from baselines import SETS, folds, load, read
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skchem_dl.pipelines import (
    make_boosting_pipeline,
    make_consensus_pipeline,
    make_gnn_pipeline,
    make_kernel_pipeline,
)
from skchem_dl.pretraining import PretrainedEmbedder

REFERENCE = "network from random weights"
N_FOLDS = 1


def network(**params):
    return make_gnn_pipeline(random_state=0, on_invalid="nan", **params)


def tuned(epochs=20, lr_factor=None, **params):
    model = network(pretrained="base-v1", max_epochs=epochs, **params)
    if lr_factor is not None:
        model[-1]._pretrained_lr_factor = lr_factor
    return model


def on_embeddings(regressor):
    scaled = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    return make_pipeline(PretrainedEmbedder(), StandardScaler(), scaled)


CANDIDATES = {
    REFERENCE: lambda: network(pretrained=None),
    "boosted trees": lambda: make_boosting_pipeline(random_state=0),
    "kernel": make_kernel_pipeline,
    "ridge on embeddings": lambda: on_embeddings(RidgeCV(np.logspace(0, 5, 11))),
    "SVR on embeddings": lambda: on_embeddings(SVR(C=10, epsilon=0.05, gamma=0.3 / 450)),
    "fine-tuned, 20 epochs": tuned,
    "fine-tuned, 20 epochs, all at one rate": lambda: tuned(lr_factor=1.0),
    "fine-tuned, 20 epochs, a tenth of the rate": lambda: tuned(lr_factor=0.1),
    "fine-tuned, 17 epochs": lambda: tuned(17),
    "fine-tuned, 12 epochs": lambda: tuned(12),
    "fine-tuned, 40 epochs": lambda: tuned(40),
    "fine-tuned, 20 epochs, twice the rate": lambda: tuned(lr=2e-3),
    "fine-tuned, 20 epochs, half the rate": lambda: tuned(lr=5e-4),
    "fine-tuned, 20 epochs, dropout 0.1": lambda: tuned(dropout=0.1),
    "consensus": lambda: make_consensus_pipeline(random_state=0),
}


def measure(folder, results, methods, sets):
    done = {tuple(row[:4]) for row in read(results)}
    for name in sets:
        smiles, y = load(folder, name)
        for kind, number, train, test in folds(smiles, N_FOLDS):
            for method in methods:
                if (name, method, kind, number) in done:
                    continue
                start = process_time()
                model = CANDIDATES[method]().fit(smiles[train], y[train])
                seconds = process_time() - start
                error = model.predict(smiles[test]) - y[test]
                rmse = float(np.sqrt(np.mean(error**2)))
                with open(results, "a") as file:
                    file.write(json.dumps([name, method, kind, number, rmse, seconds]) + "\n")


def table(results):
    """Print RMSE and seconds relative to the reference on the same folds."""
    columns = ["set", "method", "folds", "fold", "rmse", "seconds"]
    rows = pd.DataFrame(read(results), columns=columns)
    key = ["set", "folds", "fold"]
    reference = rows[rows.method == REFERENCE].set_index(key)
    ours = rows.set_index(key)
    for column in ("rmse", "seconds"):
        rows[column] = (ours[column] / reference[column].reindex(ours.index)).to_numpy()
    order = [method for method in CANDIDATES if method in set(rows.method)]
    means = rows.groupby(["method", "folds"])["rmse"].mean().unstack("folds")
    means["seconds"] = rows.groupby("method").seconds.mean()
    by_set = rows.groupby(["method", "set"])["rmse"].mean().unstack("set")
    shown = means.join(by_set[[name for name in SETS if name in by_set]]).loc[order]
    shown.columns = [column.rpartition("/")[2] for column in shown.columns]
    print("| |", " | ".join(shown.columns), "|")
    print("|" + "---|" * (1 + len(shown.columns)))
    for method, values in shown.iterrows():
        cells = ("" if np.isnan(value) else f"{value:.3f}" for value in values)
        print(f"| {method} |", " | ".join(cells), "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--methods", nargs="*", default=[""], help="parts of their names")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.results.touch()
    methods = [name for name in CANDIDATES if any(text in name for text in arguments.methods)]
    if not arguments.table:
        measure(arguments.data, arguments.results, methods, arguments.sets)
    table(arguments.results)


if __name__ == "__main__":
    main()
