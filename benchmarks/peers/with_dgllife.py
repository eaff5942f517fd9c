"""dgllife's networks at their default sizes: graphs, epochs, predictions."""

import time

import dgl
import torch
from dgllife.model import AttentiveFPPredictor, GATPredictor, GCNPredictor, MPNNPredictor
from dgllife.utils import CanonicalAtomFeaturizer, CanonicalBondFeaturizer, smiles_to_bigraph
from torch.utils.data import DataLoader

WITH_BONDS = ("AttentiveFP", "MPNN")


class Model:
    """GCN, GAT, AttentiveFP or MPNN on canonical features, in batches of 64."""

    def __init__(self, kind):
        self.with_bonds = kind in WITH_BONDS
        self.featurizers = {"node_featurizer": CanonicalAtomFeaturizer()}
        edge_dim = None
        if self.with_bonds:
            self.featurizers["edge_featurizer"] = CanonicalBondFeaturizer()
            edge_dim = self.featurizers["edge_featurizer"].feat_size()
        make = {
            "GCN": lambda: GCNPredictor(in_feats=74),
            "GAT": lambda: GATPredictor(in_feats=74),
            "AttentiveFP": lambda: AttentiveFPPredictor(node_feat_size=74, edge_feat_size=edge_dim),
            "MPNN": lambda: MPNNPredictor(node_in_feats=74, edge_in_feats=edge_dim),
        }
        self.network = make[kind]()

    def graphs(self, smiles):
        self_loop = not self.with_bonds
        return [smiles_to_bigraph(s, add_self_loop=self_loop, **self.featurizers) for s in smiles]

    def train_epochs(self, smiles, y, epochs, n_batches=None):
        """Give the seconds of each epoch but the first.

        Of an epoch only the first `n_batches` may be run; their time is scaled up.
        """
        y = torch.from_numpy((y - y.mean()) / y.std()).float()[:, None]
        items = list(zip(self.graphs(smiles), y, strict=True))
        loader = DataLoader(items, batch_size=64, shuffle=True, collate_fn=_collate)
        optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.network.train()
        seconds = []
        for _ in range(epochs + 1):
            began = time.perf_counter()
            for step, (graph, target) in enumerate(loader):
                if step == n_batches:
                    break
                optimizer.zero_grad()
                ((self._forward(graph) - target) ** 2).mean().backward()
                optimizer.step()
            scale = len(loader) / n_batches if n_batches else 1.0
            seconds.append(scale * (time.perf_counter() - began))
        return seconds[1:]

    def predict(self, smiles):
        self.network.eval()
        loader = DataLoader(self.graphs(smiles), batch_size=64, collate_fn=dgl.batch)
        with torch.inference_mode():
            return torch.cat([self._forward(graph) for graph in loader]).numpy().ravel()

    def _forward(self, graph):
        features = (graph.ndata["h"], graph.edata["e"]) if self.with_bonds else (graph.ndata["h"],)
        return self.network(graph, *features)


def _collate(items):
    graphs, targets = zip(*items, strict=True)
    return dgl.batch(graphs), torch.stack(targets)
