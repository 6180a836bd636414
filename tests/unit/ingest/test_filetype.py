"""What a file is taken for, from its first mebibyte (docs/spec/validation.md#4-file-type)."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.ingest.filetype import SAMPLE_BYTES, Kind, classify
from datalab.ingest.json_prefix import is_json_prefix

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("data", "type_name"),
    [
        (b"", "text (unknown encoding)"),
        (b"u1,sport\n", "text (ascii)"),
        (b" \n", "text (ascii)"),
        (BOM, "text (utf-8)"),
        ("u1,é\n".encode(), "text (utf-8)"),
        ("u1,café\n".encode("latin-1"), "text (windows-1252)"),
        ("สวัสดีชาวโลกนี่คือการทดสอบการเข้ารหัส\n".encode("cp874"), "text (windows-874)"),
        ("中文测试数据我们的城市\n".encode("gbk"), "text (GBK)"),
        (b"\xff\xfeu\x001\x00", "text (UTF-16LE)"),
        (b"\xfe\xff\x00u\x001", "text (UTF-16BE)"),
        (b"u\x001\x00\n\x00", "text (UTF-16LE)"),
        (b"\x00u\x001\x00\n", "text (UTF-16BE)"),
        (b"GIF89a,u1\n", "text (ascii)"),
        (b"%PDF-1.4,u1\n", "text (ascii)"),
        (b"PK,u1\n", "text (ascii)"),
    ],
)
def test_text_is_named_by_its_encoding(data: bytes, type_name: str) -> None:
    found = classify(data, complete=True)
    assert (found.kind, found.type_name) == (Kind.TEXT, type_name)


@pytest.mark.parametrize(
    ("data", "kind", "type_name"),
    [
        (b"\x1f\x8b", Kind.GZIP, "application/gzip"),
        (b"PK\x03\x04", Kind.ZIP, "application/zip"),
        (b"PK\x05\x06", Kind.ZIP, "application/zip"),
        (b"PK\x07\x08", Kind.ZIP, "application/zip"),
        (b"\x89PNG\r\n\x1a\n\x00", Kind.BINARY, "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x00", Kind.BINARY, "image/jpeg"),
        (b"%PDF-1.7\x00", Kind.BINARY, "application/pdf"),
        (b"%PDF-1.8\x00", Kind.BINARY, "application/octet-stream"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), Kind.BINARY, "application/vnd.ms-excel"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", Kind.BINARY, "application/x-7z-compressed"),
        (b"Rar!\x1a\x07\x01\x00", Kind.BINARY, "application/vnd.rar"),
        (b"ARROW1\x00\x00", Kind.BINARY, "application/vnd.apache.arrow.file"),
        (b"u1,a\x00b,c,d,e", Kind.BINARY, "application/octet-stream"),
        (b'{"a": 1}', Kind.JSON, "application/json"),
    ],
)
def test_what_is_not_text(data: bytes, kind: Kind, type_name: str) -> None:
    found = classify(data, complete=True)
    assert (found.kind, found.type_name) == (kind, type_name)


def test_exactly_a_tenth_of_control_characters_is_still_text() -> None:
    assert classify(b"\x01" + b"a" * 9, complete=True).kind is Kind.TEXT
    assert classify(b"\x01" + b"a" * 8, complete=True).kind is Kind.BINARY
    assert classify(b"\t\v\f\r\n\x1b" * 9, complete=True).kind is Kind.TEXT


def test_a_character_cut_by_the_sample_is_fine_only_where_the_file_goes_on() -> None:
    data = b"u1," + "é".encode()[:1]
    assert classify(data, complete=False).type_name == "text (utf-8)"
    assert classify(data, complete=True).type_name != "text (utf-8)"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PAR1", Kind.PARQUET),
        (b"PAR1,u1,PAR1", Kind.PARQUET),
        (b"PAR1,u1\n", Kind.TEXT),
        (b"PAR1\x00\x01\x02\x03\x04\x05\x06\x07", Kind.PARQUET),
    ],
)
def test_par1_is_parquet_if_it_also_ends_so_or_is_no_text(data: bytes, kind: Kind) -> None:
    assert classify(data, complete=True).kind is kind


def test_the_ending_is_asked_for_only_when_the_sample_does_not_show_it() -> None:
    sample = b"PAR1,".ljust(SAMPLE_BYTES, b"a")
    assert classify(sample, complete=False, ending=lambda: b"PAR1").kind is Kind.PARQUET
    assert classify(sample, complete=False, ending=lambda: b"aaaa").kind is Kind.TEXT


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[1,2",
        b'{"a":',
        b'["\\u12',
        b"[tru",
        b"[-",
        b"[1.",
        b"[1e+",
        b'["\\',
        b"\t\r\n [",
        b"[] ",
        b"[" * 127,
        b'["\\ud800\\u',
        b'["\\ud83d\\ude00"]',
        b"[1e-400]",
        b'["\xc3',
        b"[1" + b"0" * 309 + b".",
    ],
)
def test_json_and_its_beginnings(data: bytes) -> None:
    assert is_json_prefix(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1",
        b'"a"',
        b"[1,]",
        b'{"a":1},x',
        b"[]\n[]",
        b"[01",
        b"[+1]",
        b"[NaN]",
        b"[1e400",
        b"[" * 128,
        b'["\\ud800"]',
        b'["\\udc00',
        b'["\\ud800x',
        b'["\n',
        b"['",
        b"[1 2",
        b"[,",
        b"{1",
        b'["caf\xe9"]',
        b"[]\x0c",
        b"[" + b"9" * 400,
        BOM + b"[1]",
    ],
)
def test_not_json(data: bytes) -> None:
    assert not is_json_prefix(data)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(st.lists(VALUES) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES), st.data())
def test_every_beginning_of_a_document_is_json(value: object, data: st.DataObject) -> None:
    ascii_only = data.draw(st.booleans())
    indent = data.draw(st.sampled_from([None, 1]))
    document = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    cut = data.draw(st.integers(1, len(document)))
    assert is_json_prefix(document[:cut])


@given(st.text('[]{},:"\\ \n\t019.eE+-truefalsn/u', max_size=12))
def test_whole_documents_agree_with_python(tail: str) -> None:
    def reject(_: str) -> float:
        raise ValueError

    def finite(text: str) -> float:
        number = float(text)
        if math.isinf(number):
            raise ValueError
        return number

    document = "[" + tail
    try:
        json.loads(document, parse_constant=reject, parse_float=finite)
    except ValueError:
        complete = False
    else:
        complete = True
    # A prefix is accepted too, so only one direction holds for what Python refuses.
    if complete:
        assert is_json_prefix(document.encode())
    # After a document inside an array, no continuation can make it a single value.
    assert is_json_prefix(b"[]" + document.encode()) is False
