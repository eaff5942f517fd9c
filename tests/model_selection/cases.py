"""Splitters, small, and the kinds of X that they take."""

import numpy as np
import pandas as pd
import polars as pl
from rdkit import Chem
from sklearn.cluster import KMeans

from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import (
    BinnedStratifiedKFold,
    ButinaKFold,
    FingerprintClusterKFold,
    ScaffoldKFold,
    ScaffoldShuffleSplit,
    TimeSplit,
)

# By molecules; all take groups instead.
K_FOLDS = {
    "scaffold": ScaffoldKFold(3),
    "scaffold, generic": ScaffoldKFold(3, generic=True),
    "scaffold, shuffled": ScaffoldKFold(3, shuffle=True, random_state=0),
    "scaffold, stratified": ScaffoldKFold(3, stratify=True, n_bins=4),
    "butina": ButinaKFold(3, fp_size=256),
    "butina, shuffled": ButinaKFold(3, fp_size=256, shuffle=True, random_state=0),
    "clusters": FingerprintClusterKFold(3, fp_size=256),
    "k-means": FingerprintClusterKFold(3, clusterer=KMeans(8, random_state=0), fp_size=256),
}
SHUFFLES = {
    "scaffold split": ScaffoldShuffleSplit(3, random_state=0),
    "largest first": ScaffoldShuffleSplit(1, shuffle=False),
}
OTHERS = {
    "binned": BinnedStratifiedKFold(3, shuffle=True, random_state=0),
    "time": TimeSplit(3),
}
GROUP_SPLITTERS = K_FOLDS | SHUFFLES


def solubility(step=8):
    X, y = load_solubility(return_X_y=True)
    return X[::step].tolist(), y[::step]


def containers(smiles):
    return {
        "list": smiles,
        "tuple": tuple(smiles),
        "array": np.array(smiles),
        "column": np.array(smiles, dtype=object)[:, None],
        "pandas": pd.Series(smiles, index=range(100, 100 + len(smiles))),
        "polars": pl.Series(smiles),
        "frame": pd.DataFrame({"smiles": smiles}),
        "mols": [Chem.MolFromSmiles(text) for text in smiles],
    }
