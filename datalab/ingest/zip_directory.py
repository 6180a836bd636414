"""Reads the central directory of a zip archive; `datalab.ingest.containers` reads the content of members.

Python's own reader is not used: it searches for the end of the directory in the last 64 KiB only and refuses
archives whose local headers differ in unimportant details.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from datalab.formats import number
from datalab.ingest.failures import zip_damaged
from datalab.ingest.limits import ZIP_DIRECTORY_BYTES, ZIP_MEMBERS

STORED = 0
"""The method of members that are not compressed."""

_UTF_8_NAME, _ENCRYPTED = 0x800, 0x1
_ZIP64_FIELD, _UNICODE_PATH_FIELD = 0x0001, 0x7075
_NOT_IN_32_BITS = 0xFFFFFFFF
_MOST_CANDIDATES = 100  # limits the time for a file that consists of signatures only
_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True)
class ZipEntry:
    """One member of an archive, as its central directory describes it."""

    name: str
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    offset: int
    """Where the compressed bytes begin in the file."""

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & _ENCRYPTED)

    @property
    def is_directory(self) -> bool:
        return self.name.endswith(("/", "\\"))

    @property
    def is_stored(self) -> bool:
        return self.method == STORED

    @property
    def is_ignored(self) -> bool:
        """Whether macOS added it: that is no data (docs/spec/validation.md#q15-what-macos-adds-to-archives)."""
        return self.name.startswith("__MACOSX/") or self.name.rpartition("/")[2] == ".DS_Store"


def read_directory(file: BinaryIO, size: int) -> list[ZipEntry]:
    """Return the members of the archive in `file`, which is `size` bytes long, in the order of its directory.

    Raises:
        FileLevelError: there is no central directory, it contradicts the file, or it is too large.
    """
    for end in itertools.islice(_ends(file, size), _MOST_CANDIDATES):
        try:
            return _directory(file, size, end)
        except (struct.error, ValueError, OverflowError):
            continue  # the signature was part of a comment or of data; an earlier one may be the real one
    raise zip_damaged("Failed to open zip archive: invalid Zip archive: Could not find EOCD")


def _ends(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield where an end of central directory may begin, last first."""
    block, overlap = 1 << 16, 3
    stop = size
    while stop > 0:
        start = max(0, stop - block)
        data = _at(file, start, min(stop + overlap, size) - start)
        limit = len(data)
        while (found := data.rfind(b"PK\x05\x06", 0, limit)) >= 0:
            yield start + found
            limit = found + overlap
        stop = start


def _directory(file: BinaryIO, size: int, end: int) -> list[ZipEntry]:
    _, disk, first_disk, _, count, length, start, comment = _END.unpack(_at(file, end, _END.size))
    if end + _END.size + comment > size:
        raise ValueError
    located = _at(file, end - _END_64_LOCATOR.size, _END_64_LOCATOR.size) if end >= _END_64_LOCATOR.size else b""
    if located.startswith(b"PK\x06\x07"):
        _, _, position, _ = _END_64_LOCATOR.unpack(located)
        fields = _END_64.unpack(_at(file, position, _END_64.size))
        if fields[0] != b"PK\x06\x06":
            raise ValueError
        disk, first_disk, count, length, start = fields[4], fields[5], fields[7], fields[8], fields[9]
    if disk != first_disk:
        raise ValueError
    if not count:
        return []
    # Bytes in front of the archive shift every offset, unless the program that added them corrected the offsets.
    for shift in (0, end - length - start):
        if shift >= 0 and _at(file, start + shift, 4) == b"PK\x01\x02":
            if count > ZIP_MEMBERS:
                raise zip_damaged(f"It has {number(count)} members, more than {number(ZIP_MEMBERS)}")
            return _walk(file, start + shift, count, shift)
    raise ValueError


def _walk(file: BinaryIO, position: int, count: int, shift: int) -> list[ZipEntry]:
    entries = []
    begin = position
    for _ in range(count):
        if position - begin > ZIP_DIRECTORY_BYTES:
            raise zip_damaged(f"Its directory is longer than {ZIP_DIRECTORY_BYTES >> 20} MiB")
        fields = _CENTRAL.unpack(_at(file, position, _CENTRAL.size))
        if fields[0] != b"PK\x01\x02":
            raise ValueError
        flags, method, crc, compressed_size, size = fields[3], fields[4], *fields[7:10]
        name_length, extra_length, comment_length, offset = *fields[10:13], fields[16]
        position += _CENTRAL.size
        raw_name = _at(file, position, name_length)
        extra = _extra_fields(_at(file, position + name_length, extra_length))
        position += name_length + extra_length + comment_length
        wide = io.BytesIO(extra.get(_ZIP64_FIELD, b""))
        size, compressed_size, offset = (
            struct.unpack("<Q", wide.read(8))[0] if value == _NOT_IN_32_BITS else value
            for value in (size, compressed_size, offset)
        )
        local = _LOCAL.unpack(_at(file, offset + shift, _LOCAL.size))
        if local[0] != b"PK\x03\x04":
            raise ValueError
        content = offset + shift + _LOCAL.size + local[9] + local[10]
        name = _name(raw_name, flags, extra)
        entries.append(ZipEntry(name, flags, method, crc, compressed_size, size, content))
    return entries


def _at(file: BinaryIO, position: int, length: int) -> bytes:
    file.seek(position)
    return file.read(length)


def _extra_fields(data: bytes) -> dict[int, bytes]:
    fields = {}
    position = 0
    while len(data) - position >= 4:
        kind, length = struct.unpack_from("<2H", data, position)
        fields[kind] = data[position + 4 : position + 4 + length]
        position += 4 + length
    return fields


def _name(raw: bytes, flags: int, extra: dict[int, bytes]) -> str:
    unicode_path = extra.get(_UNICODE_PATH_FIELD)
    if unicode_path:
        if struct.unpack_from("<L", unicode_path, 1)[0] != zlib.crc32(raw):
            raise ValueError
        return unicode_path[5:].decode("utf-8", "replace")
    return raw.decode("utf-8", "replace") if flags & _UTF_8_NAME else raw.decode("cp437")
