"""How fast a file is predicted, and in how much memory.

    OMP_NUM_THREADS=1 python benchmarks/screening.py CSV [--rows 1000000] [--column smiles]
        [--model mlp] [--chunk-size 5000] [--n-jobs 1] [--input .csv] [--output .csv]

The rows of CSV (hiv.csv, say) are repeated until there are enough. A small model, fitted on the
bundled solubilities, predicts them. Printed are molecules a second, of the whole call and of
predicting the same rows in memory (the first 20,000), and the largest resident memory of each tenth
of the run over that after the imports: it should be flat.
"""

import argparse
import csv
import tempfile
import threading
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from skchem_dl.datasets import load_solubility
from skchem_dl.features._molecules import parse_molecules
from skchem_dl.pipelines import make_cnn_pipeline, make_gnn_pipeline, make_mlp_pipeline
from skchem_dl.screening import predict_file

FACTORIES = {"mlp": make_mlp_pipeline, "cnn": make_cnn_pipeline, "gnn": make_gnn_pipeline}
IN_MEMORY = 20_000


def resident():
    """Give this process's resident memory in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


class Sampler(threading.Thread):
    """Notes the resident memory ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.samples = []
        self.stop = threading.Event()

    def run(self):
        while not self.stop.wait(0.1):
            self.samples.append(resident())


def write_rows(source, path, n_rows, column):
    """Repeat the rows of a CSV file in another one, in the format that its name says."""
    with source.open(newline="") as file:
        reader = csv.reader(file)
        names = next(reader)
        rows = list(reader)
    repeated = islice(cycle(rows), n_rows)
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        with parquet.ParquetWriter(path, pa.schema([(name, pa.string()) for name in names])) as out:
            while some := list(islice(repeated, 50_000)):
                out.write_table(pa.table(list(map(list, zip(*some, strict=True))), names=names))
    else:
        import gzip

        with (gzip.open if path.suffix == ".gz" else open)(path, "wt", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(names)
            writer.writerows(repeated)
    at = names.index(column)
    return [row[at] for row in rows[:IN_MEMORY]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("csv", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--column", default="smiles")
    parser.add_argument("--model", choices=FACTORIES, default="mlp")
    parser.add_argument("--chunk-size", type=int, default=5_000)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--input", default=".csv", help="ending of the input's name")
    parser.add_argument("--output", default=".csv", help="ending of the output's name")
    arguments = parser.parse_args()

    X, y = load_solubility(return_X_y=True)
    FACTORIES[arguments.model](max_epochs=1).fit(X[:10], y[:10])  # imports what is imported late
    baseline = resident()
    model = FACTORIES[arguments.model](max_epochs=5, random_state=0).fit(X, y)
    model.set_params(featurizer__n_jobs=arguments.n_jobs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"in{arguments.input}"
        smiles = write_rows(arguments.csv, path, arguments.rows, arguments.column)
        before = resident() - baseline
        sampler = Sampler()
        sampler.start()
        summary = predict_file(
            model,
            path,
            Path(folder) / f"out{arguments.output}",
            smiles_column=arguments.column,
            chunk_size=arguments.chunk_size,
            verbose=1,
        )
        sampler.stop.set()
        sampler.join()
        size = summary.path.stat().st_size
    print(
        f"{summary.n_rows:,} rows, {summary.n_invalid:,} invalid, {summary.seconds:.1f} s, ", end=""
    )
    print(f"{summary.n_rows / summary.seconds:,.0f} molecules/s; wrote {size / 1e6:.1f} MB")
    print(f"resident memory over that after the imports ({baseline:.0f} MB), in MB:")
    print(f"  before the call (model, and the {arguments.csv.name} in memory)  {before:.0f}")
    tenths = np.array_split(np.array(sampler.samples) - baseline, 10)
    print("  largest in each tenth of it ", *(f"{max(t, default=np.nan):.0f}" for t in tenths))
    print(f"  largest in all  {max(sampler.samples) - baseline:.0f}")

    valid = np.array(parse_molecules(smiles).texts, dtype=object)
    began = time.perf_counter()
    for start in range(0, len(valid), arguments.chunk_size):
        model.predict(valid[start : start + arguments.chunk_size])
    rate = len(valid) / (time.perf_counter() - began)
    print(f"model.predict on {len(valid):,} valid molecules in memory: {rate:,.0f} molecules/s")


if __name__ == "__main__":
    main()
