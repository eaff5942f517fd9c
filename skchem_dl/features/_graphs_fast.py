"""Reading graphs off SMILES in C++, with the library of the `fast` extra, where it is installed."""

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, module_from_spec
from typing import Any, NamedTuple

import numpy as np
import rdkit
from rdkit.Chem import BondType

from skchem_dl.features._graph_codes import (
    CHIRALITY_CODES,
    graphs_of_mols,
    make_graphs,
)
from skchem_dl.features._molecules import parse_molecules
from skchem_dl.features._reading import plain_smiles, quiet_rdkit
from skchem_dl.graphs import MolGraphs, _offsets

# Set to False, every row takes the way through RDKit's Python.
ENABLED = True
# Loading the library takes 0.1 s, once a process: the time that it saves on 500 molecules. As many
# come first, in one call or in several: worker processes get them in small pieces.
MIN_ROWS = 500
_rows_seen = 0

# How many molecules the library holds at a time. With 1,000 of them the processor's cache is too
# small; and one that RDKit cannot sanitise spoils its whole batch.
_BATCH = 64
_PARTS = 8

# What is asked of the library, with the number of columns that it gives. Its numbers of rings
# would crash on invalid SMILES, its one-hot ring sizes do not.
_ATOM_ONE_HOTS = {"chirality": 5, "ring-size": 6}
_ATOM_NUMBERS = (
    "atomic-number",
    "formal-charge",
    "degree",
    "hybridization",
    "aromatic",
    "chirality",
)
_BOND_COLUMNS = {
    "bond-type-onehot": 4,
    "bond-type-float": 1,
    "conjugated": 1,
    "in-ring": 1,
    "stereo": 7,
}
_LARGE_RING = 9  # stands for all sizes that have no category

# Molecules that show every category that differs between the library and us.
_SAMPLE = (
    "C[C@H](N)C(=O)O",
    "C[C@@H](N)C(=O)O",
    "C[C@H]1CC[C@H](C)CC1",
    "F[Pt@SP1](Cl)(Br)I",
    "F/C=C/F",
    "F/C=C\\F",
    "C1CC12CCC23CCCC34CCCCC45CCCCCC56CCCCCCC67CCCCCCCC7",
    "c1ccc2[nH]ccc2c1",
    "[NH3]->[Fe+2]",
    "[O-][N+](=O)C#C[SiH3]",
    "FS(F)(F)(F)(F)F",
    "FP(F)(F)(F)F",
    "[Re]$[Re]",
    "[ReH9-2]",
    "[Bi+3].[Al+3].[N-3].*.[U].[H][H]",
)


def read_smiles(items: Sequence[Any]) -> tuple[MolGraphs, np.ndarray] | None:
    """Read the rows that the library can.

    Parameters
    ----------
    items : sequence of length n
        SMILES strings, Mols or anything else.

    Returns
    -------
    graphs : MolGraphs
        One of each row that was read.
    done : ndarray of shape (n,), bool
        Which rows those are; the others are to be parsed by RDKit, for their graph or the reason
        why they have none.

    None instead, where there is no library or it would not pay.
    """
    global _rows_seen
    _rows_seen += len(items)
    if not ENABLED or _rows_seen < MIN_ROWS:
        return None
    library = _library()
    return None if library is None else _read(library, items)


@lru_cache(maxsize=1)
def _library() -> Any:
    """Load the library, or give None where it is missing or does not fit."""
    if not _made_for_this_rdkit():
        return None
    try:
        library = _extension()
        return library if library is not None and _agrees(library) else None
    except (ImportError, OSError):  # its libraries are RDKit's, which may be another build
        return None


def _made_for_this_rdkit() -> bool:
    try:
        made_for = version("cuik-molmaker-pin")
    except PackageNotFoundError:
        return False
    return _numbers(made_for) == _numbers(rdkit.__version__)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)[:3]]


def _extension() -> Any:
    """Load the compiled module alone: the package imports pandas and scipy.stats, for 4 s."""
    package = find_spec("cuik_molmaker")
    if package is None:
        return None
    spec = PathFinder.find_spec("cuik_molmaker_cpp", package.submodule_search_locations)
    if spec is None or spec.loader is None:
        return None
    extension = module_from_spec(spec)
    spec.loader.exec_module(extension)
    return extension


def _agrees(library: Any) -> bool:
    """Check that this release means by its columns what we think, and that we read them right."""
    known = [
        (library.list_all_atom_onehot_features(), _ATOM_ONE_HOTS),
        (library.list_all_atom_float_features(), _ATOM_NUMBERS),
        (library.list_all_bond_features(), _BOND_COLUMNS),
    ]
    if not all(set(wanted) <= set(names) for names, wanted in known):
        return False  # it aborts the process when asked for what it does not know
    try:
        graphs, done = _read(library, _SAMPLE)
    except (TypeError, ValueError):  # other arguments, or other shapes
        return False
    parsed = parse_molecules(_SAMPLE)
    return bool(done.all()) and graphs == graphs_of_mols(parsed.mols, parsed.texts)


def _read(library: Any, items: Sequence[Any]) -> tuple[MolGraphs, np.ndarray]:
    texts = [_suitable(item) for item in items]
    suitable = np.array([text is not None for text in texts])
    with quiet_rdkit():
        batches = _call_in_batches(library, [text for text in texts if text is not None])
    graphs, found = _graphs_of_batches(batches)
    suitable[suitable] = found
    return graphs, suitable


def _suitable(item: Any) -> str | None:
    """Return the SMILES of a row that the library reads as RDKit does."""
    smiles = plain_smiles(item.strip()) if isinstance(item, str) else None
    # The library sorts the atoms by the numbers that may follow a colon.
    return None if smiles is None or ":" in smiles else smiles


class _Batch(NamedTuple):
    """What the library gives for n texts."""

    atoms: np.ndarray  # (A, columns) float32
    bonds: np.ndarray  # (B, columns) float32
    ends: np.ndarray  # (2, B), numbered through the batch
    n_atoms: np.ndarray  # (n,); 0 where RDKit cannot parse the text


def _call_in_batches(library: Any, texts: list[str]) -> list[_Batch]:
    request = (
        library.atom_onehot_feature_names_to_array(list(_ATOM_ONE_HOTS)),
        library.atom_float_feature_names_to_array(list(_ATOM_NUMBERS)),
        library.bond_feature_names_to_array(list(_BOND_COLUMNS)),
        *(False, False, False, False),  # no hydrogens, no offset, bonds once, no loops
    )
    call = partial(_call, library, request)
    return [batch for part in _split(texts, _BATCH) or [[]] for batch in call(part)]


def _call(library: Any, request: tuple, texts: list[str]) -> list[_Batch]:
    """Read some texts, in ever smaller parts where one of them is more than a syntax error."""
    try:
        atoms, bonds, ends, _, molecule = library.batch_mol_featurizer(texts, *request)
    except (RuntimeError, ValueError):  # RDKit's exceptions, which tell nothing of the others
        if len(texts) == 1:
            empty = _call(library, request, [])[0]
            return [empty._replace(n_atoms=np.zeros(1, dtype=np.int64))]
        parts = _split(texts, -(-len(texts) // _PARTS))
        return [batch for part in parts for batch in _call(library, request, part)]
    return [_Batch(atoms, bonds, ends, np.bincount(molecule, minlength=len(texts)))]


def _split(texts: list[str], size: int) -> list[list[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def _graphs_of_batches(batches: list[_Batch]) -> tuple[MolGraphs, np.ndarray]:
    """Give the graphs of all that was found, and what was, (n,) bool."""
    shifts = _offsets(np.array([len(batch.atoms) for batch in batches]))
    ends = np.concatenate(
        [batch.ends + shift for batch, shift in zip(batches, shifts[:-1], strict=True)], axis=1
    ).T
    n_atoms = np.concatenate([batch.n_atoms for batch in batches])
    found = n_atoms > 0
    n_atoms = n_atoms[found]
    molecule = np.repeat(np.arange(len(n_atoms)), n_atoms)[ends[:, 0]]
    bond_atoms = ends - _offsets(n_atoms)[molecule][:, None]
    n_bonds = np.bincount(molecule, minlength=len(n_atoms))
    bonds = _bond_numbers(np.concatenate([batch.bonds for batch in batches]))
    atoms = _by_name(
        np.concatenate([batch.atoms for batch in batches]),
        _ATOM_ONE_HOTS | {f"{name} number": 1 for name in _ATOM_NUMBERS},
    )
    in_ring = np.zeros(len(atoms["chirality"]), dtype=bool)
    in_ring[ends[bonds["in_ring"] > 0]] = True
    numbers = _atom_numbers(atoms, in_ring, np.bincount(ends.ravel(), minlength=len(in_ring)))
    return make_graphs(numbers | bonds, _chirality(atoms), bond_atoms, n_atoms, n_bonds), found


def _by_name(columns: np.ndarray, widths: dict[str, int]) -> dict[str, np.ndarray]:
    """Cut the columns into named fields, as whole numbers."""
    if columns.shape[1] != sum(widths.values()):
        raise ValueError(f"{columns.shape[1]} columns where {widths} were expected")
    stops = np.cumsum(list(widths.values()))
    return {
        name: columns[:, stop - width] if width == 1 else columns[:, stop - width : stop]
        for (name, width), stop in zip(widths.items(), stops, strict=True)
    }


def _atom_numbers(
    atoms: dict[str, np.ndarray], in_ring: np.ndarray, degree: np.ndarray
) -> dict[str, np.ndarray]:
    rings = atoms["ring-size"]  # 1 for each size from 3 to 8 that the atom has a ring of
    smallest = np.where(rings.any(axis=1), rings.argmax(axis=1) + 3, in_ring * _LARGE_RING)
    return {
        "element": np.rint(atoms["atomic-number number"] * 5),
        "charge": atoms["formal-charge number"],
        "hydrogens": atoms["degree number"] - degree,  # it counts them as neighbours
        "hybridisation": atoms["hybridization number"],
        "aromatic": atoms["aromatic number"],
        "smallest_ring": smallest,
    }


def _chirality(atoms: dict[str, np.ndarray]) -> np.ndarray:
    """Give codes of RDKit's tags (none, two tetrahedral ones, others) and labels (S, R, none)."""
    tag, label = atoms["chirality"], atoms["chirality number"]
    code = np.zeros(len(tag), dtype=np.uint8)
    code[tag[:, 0] > 0] = CHIRALITY_CODES["none"]
    tetrahedral = tag[:, 1:3].any(axis=1)
    code[tetrahedral & (label == 0)] = CHIRALITY_CODES["S"]
    code[tetrahedral & (label == 1)] = CHIRALITY_CODES["R"]
    return code


def _bond_numbers(columns: np.ndarray) -> dict[str, np.ndarray]:
    bonds = _by_name(columns, _BOND_COLUMNS)
    # The last of the one-hots is whatever is not single, double or triple; 1.5 is aromatic.
    order = bonds["bond-type-onehot"].argmax(axis=1) + int(BondType.SINGLE)
    rest = order == int(BondType.TRIPLE) + 1
    order[rest] = np.where(bonds["bond-type-float"][rest] == 1.5, int(BondType.AROMATIC), 0)
    return {
        "order": order,
        "conjugated": bonds["conjugated"],
        "in_ring": bonds["in-ring"],
        "stereo": bonds["stereo"].argmax(axis=1),
    }
