"""Messages on directed bonds."""

from torch import Tensor

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._batch import GraphBatch
from skchem_dl.nn._convs._base import GraphConv, register_conv
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear


@register_conv("dmpnn")
class DMPNN(GraphConv):
    """Directed message passing of Yang et al., the architecture of chemprop.

    Messages live on directed bonds, so that none runs straight back to where it came from.

    References
    ----------
    .. [1] Yang, K. et al. Analyzing Learned Molecular Representations for Property Prediction.
       J. Chem. Inf. Model. 2019, 59, 3370-3388. https://doi.org/10.1021/acs.jcim.9b00237
    """

    counts_start = True  # as in the paper, where a depth of 3 means two exchanges

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        # chemprop's W_i acts on [atom, bond] of each directed bond; split in two, its larger half
        # runs over the atoms, half as many.
        self.atoms_in = CodeEmbedding(schema.atom_sizes, dim)
        self.bonds_in = CodeEmbedding(schema.bond_sizes, dim)
        self.hidden = RowsLinear(dim, dim, bias=False)  # shared by all steps
        self.atoms_out = CodeEmbedding(schema.atom_sizes, dim)
        self.messages_out = RowsLinear(dim, dim)

    def start(self, batch: GraphBatch) -> Tensor:
        """Embed each bond with the atom it leaves, ``(E, h)``."""
        atoms = self.kernels.at_source(batch, self.atoms_in(batch.atom_codes))
        bonds = self.bonds_in(batch.bond_codes)
        return (_both_ways(atoms) + bonds).flatten(0, 1)

    def step(self, layer: int, batch: GraphBatch, state: Tensor, first: Tensor) -> Tensor:
        """Pass messages on, but not back, ``(E, h) -> (E, h)``."""
        others = self.kernels.sum_others(batch, state)
        # The first state before its activation, as in chemprop's code; the paper writes it after.
        return self.hidden(others).add_(first)

    def finish(self, batch: GraphBatch, state: Tensor) -> Tensor:
        """Give each atom what arrives at it, ``(E, h) -> (A, h)``."""
        arriving = self.kernels.sum_edges(batch, state)
        return self.activation(self.atoms_out(batch.atom_codes) + self.messages_out(arriving))

    def to_atoms(self, batch: GraphBatch, state: Tensor) -> Tensor:
        """Sum what arrives, ``(E, h) -> (A, h)``."""
        return self.kernels.sum_edges(batch, state)

    def from_atoms(self, batch: GraphBatch, atoms: Tensor) -> Tensor:
        """Give each edge the value of the atom it leaves, ``(A, h) -> (E, h)``."""
        return self.kernels.at_source(batch, atoms)


def _both_ways(edges: Tensor) -> Tensor:
    """View edges as (2, B, h): each bond there, and back."""
    return edges.view(2, len(edges) // 2, edges.shape[1])
