"""Random hostile files: the production code and the slow model of `tests.reference` give the same report and rows.

Run longer with `pytest tests/conformance/test_differential.py --hypothesis-profile=thorough`.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import math
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from datalab.ingest.records import Records, read_block
from datalab.ingest.split import Block, Quoting, Splitter
from datalab.ingest.text import TextMember
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.validation.stream import validate
from tests.conformance.compare import report_differences
from tests.reference import Row, as_zip_member, read_records, reference_report
from tests.strategies import HostileFile, identifier_files, is_plain_text, plain_files

BOM = codecs.BOM_UTF8
CHUNK_SIZES = [1, 3, 7, 1000]


def lab_of(file: HostileFile) -> LabDefinition:
    keys: dict[str, Any] = {"dropInvalidRows": file.drop_invalid_rows}
    keys["identifiersConfig"] = [{"idName": "userId", "idType": "STRING", "isMatchingId": True}]
    if file.dataset == "identifiers":
        keys |= {"identifiersConfig": file.identifiers, "numIdentifiersColumns": file.num_columns}
    if file.dataset == "embeddings":
        keys["numEmbeddings"] = file.num_columns - 2
    return LabDefinition.model_validate(keys)


@contextmanager
def chunks_of(size: int | None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if size is not None:
            patch.setattr(TextMember.chunks, "__defaults__", (size,))
        yield


def assert_agreement(
    file: HostileFile,
    chunk: int | None = None,
    *,
    packed: bytes | None = None,
    members: list[bytes] | None = None,
    file_type: str | None = None,
) -> None:
    """Check `file`, or the container `packed` with its text or `members` inside."""
    expected, expected_rows = reference_report(
        file.text if members is None else members,
        file.dataset,
        num_columns=file.num_columns,
        identifiers=file.identifiers,
        drop_invalid_rows=file.drop_invalid_rows,
        detected_file_type=file_type,
        size=len(file.text) if packed is None else None,
    )
    with tempfile.TemporaryDirectory() as folder, chunks_of(chunk):
        path, rows = Path(folder, "input"), Path(folder, "valid.parquet")
        path.write_bytes(file.text if packed is None else packed)
        kept = Path(folder, "invalid.parquet")
        kind = DatasetKind(file.dataset)
        report = validate(path, kind, lab_of(file), valid_rows=rows, invalid_rows=kept).report
        assert not report_differences(expected, json.loads(report.model_dump_json(by_alias=True)))
        assert [signed(row) for row in expected_rows] == [signed(row) for row in rows_of(rows)]
        plain = [file.text.decode("utf-8", "replace")]
        texts = plain if members is None else [as_zip_member(part.decode("utf-8", "replace")) for part in members]
        assert_invalid_rows(file, expected, kept, texts)


def assert_invalid_rows(file: HostileFile, expected: dict[str, Any], kept: Path, texts: list[str]) -> None:
    """Check that the kept rows are those that the report counts, with the fields of their records."""
    found = pq.read_table(kept).to_pylist()
    report = expected["report"]
    reasons = Counter(reason for row in found for reason in row["reasons"].split())
    assert reasons == Counter(report["numInvalidRowsByErrorCode"])
    numbers = [row["row"] for row in found]
    assert numbers == sorted(set(numbers))
    records = read_records(texts)[0]
    for row in found:
        fields = records[row["row"]]
        if row["record"] is not None:
            assert next(csv.reader(io.StringIO(row["record"], newline=""))) == fields
        elif file.dataset == "identifiers":
            assert (row["values"][0] or "", row["values"][2] or "") == (fields[0], fields[-1])
        elif file.dataset != "embeddings" or row["reasons"] != "DUPLICATE_VALUES":
            assert [value or "" for value in row["values"]] == fields


def rows_of(path: Path) -> list[Row]:
    table = pq.read_table(path)
    return [list(row) for row in zip(*table.to_pydict().values(), strict=True)]


def signed(row: Row) -> list[Any]:
    """The row, with a different value for a negative zero."""
    return [(value, math.copysign(1, value)) if isinstance(value, float) else value for value in row]


@given(plain_files(), st.sampled_from([None, *CHUNK_SIZES]))
def test_segments_demographics_and_embeddings_agree_with_the_model(file: HostileFile, chunk: int | None) -> None:
    assume(is_plain_text(file.text))
    assert_agreement(file, chunk)


@given(identifier_files(), st.sampled_from([None, *CHUNK_SIZES]))
def test_identifiers_agree_with_the_model(file: HostileFile, chunk: int | None) -> None:
    assume(is_plain_text(file.text))
    assert_agreement(file, chunk)


def any_text() -> st.SearchStrategy[tuple[bytes, int]]:
    """A hostile text and the width that its rows should have."""
    return st.one_of(plain_files(), identifier_files()).map(lambda file: (file.text, file.num_columns))


def soup() -> st.SearchStrategy[tuple[bytes, int]]:
    """A text of nothing but the characters that matter to a reader of CSV."""
    characters = st.sampled_from(['"', '"', ",", ";", "\n", "\r", "\r\n", "a", " ", "\u2028", "\ufeff"])
    texts = st.lists(characters, max_size=40).map(lambda parts: "".join(parts).encode())
    return st.tuples(texts, st.integers(1, 3))


def blocks_of(text: bytes, chunk: int) -> list[Block]:
    pieces = (text[start : start + chunk] for start in range(0, len(text), chunk))
    return list(Splitter().split(iter(whole_characters(pieces))))


def whole_characters(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, cut where characters end, as decoders give them."""
    held = b""
    for piece in pieces:
        held += piece
        try:
            held.decode()
        except UnicodeDecodeError:
            continue
        yield held
        held = b""
    if held:
        yield held


def in_order(blocks: list[Records], width: int) -> list[Any]:
    """Every record of the blocks in order: its fields when it has the right width, else what is wrong with it."""
    found: list[Any] = []
    for records in blocks:
        kinds: dict[int, Any] = dict.fromkeys(records.too_narrow.tolist(), "narrow")
        kinds |= dict.fromkeys(records.too_wide.tolist(), "wide")
        indexes = range(records.rows.num_rows) if records.indexes is None else records.indexes.tolist()
        rows = [tuple(row[str(column)] for column in range(width)) for row in records.rows.to_pylist()]
        kinds |= dict(zip(indexes, rows, strict=True))
        assert sorted(kinds) == list(range(records.count))
        found += [kinds[index] for index in range(records.count)]
    return found


def expected_records(text: bytes, width: int) -> list[Any]:
    records, _, _ = read_records([text.decode()])
    return [
        tuple(value or None for value in record)
        if len(record) == width
        else ("narrow" if len(record) < width else "wide")
        for record in records
    ]


@given(st.one_of(any_text(), soup()))
def test_records_do_not_depend_on_where_chunks_end(case: tuple[bytes, int]) -> None:
    text, width = case
    assume(not text.lstrip(b"\r\n").startswith(BOM))  # the mark is gone before a text is split
    expected = expected_records(text, width)
    for chunk in CHUNK_SIZES:
        assert in_order([read_block(block, width) for block in blocks_of(text, chunk)], width) == expected, chunk


@given(st.one_of(any_text(), soup()))
@example((b'"a""b",c\r\n,\n', 2))
@example((b'""\n', 1))
@example((b"a;b\na;b,c\n", 1))
def test_the_fast_and_the_exact_reader_agree_wherever_both_apply(case: tuple[bytes, int]) -> None:
    text, width = case
    for chunk in (7, 1000):
        for block in blocks_of(text, chunk):
            if block.quoting is Quoting.IRREGULAR:
                continue
            exact_block = replace(block, quoting=Quoting.IRREGULAR)
            fast, exact = (read_block(one, width, count_text=True) for one in (block, exact_block))
            assert in_order([fast], width) == in_order([exact], width)
            assert (fast.one_column, fast.foreign_separator) == (exact.one_column, exact.foreign_separator)
            assert fast.text_bytes == exact.text_bytes


@given(plain_files(max_rows=6))
def test_counted_text_does_not_depend_on_where_chunks_end(file: HostileFile) -> None:
    """What 7.5 counts for files in containers."""
    assume(BOM not in file.text)
    _, size, _ = read_records([file.text.decode()])
    for chunk in CHUNK_SIZES:
        counted = [read_block(block, 2, count_text=True).text_bytes for block in blocks_of(file.text, chunk)]
        assert sum(counted) == size, chunk


def zipped(members: list[bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.csv", member)
    return buffer.getvalue()


@given(plain_files(max_rows=8), st.lists(plain_files(max_rows=5), max_size=2), st.sampled_from([None, 1, 7]))
@example(HostileFile(b"\xef\xbb\xbf\xef\xbb\xbf,\n", "segments", 2), [], None)
def test_zip_archives_agree_with_the_model(file: HostileFile, more: list[HostileFile], chunk: int | None) -> None:
    members = [file.text, *(other.text for other in more)]
    assume(all(is_plain_text(member) for member in members))
    assert_agreement(file, chunk, packed=zipped(members), members=members, file_type="application/zip")


@given(st.one_of(plain_files(), identifier_files()), st.sampled_from([None, 1, 7]))
def test_gzip_files_agree_with_the_model(file: HostileFile, chunk: int | None) -> None:
    assume(is_plain_text(file.text))
    encoding = "ascii" if file.text.isascii() else "utf-8"
    file_type = f"text/gzip ({encoding if file.text else 'unknown encoding'})"
    assert_agreement(file, chunk, packed=gzip.compress(file.text), file_type=file_type)
