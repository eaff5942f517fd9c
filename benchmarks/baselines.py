"""What `make_boosting_pipeline` and `make_kernel_pipeline` were chosen by, beside LightGBM.

    python benchmarks/baselines.py DATA RESULTS [--methods TEXT ...] [--sets esol ...]
    python benchmarks/baselines.py DATA RESULTS --table

DATA is the folder of the public sets (of those in moleculeace, only rows of the training split are
used). Candidates are fitted on folds of `KFold(5, shuffle=True, random_state=1)` and of
`ScaffoldKFold(5, shuffle=True, random_state=1)`, two of each and of lipophilicity one. Every fit is
a line of the file RESULTS, so that the script can be interrupted. Each is of one thread; lightgbm
must be installed for its rows, and they are left out otherwise.
"""

import argparse
import csv
import json
from importlib.util import find_spec
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skchem_dl import MolFeatureUnion
from skchem_dl.model_selection import ScaffoldKFold
from skchem_dl.pipelines import make_boosting_pipeline, make_kernel_pipeline
from skchem_dl.pipelines._kernel import MixedKernel
from skchem_dl.preprocessing import DescriptorScaler

SETS = {
    "esol": "measured log solubility in mols per litre",
    "freesolv": "expt",
    "bace": "pIC50",
    "moleculeace/CHEMBL1862_Ki": "pActivity",
    "moleculeace/CHEMBL237_Ki": "pActivity",
    "lipophilicity": "exp",
}
LARGE = ("lipophilicity",)
REFERENCE = "LightGBM, 500 x 0.05"
FP_SIZE = 2048


def counts_and_descriptors(fp_size):
    """Return a function that folds the fingerprint to fewer bits."""

    def features(X):
        folded = X[:, :FP_SIZE].reshape(len(X), FP_SIZE // fp_size, fp_size).sum(axis=1)
        return np.hstack([folded, X[:, FP_SIZE:]])

    return features


def descriptors(X):
    return X[:, FP_SIZE:]


def lightgbm():
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        n_estimators=500,
        learning_rate=0.05,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.3,
        n_jobs=1,
        verbose=-1,
        random_state=0,
    )


def boosting(n, rate, features, **options):
    return HistGradientBoostingRegressor(
        max_iter=n,
        learning_rate=rate,
        max_features=features,
        early_stopping=False,
        random_state=0,
        **{"max_bins": 64, **options},
    )


def standardized(machine):
    return TransformedTargetRegressor(machine, transformer=StandardScaler())


def radial(C):
    return make_pipeline(DescriptorScaler(), standardized(SVR(C=C)))


def mixed(gamma, linear, C=10.0, epsilon=0.1):
    machine = SVR(kernel="precomputed", C=C, epsilon=epsilon)
    return make_pipeline(MixedKernel(gamma, linear), standardized(machine))


def ready(pipeline):
    return pipeline["estimator"]


ALL = counts_and_descriptors(FP_SIZE)
HALF, QUARTER, EIGHTH = map(counts_and_descriptors, (1024, 512, 256))
# What each sees of 2,048 counts and 217 descriptors, and the estimator.
CANDIDATES = {
    REFERENCE: (ALL, lightgbm),
    "LightGBM, 512 counts": (QUARTER, lightgbm),
    "trees before: defaults, descriptors": (
        descriptors,
        lambda: HistGradientBoostingRegressor(random_state=0),
    ),
    "trees, 256 counts, 500 x 0.05, 30 % of features": (EIGHTH, lambda: boosting(500, 0.05, 0.3)),
    "trees, 512 counts, 500 x 0.05, 30 %": (QUARTER, lambda: boosting(500, 0.05, 0.3)),
    "make_boosting_pipeline(): 512 counts, 500 x 0.05, 10 %": (
        QUARTER,
        lambda: ready(make_boosting_pipeline(random_state=0)),
    ),
    "trees, 512 counts, 250 x 0.1, 30 %": (QUARTER, lambda: boosting(250, 0.1, 0.3)),
    "trees, 512 counts, 250 x 0.1, 10 %": (QUARTER, lambda: boosting(250, 0.1, 0.1)),
    "trees, 512 counts, 250 x 0.1, 10 %, l2 = 1": (
        QUARTER,
        lambda: boosting(250, 0.1, 0.1, l2_regularization=1.0),
    ),
    "trees, 512 counts, 400 x 0.05, 10 %, 15 leaves": (
        QUARTER,
        lambda: boosting(400, 0.05, 0.1, max_leaf_nodes=15),
    ),
    "trees, 1,024 counts, 250 x 0.1, 10 %": (HALF, lambda: boosting(250, 0.1, 0.1)),
    "SVR, Gaussian of descriptors, C = 10": (descriptors, lambda: radial(10.0)),
    "SVR, Gaussian of both, C = 10": (ALL, lambda: radial(10.0)),
    "SVR, mixed kernel, gamma 1, linear 0": (ALL, lambda: mixed(1.0, 0.0)),
    "SVR, mixed kernel, gamma 1, linear 0.1": (ALL, lambda: mixed(1.0, 0.1)),
    "SVR, mixed kernel, gamma 0.3, linear 0": (ALL, lambda: mixed(0.3, 0.0)),
    "SVR, mixed kernel, gamma 0.3, linear 0, C = 30": (ALL, lambda: mixed(0.3, 0.0, C=30.0)),
    "SVR, mixed kernel, gamma 0.3, linear 0, epsilon 0.05": (
        ALL,
        lambda: mixed(0.3, 0.0, epsilon=0.05),
    ),
    "SVR, mixed kernel, gamma 0.3, linear 0.1": (ALL, lambda: mixed(0.3, 0.1)),
    "SVR, mixed kernel, gamma 0.1, linear 0": (ALL, lambda: mixed(0.1, 0.0)),
    "make_kernel_pipeline(): gamma 0.3, linear 0.1, epsilon 0.05": (
        ALL,
        lambda: ready(make_kernel_pipeline()),
    ),
}


def load(folder, name):
    """Return SMILES and targets; of sets that are split, the training rows."""
    with open(folder / f"{name}.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("split", "train") == "train"]
    smiles = np.array([row["smiles"].strip() for row in rows])
    return smiles, np.array([float(row[SETS[name]]) for row in rows])


def folds(smiles, n):
    """Yield the kind and number of a fold, and its rows."""
    for kind, splitter in {
        "random": KFold(5, shuffle=True, random_state=1),
        "scaffold": ScaffoldKFold(5, shuffle=True, random_state=1),
    }.items():
        for number, (train, test) in enumerate(splitter.split(smiles)):
            if number < n:
                yield kind, number, train, test


def measure(folder, results, methods, sets):
    done = {tuple(row[:4]) for row in read(results)}
    for name in sets:
        smiles, y = load(folder, name)
        X = MolFeatureUnion().fit_transform(smiles)
        for kind, number, train, test in folds(smiles, 1 if name in LARGE else 2):
            for method in methods:
                if (name, method, kind, number) in done:
                    continue
                features, make = CANDIDATES[method]
                start, own = process_time(), features(X)
                predicted = make().fit(own[train], y[train]).predict(own[test])
                seconds = process_time() - start
                rmse = float(np.sqrt(np.mean((predicted - y[test]) ** 2)))
                r = float(np.corrcoef(predicted, y[test])[0, 1])
                with open(results, "a") as file:
                    file.write(json.dumps([name, method, kind, number, rmse, r, seconds]) + "\n")


def read(results):
    return [json.loads(line) for line in results.read_text().splitlines()]


def table(results):
    """Print RMSE relative to the reference on the same folds, its mean over the sets."""
    import pandas as pd

    columns = ["set", "method", "folds", "fold", "rmse", "r", "seconds"]
    rows = pd.DataFrame(read(results), columns=columns)
    key = ["set", "folds", "fold"]
    reference = rows[rows.method == REFERENCE].set_index(key).rmse
    rows["relative"] = rows.rmse.to_numpy() / reference.reindex(rows.set_index(key).index).values
    by_set = rows.groupby(["method", "set", "folds"])[["relative", "r"]].mean()
    wide = by_set.relative.unstack("folds").groupby("method").mean()
    wide["r"] = by_set.r.groupby("method").mean()
    large = rows[rows.set.isin(LARGE)]
    wide["seconds, lipophilicity"] = large.groupby("method").seconds.mean()
    of_sets = rows.groupby(["method", "set"]).relative.mean().unstack("set")[list(SETS)]
    order = [method for method in CANDIDATES if method in wide.index]
    for shown in (wide, of_sets):
        print("| |", " | ".join(column.rpartition("/")[2] for column in shown.columns), "|")
        print("|" + "---|" * (1 + len(shown.columns)))
        for method in order:
            values = shown.loc[method]
            print(
                f"| {method} |",
                " | ".join("" if np.isnan(value) else f"{value:.3f}" for value in values),
                "|",
            )
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--methods", nargs="*", default=[""], help="parts of their names")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    arguments.results.touch()
    methods = [name for name in CANDIDATES if any(text in name for text in arguments.methods)]
    if find_spec("lightgbm") is None:
        methods = [name for name in methods if not name.startswith("LightGBM")]
    if not arguments.table:
        measure(arguments.data, arguments.results, methods, arguments.sets)
    table(arguments.results)


if __name__ == "__main__":
    main()
