"""
Tuning: a grid in TensorBoard, then Optuna, which ends hopeless trials early
============================================================================

Which width, dropout and learning rate suit a perceptron on fingerprints? A grid of twelve
candidates is searched with every fit logged, then Optuna samples a larger space and prunes what
lags behind. Both winners are judged, next to the defaults, on molecules that no search has seen. It
takes under a minute on two cores and leaves the folder ``runs`` for TensorBoard.
"""

# %%
# The data: 342 molecules to tune on, 257 others to judge by. Only the network's parameters vary, so
# the fingerprints are made once.
import os

import optuna
from sklearn.base import clone
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, train_test_split

from skchem_dl import FingerprintMLPRegressor, MorganFingerprinter
from skchem_dl.callbacks import OptunaPruning, log_search
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import param_space, suggest_params

smiles, y = load_solubility(subset="train", return_X_y=True)
smiles_test, y_test = load_solubility(subset="test", return_X_y=True)
fingerprints = MorganFingerprinter(fp_size=1024, counts=True)
X, y = fingerprints.fit_transform(smiles[::3]), y[::3]
X_test = fingerprints.transform(smiles_test)

# %%
# The model. (SKCHEM_DL_FAST=1 trains for one epoch in few trials, to try the script itself.)
fast = bool(os.environ.get("SKCHEM_DL_FAST"))
model = FingerprintMLPRegressor(max_epochs=1 if fast else 10, random_state=0)

# %%
# A grid: every fit has a folder in ``runs/fits``, every candidate a row in the HPARAMS tab.
search = GridSearchCV(
    clone(model).set_params(log_dir="runs/fits"),
    param_space(model, "small"),
    cv=KFold(3, shuffle=True, random_state=0),
    scoring="neg_root_mean_squared_error",
)
search.fit(X, y)
folder = log_search(search, "runs")
print(f"Grid: {len(search.cv_results_['params'])} candidates, RMSE {-search.best_score_:.3f} with")
print(f"  {search.best_params_}\n")

# %%
# Optuna: a trial reports its validation error after every epoch, and is pruned as soon as that is
# worse than the median of the trials before. The validation molecules are held out by ourselves, so
# that all trials are compared on the same ones.
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=0)
space = param_space(model, "large", library="optuna")


def objective(trial):
    candidate = clone(model).set_params(
        **suggest_params(trial, space), callbacks=[OptunaPruning(trial, monitor="valid_rmse")]
    )
    candidate.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    return candidate.history_[-1]["valid_rmse"]


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    direction="minimize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
)
study.optimize(objective, n_trials=3 if fast else 30)
log_search(study, "runs", run_name="optuna")
n_pruned = len(study.get_trials(states=[optuna.trial.TrialState.PRUNED]))
print(f"Optuna: {len(study.trials)} trials, {n_pruned} pruned, RMSE {study.best_value:.3f} with")
print(f"  {study.best_params}\n")

# %%
# The three on the molecules that no search has seen. The winner of a search has been lucky on the
# molecules that it was chosen by: expect less of it on others.
print("log10(mol/L), 257 test molecules:")
for name, params in [
    ("Defaults", {}),
    ("Grid", search.best_params_),
    ("Optuna", study.best_params),
]:
    predicted = clone(model).set_params(**params).fit(X, y).predict(X_test)
    print(f"{name:10} RMSE {root_mean_squared_error(y_test, predicted):.3f}")
print("\nSee the candidates with: tensorboard --logdir", folder)
