"""What training costs over a bare torch loop of the same network and batches.

    python benchmarks/overhead.py LIPOPHILICITY_CSV [--rounds 5]

The file has columns ``smiles`` and ``exp``; 3,360 of its molecules are trained on. Three ways take
turns in one process: the bare loop, `fit`, and `fit` with `log_dir` and `checkpoint_dir` set, all
else at its default. Printed are the median seconds of each, and the median and spread of the ratio
to the bare loop of the same round.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn import functional as F

from skchem_dl import (
    FingerprintMLPRegressor,
    MolGNNRegressor,
    MolGraphizer,
    MorganFingerprinter,
)
from skchem_dl.nn import GNN, MLP, GraphBatch

N_MOLECULES = 3_360
LR = 1e-3


def bare_loop(make_network, make_batch, y, batch_size, max_epochs):
    torch.manual_seed(0)
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=LR, fused=True)
    targets = torch.from_numpy(((y - y.mean()) / y.std()).astype(np.float32))[:, None]
    network.train()
    for _ in range(max_epochs):
        for rows in torch.randperm(len(y)).split(batch_size):
            optimizer.zero_grad()
            loss = F.mse_loss(network(make_batch(rows)), targets[rows])
            loss.backward()
            optimizer.step()


def mlp(smiles, y):
    """The course's network, on fingerprints."""
    X = MorganFingerprinter().fit_transform(smiles)
    dense = torch.from_numpy(X.astype(np.float32))
    options = {"hidden_dims": (1024, 256), "batch_size": 256, "max_epochs": 40}
    return (
        lambda: bare_loop(
            lambda: MLP(2048, 1, (1024, 256), dropout=0.2), dense.__getitem__, y, 256, 40
        ),
        lambda **more: FingerprintMLPRegressor(**options, **more).fit(X, y),
    )


def dmpnn(smiles, y):
    """The default graph network."""
    graphs = MolGraphizer().fit_transform(smiles)
    fitted = MolGNNRegressor(max_epochs=1).fit(graphs[:10], y[:10])
    arguments = {
        name.removeprefix("module__"): value
        for name, value in fitted.net_.get_params(deep=False).items()
        if name.startswith("module__")
    }
    return (
        lambda: bare_loop(
            lambda: GNN(**arguments),
            lambda rows: GraphBatch.from_graphs(graphs[rows.numpy()]),
            y,
            64,
            6,
        ),
        lambda **more: MolGNNRegressor(max_epochs=6, **more).fit(graphs, y),
    )


def seconds(function, **options):
    began = time.perf_counter()
    function(**options)
    return time.perf_counter() - began


def compare(name, bare, fit, rounds):
    times = {"bare loop": [], "fit": [], "fit, logged and checkpointed": []}
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            options = {"log_dir": folder + "/runs", "checkpoint_dir": folder + "/checkpoints"}
            times["bare loop"].append(seconds(bare))
            times["fit"].append(seconds(fit))
            times["fit, logged and checkpointed"].append(seconds(fit, **options))
    print(f"\n{name}, {torch.get_num_threads()} threads, {rounds} rounds")
    for way, found in times.items():
        found = found[1:]  # the first round imports and allocates
        ratios = sorted(a / b for a, b in zip(found, times["bare loop"][1:], strict=True))
        print(
            f"  {way:30} {median(found):7.2f} s   ratio {median(ratios):.3f} "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="lipophilicity.csv")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with arguments.file.open(newline="") as file:
        rows = list(csv.DictReader(file))[:N_MOLECULES]
    smiles = [row["smiles"] for row in rows]
    y = np.array([float(row["exp"]) for row in rows])
    for case in (mlp, dmpnn):
        compare(case.__name__, *case(smiles, y), arguments.rounds)


if __name__ == "__main__":
    main()
