"""SMILES to token codes."""

from benchmarks.suite.subject import RATE, Case, Subject, Variant

subject = Subject(
    title="SMILES → token codes",
    unit=RATE,
    variants=[Variant("1 process", {"data_set": "lipophilicity", "n": 2_000})],
    about="Every text is parsed too, since one that is no molecule must be found.",
)


@subject.contender()
def ours(case: Case):
    from skchem_dl import SmilesTokenizer

    make = SmilesTokenizer().fit(case.smiles)
    return lambda: make.transform(case.smiles)


@subject.contender(
    "RDKit, parsing alone", is_bare=True, remark="Parsing gives molecules, and no codes."
)
def rdkit(case: Case):
    from rdkit.Chem import MolFromSmiles

    return lambda: [MolFromSmiles(text) for text in case.smiles]
