"""
Comparison: which models differ, and which are practically the same
===================================================================

Every baseline and three networks are cross-validated on the same 5 times 5 folds, and tested
against each other: a better mean alone says little. That is 25 fits of each, half an hour or more;
``--repeats 1 --folds 3 --epochs 5`` gives an impression in minutes. It prints a table, and leaves
the scores of all fits in ``compare.csv`` and a picture, ``compare.png``. With a file of your own::

    python examples/compare.py --file esol.csv --target "measured log solubility in mols per litre"
"""

# %%
# What to compare on, and for how long.
import argparse
import tempfile

import matplotlib.pyplot as plt

from skchem_dl.datasets import load_csv, load_solubility
from skchem_dl.inspection import ComparisonDisplay
from skchem_dl.model_selection import compare
from skchem_dl.pipelines import (
    make_baselines,
    make_cnn_pipeline,
    make_gnn_pipeline,
    make_mlp_pipeline,
)

parser = argparse.ArgumentParser(description="Compare all baselines and three networks.")
parser.add_argument("--file", help="a CSV file with SMILES; without, solubilities that come along")
parser.add_argument("--target", help="its column to predict")
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--folds", type=int, default=5)
parser.add_argument("--epochs", type=int, help="of the networks, instead of their defaults")
parser.add_argument("--molecules", type=int, help="only so many, to try the script itself")
parser.add_argument("--jobs", type=int, help="fits at a time")
options = parser.parse_args()

if options.file:
    X, y = load_csv(options.file, target=options.target, on_invalid="drop", return_X_y=True)
else:
    X, y = load_solubility(return_X_y=True)
X, y = X[: options.molecules], y[: options.molecules]

# %%
# The models, all `Pipeline` objects that take SMILES.
training = {"random_state": 0}
if options.epochs:
    training["max_epochs"] = options.epochs
models = make_baselines(random_state=0)
models |= {
    "MLP on fingerprints": make_mlp_pipeline(**training),
    "CNN on SMILES": make_cnn_pipeline(**training),
    "GNN on graphs": make_gnn_pipeline(**training),
}
# Wide enough for all of them, so that no fold meets a SMILES that it has to cut.
models["CNN on SMILES"].set_params(featurizer__max_length=max(len(text) for text in X))
if options.epochs:
    models["gradient descent"].set_params(estimator__max_epochs=options.epochs)

# %%
# One call fits them all. The features of a molecule are kept, so that no fold makes them again.
with tempfile.TemporaryDirectory() as folder:
    for model in models.values():
        model.set_params(featurizer__memory=folder)
    comparison = compare(
        models, X, y, cv=options.folds, n_repeats=options.repeats, n_jobs=options.jobs, verbose=1
    )
comparison.scores.to_csv("compare.csv", index=False)

# %%
# Means and standard deviations over the folds, and which differences are more than chance.
print(f"{len(X)} molecules, {options.repeats} times {options.folds} folds:\n")
print(comparison.summary().to_string(float_format="{:.3f}".format))
print(f"\n{comparison.test('rmse')}")

figure, axes = plt.subplots(1, 2, figsize=(17, 6), layout="constrained")
for axis, kind in zip(axes, ("intervals", "matrix"), strict=True):
    ComparisonDisplay.from_comparison(comparison, metric="rmse", kind=kind, ax=axis)
figure.savefig("compare.png", dpi=120)
print("\nThe picture is in compare.png, the scores of every fit in compare.csv.")
