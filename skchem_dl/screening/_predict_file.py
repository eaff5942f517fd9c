"""Predicting a file of molecules, chunk by chunk."""

import hashlib
import os
import time
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.utils._param_validation import Interval, validate_params
from tqdm.auto import tqdm

from skchem_dl._warnings import warn_caller
from skchem_dl.exceptions import shorten
from skchem_dl.persistence import load
from skchem_dl.screening._formats import Format, Sink, Source, format_of, output_format
from skchem_dl.screening._parquet import ParquetSink, ParquetSource
from skchem_dl.screening._partial import PartialFile, open_partial, refuse_existing
from skchem_dl.screening._predictor import Predictor
from skchem_dl.screening._sample import refuse_other_model, sample_of
from skchem_dl.screening._sdf_sink import SDFSink
from skchem_dl.screening._sdf_source import SDFSource
from skchem_dl.screening._text_sink import TextSink
from skchem_dl.screening._text_source import TextSource

_N_JUDGED = 1_000  # rows; if none of them has a prediction, the file is not what it seems


class ScreeningSummary(NamedTuple):
    """What `predict_file` did.

    Attributes
    ----------
    path : Path
        The file that was written.
    n_rows : int
        Its rows.
    n_invalid : int
        How many of them have no prediction (or only some), but a reason. If it is `n_rows`, there
        was a warning.
    n_resumed : int
        How many were there already, from a run that was interrupted.
    seconds : float
        How long this call took.
    columns : tuple of str
        The columns that were added.

    See Also
    --------
    predict_file : Gives one.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skchem_dl.pipelines import make_mean_pipeline
    >>> from skchem_dl.screening import predict_file
    >>> model = make_mean_pipeline().fit(["CCO", "CCC"], [1.0, 2.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "in.smi").write_text("CCCO propanol")
    ...     predict_file(model, f"{folder}/in.smi", f"{folder}/out.csv").columns
    ('prediction', 'invalid_reason')
    """

    path: Path
    n_rows: int
    n_invalid: int
    n_resumed: int
    seconds: float
    columns: tuple[str, ...]


@validate_params(
    {
        "pipeline": "no_validation",
        "path_in": [str, os.PathLike],
        "path_out": [str, os.PathLike],
        "smiles_column": [str, None],
        "chunk_size": [Interval(Integral, 1, None, closed="left")],
        "prediction_column": [str, list, tuple],
        "reason_column": [str],
        "return_std": ["boolean"],
        "delimiter": [str, None],
        "encoding": [str],
        "resume": ["boolean"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def predict_file(
    pipeline: Any,
    path_in: str | os.PathLike,
    path_out: str | os.PathLike,
    *,
    smiles_column: str | None = None,
    chunk_size: int = 5_000,
    prediction_column: str | Sequence[str] = "prediction",
    reason_column: str = "invalid_reason",
    return_std: bool = False,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    resume: bool = True,
    verbose: int | bool = 0,
) -> ScreeningSummary:
    r"""Predict all molecules of a file, which may be larger than memory.

    The rows are read, predicted and written `chunk_size` at a time. They keep their order and all
    their columns; to these are added:

    - for a regressor ``prediction``, and with ``return_std=True`` ``prediction_std``;
    - for a classifier ``prediction``, the class, and ``prediction_probability_<class>`` for each
      class;
    - for several tasks the same for ``prediction_0``, ``prediction_1``, ..., or what
      `prediction_column` names; for yes-no labels, ``prediction_0_probability`` is that of yes;
    - ``invalid_reason``, empty where there is a prediction. A row that is no molecule stays, its
      predictions empty and RDKit's reason here, whatever the `on_invalid` of the pipeline.

    The kind of both files is told by their names: ``.csv``, ``.tsv``, ``.smi`` (SMILES, then after
    a space or tab a name), ``.sdf``, each also with ``.gz``, and ``.parquet`` (with the extra
    ``scale``). From CSV to CSV and from SDF to SDF, the text of a row or record is copied
    unchanged, and the predictions are added. From CSV to Parquet, every column stays text, so that
    no identifier loses its zeros. Only the SMILES are given to the pipeline, not the other columns.

    The molecule of a record of an SD file is the canonical SMILES of its mol block, with the
    stereochemistry that RDKit perceives when it reads it. In other formats, its columns are
    ``name`` (the record's first line), ``smiles`` and one for each data field of the file
    (``mol_name`` and ``mol_smiles`` if fields have those names). A row of another format becomes a
    record with 2D coordinates, or without atoms if it is invalid, titled by the column ``name`` if
    there is one, with a data field for each cell that is not empty. An SD file has a data field
    ``invalid_reason`` only where there is a reason.

    Until it is whole, the output is called ``<path_out>.part``. Whatever interrupts the run, the
    same call goes on after the last chunk that was finished; with the same `chunk_size`, the file
    is then the same to the last byte as without interruption. The input must not have changed (its
    SHA-256 is compared), and neither must the pipeline: the last of the finished chunks is
    predicted once more, and must come out the same.

    Parameters
    ----------
    pipeline : estimator or path
        A fitted pipeline that takes SMILES, or where one was saved with `skchem_dl.save`. Where it
        begins with one of our featurisers, each molecule is parsed once, otherwise once more than
        the pipeline does.
    path_in : path
        CSV with a header, SMI with or without (a first line with "smiles" in its first word is
        one), SDF, or Parquet.
    path_out : path
        Must not exist.
    smiles_column : str, default=None
        The column of SMILES; None takes the only column, or the one that is called so: "smiles",
        "Canonical SMILES", ... In SMI it is the first; an SD file has none.
    chunk_size : int, default=5_000
        Rows that are in memory at a time. Featurisers with `n_jobs` share each chunk among their
        workers.
    prediction_column : str or sequence of str, default="prediction"
        Name of the prediction, or names of the tasks' predictions; the names of the other columns
        follow from it. A file can be predicted again and again with different ones.
    reason_column : str, default="invalid_reason"
        Name of the column of reasons.
    return_std : bool, default=False
        Also write the standard deviation between the members of an ensemble.
    delimiter : str, default=None
        Separates the fields of ``.csv`` files. None takes what a first line such as ``sep=;``
        names (Excel writes it), otherwise the one of comma, semicolon, tab and ``|`` that shows
        the column of SMILES and cuts all rows alike. An output whose name has the same ending as
        the input's is written with the same delimiter.
    encoding : str, default="utf-8"
        Of text files, read and written. A byte order mark is understood, and kept.
    resume : bool, default=True
        Go on with what an interrupted run has left. False throws that away.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    ScreeningSummary
        Path, numbers of rows and of invalid ones, and seconds.

    Raises
    ------
    FileExistsError
        If `path_out` exists.
    ValueError
        If a row of the input has too few or too many fields (all such lines are found before
        anything is predicted), if the header is itself a molecule, if a name that would be added
        is a column already, if the SMILES column is not clear, or if an interrupted run is there
        that is not the same.
    ImportError
        If a file is Parquet and pyarrow is missing.

    Warns
    -----
    UserWarning
        If none of the rows, or of the first thousand, has a prediction.

    See Also
    --------
    skchem_dl.save : Writes a pipeline to the file that `pipeline` may be.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pipelines import make_linear_pipeline
    >>> from skchem_dl.screening import predict_file
    >>> X, y = load_solubility(subset="test", return_X_y=True)
    >>> model = make_linear_pipeline().fit(X, y)
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "library.csv").write_text("id,SMILES\n007,CCO\n008,C(\n")
    >>> summary = predict_file(model, folder / "library.csv", folder / "predicted.csv")
    >>> summary.n_rows, summary.n_invalid
    (2, 1)
    >>> print((folder / "predicted.csv").read_text())  # doctest: +ELLIPSIS
    id,SMILES,prediction,invalid_reason
    007,CCO,...,
    008,C(,,syntax error around position 2
    <BLANKLINE>
    """
    began = time.perf_counter()
    path_in, path_out = Path(path_in), Path(path_out)
    refuse_existing(path_out)
    form_in, _ = (format_of(path, delimiter) for path in (path_in, path_out))
    stamp = _stamp(path_in)
    source = _open_source(path_in, form_in, delimiter, encoding, smiles_column)
    form_out = output_format(path_out, delimiter, path_in, source.form)
    if isinstance(pipeline, str | os.PathLike):
        pipeline = load(pipeline)
    predictor = Predictor(pipeline, prediction_column, return_std=return_std)
    columns = (*(name for name, _ in predictor.columns), reason_column)
    _refuse_clashes(columns, source.names, path_in)
    sink = _make_sink(form_out, encoding, source, predictor, reason_column)
    n_rows = source.count_rows()
    identity = {
        "SHA-256 of the input": _digest(path_in),
        "smiles_column": smiles_column,
        "columns": list(columns),
        "delimiter": delimiter,
        "encoding": encoding,
    }
    with open_partial(path_out, identity, resume=resume) as partial:
        n_resumed = partial.progress.n_rows
        if n_resumed:
            refuse_other_model(partial.progress.sample, source, predictor)
        _write(source, predictor, sink, partial, chunk_size, n_rows, verbose)
        if partial.progress.n_rows != n_rows or _stamp(path_in) != stamp:
            raise ValueError(f"{path_in} was changed while it was read.")
        partial.close()
        partial.take_name(sink.finish(partial.path))
        n_invalid = partial.progress.n_invalid
    seconds = time.perf_counter() - began
    return ScreeningSummary(path_out, n_rows, n_invalid, n_resumed, seconds, columns)


def _open_source(
    path: Path, form: Format, delimiter: str | None, encoding: str, smiles_column: str | None
) -> Source:
    if form.kind == "parquet":
        return ParquetSource(path, smiles_column)
    if form.kind == "sdf":
        if smiles_column is not None:
            raise ValueError(
                f"{smiles_column=}, but in an SD file the molecules are the mol blocks; leave it "
                "out."
            )
        return SDFSource(path, form, encoding)
    return TextSource(path, form, encoding, smiles_column, guess_delimiter=delimiter is None)


def _make_sink(
    form: Format, encoding: str, source: Source, predictor: Predictor, reason_column: str
) -> Sink:
    if form.kind == "parquet":
        return ParquetSink(source, predictor.columns, reason_column)
    columns = [*(name for name, _ in predictor.columns), reason_column]
    return (SDFSink if form.kind == "sdf" else TextSink)(form, encoding, source, columns)


def _write(
    source: Source,
    predictor: Predictor,
    sink: Sink,
    partial: PartialFile,
    chunk_size: int,
    n_rows: int,
    verbose: int | bool,
) -> None:
    """Write the rows that are not there yet."""
    begin = partial.progress.n_rows
    if not partial.progress.n_bytes:
        partial.append(sink.start(), 0, 0, {})
    warned = False
    with tqdm(total=n_rows, initial=begin, unit="row", disable=verbose <= 0) as bar:
        for chunk in source.chunks(begin, chunk_size):
            begin, n_chunk = partial.progress.n_rows, len(chunk.smiles)
            try:
                predictions = predictor.predict(chunk.smiles)
                for row, reason in chunk.reasons.items():
                    predictions.reasons[row] = reason
            except Exception as error:
                error.add_note(
                    f"This was in rows {begin + 1} to {begin + n_chunk} of the file. Row numbers "
                    "above count within these, from 0; those of the model within the valid ones."
                )
                raise
            partial.append(
                sink.encode(chunk, predictions),
                n_chunk,
                sum(map(bool, predictions.reasons)),
                sample_of(begin, predictions),
            )
            bar.update(n_chunk)
            done = partial.progress.n_rows
            if not warned and done == partial.progress.n_invalid and done >= min(_N_JUDGED, n_rows):
                warned = True
                warn_caller(
                    f"None of the first {done} of {n_rows} rows has a prediction; row {begin + 1} "
                    f"is {shorten(repr(chunk.smiles[0]))}: {predictions.reasons[0]}. Check the "
                    "molecules, and for tables smiles_column= and delimiter=."
                )


def _refuse_clashes(columns: Sequence[str], names: Sequence[str], path: Path) -> None:
    clashes = [name for name in columns if name in names]
    if clashes:
        raise ValueError(
            f"{path} has column(s) {clashes} already; choose other names with prediction_column= "
            "and reason_column=."
        )
    if len(set(columns)) < len(columns):
        raise ValueError(f"The columns to add would be {list(columns)}; each name must differ.")


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
