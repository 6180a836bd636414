"""The type of a file, according to its first mebibyte only; containers are recognised but not opened.

The order of the rules is that of docs/spec/validation.md#4-file-type.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from datalab.ingest import encodings
from datalab.ingest.failures import BINARY_TYPE, GZIP_TYPE, PARQUET_TYPE, XLS_TYPE, ZIP_TYPE
from datalab.ingest.json_prefix import is_json_prefix

SAMPLE_BYTES = 1 << 20
"""The part of a file, or of the content of a container, that decides its type."""

PARQUET_MAGIC = b"PAR1"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_CONTROL_CHARACTERS = bytes([*range(0x01, 0x09), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
_BINARY_NAMES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"), "image/jpeg"),
    (re.compile(rb"%PDF-(?:1\.[0-7]|2\.0)"), "application/pdf"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), XLS_TYPE),
    (re.compile(rb"7z\xbc\xaf\x27\x1c\x00\x04"), "application/x-7z-compressed"),
    (re.compile(rb"Rar!\x1a\x07\x01\x00"), "application/vnd.rar"),
    (re.compile(rb"ARROW1\x00\x00"), "application/vnd.apache.arrow.file"),
)


class Kind(StrEnum):
    """How a file is read, if it can be read."""

    TEXT = "text"
    GZIP = "gzip"
    ZIP = "zip"
    PARQUET = "parquet"
    JSON = "json"
    BINARY = "binary"


@dataclass(frozen=True)
class FileType:
    """What a file is: how to read it, and its name in the report."""

    kind: Kind
    type_name: str
    """For text `text (<encoding>)`, else a media type."""
    encoding: str | None = None
    """For text, the name for `encodings.decoder`."""

    @property
    def encoding_label(self) -> str:
        """The encoding as the report writes it, without `text (...)` around it."""
        return self.type_name.removeprefix("text (").removesuffix(")")


def classify(sample: bytes, *, complete: bool, ending: Callable[[], bytes] | None = None) -> FileType:
    """Return the type of a file.

    Args:
        sample: the first `SAMPLE_BYTES` of the file, or all of it.
        complete: whether the sample is the whole file.
        ending: returns the last four bytes of the file; called only if the sample is not the whole file and
            begins like Parquet but could be text.

    >>> classify(b"u1,sport", complete=True)
    FileType(kind=<Kind.TEXT: 'text'>, type_name='text (ascii)', encoding='utf-8')
    """
    if sample.startswith(b"\x1f\x8b"):
        return FileType(Kind.GZIP, GZIP_TYPE)
    if sample.startswith(_ZIP_MAGICS):
        return FileType(Kind.ZIP, ZIP_TYPE)
    if sample.startswith(PARQUET_MAGIC):
        last = ending() if ending and not complete else sample[-4:] if complete else b""
        if last == PARQUET_MAGIC or _without_magic(sample, complete=complete).kind is Kind.BINARY:
            return FileType(Kind.PARQUET, PARQUET_TYPE)
    return _without_magic(sample, complete=complete)


def _without_magic(sample: bytes, *, complete: bool) -> FileType:
    if not sample:
        return FileType(Kind.TEXT, "text (unknown encoding)", encodings.UTF_8)
    if sample.startswith(codecs.BOM_UTF16_LE):
        return _text("UTF-16LE", encodings.UTF_16LE)
    if sample.startswith(codecs.BOM_UTF16_BE):
        return _text("UTF-16BE", encodings.UTF_16BE)
    nul = sample.count(0)
    if nul:
        if 4 * nul >= len(sample):
            odd = sample[1::2].count(0)
            if 10 * odd >= 9 * nul:
                return _text("UTF-16LE", encodings.UTF_16LE)
            if 10 * (nul - odd) >= 9 * nul:
                return _text("UTF-16BE", encodings.UTF_16BE)
        return _binary(sample)
    control = len(sample) - len(sample.translate(None, _CONTROL_CHARACTERS))
    if 10 * control > len(sample):
        return _binary(sample)
    if is_json_prefix(sample):
        return FileType(Kind.JSON, "application/json")
    if sample.isascii():
        return _text("ascii", encodings.UTF_8)
    try:
        # A sequence may be incomplete at the end of the sample if the file continues.
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=complete)
    except UnicodeDecodeError:
        guessed = encodings.guess(sample)
        return _text(guessed, guessed)
    return _text("utf-8", encodings.UTF_8)


def _text(label: str, encoding: str) -> FileType:
    return FileType(Kind.TEXT, f"text ({label})", encoding)


def _binary(sample: bytes) -> FileType:
    for pattern, type_name in _BINARY_NAMES:
        if pattern.match(sample):
            return FileType(Kind.BINARY, type_name)
    return FileType(Kind.BINARY, BINARY_TYPE)
