"""How long the values of Parquet pages are, from their content; headers of pages do not say it."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalab.ingest.thrift import DamagedHeaderError

_UNCOMPRESSED, _LZ4_OF_HADOOP = 0, 5
_CODECS = {1: "snappy", 2: "gzip", 4: "brotli", 5: "lz4_raw", 6: "zstd", 7: "lz4_raw"}
_LENGTH = struct.Struct("<I")
_SLICE = 4096
_WIDEST = 32
_HADOOP_HEAD = 8


def decompressed(data: bytes, codec: int, size: int) -> bytes:
    """Return the content of a page; `codec` is its number in the footer, `size` what the page says of its length.

    Raises:
        DamagedHeaderError: it cannot be decompressed.
    """
    if codec == _UNCOMPRESSED or not data:
        return data
    try:
        if codec == _LZ4_OF_HADOOP and (content := _without_hadoop_frames(data, size)):
            return content
        return _decompress(data, _CODECS[codec], size)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise DamagedHeaderError from None


def _decompress(data: bytes, codec: str, size: int) -> bytes:
    content: bytes = pa.decompress(data, decompressed_size=size, codec=codec, asbytes=True)
    return content


def _without_hadoop_frames(data: bytes, size: int) -> bytes | None:
    """Return the content of LZ4 blocks, each after its two lengths; None if these are none."""
    content = bytearray()
    at = 0
    while at < len(data):
        length, stored = (int.from_bytes(data[at + i : at + i + 4], "big") for i in (0, 4))
        at += _HADOOP_HEAD
        if length > size - len(content) or stored > len(data) - at:
            return None
        content += _decompress(data[at : at + stored], _CODECS[_LZ4_OF_HADOOP], length)
        at += stored
    return bytes(content)


def longest_text(data: bytes, count: int) -> int:
    """Return the length of the longest of `count` texts in the encoding PLAIN."""
    end = len(data)
    if count and end >= _LENGTH.size:
        width = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        if width * count <= end:
            lengths = np.frombuffer(data, np.uint8, width * count).reshape(count, width)[:, : _LENGTH.size]
            if (lengths == lengths[0]).all():  # as ids often have, and much faster
                return int(width - _LENGTH.size)
    longest = position = 0
    unpack = _LENGTH.unpack_from
    for _ in range(count):
        if position + _LENGTH.size > end:
            break
        (length,) = unpack(data, position)
        position += _LENGTH.size + length
        if length > longest:
            if position > end:
                break
            longest = length
    return longest


def longest_prefix(data: bytes, count: int) -> int:
    """Return how many bytes a value of a page in the encoding DELTA_BYTE_ARRAY repeats at most.

    Raises:
        DamagedHeaderError: the page is damaged, or says that it has more than `count` values.
    """
    prefixes, end = _delta_numbers(data, count)
    check_count(data[end : end + 64], count)
    return int(np.abs(prefixes).max(initial=0))


def check_count(data: bytes, count: int) -> None:
    """Check that numbers in the encoding DELTA_BINARY_PACKED, which readers unpack at once, are at most `count`.

    Raises:
        DamagedHeaderError: they are more, or damaged.
    """
    at = 0
    for _ in range(3):
        number, at = _varint(data, at)
    if number > count:
        raise DamagedHeaderError


def _delta_numbers(data: bytes, most: int) -> tuple[NDArray[np.int64], int]:
    """Return at most `most` numbers in the encoding DELTA_BINARY_PACKED, and where they end."""
    block, at = _varint(data, 0)
    parts, at = _varint(data, at)
    total, at = _varint(data, at)
    first, at = _varint(data, at)
    if total > most or not parts or block % parts or (block // parts) % 32:
        raise DamagedHeaderError
    numbers = np.zeros(total, np.int64)
    numbers[:1] = _signed(first)
    done = 1
    while done < total:
        lowest, at = _varint(data, at)
        widths = data[at : at + parts]
        at += parts
        for width in widths:
            if done >= total:
                break
            count = min(block // parts, total - done)
            numbers[done : done + count] = _signed(lowest)
            if width:
                _add_packed(numbers[done : done + count], data, at, width)
            done += count
            at += block // parts * width // 8
        if at > len(data):
            raise DamagedHeaderError
    return np.cumsum(numbers), at


def _add_packed(numbers: NDArray[np.int64], data: bytes, at: int, width: int) -> None:
    """Add the numbers of `width` bits each that begin at `at`."""
    if width > _WIDEST:
        raise DamagedHeaderError
    weights = 1 << np.arange(width)
    for start in range(0, len(numbers), _SLICE):
        part = numbers[start : start + _SLICE]
        begin = at + start * width // 8
        stored = np.frombuffer(data[begin : begin + -(-len(part) * width // 8)], np.uint8)
        if len(stored) * 8 < len(part) * width:
            raise DamagedHeaderError
        part += np.unpackbits(stored, count=len(part) * width, bitorder="little").reshape(-1, width) @ weights


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > _WIDEST:
            raise DamagedHeaderError
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF, at
        shift += 7


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
