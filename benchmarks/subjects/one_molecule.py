"""Milliseconds that `predict` of a single SMILES takes, as a web service would call it."""

import time

from benchmarks.suite.subject import MILLISECONDS, Case, Subject, Variant, only

N_CALLS = 100
SET = {"data_set": "lipophilicity", "n": N_CALLS}

subject = Subject(
    title="One molecule",
    unit=MILLISECONDS,
    variants=[
        Variant("MLP", {**SET, "model": "MLP"}),
        Variant("GNN", {**SET, "model": "GNN"}),
        Variant("CNN", {**SET, "model": "CNN"}, quick=False),
    ],
    about=f"A call of `predict` on a list of one SMILES; the mean of {N_CALLS} different ones.",
)


def calls(predict, case: Case):
    def run():
        began = time.perf_counter()
        for text in case.smiles:
            predict([text])
        return 1_000 * (time.perf_counter() - began) / len(case.smiles)

    return run


def pipeline(case: Case):
    from skchem_dl import pipelines

    make = getattr(pipelines, f"make_{case.model.lower()}_pipeline")
    return make(max_epochs=1, random_state=0).fit(case.smiles, case.y)


@subject.contender()
def ours(case: Case):
    return calls(pipeline(case).predict, case)


@subject.contender(
    "RDKit and torch, bare",
    is_bare=True,
    remark=(
        "*Bare* is the features and the network's `forward`, nothing checked: for the MLP "
        "RDKit's parser and fingerprint, for the others our featuriser's `transform`."
    ),
)
def bare(case: Case):
    import torch

    from benchmarks.peers.with_torch import fingerprints
    from skchem_dl.nn import GraphBatch

    featurizer, model = pipeline(case)
    batch = {
        "MLP": lambda smiles: torch.from_numpy(fingerprints(smiles, counts=True)),
        "CNN": lambda smiles: torch.from_numpy(featurizer.transform(smiles)).long(),
        "GNN": lambda smiles: GraphBatch.from_graphs(featurizer.transform(smiles)),
    }[case.model]
    network = model.module_

    def predict(smiles):
        with torch.inference_mode():
            return network(batch(smiles)).numpy()

    return calls(predict, case)


@subject.contender(
    "plain skorch",
    applies=only("model", "MLP"),
    remark="*Plain skorch* has the same network behind RDKit's fingerprint, and checks nothing.",
)
def plain_skorch(case: Case):
    from benchmarks.peers.with_torch import fingerprints, scaled, skorch_net

    net = skorch_net(1, hidden_dims=(512, 128), dropout=0.2)
    net.fit(fingerprints(case.smiles, counts=True), scaled(case.y).numpy())
    return calls(lambda smiles: net.predict(fingerprints(smiles, counts=True)), case)


@subject.contender(
    "chemprop",
    "chemprop",
    applies=only("model", "GNN"),
    remark="chemprop predicts with its default network, through Lightning's `Trainer`.",
)
def chemprop(case: Case):
    from benchmarks.peers.with_chemprop import fit

    return calls(fit(case.smiles, case.y, epochs=1), case)
