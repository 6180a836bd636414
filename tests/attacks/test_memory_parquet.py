"""Nothing that a Parquet file says decides how much memory a check of it needs (docs/security.md)."""

from __future__ import annotations

import json
import os
import struct as packing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.attacks.hostile import LIMIT, MIB, Measured, measured
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


REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (one_value_often, "its rows are more than 1,000 times as long as the file"),
    (many_lengths, "the data pages are damaged"),
    (many_prefixes, "the data pages are damaged"),
    (many_chunks, "its footer is too large"),
    (large_dictionaries, "MiB of memory at once"),
    (large_lists_of_nothing, "MiB of memory at once"),
]


def check(path: Path, tmp_path: Path, dataset: str = "segments") -> Measured:
    found = measured("check", dataset, path, "--json", "--report", tmp_path / "report.json")
    assert found.peak < LIMIT, f"{found.peak >> 20} MiB: {found.err}"
    return found


def error(found: Measured, tmp_path: Path) -> tuple[str, str]:
    """The code and the message of the only error of a report on the whole file."""
    assert found.code == 1, found.err
    report = json.loads((tmp_path / "report.json").read_text())["report"]
    assert report["outcome"] == "FAILED"
    [only] = report["schema"]["recordedErrors"]
    return only["code"], only["message"]


@pytest.mark.parametrize(("data", "reason"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_files_that_would_become_large_are_refused(data: Callable[[], bytes], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(data())
    code, message = error(check(path, tmp_path), tmp_path)
    assert code == "PARQUET_READ_ERROR"
    assert reason in message


def test_a_page_of_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    """The file is a hole: a page of zeros that is stored as it is."""
    page = dictionary(b"", 1, size=2_000_000_000, compressed=2_000_000_000)
    data = file_of(Column([page, all_first(3)], 3))
    begin = len(MAGIC) + len(page.data())
    path = tmp_path / "input"
    with path.open("wb") as file:
        file.write(data[:begin])
        file.seek(2_000_000_000, os.SEEK_CUR)
        file.write(data[begin:])
    code, _ = error(check(path, tmp_path), tmp_path)
    assert code in ("PARQUET_READ_ERROR", "RECORD_TOO_LONG")


def test_the_largest_rows_that_are_read(tmp_path: Path) -> None:
    """Forty rows of 15 MiB, in one page each or in one page together."""
    value = "v" * (15 * MIB)
    for size in (MIB, 400 * MIB):
        table = pa.table({"a": [f"{number}{value}" for number in range(20)], "b": ["s"] * 20})
        pq.write_table(table, tmp_path / "input", compression="zstd", use_dictionary=False, data_page_size=size)
        found = check(tmp_path / "input", tmp_path)
        assert (found.code, found.json["rows"]) == (0, 20), found.err


def test_as_much_as_is_allowed_fits(tmp_path: Path) -> None:
    """Dictionaries of about 650 MiB together, and rows of half a mebibyte that are all different parts of them."""
    content = b"".join(packing.pack("<L", MIB // 4) + bytes([65 + number % 26]) * (MIB // 4) for number in range(640))
    stored = pa.compress(content[: len(content) // 4], "zstd", asbytes=True)
    column = Column([dictionary(stored, 160, size=len(content) // 4), zstd(all_first(200))], 200, codec=ZSTD)
    columns = [column.named(f"x{number}") for number in range(9)]
    (tmp_path / "input").write_bytes(file_of(*columns))
    found = check(tmp_path / "input", tmp_path)
    assert "memory at once" not in error_or_nothing(tmp_path), found.out


def error_or_nothing(tmp_path: Path) -> str:
    report = json.loads((tmp_path / "report.json").read_text())["report"]
    return json.dumps(report["schema"]["recordedErrors"])


def test_ten_thousand_columns(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).normal(size=300)
    table = pa.table({f"x{number}": numbers for number in range(10_000)})
    pq.write_table(table, tmp_path / "input", compression="zstd", use_dictionary=False)
    found = check(tmp_path / "input", tmp_path)
    assert found.code == 1
    assert "TOO_MANY_COLUMNS_PROVIDED" in error_or_nothing(tmp_path)
