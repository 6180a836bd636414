"""The schemas are what validates: each check carries its error code and says exactly which rows fail it."""

from __future__ import annotations

import pandera.pandas as pandera
import pyarrow as pa
import pytest

from datalab.kinds import DatasetKind
from datalab.validation.schemas import DatasetSchema, dataset_schema, failures
from tests.labs import EMAIL, HASH, USER_ID, make_lab

LAB = make_lab(USER_ID, EMAIL, HASH, {"idName": "maid", "idType": "MAID"}, numEmbeddings=2)


def schema_of(kind: str) -> DatasetSchema:
    return dataset_schema(DatasetKind(kind), LAB)


def rows(schema: DatasetSchema, *records: list[str | None]) -> pa.RecordBatch:
    columns = zip(*records, strict=True)
    arrays = [pa.array(list(column), pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[str(index) for index in range(len(arrays))])


def found(kind: str, *records: list[str | None]) -> set[tuple[str, int | None, tuple[int, ...]]]:
    """(code, column, failing rows) of every check that failed."""
    schema = schema_of(kind)
    return {
        (failure.check.code, failure.column, tuple(failure.rows.nonzero()[0].tolist()))
        for failure in failures(schema, rows(schema, *records))
    }


@pytest.mark.parametrize("kind", list(DatasetKind))
def test_every_check_is_panderas_and_carries_a_code(kind: str) -> None:
    schema = schema_of(kind)
    checks = [
        check
        for frame in (schema.frame, schema.cells)
        for check in [*frame.checks, *(one for column in frame.columns.values() for one in column.checks)]
    ]
    assert len(checks) == len(schema.checks) > 0
    assert all(isinstance(check, pandera.Check) and check.error and check.error.isupper() for check in checks)


def test_the_columns_keys_and_nulls_are_those_of_the_specification() -> None:
    described = {
        kind: ([column.name for column in schema_of(kind).rows], schema_of(kind).key, schema_of(kind).file_width)
        for kind in ("segments", "demographics", "embeddings", "identifiers")
    }
    assert described == {
        "segments": (["user_id", "segment"], (0, 1), 2),
        "demographics": (["user_id", "age", "gender"], (0,), 3),
        "embeddings": (["user_id", "scope", "e0", "e1"], (0, 1), 4),
        "identifiers": (["user_id", "id_name", "id"], (0, 1, 2), 3),
    }
    nullable = {kind: [c.name for c in schema_of(kind).rows if c.nullable] for kind in described}
    assert nullable == {
        "segments": [],
        "demographics": ["age", "gender"],
        "embeddings": ["e0", "e1"],
        "identifiers": [],
    }


def test_right_rows_fail_nothing() -> None:
    assert not found("segments", ["u", "s"], [" ", "NULL"])
    assert not found("demographics", ["u", None, None])
    assert not found("embeddings", ["u", "s", None, "1e-5"], ["u", "t", "nan", "inf"])
    assert not found("identifiers", ["u", "email", "a@b"], ["u", "other", "?"], ["u", "userId", "?"])


def test_an_empty_cell_fails_where_a_value_is_needed() -> None:
    assert found("segments", [None, None], ["u", "s"], ["u", None]) == {
        ("EMPTY_CELL", 0, (0,)),
        ("EMPTY_CELL", 1, (0, 2)),
    }
    assert found("demographics", [None, None, None]) == {("EMPTY_CELL", 0, (0,))}
    assert found("embeddings", ["u", None, None, "1"]) == {("EMPTY_CELL", 1, (0,))}


def test_a_bad_float_fails_in_its_column() -> None:
    assert found("embeddings", ["u", "s", "x", "1,5"], ["u", "t", "1", "0x1"]) == {
        ("INVALID_FLOAT_FORMAT", 2, (0,)),
        ("INVALID_FLOAT_FORMAT", 3, (0, 1)),
    }


def test_an_id_is_held_against_the_type_of_its_name_alone() -> None:
    records: list[list[str | None]] = [
        ["u", "email", "A@b"],
        ["u", "hem", "a@b"],
        ["u", "Email", "A@b"],
        ["u", "maid", "x"],
    ]
    by_code = {code: failing for code, _, failing in found("identifiers", *records)}
    assert by_code == {"INVALID_EMAIL_FORMAT": (0,), "INVALID_SHA256_HEX_FORMAT": (1,), "INVALID_MAID_FORMAT": (3,)}


def test_a_typed_user_id_is_checked_in_every_row() -> None:
    schema = dataset_schema(DatasetKind.IDENTIFIERS, make_lab({**USER_ID, "idType": "IPV4_ADDRESS"}, EMAIL))
    failed = failures(
        schema, rows(schema, ["1.2.3.4", "email", "a@b"], ["x", "email", "a@b"], ["1.1.1.1", "userId", "y"])
    )
    assert {(f.check.name, f.check.code, tuple(f.rows.nonzero()[0].tolist())) for f in failed} == {
        ("user_id_format", "INVALID_IPV4_FORMAT", (1,)),
        ("id_format", "INVALID_IPV4_FORMAT", (2,)),
    }
