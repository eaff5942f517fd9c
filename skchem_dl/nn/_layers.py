"""Small layers that the networks share."""

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from skchem_dl.nn._selection import Codes

_ROUND_NUMBER = 512
_N_DRAWS = 2**16

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that takes a training batch of a single row.

    One row has no variance; where torch would raise, the running statistics are used.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, rows: Tensor, counts: Tensor | None = None, total: int = 0) -> Tensor:
        """Normalise ``(n, h)``; each row stands for `counts` equal ones, ``(n,)``, of `total`."""
        if self.training and (len(rows) if counts is None else total) < 2:
            return nn.functional.batch_norm(
                rows, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        if self.training and counts is not None:
            return self._normalise_counted(rows, counts, total)
        return super().forward(rows)

    def _normalise_counted(self, rows: Tensor, counts: Tensor, total: int) -> Tensor:
        """Normalise as if each row were there as often as it counts."""
        rows = rows.to(self.weight.dtype)  # under autocast too, as torch's own does
        shares = (counts.to(rows.dtype) / total)[:, None]
        with torch.no_grad():
            mean = (shares * rows).sum(0)
            variance = (shares * (rows - mean).square()).sum(0)
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (total / (total - 1)), self.momentum)
        return _Normalise.apply(rows, shares, mean, variance, self.weight, self.bias, self.eps)


class _Normalise(torch.autograd.Function):
    """Normalise rows by their mean and variance, in few passes over memory."""

    @staticmethod
    def forward(ctx, rows, shares, mean, variance, weight, bias, eps):
        scale = (variance + eps).rsqrt()
        standard = (rows - mean).mul_(scale)
        ctx.save_for_backward(standard, shares, scale, weight)
        return torch.addcmul(bias, standard, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        standard, shares, scale, weight = ctx.saved_tensors
        of_bias = grad.sum(0)
        of_weight = (grad * standard).sum(0)
        # Mean and variance depend on each row by its share of all rows.
        through = torch.addcmul(of_bias, standard, of_weight).mul_(shares)
        of_rows = (grad - through).mul_(scale * weight)
        return of_rows, None, None, None, of_weight, of_bias, None


class CodeEmbedding(nn.Module):
    """Sum of one learnt vector for each field's category: a linear map of the one-hot codes.

    Parameters
    ----------
    sizes : sequence of int
        Number of categories of each field.
    dim : int
        Width h of the vectors.
    """

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], dim: int) -> None:
        super().__init__()
        starts = [0, *torch.tensor(sizes).cumsum(0).tolist()]
        self.register_buffer("offsets", torch.tensor(starts[:-1]), persistent=False)
        self.weight = nn.Parameter(torch.empty(starts[-1], dim))
        # One category of each field is hot, so the fan-in is the number of fields.
        nn.init.normal_(self.weight, std=len(sizes) ** -0.5)

    def forward(self, codes: Codes) -> Tensor:
        """Embed codes, ``(n, fields) -> (n, h)``."""
        values, scale = codes.values, codes.scale
        # A product with the one-hot matrix: its gradient is a product too, where an embedding
        # bag would scatter.
        hot = torch.zeros(
            len(values), len(self.weight), dtype=self.weight.dtype, device=values.device
        )
        hot = hot.scatter_(1, values + self.offsets, 1.0)
        embedded = (pad_rows(hot) @ self.weight)[: len(values)]
        return embedded if scale is None else embedded * scale[:, None]


def is_autocast_enabled(rows: Tensor) -> bool:
    """Whether products of these rows run in bfloat16."""
    device = rows.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def pad_rows(rows: Tensor) -> Tensor:
    """Add rows of zeros up to a round number, where products run in bfloat16 on a CPU.

    There the library of products builds its code anew for every number of rows that it has not met,
    which takes longer than the product, and no two batches of graphs have the same number.
    """
    if rows.device.type != "cpu" or not is_autocast_enabled(rows):
        return rows
    return nn.functional.pad(rows, (0, 0, 0, -len(rows) % _ROUND_NUMBER))


class RowsLinear(nn.Linear):
    """A linear layer for as many rows as a batch of graphs happens to have."""

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``(n, h) -> (n, k)``."""
        padded = pad_rows(rows)
        mapped = super().forward(padded)
        return mapped if padded is rows else mapped[: len(rows)]

    def map(self, rows: Tensor) -> Tensor:
        """Map ``(n, h) -> (n, k)`` without the bias."""
        return (pad_rows(rows) @ self.weight.T)[: len(rows)]


class OutputLayer(nn.Linear):
    """The last layer, in float32 also where the others run in bfloat16.

    Three digits would make equal predictions of unequal molecules.
    """

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``(n, h) -> (n, out_dim)``."""
        return in_float32(super().forward, rows)


def in_float32(layer: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """Apply a layer in float32 also where the others run in bfloat16."""
    if not is_autocast_enabled(rows):
        return layer(rows)
    with torch.autocast(rows.device.type, enabled=False):
        return layer(rows.float())


def check_option(name: str, value: str, options: Collection[str]) -> str:
    """Give `value` back if it is one of `options`; otherwise raise a ValueError that lists them."""
    if value not in options:
        raise ValueError(f"{name}={value!r}; expected one of {sorted(options)}.")
    return value


def halves(linear: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Split the matrix of a linear map of ``[a, b]``, so that each half can be applied alone.

    Parameters
    ----------
    linear : nn.Linear
        ``(n, 2 h) -> (n, k)``.

    Returns
    -------
    of_a, of_b : Tensor (h, k)
    bias : Tensor (k,)
        ``linear([a, b])`` is ``a @ of_a + b @ of_b + bias``.
    """
    of_a, of_b = linear.weight.T.chunk(2)
    return of_a, of_b, linear.bias


class Dropout(nn.Dropout):
    """`nn.Dropout` with random numbers that take a quarter of the time on a CPU."""

    def forward(self, rows: Tensor) -> Tensor:
        """Leave out units, any shape."""
        # Of 2^16 equally likely numbers, those below a limit leave a unit out.
        limit = round(self.p * _N_DRAWS)
        if not self.training or rows.device.type != "cpu" or not 0 < limit < _N_DRAWS:
            return super().forward(rows)
        # All 64 bits are drawn, for four units.
        drawn = torch.empty(-(-rows.numel() // 4), dtype=torch.int64, device="cpu")
        drawn.random_(-(2**63), None)
        numbers = drawn.view(torch.int16)[: rows.numel()].view(rows.shape)
        kept = (numbers >= limit - _N_DRAWS // 2).to(rows.dtype)
        return rows * kept.mul_(_N_DRAWS / (_N_DRAWS - limit))


def make_activation(name: str) -> nn.Module:
    """Make one of `ACTIVATIONS`."""
    return ACTIVATIONS[check_option("activation", name, ACTIVATIONS)]()


def make_mlp(
    dims: Sequence[int],
    activation: str,
    dropout: float,
    batch_norm: bool = False,
    first_layer: type[nn.Module] = nn.Linear,
) -> nn.Sequential:
    """Stack linear layers, each followed by normalisation, activation and dropout.

    Parameters
    ----------
    dims : sequence of int
        Widths, from the input's on.
    activation : str
        Name in `ACTIVATIONS`.
    dropout : float
        Share of units left out after each layer.
    batch_norm : bool, default=False
        Normalise before the activation.
    first_layer : class, default=nn.Linear

    Returns
    -------
    nn.Sequential
        Maps ``(n, dims[0]) -> (n, dims[-1])``; the identity where `dims` has one entry.
    """
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(dims):
        layer: Any = nn.Linear if layers else first_layer
        layers.append(layer(width_in, width_out))
        if batch_norm:
            layers.append(BatchNorm(width_out))
        layers.append(make_activation(activation))
        if isinstance(layers[-1], nn.ReLU):
            layers[-1].inplace = True  # of the other activations torch keeps the input
        if dropout:
            layers.append(Dropout(dropout))
    return nn.Sequential(*layers)
