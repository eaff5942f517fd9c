"""
5. A graph network on molecules
===============================

A molecule is a graph: atoms that are linked by bonds. Here one step of message passing is worked
out by hand, plain, residual and gated networks are compared at 2 to 12 layers, one network learns
three properties at once, and its atoms are coloured by what they contribute to logP: red ones raise
it, blue ones lower it, above the contributions that logP is calculated from.
"""

# %%
# A molecule as numbers
# ---------------------
#
# :class:`~skchem_dl.MolGraphizer` turns SMILES into :class:`~skchem_dl.graphs.MolGraphs`. Each atom
# has a row of small codes (element, number of neighbours, charge, aromatic or not, ...), each bond
# too (single, double, ...), and ``bond_atoms`` says which two atoms a bond joins. A code is a place
# in a list: charges are -2, -1, 0, 1, 2, so that 3 means none; 0 is for what a list lacks.
# Hydrogens are no atoms of the graph; the atom that they sit on has their number among its codes.
import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle

from skchem_dl import MolGNNRegressor, MolGraphizer
from skchem_dl.datasets import load_nci
from skchem_dl.inspection import (
    MeasuredPredictedDisplay,
    atom_contributions,
    draw_contributions,
    draw_molecules,
)
from skchem_dl.nn import GNN, GraphBatch
from skchem_dl.pipelines import make_gnn_pipeline

fast = "SKCHEM_DL_FAST" in os.environ
paracetamol = "CC(=O)Nc1ccc(O)cc1"
graph = MolGraphizer().fit_transform([paracetamol])
fields = [name for name, _ in graph.schema.atom_fields]
print(pd.DataFrame(graph.atom_codes, columns=fields).to_string())

# %%
# The same bonds as a table of atoms by atoms, the adjacency matrix A: 1 where two atoms are bound.
n_atoms = graph.n_atoms[0]
adjacency = np.zeros((n_atoms, n_atoms))
begin, end = graph.bond_atoms.T
adjacency[begin, end] = adjacency[end, begin] = 1

# %%
# One step of message passing
# ---------------------------
#
# Each atom has a vector, a row of the matrix H. In one step of a graph convolution (GCN) each atom
# adds up the vectors of its neighbours and its own, and the sums go through an ordinary layer:
#
# .. code-block:: text
#
#     H' = relu(S H W + b)      S = D^(-1/2) (A + I) D^(-1/2)
#
# A + I links each atom to itself as well. D has the row sums of A + I; dividing by their roots
# keeps atoms with many neighbours from shouting. W and b are learnt, and relu cuts off at 0. The
# first vectors are looked up by the codes: a row of learnt numbers for each element, each charge,
# and so on, added up and cut off at 0 as well. All of it is a few lines of numpy.
with_self = adjacency + np.eye(n_atoms)
roots = np.sqrt(with_self.sum(axis=1))
S = with_self / np.outer(roots, roots)

network = GNN(graph.schema, 1, conv="gcn", n_layers=1, hidden_dim=8)
embedding = network.conv.atoms.weight.detach().numpy()
W, b = (parameter.detach().numpy() for parameter in network.conv.linears[0].parameters())
starts = np.cumsum([0, *graph.schema.atom_sizes[:-1]])
H = np.maximum(embedding[starts + graph.atom_codes].sum(axis=1), 0)
by_hand = np.maximum(S @ H @ W.T + b, 0)

of_library = network.atom_states(GraphBatch.from_graphs(graph)).detach().numpy()
print("By hand as in the library:", np.allclose(by_hand, of_library, atol=1e-5))

# %%
# How far does a message get? On the right, atom 0 starts with a 1 and all others with 0; each row
# is one multiplication by S later. After k steps it is known k bonds away and no further: a network
# of 3 layers sees nothing of an atom that is 4 bonds away. It also fades, and the rows become more
# and more alike, which is what makes very deep networks hard to train.
mol = Chem.MolFromSmiles(paracetamol)
for atom in mol.GetAtoms():
    atom.SetProp("atomNote", str(atom.GetIdx()))
heard = np.array([np.linalg.matrix_power(S, k)[0] for k in range(9)])

figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
draw_molecules([mol], size=(260, 200)).plot(axes[0])
axes[0].set_title("paracetamol and its atoms' numbers")
axes[1].imshow(adjacency, cmap="Greys", vmax=1.5)
axes[1].set(xlabel="atom", ylabel="atom", title="adjacency matrix A")
image = axes[2].imshow(np.where(heard > 0, heard, np.nan), cmap="viridis_r", aspect="auto")
axes[2].set(xlabel="atom", ylabel="steps", title="what is heard of atom 0")
for axis in axes[1:]:
    axis.set_xticks(range(n_atoms))
axes[1].set_yticks(range(n_atoms))
figure.colorbar(image, ax=axes[2])
plt.show()

# %%
# Plain, residual, gated; and attention
# -------------------------------------
#
# A plain network replaces each atom's vector in every layer. With ``skip="residual"`` the old one
# is added to the new one, with ``skip="gated"`` a learnt gate mixes the two. With ``conv="gat"`` an
# atom does not treat all its neighbours alike: it learns how much attention each one deserves, in
# several heads side by side, and bonds have a say in it, of which GCN sees nothing. ``batch_norm``
# keeps the numbers in the vectors at one scale, from layer to layer. All learn logP, which RDKit
# calculates, from 600 molecules of :func:`~skchem_dl.datasets.load_nci`, at 2 to 12 layers, and
# are followed on 400 others. RMSE, the root of the mean squared error, is in units of logP.
X, y = load_nci(return_X_y=True)
X, y = shuffle(X, y, n_samples=300 if fast else None, random_state=0)
graphs = MolGraphizer().fit_transform(X)
learn, follow = (slice(100), slice(100, 200)) if fast else (slice(600), slice(600, 1000))
depths = [2, 4] if fast else [2, 6, 12]
training = {"lr": 3e-3, "batch_size": 100, "max_epochs": 2 if fast else 12, "random_state": 0}
kinds = {
    "GCN, plain": {"conv": "gcn", "skip": "none"},
    "GCN, residual": {"conv": "gcn", "skip": "residual"},
    "GCN, gated": {"conv": "gcn", "skip": "gated"},
    "GCN, normalised": {"conv": "gcn", "skip": "none", "batch_norm": True},
    "attention, plain": {"conv": "gat", "skip": "none", "n_heads": 4},
}
curves = {}
for name, params in kinds.items():
    for depth in depths:
        model = MolGNNRegressor(**params, n_layers=depth, hidden_dim=64, **training)
        model.fit(graphs[learn], y[learn, 0], X_val=graphs[follow], y_val=y[follow, 0])
        curves[name, depth] = [epoch["valid_rmse"] for epoch in model.history_]
errors = pd.Series({key: curve[-1] for key, curve in curves.items()}).unstack(sort=False)
errors.columns = [f"{depth} layers" for depth in depths]
print("\nRMSE of logP on molecules not trained on:")
print(errors.to_string(float_format="{:.2f}".format))

# %%
# On the left, the 12 layers epoch by epoch; on the right, where training ended. The plain GCN of 12
# layers soon stops learning, not far below the error of the mean: after so many steps all atoms
# look alike. At that depth attention and a gate help, and a sum hardly, which begins with far too
# large numbers; at 2 and 6 layers none of the three does better than plain. Normalised vectors help
# most, everywhere. None gains by depth, for a reason: logP is made of atoms and what is a bond or
# two away.
colors = dict(zip(kinds, ("black", "#0072b2", "#009e73", "#cc79a7", "#e69f00"), strict=True))
figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
for name, color in colors.items():
    curve = curves[name, depths[-1]]
    axes[0].plot(range(1, len(curve) + 1), curve, color=color)
    axes[1].plot(depths, errors.loc[name], "o-", color=color, label=name)
of_mean = ((y[follow, 0] - y[learn, 0].mean()) ** 2).mean() ** 0.5
axes[0].axhline(of_mean, color="0.6", linestyle=":")
axes[0].text(len(curve), of_mean, "the mean", ha="right", va="bottom", color="0.4")
axes[0].set(title=f"{depths[-1]} layers", xlabel="epoch", ylabel="RMSE of logP", ylim=(0, 3))
axes[1].set(title="after the last epoch", xlabel="layers", xscale="log")
axes[1].set_xticks(depths, depths)
axes[1].minorticks_off()
figure.legend(loc="outside right center")
plt.show()

# %%
# Three properties at once
# ------------------------
#
# A y of three columns makes a network of three outputs: what it learns of the atoms serves them
# all. logP says how much a substance prefers oil to water; MR is its molar refractivity, how much
# space its electrons take and how easily they are moved; TPSA is the surface of its polar atoms.
# Each column is brought to the same scale for training (``normalize_y``) and back for predictions.
#
# How does one prediction come of many atoms? The *readout* takes the sum, mean and maximum of their
# vectors, and a perceptron makes the three numbers of those. The convolution is the library's
# default, ``conv="dmpnn"``: its messages sit on the bonds, one for each direction.
#
# R² is the share of the variance that is predicted: 1 would be perfect, 0 is what guessing the mean
# gets. Three drugs, which we want to look at afterwards, are kept out of the training set.
drugs = {
    "lidocaine": "CCN(CC)CC(=O)Nc1c(C)cccc1C",
    "ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "chlorpromazine": "CN(C)CCCN1c2ccccc2Sc2ccc(Cl)cc12",
}
names, smiles = list(drugs), list(drugs.values())
unseen = set(map(Chem.CanonSmiles, smiles))
known = np.array([Chem.CanonSmiles(one) not in unseen for one in X])
X_train, X_test, y_train, y_test = train_test_split(X[known], y[known], random_state=0)
model = make_gnn_pipeline(hidden_dim=128, max_epochs=2 if fast else 12, random_state=0)
predicted = model.fit(X_train, y_train).predict(X_test)

units = {"logP": "log10", "MR": "cm³/mol", "TPSA": "Å²"}
table = pd.DataFrame(
    {
        "unit": units.values(),
        "MAE of the mean": abs(y_test - y_train.mean(axis=0)).mean(axis=0),
        "MAE": mean_absolute_error(y_test, predicted, multioutput="raw_values"),
        "R²": r2_score(y_test, predicted, multioutput="raw_values"),
    },
    index=list(units),
)
print(f"\n{len(X_test)} molecules not trained on:")
print(table.to_string(float_format="{:.3f}".format))

# %%
# One point is one molecule; the line is where a prediction would be exact.
figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained")
for task, (axis, (name, unit)) in enumerate(zip(axes, units.items(), strict=True)):
    MeasuredPredictedDisplay.from_predictions(
        y_test, predicted, task=task, unit=unit, estimator_name=name, ax=axis
    )
plt.show()

# %%
# What do the atoms contribute?
# -----------------------------
#
# :func:`~skchem_dl.inspection.atom_contributions` asks the network how much lower its prediction
# would be without what it knows of an atom. For logP the answer is known: Crippen's method, which
# made the numbers, is a table of atom types, and logP is the sum over the atoms. (Its hydrogens are
# listed on their own; here each one's share goes to the atom it sits on.) The network has seen
# sums alone, never a part of them. The rank correlation says whether the two put the atoms of a
# molecule in the same order: 1 is the same, 0 no relation.
found = atom_contributions(model, smiles, target=0)


def crippen_contributions(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    values = np.array([logp for logp, _ in rdMolDescriptors._CalcCrippenContribs(mol)])
    n_heavy = mol.GetNumHeavyAtoms()  # hydrogens that were added come last
    for atom in list(mol.GetAtoms())[n_heavy:]:
        values[atom.GetNeighbors()[0].GetIdx()] += values[atom.GetIdx()]
    return values[:n_heavy]


of_crippen = list(map(crippen_contributions, smiles))
print()
for name, one, other in zip(names, found, of_crippen, strict=True):
    print(f"{name:15} rank correlation {spearmanr(one, other).statistic:5.2f}")

# %%
# Red atoms raise logP more than the average atom of their molecule, blue ones less. Oxygen and
# nitrogen, which like water, are mostly blue, methyl groups, chlorine and sulphur red. In C=O the
# network holds the oxygen responsible and Crippen's table the carbon too: the two come together, so
# that sums alone do not tell which of them it is. The example "Which atoms does a prediction come
# from?" goes deeper.
picture = draw_contributions(
    smiles * 2,
    [one - one.mean() for one in found + of_crippen],
    [*model.predict(smiles)[:, 0], *map(sum, of_crippen)],
    [f"{name}, {by}" for by in ("network", "Crippen") for name in names],
    n_columns=3,
)
figure = plt.figure(figsize=(9, 5.4), layout="constrained")
axis = figure.add_subplot()
picture.plot(axis)
axis.set_title("contributions of atoms to logP")
plt.show()
