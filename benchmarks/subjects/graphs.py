"""SMILES to the graphs that a network takes."""

from benchmarks.suite.subject import RATE, Case, Subject, Variant, only

subject = Subject(
    title="SMILES → molecular graphs",
    unit=RATE,
    variants=[
        Variant("1 process", {"data_set": "lipophilicity", "n": 1_000, "jobs": 1}),
        Variant("2 processes", {"data_set": "hiv", "n": 20_000, "jobs": 2}, quick=False),
    ],
    about=(
        "Each library with the atom and bond features of its default network; dgllife, which has "
        "no default, with those of its AttentiveFP."
    ),
)


@subject.contender()
def ours(case: Case):
    from skchem_dl import MolGraphizer

    make = MolGraphizer(n_jobs=case.jobs)
    return lambda: make.transform(case.smiles)


@subject.contender(
    "skchem_dl without its extra fast",
    applies=only("jobs", 1),  # workers would have it
)
def ours_in_python(case: Case):
    from skchem_dl import MolGraphizer
    from skchem_dl.features import _graphs_fast

    _graphs_fast.ENABLED = False  # as where cuik-molmaker-pin is not installed
    make = MolGraphizer(n_jobs=case.jobs)
    return lambda: make.transform(case.smiles)


@subject.contender("RDKit, parsing alone", applies=only("jobs", 1), is_bare=True)
def rdkit(case: Case):
    from rdkit.Chem import MolFromSmiles

    return lambda: [MolFromSmiles(text) for text in case.smiles]


@subject.contender("chemprop", "chemprop", applies=only("jobs", 1))
def chemprop(case: Case):
    from chemprop.data import MoleculeDatapoint
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer

    make = SimpleMoleculeMolGraphFeaturizer()
    return lambda: [make(MoleculeDatapoint.from_smi(text).mol) for text in case.smiles]


@subject.contender(
    "chemprop, with cuik-molmaker",
    "chemprop",
    applies=only("jobs", 1),
    remark="It leaves out what RDKit rejects, without a word; ours gives row and reason.",
)
def chemprop_fast(case: Case):
    from chemprop.featurizers import CuikmolmakerMolGraphFeaturizer

    make = CuikmolmakerMolGraphFeaturizer()
    return lambda: [make(case.smiles[i : i + 64]) for i in range(0, len(case.smiles), 64)]


@subject.contender("dgllife", "dgllife", applies=only("jobs", 1))
def dgllife(case: Case):
    from dgllife.utils import CanonicalAtomFeaturizer, CanonicalBondFeaturizer, smiles_to_bigraph

    options = {
        "node_featurizer": CanonicalAtomFeaturizer(),
        "edge_featurizer": CanonicalBondFeaturizer(),
    }
    return lambda: [smiles_to_bigraph(text, **options) for text in case.smiles]


@subject.contender("torch-molecule", "torch-molecule", applies=only("jobs", 1))
def torch_molecule(case: Case):
    from torch_molecule import GNNMolecularPredictor

    model = GNNMolecularPredictor()
    return lambda: model._convert_to_pytorch_data(case.smiles)
