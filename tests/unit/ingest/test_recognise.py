"""What files are recognised as: every kind of file, and that nothing is certain and wrong."""

from __future__ import annotations

import gzip
import io
import random
import time
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalab.id_types import IdType
from datalab.ingest.recognise import Container, FileFacts, Form, NoDataset, recognise, recognise_file, words
from datalab.ingest.recognise.read import SAMPLE_BYTES
from datalab.kinds import DatasetKind
from tests.recognised_files import INTERESTS, made_files, rows_of, text_of

SEEDS = 5
DRAW = random.Random(13)
USERS = [f"usr{number}x" for number in range(100)]
HASHES = [f"{DRAW.getrandbits(256):064x}" for _ in USERS]


def whole(content: str | bytes) -> FileFacts:
    return recognise(content.encode() if isinstance(content, str) else content, is_whole=True)


def lines(*columns: list[str], separator: str = ",") -> str:
    return text_of([list(row) for row in zip(*columns, strict=True)], separator)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_two_hundred_files_are_recognised() -> None:
    wrong = []
    certain_and_wrong = []
    files = [made for seed in range(SEEDS) for made in made_files(seed)]
    assert len(files) == 200
    for made in files:
        facts = whole(made.content)
        if (facts.kind, facts.separator, facts.headers) != (made.kind, made.separator, made.headers):
            wrong.append((made.name, made.kind, facts.kind, facts.possible, facts.separator, facts.headers))
            certain_and_wrong += [made.name] if facts.kind not in (None, made.kind) else []
    assert not certain_and_wrong
    assert len(wrong) <= 4, wrong


ARRAYS = lines(USERS, ['["sport", "food"]'] * 100)
VECTORS = lines(USERS, ["news"] * 100, ["[0.5, -1, 2e-3]"] * 100)
WIDE = "userId,email,maid\n" + lines(
    USERS, [f"{user}@example.com" for user in USERS], ["4f1c2e7a-8b3d-4c5e-9f60-1a2b3c4d5e6f"] * 50 + [""] * 50
)


@pytest.mark.parametrize(
    ("content", "kind", "form"),
    [
        (ARRAYS, DatasetKind.SEGMENTS, Form.ARRAYS),
        (VECTORS, DatasetKind.EMBEDDINGS, Form.ARRAYS),
        (WIDE, DatasetKind.IDENTIFIERS, Form.WIDE),
        (lines(USERS, USERS), DatasetKind.IDENTIFIERS, Form.ROWS),
        (lines(USERS, HASHES), DatasetKind.IDENTIFIERS, Form.ROWS),
    ],
)
def test_forms(content: str, kind: DatasetKind, form: Form) -> None:
    facts = whole(content)
    assert (facts.kind, facts.form) == (kind, form)


@pytest.mark.parametrize(
    ("content", "possible"),
    [
        pytest.param(lines(USERS, [f"Name {number}" for number in range(100)]), "segments", id="one value per user"),
        pytest.param(lines(USERS, [f"crm{number}" for number in range(100)]), "identifiers", id="ids of any text"),
        pytest.param(lines(USERS, [f"hh-{number // 2}" for number in range(100)]), "identifiers", id="household ids"),
        pytest.param(lines(USERS, HASHES[:5] * 20), "segments", id="hashed names of segments"),
        pytest.param(lines(USERS, ["25-34", "35-44"] * 50), "demographics", id="ages only"),
        pytest.param(
            lines(USERS, INTERESTS * 10, [f"2026-11-{day % 30 + 1:02}" for day in range(100)]), "segments", id="a date"
        ),
        pytest.param(lines(USERS, INTERESTS * 10, [str(10**9 + n * n) for n in range(100)]), "segments", id="a time"),
        pytest.param(lines(INTERESTS * 10, USERS), "segments", id="columns in another order"),
        pytest.param(lines(USERS, ["DE", "FR"] * 50, ["3", "7"] * 50, ["12", "40"] * 50), "embeddings", id="counts"),
        pytest.param("\n".join(INTERESTS * 10), None, id="names only"),
        pytest.param("<html>\n<body>\n<p>a, b</p>\n<p>c, d</p>\n</body>\n", None, id="HTML"),
        pytest.param("".join(f'{{"userId": "{user}", "segment": "sport"}}\n' for user in USERS), None, id="JSON lines"),
        pytest.param("".join(f"{user}:sport\n" for user in USERS), None, id="another separator"),
        pytest.param("".join(f"{user}  sport  \n" for user in USERS), None, id="columns of fixed width"),
        pytest.param('[{"user": 1}, {"user": 2}]', None, id="JSON"),
        pytest.param(lines(USERS[:40], USERS[:40]) + "x\n" * 10, "identifiers", id="many rows of another width"),
    ],
)
def test_what_is_not_sure(content: str, possible: str | None) -> None:
    facts = whole(content)
    assert facts.kind is None
    assert possible is None or DatasetKind(possible) in facts.possible


XLSX = zipped({"docProps/app.xml": b"<a/>", "xl/workbook.xml": b"<a/>", "[Content_Types].xml": b"<a/>"})


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", NoDataset.EMPTY),
        (b"\n \r\n", NoDataset.EMPTY),
        (gzip.compress(b""), NoDataset.EMPTY),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", NoDataset.PICTURE),
        (b"\xff\xd8\xff\xe1\x00\x18Exif\0\0", NoDataset.PICTURE),
        (b"GIF89a\x01\0", NoDataset.PICTURE),
        (b"RIFF\x24\0\0\0WEBPVP8 ", NoDataset.PICTURE),
        (b"%PDF-1.7\n%\xe2\xe3", NoDataset.PDF),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), NoDataset.SPREADSHEET),
        (XLSX, NoDataset.SPREADSHEET),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}, 0), NoDataset.SPREADSHEET),
        (gzip.compress(b"\x89PNG\r\n\x1a\n\0\0"), NoDataset.PICTURE),
        (b"u1,sport\n\0\0u2,food\n", NoDataset.BINARY),
    ],
)
def test_what_is_no_dataset(content: bytes, found: NoDataset) -> None:
    facts = whole(content)
    assert (facts.no_dataset, facts.kind, facts.columns) == (found, None, 0)
    assert found.is_refused is (found is not NoDataset.BINARY)


def test_a_spreadsheet_is_seen_in_the_first_part() -> None:
    assert recognise(XLSX[:200], is_whole=False).no_dataset is NoDataset.SPREADSHEET


@pytest.mark.parametrize("content", [b"PDF,u1\nGIF,u2\n", b"BM,x\nMM,y\n", "ÿØÿ,x\n".encode(), b"II*,x\n"])
def test_text_is_no_picture(content: bytes) -> None:
    assert whole(content).no_dataset is None


def test_the_first_part_of_parquet_and_zip_does_not_show_columns() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": USERS, "b": INTERESTS * 10}), file)
    for content, container in (
        (file.getvalue(), Container.PARQUET),
        (zipped({"a.csv": lines(USERS, HASHES).encode()}), Container.ZIP),
    ):
        first = recognise(content[: len(content) // 2], is_whole=False)
        assert (first.container, first.is_whole, first.columns, first.kind) == (container, False, 0, None)
        assert recognise_file(io.BytesIO(content)).facts.columns == 2


def test_a_zip_archive_is_what_its_first_member_is() -> None:
    facts = whole(zipped({"part-1.csv": lines(USERS, HASHES).encode(), "part-2.csv": b"\n"}))
    assert (facts.container, facts.kind, facts.records) == (Container.ZIP, DatasetKind.IDENTIFIERS, 100)
    assert whole(zipped({"holiday.png": b"\x89PNG\r\n\x1a\n\0"})).no_dataset is NoDataset.PICTURE


def test_encodings_separators_and_repeated_headers() -> None:
    body = lines([user for user in USERS for _ in (0, 1)], INTERESTS * 20, separator=";")
    facts = whole(f"sep=;\r\nUser ID;Segment\n{body}User ID;Segment\n{body}".encode("windows-1252"))
    assert (facts.encoding, facts.encoding_is_guessed) == ("windows-1252", True)
    assert (facts.separator, facts.separator_line, facts.headers, facts.records) == (";", True, 2, 402)
    assert facts.kind is DatasetKind.SEGMENTS


def test_decimal_commas_between_semicolons() -> None:
    facts = whole(lines(USERS, ["news"] * 100, *[["0,25", "-1,5"] * 50] * 6, separator=";"))
    assert (facts.separator, facts.columns, facts.kind) == (";", 8, DatasetKind.EMBEDDINGS)
    assert facts.column_facts[2].types == {"decimalComma": 1.0}


def test_a_bar_in_user_ids_separates_nothing() -> None:
    facts = whole(lines([f"auth0|{user}" for user in USERS for _ in (0, 1)], INTERESTS * 20))
    assert (facts.separator, facts.columns) == (",", 2)


def test_a_long_name_in_the_first_row_does_not_take_long() -> None:
    start = time.process_time()
    whole(lines(["id" * 19 + "!" * 2, *USERS[1:]], ["segment" + "1" * 31 + "?", *INTERESTS * 9, *INTERESTS[1:]]))
    whole(lines(["usersnumber" * 3 + "ö", *USERS[1:]], ["emailidnummer" * 3, *INTERESTS * 9, *INTERESTS[1:]]))
    assert time.process_time() - start < 1


def test_the_first_row_of_data_is_no_header() -> None:
    assert whole(lines(["alice", *USERS[1:]], ["hashed_email"] * 100, ["broken", *HASHES[1:]])).headers == 0
    assert whole(lines(USERS, ["hashed_email"] * 100, ["broken", *HASHES[1:]])).headers == 0
    assert whole(lines(["user", "other"] * 50, INTERESTS * 10)).headers == 0


def test_values_in_upper_case_or_with_blanks_have_their_type_but_not_exactly() -> None:
    upper = [value.upper() for value in HASHES[:50]] + HASHES[50:]
    (_, _, ids) = whole(lines(USERS, ["hashed_email"] * 100, upper)).column_facts
    assert (ids.types, ids.exact, ids.distinct, ids.filled) == ({"HASHED_EMAIL": 1.0}, 0.5, 100, 1.0)


def test_names_of_identifiers_are_proposed_and_never_in_the_facts() -> None:
    content = lines(USERS, ["crm_secret", "mail"] * 50, [HASHES[0], "reader@example.com"] * 50)
    recognised = recognise_file(io.BytesIO(content.encode()))
    assert recognised.id_types() == {"crm_secret": IdType.HASHED_EMAIL, "mail": IdType.EMAIL}
    assert "crm" not in recognised.facts.model_dump_json()


@pytest.mark.parametrize("kind", list(DatasetKind))
def test_no_value_leaves_in_the_facts(kind: DatasetKind) -> None:
    rows = rows_of(kind, random.Random(kind))
    stored = whole(text_of([["userId", *rows[0][1:]], *rows])).model_dump_json()
    cells = {cell for row in rows for cell in row if len(cell) > 5}
    assert not [cell for cell in cells | {"userId"} if cell in stored]
    assert FileFacts.model_validate_json(stored).columns == len(rows[0])


MAGIC = [b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", XLSX, b"%PDF-1", b"sep=;\n"]


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(alphabet='u1,;|\t"\n\r[]{}. \0é', max_size=200).map(str.encode),
        st.tuples(
            st.sampled_from([b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", XLSX, b"%PDF-1"]), st.binary(max_size=99)
        ).map(b"".join),
    ),
    st.booleans(),
)
def test_any_bytes_give_facts(data: bytes, is_whole: bool) -> None:
    facts = recognise(data, is_whole=is_whole)
    assert FileFacts.model_validate_json(facts.model_dump_json()) == facts
    assert recognise_file(io.BytesIO(data)).facts.model_dump_json()


@pytest.mark.parametrize(
    "data",
    [
        b"," * SAMPLE_BYTES,
        b'"a' * (SAMPLE_BYTES // 2),
        b"\n" * SAMPLE_BYTES,
        b"a;b|c\td,e\n" * (SAMPLE_BYTES // 10),
        gzip.compress(bytes(200 << 20), 1),
        b"PK\x03\x04" * (SAMPLE_BYTES // 4),
    ],
    ids=["commas", "quotes", "lines", "separators", "gzip", "zip"],
)
def test_hostile_bytes_do_not_take_long(data: bytes) -> None:
    start = time.process_time()
    recognise(data, is_whole=True)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(("others", "said"), [(1, False), (9, False), (30, True)])
def test_rows_of_another_width_are_mentioned_if_they_are_many(others: int, said: bool) -> None:
    """A few of them are invalid rows, which a validation counts by reason."""
    rows = [f"u{number},Sports" for number in range(100 - others)] + ["u1,Sports,x"] * others
    notes = words.notes(recognise("\n".join(rows).encode(), is_whole=True))
    assert any("of the rows have 2 columns" in note for note in notes) == said
