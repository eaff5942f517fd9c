"""What has to be waited for first: imports, in a fresh process."""

import subprocess
import sys
import time

from benchmarks.suite.subject import OURS, SECONDS, Case, Subject, Variant

subject = Subject(
    title="Start-up",
    unit=SECONDS,
    variants=[
        Variant("ready for features", {"what": "features"}, rounds=2),
        Variant("ready to train", {"what": "train"}, rounds=2),
    ],
    warm_up=False,
    about="""
The imports of a fresh Python: of what turns SMILES into features, and of what trains a network.
Python itself takes 0.02 s.
""",
)
BARE = "what it stands on"
STATEMENTS = {
    OURS: ("from skchem_dl import MorganFingerprinter", "from skchem_dl import MolGNNRegressor"),
    BARE: ("import sklearn.pipeline, rdkit.Chem", "import torch, sklearn.pipeline, rdkit.Chem"),
    "plain skorch": (None, "import skorch, rdkit.Chem"),
    "chemprop": (None, "import chemprop"),
    "dgllife": (None, "import dgllife.model, dgllife.utils"),
    "torch-molecule": (None, "import torch_molecule"),
    "scikit-fingerprints": ("import skfp.fingerprints", None),
    "scikit-mol": ("import scikit_mol.fingerprints", None),
    "MolPipeline": ("import molpipeline.mol2any", None),
}
REMARKS = {
    BARE: "What it stands on is scikit-learn and RDKit, and torch for a network.",
    "plain skorch": "skorch alone is ours without callbacks, tables of losses and graph networks.",
}
OF_OURS = (OURS, BARE, "plain skorch")  # they need no environment of their own


def statement(name: str, what: str) -> str | None:
    return STATEMENTS[name][what == "train"]


def start(name: str):
    def prepare(case: Case):
        command = [sys.executable, "-c", statement(name, case.what)]

        def run() -> float:
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            return time.perf_counter() - began

        return run

    return prepare


for _name in STATEMENTS:
    subject.contender(
        _name,
        OURS if _name in OF_OURS else _name,
        applies=lambda variant, name=_name: statement(name, variant.what) is not None,
        is_limit=_name == BARE,
        remark=REMARKS.get(_name, ""),
    )(start(_name))
