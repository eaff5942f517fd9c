"""RDKit's fragment counts and `qed`, whose substructure searches are mostly for what is absent."""

from inspect import signature

from rdkit.Chem import QED, DeleteSubstructs, Fragments, GetSSSR, Mol
from rdkit.Chem import rdMolDescriptors as descriptors

from skchem_dl.features._descriptor_patterns import Pattern, as_pattern
from skchem_dl.features._descriptor_tables import MolTables

_ACCEPTORS = [as_pattern(query) for query in QED.Acceptors]
_ALERTS = [as_pattern(query) for query in QED.StructuralAlerts]


def fragment_patterns() -> dict[str, Pattern]:
    """Return the pattern of each ``fr_`` descriptor that has one to be read."""
    patterns = {}
    for name, function in Fragments.fns:
        parameter = signature(function).parameters.get("pattern")
        if parameter is not None and isinstance(parameter.default, Mol):
            patterns[name] = as_pattern(parameter.default)
    return patterns


def count_fragments(patterns: list[Pattern], tables: MolTables) -> list[float]:
    mol, tokens = tables.mol, tables.tokens
    return [pattern.count_matches(mol, tokens) for pattern in patterns]


def drug_likeness(tables: MolTables) -> list[float]:
    """Return `qed`."""
    if tables.bare is not None:
        tables = MolTables(tables.bare)
    mol, tokens = tables.mol, tables.tokens
    properties = QED.QEDproperties(
        MW=descriptors._CalcMolWt(mol),
        ALOGP=tables.crippen[0],
        HBA=sum([pattern.count_matches(mol, tokens) for pattern in _ACCEPTORS]),
        HBD=descriptors.CalcNumHBD(mol),
        PSA=descriptors.CalcTPSA(mol),
        ROTB=tables.n_rotatable_bonds,
        AROM=len(GetSSSR(DeleteSubstructs(Mol(mol), QED.AliphaticRings))),
        ALERTS=sum([pattern.matches(mol, tokens) for pattern in _ALERTS]),
    )
    return [QED.qed(mol, qedProperties=properties)]
