"""Columns of text made at once, for many rows; this module does not know datasets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from datalab.sample.draw import Bytes, Words, hexadecimal, words

_THOUSANDS = np.frombuffer("".join(f"{n:04d}" for n in range(10_000)).encode(), np.uint8).reshape(-1, 4)
_UNITS = np.frombuffer("".join(f"{n:03d}" for n in range(1_000)).encode(), np.uint8).reshape(-1, 3)
_NUMBER_WIDTH = 9


def texts(*parts: str | Bytes) -> pa.StringArray:
    """Return texts of one length; a part is the same for all of them, or a matrix of bytes with a row each."""
    columns = [np.frombuffer(part.encode(), np.uint8)[None, :] if isinstance(part, str) else part for part in parts]
    rows = max(len(column) for column, part in zip(columns, parts, strict=True) if not isinstance(part, str))
    matrix = np.empty((rows, sum(column.shape[1] for column in columns)), np.uint8)
    start = 0
    for column in columns:
        matrix[:, start : start + column.shape[1]] = column
        start += column.shape[1]
    return _strings(matrix)


def hashes(seed: int, purpose: str, which: Words) -> pa.StringArray:
    """Return what looks like a SHA-256 hash in hexadecimal, for each of `which`."""
    return texts(*(hexadecimal(words(seed, f"{purpose}:{part}", which)) for part in range(4)))


def uuids(seed: int, purpose: str, which: Words) -> pa.StringArray:
    """Return a random UUID in lower case for each of `which`."""
    first, second = (hexadecimal(words(seed, f"{purpose}:{part}", which)) for part in range(2))
    return texts(first[:, :8], "-", first[:, 8:12], "-4", first[:, 13:], "-a", second[:, :3], "-", second[:, 4:])


def short_ids(seed: int, purpose: str, which: Words) -> pa.StringArray:
    """Return an id of 18 characters for each of `which`."""
    return texts("u-", hexadecimal(words(seed, purpose, which)))


def numbers(seed: int, purpose: str, which: Words, count: int, separator: str) -> pa.StringArray:
    """Return `count` numbers between -1 and 1 as one text, for each of `which`."""
    where = which[:, None] * np.uint64(count) + np.arange(count, dtype=np.uint64)
    word = words(seed, purpose, where).ravel()
    thousands, units = np.divmod((word >> np.uint64(40)) % np.uint64(10_000_000), np.uint64(1_000))
    text = np.empty((len(word), len(separator) + _NUMBER_WIDTH), np.uint8)
    text[:, : len(separator)] = np.frombuffer(separator.encode(), np.uint8)
    cell = text[:, len(separator) :]
    cell[:, :2] = np.frombuffer(b"0.", np.uint8)
    cell[:, 2:6] = _THOUSANDS[thousands.astype(np.int64)]
    cell[:, 6:] = _UNITS[units.astype(np.int64)]
    negative = np.flatnonzero(word & np.uint64(1))
    cell[negative, 1:] = cell[negative, :-1]
    cell[negative, 0] = ord("-")
    return _strings(text.reshape(len(which), -1)[:, len(separator) :])


def _strings(matrix: np.ndarray[Any, np.dtype[np.uint8]]) -> pa.StringArray:
    rows, width = matrix.shape
    ends = (np.arange(rows + 1) * width).astype(np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(matrix)))
