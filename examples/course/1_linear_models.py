"""
1. Linear models: gradient descent, classes, clusters and maps
==============================================================

A straight line is the smallest network there is. Here it learns the solubility of molecules: the
pictures show how gradient descent walks down to the best line, with all molecules a step, with a
few, or with one; then a linear classifier's probabilities, and clusters on a map of molecules.
"""

# %%
# Data
# ----
# For each molecule the solubility in water was measured: logS, the base-10 logarithm of mol/L. It
# is what we predict, y. We predict it from descriptors, numbers that RDKit computes from the
# structure (:class:`~skchem_dl.RDKitDescriptors`). The first, x, is logP: by how many powers of ten
# a molecule prefers octanol to water. The models learn from *training* molecules, and are judged by
# *test* molecules.
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold, ValidationCurveDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skchem_dl import (
    FingerprintMLPClassifier,
    FingerprintMLPRegressor,
    MorganFingerprinter,
    RDKitDescriptors,
)
from skchem_dl.datasets import load_solubility
from skchem_dl.inspection import ChemicalSpaceDisplay, MeasuredPredictedDisplay
from skchem_dl.pipelines import make_cluster_pipeline, make_pca_pipeline

fast = "SKCHEM_DL_FAST" in os.environ
smiles, y = load_solubility(subset="train", return_X_y=True)
smiles_test, y_test = load_solubility(subset="test", return_X_y=True)
x = RDKitDescriptors(["MolLogP"]).fit_transform(smiles)[:, 0].astype(float)


# %%
# A hypothesis, its cost, and the way down
# ----------------------------------------
# The *hypothesis* says what a prediction looks like; the *cost* J says how bad its weights are.
# *Gradient descent* changes the weights by a small step against the slope of J, again and again::
#
#     hypothesis      ŷ = w₁ x₁ + w₂ x₂ + ...
#     cost            J = 1/n Σ (ŷ - y)²
#     slope           ∂J/∂wⱼ = 2/n Σ (ŷ - y) xⱼ
#     step            wⱼ ← wⱼ - learning rate × ∂J/∂wⱼ
#
# The sums may go over all molecules, or over a *batch* of them drawn at random. An *epoch* is over
# when every molecule has been used once.
def cost(X, y, weights):
    return np.mean((X @ weights - y) ** 2)


def descend(X, y, weights, *, rate, n_epochs, batch_size):
    path, random = [np.array(weights, dtype=float)], np.random.default_rng(0)
    for _ in range(n_epochs):
        order = random.permutation(len(X))
        for rows in np.split(order, range(batch_size, len(X), batch_size)):
            slope = 2 / len(rows) * X[rows].T @ (X[rows] @ path[-1] - y[rows])
            path.append(path[-1] - rate * slope)
    return np.array(path)


# %%
# One weight
# ----------
# With the means of x and y subtracted, the line goes through 0 and has one weight, its slope. Left,
# the line after each step of the small rate. Right, the cost of every slope: a parabola. A small
# learning rate walks down one side of it; a large one jumps from side to side, and a larger one
# still would jump out.
X, centred = (x - x.mean())[:, None], y - y.mean()
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.scatter(X[:, 0], centred, s=6, color="0.7")
slopes = np.linspace(-1.75, 0.15, 100)
right.plot(slopes, [cost(X, centred, [slope]) for slope in slopes], color="0.3")
for rate, color, marker in [(0.03, "C0", "o"), (0.25, "C1", "s")]:
    path = descend(X, centred, [0.0], rate=rate, n_epochs=12, batch_size=len(X))
    costs = [cost(X, centred, weights) for weights in path]
    right.plot(path, costs, marker + "--", color=color, label=f"learning rate {rate}")
    if marker == "o":
        for step, weights in enumerate(path):
            left.axline((0, 0), slope=weights[0], color=color, alpha=(1 + step) / 14)
left.set(xlabel="logP - mean", ylabel="logS - mean (log10 mol/L)", title="The line, step by step")
right.set(xlabel="slope w", ylabel="cost J", title="Its cost")
right.legend(loc="upper center")
plt.show()

# %%
# Two weights: batch, mini-batch and stochastic gradient descent
# --------------------------------------------------------------
# Now x and y are as they are, and the line needs an intercept b: the weight of a feature that is
# always 1. The cost is a valley over (w, b), drawn as contours; the cross is its lowest place.
# *Batch* descent takes all molecules for each step: no chance is in it, but it makes one step an
# epoch, and at this rate it jumps from side to side of the valley. *Stochastic* descent takes one
# molecule a step: it is near within the first epoch, and then wanders about. *Mini-batches* are the
# compromise that networks are trained with. The fewer molecules, the noisier the slope, and the
# smaller the learning rate has to be.
X = np.column_stack([x, np.ones(len(x))])
best = np.linalg.lstsq(X, y, rcond=None)[0]
w, b = np.meshgrid(np.linspace(-1.6, 0.3, 80), np.linspace(-3, 0.7, 80))
valley = np.mean((w[..., None] * x + b[..., None] - y) ** 2, axis=-1)
figure, axes = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
kinds = [("batch", len(X), 0.1), ("mini-batch", 41, 0.02), ("stochastic", 1, 0.003)]
for axis, (name, batch_size, rate) in zip(axes.flat, kinds, strict=False):
    path = descend(X, y, [0.2, -2.8], rate=rate, n_epochs=30, batch_size=batch_size)
    axis.contour(w, b, valley, levels=cost(X, y, best) + np.geomspace(0.01, 20, 14), cmap="Blues_r")
    axis.plot(*path.T, ".-", color="C1", markersize=4, linewidth=0.8)
    axis.plot(*best, "x", color="black", markersize=10, markeredgewidth=2)
    axis.set(xlabel="slope w", ylabel="intercept b", title=f"{name}: {len(path) - 1:,} steps")
    steps = np.unique(np.geomspace(1, len(path) - 1, 200).astype(int))
    excess = [cost(X, y, path[step]) - cost(X, y, best) for step in steps]
    axes[1, 1].plot(steps * batch_size, excess, ".-", label=f"{name}, learning rate {rate}")
    print(f"{name:>10}: w = {path[-1][0]:.3f}, b = {path[-1][1]:.3f}")
print(f"{'best':>10}: w = {best[0]:.3f}, b = {best[1]:.3f}")
axes[1, 1].set(xscale="log", yscale="log", title="cost")
axes[1, 1].set(xlabel="molecules used", ylabel="cost J above its lowest")
axes[1, 1].legend(loc="lower left")
plt.show()

# %%
# The same by library
# -------------------
# Four descriptors, standardised to mean 0 and deviation 1 so that one learning rate suits all: the
# valley becomes rounder. Without hidden layers, :class:`~skchem_dl.FingerprintMLPRegressor` is this
# linear model, and scikit-learn finds its weights without walking: the same, to four digits.
# ``weight_decay`` adds L2, a cost of large weights. scikit-learn calls that *ridge*, and its
# ``alpha`` is n/2 times as large: its cost is Σ(ŷ-y)² + alpha Σw², ours the mean of (ŷ-y)² +
# weight_decay/2 Σw².
names = ["MolLogP", "MolWt", "NumRotatableBonds", "FractionCSP3"]
describe = make_pipeline(RDKitDescriptors(names), StandardScaler())
X = describe.fit_transform(smiles).astype(float)
walk = {"optimizer": "sgd", "momentum": 0, "lr": 0.2, "lr_schedule": "constant"}
walk |= {"max_epochs": 250, "batch_size": len(X), "normalize_y": False, "random_state": 0}
network = FingerprintMLPRegressor(hidden_dims=(), weight_decay=0, **walk).fit(X, y)
ones = np.column_stack([X, np.ones(len(X))])
by_hand = descend(ones, y, np.zeros(5), rate=0.2, n_epochs=250, batch_size=len(X))[-1][:-1]
penalised = FingerprintMLPRegressor(hidden_dims=(), weight_decay=0.5, **walk).fit(X, y)
table = {
    "gradient descent by hand": by_hand,
    "network, no hidden layer": network.module_.head.weight.detach().numpy()[0],
    "LinearRegression": LinearRegression().fit(X, y).coef_,
    "network, weight_decay=0.5": penalised.module_.head.weight.detach().numpy()[0],
    "Ridge, alpha=n/2 × 0.5": Ridge(alpha=len(X) / 2 * 0.5).fit(X, y).coef_,
}
print(f"{'':26}" + "".join(f"{name:>18}" for name in names))
for name, weights in table.items():
    print(f"{name:26}" + "".join(f"{weight:18.4f}" for weight in weights))

# %%
# How good is it on molecules that it has not seen? With logP alone, and with all four, drawn by
# :class:`~skchem_dl.inspection.MeasuredPredictedDisplay`.
figure, axes = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained", sharey=True)
for axis, columns in zip(axes, (names[:1], names), strict=True):
    model = make_pipeline(RDKitDescriptors(columns), StandardScaler(), LinearRegression())
    MeasuredPredictedDisplay.from_estimator(
        model.fit(smiles, y), smiles_test, y_test, unit="log10 mol/L", ax=axis
    )
    axis.set_title(", ".join(columns))
plt.show()

# %%
# Over-fitting, and what L2 does about it
# ---------------------------------------
# A fingerprint (:class:`~skchem_dl.MorganFingerprinter`) counts substructures, in 2,048 columns:
# more weights than molecules. Such a model can agree with nearly every training molecule and be
# much worse on others: it *over-fits*. To see that, hold *validation* molecules out of the training
# ones (here a fifth, five times), and choose what does best on those. Left too little L2; right so
# much that it learns nothing.
fingerprints = MorganFingerprinter(counts=True).fit_transform(smiles).astype(float)
n_molecules = 400 if fast else len(y)
figure, axis = plt.subplots(figsize=(7, 4.2), layout="constrained")
display = ValidationCurveDisplay.from_estimator(
    Ridge(),
    fingerprints[:n_molecules],
    y[:n_molecules],
    param_name="alpha",
    param_range=10.0 ** np.arange(-3, 6),
    scoring="neg_root_mean_squared_error",
    negate_score=True,
    cv=KFold(5, shuffle=True, random_state=0),
    ax=axis,
)
axis.set(xlabel="alpha, the strength of L2", ylabel="root-mean-squared error (log10 mol/L)")
axis.legend(display.lines_, ["training", "validation"])
plt.show()

# %%
# Classes
# -------
# Is a molecule soluble, with more than 10 mmol/L (logS > -2)? A linear classifier puts z = w x + b
# through the *sigmoid* 1 / (1 + exp(-z)), which makes a probability of it;
# :class:`~skchem_dl.FingerprintMLPClassifier` without hidden layers is one. Left, the probability
# over two descriptors: the boundary, at 0.5, is straight. Right, it is least sure about molecules
# whose measured logS is near -2 indeed.
pair = ["MolLogP", "MolWt"]
X, X_test = (RDKitDescriptors(pair).fit_transform(part) for part in (smiles, smiles_test))
linear = FingerprintMLPClassifier(
    hidden_dims=(), weight_decay=0, lr=0.1, max_epochs=400, batch_size=len(X), random_state=0
)
classifier = make_pipeline(StandardScaler(), linear).fit(X, y > -2)
reference = make_pipeline(StandardScaler(), LogisticRegression(C=1e6)).fit(X, y > -2)
probability = classifier.predict_proba(X_test)[:, 1]
difference = np.abs(probability - reference.predict_proba(X_test)[:, 1]).max()
print(f"test accuracy {classifier.score(X_test, y_test > -2):.2f}")
print(f"largest difference from scikit-learn's probabilities {difference:.0e}")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
look = {"cmap": "PuOr", "alpha": 0.6, "levels": np.linspace(0, 1, 11), "ax": left}
display = DecisionBoundaryDisplay.from_estimator(
    classifier, X_test, response_method="predict_proba", **look
)
figure.colorbar(display.surface_, ax=left, label="probability of being soluble")
for label, marker, color in [(False, "v", "saddlebrown"), (True, "o", "indigo")]:
    rows = (y_test > -2) == label
    name = "soluble" if label else "not soluble"
    look = {"marker": marker, "color": color, "s": 22, "edgecolors": "white", "linewidths": 0.5}
    left.scatter(*X_test[rows].T, label=name, **look)
    right.scatter(y_test[rows], probability[rows], **look)
left.set(xlabel="logP", ylabel="molecular weight (g/mol)", title="257 test molecules", xlim=(-4, 9))
left.legend(title="measured")
right.axhline(0.5, color="0.5", linestyle=":")
right.axvline(-2, color="0.5", linestyle=":")
right.set(xlabel="measured logS (log10 mol/L)", ylabel="probability of being soluble")
plt.show()

# %%
# Clusters, and a map
# -------------------
# Without any y: *k-means* puts k centres among the fingerprints, assigns each molecule to the
# nearest one, moves each centre to the mean of its molecules, and repeats. *Principal components*
# are the directions in which the fingerprints differ most: the first two make a map. Both are
# pipelines that take SMILES: :func:`~skchem_dl.pipelines.make_cluster_pipeline` and
# :func:`~skchem_dl.pipelines.make_pca_pipeline`. On the map the molecule nearest to each centre is
# drawn. Clusters overlap, since two directions show only a part of the differences.
clusters = make_cluster_pipeline(n_clusters=6, n_init=3 if fast else 10, random_state=0)
distances = clusters.fit_transform(smiles)
labels, typical = distances.argmin(axis=1), distances.argmin(axis=0)
for label, row in enumerate(typical):
    members = y[labels == label]
    print(f"cluster {label}: {len(members):4} molecules, mean logS {members.mean():5.2f}, "
          f"such as {smiles[row]}")  # fmt: skip

principal = make_pca_pipeline(random_state=0).fit(smiles)
display = ChemicalSpaceDisplay.from_estimator(
    principal, smiles, color=labels, color_label="cluster", annotate=typical
)
shares = principal["estimator"].estimator_.explained_variance_ratio_
display.ax_.set(
    xlabel=f"first principal component ({shares[0]:.0%} of the variance)",
    ylabel=f"second principal component ({shares[1]:.0%})",
)
plt.show()
