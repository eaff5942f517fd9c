"""Parquet files, read and written a few rows at a time."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from skchem_dl._rows import is_missing
from skchem_dl.screening._formats import Format, find_smiles_column
from skchem_dl.screening._predictor import Predictions

# What is gathered before it becomes one row group: readers want large ones, memory small ones.
_GROUP_ROWS = 131_072
_GROUP_BYTES = 32 * 2**20
_READ_BYTES = 2**20


class ArrowChunk:
    """Some rows of a Parquet file.

    Parameters
    ----------
    table : pyarrow.Table
    smiles_at : int
        Position of the SMILES among its columns.
    """

    def __init__(self, table: Any, smiles_at: int) -> None:
        self._table = table
        self.smiles = table.column(smiles_at).to_pylist()
        self.reasons: dict[int, str] = {}

    def cells(self) -> list[list[str]]:
        """Return the rows as text; a missing value is an empty one."""
        names = self._table.column_names
        columns = [
            _as_strings(name, column).to_pylist()
            for name, column in zip(names, self._table.columns, strict=True)
        ]
        return [
            ["" if cell is None else cell for cell in row] for row in zip(*columns, strict=True)
        ]

    def table(self) -> Any:
        """Return the rows as they are."""
        return self._table


class ParquetSource:
    """A Parquet file.

    Parameters
    ----------
    path : Path
    smiles_column : str or None

    Attributes
    ----------
    names : list of str
        Its columns.
    schema : pyarrow.Schema
    """

    form = Format("parquet")

    def __init__(self, path: Path, smiles_column: str | None) -> None:
        pa, self._parquet = import_pyarrow()
        self._path = path
        try:
            with self._opened() as file:
                self.schema, self._n_rows = file.schema_arrow, file.metadata.num_rows
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path} is damaged, or not Parquet: {error}") from error
        self.names = self.schema.names
        self._smiles_at = find_smiles_column(self.names, smiles_column, path)
        kind = self.schema.field(self._smiles_at).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not any(is_kind(kind) for is_kind in _kinds_of_text(pa)):
            raise ValueError(
                f"{path}: the column {self.names[self._smiles_at]!r} holds {kind}; expected "
                "strings (SMILES)."
            )

    def count_rows(self) -> int:
        """Return the number of rows.

        Returns
        -------
        int
        """
        return self._n_rows

    def chunks(self, start: int, size: int) -> Iterator[ArrowChunk]:
        """Yield the rows from `start` on, `size` at a time.

        Parameters
        ----------
        start : int
        size : int

        Yields
        ------
        ArrowChunk
        """
        import pyarrow as pa

        with self._opened() as file:
            held = self.schema.empty_table()
            # A batch ends where a row group does, so it may have to be joined with the next.
            for batch in file.iter_batches(batch_size=size):
                skipped = min(start, len(batch))
                start -= skipped
                held = pa.concat_tables([held, pa.Table.from_batches([batch[skipped:]])])
                while len(held) >= size:
                    yield ArrowChunk(held[:size], self._smiles_at)
                    held = held[size:]
            if len(held):
                yield ArrowChunk(held, self._smiles_at)

    def _opened(self) -> Any:
        # Without a buffer, the columns of a whole row group would be read at once.
        return self._parquet.ParquetFile(self._path, buffer_size=_READ_BYTES)


class ParquetSink:
    """Rows as Arrow streams, which can be joined, and as one Parquet file at the end.

    Parameters
    ----------
    source : Source
        What the rows come from.
    columns : list of tuple of str and numpy dtype
        Names and types of the predictions.
    reason_column : str
    """

    def __init__(
        self, source: Any, columns: list[tuple[str, np.dtype]], reason_column: str
    ) -> None:
        self._pa, self._parquet = import_pyarrow()
        if len(set(source.names)) < len(source.names):
            twice = sorted({name for name in source.names if source.names.count(name) > 1})
            raise ValueError(f"Parquet cannot hold two columns of one name, here {twice}.")
        self._source, self._columns, self._reason_column = source, columns, reason_column

    def start(self) -> bytes:
        """Return nothing."""
        return b""

    def encode(self, chunk: Any, predictions: Predictions) -> bytes:
        """Return rows.

        Parameters
        ----------
        chunk : Chunk
        predictions : Predictions

        Returns
        -------
        bytes
        """
        pa = self._pa
        rows = chunk.table()
        columns = [*rows.columns, *self._arrays(predictions)]
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, self._schema) as writer:
            writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        return stream.getvalue().to_pybytes()

    def finish(self, pieces: Path) -> Path:
        """Make a Parquet file of the joined streams, beside them.

        Parameters
        ----------
        pieces : Path

        Returns
        -------
        Path
        """
        whole = pieces.with_name(f"{pieces.name}.parquet")
        with self._parquet.ParquetWriter(whole, self._schema) as writer:
            for table in self._groups(pieces):
                writer.write_table(table)
        return whole

    @cached_property
    def _schema(self) -> Any:
        pa = self._pa
        own = getattr(self._source, "schema", None)
        if own is None:
            own = pa.schema([(name, pa.string()) for name in self._source.names])
        for name, dtype in self._columns:
            own = own.append(pa.field(name, _arrow_type(pa, dtype)))
        return own.append(pa.field(self._reason_column, pa.string()))

    def _arrays(self, predictions: Predictions) -> Iterator[Any]:
        for (name, dtype), values in zip(self._columns, predictions.values, strict=True):
            column = [None] * len(predictions.valid)
            cells = values.tolist() if dtype.kind in "fiub" else [str(v) for v in values.tolist()]
            rows = predictions.valid.nonzero()[0]
            for row, cell, missing in zip(rows, cells, is_missing(values), strict=True):
                column[row] = None if missing else cell
            yield self._pa.array(column, self._schema.field(name).type)
        yield self._pa.array([reason or None for reason in predictions.reasons], self._pa.string())

    def _groups(self, pieces: Path) -> Iterator[Any]:
        """Yield tables of a good size for a row group."""
        pa = self._pa
        held: list[Any] = []
        n_rows = n_bytes = 0
        with pa.OSFile(str(pieces)) as file:
            while file.tell() < file.size():
                table = pa.ipc.open_stream(file).read_all()
                held.append(table)
                n_rows, n_bytes = n_rows + len(table), n_bytes + table.nbytes
                if n_rows >= _GROUP_ROWS or n_bytes >= _GROUP_BYTES:
                    yield pa.concat_tables(held)
                    held, n_rows, n_bytes = [], 0, 0
            if held:
                yield pa.concat_tables(held)


def _kinds_of_text(pa: ModuleType) -> list[Callable[[Any], bool]]:
    names = ("is_string", "is_large_string", "is_string_view")  # the last since pyarrow 16
    return [getattr(pa.types, name) for name in names if hasattr(pa.types, name)]


def import_pyarrow() -> tuple[ModuleType, ModuleType]:
    """Import pyarrow, or say how to get it.

    Returns
    -------
    pyarrow, pyarrow.parquet
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files need the extra 'scale': pip install 'skchem_dl[scale]'."
        ) from error
    return pyarrow, parquet


def _as_strings(name: str, column: Any) -> Any:
    import pyarrow as pa

    try:
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise ValueError(
            f"The column {name!r} holds {column.type}, which cannot be written as text ({error}); "
            "write .parquet instead."
        ) from error


def _arrow_type(pa: ModuleType, dtype: np.dtype) -> Any:
    if dtype.kind in "iu":
        return pa.int64()
    return {"f": pa.float64(), "b": pa.bool_()}.get(dtype.kind, pa.string())
