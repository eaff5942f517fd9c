"""Seconds an epoch of dgllife's networks at their default sizes; in an environment of its own.

    python dgllife_epochs.py KIND CSV SMILES_COLUMN TARGET_COLUMN N_MOLECULES THREADS EPOCHS [N]

KIND is GCN, GAT, AttentiveFP or MPNN. With N only so many batches of each epoch are timed, and
scaled up.
"""

import csv
import json
import os
import sys
import time

os.environ.setdefault("DGLBACKEND", "pytorch")

import dgl
import torch
from dgllife.model import AttentiveFPPredictor, GATPredictor, GCNPredictor, MPNNPredictor
from dgllife.utils import CanonicalAtomFeaturizer, CanonicalBondFeaturizer, smiles_to_bigraph
from torch.utils.data import DataLoader

kind, path, smiles_column, target_column, n, threads, epochs = sys.argv[1:8]
n_batches = int(sys.argv[8]) if len(sys.argv) > 8 else None
torch.set_num_threads(int(threads))
with open(path, newline="") as file:
    rows = list(csv.DictReader(file))[: int(n)]
y = torch.tensor([[float(row[target_column])] for row in rows])
y = (y - y.mean()) / y.std()
self_loop, bonds = kind in ("GCN", "GAT"), kind in ("AttentiveFP", "MPNN")
atom_featurizer = CanonicalAtomFeaturizer()
bond_featurizer = CanonicalBondFeaturizer() if bonds else None
graphs = [
    smiles_to_bigraph(
        row[smiles_column],
        add_self_loop=self_loop,
        node_featurizer=atom_featurizer,
        edge_featurizer=bond_featurizer,
    )
    for row in rows
]


def collate(items):
    graphs, targets = zip(*items, strict=True)
    return dgl.batch(graphs), torch.stack(targets)


loader = DataLoader(
    list(zip(graphs, y, strict=True)), batch_size=64, shuffle=True, collate_fn=collate
)
edge_dim = bond_featurizer.feat_size() if bonds else None
model = {
    "GCN": lambda: GCNPredictor(in_feats=74),
    "GAT": lambda: GATPredictor(in_feats=74),
    "AttentiveFP": lambda: AttentiveFPPredictor(node_feat_size=74, edge_feat_size=edge_dim),
    "MPNN": lambda: MPNNPredictor(node_in_feats=74, edge_in_feats=edge_dim),
}[kind]()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
model.train()
seconds = []
for _ in range(int(epochs) + 1):
    began = time.perf_counter()
    for step, (graph, target) in enumerate(loader):
        if step == n_batches:
            break
        optimizer.zero_grad()
        features = (graph.ndata["h"], graph.edata["e"]) if bonds else (graph.ndata["h"],)
        ((model(graph, *features) - target) ** 2).mean().backward()
        optimizer.step()
    scale = len(loader) / n_batches if n_batches else 1.0
    seconds.append(scale * (time.perf_counter() - began))
print(json.dumps(seconds[1:]))
