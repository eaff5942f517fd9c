"""
Quickstart: five models from SMILES, compared on measured solubility
====================================================================

A linear model, a random forest, an MLP on fingerprints, a CNN on SMILES and a GNN on graphs learn
the aqueous solubility of 1,025 molecules and are judged on 257 others. It takes one to two
minutes on two cores, prints one table and draws one picture, ``quickstart.png``.
"""

# %%
# The data: SMILES and log10 of the solubility in mol/L, already split in two.
import os
import time

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import (
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
)

X_train, y_train = load_solubility(subset="train", return_X_y=True)
X_test, y_test = load_solubility(subset="test", return_X_y=True)
print(f"{len(X_train)} molecules to learn from, {len(X_test)} to judge by.\n", flush=True)

# %%
# The models: each is a scikit-learn `Pipeline` that takes SMILES. (SKCHEM_DL_FAST=1 trains the
# networks for two epochs, to try the script itself.)
training = {"random_state": 0, "verbose": 1}
if os.environ.get("SKCHEM_DL_FAST"):
    training["max_epochs"] = 2
models = {
    "Linear": make_linear_pipeline(),
    "Random forest": make_forest_pipeline(random_state=0),
    "MLP": make_mlp_pipeline(**training),
    "CNN": make_cnn_pipeline(**training),
    "GNN": make_gnn_pipeline(**training),
}

# %%
# Train each on the same molecules, then predict the others.
rows, predictions = {}, {}
for name, model in models.items():
    print(f"{name} ...", flush=True)
    start = time.perf_counter()
    model.fit(X_train, y_train)
    fitted = time.perf_counter()
    predicted = predictions[name] = model.predict(X_test)
    rows[name] = {
        "RMSE": root_mean_squared_error(y_test, predicted),
        "MAE": mean_absolute_error(y_test, predicted),
        "R²": r2_score(y_test, predicted),
        "fit (s)": fitted - start,
        "predict (1/s)": len(X_test) / (time.perf_counter() - fitted),
    }

table = pd.DataFrame.from_dict(rows, orient="index")
formats = {"fit (s)": "{:.1f}".format, "predict (1/s)": "{:,.0f}".format}
print("\nlog10(mol/L), 257 test molecules:\n")
print(table.to_string(float_format="{:.3f}".format, formatters=formats))

# %%
# Predicted against measured for each, and how the networks got there.
figure, axes = plt.subplots(2, 3, figsize=(12, 7.6), layout="constrained")
limits = [min(y_test) - 0.5, max(y_test) + 0.5]
for axis, (name, predicted) in zip(axes.flat, predictions.items(), strict=False):
    axis.plot(limits, limits, color="0.7", linewidth=1, zorder=0)
    axis.scatter(y_test, predicted, s=14, alpha=0.6, edgecolors="none")
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    axis.set_title(f"{name}: RMSE {rows[name]['RMSE']:.2f}", loc="left")
    axis.set_xlabel("measured log10(mol/L)")
    axis.set_ylabel("predicted log10(mol/L)")

curves = axes.flat[-1]
for name in ("MLP", "CNN", "GNN"):
    history = pd.DataFrame(models[name]["estimator"].history_)
    curves.plot(history["epoch"], history["train_loss"], label=name)
curves.set(yscale="log", xlabel="epoch", ylabel="training loss (standardised)")
curves.set_title("Loss curves", loc="left")
curves.legend(frameon=False)

figure.suptitle("Aqueous solubility, predicted by five models", fontsize=14)
figure.savefig("quickstart.png", dpi=120)
print("\nThe picture is in quickstart.png.")
