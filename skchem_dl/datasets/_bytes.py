"""From a file to its characters: compression and encoding."""

import codecs
import gzip
import zlib
from pathlib import Path

from skchem_dl._readers.lines import describe_nul

# Longer marks first: that of UTF-16 is the beginning of that of UTF-32.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"  # also the beginning of an Excel workbook


def read_unpacked(path: Path) -> bytes:
    """Read a file, and unpack it if it is compressed with gzip, whatever its name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the compressed data are damaged or incomplete.
    """
    data = path.read_bytes()
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path} is compressed with gzip, but damaged or cut short: {error}. Copy or download "
            "it again."
        ) from error


def decode(data: bytes, encoding: str | None, path: Path) -> tuple[str, str]:
    """Turn bytes into characters, and name the encoding.

    Without an `encoding` it is that of the byte order mark; else UTF-16 if every other byte is
    zero; else UTF-8 if the bytes are that; else Windows-1252, which contains what is printable
    of Latin-1.

    Parameters
    ----------
    data : bytes
    encoding : str or None
    path : Path
        For the messages.

    Returns
    -------
    text, encoding : str, str

    Raises
    ------
    ValueError
        If the bytes are no text in that encoding.
    """
    if data.startswith(_ZIP):
        raise ValueError(
            f"{path} is an Excel workbook or another zip archive, not a text file. Save the sheet "
            'as "CSV UTF-8", or unpack it.'
        )
    encodings = [encoding] if encoding else _candidates(data)
    problems = []
    for name in encodings:
        try:
            text = data.decode(name)
        except LookupError as error:
            raise ValueError(
                f"Python knows no encoding={name!r}. Try 'utf-8', 'utf-16', 'cp1252' or 'latin-1', "
                "or leave it out."
            ) from error
        except UnicodeDecodeError as error:
            problems.append(f"{name}: {error.reason} at byte {error.start}")
            continue
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            if not problems:
                raise ValueError(describe_nul(path, line))
            problems.append(f"{name}: a zero byte in line {line}")
            continue
        return text.removeprefix("\ufeff"), name
    raise ValueError(
        f"{path} is no text in the encoding {' or '.join(encodings)} ({'; '.join(problems)}). "
        "Name its encoding with encoding=, or leave that out; what is not text at all (Parquet, "
        "pickles, ...) is for pandas to read."
    )


def _candidates(data: bytes) -> list[str]:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return [encoding]
    head = data[:4_096]
    # In UTF-16, the high byte of nearly every Western character is zero, and no low byte is.
    zeros_first, zeros_last = head[::2].count(0), head[1::2].count(0)
    if 4 * max(zeros_first, zeros_last) > len(head) and min(zeros_first, zeros_last) == 0:
        return ["utf-16-le" if zeros_last else "utf-16-be"]
    return ["utf-8", "cp1252", "latin-1"]
