"""
Which atoms does a prediction come from?
========================================

Crippen's logP is a sum of known contributions of atoms. Here a graph network learns it from
molecules and their logP alone, and what it makes of the atoms of four drugs, which it has not seen,
is drawn above what Crippen's method has for them. It takes some three minutes.
"""

# %%
# The data: some 5,000 molecules with their calculated logP, but for the four drugs.
import os

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from scipy.stats import spearmanr

from skchem_dl.datasets import load_nci
from skchem_dl.inspection import atom_contributions, draw_contributions
from skchem_dl.pipelines import make_gnn_pipeline

FAST = "SKCHEM_DL_FAST" in os.environ
DRUGS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "lidocaine": "CCN(CC)CC(=O)Nc1c(C)cccc1C",
    "ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "chlorpromazine": "CN(C)CCCN1c2ccccc2Sc2ccc(Cl)cc12",
}
smiles = list(DRUGS.values())
X, y = load_nci(return_X_y=True)
drugs = set(map(Chem.CanonSmiles, smiles))
unseen = np.array([Chem.CanonSmiles(one) not in drugs for one in X])
X, logp = X[unseen], y[unseen, 0]

# %%
# The network, and by how much its prediction falls without each atom.
model = make_gnn_pipeline(max_epochs=1 if FAST else 50, random_state=0).fit(X, logp)
found = atom_contributions(model, smiles)


# %%
# What Crippen's method has for each atom. Its hydrogens are atoms of their own; each one's share
# goes to the atom that it is bound to.
def crippen_contributions(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    values = np.array([logp for logp, _ in rdMolDescriptors._CalcCrippenContribs(mol)])
    n_atoms = mol.GetNumHeavyAtoms()  # hydrogens that were added come last
    for hydrogen in range(n_atoms, mol.GetNumAtoms()):
        values[mol.GetAtomWithIdx(hydrogen).GetNeighbors()[0].GetIdx()] += values[hydrogen]
    return values[:n_atoms]


known = list(map(crippen_contributions, smiles))
for name, of_model, of_crippen in zip(DRUGS, found, known, strict=True):
    print(f"{name:15} rank correlation {spearmanr(of_model, of_crippen).statistic:5.2f}")

# %%
# Red atoms raise logP more than the molecule's others, blue ones less.
draw_contributions(
    [*smiles, *smiles],
    [of_atoms - of_atoms.mean() for of_atoms in (*found, *known)],
    [*model.predict(smiles), *map(sum, known)],
    [f"{name}, {by}" for by in ("network", "Crippen") for name in DRUGS],
).save("contributions.png")
