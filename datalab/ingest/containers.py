"""Reads and checks the raw bytes in gzip streams and zip archives; it does not interpret them.

The rules are those of docs/spec/validation.md#6-containers. Every kind of damage becomes a `FileLevelError`: the
texts of library exceptions are left out, because they may repeat parts of the file.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from datalab.ingest.failures import gzip_damaged, zip_damaged
from datalab.ingest.zip_directory import STORED, ZipEntry, read_directory

_READ_BYTES = 1 << 16  # small, because what follows a finished gzip member is copied for every member
_DEFLATE, _ZSTD = 8, 93

OFFICE_DOCUMENTS = {
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def gunzip(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    """Yield the content of a gzip stream in pieces of about `size` bytes, all its members in order.

    Args:
        read: returns at most the given number of next bytes of the stream, none at its end.
        size: of the pieces.

    Raises:
        FileLevelError: the stream is damaged, cut off, or followed by something else.
    """
    buffered = _Gathered(size)
    member = zlib.decompressobj(wbits=31)
    begun = False
    data = b""
    while True:
        data = data or read(_READ_BYTES)
        begun = begun or bool(data)
        try:
            piece = member.decompress(data, size)
        except zlib.error:
            raise gzip_damaged("corrupt gzip stream") from None
        yield from buffered.add(piece)
        if member.eof:
            data = member.unused_data
            member = zlib.decompressobj(wbits=31)
            begun = False
            if not data and not (data := read(_READ_BYTES)):
                break
        elif not data and not piece:
            if begun:
                raise gzip_damaged("unexpected end of file")
            break
        else:
            data = member.unconsumed_tail
    yield from buffered.rest()


class _Gathered:
    """Joins small pieces into pieces of at least `size` bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces: list[bytes] = []
        self._length = 0

    def add(self, piece: bytes) -> Iterator[bytes]:
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length >= self._size:
            yield from self.rest()

    def rest(self) -> Iterator[bytes]:
        if self._length:
            yield b"".join(self._pieces)
        self._pieces, self._length = [], 0


class ZipArchive:
    """A zip archive: its members and their content.

    Raises:
        FileLevelError: on opening, when the archive has no readable central directory, or one that names bytes twice.
    """

    def __init__(self, source: Path | BinaryIO) -> None:
        self._file: BinaryIO = source.open("rb") if isinstance(source, Path) else source
        try:
            self._size = self._file.seek(0, io.SEEK_END)
            entries = read_directory(self._file, self._size)
            # Of entries with the same name the last one counts, at its own position.
            last = {entry.name: index for index, entry in enumerate(entries)}
            self.entries = [entry for index, entry in enumerate(entries) if last[entry.name] == index]
            _check_apart(self.entries)
        except BaseException:
            self._file.close()
            raise

    @property
    def position(self) -> int:
        """Position of reading in the file."""
        return 0 if self._file.closed else self._file.tell()

    def close(self) -> None:
        self._file.close()

    def office_type(self) -> str | None:
        """Return the media type of the Office document that the archive is, according to its names; None for others."""
        names = [entry.name for entry in self.entries]
        if "[Content_Types].xml" not in names:
            return None
        for prefix, media_type in OFFICE_DOCUMENTS.items():
            if any(name.startswith(prefix) for name in names):
                return media_type
        return None

    def data_members(self) -> list[ZipEntry]:
        """Return the members that hold data, after checking that each of them can be opened.

        Raises:
            FileLevelError: a member is encrypted, has an unsupported method, or ends outside the archive.
        """
        entries = [entry for entry in self.entries if not entry.is_ignored]
        for entry in entries:
            if entry.is_encrypted:
                raise zip_damaged(
                    f"Zip entry '{entry.name}' is password-protected; encrypted archives are not supported."
                )
            too_long = entry.offset + entry.compressed_size > self._size
            if entry.is_stored and (entry.size != entry.compressed_size or too_long):
                raise zip_damaged(f"Zip entry '{entry.name}' declares a size inconsistent with the archive")
            if entry.method not in (STORED, _DEFLATE, _ZSTD):
                raise zip_damaged(f"Failed to read zip entry '{entry.name}': Compression method not supported")
        return [entry for entry in entries if not entry.is_directory]

    def read(self, entry: ZipEntry, size: int) -> Iterator[bytes]:
        """Yield the content of a member in pieces of about `size` bytes; its checksum is tested at the end.

        Raises:
            FileLevelError: the member is damaged.
        """
        window = self.window(entry)
        crc = 0
        for piece in self._decompressed(entry, window, size):
            crc = zlib.crc32(piece, crc)
            yield piece
        if crc != entry.crc:
            raise zip_damaged(f"Failed to read zip entry '{entry.name}': Invalid checksum")

    def window(self, entry: ZipEntry) -> FileWindow:
        """Return the compressed bytes of a member as a file of their own."""
        return FileWindow(self._file, entry.offset, min(entry.compressed_size, max(0, self._size - entry.offset)))

    def _decompressed(self, entry: ZipEntry, window: FileWindow, size: int) -> Iterator[bytes]:
        if entry.method == _DEFLATE:
            yield from _inflate(entry.name, window.read, size)
            return
        if entry.is_stored:
            yield from iter(lambda: window.read(size), b"")
            return
        try:
            with pa.CompressedInputStream(pa.PythonFile(window, mode="r"), "zstd") as stream:
                while piece := stream.read(size):
                    yield piece
        except (OSError, pa.ArrowException):
            raise zip_damaged(f"Failed to read zip entry '{entry.name}': corrupt zstd stream") from None


def _check_apart(entries: list[ZipEntry]) -> None:
    """Raise FileLevelError if members share bytes: a small archive could make its reader read without end."""
    filled = sorted((entry for entry in entries if entry.compressed_size), key=lambda entry: entry.offset)
    for before, entry in pairwise(filled):
        if before.offset + before.compressed_size > entry.offset:
            raise zip_damaged(f"Zip entries '{before.name}' and '{entry.name}' share bytes")


def _inflate(name: str, read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    """Yield the content of a raw deflate stream; bytes after its end are ignored."""
    stream = zlib.decompressobj(wbits=-15)
    data = b""
    while not stream.eof:
        data = data or read(_READ_BYTES * 4)
        try:
            piece = stream.decompress(data, size)
        except zlib.error:
            raise zip_damaged(f"Failed to read zip entry '{name}': corrupt deflate stream") from None
        if not data and not piece and not stream.eof:
            raise zip_damaged(f"Failed to read zip entry '{name}': unexpected end of file")
        data = stream.unconsumed_tail
        if piece:
            yield piece


class FileWindow(io.RawIOBase):
    """A part of an open file as a separate file, for readers that need random access."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._length - self._position)
        self._file.seek(self._start + self._position)
        data = self._file.read(left if size < 0 else min(size, left))
        self._position += len(data)
        return data
