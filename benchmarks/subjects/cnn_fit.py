"""Token codes to a fitted convolutional network."""

from benchmarks.suite.subject import SECONDS, Case, Subject, Variant

SET = {"data_set": "lipophilicity"}

subject = Subject(
    title="SMILES tokens → fitted CNN",
    unit=SECONDS,
    variants=[
        Variant("1,000 molecules, 1 epoch", {**SET, "n": 1_000, "epochs": 1}),
        Variant("3,360 molecules, 5 epochs", {**SET, "n": 3_360, "epochs": 5}, quick=False),
    ],
    about=(
        "Embeddings of 64, 64 filters each of widths 3, 5 and 7, their maxima over the text, 256 "
        "hidden units; batches of 64, codes made beforehand."
    ),
)


def codes(case: Case):
    from skchem_dl import SmilesTokenizer

    return SmilesTokenizer().fit_transform(case.smiles)


@subject.contender()
def ours(case: Case):
    from skchem_dl import SmilesCNNRegressor

    X = codes(case)
    model = SmilesCNNRegressor(lr_schedule="constant", max_epochs=case.epochs, random_state=0)
    return lambda: model.fit(X, case.y)


@subject.contender(
    "bare torch loop, padded",
    is_bare=True,
    remark="The bare loop is the same network over rows padded to the longest of their batch.",
)
def bare_loop(case: Case):
    from benchmarks.peers.with_torch import PaddedCNN, bare_fit, padded

    X = codes(case)
    n_tokens, batch = int(X.max()) + 1, padded(X)
    return lambda: bare_fit(PaddedCNN(n_tokens), batch, case.y, 64, case.epochs)
