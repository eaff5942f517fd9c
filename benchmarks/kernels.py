"""Time the message-passing primitives of both back ends, forward and backward, in turn.

    python benchmarks/kernels.py

Prints milliseconds (medians of interleaved runs) on batches of real molecules and the ratio DGL to
torch: above 1, torch is the faster. `backend="auto"` follows from this table.
"""

import statistics
import time

import torch

from skchem_dl import MolGraphizer
from skchem_dl.datasets import load_nci
from skchem_dl.nn import GraphBatch
from skchem_dl.nn._kernels import DGLKernels, TorchKernels
from skchem_dl.nn._plan import Plan

N_RUNS = 30


def main():
    smiles = load_nci(return_X_y=True)[0]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print("molecules width primitive                DGL ms  torch ms  ratio")
    for n_molecules in (64, 256):
        batch = GraphBatch.from_graphs(MolGraphizer().fit_transform(smiles[:n_molecules]))
        exchange = Plan(batch, 1, on_bonds=False, n_distinct=0).exchanges[0]
        n_atoms = len(batch.atom_codes)
        for width in (64, 300):
            for name, about, n_rows, arguments in (
                ("sum_messages", exchange, len(exchange.source), ()),
                ("sum_neighbours", exchange, n_atoms, ()),
                ("at_source", exchange, n_atoms, ()),
                ("reduce_molecules", batch, n_atoms, ("sum",)),
                ("reduce_molecules", batch, n_atoms, ("mean",)),
                ("reduce_molecules", batch, n_atoms, ("max",)),
            ):
                values = torch.randn(n_rows, width, requires_grad=True)
                dgl, plain = compare(name, about, values, arguments)
                label = " ".join((name, *arguments))
                print(
                    f"{n_molecules:9d} {width:5d} {label:22s} {dgl:8.3f} {plain:9.3f} "
                    f"{dgl / plain:6.2f}"
                )


def compare(name, about, values, arguments):
    """Give the median milliseconds of a primitive on DGL and on torch."""
    times = {DGLKernels: [], TorchKernels: []}
    for _ in range(N_RUNS + 3):
        for kernels, found in times.items():
            start = time.perf_counter()
            result = getattr(kernels(), name)(about, values, *arguments)
            torch.autograd.grad(result, values, torch.ones_like(result))
            found.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(found[3:]) for found in times.values()]


if __name__ == "__main__":
    main()
