"""Hand-written cases that pin the reference model itself; the expected numbers were worked out without it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference import read_records, reference_report

USER_AND_EMAIL = [
    {"idName": "userId", "idType": "STRING", "isActivationId": True},
    {"idName": "email", "idType": "EMAIL", "isMatchingId": True},
]


def segments(text: bytes, **options: Any) -> tuple[dict[str, Any], list[list[Any]]]:
    document, rows = reference_report(text, "segments", num_columns=2, size=len(text), **options)
    return document["report"], rows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
        ("a\n\n\nb", [["a"], ["b"]]),
        ("a\n\rb\r\rc\r\n\r\nd", [["a"], ["b"], ["c"], ["d"]]),
        (",", [["", ""]]),
        ('""', [[""]]),
        ('"', [[""]]),
        ('"\n', [["\n"]]),
        ('"s1"x,""s"",5" x, "a"', [["s1x", 's""', '5" x', ' "a"']]),
        ('"a""b","c,\nd"', [['a"b', "c,\nd"]]),
        ('a,"b\nc,d\n', [["a", "b\nc,d\n"]]),
        ('"a\r\nb","a\r\r\nb","a\rb"', [["a\nb", "a\r\nb", "a\rb"]]),
        ('5" x\n\n\n"y\n\nz"', [['5" x'], ["y\n\nz"]]),
        ("a\n \nb\n \n\u3000\r\n\t", [["a"], [" "], ["b"]]),
        ('a\n \n"\n\n"', [["a"], [" "], ["\n\n"]]),
        ("a\n\u200b", [["a"], ["\u200b"]]),
        ("a\r ", [["a"], [" "]]),
        ("a\n \r ", [["a"]]),
        ('\ufeff"a"', [["a"]]),
        ("\r\n\ufeffa\n\ufeffb", [["a"], ["\ufeffb"]]),
        ("\r\ufeffa", [["\ufeffa"]]),
        ("\ufeff\ufeffa", [["\ufeffa"]]),
        ("\ufeff \n", [[" "]]),
        ("\ufeff\n", []),
        (" \n\u2028\r", []),
    ],
)
def test_records(text: str, expected: list[list[str]]) -> None:
    assert read_records([text])[0] == expected


def test_the_example_of_the_specification() -> None:
    report, rows = segments(b"u1,s1\nu1,s1\n,s2\nu3\nu4,s,x\n")
    assert rows == [["u1", "s1"]]
    assert report == {
        "outcome": "PASSED",
        "detectedFileType": "text (ascii)",
        "originalFileSizeBytes": 26,
        "numRowsTotal": 5,
        "numInvalidRowsTotal": 4,
        "numInvalidRowsByErrorCode": {
            "EMPTY_CELL": 1,
            "NOT_ENOUGH_COLUMNS_PROVIDED": 1,
            "TOO_MANY_COLUMNS_PROVIDED": 1,
            "DUPLICATE_VALUES": 1,
        },
        "columns": [
            {
                "column": 0,
                "numErrorsTotal": 1,
                "recordedErrors": [
                    {"code": "EMPTY_CELL", "message": "Cell contains no value", "location": {"row": 2, "column": 0}}
                ],
            }
        ],
        "schema": {
            "numErrorsTotal": 2,
            "recordedErrors": [
                {
                    "code": "NOT_ENOUGH_COLUMNS_PROVIDED",
                    "message": "Row has too few columns (configured columns: 2)",
                    "row": 3,
                },
                {
                    "code": "TOO_MANY_COLUMNS_PROVIDED",
                    "message": "Row has too many columns (configured columns: 2)",
                    "row": 4,
                },
            ],
        },
        "table": {"numErrorsTotal": 0, "recordedErrors": []},
        "uniqueness": {
            "numErrorsTotal": 1,
            "recordedErrors": [{"code": "DUPLICATE_VALUES", "location": {"row": 1, "columns": [0, 1]}}],
        },
        "dropInvalidRows": {"numInvalidRowsDropped": 4},
    }


def test_keep_mode_fails_and_counts_duplicates_only_without_other_errors() -> None:
    report, rows = segments(b"a,b\na,b\n,x\n", drop_invalid_rows=False)
    assert (report["outcome"], report["numInvalidRowsTotal"], rows) == ("FAILED", 1, [])
    assert "uniqueness" not in report and "dropInvalidRows" not in report
    report, rows = segments(b"a,b\na,b\n", drop_invalid_rows=False)
    assert (report["outcome"], report["uniqueness"]["numErrorsTotal"], rows) == ("FAILED", 1, [])


@pytest.mark.parametrize(
    ("text", "present"), [(b"", False), (b" \r\n\n", False), (b"\xef\xbb\xbf", True), (b"a", True)]
)
def test_size_is_absent_without_a_non_blank_line(text: bytes, present: bool) -> None:
    assert ("originalFileSizeBytes" in segments(text)[0]) is present
    identifiers, _ = reference_report(text, "identifiers", num_columns=3, identifiers=USER_AND_EMAIL, size=len(text))
    assert identifiers["report"]["originalFileSizeBytes"] == (len(text) if present else None)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"\xef\xbb\xbfa,b\r\n \r\n\r\nc,\"\n\"\n", 3 + 5 + 4 + 2),
        ([b"\xef\xbb\xbfa,b\r\n", b"\n", b"c,d"], 5 + 4),
        ([b'a,"b\n', b"c,d"], 5 + 4),
    ],
)  # fmt: skip
def test_size_of_containers_counts_decoded_text_without_blank_lines(text: Any, size: int) -> None:
    document, _ = reference_report(text, "segments", num_columns=2, size=None)
    assert document["report"]["originalFileSizeBytes"] == size


def test_zip_members_are_one_stream_but_an_open_quote_ends_with_its_member() -> None:
    members = [b'a,"b\n', b"c,d\n \n", b"e,f", b" \n"]
    document, rows = reference_report(members, "segments", num_columns=2, size=None)
    assert rows == [["a", "b\n"], ["c", "d"], ["e", "f"]]
    assert [error["row"] for error in document["report"]["schema"]["recordedErrors"]] == [2]


def test_floats() -> None:
    good = ["1.", ".5", "+2", "007", "1E-5", "1e400", "-0", "-nan", "+Infinity", ""]
    bad = [" 1", "1_000", "0x10", "1e", ".", "1f", "nan(1)", "١", "x"]
    text = "".join(f"u{i},s,{cell}\n" for i, cell in enumerate(good + bad)).encode()
    document, rows = reference_report(text, "embeddings", num_columns=3, size=len(text))
    values = ["1.0", "0.5", "2.0", "7.0", "1e-05", "inf", "-0.0", "None", "inf", "None"]
    assert [repr(row[2]) for row in rows] == values
    assert document["report"]["numInvalidRowsByErrorCode"] == {"INVALID_FLOAT_FORMAT": len(bad)}


def test_caps_of_cell_and_schema_errors_are_independent() -> None:
    text = b",,x,y\n" * 700 + b"a\n" * 600
    document, _ = reference_report(text, "embeddings", num_columns=4, size=len(text))
    columns = document["report"]["columns"]
    assert [len(column["recordedErrors"]) for column in columns] == [125, 125, 125, 124]
    assert [column["numErrorsTotal"] for column in columns] == [700] * 4
    schema = document["report"]["schema"]
    assert (len(schema["recordedErrors"]), schema["numErrorsTotal"]) == (500, 600)
    assert document["report"]["numInvalidRowsByErrorCode"]["EMPTY_CELL"] == 700


def test_identifiers() -> None:
    text = b"u1,email,a@b\nu1,email,a@b\nu1,email,A@b\nu1,email,A@b\n,email,a@b\nu2,other,?\nu3,email\n" + (
        b'u4,email,"a@b\n"\n'
    )
    document, rows = reference_report(text, "identifiers", num_columns=3, identifiers=USER_AND_EMAIL, size=len(text))
    report = document["report"]
    assert rows == [["u1", "email", "a@b"], ["u2", "other", "?"]]
    assert report["config"][1] == {**USER_AND_EMAIL[1], "isActivationId": False, "isUserId": None}
    assert (report["numRowsTotal"], report["numValidRows"]) == (8, 2)
    duplicates = [{"rowNumber": row, "values": f"u1, email, {a}@b"} for row, a in [(1, "a"), (3, "A")]]
    formats = [{"rowNumber": 2, "values": "u1, email, A@b"}, {"rowNumber": 7, "values": "u4, email, a@b\n"}]
    missing = [{"rowNumber": 4, "values": ", email, a@b"}]
    assert report["invalidRows"] == {
        "totalInvalidRows": 6,
        "duplicates": {"totalDuplicates": 2, "sampleDuplicateRows": duplicates},
        "missingValues": {"totalMissingValues": 1, "sampleMissingValues": missing},
        "invalidUserIdFormat": {"totalInvalidUserIdFormat": 0, "sampleInvalidUserIdFormat": []},
        "invalidIdFormat": {"totalInvalidIdFormat": 2, "sampleInvalidIdFormat": formats},
    }
    assert report["numInvalidRowsByErrorCode"] == {
        "NOT_ENOUGH_COLUMNS_PROVIDED": 1,
        "EMPTY_CELL": 1,
        "INVALID_EMAIL_FORMAT": 2,
        "DUPLICATE_VALUES": 2,
    }


def test_one_identifier_column_fails_both_checks_but_counts_once_per_code() -> None:
    config = [{"idName": "userId", "idType": "EMAIL", "isMatchingId": True}]
    document, rows = reference_report(b'x\na@b\n""\n', "identifiers", num_columns=1, identifiers=config, size=10)
    invalid = document["report"]["invalidRows"]
    assert rows == [["a@b", "userId", "a@b"]]
    assert invalid["invalidUserIdFormat"]["totalInvalidUserIdFormat"] == 1
    assert invalid["invalidIdFormat"]["sampleInvalidIdFormat"] == [{"rowNumber": 0, "values": "x, userId, x"}]
    assert invalid["missingValues"]["sampleMissingValues"] == [{"rowNumber": 2, "values": ", userId, "}]
    assert document["report"]["numInvalidRowsByErrorCode"] == {"INVALID_EMAIL_FORMAT": 1, "EMPTY_CELL": 1}
