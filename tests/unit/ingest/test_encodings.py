"""Bytes become valid UTF-8, whatever their encoding and wherever chunks are cut.

The rules: docs/spec/validation.md#5-text-decoding.
"""

from __future__ import annotations

import codecs
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.ingest import encodings


def decoded(data: bytes, encoding: str, cuts: list[int] | None = None) -> tuple[str, int]:
    decoder = encodings.decoder(encoding)
    borders = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    pieces = [decoder.decode(data[start:stop]) for start, stop in itertools.pairwise(borders)]
    pieces.append(decoder.decode(b"", final=True))
    for piece in pieces:
        piece.decode()  # every chunk is valid on its own
    return b"".join(pieces).decode(), decoder.replaced


CUTS = st.lists(st.integers(0, 1000), max_size=6)


@given(st.binary(max_size=60), CUTS)
def test_malformed_utf8_is_replaced_as_python_does(data: bytes, cuts: list[int]) -> None:
    text, replaced = decoded(data, encodings.UTF_8, cuts)
    assert text == data.decode("utf-8", "replace")
    assert replaced == text.count("\ufffd") - data.count("\ufffd".encode())


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), CUTS)
def test_well_formed_utf8_passes_unchanged(text: str, cuts: list[int]) -> None:
    assert decoded(text.encode(), encodings.UTF_8, cuts) == (text, 0)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), CUTS, st.booleans())
def test_utf16_loses_only_its_byte_order_mark(text: str, cuts: list[int], big: bool) -> None:
    encoding = encodings.UTF_16BE if big else encodings.UTF_16LE
    bom = codecs.BOM_UTF16_BE if big else codecs.BOM_UTF16_LE
    assert decoded(bom + text.encode(encoding), encoding, cuts) == (text, 0)


@pytest.mark.parametrize(
    ("data", "text", "replaced"),
    [
        (b"a\x00\x00\xd8", "a\ufffd", 1),
        (b"a\x00\x00\xd8\x41", "a\ufffd", 1),
        (b"a\x00\x41", "a\ufffd", 1),
        (b"\x00\xd8x\x00\x00\xdcy\x00", "\ufffdx\ufffdy", 2),
        (b"\x00\xd8\x00\xd8\x00\xdc", "\ufffd\U00010000", 1),
        (b"\xfd\xff", "\ufffd", 0),
    ],
)
def test_damaged_utf16(data: bytes, text: str, replaced: int) -> None:
    assert decoded(data, encodings.UTF_16LE) == (text, replaced)


@pytest.mark.parametrize(
    ("encoding", "data", "text"),
    [
        ("windows-1252", b"\x80\x81\x8d\x8f\x90\x9d\xe9", "€\x81\x8d\x8f\x90\x9dé"),
        ("windows-1255", b"\xca", "\u05ba"),
        ("windows-874", b"\x80\x81\xa1", "€\x81ก"),
        ("KOI8-U", b"\xae\xbe", "ўЎ"),
        ("GBK", b"\x80\xd6\xd0\xa6\xd9", "€中\ufe10"),
        ("Big5", b"\xa4\xa4\xa1\x45\x92\xaf\x92\xb2", "中‧兙兞"),
        ("EUC-JP", b"\xc6\xfc\xa1\xc1\xad\xa1\xf9\xa1", "日～①纊"),
        ("Shift_JIS", b"\x93\xfa\x87\x40", "日①"),
        ("EUC-KR", b"\xc7\xd1\x81\x41", "한갂"),
    ],
)
def test_legacy_text_is_decoded_as_browsers_do(encoding: str, data: bytes, text: str) -> None:
    assert decoded(data, encoding, [1, 3]) == (text, 0)


@pytest.mark.parametrize(
    ("encoding", "data", "text", "replaced"),
    [
        ("windows-1253", b"a\xffb", "a\ufffdb", 1),
        ("Shift_JIS", b"\xa0\xfd", "\ufffd\ufffd", 2),
        ("Shift_JIS", b"\x81\xadx", "\ufffdx", 1),
        ("EUC-KR", b"\x81\xffx\x81,", "\ufffdx\ufffd,", 2),
        ("Big5", b"\x81\x80,\x81,", "\ufffd,\ufffd,", 2),
        ("GBK", b"\x84\x39\x81\x30\xff", "\ufffd\ufffd", 2),
        ("EUC-JP", b"\x8f\xa1\xff\xa1", "\ufffd\ufffd", 2),
    ],
)
def test_malformed_legacy_text_is_replaced_and_counted(encoding: str, data: bytes, text: str, replaced: int) -> None:
    assert decoded(data, encoding) == (text, replaced)


MULTI_BYTE = {
    "GBK": "gbk", "Big5": "big5", "Shift_JIS": "shift_jis", "EUC-JP": "euc_jp", "EUC-KR": "euc_kr",
    "windows-1251": "cp1251", "ISO-8859-2": "iso8859_2", "IBM866": "cp866",
}  # fmt: skip


@given(st.sampled_from(sorted(MULTI_BYTE)), st.data())
def test_chunk_borders_do_not_matter(encoding: str, data: st.DataObject) -> None:
    raw = data.draw(st.binary(max_size=40) | st.text("日本漢字か中文한국ЖЩąé", max_size=20).map(
        lambda text: text.encode(MULTI_BYTE[encoding], "ignore")
    ))  # fmt: skip
    assert decoded(raw, encoding, data.draw(CUTS)) == decoded(raw, encoding)


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        ("café déjà vu", "latin-1", "windows-1252"),
        ("Привет мир как дела", "cp1251", "windows-1251"),
        ("Привет мир как дела", "koi8_u", "KOI8-U"),
        ("日本語のテストデータです", "shift_jis", "Shift_JIS"),
        ("中文测试数据我们的城市是北京", "gb18030", "GBK"),
    ],
)
def test_the_guess_is_spelled_as_in_reports(text: str, codec: str, name: str) -> None:
    assert encodings.guess(text.encode(codec)) == name
