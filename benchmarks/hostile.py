"""A million mutated and hostile texts through every featurizer and `predict_file`.

    OMP_NUM_THREADS=1 python benchmarks/hostile.py SMILES_FILE [--rows N] [--first N]

Texts are SMILES of the file with characters changed, cut, repeated and joined, patterns repeated up
to the longest text that is read and beyond, and characters of any alphabet; every 50th row is a
known molecule, by which one sees whether rows have moved. A process that crashes ends the run with
an error. The last line says how many rows were valid, lost and moved, what the slowest molecule
took of the processor in which featurizer, and the peak of memory.
"""

import argparse
import csv
import gzip
import random
import resource
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from skchem_dl import (
    MolGraphizer,
    MolStandardizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)
from skchem_dl.graphs import MolGraphs
from skchem_dl.pipelines import make_linear_pipeline
from skchem_dl.screening import predict_file

CHUNK_SIZE = 500
EVERY = 50  # rows are a known molecule
KNOWN = ["CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "[Na+].[Cl-]", "C[C@H](N)C(=O)O"]
CHARACTERS = "CNOPSFIBcnosp[]()123456789%0=#$:/\\@+-.*H>~&{}|^_,;'\" \té\x00\u202e中"
PATTERNS = [
    "C",
    "C1CC1",
    "c1ccccc1",
    "C(",
    "C(C)",
    "[CH2:1]",
    "C=C",
    "N.",
    "[2H]",
    "c1ccc(",
    "/C=C",
]
PATTERNS += ["NCC(=O)", "[Na+].[Cl-].", "C%10CC%10", "[C@H](F)", "O=C1C=CC(=O)C=C1.", "S(=O)(=O)"]
SMALL_ROWS = 20_000  # of predict_file at a time


def mutated(text, others, rng):
    """Return a text that has something wrong, or not."""
    kind = rng.randrange(256)
    if kind == 0:  # long
        return rng.choice(PATTERNS) * int(10 ** rng.uniform(0, 3.1))
    if kind < 20:
        return "".join(rng.choices(CHARACTERS, k=rng.randrange(1, 40)))
    if kind < 40:
        other = rng.choice(others)
        return text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other)) :]
    if kind < 60:
        return text + rng.choice(["", ".", "|", " ", "\t", " name", " |&1:1|", ">>C"]) + text
    characters = list(text)
    for _ in range(rng.randrange(1, 3)):
        place = rng.randrange(len(characters) + 1)
        change = rng.randrange(3)
        if change == 0:
            characters.insert(place, rng.choice(CHARACTERS))
        elif change == 1:
            del characters[place : place + rng.randrange(1, 6)]
        else:
            characters[place : place + 1] = rng.choice(CHARACTERS)
    return "".join(characters)


def known_at(row):
    return KNOWN[row // EVERY % len(KNOWN)]


def make_rows(others, n_rows, seed):
    rng = random.Random(seed)
    return [
        known_at(row) if row % EVERY == 0 else mutated(rng.choice(others), others, rng)
        for row in range(n_rows)
    ]


def featurizers():
    return {
        "fingerprints": MorganFingerprinter(fp_size=256, on_invalid="nan"),
        "graphs": MolGraphizer(on_invalid="nan"),
        "tokens": SmilesTokenizer(max_length=100, on_invalid="nan"),
        "standardizer": MolStandardizer(on_invalid="nan"),
        "descriptors": RDKitDescriptors(on_invalid="nan"),
    }


def as_bytes(rows):
    """Return something to compare for each row; None for an invalid one."""
    if isinstance(rows, MolGraphs):
        ranges = pairwise(rows.atom_offsets.tolist())
        return [rows.atom_codes[start:end].tobytes() or None for start, end in ranges]
    if rows.dtype == object:
        return rows.tolist()
    if rows.dtype == np.int32:
        return [row.tobytes() if row.any() else None for row in rows]
    return [None if np.isnan(row).all() else row.tobytes() for row in rows]


def seconds_of_slowest(featurizer, texts):
    slowest = (0.0, "")
    for text in texts:
        began = time.process_time()
        featurizer.transform([text])
        slowest = max(slowest, (time.process_time() - began, text))
    return slowest


def featurize_chunk(texts):
    """Return for each featurizer (rows, valid, moved, slowest), and the peak of memory."""
    warnings.simplefilter("ignore")
    found = {}
    for name, featurizer in featurizers().items():
        fitted = featurizer.fit(KNOWN)
        known = dict(zip(KNOWN, as_bytes(fitted.transform(KNOWN)), strict=True))
        began = time.process_time()
        rows = as_bytes(fitted.transform(texts))
        seconds = time.process_time() - began
        expected = [known[known_at(row)] for row in range(0, len(texts), EVERY)]
        moved = sum(a != b for a, b in zip(rows[::EVERY], expected, strict=True))
        # No molecule takes more than all of them together.
        slowest = seconds_of_slowest(fitted, texts) if seconds > 1 else (0.0, "")
        n_valid = sum(row is not None for row in rows)
        found[name] = len(rows), n_valid, moved, slowest
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def predict(texts, folder):
    """Return (rows, moved rows, seconds) of `predict_file` on these texts."""
    warnings.simplefilter("ignore")
    model = make_linear_pipeline().fit(KNOWN, np.arange(len(KNOWN), dtype=float))
    source, target = Path(folder, "in.csv"), Path(folder, "out.csv")
    # What cannot be part of a file of UTF-8 text, and what CSV cannot hold, is left out.
    texts = [text.replace("\x00", "") for text in texts]
    with open(source, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "smiles"], *enumerate(texts)])
    began = time.perf_counter()
    predict_file(model, source, target, smiles_column="smiles")
    seconds = time.perf_counter() - began
    with open(target, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = dict(zip(KNOWN, model.predict(KNOWN), strict=True))
    moved = sum(
        row["smiles"] != texts[k]
        or int(row["id"]) != k
        or (k % EVERY == 0 and not np.isclose(float(row["prediction"]), expected[known_at(k)]))
        for k, row in enumerate(rows)
    )
    return len(rows), moved, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="row to begin with")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with (gzip.open if arguments.path.endswith(".gz") else open)(arguments.path, "rt") as file:
        others = [line.split()[0] for line in islice(file, 20_000)]
    began = time.perf_counter()
    report = run_featurizers(others, arguments, began)
    report += run_predict_file(others, arguments, began)
    print(f"\n{arguments.rows} texts, {time.perf_counter() - began:.0f} s: {report}.")


def run_featurizers(others, arguments, began):
    starts = range(arguments.first, arguments.first + arguments.rows, CHUNK_SIZE)
    totals = {name: [0, 0, 0, (0.0, "")] for name in featurizers()}
    peak = n_done = 0
    with ProcessPoolExecutor(arguments.processes) as pool:
        chunks = (make_rows(others, CHUNK_SIZE, seed) for seed in starts)
        waiting = [pool.submit(featurize_chunk, chunk) for chunk in islice(chunks, 8)]
        while waiting:
            found, memory = waiting.pop(0).result()
            peak, n_done = max(peak, memory), n_done + CHUNK_SIZE
            for name, (rows, valid, moved, slowest) in found.items():
                total = totals[name]
                total[:3] = [total[0] + rows, total[1] + valid, total[2] + moved]
                total[3] = max(total[3], slowest)
            waiting += [pool.submit(featurize_chunk, chunk) for chunk in islice(chunks, 1)]
            print(f"\r{n_done} featurized, {time.perf_counter() - began:.0f} s", end="", flush=True)
    parts = [
        f"{name}: {rows} rows, {valid} valid, {moved} moved, slowest molecule "
        f"{slowest[0]:.2f} s ({slowest[1][:30]!r}, {len(slowest[1])} characters)"
        for name, (rows, valid, moved, slowest) in totals.items()
    ]
    return "; ".join([*parts, f"peak of memory {peak:.0f} MB"])


def run_predict_file(others, arguments, began):
    n_rows = n_moved = 0
    for start in range(0, arguments.rows, SMALL_ROWS):
        n = min(SMALL_ROWS, arguments.rows - start)
        texts = make_rows(others, n, arguments.first + start + 1)
        with tempfile.TemporaryDirectory() as folder:
            n, moved, _ = predict(texts, folder)
        n_rows, n_moved = n_rows + n, n_moved + moved
        print(f"\r{n_rows} predicted, {time.perf_counter() - began:.0f} s", end="", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"; predict_file: {n_rows} rows, {n_moved} moved, peak of memory {peak:.0f} MB"


if __name__ == "__main__":
    main()
