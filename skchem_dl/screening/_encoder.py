"""Text as bytes of a file that is written in pieces."""

import gzip


class Encoder:
    """Encode pieces of text, of which the joined bytes are the file.

    Parameters
    ----------
    encoding : str
    gzipped : bool
    """

    def __init__(self, encoding: str, *, gzipped: bool) -> None:
        self._encoding, self._gzipped = encoding, gzipped
        self._byte_order_mark = "".encode(encoding)  # of those encodings that begin with one

    def start(self, text: str) -> bytes:
        """Return the first piece."""
        return self._pack(text.encode(self._encoding))

    def encode(self, text: str) -> bytes:
        """Return another piece."""
        return self._pack(text.encode(self._encoding)[len(self._byte_order_mark) :])

    def _pack(self, content: bytes) -> bytes:
        # Members of a gzip file may follow each other; without a time, the bytes depend on nothing
        # but the rows.
        return gzip.compress(content, mtime=0) if self._gzipped else content
