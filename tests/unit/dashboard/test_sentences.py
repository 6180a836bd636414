"""Causes in words: every code of a finding has a sentence, with and without figures."""

from __future__ import annotations

import pytest

from datalab.codes import CODES, DATA_ERRORS, DROPS, FILE_ERRORS, QUALITY_WARNINGS, ROW_ERRORS, explain
from datalab.dashboard import sentences
from datalab.dashboard.repairs import steps_of
from datalab.dashboard.sentences import advice, sentence, short
from datalab.dashboard.verdicts import with_consequences
from datalab.kinds import DatasetKind
from datalab.results.statistics import Finding
from datalab.results.status import StatisticsStatus, ValidationStatus
from datalab.statistics.cause import ARRAYS, DROPS_OF_DATASET, WIDE, WRONG_KIND, Cause, Evidence, Reason, Severity
from datalab.statistics.causes import causes_of

SEGMENTS, IDENTIFIERS = DatasetKind.SEGMENTS, DatasetKind.IDENTIFIERS


def cause_of(text: str, **evidence: object) -> Cause:
    """Return the cause that a finding's code and message are."""
    code, _, message = text.partition(" ")
    found = StatisticsStatus(status="FAILED", data_errors=[Finding(code=code, message=message)])
    status = ValidationStatus(status="FAILED", datasets={}, statistics=found)
    return causes_of(status, evidence=Evidence(**evidence))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        ("NO_USER_ID_OVERLAP segments: 0 of 19007 users are in identifiers (at least 1 needed)",
         "None of the 19,007 users in Segments is in Identifiers."),
        ("LOW_USER_ID_OVERLAP segments: 3430 of 3434 users are not in identifiers (limit 0.95)",
         "Only 4 of 3,434 users in Segments are in Identifiers (0.1%)."),
        ("LOW_USER_ID_OVERLAP segments: 99 of 100 users are not in identifiers (limit 0.95)",
         "Only 1 of 100 users in Segments is in Identifiers (1.0%)."),
        ("LOW_USER_ID_OVERLAP segments: figures below 10 are withheld (limit 0.95)",
         "Segments: a dataset and the identifiers have hardly any user in common."),
        ("NO_MATCHING_IDS hem: 0 ids of this matching id (at least 1 needed)", "No valid hem is left in Identifiers."),
        ("EMPTY_DATASET segments: 0 valid rows (at least 1 needed)", "Segments has no valid row."),
        ("TOO_FEW_SEGMENTS segments: 1 segments (at least 10 needed)",
         "Segments has 1 segment; at least 10 are needed."),
        ("TOO_MANY_SEGMENTS segments: 3000 segments (limit 2000)",
         "Segments has 3,000 segments; up to 2,000 are allowed."),
        ("USERS_NOT_IN_IDENTIFIERS demographics: 1044 of 19589 users are not in identifiers (limit 0.01)",
         "1,044 of 19,589 users in Demographics are not in Identifiers (5.3%; up to 1% is usual)."),
        ("HIGH_INVALID_SHARE segments: 1500 of 3000 rows are invalid (limit 0.05)",
         "1,500 of 3,000 rows in Segments are invalid (50.0%; up to 5% is usual)."),
        ("SHARED_ID maid: one id has 37 users (limit 10)", "One maid belongs to 37 users; up to 10 is usual."),
        ("HEADLINE_DROP segments.userId.reachable_activation_ids: from 17492 to 0, -100.0% (limit -20.0%)",
         "Reachable activation ids: userId (Segments) fell from 17,492 to 0 (−100.0%)."),
        ("EMPTY_CELL segments: 7 rows are invalid (limit 0: invalid rows are not dropped)",
         "7 rows of Segments are invalid, and this Datalab accepts none: a required value is empty."),
        ("CLOCK_IS_WRONG segments: 7 hours ahead (limit 0)", "Segments: clock is wrong (7 hours ahead (limit 0))."),
    ],
)  # fmt: skip
def test_a_finding_is_a_sentence(finding: str, expected: str) -> None:
    assert sentence(cause_of(finding)) == expected


def test_the_most_frequent_reason_is_said() -> None:
    empty = cause_of(
        "EMPTY_DATASET segments: 0 valid rows (at least 1 needed)",
        reasons={SEGMENTS: Reason("NOT_ENOUGH_COLUMNS_PROVIDED", 3000)},
    )
    assert sentence(empty) == "No row of Segments is valid. Most frequent reason: too few columns, 3,000 rows."
    assert with_consequences(empty).startswith("Not ready: no row of Segments is valid.")


FINDINGS = [*DATA_ERRORS, *QUALITY_WARNINGS, *DROPS]


@pytest.mark.parametrize("code", FINDINGS)
def test_every_finding_has_a_sentence(code: str) -> None:
    assert code in sentences._SENTENCES


@pytest.mark.parametrize("code", [*CODES, WRONG_KIND, WIDE, ARRAYS, DROPS_OF_DATASET])
def test_without_figures_the_meaning_is_said(code: str) -> None:
    cause = Cause(code, Severity.ERROR, "segments", SEGMENTS)
    for text in (sentence(cause), short(cause)):
        assert "Segments" in text and "{" not in text and "  " not in text
    assert not {*FILE_ERRORS, *ROW_ERRORS} & {*sentences._SENTENCES}


HASH = "INVALID_SHA256_HEX_FORMAT"
NO_IDS = "NO_MATCHING_IDS hem: 0 ids of this matching id (at least 1 needed)"


@pytest.mark.parametrize(
    ("reasons", "advised"),
    [
        ({}, "No row has this id name. Names must match exactly: userId, hem."),
        ({SEGMENTS: Reason("EMPTY_CELL", 3)}, "No row has this id name. Names must match exactly: userId, hem."),
        ({IDENTIFIERS: Reason(HASH, 19793)}, explain(HASH).advice),
        ({IDENTIFIERS: Reason("INVALID_MAID_FORMAT", 7)}, explain("NO_MATCHING_IDS").advice),
        (None, explain("NO_MATCHING_IDS").advice),
    ],
)
def test_what_to_do_about_a_matching_id_without_values(reasons: dict[DatasetKind, Reason] | None, advised: str) -> None:
    cause = cause_of(NO_IDS, reasons=reasons, id_formats={"userId": "", "hem": HASH})
    assert advice(cause) == advised
    most = "Most frequent reason: not a SHA-256 hash in lower-case hex, 19,793 rows."
    assert (most in sentence(cause)) == (advised == explain(HASH).advice)


def test_ids_in_upper_case_are_counted() -> None:
    cause = cause_of(NO_IDS, hints={IDENTIFIERS: {"UPPER_CASE_IDS": 19697}})
    assert sentence(cause) == "19,697 ids of Identifiers would be valid in lower case."
    assert with_consequences(cause).endswith("1 further finding follows from it.")


@pytest.mark.parametrize("code", [WIDE, ARRAYS, "POSSIBLE_HEADER_ROW", "GUESSED_ENCODING"])
def test_what_is_recognised_in_a_file_has_a_sentence_advice_and_a_repair(code: str) -> None:
    cause = Cause(code, Severity.WARNING, "segments", SEGMENTS)
    assert code in sentences._SENTENCES and code not in advice(cause) and steps_of(cause)
    assert with_consequences(cause).startswith("Ready, but ") and "Segments" in with_consequences(cause)
