"""The interface of this room: opens an uploaded file of any type as members of text or of Parquet rows.

`datalab.ingest.records` reads the records of the text.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from datalab.errors import InputMissing
from datalab.ingest import encodings, failures
from datalab.ingest.any_file import AnyFile, open_bytes
from datalab.ingest.containers import ZipArchive, gunzip
from datalab.ingest.filetype import SAMPLE_BYTES, FileType, Kind, classify
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.split import Block, Splitter
from datalab.ingest.text import Pieces, TextMember, TextProgress
from datalab.ingest.zip_directory import ZipEntry

_SMALL_PIECE = 1 << 16
_NESTED = "nested container (gzip/zip inside {}) is not supported"


class Input:
    """An opened file. Read its members in order, each completely before the next one; use it in a `with` block.

    Attributes:
        file: where its bytes come from.
        detected_file_type: the report's `detectedFileType`.
        size: bytes of the file on disk.
        is_container: gzip, zip or Parquet: `originalFileSizeBytes` is counted from the text inside.
        encoding_guessed: the legacy encoding that was guessed for the text, or for a member; None if none was.
        bom_bytes: 3 if the text began with a byte order mark, as a character, that was removed: these bytes count
            in a counted size, and the line that contained them is not blank. Known after a chunk was read.
        replaced_characters: number of U+FFFD that replace malformed bytes read so far.
        fingerprint: size, modification time in nanoseconds and inode when the file was opened; None of a stored file,
            which does not change.
    """

    def __init__(self, file: AnyFile, opened: BinaryIO) -> None:
        self.file = file
        self._file = opened
        self.size = opened.seek(0, io.SEEK_END)
        opened.seek(0)
        self.fingerprint = _fingerprint(os.fstat(opened.fileno())) if isinstance(file, Path) else None
        self.detected_file_type = ""
        self.is_container = False
        self.encoding_guessed: str | None = None
        self._progress = TextProgress(str(file))
        self._archive: ZipArchive | None = None
        self._zipped: list[tuple[ZipEntry, FileType]] = []
        self._parquet: ParquetMember | None = None
        self._pieces: Pieces = self._plain_pieces
        self._encoding = encodings.UTF_8

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        if self._parquet:
            self._parquet.close()
        if self._archive:
            self._archive.close()
        self._file.close()

    @property
    def bom_bytes(self) -> int:
        return self._progress.bom_bytes

    @property
    def replaced_characters(self) -> int:
        return self._progress.replaced_characters

    @property
    def bytes_read(self) -> int:
        """Number of bytes of the file read so far, for progress bars."""
        if self._parquet:
            return self.size * self._parquet.rows_read // max(1, self._parquet.num_rows)
        if self._archive:
            return min(self._archive.position, self.size)
        return self.size if self._file.closed else min(self._file.tell(), self.size)

    def unchanged(self) -> bool:
        """Return whether the file is still the one that was opened."""
        if not isinstance(self.file, Path):
            return True
        try:
            return _fingerprint(self.file.stat()) == self.fingerprint
        except OSError:
            return False

    def members(self) -> Iterator[TextMember | ParquetMember]:
        """Yield the texts and Parquet tables of the file; the numbers of records continue from one to the next.

        Plain text, gzip and Parquet have exactly one member. A second call starts from the beginning.

        Raises:
            FileLevelError: see `TextMember.chunks` and `ParquetMember.batches`.
        """
        self._progress = TextProgress(str(self.file))
        if self._parquet:
            yield self._parquet
        elif self._archive:
            for entry, kind in self._zipped:
                yield from self._zip_member(self._archive, entry, kind)
        else:
            yield TextMember(self._progress, self._pieces, self._encoding, zipped=False)

    def _zip_member(self, archive: ZipArchive, entry: ZipEntry, kind: FileType) -> Iterator[TextMember | ParquetMember]:
        if kind.encoding is not None:
            yield TextMember(self._progress, lambda size: archive.read(entry, size), kind.encoding, zipped=True)
            return
        member = ParquetMember(archive.window(entry), entry.name)
        # Values of a table cannot begin with a byte order mark.
        self._progress.begun = self._progress.begun or member.num_rows > 0
        yield member
        member.close()

    def _open(self) -> None:
        """Determine the type of the file.

        Raises:
            FileLevelError: it cannot be read.
        """
        sample = self._file.read(SAMPLE_BYTES)
        kind = classify(sample, complete=len(sample) == self.size, ending=self._ending)
        self.detected_file_type = kind.type_name
        self.is_container = kind.kind is not Kind.TEXT
        if kind.kind is Kind.GZIP:
            self._open_gzip()
        elif kind.kind is Kind.ZIP:
            self._open_zip()
        elif kind.kind is Kind.PARQUET:
            self._parquet = ParquetMember(str(self.file) if isinstance(self.file, Path) else open_bytes(self.file))
        elif kind.encoding is not None:
            self._note_encoding(kind.encoding)
        else:
            raise failures.not_text(kind.type_name)

    def _open_gzip(self) -> None:
        self._pieces = self._gzip_pieces
        kind = _classify_pieces(self._gzip_pieces)
        if kind.kind in (Kind.GZIP, Kind.ZIP):
            raise failures.not_text_in_gzip(_NESTED.format("gzip"))
        if kind.encoding is None:
            raise failures.not_text_in_gzip(kind.type_name)
        self.detected_file_type = f"text/gzip ({kind.encoding_label})"
        self._note_encoding(kind.encoding)

    def _open_zip(self) -> None:
        """Check every member before any row is read; damage of any member is reported before a wrong type."""
        archive = self._archive = ZipArchive(self.file if isinstance(self.file, Path) else open_bytes(self.file))
        if office := archive.office_type():
            raise failures.not_text(office)
        for entry in archive.data_members():
            kind = _classify_pieces(lambda size, entry=entry: archive.read(entry, size))  # type: ignore[misc]
            self._zipped.append((entry, kind))
        for entry, kind in self._zipped:
            if kind.kind in (Kind.GZIP, Kind.ZIP):
                raise failures.zip_member_not_supported(entry.name, _NESTED.format("zip"))
            if kind.kind is Kind.PARQUET:
                if not entry.is_stored:
                    raise failures.zip_member_is_compressed_parquet(entry.name)
                for _ in archive.read(entry, SAMPLE_BYTES):
                    pass  # Parquet is not read in order, so its checksum is tested now
                ParquetMember(archive.window(entry), entry.name).close()
            elif kind.encoding is None:
                raise failures.zip_member_not_supported(entry.name, kind.type_name)
            else:
                self._note_encoding(kind.encoding)

    def _plain_pieces(self, size: int) -> Iterator[bytes]:
        self._file.seek(0)
        while piece := self._file.read(size):
            yield piece

    def _gzip_pieces(self, size: int) -> Iterator[bytes]:
        self._file.seek(0)
        yield from gunzip(self._file.read, size)

    def _ending(self) -> bytes:
        self._file.seek(-4, io.SEEK_END)
        return self._file.read(4)

    def _note_encoding(self, encoding: str) -> None:
        self._encoding = encoding
        if encoding not in (encodings.UTF_8, encodings.UTF_16LE, encodings.UTF_16BE):
            self.encoding_guessed = self.encoding_guessed or encoding


def open_input(file: AnyFile | str) -> Input:
    """Open an uploaded file and determine its type; its name is ignored.

    Raises:
        FileLevelError: the file yields a report without rows (docs/spec/validation.md#21-file-level-errors).
        InputMissing: there is no such file.
        StorageError: a stored file cannot be read; this can happen while it is read, too.
    """
    file = Path(file) if isinstance(file, str) else file
    try:
        if isinstance(file, Path) and not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would block
            raise failures.undetectable("Is a directory" if file.is_dir() else "Not a regular file")
        opened = Input(file, open_bytes(file))
    except FileNotFoundError:
        raise InputMissing(str(file)) from None
    except OSError as error:
        raise failures.undetectable(error.strerror or "read error") from None
    try:
        opened._open()
    except BaseException as error:
        opened.close()
        if isinstance(error, OSError):
            raise failures.undetectable(error.strerror or "read error") from None
        raise
    return opened


def blocks_of(source: Input, chunks: Iterator[bytes], splitter: Splitter) -> Iterator[Block]:
    """Return the blocks of a text member of `source` whose text is `chunks`."""
    first = next(chunks, b"")
    if source.bom_bytes and splitter.is_at_start:
        # The line that began with the removed mark is not blank, even if it holds nothing else.
        splitter.begin_inside_line()
    return splitter.split(chain([first], chunks))


def _classify_pieces(pieces: Pieces) -> FileType:
    """Classify the content of a container by its first `SAMPLE_BYTES`."""
    sample = bytearray()
    source = pieces(_SMALL_PIECE)
    for piece in source:
        sample += piece
        if len(sample) > SAMPLE_BYTES:
            break
    complete = len(sample) <= SAMPLE_BYTES

    def ending() -> bytes:
        last = bytes(sample[-4:])
        for piece in source:
            last = (last + piece)[-4:]
        return last

    return classify(bytes(sample[:SAMPLE_BYTES]), complete=complete, ending=ending)


def _fingerprint(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
