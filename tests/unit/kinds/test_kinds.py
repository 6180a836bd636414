"""What every dataset kind declares, and what the columns of a file are in one lab or another."""

from __future__ import annotations

import subprocess
import sys

import pytest

from datalab.kinds import EMPTY_CELL, INVALID_FLOAT_FORMAT, KINDS, MATCHING, OPTIONAL, DatasetKind, Kind
from datalab.lab import LabDefinition

ALL = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def lab(columns: int = 3, embeddings: int = 0) -> LabDefinition:
    entries = [{"idName": "userId", "idType": "STRING", "isMatchingId": True}]
    if columns > 1:
        entries.append({"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True})
    return LabDefinition.model_validate(
        {"identifiersConfig": entries, "numIdentifiersColumns": columns, "numEmbeddings": embeddings}
    )


def test_importing_the_kinds_imports_no_library() -> None:
    code = (
        "import sys, datalab.kinds; "
        "print(sorted({'pandas', 'pyarrow', 'pandera', 'numpy', 'pydantic', 'duckdb'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_the_registry_and_the_enumeration_agree() -> None:
    assert list(KINDS) == list(DatasetKind)
    assert [kind.name for kind in KINDS.values()] == ["identifiers", "segments", "demographics", "embeddings"]
    assert [kind for kind, entry in KINDS.items() if entry.is_matching] == [MATCHING]
    assert (MATCHING, *OPTIONAL) == tuple(DatasetKind)


@ALL
def test_a_kind_begins_with_the_user_and_has_its_key_among_its_columns(kind: Kind) -> None:
    names = [column.name for column in kind.columns]
    assert names[0] == kind.key[0] == "user_id"
    assert set(kind.key) <= set(names)
    assert all(not column.nullable for column in kind.columns if column.name in kind.key)
    assert all(column.meaning and column.example for column in kind.columns)


@ALL
def test_a_kind_is_turned_on_by_a_key_of_the_lab(kind: Kind) -> None:
    fields = LabDefinition.model_fields
    assert kind.flag is None or fields[kind.flag].alias == kind.flag_key
    assert kind.numbered is None or fields[kind.numbered.count].alias == kind.numbered.count_key
    assert not kind.file_forms or kind.width in fields


@ALL
def test_names_that_the_vendor_gives_are_unique(kind: Kind) -> None:
    others = [other.vendor for other in KINDS.values() if other is not kind and other.vendor]
    assert kind.vendor is not None
    assert all(not set(vars(kind.vendor).values()) & set(vars(other).values()) for other in others)


@pytest.mark.parametrize(
    ("kind", "columns", "text"),
    [
        (DatasetKind.IDENTIFIERS, 1, "userId"),
        (DatasetKind.IDENTIFIERS, 2, "userId, id"),
        (DatasetKind.IDENTIFIERS, 3, "userId, idName, id"),
        (DatasetKind.SEGMENTS, 2, "userId, segment"),
        (DatasetKind.DEMOGRAPHICS, 2, "userId, age, gender"),
    ],
)
def test_columns_of_a_file(kind: DatasetKind, columns: int, text: str) -> None:
    assert KINDS[kind].columns_text(lab(columns)) == text


@pytest.mark.parametrize(("count", "text"), [(1, "userId, scope, e0"), (3, "userId, scope, e0 … e2")])
def test_numbered_columns_of_a_file(count: int, text: str) -> None:
    embeddings = KINDS[DatasetKind.EMBEDDINGS]
    assert embeddings.columns_text(lab(embeddings=count)) == text
    assert [column.name for column in embeddings.row_columns(lab(embeddings=count))][2:] == [
        f"e{number}" for number in range(count)
    ]


def test_columns_of_any_lab() -> None:
    assert [kind.columns_text() for kind in KINDS.values()] == [
        "userId, idName, id",
        "userId, segment",
        "userId, age, gender",
        "userId, scope, e0…",
    ]


def test_headers_that_files_may_have() -> None:
    identifiers = KINDS[DatasetKind.IDENTIFIERS]
    assert identifiers.headers(lab(1)) == [["user_id"]]
    assert identifiers.headers(lab(2)) == [["user_id", "id"], ["user_id", "hem"]]
    assert identifiers.headers(lab(3)) == [["user_id", "id_name", "id"]]


def test_codes_follow_from_type_and_nullability() -> None:
    embeddings = KINDS[DatasetKind.EMBEDDINGS].row_columns(lab(embeddings=1))
    assert [column.codes for column in embeddings] == [(EMPTY_CELL,), (EMPTY_CELL,), (INVALID_FLOAT_FORMAT,)]
    assert [column.codes for column in KINDS[DatasetKind.DEMOGRAPHICS].columns] == [(EMPTY_CELL,), (), ()]
