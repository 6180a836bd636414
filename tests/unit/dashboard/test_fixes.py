"""Every line of a fix runs on tables with the lab's names, and does what it is for."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from datalab.codes import DATA_ERRORS, QUALITY_WARNINGS, ROW_ERRORS
from datalab.dashboard.fixes import LINES, Fix, fix_of
from datalab.kinds import MATCHING, DatasetKind
from datalab.statistics.cause import Cause, Reason, Severity
from tests.labs import EMAIL, HASH, USER_ID, make_lab

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS = DatasetKind
LAB = make_lab(USER_ID, EMAIL, {**HASH, "idName": "it's"}, numEmbeddings=2)
TABLES = {
    IDENTIFIERS: pd.DataFrame(
        {
            "user_id": ["u1", "u2", "u3"],
            "id_name": ["email", "it's", "userId"],
            "id": ["A@b.c", "AB" * 32, "u9"],
        }
    ),
    SEGMENTS: pd.DataFrame({"user_id": ["u1", "u1", None, "U2 "], "segment": ["s", "s", "s", "longer"]}),
    DEMOGRAPHICS: pd.DataFrame({"user_id": ["u1"], "age": ["1"], "gender": ["f"]}),
    EMBEDDINGS: pd.DataFrame({"user_id": ["u1", "u2"], "scope": ["a", "a"], "e0": ["x", None], "e1": ["1", None]}),
}
OF_TABLE = {"TOO_MANY_AGES": DEMOGRAPHICS, "TOO_MANY_GENDERS": DEMOGRAPHICS, "EMPTY_EMBEDDINGS": EMBEDDINGS}
OF_TABLE |= {"INVALID_FLOAT_FORMAT": EMBEDDINGS, "NO_USER_ID_OVERLAP": SEGMENTS, "USERS_NOT_IN_IDENTIFIERS": SEGMENTS}
OF_TABLE |= dict.fromkeys(["TOO_FEW_SEGMENTS", "TOO_MANY_SEGMENTS", "SEGMENT_NAME_TOO_LONG"], SEGMENTS)
OF_TABLE |= dict.fromkeys(["EMPTY_CELL", "DUPLICATE_VALUES", "LOW_USER_ID_OVERLAP"], SEGMENTS)
OF_ID = {"NO_MATCHING_IDS", "SHARED_ID", "LOW_MATCHABLE_SHARE"}


def fix(code: str, **more: object) -> Fix:
    kind = OF_TABLE.get(code, MATCHING)
    subject = "it's" if code in OF_ID else kind.value
    found = fix_of(Cause(code, Severity.WARNING, subject, kind, (3,), "3", **more), LAB)  # type: ignore[arg-type]
    assert found is not None
    return found


def frames() -> dict[str, pd.DataFrame]:
    return {kind.value: table.copy() for kind, table in TABLES.items()}


def after_sql(line: str) -> dict[str, pd.DataFrame]:
    with duckdb.connect() as database:
        for name, frame in frames().items():
            database.register("given", frame)
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        database.execute(line)
        return {name: database.execute(f"SELECT * FROM {name}").df() for name in frames()}


def after_python(line: str) -> dict[str, pd.DataFrame]:
    names = frames()
    exec(line, {"pandas": pd}, names)
    return names


@pytest.mark.parametrize("code", sorted(LINES))
def test_both_lines_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    after_sql(fix(code).sql)
    after_python(fix(code).python)


@pytest.mark.parametrize(
    ("code", "table", "expected"),
    [
        ("UPPER_CASE_IDS", IDENTIFIERS, [["u1", "email", "a@b.c"], ["u2", "it's", "ab" * 32], ["u3", "userId", "u9"]]),
        ("NO_MATCHING_IDS", IDENTIFIERS, [["u1", "email", "A@b.c"], ["u2", "it's", "ab" * 32], ["u3", "userId", "u9"]]),
        (
            "USER_ID_MISMATCH",
            IDENTIFIERS,
            [["u1", "email", "A@b.c"], ["u2", "it's", "AB" * 32], ["u3", "userId", "u3"]],
        ),
        ("EMPTY_CELL", SEGMENTS, [["u1", "s"], ["u1", "s"], ["U2 ", "longer"]]),
        ("SEGMENT_NAME_TOO_LONG", SEGMENTS, [["u1", "s"], ["u1", "s"], [None, "s"], ["U2 ", "lon"]]),
        ("DUPLICATE_VALUES", SEGMENTS, [["u1", "s"], [None, "s"], ["U2 ", "longer"]]),
        ("EMPTY_EMBEDDINGS", EMBEDDINGS, [["u1", "a", "x", "1"]]),
    ],
)
def test_both_lines_do_the_same(code: str, table: DatasetKind, expected: list[list[str | None]]) -> None:
    for tables in (after_sql(fix(code).sql), after_python(fix(code).python)):
        found = tables[table.value].astype(object)
        assert sorted(found.where(found.notna(), None).to_numpy().tolist(), key=str) == sorted(expected, key=str)


def test_of_many_invalid_rows_the_most_frequent_reason_is_fixed() -> None:
    assert "IS NULL" in fix("HIGH_INVALID_SHARE", reason=Reason("EMPTY_CELL", 9)).sql


def test_every_finding_on_rows_has_a_line_or_is_known_to_have_none() -> None:
    without = {"EMPTY_DATASET", "TOO_FEW_EMBEDDINGS", "TOO_MANY_EMBEDDINGS", "HIGH_INVALID_SHARE"}
    not_by_case = {code for code in ROW_ERRORS if code.startswith("INVALID_")} - set(LINES)
    assert {*ROW_ERRORS, *DATA_ERRORS, *QUALITY_WARNINGS} - set(LINES) <= without | not_by_case | {"NAMES_WITHHELD"}
