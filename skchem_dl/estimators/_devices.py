"""Where networks run, and in which numbers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

PRECISIONS = ("float32", "bfloat16")


def resolve_device(device: str) -> str:
    """Choose a GPU where there is one and the user leaves it to us.

    Parameters
    ----------
    device : str
        "auto", or a torch device.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If torch knows no such device, it is not there, or it is neither a CPU nor CUDA.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f'device={device!r} does not work here. Use "auto" or "cpu". torch says: {reason}'
        ) from error
    if torch.device(device).type not in ("cpu", "cuda"):
        raise ValueError(
            f'device={device!r} does not work here. Use "auto" or "cpu": random numbers of other '
            "devices cannot be kept apart from yours."
        )
    return device


def check_precision(precision: str, device: str) -> None:
    """Refuse a precision that the device does not have.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
    device : str
        Where the network will run.

    Raises
    ------
    ValueError
        If it is a GPU without bfloat16.
    """
    if precision == "bfloat16" and torch.device(device).type == "cuda":
        with torch.cuda.device(device):
            if not torch.cuda.is_bf16_supported(including_emulation=False):
                raise ValueError(
                    f"precision='bfloat16', but {torch.cuda.get_device_name(device)} has no such "
                    "numbers. Use precision='float32'."
                )


def autocast(device: str, precision: str) -> AbstractContextManager:
    """Let matrix products and convolutions run in lower precision; the weights stay float32.

    Parameters
    ----------
    device : str
    precision : {"float32", "bfloat16"}

    Returns
    -------
    context manager
        For this thread only: torch's global settings stay as they are.
    """
    kind = torch.device(device).type
    if precision == "float32" and not torch.is_autocast_enabled(kind):
        return nullcontext()  # for one molecule, torch's is a tenth of its prediction
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def deterministic_convolutions(device: str) -> Iterator[None]:
    """Keep cuDNN, while a network is trained on a GPU, from algorithms that differ in their bits.

    Parameters
    ----------
    device : str
    """
    if torch.device(device).type != "cuda":
        yield
        return
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
