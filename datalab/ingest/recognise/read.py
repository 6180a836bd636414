"""From the bytes of a file to its text or its columns: containers and encodings; bounded in memory and time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from datalab.errors import InputUnreadable, OutputFailed
from datalab.ingest import encodings
from datalab.ingest.any_file import AnyFile, open_to_recognise
from datalab.ingest.containers import ZipArchive, gunzip
from datalab.ingest.failures import FileLevelError
from datalab.ingest.filetype import SAMPLE_BYTES as TYPE_BYTES
from datalab.ingest.filetype import FileType, Kind, classify
from datalab.ingest.limits import RecordTooLongError
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.recognise.facts import Container, FileFacts, NoDataset
from datalab.ingest.recognise.records import MOST_CELLS, MOST_RECORDS
from datalab.ingest.recognise.signatures import no_dataset
from datalab.ingest.recognise.table import Recognised, of_columns, of_text
from datalab.ingest.zip_directory import ZipEntry

SAMPLE_BYTES = 8 << 20
"""How much of a text is read, and the longest beginning of a file that is needed."""

_PIECE = 1 << 18
_UNICODE = (encodings.UTF_8, encodings.UTF_16LE, encodings.UTF_16BE)


def recognise(data: bytes, *, is_whole: bool) -> FileFacts:
    """Return what a file is.

    Any bytes give facts; nothing is raised for what they hold.

    Args:
        data: the first `SAMPLE_BYTES` of the file, or all of it.
        is_whole: whether it is the whole file. Otherwise the columns of Parquet and zip stay unknown.

    >>> facts = recognise(b"u1;sport\\nu1;food\\nu2;sport\\nu3;sport\\n", is_whole=True)
    >>> facts.separator, facts.columns, facts.kind
    (';', 2, <DatasetKind.SEGMENTS: 'segments'>)
    """
    return _read(data[:SAMPLE_BYTES], is_whole=is_whole and len(data) <= SAMPLE_BYTES, file=io.BytesIO(data)).facts


def recognise_file(file: BinaryIO) -> Recognised:
    """Return what an open file is, with its columns; `file` can seek.

    Raises:
        OSError: the file cannot be read.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    data = b"".join(_limited(iter(lambda: file.read(_PIECE), b"")))
    return _read(data, is_whole=size <= len(data), file=file, is_seekable=True)


def recognise_path(path: AnyFile) -> Recognised:
    """Return what the file at a path, or a stored one, is, with its columns.

    Raises:
        InputMissing, InputUnreadable: there is no such file, or it cannot be read.
        StorageError: a stored file cannot be read.
    """
    with open_to_recognise(path) as file:
        try:
            return recognise_file(file)
        except OSError as error:
            raise InputUnreadable(str(path), error.strerror or "read error") from None


def _read(data: bytes, *, is_whole: bool, file: BinaryIO, is_seekable: bool = False) -> Recognised:
    known: dict[str, Any] = {"is_whole": is_whole}
    if not data:
        return Recognised(FileFacts(**known, no_dataset=NoDataset.EMPTY))
    if found := no_dataset(data):
        return Recognised(FileFacts(**known, no_dataset=found))
    file_type = classify(data[:TYPE_BYTES], complete=is_whole and len(data) <= TYPE_BYTES, ending=lambda: data[-4:])
    if file_type.kind is Kind.GZIP:
        return _gzip(data, known)
    if file_type.kind in (Kind.ZIP, Kind.PARQUET):
        is_zip = file_type.kind is Kind.ZIP
        known |= {"container": Container.ZIP if is_zip else Container.PARQUET, "is_whole": is_whole or is_seekable}
        if not known["is_whole"]:
            return Recognised(FileFacts(**known))
        return _zip(file, known) if is_zip else _parquet(file, known)
    return _text(data, file_type, known)


def _gzip(data: bytes, known: dict[str, Any]) -> Recognised:
    known |= {"container": Container.GZIP}
    content, is_complete = _collected(gunzip(io.BytesIO(data).read, _PIECE))
    return _inner(content, {**known, "is_whole": known["is_whole"] and is_complete})


def _zip(file: BinaryIO, known: dict[str, Any]) -> Recognised:
    """Read the first member; what is wrong with an archive is said by its validation."""
    try:
        archive = ZipArchive(file)
        if archive.office_type():
            return Recognised(FileFacts(**known, no_dataset=NoDataset.SPREADSHEET))
        members = archive.data_members()
    except FileLevelError:
        return Recognised(FileFacts(**known))
    if not members:
        return Recognised(FileFacts(**known, no_dataset=NoDataset.EMPTY))
    return _member(archive, members[0], known)


def _member(archive: ZipArchive, entry: ZipEntry, known: dict[str, Any]) -> Recognised:
    content, is_complete = _collected(archive.read(entry, _PIECE))
    if entry.is_stored and content.startswith(b"PAR1"):
        return _parquet(archive.window(entry), known)
    return _inner(content, {**known, "is_whole": is_complete})


def _inner(content: bytes, known: dict[str, Any]) -> Recognised:
    """Return what the content of a container is."""
    if not content:
        return Recognised(FileFacts(**known, no_dataset=NoDataset.EMPTY if known["is_whole"] else None))
    if found := no_dataset(content):
        return Recognised(FileFacts(**known, no_dataset=found))
    is_short = known["is_whole"] and len(content) <= TYPE_BYTES
    return _text(content, classify(content[:TYPE_BYTES], complete=is_short), known)


def _parquet(source: Any, known: dict[str, Any]) -> Recognised:
    """Read the first rows, as many as the records of a text."""
    try:
        member = ParquetMember(source)
        most = max(1, min(MOST_RECORDS, MOST_CELLS // max(1, member.num_columns)))
        batches: list[pa.RecordBatch] = []
        for batch in member.batches(most, at_most=most):
            batches.append(batch)
            if sum(one.num_rows for one in batches) >= most:
                break
    except (FileLevelError, RecordTooLongError, OutputFailed):
        return Recognised(FileFacts(**known))
    if not batches:
        return Recognised(FileFacts(**known, columns=member.num_columns, no_dataset=NoDataset.EMPTY))
    table = pa.Table.from_batches(batches).slice(0, most).combine_chunks()
    columns = [column.combine_chunks() for column in table.columns]
    known |= {"columns": member.num_columns, "records": table.num_rows, "of_width": 1.0}
    return of_columns([column.fill_null("") for column in columns], known)


def _text(data: bytes, file_type: FileType, known: dict[str, Any]) -> Recognised:
    if file_type.kind not in (Kind.TEXT, Kind.JSON):
        is_binary = file_type.kind is Kind.BINARY
        return Recognised(FileFacts(**known, no_dataset=NoDataset.BINARY if is_binary else None))
    encoding = file_type.encoding or encodings.UTF_8
    text = encodings.decoder(encoding).decode(data, final=known["is_whole"]).decode("utf-8", "replace")
    known |= {"encoding": file_type.encoding_label, "encoding_is_guessed": encoding not in _UNICODE}
    if not text.strip("\ufeff \t\r\n"):
        return Recognised(FileFacts(**known, no_dataset=NoDataset.EMPTY if known["is_whole"] else None))
    if file_type.kind is Kind.JSON:
        return Recognised(FileFacts(**known))
    try:
        return of_text(text, known)
    except csv.Error:
        return Recognised(FileFacts(**known))


def _collected(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return the beginning of a container's content and whether it is all of it; damage ends it."""
    content = bytearray()
    try:
        for piece in pieces:
            content += piece
            if len(content) > SAMPLE_BYTES:
                return bytes(content[:SAMPLE_BYTES]), False
    except FileLevelError:
        return bytes(content), False
    return bytes(content), True


def _limited(pieces: Iterator[bytes]) -> Iterator[bytes]:
    left = SAMPLE_BYTES
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return
