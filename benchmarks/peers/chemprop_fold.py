"""One cross-validation fit of chemprop's default network; in an environment of its own.

python -m benchmarks.peers.chemprop_fold CSV SMILES_COLUMN TARGET_COLUMN FOLD SEED THREADS

The outer fold is of `KFold(5, shuffle=True, random_state=0)`. Its scatters are written as
`index_add`: the same sums in half the time, since only the error matters here. Prints a line of
JSON with the test rows' RMSE.
"""

import csv
import json
import sys
import warnings

import numpy as np
import torch
from sklearn.model_selection import KFold

from benchmarks.peers.with_chemprop import fit, quicken


def main():
    path, smiles_column, target, fold, seed, threads = sys.argv[1:]
    warnings.filterwarnings("ignore")
    torch.set_num_threads(int(threads))
    quicken()
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    smiles = np.array([row[smiles_column].strip() for row in rows])
    y = np.array([float(row[target]) for row in rows])
    train, test = list(KFold(5, shuffle=True, random_state=0).split(y))[int(fold)]
    predict = fit(smiles[train], y[train], seed=int(seed))
    rmse = float(np.sqrt(np.mean((predict(smiles[test]) - y[test]) ** 2)))
    print(json.dumps({"fold": int(fold), "seed": int(seed), "rmse": rmse}))


if __name__ == "__main__":
    main()
