"""The same networks as ours in plain torch and plain skorch, as a user would write them."""

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from skorch import NeuralNetRegressor
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence


def fingerprints(smiles, counts=False):
    """Featurise in a loop over RDKit, into the float32 that skorch wants."""
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    make = generator.GetCountFingerprintAsNumPy if counts else generator.GetFingerprintAsNumPy
    return np.stack([make(Chem.MolFromSmiles(text)) for text in smiles]).astype(np.float32)


class MLP(nn.Sequential):
    """Linear layers, each but the last followed by ReLU and dropout."""

    def __init__(self, hidden_dims=(1024, 256), dropout=0.5, in_dim=2048):
        dims = [in_dim, *hidden_dims]
        layers = []
        for i, width in enumerate(hidden_dims):
            layers += [nn.Linear(dims[i], width), nn.ReLU(), nn.Dropout(dropout)]
        super().__init__(*layers, nn.Linear(dims[-1], 1))


class PaddedCNN(nn.Module):
    """Our `CNN` at its default sizes, over rectangles of padded rows and under a mask."""

    def __init__(self, n_tokens, width=64, kernel_sizes=(3, 5, 7), dropout=0.2):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, width, padding_idx=0)
        self.branches = nn.ModuleList(
            nn.Conv1d(width, width, size, padding=size // 2) for size in kernel_sizes
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(width * len(kernel_sizes), 256),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(256, 1),
        )

    def forward(self, codes):
        padding = (codes == 0)[:, None]
        tokens = self.embedding(codes).transpose(1, 2)
        pooled = [
            F.relu(branch(tokens)).masked_fill(padding, float("-inf")).amax(2)
            for branch in self.branches
        ]
        return self.head(torch.cat(pooled, 1))


def padded(rows):
    """Give a function that makes a batch of code rows of unequal length, as a collate would."""
    rows = [torch.from_numpy(row[row != 0].astype(np.int64)) for row in rows]
    return lambda chosen: pad_sequence([rows[i] for i in chosen], batch_first=True)


def bare_fit(network, make_batch, y, batch_size, epochs):
    """Train without any library: nothing but batches, steps and Adam."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    targets = scaled(y)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(y)).split(batch_size):
            optimizer.zero_grad()
            loss = F.mse_loss(network(make_batch(rows)), targets[rows])
            loss.backward()
            optimizer.step()
    return network.eval()


def scaled(y):
    return torch.from_numpy(((y - y.mean()) / y.std()).astype(np.float32))[:, None]


def skorch_net(epochs, batch_size=256, **module):
    """skorch as it comes: torch's DataLoader over samples, Adam."""
    return NeuralNetRegressor(
        MLP,
        **{f"module__{name}": value for name, value in module.items()},
        max_epochs=epochs,
        lr=1e-3,
        batch_size=batch_size,
        optimizer=torch.optim.Adam,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
