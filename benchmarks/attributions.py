"""Whether atom contributions are where the truth is: on properties that are sums over atoms.

    python benchmarks/attributions.py [--target logP] [--models GNN CNN ...] [--test 500]

Crippen's logP and molar refractivity and the polar surface area are sums of known contributions of
atoms (a hydrogen's counts with the atom that it is bound to). Models learn them from the molecules
of `load_nci` alone; the others' contributions are compared with the known ones, molecule by
molecule. Printed: the error on those, and of each method the mean rank correlation (Spearman), in
how many molecules the atom that contributes most is found, and the time for a molecule.
"""

import argparse
import time
import warnings

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from scipy.stats import rankdata
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from skchem_dl.datasets import load_nci
from skchem_dl.inspection import atom_contributions
from skchem_dl.inspection._atom_contributions import METHODS
from skchem_dl.pipelines import (
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
)

MODELS = {
    "GNN": make_gnn_pipeline,
    "CNN": make_cnn_pipeline,
    "MLP": make_mlp_pipeline,
    "linear": make_linear_pipeline,
    "forest": make_forest_pipeline,
}
TARGETS = {"logP": 0, "MR": 1, "TPSA": 2}


def known_contributions(smiles, target):
    """Give each heavy atom's contribution, with its hydrogens'."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if target == "TPSA":
        values = np.array(rdMolDescriptors._CalcTPSAContribs(mol))
    else:
        values = np.array(rdMolDescriptors._CalcCrippenContribs(mol))[:, TARGETS[target]]
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 1 and atom.GetDegree():
            heavy = atom.GetNeighbors()[0]
            if heavy.GetAtomicNum() > 1:
                values[heavy.GetIdx()] += values[atom.GetIdx()]
    return values[: Chem.MolFromSmiles(smiles).GetNumAtoms()]


def agreement(known, found):
    """Give rank correlation, and whether the highest is found; None where all are alike."""
    if len(known) < 3 or np.ptp(known) < 1e-9 or not np.isfinite(found).all():
        return None
    ranks, of_found = rankdata(known.round(6)), rankdata(found.round(6))
    correlation = np.corrcoef(ranks, of_found)[0, 1] if np.ptp(of_found) else 0.0
    return correlation, known[found.argmax()] > known.max() - 1e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", choices=TARGETS, default="logP")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--test", type=int, default=500)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_nci(return_X_y=True)
    column = np.asarray(y)[:, TARGETS[arguments.target]]
    X_train, X_test, y_train, y_test = train_test_split(
        np.asarray(X), column, test_size=arguments.test, random_state=0
    )
    known = [known_contributions(smiles, arguments.target) for smiles in X_test]
    print(f"{arguments.target}  method                  R2     rank correlation  top atom  ms each")
    for name in arguments.models:
        options = {} if name == "linear" else {"random_state": 0}
        model = MODELS[name](**options).fit(X_train, y_train)
        r2 = r2_score(y_test, model.predict(X_test))
        for method in METHODS[1:]:
            began = time.perf_counter()
            try:
                found = atom_contributions(model, X_test, method=method)
            except ValueError:
                continue  # not one for this model
            each = 1e3 * (time.perf_counter() - began) / len(X_test)
            scores = [agreement(*pair) for pair in zip(known, found, strict=True)]
            counted = np.array([score for score in scores if score is not None])
            correlation, hits = counted.mean(axis=0)
            print(
                f"{name:6} {method:22} {r2:6.3f} {correlation:12.3f} {hits:14.2f} {each:10.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
