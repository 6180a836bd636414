"""Repairs: what is proposed for a file, what each step does to its records, and that a second repair does nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.errors import UsageError
from datalab.ingest.repair import KindUnknown, NotRepairable, Repaired, StepName, StepNotProposed, plan, repair
from datalab.ingest.repair.lines import is_footer
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, lab_from_dict
from datalab.validation.repairs import sample_shares, valid_rows
from datalab.validation.stream import validate
from tests.recognised_files import made_files, text_of

USERS = [f"usr{number}x" for number in range(60)]
HASHES = [hashlib.sha256(user.encode()).hexdigest() for user in USERS]
MAIDS = [f"{number:08x}-8b3d-4c5e-9f60-1a2b3c4d5e6f" for number in range(60)]
SEGMENTS = [[user, name] for user in USERS for name in ("Sport", "Food & Drink", "Küche")]
LAB = lab_from_dict(
    {
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING", "isMatchingId": True},
            {"idName": "hashed_email", "idType": "HASHED_EMAIL"},
            {"idName": "phone", "idType": "HASHED_PHONE_NUMBER"},
            {"idName": "maid", "idType": "MAID"},
        ],
        "numIdentifiersColumns": 3,
        "requireEmbeddings": True,
        "numEmbeddings": 4,
    }
)
S, F = StepName, DatasetKind


def repaired(
    folder: Path,
    content: bytes | str,
    kind: DatasetKind | None = None,
    lab: LabDefinition | None = None,
    chosen: Collection[StepName] | None = None,
) -> tuple[str, list[StepName], Repaired]:
    """Return the repaired text of a file, the steps, and the counts."""
    path = folder / "export"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = plan(path, kind=kind, lab=lab, chosen=chosen)
    out = io.BytesIO()
    done = repair(found, out.write, scratch=folder)
    return out.getvalue().decode(), list(found.names), done


@pytest.mark.parametrize(
    ("content", "kind", "steps", "first"),
    [
        (text_of(SEGMENTS), None, [], "usr0x,Sport"),
        (text_of([["User ID", "Segment"], *SEGMENTS]), None, [S.HEADER], "usr0x,Sport"),
        ("sep=;\n" + text_of(SEGMENTS, ";"), None, [S.SEPARATOR, S.HEADER], "usr0x,Sport"),
        (text_of(SEGMENTS, "\t", end="\r\n"), None, [S.SEPARATOR], "usr0x,Sport"),
        (text_of(SEGMENTS, ";").encode("cp1252"), None, [S.ENCODING, S.SEPARATOR], "usr0x,Sport"),
        (text_of(SEGMENTS) + "(180 rows affected)\n", None, [S.FOOTER], "usr0x,Sport"),
        (text_of([[f" {user}\u200b", f"{name} "] for user, name in SEGMENTS]), None, [S.BLANKS], "usr0x,Sport"),
        (text_of([[user, name, ""] for user, name in SEGMENTS]), F.SEGMENTS, [S.EXTRA_COLUMNS], "usr0x,Sport"),
        (
            text_of([[str(number), *row] for number, row in enumerate(SEGMENTS)]),
            F.SEGMENTS,
            [S.EXTRA_COLUMNS],
            "usr0x,Sport",
        ),
        (text_of([[name, user] for user in USERS for name in ("Sport", "Food")]), F.SEGMENTS, [S.ORDER], "usr0x,Sport"),
        (
            text_of([[user, json.dumps(["Sport", "Food, drink", None])] for user in USERS]),
            None,
            [S.ARRAYS],
            'usr0x,Sport\nusr0x,"Food, drink"',
        ),
        (
            text_of([[user, "news", "[0.5, 1, -2e3, 7]"] for user in USERS]),
            F.EMBEDDINGS,
            [S.ARRAYS],
            "usr0x,news,0.5,1,-2e3,7",
        ),
        (
            text_of([[user, "news", *["0,25"] * 8] for user in USERS], ";"),
            None,
            [S.SEPARATOR, S.DECIMALS],
            "usr0x,news" + ",0.25" * 8,
        ),
        (
            text_of([[user, "hashed_email", value.upper()] for user, value in zip(USERS, HASHES, strict=True)]),
            None,
            [S.LOWER_CASE],
            f"usr0x,hashed_email,{HASHES[0]}",
        ),
        (
            text_of([["userId", "email", "maid"], *([u, h, m] for u, h, m in zip(USERS, HASHES, MAIDS, strict=True))]),
            None,
            [S.HEADER, S.WIDE],
            f"usr0x,email,{HASHES[0]}\nusr0x,maid,{MAIDS[0]}\nusr1x,email,{HASHES[1]}",
        ),
    ],
)
def test_each_step(
    tmp_path: Path, content: bytes | str, kind: DatasetKind | None, steps: list[StepName], first: str
) -> None:
    text, done, _ = repaired(tmp_path, content, kind)
    assert done == steps and text.startswith(first + "\n")
    again, nothing, _ = repaired(tmp_path, text, kind)
    assert nothing == [] and again == text


def test_plain_values_are_hashed_where_the_lab_wants_hashes(tmp_path: Path) -> None:
    rows = [
        ["u1", "hashed_email", " Anna@Example.com"],
        ["u2", "phone", "+41 (79) 000-00.00"],
        ["u3", "phone", "0041790000000"],
        ["u4", "phone", "079 000 00 00"],  # no country code
        ["u5", "phone", "+41 (0)79 000 00 00"],  # which digits count is a guess
        ["u6", "hashed_email", HASHES[0]],
        ["u7", "hashed_email", "not an address"],
        ["u8", "userId", "anna@example.com"],
    ]
    text, steps, done = repaired(tmp_path, text_of(rows), F.IDENTIFIERS, LAB)
    phone, email = (hashlib.sha256(value).hexdigest() for value in (b"+41790000000", b"anna@example.com"))
    assert steps == [S.BLANKS, S.HASH] and done.touched == {S.BLANKS: 1, S.HASH: 3}
    ids = [line.rsplit(",", 1)[1] for line in text.splitlines()]
    assert ids == [email, phone, phone, *(row[2] for row in rows[3:])]
    assert S.HASH not in repaired(tmp_path, text_of(rows), F.IDENTIFIERS)[1]


def test_records_that_no_step_can_read_stay_as_they_are(tmp_path: Path) -> None:
    rows = [[user, "news", "[0.5, 1, 2, 3]"] for user in USERS]
    rows[3], rows[5], rows[8] = ["usr3x"], ["usr5x", "news", "[1, 2]"], ["usr8x", "a;b", 'say "no"', "x"]
    text, steps, done = repaired(tmp_path, text_of(rows, ";"), None, LAB)
    lines = text.splitlines()
    assert steps == [S.SEPARATOR, S.ARRAYS] and done.records == done.written == 60
    assert lines[3] == "usr3x" and lines[5] == 'usr5x,news,"[1, 2]"' and lines[8] == 'usr8x,a;b,"say ""no""",x'
    assert lines[9] == "usr9x,news,0.5,1,2,3"


def test_only_chosen_steps_are_done(tmp_path: Path) -> None:
    content = text_of([["user", "segment"], *([user, f" {name}"] for user, name in SEGMENTS)])
    text, steps, _ = repaired(tmp_path, content, chosen=[S.HEADER])
    assert steps == [S.HEADER] and text.startswith("usr0x, Sport\n")
    with pytest.raises(StepNotProposed, match=r"decimals; nothing was written\. The steps of this file are: header"):
        repaired(tmp_path, content, chosen=[S.DECIMALS])


def test_a_file_that_is_not_certain_or_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KindUnknown, match="--kind"):
        repaired(tmp_path, text_of([[user, f"Name {user}"] for user in USERS]))
    with pytest.raises(NotRepairable, match="picture"):
        repaired(tmp_path, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(NotRepairable):
        repaired(tmp_path, gzip.compress(text_of(SEGMENTS * 99).encode())[:-200], F.SEGMENTS)
    assert issubclass(KindUnknown, UsageError)


def test_blank_values_that_are_valid_stay(tmp_path: Path) -> None:
    rows = [[user, " " if user == "usr7x" else f"{name} "] for user, name in SEGMENTS]
    text, _, _ = repaired(tmp_path, text_of(rows), F.SEGMENTS)
    assert text.count("usr7x, \n") == 3 and "Sport\n" in text


def test_a_column_that_holds_something_later_is_kept_there(tmp_path: Path) -> None:
    rows = [[user, name, ""] for user, name in SEGMENTS * 200]
    rows[-2][2] = "late"
    text, steps, done = repaired(tmp_path, text_of(rows), F.SEGMENTS)
    assert steps == [S.EXTRA_COLUMNS] and text.splitlines()[-2] == "usr59x,Food & Drink,late"
    assert done.touched[S.EXTRA_COLUMNS] == len(rows) - 1


@pytest.mark.parametrize("wrap", [gzip.compress, bytes])
def test_many_blocks_keep_the_order_of_the_records(
    tmp_path: Path, wrap: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalab.ingest.repair.read.BLOCK_BYTES", 1 << 12)
    draw = random.Random(5)
    names = ["Sport", 'Say "no"', "Food; drink", "two\nlines", "a,b", "Küche"]
    rows = [[f"u{number}", draw.choice(names)][: draw.choice([1] + [2] * 19)] for number in range(3000)]
    content = text_of([["user_id", "segment"], *rows], ";").encode()
    text, steps, done = repaired(tmp_path, wrap(content), F.SEGMENTS)  # type: ignore[operator]
    assert S.SEPARATOR in steps and S.HEADER in steps and text == text_of(rows) and done.written == 3000


def test_parquet_becomes_csv(tmp_path: Path) -> None:
    table = pa.table({"user": USERS, "name": ["hashed_email"] * 60, "id": [value.upper() for value in HASHES]})
    file = io.BytesIO()
    pq.write_table(table, file)
    text, steps, _ = repaired(tmp_path, file.getvalue(), F.IDENTIFIERS, LAB)
    assert steps == [S.LOWER_CASE] and text.splitlines()[0] == f"usr0x,hashed_email,{HASHES[0]}"


def test_the_shares_of_the_sample_are_those_of_a_validation(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(text_of([["user", "segment"], *SEGMENTS], ";"))
    found = plan(path)
    shares = sample_shares(found, None)
    assert shares and (shares.before.valid, shares.before.rows) == (0, 181)
    assert [(one.valid, one.rows) for one in shares.after] == [(181, 181), (180, 180)]
    with (tmp_path / "out.csv").open("wb") as out:
        repair(found, out.write)
    assert valid_rows(tmp_path / "out.csv", found.kind, shares.lab).valid == 180
    assert list(tmp_path.glob(".datalab*")) == []


@pytest.mark.parametrize("text", ["(1 row)", "120 rows selected.", "3,000 Row(s) produced. Time Elapsed: 1.2s"])
def test_footers(text: str) -> None:
    assert is_footer(text)


@pytest.mark.parametrize("text", ["u1", "12 Monkeys", "120", "usr1,rows", "-", "rows"])
def test_no_footers(text: str) -> None:
    assert not is_footer(text)


@pytest.mark.parametrize("seed", range(3))
def test_repairing_made_files_twice_changes_nothing_and_plain_ones_never(tmp_path: Path, seed: int) -> None:
    for made in made_files(seed):
        text, steps, _ = repaired(tmp_path, made.content, made.kind)
        again, _, _ = repaired(tmp_path, text, made.kind)
        assert again == text, (made.name, made.kind, steps)
        if made.name in ("plain", "parquet", "quotes and a byte order mark"):
            assert steps == [], (made.name, made.kind)


CELLS = st.sampled_from(
    [
        *("Sport", " Sport", "Food ", " ", "", "a;b", 'q"q', "x,y", "two\nlines", "\u200bZ", "0,5", "1.5"),
        '["A", "B"]',
        *("[]", "(3 rows)", "user_id", "segment", "18-24", "f", HASHES[0], HASHES[1].upper(), "Anna@example.com"),
        *("+41790000000", "hashed_email", "phone", "maid", MAIDS[0], MAIDS[1].upper(), "MixEd-" + MAIDS[2]),
    ]
)
TABLES = st.integers(1, 6).flatmap(
    lambda width: st.tuples(
        st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=12),
        st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=2),
    )
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=TABLES,
    users=st.booleans(),
    separator=st.sampled_from([",", ";", "\t"]),
    kind=st.sampled_from(DatasetKind),
    lab=st.sampled_from([None, LAB]),
)
def test_a_second_repair_changes_nothing_and_valid_rows_stay_valid(
    tmp_path: Path,
    table: tuple[list[list[str]], list[list[str]]],
    users: bool,
    separator: str,
    kind: DatasetKind,
    lab: LabDefinition | None,
) -> None:
    rows = [[f"u{number}", *row] if users else row for number, row in enumerate(table[0])] + table[1]
    content = text_of(rows, separator)
    try:
        text, steps, _ = repaired(tmp_path, content, kind, lab)
    except NotRepairable:
        return
    if text:
        again, more, _ = repaired(tmp_path, text, kind, lab)
        assert again == text, (steps, more)
    if lab is not None and not {S.EXTRA_COLUMNS, S.ARRAYS, S.WIDE, S.ORDER} & set(steps):
        # The rows are the same ones, so that none may be wrong that was right; equal ones may be duplicates now.
        assert wrong_rows(tmp_path, text, kind, lab) <= wrong_rows(tmp_path, content, kind, lab), steps


def wrong_rows(folder: Path, content: str, kind: DatasetKind, lab: LabDefinition) -> int:
    """Return how many rows are invalid for another reason than that they repeat an earlier one."""
    path = folder / "checked"
    path.write_text(content)
    counts = validate(path, kind, lab).report.report.num_invalid_rows_by_error_code
    return sum(count for code, count in counts.items() if "DUPLICATE" not in code)
