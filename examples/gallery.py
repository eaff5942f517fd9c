# ruff: noqa: E402  (each block brings its imports, as it does on the page)
"""
Gallery: every picture that the library draws
=============================================

An ensemble of networks learns solubilities, and everything that `skchem_dl.inspection` draws of
molecules, models and predictions is written into the folder ``docs/images``. docs/gallery.md shows
it, each picture with the lines that make it. It takes about a minute on two cores.
"""

# %%
# Where the pictures go.
from pathlib import Path

import matplotlib.pyplot as plt

FOLDER = Path("docs/images")
FOLDER.mkdir(parents=True, exist_ok=True)


def save(display, name):
    display.figure_.savefig(FOLDER / f"{name}.png", dpi=110, bbox_inches="tight")
    plt.close(display.figure_)


# %%
# The data, and a model: five networks, whose spread is the standard deviation of the prediction.
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_mlp_pipeline

X_train, y_train = load_solubility(subset="train", return_X_y=True)
X_test, y_test = load_solubility(subset="test", return_X_y=True)
unit = "log10(mol/L)"

model = make_mlp_pipeline(
    hidden_dims=(32, 32), dropout=0.0, lr=5e-3, max_epochs=40, n_members=5, random_state=0
)
model.fit(X_train, y_train)

# %%
# Molecules with values
from skchem_dl.inspection import draw_molecules

smiles = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "c1ccccc",
]
predicted = [*model.predict(smiles[:3]), None]
names = ["aspirin", "caffeine", "ibuprofen", "typing error"]
picture = draw_molecules(smiles, predicted, names, unit=unit)

picture.save(FOLDER / "molecules.png")

# %%
# Measured against predicted
from skchem_dl.inspection import MeasuredPredictedDisplay

display = MeasuredPredictedDisplay.from_estimator(model, X_test, y_test, return_std=True, unit=unit)

save(display, "measured_predicted")

# %%
# The same, with what is between the two values
display = MeasuredPredictedDisplay.from_estimator(
    model, X_test, y_test, kind="residual_vs_predicted", unit=unit
)

save(display, "residuals")

# %%
# Calibration of the standard deviations
from skchem_dl.inspection import UncertaintyCalibrationDisplay

display = UncertaintyCalibrationDisplay.from_estimator(model, X_test, y_test)

save(display, "calibration")

# %%
# The same by errors: molecules in bins of their standard deviation
display = UncertaintyCalibrationDisplay.from_estimator(
    model, X_test, y_test, kind="rmse_vs_std", n_bins=8, unit=unit
)

save(display, "rmse_vs_std")

# %%
# Maps of molecules
from skchem_dl.inspection import ChemicalSpaceDisplay
from skchem_dl.pipelines import make_pca_pipeline

space = make_pca_pipeline(random_state=0).fit(X_train)
display = ChemicalSpaceDisplay.from_estimator(
    space,
    X_test,
    color=y_test,
    color_label="logS",
    unit=unit,
    annotate=[0, 30, 60, 100, 150, 200, 230, 250],
)

save(display, "chemical_space")

# %%
# Where on the map the model is wrong
residuals = y_test - model.predict(X_test)
worst = abs(residuals).argsort()[-5:]
display = ChemicalSpaceDisplay.from_estimator(
    space,
    X_test,
    color=residuals,
    color_kind="diverging",
    color_label="measured - predicted",
    unit=unit,
    annotate=worst,
)

save(display, "residual_map")

# %%
# Clusters
from skchem_dl.model_selection import butina_groups

display = ChemicalSpaceDisplay.from_estimator(
    space, X_test, color=butina_groups(X_test), color_label="cluster"
)

save(display, "cluster_map")

# %%
# Loss curves
from skchem_dl.inspection import LossCurveDisplay

stopped = make_mlp_pipeline(max_epochs=60, early_stopping=True, random_state=0)
stopped.fit(X_train, y_train)
display = LossCurveDisplay.from_estimator(stopped, metric="rmse")

save(display, "loss_curve")

# %%
# Learning curves are scikit-learn's own.
import numpy as np
from sklearn.model_selection import LearningCurveDisplay

from skchem_dl.pipelines import make_linear_pipeline

display = LearningCurveDisplay.from_estimator(
    make_linear_pipeline(),
    X_train,
    y_train,
    train_sizes=np.linspace(0.1, 1, 6),
    cv=5,
    shuffle=True,
    random_state=0,
    scoring="neg_root_mean_squared_error",
    negate_score=True,
    score_type="both",
    score_name=f"RMSE [{unit}]",
)

save(display, "learning_curve")
