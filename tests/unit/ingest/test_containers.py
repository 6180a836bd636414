"""What comes out of gzip streams and zip archives, whole or damaged (docs/spec/validation.md#6-containers)."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.ingest import zip_directory
from datalab.ingest.containers import ZipArchive, gunzip
from datalab.ingest.failures import FileLevelError

DEFLATED = zipfile.ZIP_DEFLATED


def archive(*members: tuple[str, bytes] | tuple[str, bytes, int], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content, *method in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method[0] if method else zipfile.ZIP_STORED
            with target.open(info, "w") as member:
                member.write(content)
        target.comment = comment
    return buffer.getvalue()


def patched(data: bytes, offset: int, value: bytes, *, entry: int = 0) -> bytes:
    """Overwrite a field of an entry of the central directory."""
    place = -1
    for _ in range(entry + 1):
        place = data.index(b"PK\x01\x02", place + 1)
    place += offset
    return data[:place] + value + data[place + len(value) :]


def contents(path: Path, data: bytes, size: int = 1 << 20) -> list[tuple[str, bytes]]:
    path.write_bytes(data)
    opened = ZipArchive(path)
    try:
        return [(entry.name, b"".join(opened.read(entry, size))) for entry in opened.data_members()]
    finally:
        opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "input"


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.sampled_from([1, 7, 1000]))
def test_members_of_a_gzip_are_read_one_after_the_other(members: list[bytes], size: int) -> None:
    stream = io.BytesIO(b"".join(map(gzip.compress, members)))
    pieces = list(gunzip(stream.read, size))
    assert b"".join(pieces) == b"".join(members)
    assert all(len(piece) >= size for piece in pieces[:-1])


@given(st.binary(min_size=1, max_size=100), st.data())
def test_a_gzip_that_is_cut_anywhere_is_damaged(content: bytes, data: st.DataObject) -> None:
    whole = gzip.compress(content)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(FileLevelError, match=r"^GZIP_DECODE_ERROR$"):
        list(gunzip(io.BytesIO(whole[:cut]).read, 100))


@pytest.mark.parametrize("garbage", [b"\0" * 20, b"x", b"\x1f\x8b"])
def test_nothing_but_members_may_follow_in_a_gzip(garbage: bytes) -> None:
    with pytest.raises(FileLevelError) as failure:
        list(gunzip(io.BytesIO(gzip.compress(b"u1\n") + garbage).read, 100))
    assert failure.value.detected_file_type == "application/gzip"


def test_a_wrong_checksum_of_a_gzip_is_found() -> None:
    whole = gzip.compress(b"u1,s1\n")
    with pytest.raises(FileLevelError):
        list(gunzip(io.BytesIO(whole[:-8] + b"0000" + whole[-4:]).read, 100))


def test_a_bomb_is_inflated_piece_by_piece() -> None:
    pieces = gunzip(io.BytesIO(gzip.compress(bytes(50 << 20))).read, 1 << 20)
    assert all(len(piece) <= 2 << 20 for piece in pieces)


def test_zip_members_come_in_the_order_of_the_directory(path: Path) -> None:
    data = archive(("b.csv", b"1\n", DEFLATED), ("d/", b""), ("a.txt", b"2\n"), ("empty", b"", DEFLATED))
    assert contents(path, data) == [("b.csv", b"1\n"), ("a.txt", b"2\n"), ("empty", b"")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_members_with_the_same_name_the_last_one_counts_in_its_place(path: Path) -> None:
    data = archive(("a", b"1\n"), ("b", b"2\n"), ("a", b"3\n"))
    assert contents(path, data) == [("b", b"2\n"), ("a", b"3\n")]


def test_what_macos_adds_is_ignored(path: Path) -> None:
    data = archive(("__MACOSX/._a", b"\0"), ("a", b"1\n"), (".DS_Store", b"\0"), ("x/.DS_Store", b"\0"))
    assert contents(path, data) == [("a", b"1\n")]


@pytest.mark.parametrize(
    "data",
    [
        archive(("a", b"1\n")) + b"junk" * 30_000,
        archive(("a", b"1\n"), comment=b"about PK\x05\x06 and more"),
        b"PK\x07\x08" + archive(("a", b"1\n")),
        b"PK\x03\x04 not an entry" + archive(("a", b"1\n")),
    ],
    ids=["trailing bytes", "signature in the comment", "spanning marker", "bytes in front"],
)
def test_an_archive_is_found_in_what_surrounds_it(path: Path, data: bytes) -> None:
    assert contents(path, data) == [("a", b"1\n")]


def test_names_are_decoded_by_their_flag(path: Path) -> None:
    assert contents(path, archive(("é.csv", b"")))[0][0] == "é.csv"
    assert contents(path, archive(("qq.csv", b"")).replace(b"qq.csv", b"\x82\xff.csv"))[0][0] == "é\xa0.csv"


def test_large_archives_have_wide_fields(path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", DEFLATED) as target, target.open("a", "w", force_zip64=True) as member:
        member.write(b"1\n")
    data = buffer.getvalue()
    start = data.index(b"PK\x01\x02")
    assert contents(path, data) == [("a", b"1\n")]
    # The same entry with its sizes moved into the extra field.
    sizes = struct.unpack_from("<2L", data, start + 20)
    extra = struct.pack("<2H2Q", 1, 16, sizes[1], sizes[0])
    end = data.index(b"PK\x05\x06")
    central = bytearray(data[start:end])
    central[20:28] = b"\xff" * 8
    central[30:32] = struct.pack("<H", len(extra))
    central[47:47] = extra
    tail = bytearray(data[end:])
    tail[12:16] = struct.pack("<L", len(central))
    assert contents(path, data[:start] + bytes(central) + bytes(tail)) == [("a", b"1\n")]


def zstandard(content: bytes) -> bytes:
    """Return an archive with one member of method 93; Python's zipfile cannot write it."""
    packed = pa.Codec("zstd").compress(content, asbytes=True)
    data = archive(("a", packed))
    data = patched(data, 10, struct.pack("<H", 93))
    data = patched(data, 16, struct.pack("<L", zlib.crc32(content)))
    return patched(data, 24, struct.pack("<L", len(content)))


def test_zstandard_members_are_read(path: Path) -> None:
    content = b"".join(b"u%d,s\n" % number for number in range(50_000))
    assert contents(path, zstandard(content), size=1000) == [("a", content)]


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        archive(("a", b"1\n"))[:-3],
        archive(("a", b"1\n" * 50))[:60],
        patched(archive(("a", b"1\n")), 8, b"\x01"),
        patched(archive(("d/", b"")), 8, b"\x01"),
        patched(archive(("a", b"1\n")), 10, b"\x0c"),
        patched(archive(("a", b"1\n")), 16, b"\0\0\0\0"),
        patched(archive(("a", b"1\n", DEFLATED)), 16, b"\0\0\0\0"),
        patched(archive(("a", b"1\n", DEFLATED)), 20, b"\x02"),
        patched(archive(("a", b"1\n")), 20, b"\x01"),
        patched(archive(("a", b"1\n")), 20, b"\xff\xff\0\0\xff\xff\0\0"),
        patched(archive(("a", b"1\n")), 42, b"\xff\xff\xff\x7f"),
        patched(zstandard(b"1\n" * 99), 20, b"\x09"),
    ],
    ids=["no directory", "cut directory", "cut data", "encrypted", "encrypted directory", "method", "checksum",
         "deflate checksum", "cut deflate", "sizes differ", "beyond the end", "no local header", "cut zstandard"],
)  # fmt: skip
def test_what_cannot_be_read_is_a_zip_error(path: Path, data: bytes) -> None:
    with pytest.raises(FileLevelError, match=r"^ZIP_DECODE_ERROR$") as failure:
        contents(path, data)
    assert failure.value.message.startswith("Could not read the uploaded zip archive: ")


def refused(path: Path, data: bytes) -> str:
    with pytest.raises(FileLevelError, match=r"^ZIP_DECODE_ERROR$") as failure:
        contents(path, data)
    return failure.value.message


def test_members_that_share_bytes_are_refused(path: Path) -> None:
    """Fifty names for one body would be read fifty times; a part of a body is one too."""
    members = [(f"{number:02}", b"u1,s1\n" * 100) for number in range(50)]
    data = archive(*members)
    first = struct.pack("<L", 0)
    for entry in range(1, 50):
        data = patched(data, 42, first, entry=entry)
    assert "Zip entries '00' and '01' share bytes" in refused(path, data)
    inside = archive(("a", archive(("b", b"1\n"))[:33]), ("b", b"1\n"))
    assert contents(path, inside), "what is stored in a member is its content"
    assert "'a' and 'b' share bytes" in refused(path, patched(inside, 42, struct.pack("<L", 31), entry=1))


def many(count: int, *, extra: bytes = b"") -> bytes:
    """An archive of empty members."""
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, *(0,) * 8, len(extra), 0, 0, 0, 0, 0)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(entry + extra) * count, 30)
    data = local + (entry + extra) * count
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(data), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data + wide + locator + end


def test_ten_thousand_members_are_read_and_no_more(path: Path) -> None:
    assert len(contents(path, many(10_000))) == 1, "all have one name"
    assert "It has 10,001 members, more than 10,000" in refused(path, many(10_001))
    claimed = many(4).replace(struct.pack("<2Q", 4, 4), struct.pack("<2Q", 4 << 30, 4 << 30))
    assert "more than 10,000" in refused(path, claimed)


def test_a_directory_has_a_longest_size(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = many(100, extra=struct.pack("<2H", 9, 19_996) + bytes(19_996))
    assert len(contents(path, data)) == 1
    monkeypatch.setattr(zip_directory, "ZIP_DIRECTORY_BYTES", 1 << 20)
    assert "Its directory is longer than 1 MiB" in refused(path, data)


def test_an_archive_with_a_wrong_size_of_inflated_data_is_read(path: Path) -> None:
    assert contents(path, patched(archive(("a", b"1\n", DEFLATED)), 24, b"\x30")) == [("a", b"1\n")]


@pytest.mark.parametrize(
    ("names", "ending"),
    [
        (["[Content_Types].xml", "xl/workbook.xml"], "spreadsheetml.sheet"),
        (["word/document.xml", "[Content_Types].xml"], "wordprocessingml.document"),
        (["[Content_Types].xml", "ppt/"], "presentationml.presentation"),
        (["xl/workbook.xml"], None),
        (["[Content_Types].xml", "a/xl/b"], None),
    ],
)
def test_office_documents_are_known_by_names(path: Path, names: list[str], ending: str | None) -> None:
    path.write_bytes(archive(*((name, b"") for name in names)))
    opened = ZipArchive(path)
    found = opened.office_type()
    opened.close()
    assert (found is None) if ending is None else str(found).endswith(ending)
