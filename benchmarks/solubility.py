"""Error on the solubility test split, three seeds each, all in one run.

    python benchmarks/solubility.py

The defaults of the three networks, and the GNN with RDKit descriptors beside the graph against a
random forest on the same descriptors. About six minutes on two cores.
"""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from skchem_dl import MolGraphizer, RDKitDescriptors
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import (
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_mlp_pipeline,
)

SEEDS = (0, 1, 2)


def gnn_with_descriptors(random_state, n_members):
    """A small GNN whose head also sees the ranks of the descriptors, tails and all."""
    descriptors = make_pipeline(
        RDKitDescriptors(), SimpleImputer(), QuantileTransformer(n_quantiles=200, subsample=None)
    )
    return make_gnn_pipeline(
        featurizer=MolGraphizer(molecule_features=descriptors),
        hidden_dim=64,
        head_dims=(512, 128),
        dropout=0.2,
        weight_decay=1e-3,
        max_epochs=40,
        n_members=n_members,
        random_state=random_state,
    )


MODELS = {
    "MLP": lambda seed: make_mlp_pipeline(random_state=seed),
    "CNN": lambda seed: make_cnn_pipeline(random_state=seed),
    "GNN": lambda seed: make_gnn_pipeline(random_state=seed),
    "forest on descriptors": lambda seed: make_forest_pipeline(random_state=seed),
    "GNN with descriptors": lambda seed: gnn_with_descriptors(seed, 1),
    "GNN with descriptors, 3 members": lambda seed: gnn_with_descriptors(seed, 3),
}


def main():
    X_train, y_train = load_solubility(subset="train", return_X_y=True)
    X_test, y_test = load_solubility(subset="test", return_X_y=True)
    print(f"{'RMSE, log10(mol/L)':32s}   mean  each seed")
    for name, make in MODELS.items():
        errors = [
            root_mean_squared_error(y_test, make(seed).fit(X_train, y_train).predict(X_test))
            for seed in SEEDS
        ]
        each = " ".join(f"{error:.3f}" for error in errors)
        print(f"{name:32s}  {np.mean(errors):.3f}  {each}", flush=True)


if __name__ == "__main__":
    main()
