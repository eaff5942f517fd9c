"""SMILES to RDKit's two-dimensional descriptors."""

import numpy as np

from benchmarks.suite.subject import RATE, Case, Subject, Variant, only

subject = Subject(
    title="SMILES → RDKit descriptors",
    unit=RATE,
    variants=[
        Variant("1 process", {"data_set": "lipophilicity", "n": 60, "jobs": 1}),
        Variant("2 processes", {"data_set": "lipophilicity", "n": 2_000, "jobs": 2}, quick=False),
    ],
    about=(
        "What each library computes by default: all of RDKit's 217 descriptors, but for "
        "MolPipeline, which leaves out two of them, and scikit-fingerprints, which has the 200 of "
        "descriptastorus."
    ),
)


@subject.contender()
def ours(case: Case):
    from skchem_dl import RDKitDescriptors

    make = RDKitDescriptors(n_jobs=case.jobs).fit(case.smiles)
    return lambda: make.transform(case.smiles)


@subject.contender("RDKit, bare loop", applies=only("jobs", 1), is_bare=True)
def rdkit(case: Case):
    from rdkit.Chem import MolFromSmiles
    from rdkit.Chem.Descriptors import CalcMolDescriptors

    return lambda: np.array(
        [list(CalcMolDescriptors(MolFromSmiles(text)).values()) for text in case.smiles]
    )


@subject.contender("scikit-fingerprints", "scikit-fingerprints")
def scikit_fingerprints(case: Case):
    from skfp.fingerprints import RDKit2DDescriptorsFingerprint

    make = RDKit2DDescriptorsFingerprint(n_jobs=case.jobs)
    return lambda: make.transform(case.smiles)


@subject.contender("scikit-mol", "scikit-mol")
def scikit_mol(case: Case):
    from scikit_mol.conversions import SmilesToMolTransformer
    from scikit_mol.descriptors import MolecularDescriptorTransformer
    from sklearn.pipeline import make_pipeline

    make = make_pipeline(
        SmilesToMolTransformer(n_jobs=case.jobs), MolecularDescriptorTransformer(n_jobs=case.jobs)
    )
    return lambda: make.fit_transform(case.smiles)


@subject.contender("MolPipeline", "MolPipeline")
def molpipeline(case: Case):
    from molpipeline import Pipeline
    from molpipeline.any2mol import SmilesToMol
    from molpipeline.mol2any import MolToRDKitPhysChem

    make = Pipeline(
        [("molecule", SmilesToMol()), ("descriptors", MolToRDKitPhysChem(standardizer=None))],
        n_jobs=case.jobs,
    )
    return lambda: make.fit_transform(case.smiles)
