"""SMILES to ECFP4 fingerprints of 2,048 bits."""

import numpy as np

from benchmarks.suite.subject import RATE, Case, Subject, Variant, only

HIV = {"data_set": "hiv", "n": 20_000}
FEW = {"data_set": "lipophilicity", "n": 2_000}

subject = Subject(
    title="SMILES → ECFP4",
    unit=RATE,
    variants=[
        Variant("dense", {**FEW, "sparse": False, "jobs": 1}),
        Variant("sparse", {**FEW, "sparse": True, "jobs": 1}),
        Variant("sparse, 2 processes", {**HIV, "n": 10_000, "sparse": True, "jobs": 2}),
        Variant("sparse, 20,000", {**HIV, "sparse": True, "jobs": 1}, quick=False),
        Variant("sparse, 20,000, 2 processes", {**HIV, "sparse": True, "jobs": 2}, quick=False),
        Variant("dense, 20,000", {**HIV, "sparse": False, "jobs": 1}, quick=False),
        Variant("dense, 20,000, 2 processes", {**HIV, "sparse": False, "jobs": 2}, quick=False),
    ],
    about=(
        "Text in, a matrix of 2,048 bits out, in memory. Of two processes, the second runs already."
    ),
)


@subject.contender()
def ours(case: Case):
    from skchem_dl import MorganFingerprinter
    from skchem_dl.features import _parallel

    _parallel._LEAST_WORK_TO_START = 0.0  # in the run that does not count, as the peers do
    make = MorganFingerprinter(sparse_output=case.sparse, n_jobs=case.jobs)
    return lambda: make.transform(case.smiles)


@subject.contender(
    "RDKit, bare loop",
    applies=lambda variant: variant.jobs == 1 and not variant.sparse,
    is_bare=True,
    remark="The bare loop reports no broken SMILES.",
)
def rdkit(case: Case):
    from rdkit.Chem import MolFromSmiles
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=2, fpSize=2048)

    def run():
        rows = np.empty((len(case.smiles), 2048), np.uint8)
        for i, text in enumerate(case.smiles):
            rows[i] = generator.GetFingerprintAsNumPy(MolFromSmiles(text))
        return rows

    return run


@subject.contender("scikit-fingerprints", "scikit-fingerprints")
def scikit_fingerprints(case: Case):
    from skfp.fingerprints import ECFPFingerprint

    make = ECFPFingerprint(sparse=case.sparse, n_jobs=case.jobs)
    return lambda: make.transform(case.smiles)


@subject.contender("scikit-mol", "scikit-mol", applies=only("sparse", False))
def scikit_mol(case: Case):
    from scikit_mol.conversions import SmilesToMolTransformer
    from scikit_mol.fingerprints import MorganFingerprintTransformer
    from sklearn.pipeline import make_pipeline

    make = make_pipeline(
        SmilesToMolTransformer(n_jobs=case.jobs),
        MorganFingerprintTransformer(radius=2, fpSize=2048, n_jobs=case.jobs),
    )
    return lambda: make.fit_transform(case.smiles)


@subject.contender("MolPipeline", "MolPipeline")
def molpipeline(case: Case):
    from molpipeline import Pipeline
    from molpipeline.any2mol import SmilesToMol
    from molpipeline.mol2any import MolToMorganFP

    form = "sparse" if case.sparse else "dense"
    make = Pipeline(
        [("molecule", SmilesToMol()), ("bits", MolToMorganFP(n_bits=2048, return_as=form))],
        n_jobs=case.jobs,
    )
    return lambda: make.fit_transform(case.smiles)
