"""
2. PyTorch basics: from a tensor to a trained network
=====================================================

What the estimators do for you, opened up: gradients by hand and by autograd, a module, the training
loop, and what a hidden layer is good for. The last picture shows valleys of a reaction's energy and
the passes between them, which a network with 200 hidden units learns and a plane cannot.
"""

# %%
# Tensors and autograd
# --------------------
# A *tensor* is an array that can remember how it was computed. ``backward()`` then goes back
# through that computation and leaves in ``grad`` the slope of the result along each number.
import copy
import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.polynomial import Polynomial
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor, RDKitDescriptors
from skchem_dl.datasets import load_solubility
from skchem_dl.nn import ACTIVATIONS

fast = "SKCHEM_DL_FAST" in os.environ
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
(x**2).sum().backward()
print(f"the slopes of x² at {x.tolist()} are {x.grad.tolist()}")

# %%
# Data: five descriptors of each molecule, and the logarithm of its solubility. All are scaled to
# mean 0 and standard deviation 1.
smiles, y = load_solubility(subset="train", return_X_y=True)
names = ["MolLogP", "MolWt", "TPSA", "NumRotatableBonds", "FractionCSP3"]
X = make_pipeline(RDKitDescriptors(names), StandardScaler()).fit_transform(smiles)
y = StandardScaler().fit_transform(y[:, None]).astype(np.float32)
rows, target = torch.from_numpy(X), torch.from_numpy(y)


# %%
# A module, and its gradients by hand
# -----------------------------------
# A *module* holds weights and says in ``forward`` what to do with them: here multiply, bend by an
# *activation* (tanh), multiply again. *Backpropagation* is the chain rule, applied from the loss
# back to the first layer. Written out, it gives what autograd gives.
class TwoLayers(nn.Module):
    def __init__(self, in_dim, width):
        super().__init__()
        self.hidden = nn.Linear(in_dim, width)
        self.head = nn.Linear(width, 1)

    def forward(self, rows):
        return self.head(torch.tanh(self.hidden(rows)))


torch.manual_seed(0)
module = TwoLayers(len(names), 16)
nn.functional.mse_loss(module(rows), target).backward()
with torch.no_grad():
    bent = torch.tanh(module.hidden(rows))
    of_output = 2 / len(rows) * (module.head(bent) - target)  # of the mean of squares
    of_hidden = of_output @ module.head.weight * (1 - bent**2)  # tanh' = 1 - tanh²
    by_hand = {
        "head.weight": of_output.T @ bent,
        "head.bias": of_output.sum(0),
        "hidden.weight": of_hidden.T @ rows,
        "hidden.bias": of_hidden.sum(0),
    }
for name, weights in module.named_parameters():
    difference = (by_hand[name] - weights.grad).abs().max().item()
    print(f"{name:13} {tuple(weights.shape)!s:8} by hand and autograd differ by {difference:.0e}")

# %%
# The training loop
# -----------------
# Every estimator, such as :class:`~skchem_dl.FingerprintMLPRegressor`, runs a loop like this one:
# take a batch of molecules, compare, go back for the gradients, let the *optimizer* (Adam) change
# the weights; when all molecules have been used, an *epoch* is over. Here loop and estimator begin
# with the same weights: those of a network that was fitted with a learning rate of 0. With all
# molecules in each batch nothing else is random, and the losses are the same; with 64 a batch, the
# molecules come in another order.
n_epochs = 20 if fast else 100
plain = {"activation": "tanh", "dropout": 0, "weight_decay": 0, "random_state": 0}
settings = {**plain, "hidden_dims": (32,), "lr": 2e-3, "normalize_y": False}
untrained = FingerprintMLPRegressor(**settings, max_epochs=1, lr_schedule=lambda progress: 0.0)
start = untrained.fit(X, y).module_


def train(module, batch_size):
    optimizer = torch.optim.Adam(module.parameters(), lr=settings["lr"])
    losses = []
    for _ in range(n_epochs):
        total = 0.0
        for batch in torch.randperm(len(rows)).split(batch_size):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(module(rows[batch]), target[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(rows))
    return losses


figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
for axis, batch_size in zip(axes, (len(X), 64), strict=True):
    losses = train(copy.deepcopy(start), batch_size)
    estimator = FingerprintMLPRegressor(
        **settings, max_epochs=n_epochs, batch_size=batch_size, lr_schedule="constant"
    ).fit(X, y)
    history = [row["train_loss"] for row in estimator.history_]
    difference = np.abs(np.subtract(losses, history)).max()
    print(f"batches of {batch_size:4}: last losses {losses[-1]:.4f} and {history[-1]:.4f}, "
          f"largest difference {difference:.0e}")  # fmt: skip
    axis.plot(history, "o", color="C1", markerfacecolor="none", label="FingerprintMLPRegressor")
    axis.plot(losses, color="C0", label="plain loop")
    axis.set(title=f"batches of {batch_size}", xlabel="epoch", ylim=(0, 1))
axes[0].set_ylabel("mean squared error (scaled)")
axes[0].legend()
plt.show()

# %%
# Activations and their slopes
# ----------------------------
# Without an activation between them, two layers are no more than one. Each panel has one that
# ``activation=`` takes, and its slope: where that is 0, nothing is learnt. The sigmoid's is 1/4 at
# best, so that behind ten of them less than a millionth of a gradient is left.
figure, axes = plt.subplots(2, 4, figsize=(10, 5), layout="constrained", sharex=True, sharey=True)
z = torch.linspace(-4, 4, 401, requires_grad=True)
for axis, (name, activation) in zip(axes.flat, ACTIVATIONS.items(), strict=False):
    value = activation()(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    axis.plot(z.detach(), value.detach(), color="C0", label="activation")
    axis.plot(z.detach(), slope, "--", color="C1", label="slope")
    axis.set(title=name, ylim=(-1.2, 2.2))
    axis.grid(alpha=0.3)
axes[1, 3].axis("off")
axes[1, 3].legend(*axes[0, 0].get_legend_handles_labels(), loc="center")
plt.show()

# %%
# What a hidden layer is for: AND, OR and XOR
# -------------------------------------------
# Four points, true or false. AND and OR can be told apart by a straight line. XOR, "one or the
# other but not both", cannot: a linear model's best is to say 1/2 everywhere. Eight hidden units
# bend the border. (Black points are true, white ones false.)
corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
truths = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}
figure, axes = plt.subplots(2, 3, figsize=(9, 5.6), layout="constrained", sharex=True, sharey=True)
for line, hidden_dims in zip(axes, [(), (8,)], strict=True):
    for axis, (name, truth) in zip(line, truths.items(), strict=True):
        model = FingerprintMLPClassifier(hidden_dims, lr=0.2, max_epochs=100, **plain)
        right = int((model.fit(corners, truth).predict(corners) == truth).sum())
        title = f"{name}, {'a hidden layer' if hidden_dims else 'linear'}"
        print(f"{title}: {right} of 4 right")
        look = {"plot_method": "pcolormesh", "cmap": "PuOr", "vmin": 0, "vmax": 1, "ax": axis}
        display = DecisionBoundaryDisplay.from_estimator(
            model, corners, response_method="predict_proba", eps=0.5, **look
        )
        axis.scatter(*corners.T, c=truth, cmap="Greys", s=120, edgecolors="black")
        axis.set(title=title, xticks=[0, 1], yticks=[0, 1])
figure.colorbar(display.surface_, ax=axes, label="probability of true")
plt.show()


# %%
# Universal approximation: how many units a curve needs
# -----------------------------------------------------
# One hidden layer can come as near to any curve as you like, if it is wide enough. The curve here
# is the energy of butane as its middle bond turns, by the force field TraPPE
# (https://doi.org/10.1021/jp972543+), from 0° (the ends face each other) to 180° (stretched out).
# With two units, gradient descent gets stuck halfway; with four it arrives. From some width on it
# is no longer the width that limits the fit, but how far gradient descent comes.
def energy_of(degrees):  # kJ/mol
    phi = np.radians(degrees)
    one, two, three = 1 + np.cos(phi), 1 - np.cos(2 * phi), 1 + np.cos(3 * phi)
    return 8.314463e-3 * (355.03 * one - 68.19 * two + 791.32 * three)


degrees = np.linspace(0, 180, 361)[:, None]
energy = energy_of(degrees[:, 0])
widths, errors, n_epochs = [1, 2, 4, 8, 16, 32, 64], [], 50 if fast else 400
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(degrees, energy, color="0.7", linewidth=6, label="energy")
for width in widths:
    network = FingerprintMLPRegressor((width,), lr=0.03, max_epochs=n_epochs, **plain)
    model = make_pipeline(StandardScaler(), network).fit(degrees, energy)
    predicted = model.predict(degrees)
    errors.append(np.sqrt(np.mean((predicted - energy) ** 2)))
    print(f"{width:3} hidden units: root-mean-squared error {errors[-1]:.3f} kJ/mol")
    if width <= 4:
        left.plot(degrees, predicted, label=f"{width} hidden")
right.plot(widths, errors, "o-")
right.set(xscale="log", yscale="log", xlabel="hidden units", ylabel="error (kJ/mol)")
right.set_xticks(widths, widths)
left.set(xlabel="angle (degrees)", ylabel="energy (kJ/mol)", title="Butane, turned", ylim=(-2, 26))
left.legend(ncols=2, loc="upper right")
plt.show()

# %%
# Over-fitting: polynomials through noisy points
# ----------------------------------------------
# Twenty "measurements" of the same curve, with noise. A polynomial of low degree misses the curve
# (under-fitting), one of high degree goes after the noise (over-fitting). The error on the points
# that it was fitted to always falls; the error on *validation* points says when to stop.
random = np.random.default_rng(0)
angles = np.linspace(0, 180, 40).reshape(20, 2).T  # taken in turn: training, validation
noisy = energy_of(angles) + random.normal(scale=1.5, size=angles.shape)
degrees_tried = range(1, 16)
fits = {n: Polynomial.fit(angles[0], noisy[0], n, domain=[0, 180]) for n in degrees_tried}
figure, axes = plt.subplots(1, 4, figsize=(13, 4), layout="constrained")
for axis, n in zip(axes, (2, 7, 15), strict=False):
    axis.plot(degrees, energy, color="0.6", label="true")
    axis.plot(degrees, fits[n](degrees), color="C1", label="polynomial")
    axis.plot(angles[0], noisy[0], "o", color="C0", label="training")
    axis.plot(angles[1], noisy[1], "x", color="black", label="validation")
    axis.set(title=f"degree {n}", xlabel="angle (degrees)", ylim=(-5, 26))
for part, name, style in [(0, "training", "o-"), (1, "validation", "kx--")]:
    errors = [np.sqrt(np.mean((fit(angles[part]) - noisy[part]) ** 2)) for fit in fits.values()]
    axes[3].plot(degrees_tried, errors, style, label=name)
    print(f"{name}: best degree {degrees_tried[int(np.argmin(errors))]}")
axes[0].set_ylabel("energy (kJ/mol)")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=4)
axes[3].set(title="error against degree", xlabel="degree", ylabel="kJ/mol", yscale="log")
axes[3].legend()
plt.show()


# %%
# A surface: 2-200-1 against a plane
# ----------------------------------
# The Müller-Brown surface (https://doi.org/10.1007/BF00547608) is a model of a reaction: valleys of
# low energy, and passes between them. Two inputs, 200 hidden units, one output; against a linear
# model, which can only be a plane.
def reaction_energy(x, y):
    terms = [(-200, -1, 0, -10, 1, 0), (-100, -1, 0, -10, 0, 0.5)]
    terms += [(-170, -6.5, 11, -6.5, -0.5, 1.5), (15, 0.7, 0.6, 0.7, -1, 1)]
    total = sum(
        height * np.exp(a * (x - x0) ** 2 + b * (x - x0) * (y - y0) + c * (y - y0) ** 2)
        for height, a, b, c, x0, y0 in terms
    )
    return np.minimum(total, 50)  # the walls around are thousands high


n_places, n_epochs = (1000, 20) if fast else (4000, 100)
places = random.uniform([-1.5, -0.4], [1.1, 2.0], (n_places, 2))
heights = reaction_energy(*places.T)
x, y = np.meshgrid(np.linspace(-1.5, 1.1, 80), np.linspace(-0.4, 2.0, 80))
grid = np.column_stack([x.ravel(), y.ravel()])
surfaces = {"true": reaction_energy(x, y)}
for name, hidden_dims in [("linear", ()), ("MLP, 2-200-1", (200,))]:
    model = FingerprintMLPRegressor(hidden_dims, lr=0.02, max_epochs=n_epochs, **plain)
    model.fit(places, heights)
    surfaces[name] = model.predict(grid).reshape(x.shape)
    print(f"{name}: R² = {model.score(grid, surfaces['true'].ravel()):.3f}")

figure, axes = plt.subplots(
    1, 3, figsize=(12, 4.2), layout="constrained", subplot_kw={"projection": "3d"}
)
look = {"cmap": "viridis", "vmin": -150, "vmax": 50}
for axis, (name, surface) in zip(axes, surfaces.items(), strict=True):
    drawn = axis.plot_surface(x, y, surface, rcount=80, ccount=80, linewidth=0, **look)
    axis.contour(x, y, surface, levels=12, offset=-200, **look)
    axis.set(title=name, xlabel="x", ylabel="y", xticks=[-1, 0, 1], zlim=(-200, 60))
    axis.view_init(40, -70)
figure.colorbar(drawn, ax=axes, shrink=0.6, pad=0.02, label="energy")
plt.show()
