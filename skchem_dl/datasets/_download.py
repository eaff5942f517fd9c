"""Files of data sets: in the data folder, or downloaded into it."""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from skchem_dl.datasets._bytes import read_unpacked

# DeepChem's public bucket, from where MoleculeNet is distributed.
BASE_URL = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/"
FOLDER_VARIABLE = "SKCHEM_DL_DATA"


class RemoteFile(NamedTuple):
    """A file that can be downloaded, and how it is called here."""

    filename: str  # in the data folder
    remote: str  # below BASE_URL; a file of this name in the data folder will do as well
    # Of the unpacked file: first the one that is downloaded, then copies with the same values.
    sha256: tuple[str, ...]
    caller: str  # the public function, for the messages


def data_folder(data_home: str | os.PathLike[str] | None) -> Path:
    """Return the folder of data: the argument, ``SKCHEM_DL_DATA`` or ``~/skchem_dl_data``."""
    home = data_home or os.environ.get(FOLDER_VARIABLE) or Path("~", "skchem_dl_data")
    return Path(home).expanduser()


def find_or_download(
    file: RemoteFile, data_home: str | os.PathLike[str] | None, download_if_missing: bool
) -> Path:
    """Return the path of a file whose content is what it should be.

    Parameters
    ----------
    file : RemoteFile
    data_home : str, path-like or None
    download_if_missing : bool

    Returns
    -------
    Path

    Raises
    ------
    OSError
        If the file is not there and is not or cannot be downloaded, or if its content is not
        what it should be.
    ImportError
        If the file must be downloaded and pooch is missing.
    """
    folder = data_folder(data_home)
    path = _find(file, folder)
    if path is not None:
        return path
    if not download_if_missing:
        raise FileNotFoundError(
            f"{file.caller} found no {' or '.join(_names(file))} in {folder}, and "
            f"download_if_missing=False. {_other_ways(file)}"
        )
    return _download(file, folder)


def _names(file: RemoteFile) -> list[str]:
    return list(dict.fromkeys((file.filename, file.remote)))


def _other_ways(file: RemoteFile) -> str:
    return (
        f"Without a connection, put the file there as {' or '.join(_names(file))}, or name the "
        f"folder that has it with data_home= or the environment variable {FOLDER_VARIABLE}."
    )


def _find(file: RemoteFile, folder: Path) -> Path | None:
    for name in _names(file):
        path = folder / name
        if path.is_file():
            _check_content(file, path)
            return path
    return None


def _check_content(file: RemoteFile, path: Path) -> None:
    try:
        found = hashlib.sha256(read_unpacked(path)).hexdigest()
    except ValueError as error:
        found = str(error)
    if found not in file.sha256:
        raise OSError(
            f"{path} is not the file that {file.caller} knows: its SHA-256 is {found}, expected "
            f"{' or '.join(file.sha256)}. Perhaps it was changed, or cut short. Rename it or move "
            f"it away, and {file.caller} downloads the file again; to read it nevertheless, use "
            "load_csv."
        )


def _download(file: RemoteFile, folder: Path) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"{file.caller} needs pooch to download its file, which the extra `datasets` brings: "
            f"pip install 'skchem_dl[datasets]'. {_other_ways(file)}"
        ) from error
    url = BASE_URL + file.remote
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A second process waits here, and then finds the file.
        with FileLock(folder / f".{file.filename}.lock"), _quiet(pooch.get_logger()):
            path = pooch.retrieve(
                url,
                known_hash=file.sha256[0],
                fname=file.filename,
                path=folder,
                downloader=_download_unpacked,
            )
    except (OSError, ValueError) as error:  # requests' errors are OSErrors, pooch's ValueErrors
        raise OSError(
            f"{file.caller} could not download {url} to {folder}: {error}\n{_other_ways(file)}"
        ) from error
    return Path(path)


def _download_unpacked(url: str, output_file: str, pooch: Any) -> None:
    """Download to pooch's temporary file, and unpack that in its place."""
    from pooch import HTTPDownloader

    # A stream that fails would leave its connection open; these files fit into memory.
    HTTPDownloader(stream=False)(url, output_file, pooch)
    Path(output_file).write_bytes(read_unpacked(Path(output_file)))


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep a logger from writing; a filter of its own leaves other threads' settings alone."""

    def refuse(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(refuse)
    try:
        yield
    finally:
        logger.removeFilter(refuse)
