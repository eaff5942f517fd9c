"""Messages on directed bonds."""

from torch import Tensor

from skchem_dl.graphs import GraphSchema
from skchem_dl.nn._convs._base import GraphConv, register_conv
from skchem_dl.nn._layers import CodeEmbedding, RowsLinear
from skchem_dl.nn._plan import Ending, Plan
from skchem_dl.nn._selection import Exchange


@register_conv("dmpnn")
class DMPNN(GraphConv):
    """Directed message passing of Yang et al., the architecture of chemprop.

    Messages live on directed bonds, so that none runs straight back to where it came from.

    References
    ----------
    .. [1] Yang, K. et al. Analyzing Learned Molecular Representations for Property Prediction.
       J. Chem. Inf. Model. 2019, 59, 3370-3388. https://doi.org/10.1021/acs.jcim.9b00237
    """

    on_bonds = True
    counts_start = True  # as in the paper, where a depth of 3 means two exchanges

    def _build(self, schema: GraphSchema, dim: int, n_steps: int, n_heads: int) -> None:
        # chemprop's W_i, which acts on [atom, bond], in two halves, and its W_o on [atom, message].
        self.atoms_in = CodeEmbedding(schema.atom_sizes, dim)
        self.bonds_in = CodeEmbedding(schema.bond_sizes, dim)
        self.hidden = RowsLinear(dim, dim, bias=False)  # shared by all steps
        self.atoms_out = CodeEmbedding(schema.atom_sizes, dim)
        self.messages_out = RowsLinear(dim, dim)

    def start(self, plan: Plan) -> Tensor:
        """Embed each bond with the atom it leaves, ``(n, h)``."""
        return self.atoms_in(plan.atom_codes) + self.bonds_in(plan.bond_codes)

    def step(self, layer: int, exchange: Exchange, state: Tensor, first: Tensor) -> Tensor:
        """Pass messages on, but not back, ``(n_before, h) -> (n, h)``."""
        # A sum's linear map is the sum of linear maps, of fewer rows.
        heard = self.kernels.sum_neighbours(exchange, self.hidden(state))
        # The first state before its activation, as in chemprop's code; the paper writes it after.
        return heard.add_(self.kernels.take(first, exchange.origin))

    def finish(self, ending: Ending, state: Tensor) -> Tensor:
        """Give each distinct atom what arrives at it."""
        assert ending.messages is not None  # states of bonds always have a way to the atoms
        arriving = self.kernels.sum_neighbours(ending.messages, state)
        return self.activation(self.atoms_out(ending.atom_codes) + self.messages_out(arriving))
