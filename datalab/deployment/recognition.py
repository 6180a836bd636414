"""Recognises datasets while they are uploaded and when they are stored, and refuses files that are no datasets.

Only facts leave this module: counts, shares and names of types.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from datalab.deployment.errors import NotADataset
from datalab.errors import InputUnreadable
from datalab.ingest.recognise import Container, FileFacts, NoDataset, recognise, recognise_file
from datalab.ingest.recognise.read import SAMPLE_BYTES
from datalab.ingest.recognise.words import no_dataset
from datalab.scratch import why
from datalab.storage import DatasetReader
from datalab.storage.errors import StorageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Kept = Mapping[str, Any]
"""Facts as the registry keeps them."""


def first_part(content: bytes, name: str, *, is_whole: bool) -> Kept:
    """Return the facts of a file that begins with `content`.

    Raises:
        NotADataset: it is empty, a picture, a PDF or a spreadsheet.
    """
    facts = recognise(content, is_whole=is_whole)
    if facts.no_dataset and facts.no_dataset.is_refused:
        raise NotADataset(name, no_dataset(facts))
    return kept(facts)


def refuse_empty(name: str) -> None:
    """Raise NotADataset for a file of no bytes."""
    raise NotADataset(name, no_dataset(FileFacts(is_whole=True, no_dataset=NoDataset.EMPTY)))


def begun(source: BinaryIO, name: str, *, seekable: bool) -> tuple[Kept, BinaryIO]:
    """Return the facts of a source, and a source with the same content from its present position.

    Raises:
        NotADataset: see `first_part`.
        InputUnreadable: the source failed.
    """
    try:
        position = source.tell() if seekable else 0
        content = bytearray()
        while len(content) < SAMPLE_BYTES and (piece := source.read(SAMPLE_BYTES - len(content))):
            content += piece
        found = first_part(bytes(content), name, is_whole=len(content) < SAMPLE_BYTES)
        if seekable:
            source.seek(position)
            return found, source
    except OSError as error:
        raise InputUnreadable(name, why(error)) from None
    return found, cast("BinaryIO", io.BufferedReader(_Replayed(bytes(content), source), 1 << 20))


def stored(reader: DatasetReader, known: Kept | None) -> Kept | None:
    """Return the facts of a stored dataset: those that are known, or what its whole content shows.

    The content is read if nothing is known yet, and for Parquet and zip, whose directories are at their ends.
    """
    if known and (known["isWhole"] or known["records"] or known["container"] not in (Container.PARQUET, Container.ZIP)):
        return known
    with contextlib.suppress(StorageError, OSError):
        return kept(recognise_file(cast("BinaryIO", reader)).facts)
    return known


def kept(facts: FileFacts) -> Kept:
    """Return facts as the registry keeps them."""
    return facts.model_dump(mode="json", by_alias=True)


class _Replayed(io.RawIOBase):
    """A source that cannot seek, whose first bytes were read already."""

    def __init__(self, start: bytes, source: BinaryIO) -> None:
        super().__init__()
        self._start = io.BytesIO(start)
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        with memoryview(buffer) as view:
            count = self._start.readinto(view)
            if count:
                return count
            piece = self._source.read(len(view))
            view[: len(piece)] = piece
            return len(piece)
