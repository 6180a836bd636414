"""What is recognised in a file is a cause, also where validation counts its rows as valid.

The table: docs/spec/portal.md#2-states.
"""

from __future__ import annotations

from typing import Any

import pytest

from datalab.kinds import DatasetKind
from datalab.lab import lab_from_dict
from datalab.results.validation import Hint
from datalab.statistics.cause import ARRAYS, WIDE, WRONG_KIND, Cause, Evidence, Severity
from datalab.statistics.causes import causes_of
from datalab.statistics.recognised import evidence_of, file_problems
from datalab.statistics.slots import SlotState, slot_states
from tests.unit.statistics.test_causes import (
    EMPTY,
    FEW_SEGMENTS,
    INVALID,
    NO_IDS,
    NO_OVERLAP,
    SEPARATOR,
    drops,
    finding,
    shape,
    status,
)

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS = DatasetKind
HEADER, ENCODING = "POSSIBLE_HEADER_ROW", "GUESSED_ENCODING"
LAB = lab_from_dict(
    {
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING"},
            {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
        ],
        "numIdentifiersColumns": 3,
    }
)
UNKNOWN = "UNKNOWN_ID_NAME identifiers: {0} rows have an id name that is not configured"


@pytest.mark.parametrize(
    ("facts", "slot", "codes"),
    [
        ({"kind": "identifiers", "form": "WIDE", "headers": 1}, IDENTIFIERS, (WIDE, HEADER)),
        ({"kind": "segments", "form": "ARRAYS"}, SEGMENTS, (ARRAYS,)),
        ({"kind": "embeddings", "form": "ARRAYS"}, EMBEDDINGS, ("ARRAY_IN_CELL",)),
        ({"kind": "demographics", "form": "ROWS", "encodingIsGuessed": True}, DEMOGRAPHICS, (ENCODING,)),
        ({"kind": "segments", "form": "ARRAYS"}, EMBEDDINGS, ()),
        ({"kind": None, "form": "ARRAYS", "headers": 3}, SEGMENTS, (HEADER,)),
        ({"kind": "identifiers", "form": "ROWS", "headers": 0, "encodingIsGuessed": False}, IDENTIFIERS, ()),
        ({"kind": "of a later version", "form": "ROUND"}, IDENTIFIERS, ()),
        (None, IDENTIFIERS, ()),
    ],
)
def test_facts_say_what_is_wrong(facts: dict[str, Any] | None, slot: DatasetKind, codes: tuple[str, ...]) -> None:
    assert file_problems(facts, slot) == codes


def test_facts_of_all_slots_are_evidence() -> None:
    facts = {IDENTIFIERS: {"kind": "segments"}, SEGMENTS: {"kind": "segments", "headers": 1}, DEMOGRAPHICS: None}
    hint = Hint(code="BLANKS_AROUND", rows=7, message="")
    known = evidence_of(LAB, facts, {SEGMENTS: [hint]})
    assert known.looks_like == {IDENTIFIERS: SEGMENTS} and known.file_problems[SEGMENTS] == (HEADER,)
    assert known.hints == {SEGMENTS: {"BLANKS_AROUND": 7}} and known.id_formats == {
        "userId": "",
        "hem": "INVALID_SHA256_HEX_FORMAT",
    }


def found(problems: dict[DatasetKind, list[str]], *errors: str, warnings: tuple[str, ...] = ()) -> list[Cause]:
    stated = status([finding(text, "segments") for text in errors], [finding(text, "identifiers") for text in warnings])
    return causes_of(stated, evidence=Evidence(file_problems=problems))


@pytest.mark.parametrize("code", [ARRAYS, HEADER, ENCODING, "ARRAY_IN_CELL"])
def test_it_is_a_warning_where_validation_found_nothing(code: str) -> None:
    (cause,) = found({SEGMENTS: [code]})
    assert (cause.code, cause.dataset, cause.severity, cause.worst) == (code, SEGMENTS, *[Severity.WARNING] * 2)
    states = slot_states([IDENTIFIERS, SEGMENTS], [IDENTIFIERS, SEGMENTS], status(), [cause])
    assert [states[kind].state for kind in (IDENTIFIERS, SEGMENTS)] == [SlotState.GOOD, SlotState.WARNINGS]


def test_wide_identifiers_explain_everything_but_their_encoding() -> None:
    causes = found(
        {IDENTIFIERS: [WIDE, HEADER, ENCODING]}, NO_IDS, NO_OVERLAP, warnings=(UNKNOWN.format(2000), INVALID)
    )
    assert [(cause.code, cause.worst) for cause in causes] == [(WIDE, Severity.ERROR), (ENCODING, Severity.WARNING)]
    assert {cause.code for cause in causes[0].follows} == {
        HEADER,
        "NO_USER_ID_OVERLAP",
        "NO_MATCHING_IDS",
        "UNKNOWN_ID_NAME",
        "HIGH_INVALID_SHARE",
    }


def test_arrays_explain_segments_and_not_their_users() -> None:
    causes = found({SEGMENTS: [ARRAYS, HEADER]}, FEW_SEGMENTS, NO_OVERLAP)
    assert [(cause.code, [one.code for one in cause.follows]) for cause in causes] == [
        (ARRAYS, ["TOO_FEW_SEGMENTS"]),
        (HEADER, ["NO_USER_ID_OVERLAP"]),
    ]


def test_a_header_explains_the_one_row_that_another_finding_counts() -> None:
    one, many = (found({IDENTIFIERS: [HEADER]}, warnings=(UNKNOWN.format(rows),)) for rows in (1, 2))
    assert shape(one) == [(HEADER, IDENTIFIERS, ["UNKNOWN_ID_NAME"])]
    assert shape(many) == [(HEADER, IDENTIFIERS, []), ("UNKNOWN_ID_NAME", IDENTIFIERS, [])]


def test_a_header_and_an_encoding_explain_only_what_nothing_else_does() -> None:
    causes = causes_of(
        status([finding(EMPTY, "segments")], [finding(SEPARATOR, "segments")]),
        evidence=Evidence(file_problems={SEGMENTS: [HEADER, ENCODING]}),
    )
    assert [(cause.code, [one.code for one in cause.follows]) for cause in causes] == [
        ("POSSIBLE_WRONG_SEPARATOR", ["EMPTY_DATASET"]),
        (ENCODING, []),
        (HEADER, []),
    ]


def test_a_finding_or_a_hint_of_the_same_code_is_the_same_cause() -> None:
    stated = status(warnings=[finding("POSSIBLE_HEADER_ROW segments: the first record holds column names")])
    evidence = Evidence(hints={SEGMENTS: {HEADER: 1, ENCODING: 9}}, file_problems={SEGMENTS: [HEADER, ENCODING]})
    assert shape(causes_of(stated, evidence=evidence)) == [(ENCODING, SEGMENTS, []), (HEADER, SEGMENTS, [])]
    assert shape(causes_of(stated, evidence=Evidence(hints={SEGMENTS: {ENCODING: 9}}))) == [
        (ENCODING, SEGMENTS, []),
        (HEADER, SEGMENTS, []),
    ], "recognition reads the first bytes, validation reads all"


def test_a_dataset_of_another_kind_explains_its_form_and_is_no_cause_where_all_are_valid() -> None:
    evidence = Evidence(looks_like={IDENTIFIERS: SEGMENTS}, file_problems={IDENTIFIERS: [HEADER]})
    failed = causes_of(status([finding(NO_IDS)]), comparison=drops("identifiers.valid_rows"), evidence=evidence)
    assert shape(failed) == [(WRONG_KIND, IDENTIFIERS, [HEADER, "NO_MATCHING_IDS", "HEADLINE_DROP"])]
    assert shape(causes_of(status(), evidence=evidence)) == [(HEADER, IDENTIFIERS, [])]
