"""The parts of one export as one stream: a zip archive in the order of their names; nothing is written to a disk.

docs/spec/validation.md#62-zip says how the archive is read. Each part is decompressed separately; text is compressed
again, Parquet is stored as it is. The same parts always give the same bytes.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from datalab.connectors.parts import FileGroup, shown
from datalab.connectors.protocol import Connector
from datalab.errors import UsageError
from datalab.ingest.containers import ZipArchive, gunzip
from datalab.ingest.failures import FileLevelError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_PIECE = 1 << 20
_SPEED = 1
"""Level of compression: the archive is read once or twice."""
_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"

_Open = Callable[[], AbstractContextManager[BinaryIO]]


class PartUnfit(UsageError):
    """A part cannot be joined with the others; nothing was taken."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{shown(name)} {reason}. No part was taken; export it again.")


@contextlib.contextmanager
def open_group(connector: Connector[Any], pattern: str, group: FileGroup) -> Iterator[BinaryIO]:
    """Open files that belong together, which `list` found under `pattern`; of several, only one is open at a time.

    Raises:
        EntryChanged, EntryIsLink, ConnectorFailed: see `Connector.open_listed`; also while it is read.
        PartUnfit: while it is read: a part is damaged, has several files, or is of another type than the first one.
    """
    if len(group.with_content) == 1:
        with connector.open_listed(pattern, group.with_content[0]) as source:
            yield source
        return
    pieces = _archive((entry.name, partial(connector.open_listed, pattern, entry)) for entry in group.with_content)
    try:
        yield cast("BinaryIO", io.BufferedReader(_Pieces(pieces), _PIECE))
    finally:
        pieces.close()


def _archive(parts: Iterable[tuple[str, _Open]]) -> Generator[bytes]:
    target = _Target()
    kinds: set[bool] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_SPEED) as archive:
        for name, opened in parts:
            with opened() as source:
                pieces = _content(name, source)
                first = next(pieces, b"")
                kinds.add(first.startswith(_PARQUET))
                if len(kinds) > 1:
                    raise PartUnfit(name, "is of another type than the parts before it")
                if kinds == {True}:
                    archive.compression = zipfile.ZIP_STORED
                with archive.open(name.replace("\\", "_"), "w", force_zip64=True) as content:  # dated 1980
                    for piece in itertools.chain([first], pieces):
                        content.write(piece)
                        yield target.taken()
    yield target.taken()


def _content(name: str, source: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a part, decompressed if it is gzip or a zip archive."""
    beginning = source.read(4)
    source.seek(0)
    try:
        if beginning.startswith(_GZIP):
            yield from gunzip(source.read, _PIECE)
        elif beginning == _ZIP:
            yield from _only_member(name, source)
        else:
            yield from iter(lambda: source.read(_PIECE), b"")
    except FileLevelError:
        raise PartUnfit(name, "is damaged: it cannot be decompressed") from None


def _only_member(name: str, source: BinaryIO) -> Iterator[bytes]:
    with contextlib.closing(ZipArchive(source)) as archive:
        members = archive.data_members()
        if archive.office_type() or len(members) != 1:
            raise PartUnfit(name, "is not a zip archive of one file")
        yield from archive.read(members[0], _PIECE)
        source.seek(0, io.SEEK_END)
        source.read(1)  # at its end a file is checked again


class _Target(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        self._written.append(bytes(data))
        return len(self._written[-1])

    def taken(self) -> bytes:
        written, self._written = b"".join(self._written), []
        return written


class _Pieces(io.RawIOBase):
    """A file that cannot seek, of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return 0
        with memoryview(buffer) as view:
            piece, self._rest = self._rest[: len(view)], self._rest[len(view) :]
            view[: len(piece)] = piece
            return len(piece)
