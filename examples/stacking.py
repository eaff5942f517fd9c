"""
Stacking: four models vote on solubility, and their votes are weighed
=====================================================================

An MLP on fingerprints, a CNN on SMILES, a GNN on graphs and a random forest on descriptors make
different mistakes, so a weighted sum of their predictions can be better than each. The weights must
come from molecules that the models have not seen: scikit-learn's `StackingRegressor` predicts
each training molecule by models trained without it, fits the weights to that, and then trains each
model on all. It takes a few minutes on two cores.

What is stacked is predictions. The networks' inner vectors (`NeuralEmbedder`) would not do: those
of two networks, even of the same one trained on two folds, have no axis in common.
"""

# %%
# The data: SMILES and log10 of the solubility in mol/L, already split in two.
import os

from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold

from skchem_dl import SmilesTokenizer
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import (
    make_cnn_pipeline,
    make_forest_pipeline,
    make_gnn_pipeline,
    make_mlp_pipeline,
)

X_train, y_train = load_solubility(subset="train", return_X_y=True)
X_test, y_test = load_solubility(subset="test", return_X_y=True)

# %%
# The models. (SKCHEM_DL_FAST=1 trains small ones on a fifth of the molecules, to try the script
# itself.)
networks, forest = {"max_epochs": 20, "random_state": 0}, {"random_state": 0}
if os.environ.get("SKCHEM_DL_FAST"):
    X_train, y_train = X_train[::5], y_train[::5]
    networks["max_epochs"], forest["n_estimators"] = 2, 10
models = [
    ("MLP", make_mlp_pipeline(**networks)),
    # No longer SMILES may turn up in a fold than in what its model was trained on.
    ("CNN", make_cnn_pipeline(featurizer=SmilesTokenizer(max_length=82), **networks)),
    ("GNN", make_gnn_pipeline(**networks)),
    ("Forest", make_forest_pipeline(**forest)),
]

# %%
# The stack: each model is trained three times on two thirds of the molecules to predict the third,
# and once on all. Weights that may not be negative are hard to overfit [1]_.
#
# .. [1] Breiman, L. Stacked Regressions. Mach. Learn. 1996, 24, 49-64.
#    https://doi.org/10.1007/BF00117832
stack = StackingRegressor(
    models,
    final_estimator=LinearRegression(positive=True),
    cv=KFold(3, shuffle=True, random_state=0),
)
stack.fit(X_train, y_train)

# %%
# Each model trained on all training molecules, and the stack of them, on the others.
print(f"log10(mol/L), {len(X_test)} test molecules:")
weights = stack.final_estimator_.coef_
for (name, model), weight in zip(stack.named_estimators_.items(), weights, strict=True):
    rmse = root_mean_squared_error(y_test, model.predict(X_test))
    print(f"{name:8} RMSE {rmse:.3f}   weight {weight:.2f}")
print(f"{'Stack':8} RMSE {root_mean_squared_error(y_test, stack.predict(X_test)):.3f}")
