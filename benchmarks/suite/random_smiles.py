"""A million SMILES of which no two are alike: real molecules, each written from many atoms.

    python -m benchmarks.suite.random_smiles DATA PASSES FILE

Each pass goes through the 41,120 molecules of hiv.csv that RDKit reads, in a random order, and
writes each one's atoms in a random order too. So one pass holds no molecule twice, and 25 hold each
one 25 times, 41,120 rows apart on average, as another text (very small ones have too few orders for
that). Nothing that remembers texts gains by it, and neither does what looks at a batch or a chunk.
The file is a CSV of one column; it takes some 15 s a pass, once.
"""

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.suite.subject import FOLDER, parsable_hiv


def random_smiles(data: Path, n: int) -> Iterator[str]:
    """Give the first n; how many passes the file has makes no difference to them."""
    passes = -(-n // len(parsable_hiv(data)))
    path = FOLDER / f"random_smiles_{passes}.csv"
    if not path.exists():
        # In a process of its own, whose memory is not that of what is measured.
        command = [sys.executable, "-m", "benchmarks.suite.random_smiles", data, passes, path]
        subprocess.run(list(map(str, command)), check=True)
    with path.open() as lines:
        yield from (line.strip() for line in islice(lines, 1, n + 1))


def write(data: Path, passes: int, path: Path) -> None:
    """Write the file; it has its name when it is whole."""
    from rdkit import Chem, rdBase

    texts = parsable_hiv(data)
    part = path.with_suffix(".part")
    with rdBase.BlockLogs(), part.open("w") as file:
        molecules = [Chem.MolFromSmiles(text) for text in texts]
        file.write("smiles\n")
        for number in range(passes):
            order = np.random.default_rng(number).permutation(len(texts))
            for row, at in enumerate(order.tolist()):
                seed = number * len(texts) + row + 1  # 0 is no seed
                [text] = Chem.MolToRandomSmilesVect(molecules[at], 1, randomSeed=seed)
                # A few metal complexes are not read again from every atom.
                readable = Chem.MolFromSmiles(text) is not None
                file.write(f"{text if readable else texts[at]}\n")
    part.replace(path)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
