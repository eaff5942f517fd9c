"""
3. A multi-layer perceptron on fingerprints
===========================================

From a molecule to a fingerprint of 2048 zeros and ones, and from there through a multi-layer
perceptron to its lipophilicity. The picture shows how the course's network goes on learning its
molecules long after it has stopped getting better on others, and what the library's defaults make
of it.
"""

# %%
# The data
# --------
# Lipophilicity is how much a compound prefers oil to water: logD is log10 of the ratio of its
# concentrations in octanol and in water, here at pH 7.4. One in ten molecules is for *validation*:
# they are watched during training, and settings may be chosen by them. One in ten is the *test*
# set, looked at once, at the end. The network learns from the other eight.
import os
import time

import matplotlib.pyplot as plt
import pandas as pd
import sklearn
from matplotlib.colors import ListedColormap
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import AdditionalOutput, GetMorganGenerator
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import fetch_lipophilicity
from skchem_dl.inspection import LossCurveDisplay, MeasuredPredictedDisplay, draw_contributions
from skchem_dl.model_selection import train_valid_test_split
from skchem_dl.pipelines import make_mean_pipeline, make_mlp_pipeline

fast = "SKCHEM_DL_FAST" in os.environ
X, y = fetch_lipophilicity(return_X_y=True)
if fast:
    X, y = X[:400], y[:400]
X_train, X_valid, X_test, y_train, y_valid, y_test = train_valid_test_split(
    X, y, splitter=ShuffleSplit(random_state=123)
)
print(f"{len(X_train)} molecules to learn from, {len(X_valid)} to watch, {len(X_test)} to judge by")

# %%
# What a fingerprint is
# ---------------------
# A Morgan fingerprint lists what surrounds each atom, up to a radius of 0, 1 and 2 bonds. Each such
# *substructure* is hashed to a number from 0 to 2047, and the bit of that number is set to 1. So a
# row says which substructures a molecule has, but neither where nor how often; and as there are
# many more substructures than bits, a bit may stand for several of them.
# :class:`~skchem_dl.MorganFingerprinter` does this for any number of molecules.
bits = MorganFingerprinter().fit_transform(X)
print(
    f"{bits.shape[0]} rows of {bits.shape[1]} bits, of which {bits.sum(axis=1).mean():.0f} are set"
)

# %%
# RDKit, which does the work, tells where the bits of a molecule come from. Here are the three of a
# carbon atom that carries chlorine, and where they stand among all. By itself it is a carbon in a
# ring with three neighbours and no hydrogen, which nearly all molecules have (aromatic bonds are
# seen from radius 1 on); the further a substructure reaches, the fewer have it.
mol = Chem.MolFromSmiles(X[0])
center = mol.GetSubstructMatch(Chem.MolFromSmarts("cCl"))[0]
source = AdditionalOutput()
source.AllocateBitInfoMap()
GetMorganGenerator(radius=2, fpSize=2048).GetFingerprint(mol, additionalOutput=source)
places = source.GetBitInfoMap()  # bit: ((atom, radius), ...)
print("The same bits as RDKit's:", sorted(places) == bits[0].nonzero()[0].tolist())

bit_of = {place: bit for bit, found in places.items() for place in found}
shown = [bit_of[center, radius] for radius in range(3)]
bonds_away = Chem.GetDistanceMatrix(mol)[center]
picture = draw_contributions(
    [mol] * 3,
    [(bonds_away <= radius).astype(float) for radius in range(3)],
    legends=[f"radius {radius}: bit {bit}" for radius, bit in enumerate(shown)],
    values=[f"set in {bits[:, bit].mean():.1%} of the molecules" for bit in shown],
    n_columns=3,
    size=(300, 110),
)
figure, (above, below) = plt.subplots(2, 1, figsize=(9, 3.6), layout="constrained")
picture.plot(above)
raster = bits[0].astype(int)
raster[shown] = 2
colors = ListedColormap(["white", "black", "#f8736b"])
below.imshow(raster.reshape(16, 128), cmap=colors, aspect="auto", interpolation="none")
below.set(xticks=[], yticks=[], title=f"Its {bits[0].sum()} bits of 2048, in 16 rows of 128")
plt.show()

# %%
# The course's network
# --------------------
# Two *hidden layers* of 1024 and 256 units between the 2048 bits and one number. Each unit is a
# weighted sum of all units of the layer before, set to zero where it is negative. *Dropout* leaves
# out half of the units in each training step, *weight decay* pulls weights towards zero: both are
# meant against over-fitting. An *epoch* is one pass over the training molecules.
#
# With scikit-learn's metadata routing on, the pipeline featurises a validation set, too.
epochs = 3 if fast else 61
course = make_mlp_pipeline(
    featurizer=MorganFingerprinter(),
    hidden_dims=(1024, 256),
    dropout=0.5,
    optimizer="adam",
    lr=0.01,
    lr_schedule="constant",
    weight_decay=1e-4,
    normalize_y=False,
    batch_size=256,
    max_epochs=epochs,
    random_state=0,
)


def fit(model):
    start = time.perf_counter()
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_params(transform_input=["X_val"])
        model.fit(X_train, y_train, X_val=X_valid, y_val=y_valid)
    return time.perf_counter() - start


seconds = {"course": fit(course)}
n_weights = sum(weights.numel() for weights in course["estimator"].module_.parameters())
print(f"{n_weights:,} weights and biases, for {len(X_train):,} molecules")

# %%
# The library's defaults
# ----------------------
# The same call without settings. What differs: the fingerprint counts how often a substructure
# occurs, the layers are smaller (512 and 128), a fifth of the units is left out instead of half,
# weight decay is thirty times as strong, the learning rate is a tenth and falls along a cosine,
# there are 50 epochs with batches of 64 instead of 61 with 256, and what is learnt is logD with its
# mean subtracted, in units of its standard deviation.
defaults = make_mlp_pipeline(max_epochs=3 if fast else 50, random_state=0)
seconds["defaults"] = fit(defaults)

# %%
# How good are they?
# ------------------
# RMSE is the root of the mean squared error and MAE the mean absolute error, both in units of logD:
# an error of 0.3 is a factor of two in the ratio of concentrations. R² is the share of the variance
# that is explained: 1 for no error, 0 for predicting the mean. How much lower the error on the
# training molecules is, the first column, is *over-fitting*.
#
# The defaults over-fit more, and predict better. So a gap between the two errors is no fault by
# itself: what counts is the error on molecules that the network has not learnt from.
models = {
    "mean": make_mean_pipeline().fit(X_train, y_train),
    "course": course,
    "defaults": defaults,
}
rows = {}
for name, model in models.items():
    predicted = model.predict(X_test)
    rows[name] = {
        "training RMSE": root_mean_squared_error(y_train, model.predict(X_train)),
        "RMSE": root_mean_squared_error(y_test, predicted),
        "MAE": mean_absolute_error(y_test, predicted),
        "R²": r2_score(y_test, predicted),
        "fit, s": seconds.get(name, 0.0),
    }
table = pd.DataFrame.from_dict(rows, orient="index")
print(table.to_string(float_format="{:.2f}".format, formatters={"fit, s": "{:.1f}".format}))

# %%
# Side by side
# ------------
# Above, the error by epoch. The course's training curve begins off the scale, since its first steps
# are too long; after ten or twenty epochs validation molecules get no better, and from there on it
# only learns its own molecules. (While it trains, half of its units are missing, so that the
# training curve lies above the table's error.) The curves of the defaults become smooth towards the
# end, where their learning rate falls to zero.
#
# Below, measured against predicted logD of the test molecules. On the line, predictions are right.
# The course's predictions are too cautious: they cover a smaller range than what was measured. The
# defaults' cover all of it, but a few are far off.
# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(2, 2, figsize=(10, 8.4), sharey="row", layout="constrained")
for (above, below), name in zip(axes.T, ("course", "defaults"), strict=True):
    LossCurveDisplay.from_estimator(models[name], metric="rmse", ax=above)
    above.set(title=f"Error by epoch: {name}", ylabel="RMSE [logD]", ylim=(0, 1.6))
    MeasuredPredictedDisplay.from_estimator(
        models[name], X_test, y_test, unit="logD", estimator_name=f"Test set: {name}", ax=below
    )
plt.show()
