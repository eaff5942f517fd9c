"""A grid search over a multi-layer perceptron, from SMILES."""

import tempfile

from benchmarks.suite.subject import SECONDS, Case, Subject, Variant

SET = {"data_set": "lipophilicity", "folds": 5}
RATES, DROPOUTS = [1e-4, 3e-4, 1e-3, 3e-3], [0.0, 0.2, 0.5]
WIDTHS = (256, 64)

subject = Subject(
    title="Grid search",
    unit=SECONDS,
    variants=[
        Variant("300 molecules, 2 epochs", {**SET, "n": 300, "epochs": 2}, rounds=1),
        Variant(
            "3,360 molecules, 10 epochs",
            {**SET, "n": 3_360, "epochs": 10},
            quick=False,
            rounds=2,
        ),
    ],
    warm_up=False,
    about=(
        "12 candidates (learning rates and dropouts) in 5 folds, SMILES to ECFP4 to a network of "
        "256 and 64 hidden units, in one process. Caches are empty at the start."
    ),
)


def search(model, case: Case, rate: str, dropout: str, y):
    from sklearn.model_selection import GridSearchCV

    grid = {f"estimator__{rate}": RATES, f"estimator__{dropout}": DROPOUTS}
    return GridSearchCV(model, grid, cv=case.folds, error_score="raise").fit(case.smiles, y)


def our_search(case: Case, memory=None):
    from skchem_dl import MorganFingerprinter
    from skchem_dl.pipelines import make_mlp_pipeline

    model = make_mlp_pipeline(
        featurizer=MorganFingerprinter(memory=memory),
        hidden_dims=WIDTHS,
        lr_schedule="constant",
        weight_decay=0.0,
        batch_size=128,
        max_epochs=case.epochs,
        random_state=0,
    )
    return search(model, case, "lr", "dropout", case.y)


def skorch_search(case: Case, memory=None):
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    from benchmarks.peers.with_torch import fingerprints, scaled, skorch_net

    net = skorch_net(case.epochs, batch_size=128, hidden_dims=WIDTHS)
    steps = [("featurizer", FunctionTransformer(fingerprints)), ("estimator", net)]
    y = scaled(case.y).numpy()
    return search(Pipeline(steps, memory=memory), case, "lr", "module__dropout", y)


def started(run):
    """Give a run in a folder of its own, for which everything is imported and allocated."""

    def anew(case):
        with tempfile.TemporaryDirectory() as folder:
            run(case, folder)

    def prepare(case: Case):
        few = Case(case.data, {**case.options, "n": 30, "epochs": 1, "folds": 2}, case.threads)
        anew(few)
        return lambda: anew(case)

    return prepare


subject.contender(
    remark="Ours has `MorganFingerprinter(memory=...)`: no SMILES is featurised twice."
)(started(lambda case, folder: our_search(case, folder)))
subject.contender("skchem_dl, no cache")(started(lambda case, folder: our_search(case)))
subject.contender(
    "plain skorch, Pipeline(memory=)",
    remark="`Pipeline(memory=)` keeps what becomes of a whole training fold, nothing for scoring.",
)(started(lambda case, folder: skorch_search(case, folder)))
subject.contender("plain skorch, no cache")(started(lambda case, folder: skorch_search(case)))
