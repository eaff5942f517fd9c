"""
A search that never sees a test scaffold
========================================

Molecules of one ring system resemble each other, so a random split flatters a model: it has seen
the test molecules' siblings. Here a grid search over an MLP on fingerprints keeps scaffolds apart
at both levels: in its folds, and in the molecules that each fit holds out to know when to stop.
It takes about twenty seconds.
"""

# %%
# The data: SMILES, log10 of the solubility in mol/L, and each molecule's scaffold. A tenth, of
# scaffolds of its own, is put away for the end.
import sklearn
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import (
    ScaffoldKFold,
    ScaffoldShuffleSplit,
    scaffold_groups,
)
from skchem_dl.pipelines import make_mlp_pipeline

X, y = load_solubility(return_X_y=True)
scaffolds = scaffold_groups(X)
keep_away = ScaffoldShuffleSplit(1, test_size=0.1, random_state=0)
train, test = next(keep_away.split(X, groups=scaffolds))
print(f"{len(X)} molecules, {len(set(scaffolds))} scaffolds; {len(test)} molecules put away.")

# %%
# Metadata routing hands the groups on to whoever asks for them: the splitter, and the `fit` of the
# network at the end of the pipeline, which has `early_stopping=True`.
model = make_mlp_pipeline(
    hidden_dims=(128,), batch_size=128, max_epochs=30, early_stopping=True, random_state=0
)
search = GridSearchCV(
    model,
    {"featurizer__radius": [1, 2], "estimator__dropout": [0.1, 0.4]},
    cv=ScaffoldKFold(3),
    scoring="neg_root_mean_squared_error",
)
with sklearn.config_context(enable_metadata_routing=True):
    search.fit(X[train], y[train], groups=scaffolds[train])

print(f"Best of {len(search.cv_results_['params'])}: {search.best_params_}")
print(f"RMSE on scaffolds held out by the search: {-search.best_score_:.2f}")
rmse = root_mean_squared_error(y[test], search.predict(X[test]))
print(f"RMSE on the scaffolds put away: {rmse:.2f}")

# %%
# The same model with random folds, and random molecules to stop by, looks better than it is.
scores = cross_val_score(
    search.best_estimator_,
    X[train],
    y[train],
    cv=KFold(3, shuffle=True, random_state=0),
    scoring="neg_root_mean_squared_error",
)
print(f"RMSE on random folds: {-scores.mean():.2f}")
