"""Descriptors that share their work: each family is computed once a molecule.

A name that is in no family (or that a later RDKit adds) is RDKit's own function. The tests hold
every family to RDKit's functions, bit for bit.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from rdkit.Chem import Descriptors, Mol, rdMolDescriptors
from rdkit.Chem.EState import EState_VSA

from skchem_dl.features import _descriptor_topology as topology
from skchem_dl.features._descriptor_fragments import (
    count_fragments,
    drug_likeness,
    fragment_patterns,
)
from skchem_dl.features._descriptor_limits import limit_of
from skchem_dl.features._descriptor_tables import MolTables


class Family(NamedTuple):
    """Descriptors that one function computes, in the order of its values."""

    names: list[str]
    compute: Callable[[Any], Sequence[float]]


def _numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{i}" for i in range(1, count + 1)]


def _from_rdkit(function: Callable[..., Sequence[float]], **options: Any) -> Callable:
    return lambda tables: function(tables.mol, **options)


def _burden_eigenvalues(tables: MolTables) -> list[float]:
    """Return the BCUT2D values, from charges and contributions that others need as well."""
    if tables.bare is not None or 1 in tables.atomic_numbers:
        return rdMolDescriptors.BCUT2D(tables.mol)  # which removes hydrogens in its own way
    if not tables.has_charge_parameters:
        raise ValueError("no Gasteiger parameters")
    log_p, refractivity = zip(*tables.crippen_contributions, strict=True)
    masses = [atom.GetMass() for atom in tables.atoms]
    values: list[float] = []
    for weights in (masses, tables.charges, log_p, refractivity):
        values += rdMolDescriptors.BCUT2D(tables.mol, weights)
    return values


def _shape(tables: MolTables) -> list[float]:
    """Return Kappa2 and Phi, which is made of Kappa1 and Kappa2."""
    mol = tables.mol
    kappa1, kappa2 = rdMolDescriptors.CalcKappa1(mol), rdMolDescriptors.CalcKappa2(mol)
    n_heavy = mol.GetNumHeavyAtoms()
    return [kappa2, kappa1 * kappa2 / n_heavy if n_heavy else 0.0]


def _charge_extremes(tables: MolTables) -> list[float]:
    """Return the largest and smallest partial charge; NaN, as in RDKit, by the order of atoms."""
    largest, smallest = -500.0, 500.0
    for charge in tables.charges:
        smallest, largest = min(charge, smallest), max(charge, largest)
    sizes = abs(smallest), abs(largest)
    return [largest, smallest, max(sizes), min(sizes)]


def _estate_by_surface(tables: MolTables) -> list[float]:
    places = np.searchsorted(EState_VSA.vsaBins, tables.surface, side="right")
    return np.bincount(
        places, tables.estate_indices, minlength=len(EState_VSA.vsaBins) + 1
    ).tolist()


def _surface_by_estate(tables: MolTables) -> list[float]:
    places = np.searchsorted(EState_VSA.estateBins, tables.estate_indices, side="right")
    return np.bincount(places, tables.surface, minlength=len(EState_VSA.estateBins) + 1).tolist()


FAMILIES = [
    Family(
        [f"BCUT2D_{end}" for end in ("MWHI", "MWLOW", "CHGHI", "CHGLO")]
        + [f"BCUT2D_{end}" for end in ("LOGPHI", "LOGPLOW", "MRHI", "MRLOW")],
        _burden_eigenvalues,
    ),
    Family(
        ["MaxEStateIndex", "MinEStateIndex", "MaxAbsEStateIndex", "MinAbsEStateIndex"],
        topology.estate_extremes,
    ),
    Family(_numbered("VSA_EState", len(EState_VSA.vsaBins) + 1), _estate_by_surface),
    Family(_numbered("EState_VSA", len(EState_VSA.estateBins) + 1), _surface_by_estate),
    Family(["MolLogP", "MolMR"], lambda tables: tables.crippen),
    Family(_numbered("PEOE_VSA", 14), _from_rdkit(rdMolDescriptors.PEOE_VSA_)),
    Family(_numbered("SMR_VSA", 10), _from_rdkit(rdMolDescriptors.SMR_VSA_)),
    Family(_numbered("SlogP_VSA", 12), _from_rdkit(rdMolDescriptors.SlogP_VSA_)),
    Family(["Ipc", "AvgIpc"], topology.information_content),
    Family(["Chi0", "Chi1"], topology.chi_connectivity),
    Family(["BalabanJ"], topology.balaban_j),
    Family(["BertzCT"], topology.bertz_ct),
    Family(["SPS"], topology.spacial_score),
    Family(
        ["MaxPartialCharge", "MinPartialCharge", "MaxAbsPartialCharge", "MinAbsPartialCharge"],
        _charge_extremes,
    ),
    Family(["Kappa2", "Phi"], _shape),
    Family(["NumRotatableBonds"], lambda tables: [tables.n_rotatable_bonds]),
    Family(["NumValenceElectrons"], topology.valence_electrons),
    Family(["NumRadicalElectrons"], topology.radical_electrons),
    Family(["qed"], drug_likeness),
]


class Step(NamedTuple):
    """One call for one molecule: what to compute, and where its values go."""

    compute: Callable[[MolTables], Sequence[float]]
    places: list[tuple[int, int]]  # column, and place among the values
    is_too_large: Callable[[MolTables], bool] | None


_FRAGMENTS = fragment_patterns()


def _places(families: list[Family]) -> dict[str, tuple[Family, int]]:
    return {name: (family, i) for family in families for i, name in enumerate(family.names)}


_KNOWN = _places(FAMILIES)


@lru_cache(maxsize=32)
def plan(names: tuple[str, ...]) -> list[Step]:
    """Return the calls that compute some descriptors, each family of them once."""
    functions = dict(Descriptors.descList)
    fragments = [name for name in names if name in _FRAGMENTS]
    count = partial(count_fragments, [_FRAGMENTS[name] for name in fragments])
    known = _KNOWN | _places([Family(fragments, count)])
    steps: dict[str, Step] = {}
    for column, name in enumerate(names):
        alone = name not in known
        family, place = (Family([name], _single(functions[name])), 0) if alone else known[name]
        first = family.names[0]
        step = steps.setdefault(first, Step(family.compute, [], limit_of(first)))
        step.places.append((column, place))
    return list(steps.values())


def _single(function: Callable[[Mol], float]) -> Callable[[MolTables], list[float]]:
    return lambda tables: [function(tables.mol)]


def compute_row(steps: list[Step], mol: Mol, n_columns: int) -> list[float]:
    """Compute one molecule's descriptors; NaN where one is not defined or would take too long."""
    tables, row = MolTables(mol), [math.nan] * n_columns
    for step in steps:
        if step.is_too_large is not None and step.is_too_large(tables):
            continue
        try:
            values = step.compute(tables)
        except (ValueError, RuntimeError, ArithmeticError):
            # What RDKit raises where a descriptor is not defined for a molecule (no bonds, no
            # parameters for an element). Documented as NaN.
            continue
        for column, place in step.places:
            row[column] = values[place]
    return row
