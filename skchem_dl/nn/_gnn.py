"""A graph neural network on molecules."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._convs import CONVS
from skchem_dl.nn._kernels import REDUCTIONS, make_kernels
from skchem_dl.nn._layers import ACTIVATIONS, BatchNorm, check_option, make_mlp

SKIPS = ("none", "residual", "gated")
READOUTS = REDUCTIONS


class GNN(nn.Module):
    """Convolutions over atoms or bonds, a readout over each molecule, a head.

    Parameters
    ----------
    schema : GraphSchema
        Fields and categories of the graphs.
    out_dim : int
        Width of the rows that come out.
    n_molecule_features : int, default=0
        Width d of `GraphBatch.molecule_features`, joined to the readout before the head.
    conv : str, default="dmpnn"
        Name in `skchem_dl.nn.CONVS`.
    hidden_dim : int, default=300
        Width h of the states.
    n_layers : int, default=3
        Convolutions; for "dmpnn", the depth that includes the first bond states.
    batch_norm : bool, default=False
        Normalise each state before its activation.
    skip : {"none", "residual", "gated"}, default="none"
        Add the state before each step to the one after it, or let a learnt gate mix them.
    readout : {"mean", "sum", "max"}, default="mean"
        Over a molecule's atoms.
    head_dims : sequence of int, default=(300,)
        Hidden layers between readout and output.
    activation : str, default="relu"
        Name in `skchem_dl.nn.ACTIVATIONS`.
    dropout : float, default=0.0
        Share of units left out after each step and hidden layer.
    backend : {"auto", "dgl", "torch"}, default="auto"
        What passes the messages; results are equal.

    Examples
    --------
    >>> from skchem_dl import MolGraphizer
    >>> from skchem_dl.nn import GNN, GraphBatch
    >>> graphs = MolGraphizer().fit_transform(["CCO", "C"])
    >>> GNN(graphs.schema, 1)(GraphBatch.from_graphs(graphs)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        schema: GraphSchema,
        out_dim: int,
        *,
        n_molecule_features: int = 0,
        conv: str = "dmpnn",
        hidden_dim: int = 300,
        n_layers: int = 3,
        batch_norm: bool = False,
        skip: str = "none",
        readout: str = "mean",
        head_dims: Sequence[int] = (300,),
        activation: str = "relu",
        dropout: float = 0.0,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.kernels = make_kernels(backend)
        conv_class = CONVS[check_option("conv", conv, CONVS)]
        n_steps = n_layers - conv_class.counts_start
        self.conv = conv_class(schema, hidden_dim, n_steps, activation, self.kernels)
        self.activation = ACTIVATIONS[activation]()
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList(BatchNorm(hidden_dim) for _ in range(n_steps * batch_norm))
        self.skip = check_option("skip", skip, SKIPS)
        self.gates = nn.ModuleList(
            nn.Linear(2 * hidden_dim, hidden_dim) for _ in range(n_steps * (skip == "gated"))
        )
        self.n_steps = n_steps
        self.readout = check_option("readout", readout, READOUTS)
        dims = [hidden_dim + n_molecule_features, *head_dims]
        self.embedding_dim = dims[0]
        self.head = nn.Sequential(make_mlp(dims, activation, dropout), nn.Linear(dims[-1], out_dim))

    def atom_states(self, batch: GraphBatch) -> Tensor:
        """Give each atom's vector after the last convolution, ``(A, h)``."""
        first = self.conv.start(batch)
        state = self.activation(first)
        for layer in range(self.n_steps):
            new = self.conv.step(layer, batch, state, first)
            if self.norms:
                new = self.norms[layer](new)
            new = self.dropout(self.activation(new))
            state = self._skip(layer, state, new)
        return self.conv.finish(batch, state)

    def embed(self, batch: GraphBatch) -> Tensor:
        """Give each molecule's vector, ``(M, h + d)``."""
        atoms = self.dropout(self.atom_states(batch))
        molecules = self.kernels.reduce_molecules(batch, atoms, self.readout)
        if batch.molecule_features is None:
            return molecules
        return torch.cat([molecules, batch.molecule_features], dim=1)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Predict, ``(M, out_dim)``."""
        return self.head(self.embed(batch))

    def _skip(self, layer: int, old: Tensor, new: Tensor) -> Tensor:
        if self.skip == "residual":
            return old + new
        if self.skip == "gated":
            gate = torch.sigmoid(self.gates[layer](torch.cat([old, new], dim=1)))
            return old + gate * (new - old)
        return new
