"""A graph neural network on molecules."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._convs import CONVS, GraphConv
from skchem_dl.nn._kernels import make_kernels
from skchem_dl.nn._layers import (
    BatchNorm,
    CodeEmbedding,
    OutputLayer,
    check_option,
    make_activation,
    make_mlp,
)
from skchem_dl.nn._plan import Ending, Plan
from skchem_dl.nn._readouts import READOUTS
from skchem_dl.nn._selection import Exchange

SKIPS = ("none", "residual", "gated")
JUMPING_KNOWLEDGE = ("last", "concat", "max")


class GNN(nn.Module):
    """Convolutions over atoms or bonds, a readout over each molecule, a head.

    Parameters
    ----------
    schema : GraphSchema
        Fields and categories of the graphs.
    out_dim : int
        Width of the rows that come out.
    n_molecule_features : int, default=0
        Width d of ``GraphBatch.molecule_features``, joined to the readout before the head.
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
    n_heads : int, default=1
        Attentions side by side, for the convolutions that attend.
    average_heads : bool, default=False
        Let the readout see the mean of the heads, ``h / n_heads`` wide, for "gat" and "gatv2".
    virtual_node : bool, default=False
        Let each molecule have a node that all its atoms hear and speak to before each step [1]_.
    jumping_knowledge : {"last", "concat", "max"}, default="last"
        Which layers the readout sees: the last, all side by side, or the highest of each unit [2]_.
    readout : str, default="mean"
        Over a molecule's atoms; name in `skchem_dl.nn.READOUTS`.
    readout_dim : int, default=None
        Width of a linear layer behind the readout; None has none.
    head_dims : sequence of int, default=(300,)
        Hidden layers between readout and output.
    activation : str, default="relu"
        Name in `skchem_dl.nn.ACTIVATIONS`.
    dropout : float, default=0.0
        Share of units left out after each step and hidden layer.
    freeze_embedding : bool, default=False
        Leave the vectors of atom and bond codes as they are drawn at random.
    backend : {"auto", "dgl", "torch"}, default="auto"
        What passes the messages; results are equal.

    Attributes
    ----------
    embedding_dim : int
        Width of what `embed` gives.

    Raises
    ------
    ValueError
        If there is no such convolution, activation, readout, skip, jumping knowledge or backend.
    ImportError
        If DGL is asked for and not installed.

    See Also
    --------
    skchem_dl.MolGNNRegressor, skchem_dl.MolGNNClassifier : Train one.
    GraphConv, Readout : What it is made of.

    References
    ----------
    .. [1] Gilmer, J. et al. Neural Message Passing for Quantum Chemistry. ICML 2017.
       https://doi.org/10.48550/arXiv.1704.01212
    .. [2] Xu, K. et al. Representation Learning on Graphs with Jumping Knowledge Networks. ICML
       2018. https://doi.org/10.48550/arXiv.1806.03536

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
        n_heads: int = 1,
        average_heads: bool = False,
        virtual_node: bool = False,
        jumping_knowledge: str = "last",
        readout: str = "mean",
        readout_dim: int | None = None,
        head_dims: Sequence[int] = (300,),
        activation: str = "relu",
        dropout: float = 0.0,
        freeze_embedding: bool = False,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.kernels = make_kernels(backend)
        conv_class = CONVS[check_option("conv", conv, CONVS)]
        n_steps = n_layers - conv_class.counts_start
        self.conv = conv_class(schema, hidden_dim, n_steps, activation, self.kernels, n_heads)
        self.activation = make_activation(activation)
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList(BatchNorm(hidden_dim) for _ in range(n_steps * batch_norm))
        self.skip = check_option("skip", skip, SKIPS)
        self.gates = nn.ModuleList(
            nn.Linear(2 * hidden_dim, hidden_dim) for _ in range(n_steps * (skip == "gated"))
        )
        self.exchanges = nn.ModuleList(
            make_mlp([hidden_dim, hidden_dim], activation, dropout)
            for _ in range(n_steps * virtual_node)
        )
        self.n_steps = n_steps
        # The states of the last step have lost their share of units already.
        self.drops_end = n_steps == 0 or conv_class.finish is not GraphConv.finish
        self.jumping_knowledge = check_option(
            "jumping_knowledge", jumping_knowledge, JUMPING_KNOWLEDGE
        )
        n_seen = 1 + n_steps if jumping_knowledge == "concat" else 1
        self.n_averaged = n_heads if average_heads and conv_class.has_heads else 1
        make_readout = READOUTS[check_option("readout", readout, READOUTS)]
        self.readout = make_readout(n_seen * hidden_dim // self.n_averaged, self.kernels)
        width = self.readout.out_dim
        self.projection = nn.Identity() if readout_dim is None else nn.Linear(width, readout_dim)
        dims = [(readout_dim or width) + n_molecule_features, *head_dims]
        self.embedding_dim = dims[0]
        self.head = nn.Sequential(
            make_mlp(dims, activation, dropout), OutputLayer(dims[-1], out_dim)
        )
        if freeze_embedding:
            for module in self.modules():
                if isinstance(module, CodeEmbedding):
                    module.weight.requires_grad_(False)

    def atom_states(self, batch: GraphBatch) -> Tensor:
        """Give each atom's vector after the last convolution.

        Parameters
        ----------
        batch : GraphBatch
            M molecules with A atoms.

        Returns
        -------
        Tensor (A, h)
            With ``jumping_knowledge="concat"`` it is ``(A, h (1 + steps))``; the mean of k heads is
            k times as narrow.
        """
        plan = self._plan(batch)
        first = self.conv.start(plan)
        state = first if self.conv.activates else self.activation(first)
        states, heard = [state], None
        for layer, exchange in enumerate(plan.exchanges[self.conv.n_start_exchanges :]):
            if self.exchanges:
                state, heard = self._exchange(layer, plan, state, heard)
            new = self.conv.step(layer, exchange, state, first)
            new = self._activate(layer, exchange, new)
            state = new if self.skip == "none" else self._skip(layer, exchange, state, new)
            states.append(state)
        return self._jump(plan, states)

    def embed(self, batch: GraphBatch) -> Tensor:
        """Give each molecule's vector.

        Parameters
        ----------
        batch : GraphBatch
            M molecules.

        Returns
        -------
        Tensor (M, embedding_dim)
            What goes into the head.
        """
        atoms = self.atom_states(batch)
        return self.read_out(batch, self.dropout(atoms) if self.drops_end else atoms)

    def read_out(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Give each molecule's vector from its atoms'.

        Parameters
        ----------
        batch : GraphBatch
            Nothing is read but how many atoms each molecule has, and its features.
        atoms : Tensor (A, h)
            From `atom_states`.

        Returns
        -------
        Tensor (M, embedding_dim)
            What goes into the head.
        """
        molecules = self.projection(self.readout(batch, atoms))
        if batch.molecule_features is None:
            return molecules
        return torch.cat([molecules, batch.molecule_features], dim=1)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Predict.

        Parameters
        ----------
        batch : GraphBatch
            M molecules.

        Returns
        -------
        Tensor (M, out_dim)
            Logits, or targets in the units that the loss has.
        """
        return self.head(self.embed(batch))

    def load_pretrained(self, weights: Mapping[str, np.ndarray]) -> None:
        """Start from weights of a network that may have another head.

        Parameters
        ----------
        weights : dict of str to ndarray of any shape
            By name, as in `state_dict`: all but those of (some layers of) the head.

        Raises
        ------
        ValueError
            If they are weights of a network with another architecture.
        """
        own = self.state_dict()
        body = {name for name in own if not name.startswith("head.")}
        wrong = [
            name
            for name in sorted(body | set(weights))
            if name not in own or name not in weights or own[name].shape != weights[name].shape
        ]
        if wrong:
            raise ValueError(
                f"The pretrained weights do not fit the network: {', '.join(wrong)}. Its "
                "architecture must be that of the weights."
            )
        with torch.no_grad():
            for name, values in weights.items():
                own[name].copy_(torch.from_numpy(np.asarray(values, dtype=np.float32)))

    def _plan(self, batch: GraphBatch) -> Plan:
        """Find out which rows the states have."""
        n_distinct = None
        if self.exchanges:  # equal environments in different molecules hear different nodes
            n_distinct = 0
        elif self.training and self.dropout.p > 0:  # and lose different units
            n_distinct = 1 + self.conv.n_start_exchanges
        return Plan(
            batch,
            self.conv.n_start_exchanges + self.n_steps,
            on_bonds=self.conv.on_bonds,
            hears_bonds=self.conv.hears_bonds,
            n_distinct=n_distinct,
        )

    def _activate(self, layer: int, exchange: Exchange, state: Tensor) -> Tensor:
        if self.norms:
            state = self.norms[layer](state, exchange.counts, exchange.total)
        return self.dropout(state if self.conv.activates else self.activation(state))

    def _skip(self, layer: int, exchange: Exchange, old: Tensor, new: Tensor) -> Tensor:
        old = self.conv.before(exchange, old)
        if self.skip == "residual":
            return old + new
        gate = torch.sigmoid(self.gates[layer](torch.cat([old, new], dim=1)))
        return old + gate * (new - old)

    def _exchange(
        self, layer: int, plan: Plan, state: Tensor, heard: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Let each molecule's own node hear all atoms, and all atoms hear it."""
        ending = plan.ending(layer)
        atoms = state
        if ending.messages is not None:
            atoms = self.kernels.sum_neighbours(ending.messages, state)
        # The mean, where the literature has the sum: the states' scale is then that of the atoms'.
        said = self.kernels.reduce_molecules(plan.batch, atoms, "mean")
        heard = self.exchanges[layer](said if heard is None else said + heard)
        return state + self.kernels.take(heard, plan.molecules()), heard

    def _jump(self, plan: Plan, states: list[Tensor]) -> Tensor:
        first = self.conv.n_start_exchanges
        if self.jumping_knowledge == "last":
            return self._finish(plan.ending(first + self.n_steps), states[-1])
        endings = [plan.ending(first + number) for number in range(len(states))]
        atoms = [self._finish(*pair) for pair in zip(endings, states, strict=True)]
        if self.jumping_knowledge == "concat":
            return torch.cat(atoms, dim=1)
        return torch.stack(atoms).amax(dim=0)

    def _finish(self, ending: Ending, state: Tensor) -> Tensor:
        """Give each atom's vector, ``(A, h)``."""
        finished = self.conv.finish(ending, state)
        if self.n_averaged > 1:
            finished = finished.unflatten(1, (self.n_averaged, -1)).mean(dim=1)
        return self.kernels.take(finished, ending.atoms)
