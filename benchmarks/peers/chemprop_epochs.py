"""Seconds an epoch of chemprop's default network, graphs cached; in an environment of its own.

python chemprop_epochs.py CSV SMILES_COLUMN TARGET_COLUMN N_MOLECULES THREADS EPOCHS
"""

import csv
import json
import logging
import sys
import time
import warnings

import torch
from chemprop import data, models, nn
from lightning import pytorch as pl

path, smiles_column, target_column, n, threads, epochs = sys.argv[1:]
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(int(threads))
with open(path, newline="") as file:
    rows = list(csv.DictReader(file))[: int(n)]
dataset = data.MoleculeDataset(
    [
        data.MoleculeDatapoint.from_smi(row[smiles_column], [float(row[target_column])])
        for row in rows
    ]
)
dataset.normalize_targets()
dataset.cache = True
loader = data.build_dataloader(dataset, batch_size=64, num_workers=0, shuffle=True)
model = models.MPNN(nn.BondMessagePassing(), nn.MeanAggregation(), nn.RegressionFFN())
seconds = []


class Clock(pl.Callback):
    def on_train_epoch_start(self, *arguments):
        self.began = time.perf_counter()

    def on_train_epoch_end(self, *arguments):
        seconds.append(time.perf_counter() - self.began)


pl.Trainer(
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    accelerator="cpu",
    devices=1,
    max_epochs=int(epochs) + 1,
    callbacks=[Clock()],
).fit(model, loader)
print(json.dumps(seconds[1:]))
