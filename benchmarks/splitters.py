"""What chemistry-aware splits of a large file cost.

    OMP_NUM_THREADS=1 python benchmarks/splitters.py HIV_CSV [--column smiles] [--rows N]

Each splitter makes its five folds in a process of its own. Printed are seconds on the clock and on
the processor, which means more on a busy machine, how many times RDKit's bare parsing of the same
SMILES that is, and the peak of resident memory, of which the imports are the first line.
"""

import argparse
import csv
import resource
import subprocess
import sys
import time

from rdkit import Chem, rdBase

from skchem_dl.model_selection import (
    ButinaKFold,
    FingerprintClusterKFold,
    ScaffoldKFold,
    ScaffoldShuffleSplit,
)

SPLITTERS = {
    "ScaffoldKFold": ScaffoldKFold(),
    "ScaffoldKFold, shuffled": ScaffoldKFold(shuffle=True, random_state=0),
    "ScaffoldKFold, generic": ScaffoldKFold(generic=True),
    "ScaffoldShuffleSplit": ScaffoldShuffleSplit(random_state=0),
    "ButinaKFold, 0.65": ButinaKFold(),
    "ButinaKFold, 0.35": ButinaKFold(distance_threshold=0.35),
    "FingerprintClusterKFold": FingerprintClusterKFold(),
}


def read_smiles(path, column, n_rows):
    with open(path, newline="") as file:
        return [row[column] for row in csv.DictReader(file)][:n_rows]


def parse(smiles):
    with rdBase.BlockLogs():
        for text in smiles:
            Chem.MolFromSmiles(text)
    return []


def run_one(name, smiles):
    """Print seconds, processor seconds, megabytes and what the test sets hold."""
    start = time.perf_counter(), time.process_time()
    folds = []
    if name == "parse":
        parse(smiles)
    elif name in SPLITTERS:
        folds = [len(test) for _, test in SPLITTERS[name].split(smiles)]
    clock, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(clock, processor, megabytes, *folds)


def run(name, arguments):
    command = [sys.executable, __file__, arguments.file, "--column", arguments.column]
    if arguments.rows:
        command += ["--rows", str(arguments.rows)]
    done = subprocess.run([*command, "--only", name], capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", help="hiv.csv")
    parser.add_argument("--column", default="smiles")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    smiles = read_smiles(arguments.file, arguments.column, arguments.rows)
    if arguments.only:
        run_one(arguments.only, smiles)
        return
    print(f"{len(smiles)} molecules")
    print(f"{'':26}{'clock, s':>9}{'processor, s':>14}{'parsing':>9}{'peak, MB':>10}  test sets")
    for name in ("imports", "parse", *SPLITTERS):
        clock, processor, megabytes, *folds = run(name, arguments)
        if name == "parse":
            parsing = processor
        times = "" if name == "imports" else f"{processor / parsing:.1f} x"
        print(f"{name:26}{clock:9.1f}{processor:14.1f}{times:>9}{megabytes:10.0f}  ", end="")
        print(*(f"{n:.0f}" for n in folds), flush=True)


if __name__ == "__main__":
    main()
