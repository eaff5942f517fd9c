"""Seconds an epoch of our graph networks beside chemprop's and dgllife's, in turn.

    python benchmarks/gnn_epochs.py CSV --chemprop PYTHON --dgllife PYTHON [--rounds 3]

CSV is lipophilicity.csv, of which 3,360 molecules are trained on in batches of 64. PYTHON is the
interpreter of an environment that has the peer (chemprop==2.3.1; dgllife==0.3.2, dgl==1.1.3); one
that is left out is not measured. In each round every peer's process runs just before ours of the
same architecture. Printed: median seconds an epoch, and the median ratio peer to ours, with its
range over the rounds.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import torch

N_MOLECULES, EPOCHS, THREADS = 3_360, 2, 2
COLUMNS = ("smiles", "exp")
PEERS = Path(__file__).parent / "peers"
GCN = {"conv": "gcn", "hidden_dim": 64, "n_layers": 2, "skip": "residual", "batch_norm": True}
OURS = {
    "dmpnn": {"readout": "mean"},
    "dmpnn, bfloat16": {"readout": "mean", "precision": "bfloat16"},
    "gcn": {**GCN, "readout": "sum_mean_max", "head_dims": (128,)},
    # As there: four heads of 32, their mean behind the last layer, residuals, readout and head.
    # 55,218 weights against 44,834: here bonds have a say, and all categories have vectors.
    "gat": {
        **GCN,
        "conv": "gat",
        "hidden_dim": 128,
        "n_heads": 4,
        "average_heads": True,
        "batch_norm": False,
        "readout": "weighted_sum_max",
        "head_dims": (128,),
    },
    "attentivefp": {
        "conv": "attentivefp",
        "hidden_dim": 200,
        "n_layers": 2,
        "readout": "attentivefp",
        "head_dims": (),
    },
    "mpnn": {
        "conv": "mpnn",
        "hidden_dim": 64,
        "n_layers": 6,
        "readout": "set2set",
        "head_dims": (64,),
    },
}


def ours(path, name):
    """Give the seconds of each epoch but the first."""
    from skchem_dl import MolGNNRegressor, MolGraphizer

    torch.set_num_threads(THREADS)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))[:N_MOLECULES]
    graphs = MolGraphizer().fit_transform([row[COLUMNS[0]] for row in rows])
    y = np.array([float(row[COLUMNS[1]]) for row in rows])
    model = MolGNNRegressor(**OURS[name], batch_size=64, max_epochs=EPOCHS + 1, random_state=0)
    return [row["dur"] for row in model.fit(graphs, y).history_[1:]]


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def pairs(arguments):
    """Give the name of ours, the peer's, and the peer's command."""
    common = [str(arguments.file), *COLUMNS, str(N_MOLECULES), str(THREADS)]
    if arguments.chemprop:
        command = [arguments.chemprop, str(PEERS / "chemprop_epochs.py"), *common, str(EPOCHS)]
        yield "dmpnn", "chemprop", command
        yield "dmpnn, bfloat16", "chemprop", command
    if arguments.dgllife:
        script = [arguments.dgllife, str(PEERS / "dgllife_epochs.py")]
        for name, kind in (("gcn", "GCN"), ("gat", "GAT"), ("attentivefp", "AttentiveFP")):
            yield name, f"dgllife {kind}", [*script, kind, *common, str(EPOCHS)]
        # Its epoch takes most of a minute: some batches of one are enough.
        yield "mpnn", "dgllife MPNN", [*script, "MPNN", *common, "1", "5"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--chemprop")
    parser.add_argument("--dgllife")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ours", choices=OURS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        print(json.dumps(ours(arguments.file, arguments.ours)))
        return
    print("ours             s/epoch   peer                 s/epoch   peer / ours")
    for name, peer, command in pairs(arguments):
        theirs, own = [], []
        for _ in range(arguments.rounds):
            theirs.append(median(run(*command)))
            own.append(median(run(sys.executable, __file__, str(arguments.file), "--ours", name)))
        ratios = sorted(a / b for a, b in zip(theirs, own, strict=True))
        print(
            f"{name:16} {median(own):7.2f}   {peer:18} {median(theirs):9.2f}   "
            f"{median(ratios):6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
