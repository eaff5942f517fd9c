"""
4. A convolutional network on SMILES
====================================

A SMILES is a text, and a convolutional network reads it as one: its filters slide along the text,
and each answers to what it has learnt to look for. The picture shows which tokens of a molecule
excite the filters of a network that predicts solubility, and what those filters look for.
"""

# %%
# The data
# --------
# Solubilities of 1,282 compounds in water: logS is log10 of the highest concentration in mol/L.
import os

import matplotlib.pyplot as plt
import numpy as np
import torch

from skchem_dl import SmilesTokenizer
from skchem_dl.datasets import load_solubility
from skchem_dl.inspection import (
    LossCurveDisplay,
    MeasuredPredictedDisplay,
    atom_contributions,
    draw_contributions,
)
from skchem_dl.pipelines import make_cnn_pipeline

fast = "SKCHEM_DL_FAST" in os.environ
X_train, y_train = load_solubility(subset="train", return_X_y=True)
X_test, y_test = load_solubility(subset="test", return_X_y=True)
unit = "log10(mol/L)"
if fast:
    X_train, y_train = X_train[::4], y_train[::4]

# %%
# From text to numbers
# --------------------
# A *token* is the smallest part of a SMILES that means something: an atom, a bond, a branch, the
# number of a ring. :class:`~skchem_dl.SmilesTokenizer` numbers those that it meets in the training
# set from 2 on; 1 stands for one that it has never met, and 0 for the end of the text. Rows are as
# long as the longest SMILES of both sets, so that none is cut.
smiles = "Oc1ccc(Cl)cc1Cc1cc(Cl)ccc1O"  # dichlorophen, from the test set
longest = max(map(len, [*X_train, *X_test]))
tokenizer = SmilesTokenizer(max_length=longest).fit(X_train)
codes = tokenizer.transform([smiles])
codes = codes[codes > 0]
tokens = tokenizer.inverse_transform(codes[:, None])
print(f"{len(tokenizer.vocabulary_)} tokens are known. Dichlorophen, {smiles}, has {len(tokens)}:")
print(*(f"{token:>2}" for token in tokens))
print(*(f"{code:2}" for code in codes))

# %%
# The network
# -----------
# It is made of
#
# - an *embedding*, which turns each token into a vector of 64 numbers;
# - 64 *filters* that each see five tokens at a time. A filter is a vector for each of its five
#   places; its *answer* is the sum of the products of its vectors with those of the tokens, plus a
#   number of its own, and 0 where that is negative;
# - *pooling*: of a filter's answers along the text the highest one is kept. So each molecule
#   becomes 64 numbers, however long its SMILES;
# - a perceptron with one hidden layer, from these to the solubility.
#
# All of that is learnt at once. One in ten training molecules is held out for validation, and the
# epoch with the lowest error on them, averaged over three epochs, is kept (the dotted line). By
# default nothing is held out, and there are 64 filters of each of the widths 3, 5 and 7; but here
# there shall be less to look at.
model = make_cnn_pipeline(
    featurizer=tokenizer,
    kernel_sizes=(5,),
    early_stopping=True,
    max_epochs=2 if fast else 60,
    random_state=0,
)
model.fit(X_train, y_train)
estimator = model["estimator"]
network = estimator.module_.eval()
print(network)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
LossCurveDisplay.from_estimator(model, metric="rmse", ax=left)
left.set(title="Error by epoch", ylabel=f"RMSE [{unit}]")
MeasuredPredictedDisplay.from_estimator(
    model, X_test, y_test, unit=unit, estimator_name="Test set", ax=right
)
plt.show()

# %%
# What does a filter look for?
# ----------------------------
# A filter sees a *window* of five tokens and nothing else, so that its answer to a window is the
# same wherever that occurs. We cut all training SMILES into their windows and ask every filter
# about each. If that is done right, a filter's highest answer in a molecule is what the network
# hands on to its perceptron, which is what ``embed`` gives.
codes_train = tokenizer.transform(X_train)
convolution = network.branches[0][0].conv


def windows_of(codes):
    """Give each token with two neighbours on either side, (n, L) -> (n, L, 5)."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(codes, [(0, 0), (2, 2)]), 5, axis=1)


def answers_to(windows):
    """Give every filter's answer to each window, (m, 5) -> (m, 64)."""
    with torch.no_grad():
        vectors = network.embedding(torch.tensor(windows)).transpose(1, 2)
        return torch.relu(convolution(vectors))[:, :, 2].numpy()


molecule, place = codes_train.nonzero()
windows = windows_of(codes_train)[molecule, place]
distinct, which, counts = np.unique(windows, axis=0, return_inverse=True, return_counts=True)
answers = answers_to(distinct)
pooled = np.maximum.reduceat(answers[which.ravel()], np.unique(molecule, return_index=True)[1])
same = np.allclose(pooled, estimator.embed(codes_train), atol=1e-5)
print(f"{len(windows):,} windows, {len(distinct):,} of them distinct; answers as embed's: {same}")

# %%
# Which filters matter? We take each away and look by how much the predictions change. Here are the
# six that lower solubilities most on average and the six that raise them most, with the three
# windows that each answers most to, of those that occur in the data at least ten times. ``_`` is
# the beginning or the end of a text. Rings and bonds between rings come out below zero; oxygen and
# nitrogen, which water likes to bind to, above.


def effects_on(pooled):
    """Give by how much predictions change with each filter, (m, 64) -> (64, m)."""
    rows = torch.from_numpy(pooled)
    without = rows * (1 - torch.eye(64))[:, None]  # a copy a filter, in which that says 0
    with torch.no_grad():
        change = network.head(rows) - network.head(without)
    return y_train.std() * change[:, :, 0].numpy()  # it learnt (y - mean) / standard deviation


def spell(window):
    return "".join(token or "_" for token in tokenizer.inverse_transform(window[:, None]))


frequent = counts >= (3 if fast else 10)
best = answers[frequent].argsort(axis=0)[:-4:-1]  # (3, filters)
favourites = [[spell(window) for window in distinct[frequent][rows]] for rows in best.T]
effects = effects_on(pooled).mean(axis=1)
order = effects.argsort()
print(f"mean effect, {unit}; favourite windows")
for number in [*order[:6], *order[-6:]]:
    print(f"{effects[number]:+.2f}   ", *(f"{text:8}" for text in favourites[number]))

# %%
# One molecule, token by token
# ----------------------------
# The rows are the 16 filters that matter most for dichlorophen, named by their favourite windows,
# the columns its tokens. A cell is coloured where the filter answers to the window around that
# token: red if it raises the solubility, blue if it lowers it. The strongest in a row is what
# pooling keeps, and its colour says how many logarithmic units the prediction owes to the filter.
# Look at the columns: ``Cl`` and what links the two rings lower the solubility, the oxygens at both
# ends raise it. A favourite window is not all that a filter answers to.
own = answers_to(windows_of(codes[None])[0])  # (tokens, filters)
own_effects = effects_on(own.max(axis=0)[None])[:, 0]
most = abs(own_effects).argsort()[-16:]
most = most[own_effects[most].argsort()]
cells = own_effects[most] * own[:, most] / own[:, most].max(axis=0)

# sphinx_gallery_thumbnail_number = 2
figure, axis = plt.subplots(figsize=(9, 5), layout="constrained")
limit = abs(cells).max()
image = axis.imshow(cells.T, cmap="RdBu_r", aspect="auto", vmin=-limit, vmax=limit)
axis.set_xticks(range(len(tokens)), tokens, family="monospace")
axis.set_yticks(range(len(most)), [favourites[number][0] for number in most], family="monospace")
axis.set(title="Dichlorophen", xlabel="token", ylabel="filter, by its favourite window")
figure.colorbar(image, label=f"effect on the prediction [{unit}]")
plt.show()

# %%
# From tokens to atoms
# --------------------
# :func:`~skchem_dl.inspection.atom_contributions` shares a prediction out among the tokens, and
# gives brackets, bonds and numbers of rings to their atoms. Red atoms raise the solubility, blue
# ones lower it.
compounds = {
    "dichlorophen": smiles,
    "propyl gallate": "CCCOC(=O)c1cc(O)c(O)c(O)c1",
    "dibutyl phthalate": "CCCCOC(=O)c1ccccc1C(=O)OCCCC",
    "perphenazine": "OCCN1CCN(CCCN2c3ccccc3Sc3ccc(Cl)cc32)CC1",
}
molecules = list(compounds.values())
contributions = atom_contributions(model, molecules)
picture = draw_contributions(
    molecules, contributions, model.predict(molecules), list(compounds), unit=unit, n_columns=2
)
picture.plot()
plt.show()
