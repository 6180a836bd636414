"""Recorded errors are capped over the whole file in file order, totals are exact.

The rules: docs/spec/validation.md#12-limits-and-order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.labs import Checked, make_lab

Check = Callable[..., Checked]
ANY_USER_ID = {"idName": "userId", "idType": "STRING", "isMatchingId": True}
BLOCKS = [400, 8 << 20]
"""Chunk sizes: many blocks, one."""


@pytest.fixture(params=BLOCKS, autouse=True)
def blocks(request: pytest.FixtureRequest, tiny_chunks: Callable[[int], None]) -> None:
    tiny_chunks(request.param)


def cells(report: dict[str, Any]) -> list[tuple[int, int]]:
    """(row, column) of every recorded cell error, column by column."""
    errors = [error for column in report["columns"] for error in column["recordedErrors"]]
    return [(error["location"]["row"], error["location"]["column"]) for error in errors]


def test_499_cell_errors_are_recorded_over_all_columns_row_by_row(check: Check) -> None:
    report = check("embeddings", "".join(f"u{row},s,x,y\n" for row in range(700))).report
    assert [(column["column"], column["numErrorsTotal"]) for column in report["columns"]] == [(2, 700), (3, 700)]
    assert cells(report) == [(row, 2) for row in range(250)] + [(row, 3) for row in range(249)]
    assert report["numInvalidRowsTotal"] == 700
    assert report["numInvalidRowsByErrorCode"] == {"INVALID_FLOAT_FORMAT": 700}


def test_the_cap_is_used_up_by_the_first_rows_whatever_their_columns(check: Check) -> None:
    early = "".join(f"u{row},s,1,y\n" for row in range(498))
    report = check("embeddings", early + ",,x,y\n" * 3).report
    recorded = {column["column"]: len(column["recordedErrors"]) for column in report["columns"]}
    totals = {column["column"]: column["numErrorsTotal"] for column in report["columns"]}
    assert recorded == {0: 1, 1: 0, 2: 0, 3: 498}
    assert totals == {0: 3, 1: 3, 2: 3, 3: 501}
    assert report["numInvalidRowsByErrorCode"] == {"INVALID_FLOAT_FORMAT": 501, "EMPTY_CELL": 3}


def test_a_row_number_counts_every_record_before_it(check: Check) -> None:
    report = check("segments", "a,b\n" * 40 + "short\n\n" * 300 + "a,b,c\n" * 300 + ",x\n" + "y,\n").report
    assert cells(report) == [(640, 0), (641, 1)]
    assert report["numRowsTotal"] == 642
    assert report["uniqueness"]["numErrorsTotal"] == 39
    assert report["numInvalidRowsTotal"] == 641


def test_500_schema_errors_of_both_codes_are_recorded_in_one_ascending_list(check: Check) -> None:
    report = check("segments", "a\na,b,c\n" * 350).report
    assert report["schema"]["numErrorsTotal"] == 700
    recorded = report["schema"]["recordedErrors"]
    codes = ["NOT_ENOUGH_COLUMNS_PROVIDED", "TOO_MANY_COLUMNS_PROVIDED"]
    assert [(error["row"], error["code"]) for error in recorded] == [(row, codes[row % 2]) for row in range(500)]
    assert report["numInvalidRowsByErrorCode"] == dict.fromkeys(codes, 350)


def test_the_two_caps_do_not_touch_each_other(check: Check) -> None:
    report = check("segments", "a\n,b\n" * 600).report
    assert len(report["schema"]["recordedErrors"]) == 500
    assert cells(report) == [(2 * row + 1, 0) for row in range(499)]


def test_10_duplicates_are_recorded(check: Check) -> None:
    report = check("segments", "".join(f"u{row // 2},s\n" for row in range(100))).report
    assert report["uniqueness"]["numErrorsTotal"] == report["dropInvalidRows"]["numInvalidRowsDropped"] == 50
    locations = [error["location"] for error in report["uniqueness"]["recordedErrors"]]
    assert locations == [{"row": 2 * row + 1, "columns": [0, 1]} for row in range(10)]


def test_50_samples_of_each_kind_are_shown_with_the_smallest_row_numbers(check: Check) -> None:
    lab = make_lab(
        {"idName": "userId", "idType": "IPV4_ADDRESS"}, {"idName": "email", "idType": "EMAIL", "isMatchingId": True}
    )
    parts = ["1.1.1.1,email,\n1.1.1.1,email,\n", "x{n},email,a@b\n", "1.1.1.1,email,A{n}@b\n", "y{n},email,B{n}@b\n"]
    text = "".join(part.format(n=n) for n in range(60) for part in ["short\n", *parts])
    report = check("identifiers", text, lab=lab).report
    invalid = report["invalidRows"]
    assert invalid["totalInvalidRows"] == 360 and report["numValidRows"] == 0
    missing, doubles = invalid["missingValues"], invalid["duplicates"]
    assert (missing["totalMissingValues"], doubles["totalDuplicates"]) == (1, 119)
    assert [s["rowNumber"] for s in missing["sampleMissingValues"]] == [1]
    # Five rows per turn, the first of them too short; of the two equal ones only row 1 is no duplicate.
    every = [row for n in range(60) for row in (6 * n + 1, 6 * n + 2)][1:]
    assert [s["rowNumber"] for s in doubles["sampleDuplicateRows"]] == every[:50]
    users, ids = invalid["invalidUserIdFormat"], invalid["invalidIdFormat"]
    assert (users["totalInvalidUserIdFormat"], ids["totalInvalidIdFormat"]) == (120, 120)
    wrong_users = [row for n in range(60) for row in (6 * n + 3, 6 * n + 5)]
    wrong_ids = [row for n in range(60) for row in (6 * n + 4, 6 * n + 5)]
    assert [s["rowNumber"] for s in users["sampleInvalidUserIdFormat"]] == wrong_users[:50]
    assert [s["rowNumber"] for s in ids["sampleInvalidIdFormat"]] == wrong_ids[:50]
    assert users["sampleInvalidUserIdFormat"][1] == {"rowNumber": 5, "values": "y0, email, B0@b"}
    assert report["numInvalidRowsByErrorCode"] == {
        "NOT_ENOUGH_COLUMNS_PROVIDED": 60,
        "EMPTY_CELL": 1,
        "DUPLICATE_VALUES": 119,
        "INVALID_IPV4_FORMAT": 120,
        "INVALID_EMAIL_FORMAT": 120,
    }


def test_samples_show_three_values_whatever_the_file(check: Check) -> None:
    one = check("identifiers", 'u1\nu1\n""\n', lab=make_lab(ANY_USER_ID, numIdentifiersColumns=1)).report["invalidRows"]
    assert one["duplicates"]["sampleDuplicateRows"] == [{"rowNumber": 1, "values": "u1, userId, u1"}]
    assert one["missingValues"]["sampleMissingValues"] == [{"rowNumber": 2, "values": ", userId, "}]
