"""Rate and memory from a thousand molecules to a million, by one process and by two."""

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.suite.random_smiles import random_smiles
from benchmarks.suite.subject import FOLDER, RATE, Case, Subject, Variant

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LARGEST = {  # more would take hours, or show only what is shown from file to file
    "descriptors": 10_000,
    "MLP, in memory": 100_000,
    "GNN, in memory": 100_000,
    "MLP, Parquet to Parquet": 100_000,
    "MLP, gzipped CSV": 100_000,
}
N_WARM = 2_000
N_TO_START = 40_000  # with fewer molecules, featurisers start no second process

# Prepares some work in as many processes as the case has, and gives what is then timed.
Work = Callable[[Case], Callable[[], Any]]
works: dict[str, Work] = {}


def work(name: str) -> Callable[[Work], Work]:
    def register(prepare: Work) -> Work:
        works[name] = prepare
        return prepare

    return register


def start_processes(case: Case) -> None:
    from skchem_dl import MorganFingerprinter

    if case.processes > 1:
        make = MorganFingerprinter(sparse_output=True, n_jobs=case.processes)
        make.fit_transform(list(random_smiles(case.data, N_TO_START)))


def featurize(case: Case, transformer: Any) -> Callable[[], Any]:
    start_processes(case)
    transformer.set_params(n_jobs=case.processes)
    transformer.fit_transform(list(random_smiles(case.data, N_WARM)))
    smiles = list(random_smiles(case.data, case.n))
    return lambda: transformer.fit_transform(smiles)


@work("fingerprints")
def fingerprints(case: Case) -> Callable[[], Any]:
    from skchem_dl import MorganFingerprinter

    return featurize(case, MorganFingerprinter(sparse_output=True))


@work("tokens")
def tokens(case: Case) -> Callable[[], Any]:
    from skchem_dl import SmilesTokenizer

    return featurize(case, SmilesTokenizer())


@work("graphs")
def graphs(case: Case) -> Callable[[], Any]:
    from skchem_dl import MolGraphizer

    return featurize(case, MolGraphizer())


@work("descriptors")
def descriptors(case: Case) -> Callable[[], Any]:
    from skchem_dl import RDKitDescriptors

    return featurize(case, RDKitDescriptors())


def fitted(kind: str) -> Any:
    """Give a pipeline as large as it is by default; how well it predicts is no matter here."""
    from skchem_dl import pipelines
    from skchem_dl.datasets import load_solubility

    smiles, y = load_solubility(return_X_y=True)
    make = {"MLP": pipelines.make_mlp_pipeline, "GNN": pipelines.make_gnn_pipeline}[kind]
    return make(max_epochs=1, random_state=0).fit(smiles[:300], y[:300])


def predict_in_memory(case: Case, kind: str) -> Callable[[], Any]:
    import torch

    model = fitted(kind).set_params(featurizer__n_jobs=case.processes)
    smiles = list(random_smiles(case.data, case.n))

    def run() -> None:
        torch.set_num_threads(case.processes)
        model.predict(smiles)

    start_processes(case)
    torch.set_num_threads(case.processes)
    model.predict(list(random_smiles(case.data, N_WARM)))
    return run


def predict_files(case: Case, kind: str, ending: str = ".csv") -> Callable[[], Any]:
    """With several processes, each has a file of its own, as on a cluster."""
    import torch
    from joblib import Parallel, delayed

    from skchem_dl.screening import predict_file

    model = fitted(kind)

    def predict(inputs: list[Path]) -> None:
        torch.set_num_threads(1)  # joblib sees to that in its workers
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            outputs = [Path(folder) / path.name for path in inputs]
            Parallel(len(inputs))(
                map(delayed(predict_file), [model] * len(inputs), inputs, outputs)
            )

    predict(write_parts(case.data, N_WARM, case.processes, ending))
    inputs = write_parts(case.data, case.n, case.processes, ending)
    return lambda: predict(inputs)


def write_parts(data: Path, n: int, n_parts: int, ending: str) -> list[Path]:
    """Share n molecules among files, never holding more than some of them in memory."""
    smiles = random_smiles(data, n)
    parts = [FOLDER / "scaling" / f"{n}_{i + 1}of{n_parts}{ending}" for i in range(n_parts)]
    parts[0].parent.mkdir(exist_ok=True)
    for path in parts:
        write_csv_or_parquet(path, islice(smiles, -(-n // n_parts)))
    return parts


def write_csv_or_parquet(path: Path, smiles: Any) -> None:
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        with parquet.ParquetWriter(path, pa.schema([("smiles", pa.string())])) as file:
            while some := list(islice(smiles, 50_000)):
                file.write_table(pa.table({"smiles": some}))
        return
    import gzip

    with (gzip.open if path.suffix == ".gz" else open)(path, "wt") as file:
        file.write("smiles\n")
        file.writelines(f"{text}\n" for text in smiles)


@work("MLP, file to file")
def mlp_file(case: Case) -> Callable[[], Any]:
    return predict_files(case, "MLP")


@work("MLP, Parquet to Parquet")
def mlp_parquet(case: Case) -> Callable[[], Any]:
    return predict_files(case, "MLP", ".parquet")


@work("MLP, gzipped CSV")
def mlp_gzipped(case: Case) -> Callable[[], Any]:
    return predict_files(case, "MLP", ".csv.gz")


@work("GNN, file to file")
def gnn_file(case: Case) -> Callable[[], Any]:
    return predict_files(case, "GNN")


@work("MLP, in memory")
def mlp_memory(case: Case) -> Callable[[], Any]:
    return predict_in_memory(case, "MLP")


@work("GNN, in memory")
def gnn_memory(case: Case) -> Callable[[], Any]:
    return predict_in_memory(case, "GNN")


def variants() -> list[Variant]:
    return [
        Variant(
            f"{name}, {n:,}, {processes} process{'es' * (processes > 1)}",
            {"data_set": "hiv", "work": name, "n": n, "processes": processes},
            quick=False,
            rounds=1 if n > 10_000 or name == "descriptors" else 3,
        )
        for name in works
        for n in SIZES
        for processes in (1, 2)
        if n <= LARGEST.get(name, n)
    ]


subject = Subject(
    title="From a thousand molecules to a million",
    unit=RATE,
    variants=variants(),
    warm_up=False,  # each does that with a few molecules
    fresh=True,
    about=(
        "Molecules of hiv.csv with their atoms in random order, no text twice. One process has one "
        "thread; of two, each predicts half of the molecules from a file of its own, or they share "
        "the featurising and the network has two threads. Processes that exist already: starting "
        "them and their imports take seconds more. The memory is that of all processes."
    ),
)


@subject.contender()
def ours(case: Case) -> Callable[[], Any]:
    return works[case.work](case)
