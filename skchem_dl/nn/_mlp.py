"""A multi-layer perceptron."""

from collections.abc import Sequence

from torch import Tensor, nn

from skchem_dl.nn._layers import OutputLayer, make_mlp
from skchem_dl.nn._sparse import InputLayer, OnlyLayer, SparseRows, as_matrix


class MLP(nn.Module):
    """Linear layers with activations between; without hidden layers, a linear model.

    Parameters
    ----------
    in_dim, out_dim : int
        Width d of the rows that go in, and of those that come out.
    hidden_dims : sequence of int, default=(512, 128)
        Width of each hidden layer.
    activation : str, default="relu"
        Name in `skchem_dl.nn.ACTIVATIONS`.
    dropout : float, default=0.0
        Share of hidden units left out in each training step.
    batch_norm : bool, default=False
        Normalise each hidden layer before its activation.

    Attributes
    ----------
    embedding_dim : int
        Width h of the last hidden layer; without any, d.

    Raises
    ------
    ValueError
        If there is no such activation.

    See Also
    --------
    skchem_dl.FingerprintMLPRegressor, skchem_dl.FingerprintMLPClassifier : Train one.

    Examples
    --------
    >>> import torch
    >>> from skchem_dl.nn import MLP
    >>> MLP(8, 1)(torch.zeros(3, 8)).shape
    torch.Size([3, 1])
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        hidden_dims: Sequence[int] = (512, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        dims = [in_dim, *hidden_dims]
        self.body = make_mlp(dims, activation, dropout, batch_norm, InputLayer)
        self.embedding_dim = dims[-1]
        last_layer = OutputLayer if hidden_dims else OnlyLayer
        self.head = last_layer(dims[-1], out_dim)

    def embed(self, rows: Tensor | SparseRows) -> Tensor:
        """Give the last hidden layer.

        Parameters
        ----------
        rows : Tensor (n, d) or SparseRows
            What goes in.

        Returns
        -------
        Tensor (n, h)
            What goes into the last linear map.
        """
        return as_matrix(self.body(rows))

    def forward(self, rows: Tensor | SparseRows) -> Tensor:
        """Predict.

        Parameters
        ----------
        rows : Tensor (n, d) or SparseRows
            What goes in.

        Returns
        -------
        Tensor (n, out_dim)
            Logits, or targets in the units that the loss has.
        """
        return self.head(self.body(rows))
