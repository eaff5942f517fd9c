"""SMILES to a fitted graph network, each library's default."""

from benchmarks.suite.subject import SECONDS, Case, Subject, Variant

subject = Subject(
    title="SMILES → fitted graph network",
    unit=SECONDS,
    variants=[
        Variant("freesolv", {"data_set": "freesolv"}, quick=False, rounds=3),
        Variant("lipophilicity", {"data_set": "lipophilicity", "n": 3_360}, quick=False, rounds=2),
    ],
    warm_up=False,
    about=(
        "`fit` of each library's default, 50 epochs in both. What the fits are worth is under "
        "*Accuracy*."
    ),
)


@subject.contender()
def ours(case: Case):
    from skchem_dl.pipelines import make_gnn_pipeline

    return lambda: make_gnn_pipeline(random_state=0).fit(case.smiles, case.y)


@subject.contender(
    "chemprop",
    "chemprop",
    remark=(
        "chemprop is fitted as its command line does it: a tenth of the rows is held out to choose "
        "the epoch by."
    ),
)
def chemprop(case: Case):
    from benchmarks.peers.with_chemprop import fit

    return lambda: fit(case.smiles, case.y)
