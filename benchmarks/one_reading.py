"""Whether a molecule is the same however it is written.

    OMP_NUM_THREADS=1 python benchmarks/one_reading.py SMILES_FILE [--rows N] [--first N]


Each SMILES of the file (one a line, also .gz) is written again in several ways: with random atom
maps, as a Mol with explicit hydrogens, as a kekulized Mol, with the hydrogens of each atom in
brackets, in random order, and as nearly all of these at once. Printed is, for each way, how many
molecules have another fingerprint, another graph (atom by atom), another scaffold, another
standardized SMILES (and so other tokens; only for all at once, as it is slow) or other descriptors
(of as many rows as --descriptors says), with the names of those that differ by more than one part
in 100,000.
"""

import argparse
import gzip
import random
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

import numpy as np
from rdkit import Chem, rdBase

from skchem_dl import MolGraphizer, MolStandardizer, MorganFingerprinter, RDKitDescriptors
from skchem_dl.model_selection import scaffold_groups

CHUNK_SIZE = 500
TOLERANCE = 1e-5


def mapped(mol, rng):
    mol = Chem.Mol(mol)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(rng.randint(0, 99))
    return mol


def kekulized(mol):
    mol = Chem.Mol(mol)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    return mol


def in_brackets(mol, rng):
    text = Chem.MolToSmiles(mol, allHsExplicit=True, canonical=False)
    return text, list(mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])


def written_at_random(mol, rng):
    """Return a SMILES, and the atom that each one in it is."""
    order = rng.sample(range(mol.GetNumAtoms()), mol.GetNumAtoms())
    shuffled = Chem.RenumberAtoms(mol, order)
    text = Chem.MolToSmiles(shuffled, canonical=False)
    written = list(shuffled.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    return text, [order[atom] for atom in written]


LAST = "all at once"
WAYS = {
    "atom maps": lambda mol, rng: (mapped(mol, rng), None),
    "hydrogens": lambda mol, rng: (Chem.AddHs(mol), None),
    "kekulized": lambda mol, rng: (kekulized(mol), None),
    "brackets": in_brackets,
    "random order": written_at_random,
    LAST: lambda mol, rng: written_at_random(mapped(Chem.AddHs(kekulized(mol)), rng), rng),
}


def graph(graphs, row, order, n_atoms):
    """Return a graph's arrays with atoms numbered as in the file, and bonds sorted."""
    one = graphs[row : row + 1]
    number = np.arange(len(one.atom_codes))
    if order is not None:
        number = np.array([atom for atom in order if atom < n_atoms])
    if len(number) != len(one.atom_codes):
        return None
    ends = np.sort(number[one.bond_atoms], axis=1).reshape(-1, 2)
    bonds = np.column_stack([ends, one.bond_codes])
    bonds = bonds[np.lexsort((ends[:, 1], ends[:, 0]))]
    return one.atom_codes[np.argsort(number)].tobytes() + bonds.tobytes()


def features(items, orders, n_atoms, with_standardized, with_descriptors):
    """Return what each featurizer and splitter makes of some rows, a list for each."""
    graphs = MolGraphizer(on_invalid="nan").transform(items)
    prints = MorganFingerprinter(counts=True, include_chirality=True, sparse_output=True)
    bits = prints.transform(items).toarray()
    found = {
        "fingerprint": [row.tobytes() for row in bits],
        "graph": [graph(graphs, k, orders[k], n_atoms[k]) for k in range(len(items))],
        "scaffold": scaffold_groups(items).tolist(),
    }
    if with_standardized:
        found["generic scaffold"] = scaffold_groups(items, generic=True).tolist()
        found["standardized"] = MolStandardizer(on_invalid="nan").transform(items).tolist()
    if with_descriptors:
        found["descriptors"] = list(RDKitDescriptors().transform(items).astype(float))
    return found


def differs(one, other):
    if isinstance(one, np.ndarray):
        return not np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return one != other


def compare_chunk(texts, with_descriptors, seed):
    """Count the differences of some rows, and name the descriptors that differ."""
    warnings.simplefilter("ignore")  # of molecules that the standardizer refuses, however written
    rng = random.Random(seed)
    with rdBase.BlockLogs():
        mols = [Chem.MolFromSmiles(text) for text in texts]
        texts = [text for text, mol in zip(texts, mols, strict=True) if mol is not None]
        mols = [mol for mol in mols if mol is not None]
    n_atoms = [mol.GetNumAtoms() for mol in mols]
    none = [None] * len(mols)
    expected = features(texts, none, n_atoms, True, with_descriptors)
    counts, names, shown = Counter(), Counter(), {}
    for way, write in WAYS.items():
        with rdBase.BlockLogs():
            items, orders = zip(*(write(mol, rng) for mol in mols), strict=True)
        found = features(list(items), orders, n_atoms, way == LAST, with_descriptors)
        for product, rows in found.items():
            for row, (one, other) in enumerate(zip(rows, expected[product], strict=True)):
                if differs(one, other):
                    counts[way, product] += 1
                    shown.setdefault((way, product), texts[row])
                    if product == "descriptors":
                        off = ~np.isclose(one, other, TOLERANCE, TOLERANCE, equal_nan=True)
                        names.update(RDKitDescriptors().get_feature_names_out()[off].tolist())
    return len(mols), counts, names, shown


def read(path, first, n_rows):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        return [line.split()[0] for line in islice(file, first, first + n_rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--first", type=int, default=0, help="row to begin with")
    parser.add_argument("--descriptors", type=int, default=5_000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    texts = read(arguments.path, arguments.first, arguments.rows)
    starts = range(0, len(texts), CHUNK_SIZE)
    chunks = [texts[start : start + CHUNK_SIZE] for start in starts]
    with_descriptors = [start < arguments.descriptors for start in starts]
    began, n_rows = time.perf_counter(), 0
    counts, names, shown = Counter(), Counter(), {}
    with ProcessPoolExecutor(arguments.processes) as pool:
        for n, more, more_names, more_shown in pool.map(
            compare_chunk, chunks, with_descriptors, starts
        ):
            n_rows += n
            counts, names, shown = counts + more, names + more_names, more_shown | shown
            print(f"\r{n_rows} of {len(texts)}, {time.perf_counter() - began:.0f} s", end="")
    print(f"\n{n_rows} molecules, each written in {len(WAYS)} other ways; differences:")
    for way in WAYS:
        for product in ("fingerprint", "graph", "scaffold", "generic scaffold", "standardized"):
            example = shown.get((way, product), "")
            print(f"  {way:13} {product:17} {counts[way, product]:6} {example[:80]}")
        if arguments.descriptors:
            print(f"  {way:13} {'descriptors':17} {counts[way, 'descriptors']:6} of the first rows")
    print("descriptors that differ:", dict(names.most_common()))


if __name__ == "__main__":
    main()
