"""An uploaded file seen from outside: its type, its text, its failure.

The rules: docs/spec/validation.md#21-file-level-errors, the sections from docs/spec/validation.md#4-file-type to
docs/spec/validation.md#6-containers, and docs/spec/validation.md#13-quirks-and-decisions.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.errors import InputMissing
from datalab.ingest import FileLevelError, ParquetMember, TextMember, open_input

BOM = b"\xef\xbb\xbf"
PNG = b"\x89PNG\r\n\x1a\n\0" + b"\1" * 60
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as target:
        for name, content in members:
            target.writestr(name, content)
    return buffer.getvalue()


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


TABLE = parquet(pa.table({"a": ["x", "y"]}))
BINARY_TABLE = parquet(pa.table({"a": [b"x"]}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "input"


def texts(path: Path, data: bytes, size: int = 8 << 20) -> list[bytes]:
    path.write_bytes(data)
    with open_input(path) as opened:
        return [b"".join(member.chunks(size)) for member in opened.members() if isinstance(member, TextMember)]


def failure(path: Path, data: bytes) -> FileLevelError:
    path.write_bytes(data)
    with pytest.raises(FileLevelError) as caught, open_input(path) as opened:
        for member in opened.members():
            list(member.chunks() if isinstance(member, TextMember) else member.batches())
    assert str(caught.value) == caught.value.code
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    ("data", "text", "bom_bytes"),
    [
        (b"a\n", b"a\n", 0),
        (BOM + b"a\n", b"a\n", 3),
        (BOM + BOM + b"a\n", BOM + b"a\n", 3),
        (BOM, b"", 3),
        (b"\xff\xfea\0", b"a", 0),
        (b"\xff\xfe\xff\xfea\0", b"a", 3),
        (b"\xff\xfe", b"", 0),
        (gzip.compress(BOM + b"a\n", mtime=0), b"a\n", 3),
        (gzip.compress(b"\xfe\xff\0a", mtime=0), b"a", 0),
        (gzip.compress(BOM + b"a\n", mtime=0) + gzip.compress(BOM + b"b\n", mtime=0), b"a\n" + BOM + b"b\n", 3),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1 << 20])
def test_one_byte_order_mark_is_removed(path: Path, data: bytes, text: bytes, bom_bytes: int, size: int) -> None:
    path.write_bytes(data)
    with open_input(path) as opened:
        (member,) = opened.members()
        assert isinstance(member, TextMember)
        assert b"".join(member.chunks(size)) == text
        assert opened.bom_bytes == bom_bytes
        assert opened.bytes_read == opened.size == len(data)


@pytest.mark.parametrize(
    ("members", "expected", "bom_bytes"),
    [
        ([b"a", b"b\n"], [b"a\n", b"b\n"], 0),
        ([b"a\r", b""], [b"a\r\n", b""], 0),
        ([BOM + b"a", BOM + b"b"], [b"a\n", b"b\n"], 0),
        ([BOM + BOM + b"a", BOM + BOM + b"b"], [b"a\n", BOM + b"b\n"], 3),
        ([BOM, BOM + BOM + b"b"], [b"", b"b\n"], 3),
        ([b"\xff\xfea\0", "é".encode(), "café".encode("latin-1")], [b"a\n", "é\n".encode(), "café\n".encode()], 0),
    ],
)
def test_zip_members_are_decoded_each_by_itself(
    path: Path, members: list[bytes], expected: list[bytes], bom_bytes: int
) -> None:
    path.write_bytes(archive(*((str(index), content) for index, content in enumerate(members))))
    with open_input(path) as opened:
        assert (opened.detected_file_type, opened.is_container) == ("application/zip", True)
        found = []
        for member, raw in zip(opened.members(), members, strict=True):
            assert isinstance(member, TextMember)
            found.append(b"".join(member.chunks()))
            assert member.line_end_added == (bool(found[-1]) and not raw.endswith((b"\n", b"\n\0")))
        assert found == expected
        assert opened.bom_bytes == bom_bytes


def test_parquet_members_stand_between_texts(path: Path) -> None:
    path.write_bytes(archive(("a", b"u"), ("p", TABLE), ("b", b"v\n"), method=zipfile.ZIP_STORED))
    with open_input(path) as opened:
        found: list[object] = []
        for member in opened.members():
            if isinstance(member, ParquetMember):
                found += [value for batch in member.batches() for value in batch.column(0).to_pylist()]
                assert member.text_bytes == 4
            else:
                found += member.chunks()
    assert found == [b"u\n", "x", "y", b"v\n"]


def test_a_parquet_file_is_one_member(path: Path) -> None:
    path.write_bytes(TABLE)
    with open_input(path) as opened:
        assert opened.detected_file_type == "application/vnd.apache.parquet"
        (member,) = opened.members()
        assert isinstance(member, ParquetMember)
        assert [batch.to_pydict() for batch in member.batches()] == [{"0": ["x", "y"]}]
        assert opened.bytes_read == opened.size


@pytest.mark.parametrize(
    ("data", "type_name", "guessed"),
    [
        (b"a\n", "text (ascii)", None),
        (b"", "text (unknown encoding)", None),
        ("café\n".encode("latin-1"), "text (windows-1252)", "windows-1252"),
        (gzip.compress(b"a\n", mtime=0), "text/gzip (ascii)", None),
        (gzip.compress(b"", mtime=0), "text/gzip (unknown encoding)", None),
        (gzip.compress("café\n".encode("latin-1")), "text/gzip (windows-1252)", "windows-1252"),
        (archive(("a", b"a\n"), ("b", "café\n".encode("latin-1"))), "application/zip", "windows-1252"),
        (archive(), "application/zip", None),
        (gzip.compress(b"PAR1,a\n", mtime=0), "text/gzip (ascii)", None),
    ],
)
def test_readable_files_are_named(path: Path, data: bytes, type_name: str, guessed: str | None) -> None:
    path.write_bytes(data)
    with open_input(path) as opened:
        assert (opened.detected_file_type, opened.encoding_guessed) == (type_name, guessed)
        assert opened.unchanged()


PLAIN = "Expected text/CSV, detected {}."
NESTED = "nested container (gzip/zip inside {}) is not supported"


@pytest.mark.parametrize(
    ("data", "code", "message", "type_name"),
    [
        (PNG, "INVALID_FILE_TYPE", PLAIN.format("'image/png'"), "image/png"),
        (b"a\0b,c,d,e,f", "INVALID_FILE_TYPE",
         "Expected text/CSV, detected binary content ('application/octet-stream'). "
         "The file may be corrupted or in an unsupported binary format.", "application/octet-stream"),
        (b"[1]", "INVALID_FILE_TYPE", PLAIN.format("'application/json'"), "application/json"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "INVALID_FILE_TYPE",
         "Expected text/CSV, detected Excel .xls. Please save the file as CSV and re-upload.",
         "application/vnd.ms-excel"),
        (archive(("[Content_Types].xml", b""), ("xl/a", b"")), "INVALID_FILE_TYPE",
         "Expected text/CSV, detected Excel .xlsx. Please save the file as CSV and re-upload.", SHEET),
        (gzip.compress(b"\0\1\2ab" * 9, mtime=0), "INVALID_FILE_TYPE",
         PLAIN.format("'application/gzip; inner=application/octet-stream'"),
         "application/gzip; inner=application/octet-stream"),
        (gzip.compress(archive()), "INVALID_FILE_TYPE", PLAIN.format(f"'application/gzip; inner={NESTED}'").format(
            "gzip"), f"application/gzip; inner={NESTED}".format("gzip")),
        (gzip.compress(TABLE, mtime=0), "INVALID_FILE_TYPE",
         "Detected gzip-compressed Parquet. Parquet cannot be read through a gzip stream "
         "— upload the .parquet file directly.", "application/gzip; inner=application/vnd.apache.parquet"),
        (archive(("a", b"u\n"), ("b.png", PNG)), "ZIP_DECODE_ERROR",
         "Zip member 'b.png' is not supported: image/png. Archive members must be CSV or parquet.",
         "application/zip"),
        (archive(("a", gzip.compress(b"", mtime=0))), "ZIP_DECODE_ERROR",
         f"Zip member 'a' is not supported: {NESTED}. Archive members must be CSV or parquet.".format("zip"),
         "application/zip"),
        (archive(("a", TABLE)), "ZIP_DECODE_ERROR",
         "Zip member 'a' is a parquet file compressed inside the archive; parquet requires random access. "
         "Re-create the zip with compression disabled (store), or upload the parquet directly.", "application/zip"),
        (archive(("a", BINARY_TABLE), ("b.png", PNG), method=zipfile.ZIP_STORED), "PARQUET_READ_ERROR",
         "Parquet column 'a' cannot be processed: un-annotated binary column (Binary) "
         "— re-export with UTF-8 string annotations (zip member 'a')", "application/zip"),
    ],
)  # fmt: skip
def test_file_level_failures(path: Path, data: bytes, code: str, message: str, type_name: str) -> None:
    found = failure(path, data)
    assert (found.code, found.message, found.detected_file_type) == (code, message, type_name)


def test_damage_of_any_member_comes_before_the_type_of_another(path: Path) -> None:
    data = bytearray(archive(("a.png", PNG), ("b", b"u\n"), method=zipfile.ZIP_STORED))
    data[data.index(b"u\n", 100)] = ord("x")
    assert "Invalid checksum" in failure(path, bytes(data)).message


def flipped(data: bytes) -> bytes:
    """Damage a byte far behind the sample."""
    place = len(data) * 9 // 10
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


LONG = b"".join(b"user%d,%d\n" % (number, random.Random(number).randrange(10**9)) for number in range(80_000))


@pytest.mark.parametrize(
    ("data", "code", "type_name"),
    [
        (gzip.compress(LONG, mtime=0)[:-1000], "GZIP_DECODE_ERROR", "application/gzip"),
        (gzip.compress(LONG, mtime=0) + bytes(9), "GZIP_DECODE_ERROR", "application/gzip"),
        (flipped(archive(("a", LONG))), "ZIP_DECODE_ERROR", "application/zip"),
        (archive(("a", LONG), method=0).replace(LONG[-9:], b"x" * 9), "ZIP_DECODE_ERROR", "application/zip"),
    ],
    ids=["cut gzip", "padded gzip", "deflated", "stored"],
)
def test_late_damage_fails_the_whole_file(path: Path, data: bytes, code: str, type_name: str) -> None:
    found = failure(path, data)
    assert (found.code, found.detected_file_type) == (code, type_name)


def test_a_gzip_is_parquet_only_if_it_ends_like_one(path: Path) -> None:
    text = b"PAR1,u\n" + LONG
    assert texts(path, gzip.compress(text, mtime=0)) == [text]
    assert failure(path, gzip.compress(text + b"PAR1", mtime=0)).code == "INVALID_FILE_TYPE"


def test_a_directory_has_no_type(tmp_path: Path) -> None:
    with pytest.raises(FileLevelError) as caught:
        open_input(tmp_path)
    assert (caught.value.code, caught.value.detected_file_type) == ("FILE_TYPE_DETECTION_FAILED", None)


def test_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(FileLevelError, match="FILE_TYPE_DETECTION_FAILED"):
        open_input(path)


def test_a_missing_file_is_no_report(path: Path) -> None:
    with pytest.raises(InputMissing):
        open_input(path)


def test_a_change_of_the_file_is_noticed(path: Path) -> None:
    path.write_bytes(b"a\n")
    with open_input(path) as opened:
        path.write_bytes(b"a\nb\n")
        assert not opened.unchanged()
        path.unlink()
        assert not opened.unchanged()


def test_replaced_characters_are_counted_and_a_second_reading_starts_anew(path: Path) -> None:
    path.write_bytes(b"a" * (1 << 20) + b"\xff\n\xff\n")
    with open_input(path) as opened:
        for _ in range(2):
            (member,) = opened.members()
            assert isinstance(member, TextMember)
            assert b"".join(member.chunks(1000)).endswith("a\ufffd\n\ufffd\n".encode())
            assert opened.replaced_characters == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.integers(1, 40), st.data())
def test_containers_give_back_the_text(path: Path, text: str, size: int, data: st.DataObject) -> None:
    raw = ("a," + text).encode()
    cut = data.draw(st.integers(0, len(raw)))
    try:
        plain = texts(path, raw, size)
    except FileLevelError:
        return  # too many control characters
    assert plain == [raw]
    assert texts(path, gzip.compress(raw[:cut], mtime=0) + gzip.compress(raw[cut:], mtime=0), size) == [raw]
    whole = raw if raw.endswith(b"\n") else raw + b"\n"
    assert texts(path, archive(("a", raw)), size) == [whole]
