"""What it costs to find similar molecules among 40,000, and to cluster and pick from them.

    OMP_NUM_THREADS=1 python benchmarks/similarity.py HIV_CSV [--column smiles] [--rows N]
    OMP_NUM_THREADS=1 python benchmarks/similarity.py LIPOPHILICITY_CSV --target exp

The first prints milliseconds a query for the five nearest, by our index and by other ways to the
same similarities (which are compared), then seconds and the peak of resident memory of each
clustering and picking, in processes of their own. The second fits the baseline of neighbours and
scikit-learn's own on the first of five random folds: errors and seconds. All times are of one
processor.
"""

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy.sparse as sp
from rdkit import DataStructs
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skchem_dl import MorganFingerprinter
from skchem_dl.features._molecules import parse_molecules
from skchem_dl.pipelines import make_neighbors_pipeline
from skchem_dl.similarity import (
    ButinaClustering,
    MaxMinPicker,
    SimilaritySearch,
    TanimotoNeighbors,
)

K = 5
N_QUERIES = 200
# Each in a process of its own, for the peak of its memory.
ALONE = {
    "the fingerprints alone": None,
    "ButinaClustering(0.35)": ButinaClustering(0.35),
    "ButinaClustering(0.65)": ButinaClustering(0.65),
    "ButinaClustering(0.99)": ButinaClustering(0.99),
    "MaxMinPicker(1000)": MaxMinPicker(1000, random_state=0),
}


def read_columns(path, *columns):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [[row[column] for row in rows] for column in columns]


def seconds(function, *arguments):
    """Give seconds of the processor, which mean more on a busy machine, and the result."""
    start = time.process_time()
    result = function(*arguments)
    return time.process_time() - start, result


def by_rdkit(X, queries):
    """Give a function from a query's number to its similarities; so do the others."""
    packed, packed_queries = (np.packbits(part, axis=1, bitorder="little") for part in (X, queries))
    vectors = [DataStructs.CreateFromBinaryText(row.tobytes()) for row in packed]
    wanted = [DataStructs.CreateFromBinaryText(row.tobytes()) for row in packed_queries]
    return lambda i: np.array(DataStructs.BulkTanimotoSimilarity(wanted[i], vectors))


def by_popcount(X, queries):
    words, wanted = (np.packbits(part, axis=1).view(np.uint64) for part in (X, queries))
    words = np.ascontiguousarray(words.T)
    n_bits, wanted_bits = X.sum(axis=1), queries.sum(axis=1)

    def similarities(i):
        both = np.zeros(len(X), dtype=np.uint16)
        for stored, word in zip(words, wanted[i], strict=True):
            if word:
                both += np.bitwise_count(stored & word)
        return both / np.maximum(n_bits + wanted_bits[i] - both.astype(float), 1)

    return similarities


def by_product(X, queries):
    X, queries = X.astype(np.float32), queries.astype(np.float32)
    n_bits, wanted_bits = X.sum(axis=1), queries.sum(axis=1)

    def similarities(i):
        both = (X @ queries[i]).astype(float)
        return both / np.maximum(n_bits + wanted_bits[i] - both, 1)

    return similarities


def compare_searches_and_clusters(texts):
    smiles = parse_molecules(texts).texts
    took, X = seconds(MorganFingerprinter().fit_transform, smiles)
    print(f"fingerprints of {len(X):,} molecules: {took:.1f} s")
    search(smiles, X)
    print(f"{'':26}{'s':>7}{'peak, MB':>10}{'found':>8}")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/fingerprints.npz"
        sp.save_npz(path, sp.csr_array(X))
        for name in ALONE:
            command = [sys.executable, __file__, path, "--only", name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            took, megabytes, found = map(float, done.stdout.split())
            print(f"{name:26}{took:7.1f}{megabytes:10.0f}{found:8.0f}", flush=True)


def search(smiles, X):
    """Print milliseconds a query."""
    rows = np.random.default_rng(0).choice(len(X), N_QUERIES, replace=False)
    queries = X[rows]
    took, neighbors = seconds(TanimotoNeighbors(K).fit, X)
    print(f"TanimotoNeighbors.fit: {took:.2f} s\n\nms a query:")
    took, (distances, _) = seconds(neighbors.kneighbors, queries)
    print(f"  {'TanimotoNeighbors.kneighbors':34}{took / N_QUERIES * 1e3:8.2f}")
    took, _ = seconds(lambda: [neighbors.kneighbors(queries[i : i + 1]) for i in range(N_QUERIES)])
    print(f"  {'the same, one query a call':34}{took / N_QUERIES * 1e3:8.2f}")
    engine = SimilaritySearch(K).fit(smiles)
    took, _ = seconds(lambda: [engine.nearest([smiles[row]]) for row in rows])
    print(f"  {'SimilaritySearch.nearest([smiles])':34}{took / N_QUERIES * 1e3:8.2f}")
    ways = {"RDKit's bulk similarity": by_rdkit, "float32 product": by_product}
    if hasattr(np, "bitwise_count"):  # from numpy 2
        ways["packed bits, bitwise_count"] = by_popcount
    for name, way in ways.items():
        similarities = way(X, queries)
        took, found = seconds(lambda s=similarities: [np.sort(s(i))[-K:] for i in range(N_QUERIES)])
        assert np.array_equal(1 - np.array(found)[:, ::-1], distances)
        print(f"  {name:34}{took / N_QUERIES * 1e3:8.2f}")
    peer = NearestNeighbors(n_neighbors=K, metric="jaccard", algorithm="brute").fit(X.astype(bool))
    took, (found, _) = seconds(peer.kneighbors, queries[:20].astype(bool))
    np.testing.assert_allclose(found, distances[:20])
    print(f"  {'scikit-learn, metric=jaccard':34}{took / 20 * 1e3:8.2f}\n")


def run_alone(name, path):
    """Print seconds, the peak of resident memory in MB, and how many clusters or picks."""
    X = sp.load_npz(path)
    took, fitted = (0.0, None) if ALONE[name] is None else seconds(ALONE[name].fit, X)
    found = getattr(fitted, "cluster_center_indices_", getattr(fitted, "selected_indices_", ()))
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(found))


def compare_predictors(smiles, y):
    """Print errors and seconds on the first of five random folds."""
    smiles, y = np.array(smiles, dtype=object), np.array(y, dtype=float)
    train, test = next(KFold(5, shuffle=True, random_state=0).split(y))
    jaccard = make_pipeline(
        MorganFingerprinter(),
        FunctionTransformer(lambda X: X.astype(bool)),
        KNeighborsRegressor(K, metric="jaccard", algorithm="brute", weights="distance"),
    )
    models = {
        "make_neighbors_pipeline": make_neighbors_pipeline(n_neighbors=K),
        "the same on bits": make_neighbors_pipeline(
            n_neighbors=K, featurizer=MorganFingerprinter()
        ),
        "KNeighborsRegressor, jaccard": jaccard,
    }
    print(f"{'':30}{'RMSE':>7}{'fit, s':>9}{'predict, s':>12}")
    for name, model in models.items():
        fit, _ = seconds(model.fit, smiles[train], y[train])
        predict, predicted = seconds(model.predict, smiles[test])
        rmse = root_mean_squared_error(y[test], predicted)
        print(f"{name:30}{rmse:7.4f}{fit:9.2f}{predict:12.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", help="hiv.csv, or lipophilicity.csv with --target exp")
    parser.add_argument("--column", default="smiles")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--target")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        run_alone(arguments.only, arguments.file)
    elif arguments.target:
        compare_predictors(*read_columns(arguments.file, arguments.column, arguments.target))
    else:
        (texts,) = read_columns(arguments.file, arguments.column)
        compare_searches_and_clusters(texts[: arguments.rows])


if __name__ == "__main__":
    main()
