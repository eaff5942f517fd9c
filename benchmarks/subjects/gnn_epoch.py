"""Seconds an epoch of our graph networks beside chemprop's, dgllife's and torch-molecule's."""

import time
from statistics import median

from benchmarks.suite.subject import SECONDS, Case, Subject, Variant, only

GCN = {
    "conv": "gcn",
    "hidden_dim": 64,
    "n_layers": 2,
    "skip": "residual",
    "batch_norm": True,
    "readout": "weighted_sum_max",
    "head_dims": (128,),
}
OURS = {
    "dmpnn": {"readout": "mean"},
    "dmpnn, bfloat16": {"readout": "mean", "precision": "bfloat16"},
    "gcn": GCN,
    # As there: four heads of 32, their mean behind the last layer, residuals, readout and head.
    "gat": {
        **GCN,
        "conv": "gat",
        "hidden_dim": 128,
        "n_heads": 4,
        "average_heads": True,
        "batch_norm": False,
    },
    "attentivefp": {
        "conv": "attentivefp",
        "hidden_dim": 200,
        "n_layers": 2,
        "readout": "attentivefp",
        "head_dims": (),
    },
    "mpnn": {
        "conv": "mpnn",
        "hidden_dim": 64,
        "n_layers": 6,
        "readout": "set2set",
        "head_dims": (64,),
    },
    "default": {},
}
# dgllife's names. Its MPNN's epoch takes most of a minute: some batches of one are enough.
DGLLIFE = {"gcn": "GCN", "gat": "GAT", "attentivefp": "AttentiveFP", "mpnn": "MPNN"}
FEW_BATCHES = {"mpnn": 5}
IN_QUICK_RUN = ("dmpnn", "attentivefp", "default")


def variant(network: str, n: int, *, quick: bool) -> Variant:
    options = {"data_set": "lipophilicity", "n": n, "network": network, "epochs": 1 if quick else 2}
    if network in FEW_BATCHES:
        options["n_batches"] = FEW_BATCHES[network]
    name = f"{network}, {n:,} molecules"
    return Variant(name, options, quick=quick, rounds=2 if quick else None)


subject = Subject(
    title="An epoch of graph networks",
    unit=SECONDS,
    variants=[
        *(variant(network, 640, quick=True) for network in IN_QUICK_RUN),
        *(variant(network, 3_360, quick=False) for network in OURS),
    ],
    warm_up=False,  # the first epoch is left out anyway
    about=(
        "One epoch in batches of 64 over graphs that are made beforehand, the first epoch left "
        "out. The architecture is the peer's, at its default sizes (of *gat*, ours has 55,218 "
        "weights and dgllife's 44,834, since here bonds have a say); only in *default* are two "
        "networks trained that are not alike, each library's own."
    ),
)


def prepared(case: Case):
    from skchem_dl import MolGNNRegressor, MolGraphizer

    graphs = MolGraphizer().fit_transform(case.smiles)
    options = {**OURS[case.network], "batch_size": 64, "random_state": 0}
    return graphs, lambda epochs: MolGNNRegressor(**options, max_epochs=epochs)


@subject.contender()
def ours(case: Case):
    graphs, make = prepared(case)

    def run():
        history = make(case.epochs + 1).fit(graphs, case.y).history_
        return median(epoch["dur"] for epoch in history[1:])

    return run


@subject.contender(
    "bare torch loop",
    applies=only("network", "default"),
    is_bare=True,
    remark="The bare loop is our network and batches without the estimator around them.",
)
def bare_loop(case: Case):
    from benchmarks.peers.with_torch import bare_fit
    from skchem_dl.nn import GNN, GraphBatch

    graphs, make = prepared(case)
    settings = make(1).fit(graphs[:10], case.y[:10]).net_.get_params(deep=False)
    prefix = "module__"
    arguments = {k.removeprefix(prefix): v for k, v in settings.items() if k.startswith(prefix)}

    def run():
        seconds = []
        network = GNN(**arguments)
        for _ in range(case.epochs + 1):
            began = time.perf_counter()
            bare_fit(
                network, lambda rows: GraphBatch.from_graphs(graphs[rows.numpy()]), case.y, 64, 1
            )
            seconds.append(time.perf_counter() - began)
        return median(seconds[1:])

    return run


@subject.contender(
    "chemprop",
    "chemprop",
    applies=only("network", "dmpnn", "dmpnn, bfloat16"),
    remark="chemprop's graphs are cached, as by its command line; it is in float32 here always.",
)
def chemprop(case: Case):
    from benchmarks.peers.with_chemprop import train_epochs

    return lambda: median(train_epochs(case.smiles, case.y, case.epochs))


@subject.contender(
    "dgllife",
    "dgllife",
    applies=only("network", *DGLLIFE),
    remark="Of dgllife's MPNN some batches are timed, and scaled to an epoch.",
)
def dgllife(case: Case):
    from benchmarks.peers.with_dgllife import Model

    n_batches = case.options.get("n_batches")

    def run():
        model = Model(DGLLIFE[case.network])
        return median(model.train_epochs(case.smiles, case.y, case.epochs, n_batches))

    return run


@subject.contender(
    "torch-molecule",
    "torch-molecule",
    applies=only("network", "default"),
    remark=(
        "torch-molecule trains `GNNMolecularPredictor()`: five layers with a virtual node, 3.5 "
        "million weights, in batches of 128. Its evaluation after each epoch is left out."
    ),
)
def torch_molecule(case: Case):
    from benchmarks.peers.with_torch_molecule import fit

    return lambda: median(fit(case.smiles, case.y, case.epochs + 1).seconds[1:])
