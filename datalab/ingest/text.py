"""The text of a file or of a member of it: decoded, without byte order mark; records are not read here."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from datalab.errors import InputUnreadable
from datalab.ingest import encodings
from datalab.ingest.limits import BLOCK_BYTES

_EMPTY_LINES = re.compile(rb"\A(?:\r?\n)*+")

Pieces = Callable[[int], Iterator[bytes]]
"""Yields the raw bytes of a member from its beginning, in pieces of about the given size."""


@dataclass
class TextProgress:
    """What was counted so far in the text of all members of a file."""

    name: str
    """Of the file, for messages."""
    begun: bool = False
    bom_bytes: int = 0
    replaced_characters: int = 0

    def note_bom(self) -> None:
        self.bom_bytes = len(codecs.BOM_UTF8)


class TextMember:
    """A text, or one text of a zip archive.

    Attributes:
        line_end_added: whether the last byte is a line feed that the member of a zip lacked
            (docs/spec/validation.md#62-zip); it counts in `originalFileSizeBytes`. Known after all chunks were read.
    """

    def __init__(self, progress: TextProgress, pieces: Pieces, encoding: str, *, zipped: bool) -> None:
        self._progress = progress
        self._pieces = pieces
        self._encoding = encoding
        self._zipped = zipped
        self.line_end_added = False

    def chunks(self, size: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Yield the text as valid UTF-8 in chunks of about `size` bytes, none empty, without byte order mark.

        No character is split.

        Raises:
            FileLevelError: a later part of the container is damaged; chunks yielded before must not be used.
            InputUnreadable: the disk failed.
        """
        text = self._decoded(size)
        if self._zipped:
            text = self._with_line_end(_without_bom(text))
        if not self._progress.begun:
            # A mark behind empty lines is at the beginning too: the line pass removes them first,
            # see docs/spec/validation.md#72-line-pass.
            text = _without_bom(_from_first_line(text), self._progress.note_bom)
        try:
            for chunk in text:
                self._progress.begun = True
                yield chunk
        except OSError as error:
            raise InputUnreadable(self._progress.name, error.strerror or "read error") from None

    def _decoded(self, size: int) -> Iterator[bytes]:
        decoder = encodings.decoder(self._encoding)
        replaced_before = self._progress.replaced_characters
        for piece in self._pieces(size):
            text = decoder.decode(piece)
            self._progress.replaced_characters = replaced_before + decoder.replaced
            if text:
                yield text
        if text := decoder.decode(b"", final=True):
            self._progress.replaced_characters = replaced_before + decoder.replaced
            yield text

    def _with_line_end(self, text: Iterator[bytes]) -> Iterator[bytes]:
        ended = True
        for chunk in text:
            ended = chunk.endswith(b"\n")
            yield chunk
        if not ended:
            self.line_end_added = True
            yield b"\n"


def _from_first_line(text: Iterator[bytes]) -> Iterator[bytes]:
    """Yield `text` without empty lines at its beginning."""
    head = b""
    for chunk in text:
        head = _EMPTY_LINES.sub(b"", head + chunk, count=1)
        if head not in (b"", b"\r"):
            break
    if head:
        yield head
    yield from text


def _without_bom(text: Iterator[bytes], found: Callable[[], None] | None = None) -> Iterator[bytes]:
    """Yield `text` without a byte order mark at its beginning; call `found` if there was one."""
    head = b""
    for chunk in text:
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    if head.startswith(codecs.BOM_UTF8):
        head = head[len(codecs.BOM_UTF8) :]
        if found:
            found()
    if head:
        yield head
    yield from text
