"""
7. Practical tips: honest errors, and networks that learn just enough
=====================================================================

What tells a good model from one that only looks good: three sets of molecules, splits that do not
leak, regularisation, a learning rate that fits, more than one seed, and a forest to compare with:
each in a picture of small networks that learn solubilities. Errors are root mean squared errors
(RMSE) in log10(mol/L): 1 is a factor of ten, and lower is better.
"""

# %%
# Three sets of molecules
# -----------------------
# A network adjusts its weights to the *training* molecules; its error there says how much it can
# remember. Between networks we choose by *validation* molecules, which they have not learnt from.
# But whoever compares many takes one that was lucky there, so the error to report is that on *test*
# molecules, which have no say in any choice. Two entries for one molecule must not be in different
# sets: ``drop_duplicates`` merges them. (The sections on splits, luck and few molecules divide all
# molecules anew; nothing is chosen there.)
import os
import warnings
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold, ShuffleSplit, cross_val_score, learning_curve

from skchem_dl import FingerprintMLPRegressor, MorganFingerprinter, pipelines
from skchem_dl.datasets import load_solubility
from skchem_dl.exceptions import InvalidMoleculeError, InvalidMoleculeWarning
from skchem_dl.inspection import ComparisonDisplay, MeasuredPredictedDisplay, draw_molecules
from skchem_dl.model_selection import ScaffoldKFold, compare, train_valid_test_split
from skchem_dl.similarity import SimilaritySearch

fast = "SKCHEM_DL_FAST" in os.environ  # fewer molecules and epochs, to try the script itself
epochs = 2 if fast else 40
BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F"
RMSE, SCORING = "RMSE, log10(mol/L)", "neg_root_mean_squared_error"

smiles, y = load_solubility(drop_duplicates=True, return_X_y=True)
smiles, y = smiles[:: 10 if fast else 1], y[:: 10 if fast else 1]
X = MorganFingerprinter(fp_size=64, counts=True).fit_transform(smiles)  # short, for quick fits
X_train, X_valid, X_test, y_train, y_valid, y_test = train_valid_test_split(
    X, y, splitter=ShuffleSplit(random_state=0), valid_size=1 / 3, test_size=1 / 3
)
print(f"{len(y_train)} molecules to train, {len(y_valid)} to validate, {len(y_test)} to test")
plain = {"dropout": 0.0, "weight_decay": 0.0, "lr_schedule": "constant"}  # nothing that regularises
plain |= {"hidden_dims": (128,), "lr": 3e-3, "max_epochs": epochs, "random_state": 0}
network = partial(FingerprintMLPRegressor, **plain)


def errors(model):
    """Train it, and give its errors on the training and the validation molecules."""
    model.fit(X_train, y_train, X_val=X_valid, y_val=y_valid)
    predicted = model.predict(X_train), model.predict(X_valid)
    return [*map(root_mean_squared_error, (y_train, y_valid), predicted)]


# %%
# Random splits leak
# ------------------
# Chemists make molecules in series, and a random split puts brothers of the test molecules into the
# training set. :class:`~skchem_dl.model_selection.ScaffoldKFold` keeps all molecules of one
# scaffold (their ring systems and what links them) together. Left: how similar each test molecule
# is to the nearest training molecule, from 0 to 1. Right: the less similar, the larger the error.
# That is a part of why the error is larger on scaffolds that the network has not seen; the other is
# that whole kinds are missing (all molecules without a ring count as one scaffold). Use the split
# that is like the work to come: new series are new scaffolds.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
long = MorganFingerprinter(counts=True).fit_transform(smiles)
splitters = {"random": KFold(5, shuffle=True, random_state=0), "scaffold": ScaffoldKFold(5)}
for (name, splitter), color in zip(splitters.items(), (ORANGE, BLUE), strict=True):
    predicted, nearest = np.empty_like(y), np.empty_like(y)
    for train, test in splitter.split(smiles):
        model = network(batch_size=256).fit(long[train], y[train])
        predicted[test] = model.predict(long[test])
        library = SimilaritySearch(n_neighbors=1).fit(smiles[train])
        nearest[test] = library.nearest(smiles[test]).similarities[:, 0]
    label = f"{name} split, RMSE {root_mean_squared_error(y, predicted):.2f}"
    print(f"{label}, median similarity {np.median(nearest):.2f}")
    left.hist(nearest, np.linspace(0, 1, 21), histtype="step", lw=2, color=color)
    parts = np.array_split(np.argsort(nearest), 6)  # of as many molecules each
    by_part = [root_mean_squared_error(y[part], predicted[part]) for part in parts]
    right.plot([nearest[part].mean() for part in parts], by_part, "o-", color=color, label=label)
left.set(xlabel="similarity to the nearest training molecule", ylabel="test molecules")
right.set(xlabel="similarity to the nearest training molecule", ylabel=RMSE, ylim=(0, None))
right.legend(frameon=False)
plt.show()

# %%
# Too little and too much
# -----------------------
# A network that is narrow or was trained briefly *underfits*: it is wrong even on the molecules
# that it learnt from. A wide one that was trained for long knows them by heart, which is of no use
# for others: the gap between the two curves is *overfitting*. Choose by the validation error. The
# learning rate (how far each step moves the weights) comes first: too low, and the network gets
# nowhere in its epochs; too high, and it jumps about. Try powers of ten, and stay left of the rise.
widths, rates = [1, 2, 4, 8, 16, 64, 256], 10.0 ** np.arange(-5, 0, 0.5)
by_width = [errors(network(hidden_dims=(width,))) for width in widths]
by_rate = [errors(network(lr=rate)) for rate in rates]
model = network(max_epochs=5 * epochs).fit(X_train, y_train, X_val=X_valid, y_val=y_valid)
by_epoch = [(row["train_rmse"], row["valid_rmse"]) for row in model.history_]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", sharey=True)
panels = {"hidden units": (widths, by_width), "learning rate": (rates, by_rate)}
panels["epochs"] = range(1, 1 + len(by_epoch)), by_epoch
for axis, (name, (x, values)) in zip(axes, panels.items(), strict=True):
    train, valid = np.transpose(values)
    axis.plot(x, train, ".-", color=GREY, label="training")
    axis.plot(x, valid, ".-", color=BLUE, label="validation")
    axis.set(xscale="log", xlabel=name)
axes[0].set(ylabel=RMSE, ylim=(0, 2.5))
axes[2].legend(frameon=False)
plt.show()

# %%
# Remedies
# --------
# *L2* (``weight_decay``) pulls weights towards zero; *dropout* leaves random units out of each
# step, so that none relies on another; *early stopping* keeps the weights of the epoch that was
# best on the validation molecules. Left: training error (open) to validation error (filled), the
# means of three seeds: a short line is little overfitting. Right: the way there, for one seed, with
# a dot at the epoch that was kept. L2 helps here; dropout and early stopping shorten the line from
# its left end only. Early stopping has a small advantage: it chooses by the molecules that judge
# it.
remedies = {
    "none": {},
    "L2": {"weight_decay": 0.03},
    "dropout": {"dropout": 0.5},
    "early stopping": {"early_stopping": True},
    "all three": {"weight_decay": 0.03, "dropout": 0.5, "early_stopping": True},
}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
remedied = {}
for row, (name, params) in enumerate(remedies.items()):
    models = [network(random_state=seed, max_epochs=2 * epochs, **params) for seed in range(3)]
    train, valid = np.mean([errors(model) for model in models], axis=0)
    print(f"{name:15} training {train:.2f}  validation {valid:.2f}")
    remedied[valid] = models
    color = (GREY, ORANGE, PINK, GREEN, BLUE)[row]
    left.plot([train, valid], [row, row], color=color, lw=2, zorder=0)
    left.scatter([train, valid], [row, row], 60, ["white", color], edgecolors=color)
    history = models[0].history_
    kept = [epoch["kept"] for epoch in history].index(True)
    by_epoch = [epoch["valid_rmse"] for epoch in history]
    epoch = range(1, 1 + len(by_epoch))
    right.plot(epoch, by_epoch, "-o", markevery=[kept], color=color, label=name)
left.set(xlabel=RMSE, xlim=(0, None), yticks=range(5), yticklabels=remedies, ylim=(4.5, -0.5))
right.set(xlabel="epoch", ylabel=f"validation {RMSE}")
right.legend(frameon=False)
plt.show()

# %%
# How much is luck?
# -----------------
# One network, on several random splits and from several seeds (first weights, order of molecules).
# A difference between two models that is smaller than such a spread says nothing. So compare them
# on the same splits, and on several; and never pick the best seed, which is picking luck. Take more
# than one: an ensemble predicts the mean of, here, five networks (``n_members=5``).
n = 3 if fast else 9
cv = ShuffleSplit(n, train_size=len(y_train), test_size=len(y_valid), random_state=0)
luck = {
    "splits": -cross_val_score(network(), X, y, cv=cv, scoring=SCORING),
    "seeds": [errors(network(random_state=seed))[1] for seed in range(n)],
    "ensembles": [errors(network(random_state=seed, n_members=5))[1] for seed in range(n // 3)],
}
figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
for k, (name, values) in enumerate(luck.items()):
    axis.scatter(values, [k] * len(values), 60, (ORANGE, BLUE, GREEN)[k], alpha=0.6)
    print(f"{name:10} mean {np.mean(values):.3f}, standard deviation {np.std(values):.3f}")
axis.set(xlabel=f"validation {RMSE}", yticks=range(3), yticklabels=luck, ylim=(2.6, -0.6))
plt.show()

# %%
# Few molecules, and when a forest wins
# -------------------------------------
# Left, a *learning curve*: error against training molecules. One that still falls at its right end
# says that more measurements would help. RDKit's descriptors hold knowledge that a network has to
# learn first, so a random forest on them is hard to beat where molecules are few. Right:
# cross-validation on 150 molecules; grey methods cannot be told from the best one, orange ones are
# worse. Report a forest beside your network, on the same folds.
models = {
    "mean": pipelines.make_mean_pipeline(),
    "linear": pipelines.make_linear_pipeline(),
    "forest": pipelines.make_forest_pipeline(n_estimators=100, random_state=0),
    "MLP": pipelines.make_mlp_pipeline(max_epochs=epochs, random_state=0),
    "GNN": pipelines.make_gnn_pipeline(max_epochs=epochs, random_state=0),
}
sizes = np.geomspace(30 / 2, 0.75 * len(y) / 2, 4).astype(int)
cv = ShuffleSplit(2, test_size=0.25, random_state=0)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for name, color in {"forest": GREEN, "MLP": BLUE}.items():
    featurizer, model = models[name]  # so that each molecule is featurised once
    features = featurizer.fit_transform(smiles[::2])
    *_, scores = learning_curve(model, features, y[::2], train_sizes=sizes, cv=cv, scoring=SCORING)
    left.errorbar(sizes, -scores.mean(axis=1), scores.std(axis=1), color=color, label=name)
left.set(xscale="log", xlabel="training molecules", ylabel=RMSE, ylim=(0, None))
left.set_xticks(sizes, sizes)
left.minorticks_off()
left.legend(frameon=False)
few = np.random.default_rng(0).permutation(len(y))[: 40 if fast else 150]
comparison = compare(models, smiles[few], y[few], cv=2 if fast else 5, n_repeats=1)
print(comparison.summary()[["rmse", "fit_seconds"]].round(2))
ComparisonDisplay.from_comparison(comparison, metric="rmse", ax=right)
plt.show()

# %%
# Molecules that are none
# -----------------------
# Files have typing errors. By default the library refuses them, and says which rows and why; with
# ``on_invalid="nan"`` such a row keeps its place and is predicted as NaN.
typed = ["CCO", "c1ccccc", "CC(=O)O", "CN(C)(C)C"]
try:
    MorganFingerprinter().fit_transform(typed)
except InvalidMoleculeError as error:
    print(error)
model = pipelines.make_mlp_pipeline(on_invalid="nan", max_epochs=epochs, random_state=0)
model.fit(smiles[:300], y[:300])
with warnings.catch_warnings(action="ignore", category=InvalidMoleculeWarning):  # of the same text
    predicted = model.predict(typed)
print(predicted.round(1))
draw_molecules(typed, predicted, unit="log10(mol/L)").plot()
plt.show()

# %%
# The end: the test molecules, once
# ---------------------------------
# The remedy that was best on the validation molecules, on those that had no say in the choice. The
# choice was among five only, so that little luck was in it: a few hundredths, either way, are
# within the spread of the splits above. A picture shows what a single number hides: for which
# molecules the network is wrong, and by how much.
models = remedied[min(remedied)]
tests = [root_mean_squared_error(y_test, model.predict(X_test)) for model in models]
print(f"validation {min(remedied):.2f}, test {np.mean(tests):.2f}")
MeasuredPredictedDisplay.from_estimator(models[0], X_test, y_test, unit="log10(mol/L)")
plt.show()
