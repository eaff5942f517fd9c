"""Fingerprints to a fitted multi-layer perceptron."""

import tempfile
from functools import partial

from benchmarks.suite.subject import SECONDS, Case, Subject, Variant

ROWS = {"data_set": "lipophilicity", "n": 3_360}

subject = Subject(
    title="Fingerprints → fitted MLP",
    unit=SECONDS,
    variants=[
        Variant("5 epochs", {**ROWS, "epochs": 5}, rounds=2),
        Variant("61 epochs", {**ROWS, "epochs": 61}, quick=False, rounds=3),
    ],
    about=(
        "2,048 bits through 1,024 and 256 hidden units, dropout 0.5, Adam at 1e-3, batches of 256, "
        "3,360 molecules that are featurised beforehand."
    ),
)


def estimator(case: Case, **params):
    from skchem_dl import FingerprintMLPRegressor

    return FingerprintMLPRegressor(
        hidden_dims=(1024, 256),
        dropout=0.5,
        lr_schedule="constant",
        weight_decay=0.0,
        batch_size=256,
        max_epochs=case.epochs,
        random_state=0,
        **params,
    )


def features(case: Case, *, sparse: bool):
    from skchem_dl import MorganFingerprinter

    return MorganFingerprinter(sparse_output=sparse).transform(case.smiles)


@subject.contender()
def ours(case: Case):
    X = features(case, sparse=True)
    return lambda: estimator(case).fit(X, case.y)


@subject.contender(
    "skchem_dl, dense", remark="*Dense* is a matrix of uint8; without the word, CSR."
)
def ours_dense(case: Case):
    X = features(case, sparse=False)
    return lambda: estimator(case).fit(X, case.y)


@subject.contender(
    "skchem_dl, logged",
    applies=lambda variant: not variant.quick,
    remark="*Logged* has `log_dir` and `checkpoint_dir`, with their defaults.",
)
def ours_logged(case: Case):
    X = features(case, sparse=True)

    def run():
        with tempfile.TemporaryDirectory() as folder:
            folders = {"log_dir": f"{folder}/runs", "checkpoint_dir": f"{folder}/checkpoints"}
            estimator(case, **folders).fit(X, case.y)

    return run


@subject.contender(
    "bare torch loop",
    is_bare=True,
    remark=(
        "The bare loop is fused Adam over rows of one tensor of float32; it records no losses and "
        "checks no input."
    ),
)
def bare_loop(case: Case):
    import torch

    from benchmarks.peers.with_torch import MLP, bare_fit, fingerprints

    X = torch.from_numpy(fingerprints(case.smiles))
    return lambda: bare_fit(MLP(), X.__getitem__, case.y, 256, case.epochs)


@subject.contender("plain skorch", remark="*Plain skorch* has the same network, on float32.")
def plain_skorch(case: Case):
    from benchmarks.peers.with_torch import fingerprints, scaled, skorch_net

    X, y = fingerprints(case.smiles), scaled(case.y).numpy()
    return lambda: skorch_net(case.epochs).fit(X, y)


@subject.contender(
    "scikit-learn",
    remark=(
        "scikit-learn is its `MLPRegressor` on float32, which has no dropout: its steps are "
        "cheaper, and it overfits."
    ),
)
def scikit_learn(case: Case):
    from sklearn.neural_network import MLPRegressor

    from benchmarks.peers.with_torch import fingerprints, scaled

    X, y = fingerprints(case.smiles), scaled(case.y).numpy().ravel()
    make = partial(
        MLPRegressor,
        hidden_layer_sizes=(1024, 256),
        alpha=0.0,
        batch_size=256,
        max_iter=case.epochs,
        n_iter_no_change=case.epochs,
        random_state=0,
    )
    return lambda: make().fit(X, y)
