"""Nothing that a Parquet file says decides how much memory a check of it needs (docs/security.md)."""

from __future__ import annotations

import os
import struct as packing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.attacks.hostile import MIB, Checker
from tests.unit.ingest.parquet_bytes import (
    DELTA_BYTE_ARRAY,
    DELTA_LENGTH_BYTE_ARRAY,
    MAGIC,
    RLE_DICTIONARY,
    ZSTD,
    Column,
    Page,
    delta,
    dictionary,
    ended,
    file_of,
    footer,
    i32,
    i64,
    items,
    schema_element,
    struct,
    varint,
)

pytestmark = [pytest.mark.attack, pytest.mark.long]

MANY = 60_000


def all_first(count: int) -> Page:
    """A page whose values are all the first one of the dictionary."""
    return Page(b"\1" + varint(count << 1) + b"\0", count, encoding=RLE_DICTIONARY)


def one_value_often() -> bytes:
    """Two columns of a mebibyte in each of 60,000 rows, in 2 MiB and, compressed, in some hundred bytes."""
    value = packing.pack("<L", MIB) + b"v" * MIB
    stored = pa.compress(value, "zstd", asbytes=True)
    column = Column([dictionary(stored, 1, size=len(value)), zstd(all_first(MANY))], MANY, codec=ZSTD)
    return file_of(column, column.named("y"))


def zstd(page: Page) -> Page:
    stored = pa.compress(page.content, "zstd", asbytes=True)
    return Page(stored, page.count, page.kind, page.encoding, size=len(page.content))


def many_lengths() -> bytes:
    return file_of(Column([Page(delta(0, (1 << 31) - 1), 3, encoding=DELTA_LENGTH_BYTE_ARRAY)], 3))


def many_prefixes() -> bytes:
    return file_of(Column([Page(delta(0, 3) + delta(0, (1 << 31) - 1), 3, encoding=DELTA_BYTE_ARRAY)], 3))


def many_chunks() -> bytes:
    root, leaf = schema_element("s", (5, i32(1))), schema_element("x", (1, i32(2)))
    chunks = items([struct((2, i64(0)))] * 10_000_000)
    return ended(MAGIC, footer([root, leaf], 1, [struct((1, chunks), (2, i64(1)), (3, i64(1)))]))


def large_dictionaries() -> bytes:
    """Twenty dictionaries of 60 MiB in 200 KiB."""
    content = packing.pack("<L", MIB) + b"v" * MIB
    stored = pa.compress(content * 60, "zstd", asbytes=True)
    column = Column([dictionary(stored, 60, size=60 * len(content)), zstd(all_first(3))], 3, codec=ZSTD)
    return file_of(*(column.named(f"x{number}") for number in range(12)))


def large_lists_of_nothing() -> bytes:
    """Dictionaries of eight million empty texts, which need 24 bytes each."""
    content = bytes(4 * 8_000_000)
    stored = pa.compress(content, "zstd", asbytes=True)
    column = Column([dictionary(stored, 8_000_000, size=len(content)), zstd(all_first(3))], 3, codec=ZSTD)
    return file_of(*(column.named(f"x{number}") for number in range(12)))


def one_large_dictionary() -> bytes:
    """A dictionary of 450 MiB, which a reader keeps twice."""
    content = (packing.pack("<L", MIB) + b"v" * MIB) * 450
    stored = pa.compress(content, "zstd", asbytes=True)
    return file_of(Column([dictionary(stored, 450, size=len(content)), zstd(all_first(3))], 3, codec=ZSTD))


REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (one_value_often, "its rows are more than 1,000 times as long as the file"),
    (many_lengths, "the data pages are damaged"),
    (many_prefixes, "the data pages are damaged"),
    (many_chunks, "its footer is too large"),
    (one_large_dictionary, "MiB of memory at once"),
]


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker() as checker:
        yield checker


@pytest.mark.parametrize(("data", "reason"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_files_that_would_become_large_are_refused(
    checker: Checker, data: Callable[[], bytes], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "input"
    path.write_bytes(data())
    code, row, message = checker.check(path).only_error
    assert (code, row) == ("PARQUET_READ_ERROR", 0)
    assert reason in message


@pytest.mark.parametrize("data", [large_dictionaries, large_lists_of_nothing])
def test_columns_that_do_not_fit_together_are_read_in_stripes(
    checker: Checker, data: Callable[[], bytes], tmp_path: Path
) -> None:
    (tmp_path / "input").write_bytes(data())
    report = checker.check(tmp_path / "input").report
    assert (report["numRowsTotal"], report["schema"]["recordedErrors"][0]["code"]) == (3, "TOO_MANY_COLUMNS_PROVIDED")


@pytest.mark.parametrize(("columns", "rows", "dtype"), [(1536, 20_000, np.float64), (3072, 20_000, np.float32)])
def test_embeddings_as_pandas_writes_them(
    checker: Checker, columns: int, rows: int, dtype: type[np.floating[Any]], tmp_path: Path
) -> None:
    """One row group, all of whose columns have a dictionary that does not help."""
    generator = np.random.default_rng(1)
    arrays = {f"e{column}": generator.standard_normal(rows, dtype) for column in range(columns)}
    table = pa.table({"userId": [f"u{row}" for row in range(rows)], "scope": ["a"] * rows, **arrays})
    pq.write_table(table, tmp_path / "input")
    del table, arrays
    found = checker.check(tmp_path / "input", "embeddings", requireEmbeddings=True, numEmbeddings=columns)
    assert (found.report["numRowsTotal"], found.rows) == (rows, rows)


def test_a_page_of_two_gigabytes_is_not_read(checker: Checker, tmp_path: Path) -> None:
    """The file is a hole: a page of zeros that is stored as it is."""
    page = dictionary(b"", 1, size=2_000_000_000, compressed=2_000_000_000)
    data = file_of(Column([page, all_first(3)], 3))
    begin = len(MAGIC) + len(page.data())
    path = tmp_path / "input"
    with path.open("wb") as file:
        file.write(data[:begin])
        file.seek(2_000_000_000, os.SEEK_CUR)
        file.write(data[begin:])
    assert checker.check(path).only_error[0] == "RECORD_TOO_LONG"


def test_the_largest_rows_that_are_read(checker: Checker, tmp_path: Path) -> None:
    """Twenty rows of 15 MiB."""
    value = "v" * (15 * MIB)
    table = pa.table({"a": [f"{number}{value}" for number in range(20)], "b": ["s"] * 20})
    pq.write_table(table, tmp_path / "input", compression="zstd", use_dictionary=False)
    assert checker.check(tmp_path / "input").rows == 20


def test_as_much_as_is_allowed_fits(checker: Checker, tmp_path: Path) -> None:
    """Nine dictionaries of 40 MiB, which a reader keeps twice."""
    content = b"".join(packing.pack("<L", MIB // 4) + bytes([65 + number % 26]) * (MIB // 4) for number in range(160))
    stored = pa.compress(content, "zstd", asbytes=True)
    column = Column([dictionary(stored, 160, size=len(content)), zstd(all_first(200))], 200, codec=ZSTD)
    (tmp_path / "input").write_bytes(file_of(*(column.named(f"x{number}") for number in range(9))))
    report = checker.check(tmp_path / "input").report
    assert (report["numRowsTotal"], report["schema"]["recordedErrors"][0]["code"]) == (200, "TOO_MANY_COLUMNS_PROVIDED")


def test_ten_thousand_columns(checker: Checker, tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).normal(size=300)
    table = pa.table({f"x{number}": numbers for number in range(10_000)})
    pq.write_table(table, tmp_path / "input", compression="zstd", use_dictionary=False)
    report = checker.check(tmp_path / "input").report
    assert (report["numRowsTotal"], report["schema"]["recordedErrors"][0]["code"]) == (300, "TOO_MANY_COLUMNS_PROVIDED")
