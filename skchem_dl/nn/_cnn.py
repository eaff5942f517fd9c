"""A convolutional network on token codes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from skchem_dl.nn._kernels import reduce_runs
from skchem_dl.nn._layers import ACTIVATIONS, BatchNorm, OutputLayer, check_option, make_mlp

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
    activation, dropout, batch_norm
        As in `MLP`.

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
        self.gap = max(kernel_sizes) // 2  # as far as a filter reaches
        self.pooling = check_option("pooling", pooling, POOLINGS)
        dims = [n_filters * len(kernel_sizes), *head_dims]
        self.dropout = nn.Dropout(dropout)
        self.embedding_dim = dims[0]
        self.head = nn.Sequential(
            make_mlp(dims, activation, dropout, batch_norm), OutputLayer(dims[-1], out_dim)
        )

    def embed(self, codes: Tensor) -> Tensor:
        """Give the pooled filters, ``(n, L) -> (n, n_filters * len(kernel_sizes))``."""
        packed = _pack(codes, self.gap)
        known = packed.codes < self.embedding.num_embeddings
        tokens = self.embedding(packed.codes.where(known, _UNKNOWN)).T.unsqueeze(0)
        return torch.cat([self._branch(blocks, tokens, packed) for blocks in self.branches], dim=1)

    def forward(self, codes: Tensor) -> Tensor:
        """Predict, ``(n, L) -> (n, out_dim)``."""
        return self.head(self.dropout(self.embed(codes)))

    def _branch(self, blocks: nn.Module, tokens: Tensor, packed: "_Packed") -> Tensor:
        values = tokens
        is_token = (packed.codes != _PADDING)[None, None]
        for block in blocks:  # type: ignore[attr-defined]  # a ModuleList
            # Padding is zeroed after every layer, so a row's result does not depend on its
            # neighbours.
            values = block(values, is_token)
        tokens = values.squeeze(0).T.index_select(0, packed.places)  # (N, n_filters)
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
    packed = codes.new_full((len(row) + gap * len(codes),), _PADDING)
    return _Packed(packed.index_copy(0, places, codes[row, column]), places, offsets)


class _ConvBlock(nn.Module):
    """Convolution, normalisation over real tokens, activation."""

    def __init__(
        self, width_in: int, width_out: int, size: int, activation: str, batch_norm: bool
    ) -> None:
        super().__init__()
        # Not padding="same": of that torch warns where the size is even.
        self.conv = nn.Conv1d(width_in, width_out, size, padding=size // 2)
        self.norm = BatchNorm(width_out) if batch_norm else None
        self.activation = ACTIVATIONS[activation]()

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        values = self.conv(values)[:, :, -values.shape[2] :]
        if self.norm is not None:
            values = self._normalise(values, mask.squeeze(1))
        return self.activation(values).masked_fill(~mask, 0.0)

    def _normalise(self, values: Tensor, mask: Tensor) -> Tensor:
        by_token = values.transpose(1, 2)  # (n, L, h)
        normalised = torch.zeros_like(by_token)
        normalised[mask] = self.norm(by_token[mask])  # type: ignore[misc]  # not None here
        return normalised.transpose(1, 2)
