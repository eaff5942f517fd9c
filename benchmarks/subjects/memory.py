"""What features of many molecules take of memory."""

import ctypes
import gc
from pathlib import Path

from benchmarks.suite.subject import BYTES, Case, Subject, Variant, only

subject = Subject(
    title="Memory of features",
    unit=BYTES,
    variants=[
        Variant("graphs", {"data_set": "hiv", "n": 2_000, "what": "graphs"}, rounds=1),
        Variant("ECFP4", {"data_set": "hiv", "n": 2_000, "what": "ecfp"}, rounds=1),
        Variant(
            "graphs of 20,000",
            {"data_set": "hiv", "n": 20_000, "what": "graphs"},
            rounds=1,
            quick=False,
        ),
    ],
    warm_up=False,  # memory that was freed would be used again
    fresh=True,
    about=(
        "Of graphs, how much larger the process is with those of all molecules than before; of "
        "fingerprints, the size of the arrays. The peak is the whole process's, with all that it "
        "has imported."
    ),
)


def resident() -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed, and the allocator has kept
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4_096


def kept(make, case: Case):
    """Featurise some molecules, so that all is imported, then measure with the others."""
    make(case.smiles[-600:])

    def run() -> float:
        before = resident()
        features = make(case.smiles)
        return (resident() - before) / len(features)

    return run


@subject.contender()
def ours(case: Case):
    from skchem_dl import MolGraphizer, MorganFingerprinter

    if case.what == "graphs":
        return kept(MolGraphizer().transform, case)
    make = MorganFingerprinter(sparse_output=True).transform

    def run() -> float:
        rows = make(case.smiles)
        return sum(part.nbytes for part in (rows.data, rows.indices, rows.indptr)) / len(
            case.smiles
        )

    return run


@subject.contender("skchem_dl, dense", applies=only("what", "ecfp"))
def dense(case: Case):
    from skchem_dl import MorganFingerprinter

    return lambda: MorganFingerprinter().transform(case.smiles).nbytes / len(case.smiles)


@subject.contender("RDKit's molecules", applies=only("what", "graphs"), is_bare=True)
def rdkit(case: Case):
    from rdkit.Chem import MolFromSmiles

    return kept(lambda smiles: [MolFromSmiles(text) for text in smiles], case)


@subject.contender("scikit-fingerprints", "scikit-fingerprints", applies=only("what", "ecfp"))
def scikit_fingerprints(case: Case):
    from skfp.fingerprints import ECFPFingerprint

    def run() -> float:
        rows = ECFPFingerprint(sparse=True).transform(case.smiles)
        parts = (rows.data, rows.indices, rows.indptr)
        return sum(part.nbytes for part in parts) / len(case.smiles)

    return run


@subject.contender("chemprop", "chemprop", applies=only("what", "graphs"))
def chemprop(case: Case):
    from chemprop.data import MoleculeDatapoint
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer

    make = SimpleMoleculeMolGraphFeaturizer()
    return kept(
        lambda smiles: [make(MoleculeDatapoint.from_smi(text).mol) for text in smiles], case
    )


@subject.contender("dgllife", "dgllife", applies=only("what", "graphs"))
def dgllife(case: Case):
    from dgllife.utils import CanonicalAtomFeaturizer, CanonicalBondFeaturizer, smiles_to_bigraph

    options = {
        "node_featurizer": CanonicalAtomFeaturizer(),
        "edge_featurizer": CanonicalBondFeaturizer(),
    }
    return kept(lambda smiles: [smiles_to_bigraph(text, **options) for text in smiles], case)


@subject.contender("torch-molecule", "torch-molecule", applies=only("what", "graphs"))
def torch_molecule(case: Case):
    from torch_molecule import GNNMolecularPredictor

    return kept(GNNMolecularPredictor()._convert_to_pytorch_data, case)
