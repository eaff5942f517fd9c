"""What has to be waited for first: imports, in a fresh process."""

import pickle
import subprocess
import sys
import time

from benchmarks.suite.subject import OURS, SECONDS, Case, Subject, Variant

subject = Subject(
    title="Start-up",
    unit=SECONDS,
    variants=[
        Variant("imports for features", {"what": "features"}, rounds=4),
        Variant("imports for training", {"what": "train"}, rounds=2),
        Variant("a worker with a fitted network", {"what": "worker"}, rounds=2),
    ],
    warm_up=False,
    fresh=True,
    about=(
        "The imports of a fresh Python, and what passes until a fresh worker process of joblib's "
        "has unpickled a fitted network."
    ),
)
BARE = "what it stands on"
STATEMENTS = {
    OURS: {
        "features": "from skchem_dl import MorganFingerprinter",
        "train": "from skchem_dl import MolGNNRegressor",
        "worker": "import pickle; pickle.loads(network)",
    },
    BARE: {
        "features": "import sklearn.pipeline, rdkit.Chem",
        "train": "import torch, sklearn.pipeline, rdkit.Chem",
        "worker": "import torch, rdkit.Chem",
    },
    "plain skorch": {"train": "import skorch, rdkit.Chem"},
    "chemprop": {"train": "import chemprop"},
    "dgllife": {"train": "import dgllife.model, dgllife.utils"},
    "torch-molecule": {"train": "import torch_molecule"},
    "scikit-fingerprints": {"features": "import skfp.fingerprints"},
    "scikit-mol": {"features": "import scikit_mol.fingerprints"},
    "MolPipeline": {"features": "import molpipeline.mol2any"},
}
REMARKS = {
    BARE: (
        "What it stands on is scikit-learn and RDKit, and torch for a network; in a worker torch "
        "and RDKit alone."
    ),
    "chemprop": (
        "chemprop's import has `torch._dynamo` with it, which the others load in the first step of "
        "an optimizer."
    ),
    "plain skorch": "skorch alone is ours without callbacks, tables of losses and graph networks.",
}
OF_OURS = (OURS, BARE, "plain skorch")  # they need no environment of their own


def start(name: str):
    def prepare(case: Case):
        statement = STATEMENTS[name][case.what]
        if case.what == "worker":
            return in_worker(statement, fitted() if name == OURS else b"")
        return in_process(statement)

    return prepare


def in_process(statement: str):
    command = [sys.executable, "-c", statement]

    def run() -> float:
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - began

    return run


def in_worker(statement: str, network: bytes):
    from joblib.externals.loky import ProcessPoolExecutor

    def run() -> float:
        began = time.perf_counter()
        with ProcessPoolExecutor(max_workers=1) as workers:
            workers.submit(exec, statement, {"network": network}).result()
            return time.perf_counter() - began

    return run


def fitted() -> bytes:
    from skchem_dl import FingerprintMLPRegressor

    network = FingerprintMLPRegressor(max_epochs=1)
    return pickle.dumps(network.fit([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]))


for _name in STATEMENTS:
    subject.contender(
        _name,
        OURS if _name in OF_OURS else _name,
        applies=lambda variant, name=_name: variant.what in STATEMENTS[name],
        is_bare=_name == BARE,
        remark=REMARKS.get(_name, ""),
    )(start(_name))
