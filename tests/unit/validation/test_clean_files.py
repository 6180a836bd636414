"""A correct file gets no hint: files of all four datasets, as people really write them."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalab.id_types import IdType
from datalab.lab import LabDefinition
from tests.labs import USER_ID, check_text, make_lab

DIMENSIONS = 3


def hashed(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


IDS = {
    IdType.EMAIL: lambda number: f"reader.{number}@example.com",
    IdType.HASHED_EMAIL: hashed,
    IdType.PHONE_NUMBER: lambda number: f"+4179{1_000_000 + number}",
    IdType.HASHED_PHONE_NUMBER: lambda number: hashed(-number - 1),
    IdType.MAID: lambda number: str(uuid.UUID(int=number * 7919 + (0xA << 124))),
    IdType.HASHED_MAID: lambda number: hashed(number + 10**9),
    IdType.IPV4_ADDRESS: lambda number: f"203.0.{number % 200}.{number % 250}",
    IdType.STRING: lambda number: f"any {number} text",
}
CONFIGURED: list[dict[str, Any]] = [
    {"idName": f"id_{id_type.value.lower()}", "idType": id_type.value, "isActivationId": True} for id_type in IDS
]
LAB = make_lab({**USER_ID, "isMatchingId": True}, *CONFIGURED, numEmbeddings=DIMENSIONS)
USERS = {
    "prefix": lambda number: f"user-{number}",
    "name": lambda number: f"customer{number:05}",
    "number": lambda number: str(100 + number),
    "short": lambda number: f"u{number}",
    "hash": hashed,
    "uuid": lambda number: str(uuid.UUID(int=number * 104_729)),
    "mail": lambda number: f"a{number}@example.com",
    "bar": lambda number: f"auth0|{number:06}",
    "semicolon": lambda number: f"{number};x",
}
NAMES = (
    ["sports", "news", "Local News", "Video Games", "Travel"],
    ["Séries, films", "Cuisine\nfrançaise", 'the "best"', "L'été", "Prix\u00a0: 5\u00a0€"],
    ["segment_1", "segment_2", "segment_3"],
    ["12", "13", "14"],
    ["Group 1", "Group 2", "Category 7"],
    ["男性向け", "旅行", "スポーツ"],
    ["null hypothesis", "Nonesuch", "O'Neill", "“Ironic” quotes"],
)
AGES = (["18-24", "25-34", "65+", ""], ["17", "44", "8"], ["unknown", "over 65"])
GENDERS = (["f", "m", "d", ""], ["female", "male", "non-binary"], ["weiblich", "männlich"], ["1", "2"])
LINE_ENDS = ("\n", "\r\n")


def written(rows: list[list[str]], line_end: str, *, quoted: bool) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue().encode()


@st.composite
def clean_files(draw: st.DrawFn) -> tuple[str, bytes]:
    user = USERS[draw(st.sampled_from(sorted(USERS)))]
    count = draw(st.sampled_from([1, 2, 7, 60, 700]))
    kind = draw(st.sampled_from(["identifiers", "segments", "demographics", "embeddings"]))
    if kind == "segments":
        names = draw(st.sampled_from(NAMES))
        rows = [[user(number), name] for number in range(count) for name in names[: 1 + number % 3]]
    elif kind == "demographics":
        ages, genders = draw(st.sampled_from(AGES)), draw(st.sampled_from(GENDERS))
        rows = [
            [user(number), ages[number % len(ages)], genders[number // 2 % len(genders)]] for number in range(count)
        ]
    elif kind == "embeddings":
        rows = [
            [
                user(number),
                ["site", "app"][number % 2],
                *(str((number + place) % 97 / 50 - 1) for place in range(DIMENSIONS)),
            ]
            for number in range(count)
        ]
    else:
        types = draw(st.lists(st.sampled_from(sorted(IDS)), min_size=1, unique=True))
        rows = [
            [user(number), f"id_{types[number % len(types)].lower()}", IDS[IdType(types[number % len(types)])](number)]
            for number in range(count)
        ]
    return kind, written(rows, draw(st.sampled_from(LINE_ENDS)), quoted=draw(st.booleans()))


@given(clean_files())
@settings(max_examples=80, deadline=None)
def test_a_clean_file_has_no_hint(file: tuple[str, bytes]) -> None:
    kind, content = file
    with tempfile.TemporaryDirectory() as folder:
        checked = check_text(Path(folder), kind, content, LAB)
    assert [hint.message for hint in checked.facts.hints] == []
    assert checked.facts.rows == checked.facts.valid_rows


@pytest.mark.parametrize("lab", [make_lab(USER_ID, CONFIGURED[1] | {"isMatchingId": True}, numIdentifiersColumns=2)])
def test_a_clean_file_of_two_columns_has_no_hint(lab: LabDefinition, tmp_path: Path) -> None:
    text = "".join(f"user-{number},{hashed(number)}\n" for number in range(90))
    assert check_text(tmp_path, "identifiers", text, lab).facts.hints == []
