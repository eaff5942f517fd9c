"""A convolutional network on token codes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from skchem_dl.nn._kernels import reduce_runs
from skchem_dl.nn._layers import BatchNorm, OutputLayer, check_option, make_activation, make_mlp

POOLINGS = ("max", "mean")
_PADDING, _UNKNOWN = 0, 1


class CNN(nn.Module):
    """Convolutions of several widths over embedded tokens, pooled over the whole text.

    Parameters
    ----------
    n_tokens : int
        Number of codes, padding (0) and unknown (1) among them; a higher code is unknown.
    out_dim : int
        Width of the rows that come out.
    embedding_dim : int, default=64
        Width of a token's vector.
    n_filters : int, default=64
        Filters of each width.
    kernel_sizes : sequence of int, default=(3, 5, 7)
        Widths of the parallel convolutions, in tokens.
    n_layers : int, default=1
        Convolutions on top of each other, in each of the parallel branches.
    pooling : {"max", "mean"}, default="max"
        Over the tokens; padding is left out, and a row of nothing else gives zeros.
    head_dims : sequence of int, default=(256,)
        Hidden layers between pooling and output.
    activation : str, default="relu"
        Name in `skchem_dl.nn.ACTIVATIONS`.
    dropout : float, default=0.0
        Share of units left out after pooling and each hidden layer.
    batch_norm : bool, default=False
        Normalise after each convolution and hidden layer.

    Attributes
    ----------
    embedding_dim : int
        Width of what `embed` gives: ``n_filters * len(kernel_sizes)``.

    Raises
    ------
    ValueError
        If there is no such pooling or activation.

    See Also
    --------
    skchem_dl.SmilesCNNRegressor, skchem_dl.SmilesCNNClassifier : Train one.

    References
    ----------
    .. [1] Kim, Y. Convolutional Neural Networks for Sentence Classification. EMNLP 2014,
       1746-1751. https://doi.org/10.3115/v1/D14-1181

    Examples
    --------
    >>> import torch
    >>> from skchem_dl.nn import CNN
    >>> CNN(30, 1)(torch.tensor([[5, 6, 7, 0], [5, 5, 0, 0]])).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        n_tokens: int,
        out_dim: int,
        *,
        embedding_dim: int = 64,
        n_filters: int = 64,
        kernel_sizes: Sequence[int] = (3, 5, 7),
        n_layers: int = 1,
        pooling: str = "max",
        head_dims: Sequence[int] = (256,),
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, embedding_dim, padding_idx=_PADDING)
        self.branches = nn.ModuleList(
            nn.ModuleList(
                _ConvBlock(
                    n_filters if layer else embedding_dim, n_filters, size, activation, batch_norm
                )
                for layer in range(n_layers)
            )
            for size in kernel_sizes
        )
        # As far as a filter reaches; never 0, or nothing is left of rows that are all padding.
        self.gap = max(1, max(kernel_sizes) // 2)
        self.pooling = check_option("pooling", pooling, POOLINGS)
        dims = [n_filters * len(kernel_sizes), *head_dims]
        self.dropout = nn.Dropout(dropout)
        self.embedding_dim = dims[0]
        self.head = nn.Sequential(
            make_mlp(dims, activation, dropout, batch_norm), OutputLayer(dims[-1], out_dim)
        )

    def embed(self, codes: Tensor) -> Tensor:
        """Give the pooled filters.

        Parameters
        ----------
        codes : Tensor (n, L), int
            Tokens, padded with 0.

        Returns
        -------
        Tensor (n, embedding_dim)
            What goes into the head.
        """
        packed = _pack(codes, self.gap)
        known = packed.codes < self.embedding.num_embeddings
        tokens = self.embedding(packed.codes.where(known, _UNKNOWN))
        return torch.cat([self._branch(blocks, tokens, packed) for blocks in self.branches], dim=1)

    def forward(self, codes: Tensor) -> Tensor:
        """Predict.

        Parameters
        ----------
        codes : Tensor (n, L), int
            Tokens, padded with 0.

        Returns
        -------
        Tensor (n, out_dim)
            Logits, or targets in the units that the loss has.
        """
        return self.head(self.dropout(self.embed(codes)))

    def _branch(self, blocks: nn.Module, values: Tensor, packed: "_Packed") -> Tensor:
        """Convolve and pool, ``(T, embedding_dim) -> (n, n_filters)``."""
        tokens = values
        for layer, block in enumerate(blocks):  # type: ignore[arg-type,var-annotated]
            if layer:
                # The gaps are zeros in every layer, so that no row's result depends on others.
                empty = tokens.new_zeros(len(packed.codes), tokens.shape[1])
                values = empty.index_copy(0, packed.places, tokens)
            tokens = block(values, packed.places)
        return reduce_runs(tokens, packed.offsets, self.pooling)


class _Packed(NamedTuple):
    """Rows of tokens written one behind the other, T places in all.

    A batch's rows differ in length: as a rectangle two thirds of it would be padding, and
    convolved with the rest.
    """

    codes: Tensor  # (T,): the N tokens, and a gap of padding between rows
    places: Tensor  # (N,): where the tokens are
    offsets: Tensor  # (n + 1,): row i has the tokens offsets[i]:offsets[i + 1]


def _pack(codes: Tensor, gap: int) -> _Packed:
    """Drop the padding of ``(n, L)`` codes, but for `gap` places between rows."""
    row, column = (codes != _PADDING).nonzero(as_tuple=True)
    lengths = torch.bincount(row, minlength=len(codes))
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    places = torch.arange(len(row), device=row.device) + gap * row
    packed = codes.new_full((_round_up(len(row) + gap * len(codes)),), _PADDING)
    return _Packed(packed.index_copy(0, places, codes[row, column]), places, offsets)


def _round_up(n: int) -> int:
    """Give a number of places, larger by 15 or a sixteenth at most, that other batches have too.

    Torch prepares a convolution anew for each length that it has not met lately, which takes longer
    than the convolution itself.
    """
    step = max(16, 1 << max(0, n.bit_length() - 5))
    return -(-n // step) * step


class _ConvBlock(nn.Module):
    """Convolution, normalisation over real tokens, activation."""

    def __init__(
        self, width_in: int, width_out: int, size: int, activation: str, batch_norm: bool
    ) -> None:
        super().__init__()
        # Not padding="same": of that torch warns where the size is even.
        self.conv = nn.Conv1d(width_in, width_out, size, padding=size // 2)
        self.norm = BatchNorm(width_out) if batch_norm else None
        self.activation = make_activation(activation)

    def forward(self, values: Tensor, places: Tensor) -> Tensor:
        """Convolve ``(T, h)`` and give what is at the N places of tokens, ``(N, k)``."""
        tokens = _convolve(self.conv, values).index_select(0, places)
        if self.norm is not None:
            tokens = self.norm(tokens)
        return self.activation(tokens)


def _convolve(conv: nn.Conv1d, values: Tensor) -> Tensor:
    """Apply a convolution to places in rows, ``(T, h) -> (T, k)``.

    As an image one place high, whose channels lie side by side in memory, they are convolved
    where they are; `conv` itself would have them transposed, there and back.
    """
    image = values[None, None].permute(0, 3, 1, 2)  # (1, h, 1, T)
    padding = (0, int(conv.padding[0]))
    convolved = nn.functional.conv2d(image, conv.weight[:, :, None], conv.bias, padding=padding)
    # A filter of even size gives one place too many, in front.
    return convolved.permute(0, 2, 3, 1)[0, 0, -len(values) :]
