"""Keeps whitespace-only lines in little memory until it is known whether text follows.

Only white space is kept, so its place needs no protection. `datalab.ingest.split` decides which lines are blank.
"""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

_IN_MEMORY = 1 << 20
_PIECE = 1 << 20
_FASTEST = 1


class BlankLines:
    """A run of blank lines: empty ones are dropped, as they never count; the rest is compressed, on disk if long.

    Args:
        directory: where a long run is kept, in a file without a name; None: the system's temporary directory.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._clear()

    def _clear(self) -> None:
        self._file: BinaryIO = io.BytesIO()
        self._compressor = zlib.compressobj(_FASTEST)
        self._size = self._whole = 0

    def close(self) -> None:
        """Free the file, if there is one."""
        self._file.close()

    @property
    def ends_line(self) -> bool:
        """Whether the last line is complete: an LF ends it."""
        return self._whole == self._size

    def add(self, text: bytes) -> None:
        """Append `text`, the continuation of what was added before."""
        if self.ends_line:
            text = _without_empty_lines(text)
        else:
            begin = text.find(b"\n") + 1
            text = text[:begin] + _without_empty_lines(text[begin:]) if begin else text
        if not text:
            return
        self._file.write(self._compressor.compress(text))
        self._whole = self._size + text.rfind(b"\n") + 1 if b"\n" in text else self._whole
        self._size += len(text)
        if isinstance(self._file, io.BytesIO) and self._file.tell() > _IN_MEMORY:
            on_disk = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115 (close does it)
            on_disk.write(self._file.getbuffer())
            self._file = on_disk

    def release(self) -> Iterator[tuple[bytes, bool]]:
        """Yield what is kept in pieces of at most a mebibyte, and forget it.

        The second value says of a piece whether it belongs to whole lines; the last line may not be complete.
        """
        file, compressor, size, whole = self._file, self._compressor, self._size, self._whole
        self._clear()
        with file:
            if not size:
                return
            file.write(compressor.flush())
            file.seek(0)
            for piece in _decompressed(file):
                if whole:
                    yield piece[:whole], True
                if piece[whole:]:
                    yield piece[whole:], False
                whole = max(0, whole - len(piece))


def _without_empty_lines(text: bytes) -> bytes:
    """Return `text`, which begins with a line, without its empty lines; a pattern would take ten times as long."""
    if not text.strip(b"\n"):
        return b""
    octets = np.frombuffer(text, np.uint8)
    ends = octets == 0x0A
    begins = np.concatenate([[True], ends[:-1]])
    empty = begins & ends
    if b"\r" in text:
        with_return = begins[:-1] & (octets[:-1] == 0x0D) & ends[1:]
        empty[:-1] |= with_return
        empty[1:] |= with_return
    return octets[~empty].tobytes() if empty.any() else text


def _decompressed(file: BinaryIO) -> Iterator[bytes]:
    decompressor = zlib.decompressobj()
    while data := file.read(_PIECE):
        while piece := decompressor.decompress(data, _PIECE):
            yield piece
            data = decompressor.unconsumed_tail
