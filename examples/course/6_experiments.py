"""
6. Managing experiments
=======================

Which layers, learning rate and more? A grid search and a search by Optuna try many, with every
fit logged for TensorBoard; then the winner is found again and rebuilt from the log folder alone.
The picture shows how all trials learnt and with which parameters, the winner among them, and what
TensorBoard has of it.
"""

# %%
# What is searched, and judged by what
# ------------------------------------
#
# Weights are learnt in training; *hyper-parameters*, such as the width of a layer, are set before.
# They are chosen by the error on *validation* molecules, which the network was not trained on. The
# winner has been lucky with those, so that it is judged on a third set, the *test* molecules, which
# played no part. The fingerprints are made once: only the network's parameters vary.
import io
import json
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from skchem_dl import FingerprintMLPRegressor, MorganFingerprinter
from skchem_dl.callbacks import OptunaPruning, log_search
from skchem_dl.datasets import load_solubility
from skchem_dl.model_selection import param_space, suggest_params

fast = "SKCHEM_DL_FAST" in os.environ
smiles, y = load_solubility(subset="train", return_X_y=True)
smiles_test, y_test = load_solubility(subset="test", return_X_y=True)
fingerprints = MorganFingerprinter(fp_size=1024, counts=True)
step = 10 if fast else 3  # a third of the molecules will do, and takes a third of the time
X, y = fingerprints.fit_transform(smiles[::step]), y[::step]
X_test = fingerprints.transform(smiles_test)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=0)
model = FingerprintMLPRegressor(max_epochs=2 if fast else 10, random_state=0)

# %%
# A grid, logged
# --------------
#
# ``log_dir="runs"`` is all that logging needs: each fit makes a folder of its own in there (here in
# a temporary folder, which is removed at the end). The grid is 3 sets of layers times 4 learning
# rates, each fitted three times, on two thirds of the molecules in turn
# (3-fold cross-validation). :func:`~skchem_dl.callbacks.log_search` adds the search itself, a row
# a candidate: in TensorBoard that is the tab HPARAMS, on disk the table ``candidates.csv``.
temporary = tempfile.TemporaryDirectory()
runs = Path(temporary.name)
rates = [1e-3, 1e-2] if fast else [1e-4, 1e-3, 1e-2, 1e-1]
grid = {"hidden_dims": [(32,), (256,), (512, 128)], "lr": rates}
search = GridSearchCV(
    clone(model).set_params(log_dir=runs / "fits"),
    grid,
    cv=KFold(2 if fast else 3, shuffle=True, random_state=0),
    scoring="neg_root_mean_squared_error",
)
search.fit(X_train, y_train)
grid_folder = log_search(search, runs)

# %%
# Read back from the folder, as a map of the errors. Look for the valley: too low a learning rate
# has not arrived when training ends, too high a one overshoots. (The smallest network's lies at the
# edge or beyond: a grid should then be widened.)
table = pd.read_csv(grid_folder / "candidates.csv")
table["RMSE"] = -table["mean_test_score"]
errors = table.pivot(index="hidden_dims", columns="lr", values="RMSE")
errors = errors.loc[[str(dims) for dims in grid["hidden_dims"]]]
print(errors.to_string(float_format="{:.3f}".format))

figure, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
image = axis.imshow(np.log(errors), cmap="cividis")
for (row, column), error in np.ndenumerate(errors.to_numpy()):
    shade = "black" if image.norm(np.log(error)) > 0.5 else "white"
    axis.text(column, row, f"{error:.2f}", ha="center", va="center", color=shade)
axis.set_xticks(range(errors.shape[1]), errors.columns)
axis.set_yticks(range(errors.shape[0]), errors.index)
axis.set(xlabel="lr", ylabel="hidden_dims", title="RMSE in cross-validation, log10(mol/L)")
plt.show()

# %%
# Optuna
# ------
#
# A grid of seven parameters would have thousands of candidates. Optuna tries some, and where errors
# were low it tries more. :func:`~skchem_dl.model_selection.param_space` knows what is worth trying
# for each estimator of ours; :class:`~skchem_dl.callbacks.OptunaPruning` ends a trial early when it
# lags behind the median of the others. Each trial validates on the same molecules, and is logged.
space = param_space(model, "large", library="optuna")


def objective(trial):
    candidate = clone(model).set_params(
        **suggest_params(trial, space),
        log_dir=runs / "trials",
        callbacks=[OptunaPruning(trial, monitor="valid_rmse")],
    )
    candidate.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    return candidate.history_[-1]["valid_rmse"]


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
)
study.optimize(objective, n_trials=4 if fast else 30)
n_pruned = len(study.get_trials(states=[optuna.trial.TrialState.PRUNED]))
print(f"\nOptuna: {len(study.trials)} trials, {n_pruned} of them pruned")

# %%
# From the folder alone
# ---------------------
#
# Weeks later, nothing of the above is in memory. The folder of a fit holds
#
# - ``params.json``, every parameter of the estimator,
# - ``summary.json``, the metrics of the epoch that was kept,
# - ``metrics.csv``, the metrics of every epoch,
# - an event file, which has the same for TensorBoard: ``tensorboard --logdir runs``.
#
# So a table of all trials is a few lines of pandas. The winner is looked for among those that were
# trained to the end.


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


folders = sorted((runs / "trials").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
trials = pd.DataFrame([{**read(f / "params.json"), **read(f / "summary.json")} for f in folders])
whole = trials[trials["epoch"] == trials["max_epochs"]]
columns = ["rmse/validation", *space]
print("\nThe five best trials:")
print(whole.sort_values("rmse/validation")[columns].head().to_string(float_format="{:.3g}".format))

# %%
# The estimator is made again from its parameters, all but those that say where it was logged.
# Fitted on the same molecules it is the same network: the seed is a parameter like any other.
best = whole["rmse/validation"].idxmin()
params = read(folders[best] / "params.json")
rebuilt = FingerprintMLPRegressor(**{**params, "log_dir": None, "callbacks": None})
rebuilt.fit(X_train, y_train, X_val=X_val, y_val=y_val)
print("\nIt is Optuna's best trial:", {name: params[name] for name in space} == study.best_params)
print("It has its error, to the bit:", rebuilt.history_[-1]["valid_rmse"] == study.best_value)

# %%
# The winners on the test molecules, trained on those of training and validation together, beside
# the defaults of the library.
grid_params = read(grid_folder / "best_params.json")
print("\nlog10(mol/L), test molecules:")
for name, chosen in [
    ("defaults", {}),
    ("grid", grid_params),
    ("Optuna", {name: params[name] for name in space}),
]:
    predicted = clone(model).set_params(**chosen).fit(X, y).predict(X_test)
    print(f"{name:10} RMSE {root_mean_squared_error(y_test, predicted):.3f}")

# %%
# What TensorBoard shows
# ----------------------
#
# TensorBoard draws what is in the event files, and its own reader gives us the same: scalars by
# epoch, the parameters that are a row of the tab HPARAMS, and the picture of predicted against
# measured that each regression leaves at its end.


def read_events(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def read_curve(folder):
    scalars = read_events(folder).Scalars("rmse/validation")
    return [event.step for event in scalars], [event.value for event in scalars]


curves = [read_curve(folder) for folder in folders]
of_table = pd.read_csv(folders[best] / "metrics.csv")["rmse/validation"]
print("\nCurves are those of metrics.csv:", np.allclose(curves[best][1], of_table))
packed = read_events(folders[best]).PluginTagToContent("hparams")["_hparams_/session_start_info"]
row = HParamsPluginData.FromString(packed).session_start_info.hparams
print("The winner's row in HPARAMS:")
for name in space:
    print(f"  {name:14}", getattr(row[name], row[name].WhichOneof("kind")))
image = read_events(folders[best]).Images("predicted against measured")[0].encoded_image_string


# %%
# Each line is a trial, the winner in orange, the others the darker the better. Above, pruned trials
# end early, at a cross, so that more of the time went into promising ones. Below, a line goes
# through the parameters of one trial to its error on the right. Where pale lines cross an axis in
# one place and dark ones in another, that parameter matters; where both are spread all over it, it
# hardly does. (HPARAMS calls this the "parallel coordinates view".) Do not count the dark lines
# alone: Optuna went back to where errors were low.
errors = trials["rmse/validation"]
order = errors.sort_values(ascending=False).index  # the best on top
color = dict(zip(order, plt.cm.Blues(np.linspace(0.15, 1, len(order))), strict=True))
color[best] = "#d55e00"
width = dict.fromkeys(order, 1.0) | {best: 3.0}

figure, axes = plt.subplot_mosaic(
    [["curves", "picture"], ["lines", "lines"]], figsize=(11, 8.5), layout="constrained"
)
for number in order:
    steps, values = curves[number]
    axes["curves"].plot(steps, values, color=color[number], linewidth=width[number])
    if number not in whole.index:
        axes["curves"].plot(steps[-1], values[-1], "kx")
axes["curves"].set(title=f"{len(trials)} trials", xlabel="epoch", ylim=(0.5, 2.5))
axes["curves"].set_ylabel("RMSE of validation molecules, log10(mol/L)")
axes["picture"].imshow(plt.imread(io.BytesIO(image)))
axes["picture"].set_axis_off()
axes["picture"].set_title("the winner's picture in TensorBoard")

of_errors = optuna.distributions.FloatDistribution(errors.min(), errors.max(), log=True)
ranges, trials["RMSE"] = {**space, "RMSE": of_errors}, errors
heights = pd.DataFrame(index=trials.index)
paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1}
for place, (name, values) in enumerate(ranges.items()):
    if isinstance(values, optuna.distributions.CategoricalDistribution):
        labels = list(values.choices)
        ticks = np.linspace(0, 1, len(labels))
        heights[name] = trials[name].map(labels.index) / (len(labels) - 1)
    else:
        labels, ticks = [f"{values.low:.3g}", f"{values.high:.3g}"], [0, 1]
        low, high, found = (
            np.log(x) if values.log else x for x in (values.low, values.high, trials[name])
        )
        heights[name] = (found - low) / (high - low)
    axes["lines"].axvline(place, color="0.8", zorder=0)
    for label, tick in zip(labels, ticks, strict=True):
        axes["lines"].annotate(label, (place, tick), (4, 3), textcoords="offset points", bbox=paper)
for number in order:
    line = heights.loc[number].to_numpy()
    axes["lines"].plot(line, color=color[number], linewidth=width[number])
axes["lines"].set_xticks(range(len(ranges)), ranges)
axes["lines"].set_xlim(-0.1, len(ranges) - 0.4)
axes["lines"].set(yticks=[], ylim=(-0.05, 1.1), title="parameters and error of each trial")
plt.show()
temporary.cleanup()
