"""Molecules a second through trained models."""

import time

from benchmarks.suite.subject import RATE, Case, Subject, Variant, only

SET = {"data_set": "lipophilicity"}
N_TRAINED = 128  # in one epoch: what a model has learnt does not make it slower
LEAST_SECONDS = 0.3  # that a measurement of small batches takes


def from_smiles(model: str, n: int, *, quick: bool) -> Variant:
    options = {**SET, "n": n, "model": model, "batch": None}
    return Variant(f"SMILES → {model}, {n:,} molecules", options, quick=quick)


def from_features(batch: int, *, quick: bool = True) -> Variant:
    options = {**SET, "n": 1_024, "model": "features", "batch": batch}
    rows = "1 row" if batch == 1 else f"{batch:,} rows"
    return Variant(f"fingerprints → MLP, {rows} a call", options, quick=quick)


subject = Subject(
    title="Predictions",
    unit=RATE,
    variants=[
        from_smiles("MLP", 500, quick=True),
        from_smiles("GNN", 500, quick=True),
        from_features(1_024),
        from_smiles("MLP", 4_200, quick=False),
        from_smiles("CNN", 4_200, quick=False),
        from_smiles("GNN", 4_200, quick=False),
        from_features(1, quick=False),
        from_features(64, quick=False),
        from_features(100_000, quick=False),
    ],
    about="From SMILES or from features to predictions, with models that are fitted beforehand.",
)


def some(case: Case):
    """Give what models are fitted to."""
    return case.smiles[:N_TRAINED], case.y[:N_TRAINED]


def course_mlp():
    from skchem_dl import FingerprintMLPRegressor

    return FingerprintMLPRegressor(hidden_dims=(1024, 256), dropout=0.5, max_epochs=1)


def calls(predict, X, batch):
    """Give a measurement of calls with `batch` rows, in rows a second."""
    import numpy as np

    rows = X[np.arange(batch) % X.shape[0]]

    def run():
        began, n = time.perf_counter(), 0
        while (seconds := time.perf_counter() - began) < LEAST_SECONDS:
            predict(rows)
            n += batch
        return n / seconds

    return run


@subject.contender()
def ours(case: Case):
    from skchem_dl import MorganFingerprinter, pipelines

    smiles, y = some(case)
    if case.model == "features":
        X = MorganFingerprinter(sparse_output=True).transform(case.smiles)
        return calls(course_mlp().fit(X[:N_TRAINED], y).predict, X, case.batch)
    make = getattr(pipelines, f"make_{case.model.lower()}_pipeline")
    model = make(max_epochs=1, random_state=0).fit(smiles, y)
    return lambda: model.predict(case.smiles)


@subject.contender(
    "skchem_dl, dense",
    applies=only("model", "features"),
    remark="*Dense* is a matrix of uint8; without the word, CSR.",
)
def ours_dense(case: Case):
    from skchem_dl import MorganFingerprinter

    X = MorganFingerprinter().transform(case.smiles)
    return calls(course_mlp().fit(X[:N_TRAINED], case.y[:N_TRAINED]).predict, X, case.batch)


@subject.contender(
    "features alone",
    applies=only("model", "MLP", "CNN", "GNN"),
    is_bare=True,
    remark="*Features alone* is our featuriser without a network behind it.",
)
def features_alone(case: Case):
    from skchem_dl import MolGraphizer, MorganFingerprinter, SmilesTokenizer

    make = {
        "MLP": MorganFingerprinter(counts=True, sparse_output=True),
        "CNN": SmilesTokenizer(),
        "GNN": MolGraphizer(),
    }[case.model].fit(case.smiles[:N_TRAINED])
    return lambda: make.transform(case.smiles)


@subject.contender(
    "plain skorch",
    applies=only("model", "MLP", "features"),
    remark="*Plain skorch* has the same network, on float32 from a loop over RDKit's fingerprints.",
)
def plain_skorch(case: Case):
    from benchmarks.peers.with_torch import fingerprints, scaled, skorch_net

    smiles, y = some(case)
    batch_size = {"batch_size": 1_024}  # as ours has where it predicts
    if case.model == "features":
        X = fingerprints(case.smiles)
        net = skorch_net(1).fit(X[:N_TRAINED], scaled(y).numpy())
        return calls(net.set_params(**batch_size).predict, X, case.batch)
    net = skorch_net(1, hidden_dims=(512, 128), dropout=0.2)
    net.fit(fingerprints(smiles, counts=True), scaled(y).numpy()).set_params(**batch_size)
    return lambda: net.predict(fingerprints(case.smiles, counts=True))


@subject.contender(
    "scikit-learn",
    applies=only("model", "features"),
    remark="scikit-learn is its `MLPRegressor`, on float32.",
)
def scikit_learn(case: Case):
    from sklearn.neural_network import MLPRegressor

    from benchmarks.peers.with_torch import fingerprints

    X = fingerprints(case.smiles)
    model = MLPRegressor(hidden_layer_sizes=(1024, 256), max_iter=1).fit(
        X[:N_TRAINED], case.y[:N_TRAINED]
    )
    return calls(model.predict, X, case.batch)


@subject.contender(
    "chemprop",
    "chemprop",
    applies=only("model", "GNN"),
    remark="chemprop predicts with its default network, in batches of 64, its default.",
)
def chemprop(case: Case):
    from benchmarks.peers.with_chemprop import fit

    predict = fit(*some(case), epochs=1)
    return lambda: predict(case.smiles)


@subject.contender(
    "chemprop, with cuik-molmaker",
    "chemprop",
    applies=only("model", "GNN"),
    remark="*With cuik-molmaker*, the library that also our extra `fast` reads graphs with.",
)
def chemprop_fast(case: Case):
    from benchmarks.peers.with_chemprop import fast_dataset, fit

    predict = fit(*some(case), epochs=1)
    return lambda: predict(case.smiles, fast_dataset)


@subject.contender(
    "torch-molecule",
    "torch-molecule",
    applies=only("model", "GNN"),
    remark="torch-molecule predicts with `GNNMolecularPredictor()`.",
)
def torch_molecule(case: Case):
    from benchmarks.peers.with_torch_molecule import fit

    model = fit(*some(case), epochs=1)
    return lambda: model.predict(case.smiles)["prediction"]


@subject.contender(
    "dgllife",
    "dgllife",
    applies=only("model", "GNN"),
    remark="dgllife predicts with its GCN, the fastest of its networks, untrained.",
)
def dgllife(case: Case):
    from benchmarks.peers.with_dgllife import Model

    model = Model("GCN")
    return lambda: model.predict(case.smiles)
