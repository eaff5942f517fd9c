"""Error on held-out molecules, and the seconds of the fit, fold by fold.

The thorough run takes hours. Each of its fits is a line in ``benchmarks/results/accuracy.jsonl`` as
soon as it is done, and a run that is started again goes on from there, here or on another machine,
as long as nothing of the data, the threads, and the contender's version and code has changed. Who
knows that a change alters no fit, and has made some again to see it, may write the new ``code``
into the lines; ``made`` says when a fit was really made.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.suite.results import RESULTS, cpu
from benchmarks.suite.subject import DATA_SETS, OURS, RMSE, Case, Outcome, Subject, Variant
from benchmarks.suite.worker import versions

N_FOLDS = 5
SETS = ("freesolv", "esol", "bace", "lipophilicity")
# A run that is ended early has each kind of split.
SPLITS = ["fold 0", "scaffold", *(f"fold {fold}" for fold in range(1, N_FOLDS))]
KEPT = RESULTS / "accuracy.jsonl"


def variant(name: str, split: str, *, quick: bool = False) -> Variant:
    options = {"data_set": name, "split": split, "keep": not quick}
    called = f"{name}, {split}" + (" (quick)" if quick else "")
    return Variant(called, options, quick=quick, rounds=1)


subject = Subject(
    title="Accuracy",
    unit=RMSE,
    variants=[
        variant("freesolv", "fold 0", quick=True),
        *(variant(name, split) for split in SPLITS for name in SETS),
    ],
    warm_up=False,
    fresh=True,
    about=(
        "Root mean squared error in the units of each set, everything at its default and from "
        "SMILES. Folds are of `KFold(5, shuffle=True, random_state=0)`; *scaffold* is DeepChem's "
        "split, a fifth of the molecules held out. Errors are means of the folds, seconds of `fit` "
        "of those folds that were fitted on one and the same machine; single splits differ by a "
        "tenth, by chance. The default of ours was chosen on other folds of freesolv, esol and "
        "lipophilicity (`benchmarks/gnn_default.md`); of the four sets only bace had no say in it."
    ),
)

Fit = Callable[[list[str], np.ndarray], Callable[[list[str]], np.ndarray]]


def rows_of(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Give the rows to train on and those to predict."""
    if case.split == "scaffold":
        return _scaffold_split(case)
    from sklearn.model_selection import KFold

    splits = KFold(N_FOLDS, shuffle=True, random_state=0).split(case.y)
    return list(splits)[int(case.split.split()[1])]


def _scaffold_split(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Fill the training set with the largest scaffolds; any environment with RDKit can do it."""
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

    groups: dict[str, list[int]] = {}
    for row, text in enumerate(case.smiles):
        groups.setdefault(MurckoScaffoldSmiles(smiles=text), []).append(row)
    train: list[int] = []
    test: list[int] = []
    for group in sorted(groups.values(), key=lambda rows: (len(rows), rows[0]), reverse=True):
        fits = len(train) + len(group) <= 0.8 * len(case.smiles)
        (train if fits else test).extend(group)
    return np.array(train), np.array(test)


def contender(
    name: str, environment: str = OURS, *, quick: bool = True, remark: str = ""
) -> Callable:
    """Register a function that gives a fit: from SMILES and y to a function that predicts."""

    def register(make: Callable[[Case], Fit]) -> Callable[[Case], Fit]:
        def prepare(case: Case) -> Callable[[], Outcome]:
            if not case.keep:
                return lambda: measure(case, make(case))
            return lambda: kept_or(_key(case, name, environment), lambda: measure(case, make(case)))

        def applies(variant: Variant) -> bool:
            return quick or not variant.quick

        subject.contender(name, environment, applies=applies, remark=remark)(prepare)
        return make

    return register


def measure(case: Case, fit: Fit) -> Outcome:
    train, test = rows_of(case)
    smiles = np.array(case.smiles, dtype=object)
    began = time.perf_counter()
    predict = fit(list(smiles[train]), case.y[train])
    seconds = time.perf_counter() - began
    predicted = predict(list(smiles[test]))
    return Outcome(float(np.sqrt(np.mean((predicted - case.y[test]) ** 2))), seconds)


def kept_or(key: dict, work: Callable[[], Outcome]) -> Outcome:
    """Give what is on file for a fit, or make it and write it down."""
    if KEPT.exists():
        for line in KEPT.read_text().splitlines():
            row = json.loads(line)
            if row["key"] == key:
                return Outcome(**row["found"])
    found = replace(work(), made=f"{date.today().isoformat()} ({cpu()})")
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.open("a") as file:
        file.write(json.dumps({"key": key, "found": asdict(found)}) + "\n")
    return found


def _key(case: Case, name: str, environment: str) -> dict:
    return {
        "data_set": case.data_set,
        "split": case.split,
        "contender": name,
        "versions": versions(environment) | {"code": _code(environment)},
        "data": _digest([case.data / DATA_SETS[case.data_set][0]]),
        "threads": case.threads,
    }


@cache
def _code(environment: str) -> str:
    """Give a digest of what is ours to change: the package, or how a peer is called."""
    root = Path(__file__).parents[2]
    if environment == OURS:
        return _digest(sorted((root / "skchem_dl").rglob("*.py")))
    return _digest([root / "benchmarks" / "peers" / f"with_{environment}.py"])


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def pipeline(name: str) -> Fit:
    from skchem_dl import pipelines

    model = getattr(pipelines, f"make_{name}_pipeline")(random_state=0)
    return lambda smiles, y: model.fit(smiles, y).predict


@contender(
    OURS,
    remark="skchem_dl without a word more is `make_gnn_pipeline()` with default parameters.",
)
def gnn(case: Case) -> Fit:
    return pipeline("gnn")


@contender("skchem_dl, MLP")
def mlp(case: Case) -> Fit:
    return pipeline("mlp")


@contender(
    "skchem_dl, CNN",
    quick=False,
    remark="The CNN was fitted before its epochs took half as long (`benchmarks/profile.md`).",
)
def cnn(case: Case) -> Fit:
    return pipeline("cnn")


@contender(
    "boosted trees",
    remark="The trees are scikit-learn's, on RDKit's descriptors: `make_boosting_pipeline()`.",
)
def boosting(case: Case) -> Fit:
    return pipeline("boosting")


@contender(
    "chemprop",
    "chemprop",
    quick=False,
    remark=(
        "chemprop is trained as its command line does it: 50 epochs on nine tenths of the rows, of "
        "which the one is kept that is best on the last tenth."
    ),
)
def chemprop(case: Case) -> Fit:
    from benchmarks.peers.with_chemprop import fit

    return lambda smiles, y: fit(smiles, y)
