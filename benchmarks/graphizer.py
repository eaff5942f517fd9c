"""How fast SMILES become graphs, against RDKit's bare parsing of the same SMILES.

    OMP_NUM_THREADS=1 python benchmarks/graphizer.py CSV [--column smiles] [--rows N] [--rounds 5]

Parsing, the way through RDKit's Python and the one through the library of the `fast` extra take
turns in one process, and with two worker processes, which are started and warm beforehand. Printed
are molecules a second (medians) and ratios of the same round, with their spread, in time on the
clock, and for one process also in time on the processor, which means more on a busy machine; then
how many bytes a molecule takes. Rows that RDKit rejects are left out.
"""

import argparse
import csv
import time

import numpy as np
from rdkit import Chem, rdBase

from skchem_dl import MolGraphizer
from skchem_dl.features import _graphs_fast
from skchem_dl.features._base import BaseMolTransformer


class PureGraphizer(MolGraphizer):
    """MolGraphizer as it is without the extra."""

    _featurize = BaseMolTransformer._featurize


def valid_smiles(path, column, n_rows):
    with open(path, newline="") as file:
        rows = [row[column].strip() for row in csv.DictReader(file)][:n_rows]
    with rdBase.BlockLogs():
        return [text for text in rows if text and Chem.MolFromSmiles(text) is not None]


def parse(smiles):
    with rdBase.BlockLogs():
        for text in smiles:
            Chem.MolFromSmiles(text)


def contenders():
    found = {"parse": parse, "pure": PureGraphizer().transform}
    found["pure, 2 workers"] = PureGraphizer(n_jobs=2).transform
    if _graphs_fast._library() is not None:
        found["fast"] = MolGraphizer().transform
        found["fast, 2 workers"] = MolGraphizer(n_jobs=2).transform
    return found


def time_in_turn(functions, smiles, n_rounds):
    """Give seconds on the clock and on this process's processor, (rounds, 2) for each function."""
    times = {name: [] for name in functions}
    for _ in range(n_rounds):
        for name, function in functions.items():
            start = time.perf_counter(), time.process_time()
            function(smiles)
            stop = time.perf_counter(), time.process_time()
            times[name].append([stop[0] - start[0], stop[1] - start[1]])
    return {name: np.array(seconds) for name, seconds in times.items()}


def describe(ratios):
    return f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv")
    parser.add_argument("--column", default="smiles")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    smiles = valid_smiles(arguments.csv, arguments.column, arguments.rows)
    functions = contenders()
    time_in_turn(functions, smiles[:4000], 1)  # starts the workers, and loads everything there
    times = time_in_turn(functions, smiles, arguments.rounds)
    for name, seconds in times.items():
        ratios = times["parse"] / seconds
        line = f"{name:16s} {len(smiles) / np.median(seconds[:, 0]):6.0f} molecules/s"
        line += f", times parsing {describe(ratios[:, 0])}"
        print(line if "workers" in name else f"{line}, on the processor {describe(ratios[:, 1])}")
    for name in ("pure", "fast"):
        if name in times:
            ratios = times[name][:, 0] / times[f"{name}, 2 workers"][:, 0]
            print(f"{name}: 2 workers against one process {describe(ratios)}")
    graphs = MolGraphizer().transform(smiles)
    print(f"{len(graphs)} molecules in {graphs.nbytes / 1e6:.1f} MB, ", end="")
    print(f"{graphs.nbytes / len(graphs):.0f} bytes each")


if __name__ == "__main__":
    main()
