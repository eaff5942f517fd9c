"""Substructure searches that are skipped where the atoms and bonds they need do not occur.

Most of the 200 patterns of `qed` and the ``fr_`` descriptors need atoms or bonds that a molecule
does not have. What a pattern needs is read off RDKit's description of it; where that says nothing
(a recursive part that may be absent, a property other than those below), nothing is assumed.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from rdkit.Chem import Atom, Mol, MolFromSmarts

# A property of a molecule (kind and value) encoded as one integer.
Token = int
# One of its tokens must occur in a molecule.
Clause = frozenset[Token]

_RADIX = 2_048  # more than any type of an atom
_CHARGED, _ISOTOPE, _AT_LEAST, _RINGS, _HYDROGENS, _BONDED = (n << 40 for n in range(1, 7))
_AROMATIC = 1000  # as in RDKit's AtomType queries
_SINGLE, _AROMATIC_BOND = 1, 12
_MAX_CLAUSES = 400  # of alternatives, multiplied out
_TOKENS = {"AtomFormalCharge": _CHARGED, "AtomIsotope": _ISOTOPE}
_COUNTS = {"AtomInNRings": _RINGS, "AtomHCount": _HYDROGENS}
_EXACT = re.compile(r"(\w+) (-?\d+) = val")


class Pattern(NamedTuple):
    """A SMARTS pattern with what it needs."""

    query: Mol
    needs: list[Clause]

    def may_match(self, tokens: set[Token]) -> bool:
        """Check whether a molecule has what the pattern needs, one by one."""
        return not any(map(tokens.isdisjoint, self.needs))

    def count_matches(self, mol: Mol, tokens: set[Token]) -> int:
        return len(mol.GetSubstructMatches(self.query)) if self.may_match(tokens) else 0

    def matches(self, mol: Mol, tokens: set[Token]) -> bool:
        return self.may_match(tokens) and mol.HasSubstructMatch(self.query)


class _Needs(NamedTuple):
    """What an atom's query, or a part of it, needs to be met."""

    types: set[int]  # those that the atom can have; empty if not known
    clauses: set[Clause]  # all of which must hold, for this atom and those around


class _Node(NamedTuple):
    """One line of RDKit's description of a query, and those indented below it."""

    label: str
    children: list["_Node"]


def atom_type(atom: Atom) -> int:
    """Return the atomic number, plus 1,000 if the atom is aromatic."""
    return atom.GetAtomicNum() + _AROMATIC * atom.GetIsAromatic()


def _at_least(n: int, kind: int) -> Token:
    return _AT_LEAST + n * _RADIX + kind


def _has(kind: int, offset: int, value: int) -> Token:
    return offset + value * _RADIX + kind


def _bonded(one: int, other: int, bond_type: int) -> Token:
    low, high = (one, other) if one < other else (other, one)
    return _BONDED + (bond_type * _RADIX + low) * _RADIX + high


def tokens_of(
    atoms: Sequence[Atom],
    types: Sequence[int],
    n_rings: Sequence[int],
    n_hydrogens: Sequence[int],
    bonds: Sequence[tuple[int, int, int, bool]],
) -> set[Token]:
    """Return the tokens of a molecule, given its atoms and (first, second, type, _) of bonds."""
    tokens = {_CHARGED + atom.GetFormalCharge() for atom in atoms}
    tokens |= {_ISOTOPE + atom.GetIsotope() for atom in atoms}
    for offset, counts in ((_RINGS, n_rings), (_HYDROGENS, n_hydrogens)):
        tokens |= {_has(kind, offset, n) for kind, n in set(zip(types, counts, strict=True))}
    for kind, count in Counter(types).items():
        tokens |= {_at_least(n, kind) for n in range(1, count + 1)}
    facts = {(types[first], types[second], bond_type) for first, second, bond_type, _ in bonds}
    return tokens | {_bonded(*fact) for fact in facts}


def as_pattern(query: Mol) -> Pattern:
    """Return a pattern with what it needs: bonds first, they are the most selective."""
    needs = _needs_of_atoms(query).clauses
    return Pattern(query, sorted(needs, key=lambda clause: (min(clause) < _BONDED, len(clause))))


def _needs_of_atoms(query: Mol) -> _Needs:
    """Return what the whole of a pattern needs, and the types of its first atom."""
    atoms = [_needs_of_atom(atom) for atom in query.GetAtoms()]
    clauses = set().union(*(atom.clauses for atom in atoms))
    certain = Counter(kind for atom in atoms if len(atom.types) == 1 for kind in atom.types)
    for kind, count in certain.items():
        clauses -= {frozenset([_at_least(n, kind)]) for n in range(count)}
        clauses |= _as_clause([_at_least(count, kind)])
    for bond in query.GetBonds():
        ones, others = atoms[bond.GetBeginAtomIdx()].types, atoms[bond.GetEndAtomIdx()].types
        clauses |= _as_clause(
            _bonded(one, other, kind)
            for one, other, kind in product(ones, others, _bond_types(_parse(bond.DescribeQuery())))
        )
    return _Needs(atoms[0].types, clauses)


def _needs_of_atom(atom: Atom) -> _Needs:
    description = atom.DescribeQuery()
    parts = [MolFromSmarts(text) for text in _recursive_parts(atom.GetSmarts())]
    if len(parts) != description.count("RecursiveStructure"):
        return _Needs(set(), set())
    return _needs_of_node(_parse(description), iter(parts))


def _needs_of_node(node: _Node, parts: Iterator[Mol]) -> _Needs:
    """Return what one part of an atom's query needs; `parts` are its recursive ones, in order."""
    below = [_needs_of_node(child, parts) for child in node.children]
    if node.label == "AtomAnd":
        known = [needs.types for needs in below if needs.types]
        types = set.intersection(*known) if known else set()
        clauses = set().union(*(needs.clauses for needs in below))
        for child in node.children:
            exact = _EXACT.fullmatch(child.label)
            if exact and exact[1] in _COUNTS and int(exact[2]) >= 0:
                offset, value = _COUNTS[exact[1]], int(exact[2])
                clauses |= _as_clause(_has(kind, offset, value) for kind in types)
        return _Needs(types, clauses)
    if node.label == "AtomOr":
        known = [needs.types for needs in below]
        return _Needs(
            set().union(*known) if all(known) else set(),
            _either([needs.clauses for needs in below]),
        )
    if node.label.startswith("RecursiveStructure"):
        needs = _needs_of_atoms(next(parts))
        return needs if node.label.endswith("val in ()") else _Needs(set(), set())
    return _needs_of_value(node.label)


def _needs_of_value(label: str) -> _Needs:
    exact = _EXACT.fullmatch(label)
    name, value = (exact[1], int(exact[2])) if exact else ("", 0)
    types = {"AtomType": {value}, "AtomAtomicNum": {value, value + _AROMATIC}}.get(name, set())
    clauses = _as_clause(_at_least(1, kind) for kind in types)
    if name in _TOKENS:
        clauses |= _as_clause([_TOKENS[name] + value])
    return _Needs(types, clauses)


def _as_clause(tokens: Iterable[Token]) -> set[Clause]:
    """Return the clause that one of the tokens must occur, or none if they are not known."""
    clause = frozenset(tokens)
    return {clause} if clause else set()


def _either(alternatives: list[set[Clause]]) -> set[Clause]:
    """Return what is needed where one of the alternatives holds."""
    needs = alternatives[0]
    for other in alternatives[1:]:
        if len(needs) * len(other) > _MAX_CLAUSES:
            return set()
        needs = {one | two for one, two in product(needs, other)}
    return {clause for clause in needs if not any(other < clause for other in needs)}


def _bond_types(node: _Node) -> set[int]:
    """Return the types that a bond can have, or none where that is not known."""
    if node.label.startswith("SingleOrAromaticBond 1 ="):
        return {_SINGLE, _AROMATIC_BOND}
    below = [_bond_types(child) for child in node.children]
    if node.label == "BondOr" and all(below):
        return set().union(*below)
    if node.label == "BondAnd":
        return min((types for types in below if types), key=len, default=set())
    exact = _EXACT.fullmatch(node.label)
    return {int(exact[2])} if exact and exact[1] == "BondOrder" else set()


def _parse(description: str) -> _Node:
    """Read RDKit's description of a query, indented by two spaces a level."""
    path: list[_Node] = []
    for line in description.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        node = _Node(line.strip(), [])
        del path[depth:]
        if path:
            path[-1].children.append(node)
        path.append(node)
    return path[0] if path else _Node("", [])


def _recursive_parts(smarts: str) -> list[str]:
    """Return the SMARTS in ``$(...)``, outermost only, in order."""
    parts, start, depth = [], 0, 0
    for place, character in enumerate(smarts):
        if character == "(":
            if depth == 0:
                start = place + 1
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                parts.append(smarts[start:place])
    return parts
