"""One reading of a molecule: whatever arrives becomes the molecule of its plain SMILES."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from rdkit import rdBase
from rdkit.Chem import (
    AssignChiralTypesFromBondDirs,
    AssignStereochemistry,
    AssignStereochemistryFrom3D,
    BondStereo,
    ChiralType,
    CompositeQueryType,
    Conformer,
    DetectBondStereochemistry,
    HybridizationType,
    Mol,
    MolFromSmarts,
    MolFromSmiles,
    MolToSmiles,
    RemoveHs,
    RenumberAtoms,
    SanitizeMol,
    SmilesParserParams,
    StereoGroupType,
)
from rdkit.Chem.rdqueries import (
    AtomNumEqualsQueryAtom,
    HasChiralTagQueryAtom,
    HasPropQueryAtom,
    HybridizationEqualsQueryAtom,
)

# RDKit's ring perception grows faster than linearly: 5,000 characters take it up to 0.1 s,
# 80,000 take 26 s. Longer text is refused before parsing, and so are Mols that need longer text.
MAX_SMILES_LENGTH = 5_000

_NOT_SMILES = re.compile(r"[^!-}]")  # `~` too, which is a bond of any order
_ATOM_MAP = re.compile(r":\d+(?=\])")
_DUMMY_LABEL = re.compile(r"\[\d+(?=\*)")
_CX_EXTENSION = re.compile(r"\S+\s+\|.*\|")
_ATOM_NUMBER = re.compile(r"# (\d+)")
_HYDROGEN_ATOM = re.compile(r"\[\d*H")
# How RDKit describes the query of an atom that is `*` in a SMILES, `*` or `A` in a mol block.
_DUMMY_QUERIES = ("AtomNull", "AtomAtomicNum 1 != val")

HAS_CHIRAL_TAG = HasChiralTagQueryAtom()
_HAS_NO_HYBRIDIZATION = HybridizationEqualsQueryAtom(HybridizationType.UNSPECIFIED)
_UNUSUAL_ATOM = HasPropQueryAtom("molAtomMapNumber")
_UNUSUAL_ATOM.ExpandQuery(_HAS_NO_HYBRIDIZATION, CompositeQueryType.COMPOSITE_OR)
_UNUSUAL_ATOM.ExpandQuery(AtomNumEqualsQueryAtom(5), CompositeQueryType.COMPOSITE_OR)
# A double bond in a ring, or a bond that is not single, double, triple or aromatic.
_UNUSUAL_BOND = MolFromSmarts("*=&@,!-&!=&!#&!:*")
_DOUBLE_BOND_AT_RING = MolFromSmarts("[R]=&!@*")
_FEW_ATOMS = 500  # their SMILES is not too long

_UNSANITIZED = SmilesParserParams()
_UNSANITIZED.sanitize = False  # type: ignore[assignment]  # RDKit's stubs are wrong
_WITH_HYDROGENS = SmilesParserParams()
_WITH_HYDROGENS.removeHs = False  # type: ignore[assignment]

# RDKit's log is the process's: threads that silence it or read it at the same time would let it
# print, take each other's reasons, and could leave it off.
_log_lock = Lock()


def _renew_lock() -> None:
    """Give a forked process a lock of its own: a thread that it lacks may hold this one."""
    global _log_lock
    _log_lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class Reading(NamedTuple):
    """A molecule, with atoms in the order of the input."""

    mol: Mol
    smiles: str | None  # the text that was given, if that is a plain SMILES


@contextmanager
def quiet_rdkit() -> Iterator[None]:
    """Keep RDKit's log quiet, one thread at a time, and leave it as it was."""
    with _log_lock, rdBase.BlockLogs():
        yield


def read_molecule(item: Any, *, stereo: bool = True) -> Reading | str:
    """Return the molecule, or the reason if there is none; call it under `quiet_rdkit`.

    Labels (atom maps, numbers of dummy atoms, CXSMILES extensions), explicit hydrogens,
    kekulization and missing sanitization make no difference to the molecule.

    Parameters
    ----------
    item : object
        SMILES, CXSMILES, InChI or RDKit Mol; anything else is refused.
    stereo : bool, default=True
        Perceive stereochemistry in SMILES, which takes a fifth of the time.

    Returns
    -------
    Reading or str
    """
    if isinstance(item, str):
        return _read_text(item.strip(), stereo)
    return _read_mol(item) if isinstance(item, Mol) else _why_not_text(item)


def plain_smiles(text: str) -> str | None:
    """Return a SMILES without atom maps and numbers of dummy atoms, None for any other text."""
    if not text or len(text) > MAX_SMILES_LENGTH or text.startswith("InChI="):
        return None
    if not (text.isascii() and text.isprintable()) or " " in text or "~" in text:
        return None
    return _without_labels(text) if ":" in text or "*" in text else text


def read_hydrogens(smiles: str) -> tuple[Mol, list[int]]:
    """Return the molecule with all hydrogens that are written, and which atoms remain without."""
    mol = MolFromSmiles(smiles, _WITH_HYDROGENS)
    for atom in mol.GetAtoms():
        atom.SetIntProp("written", atom.GetIdx())
    return mol, [atom.GetIntProp("written") for atom in RemoveHs(mol).GetAtoms()]


def why_not_one_molecule(mol: Mol) -> str | None:
    """Return why a Mol has no plain SMILES, as far as that is known before it is written."""
    if not mol.GetNumAtoms():
        return "no atoms"
    n_atoms = mol.GetNumHeavyAtoms()
    if n_atoms > MAX_SMILES_LENGTH:
        return f"{n_atoms} heavy atoms, more than {MAX_SMILES_LENGTH}"
    if mol.HasQuery():  # also in dummy atoms, one of which ends a variable attachment
        atoms = [atom for atom in mol.GetAtoms() if atom.HasQuery() and not _is_dummy(atom)]
        bonds = [bond for bond in mol.GetBonds() if bond.HasQuery()]
        kind, found = ("atom", atoms) if atoms else ("bond", bonds)
        if found:
            return f"{kind} # {found[0].GetIdx()} is a query (SMARTS), not part of one molecule"
        if any(bond.HasProp("_MolFileBondAttach") for bond in mol.GetBonds()):
            return "variable attachment points: it stands for several molecules"
    if mol.HasProp("_molLinkNodes"):
        return "link nodes: it stands for several molecules"
    return None


def forget_unknown_centers(mol: Mol) -> None:
    """Clear stereocenters of a racemate (``&1``) or of one of two enantiomers (``o1``), in place.

    A SMILES without the extension would be that of one enantiomer. Of several centers that are
    known relative to each other, the SMILES says that, and is left as it is.
    """
    for group in mol.GetStereoGroups():
        atoms = group.GetAtoms()
        if group.GetGroupType() != StereoGroupType.STEREO_ABSOLUTE and len(atoms) == 1:
            atoms[0].SetChiralTag(ChiralType.CHI_UNSPECIFIED)


def _without_labels(smiles: str) -> str:
    return _DUMMY_LABEL.sub("[", _ATOM_MAP.sub("", smiles))


def _read_text(text: str, stereo: bool) -> Reading | str:
    smiles = plain_smiles(text)
    if smiles is None:
        return _read_other_text(text)
    mol = MolFromSmiles(smiles) if stereo else _parse_flat(smiles)
    if mol is None:
        return _rdkit_reason(smiles)
    if not mol.GetNumAtoms():
        return "no atoms"
    return Reading(mol, smiles if smiles == text else None)


def _parse_flat(smiles: str) -> Mol | None:
    """Parse as `MolFromSmiles` does, except for stereochemistry."""
    if _HYDROGEN_ATOM.search(smiles):
        return MolFromSmiles(smiles)  # which knows which hydrogens to leave as atoms
    mol = MolFromSmiles(smiles, _UNSANITIZED)
    if mol is not None:
        try:
            SanitizeMol(mol)
        except ValueError:  # every RDKit sanitization error is one; the caller asks for the reason
            return None
    return mol


def _read_other_text(text: str) -> Reading | str:
    """Read InChI and CXSMILES, or return what is wrong."""
    if not text:
        return "empty string"
    if len(text) > MAX_SMILES_LENGTH:
        return f"{len(text)} characters long, more than {MAX_SMILES_LENGTH}"
    if text.startswith("InChI="):
        from rdkit.Chem.inchi import MolFromInchi  # 20 ms, for few users

        mol = MolFromInchi(text)
        return "RDKit cannot read this InChI" if mol is None else _read_mol(mol)
    if _CX_EXTENSION.fullmatch(text):
        mol = MolFromSmiles(text)
        return _rdkit_reason(text) if mol is None else _read_mol(mol)
    where = _NOT_SMILES.search(text).start()  # type: ignore[union-attr]
    if text[where].isspace():
        return f"text after the SMILES, from position {where + 1}; pass the SMILES alone"
    if text[where] == "~":
        return _any_bond_reason(f"'~' at position {where + 1}")
    return f"character {text[where]!r} at position {where + 1} is not SMILES"


def _any_bond_reason(where: str) -> str:
    return f"{where} is a bond of any or of zero order, which makes it a query, not a molecule"


def _read_mol(given: Mol) -> Reading | str:
    """Write the plain SMILES of a Mol and read that, keeping the order of the atoms."""
    if _is_as_parsed(given):
        return Reading(Mol(given), None)  # a copy, since many functions store properties in a Mol
    reason = why_not_one_molecule(given)
    if reason is not None:
        return reason
    mol = Mol(given)
    try:
        if not _is_sanitized(mol):
            _sanitize(mol)
        if not mol.HasProp("_StereochemDone"):  # never perceived, or lost between processes
            _perceive_stereo(mol)
        forget_unknown_centers(mol)
        smiles = MolToSmiles(mol, canonical=False)
    except (ValueError, RuntimeError) as error:  # what RDKit raises where a Mol contradicts itself
        return str(error).strip()
    if len(smiles) > MAX_SMILES_LENGTH:
        return f"its SMILES is {len(smiles)} characters long, more than {MAX_SMILES_LENGTH}"
    if "~" in smiles:
        return _any_bond_reason("'~' in its SMILES")
    smiles = _without_labels(smiles)
    plain = MolFromSmiles(smiles)
    order = json.loads(mol.GetProp("_smilesAtomOutputOrder"))
    if plain is None:
        return _ATOM_NUMBER.sub(lambda found: f"# {order[int(found[1])]}", _rdkit_reason(smiles))
    if len(order) != plain.GetNumAtoms():
        order = [order[atom] for atom in read_hydrogens(smiles)[1]]
    if order != sorted(order):
        plain = RenumberAtoms(plain, np.argsort(order).tolist())
    _copy_drawing(mol, plain, sorted(order))
    return Reading(plain, None)


def _is_dummy(atom: Any) -> bool:
    return atom.GetAtomicNum() == 0 and atom.DescribeQuery().strip() in _DUMMY_QUERIES


def _is_as_parsed(mol: Mol) -> bool:
    """Check whether a Mol is certainly in the state in which parsing leaves it, as most are.

    Any kekulized aromatic ring has double bonds, in it or at it, or boron.
    """
    return (
        mol.GetNumHeavyAtoms() == mol.GetNumAtoms() > 0
        and not mol.GetNumConformers()
        and bool(mol.HasProp("_StereochemDone"))
        and not mol.HasProp("_molLinkNodes")
        and not mol.HasQuery()
        and not mol.GetStereoGroups()
        and not mol.NeedsUpdatePropertyCache()
        and not mol.GetAtomsMatchingQuery(_UNUSUAL_ATOM)
        and not mol.HasSubstructMatch(_UNUSUAL_BOND)
        and not mol.HasSubstructMatch(_DOUBLE_BOND_AT_RING)
        and all(atom.HasProp("_CIPCode") for atom in mol.GetAtomsMatchingQuery(HAS_CHIRAL_TAG))
        and mol.GetNumAtoms() <= _FEW_ATOMS
    )


def _is_sanitized(mol: Mol) -> bool:
    # Some atoms have no hybridization ever: dummies, metals, the hydrogens that `AddHs` makes.
    without = mol.GetAtomsMatchingQuery(_HAS_NO_HYBRIDIZATION)
    return not mol.NeedsUpdatePropertyCache() and len(without) < mol.GetNumAtoms()


def _sanitize(mol: Mol) -> None:
    """Sanitize, and use coordinates as RDKit does when it reads a mol block."""
    is_2d = mol.GetNumConformers() > 0 and not mol.GetConformer().Is3D()
    if is_2d:
        AssignChiralTypesFromBondDirs(mol)
    SanitizeMol(mol)
    if is_2d:
        DetectBondStereochemistry(mol)
    elif mol.GetNumConformers():
        AssignStereochemistryFrom3D(mol)


def _perceive_stereo(mol: Mol) -> None:
    """Find stereocenters and double bonds; RDKit would forget those that were set by hand."""
    by_hand = [
        (bond, bond.GetStereo(), list(bond.GetStereoAtoms()))
        for bond in mol.GetBonds()
        if bond.GetStereo() > BondStereo.STEREOANY
    ]
    AssignStereochemistry(mol, cleanIt=True, force=True)
    for bond, stereo, atoms in by_hand:
        bond.SetStereoAtoms(*atoms)
        bond.SetStereo(stereo)


def _copy_drawing(mol: Mol, plain: Mol, atoms: list[int]) -> None:
    """Keep 2-D coordinates, for pictures."""
    if mol.GetNumConformers() and not mol.GetConformer().Is3D():
        drawing = Conformer(len(atoms))
        drawing.Set3D(False)
        drawing.SetPositions(mol.GetConformer().GetPositions()[atoms])
        plain.AddConformer(drawing)


def _why_not_text(item: Any) -> str:
    if item is None or type(item).__name__ in ("NAType", "NaTType") or _is_nan(item):
        return "missing value"
    return f"expected a SMILES string or an RDKit Mol, got {type(item).__name__}"


def _is_nan(item: Any) -> bool:
    return isinstance(item, float) and item != item


def _rdkit_reason(smiles: str) -> str:
    """Parse again and return RDKit's error message."""
    with rdBase.CaptureErrorLog() as log:
        MolFromSmiles(smiles)
        lines = [re.sub(r"^\[[\d:]+\] ", "", line) for line in log.messages.splitlines()]
    if ">" in smiles.replace("->", ""):
        return "a reaction, not a molecule"
    # A violated invariant comes in a frame of asterisks.
    reason = next((line for line in lines if line.strip("* ")), "RDKit cannot parse it")
    reason = reason.removeprefix("SMILES Parse Error: ")
    # The row's text is already in the message.
    reason = re.split(r" (?:while parsing|for input):", reason)[0]
    position = re.search(r"around position (\d+)", log.messages)
    return reason + (f" around position {position[1]}" if position else "")
