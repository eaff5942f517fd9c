"""Which kind of file a path names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from skchem_dl._readers.columns import called_smiles, missing_header_hint
from skchem_dl._readers.delimited import SEPARATORS
from skchem_dl.screening._predictor import Predictions

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_SMI = (".smi", ".smiles")
_SDF = (".sdf", ".sd")
_PARQUET = (".parquet", ".pq")


class Format(NamedTuple):
    """Kind of a file: "csv" (with any delimiter), "smi", "sdf" or "parquet"."""

    kind: str
    delimiter: str = ""
    gzipped: bool = False


class Chunk(Protocol):
    """Some rows of a file.

    Attributes
    ----------
    smiles : list of str or None
        The molecules.
    reasons : dict of int to str
        Why rows have no SMILES, where it is not their SMILES that tells.
    """

    smiles: list[Any]
    reasons: dict[int, str]

    def cells(self) -> list[list[str]]:
        """Return the rows as text, for CSV."""

    def table(self) -> Any:
        """Return the rows as a `pyarrow.Table`, for Parquet."""


class Source(Protocol):
    """A file that is read from front to back, as often as wanted.

    Attributes
    ----------
    form : Format
    names : list of str
        Its columns.
    """

    form: Format
    names: list[str]

    def count_rows(self) -> int:
        """Read it all, and raise a ValueError that names the lines that are wrong."""

    def chunks(self, start: int, size: int) -> Any:
        """Yield Chunks of `size` rows (the last may have fewer) from row `start` on."""


class Sink(Protocol):
    """Rows with their predictions as bytes, of which the pieces joined are the file."""

    def start(self) -> bytes:
        """Return what comes before the first row."""

    def encode(self, chunk: Any, predictions: Predictions) -> bytes:
        """Return some rows."""

    def finish(self, pieces: Path) -> Path:
        """Return the file that is made of the file of joined pieces; that one itself may do."""


def format_of(path: Path, delimiter: str | None = None) -> Format:
    """Tell the format by the end of the name.

    Parameters
    ----------
    path : Path
    delimiter : str, optional
        Of ``.csv`` files; a comma by default.

    Returns
    -------
    Format

    Raises
    ------
    ValueError
        If the name ends in nothing that is known.
    """
    name = path.name.lower()
    gzipped = name.endswith(".gz")
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix == ".csv" and delimiter is not None:
        return Format("csv", delimiter, gzipped)
    if suffix in _DELIMITERS:
        return Format("csv", _DELIMITERS[suffix], gzipped)
    if suffix in _SMI:
        return Format("smi", "\t", gzipped)
    if suffix in _SDF:
        return Format("sdf", "", gzipped)
    if suffix in _PARQUET and not gzipped:
        return Format("parquet")
    raise ValueError(
        f"The name {path.name!r} does not say what kind of file it is; expected it to end in "
        f"{', '.join([*_DELIMITERS, *_SMI, *_SDF])} (any of them also with .gz), "
        f"{' or '.join(_PARQUET)}."
    )


def output_format(path: Path, delimiter: str | None, path_in: Path, form_in: Format) -> Format:
    """Return the format to write: that of the input where both names have the same ending.

    A file whose delimiter is not the one that its name tells is written as it was read.
    """
    form = format_of(path, delimiter)
    same_ending = form._replace(gzipped=False) == format_of(path_in, delimiter)._replace(
        gzipped=False
    )
    return form_in._replace(gzipped=form.gzipped) if same_ending else form


def find_smiles_column(names: Sequence[str], smiles_column: str | None, path: Path) -> int:
    """Return the position of the column that holds the molecules.

    Parameters
    ----------
    names : sequence of str
        The file's columns.
    smiles_column : str or None
        Its name; None takes the only column, or the one that is called so.
    path : Path
        For the message.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is not exactly one.
    """
    if smiles_column is None:
        called = called_smiles(names)
        found = [0] if len(names) == 1 else [i for i, name in enumerate(names) if name in called]
    else:
        found = [i for i, name in enumerate(names) if name == smiles_column]
    if len(found) == 1:
        return found[0]
    shown = list(names[:10])
    message = (
        f"{path} has {len(names)} column(s), {shown}{' and more' if len(names) > 10 else ''}; "
    )
    if smiles_column is None:
        message += "say which one holds the SMILES with smiles_column=."
    else:
        message += f"smiles_column={smiles_column!r} must name exactly one of them."
    if len(names) == 1 and any(mark in names[0] for mark in SEPARATORS):
        message += " If they are separated by something else, say so with delimiter=."
    raise ValueError(message + missing_header_hint(names))
