"""When each finding appears, at its limit and beyond, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from datalab.engines import Engine
from datalab.errors import UsageError
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import Finding
from datalab.results.validation import DatasetFacts
from datalab.statistics import Thresholds, ValidatedDataset, compute_statistics

MANY = [(f"u{n}", f"s{n % 10}") for n in range(100)]
IDS = [(f"u{n}", "hashed_email", f"h{n}") for n in range(100)]
Run = Callable[..., tuple[list[Finding], list[Finding]]]


@pytest.fixture
def run(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any], summarise: Callable[..., Any]
) -> Run:
    """Findings of a lab that is sound but for what the arguments say."""

    def findings(
        keys: dict[str, Any] | None = None,
        summaries: dict[DatasetKind, ValidatedDataset] | None = None,
        thresholds: Thresholds | None = None,
        **rows: Any,
    ) -> tuple[list[Finding], list[Finding]]:
        wire = {
            "requireDemographics": "demographics" in rows,
            "requireEmbeddings": "embeddings" in rows,
            **(keys or {}),
        }
        lab = make_lab(**{"numEmbeddings": 10, **wire})
        num = lab.num_embeddings
        sound = {"identifiers": IDS, "segments": MANY, "demographics": [], "embeddings": [], **rows}
        table = make_rows(**sound, num_embeddings=num)
        report = compute_statistics(lab, table, {**summarise(table), **(summaries or {})}, engine, thresholds)
        assert report.status == ("FAILED" if report.data_errors else "SUCCESS")
        return report.data_errors, report.quality_warnings

    return findings


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def embedding(user: str, value: float | None, width: int = 10) -> tuple[Any, ...]:
    return (user, "scope", *[value] * width)


def test_a_sound_lab_has_no_finding(run: Run) -> None:
    people = [(f"u{n}", str(n % 20), str(n % 5)) for n in range(100)]
    assert run(demographics=people, embeddings=[embedding("u1", 0.5)]) == ([], [])


LONG = [*MANY, ("u1", "🦆" * 129)]
TOO_MANY = [("u1", f"s{n}") for n in range(2001)]
AGES = [(f"u{n}", str(n), None) for n in range(21)]
GENDERS = [(f"u{n}", None, str(n)) for n in range(6)]
STRANGERS = [(f"x{n}", f"s{n}") for n in range(10)]


@pytest.mark.parametrize(
    ("code", "message", "rows"),
    [
        ("TOO_FEW_SEGMENTS", "segments: 9 segments (at least 10 needed)", {"segments": MANY[:9]}),
        ("TOO_MANY_SEGMENTS", "segments: 2001 segments (limit 2000)", {"segments": TOO_MANY}),
        ("SEGMENT_NAME_TOO_LONG", "segments: 1 segment names too long (limit 128 characters)", {"segments": LONG}),
        ("TOO_MANY_AGES", "demographics: 21 ages (limit 20)", {"demographics": AGES}),
        ("TOO_MANY_GENDERS", "demographics: 6 genders (limit 5)", {"demographics": GENDERS}),
        (
            "NO_USER_ID_OVERLAP",
            "segments: 0 of 10 users are in identifiers (at least 1 needed)",
            {"segments": STRANGERS},
        ),
        ("EMPTY_DATASET", "segments: 0 valid rows (at least 1 needed)", {"segments": []}),
        ("EMPTY_DATASET", "demographics: 0 valid rows (at least 1 needed)", {"demographics": []}),
        ("EMPTY_DATASET", "embeddings: 0 valid rows (at least 1 needed)", {"embeddings": []}),
    ],
)
def test_data_errors(run: Run, code: str, message: str, rows: dict[str, Any]) -> None:
    errors, warnings = run(**rows)
    assert errors == [Finding(code=code, message=message)]
    assert warnings == []


@pytest.mark.parametrize(
    "rows",
    [
        {"segments": MANY[:10]},
        {"segments": [("u1", f"s{n}") for n in range(2000)]},
        {"segments": [*MANY, ("u1", "🦆" * 128)]},
        {"demographics": [(f"u{n}", str(n % 20), str(n % 5)) for n in range(20)] + [("u50", None, None)]},
    ],
)
def test_at_the_limit_is_no_data_error(run: Run, rows: dict[str, Any]) -> None:
    assert run(**rows) == ([], [])


@pytest.mark.parametrize(
    ("width", "code"), [(9, "TOO_FEW_EMBEDDINGS"), (201, "TOO_MANY_EMBEDDINGS"), (10, None), (200, None)]
)
def test_number_of_embeddings(run: Run, width: int, code: str | None) -> None:
    errors, _ = run(keys={"numEmbeddings": width}, embeddings=[embedding("u1", 0.5, width)])
    assert codes(errors) == ([code] if code else [])


def test_empty_identifiers_also_lack_matching_ids_and_overlap(run: Run) -> None:
    errors, _ = run(identifiers=[])
    assert codes(errors) == ["EMPTY_DATASET", "NO_MATCHING_IDS", "NO_USER_ID_OVERLAP"]


def test_a_matching_id_without_ids_is_named(run: Run) -> None:
    errors, _ = run(identifiers=[("u1", "maid", "m1"), *[(f"u{n}", "maid", f"n{n}") for n in range(100)]])
    assert [(e.code, e.message.split(":")[0]) for e in errors] == [("NO_MATCHING_IDS", "hashed_email")]


def test_users_outside_identifiers(run: Run) -> None:
    one_percent = [*MANY[:99], ("x1", "s9")]
    assert run(segments=one_percent) == ([], [])
    _, warnings = run(segments=[*one_percent, ("x2", "s9")])
    assert [w.message for w in warnings] == ["segments: 2 of 101 users are not in identifiers (limit 0.01)"]
    _, warnings = run(segments=[*one_percent, ("x2", "s9")], thresholds=Thresholds(max_users_outside_share=0.5))
    assert warnings == []


def test_userids_that_are_hardly_consistent_are_a_data_error(run: Run) -> None:
    def segments(inside: int, outside: int) -> list[tuple[str, str]]:
        return [(f"u{n}", f"s{n % 10}") for n in range(inside)] + [(f"x{n}", f"s{n % 10}") for n in range(outside)]

    errors, warnings = run(segments=segments(5, 95))
    assert errors == [] and codes(warnings) == ["USERS_NOT_IN_IDENTIFIERS"]
    errors, warnings = run(segments=segments(4, 96))
    assert [(e.code, e.message) for e in errors] == [
        ("LOW_USER_ID_OVERLAP", "segments: 96 of 100 users are not in identifiers (limit 0.95)")
    ]
    assert warnings == []
    errors, warnings = run(segments=segments(0, 100))
    assert codes(errors) == ["NO_USER_ID_OVERLAP"] and warnings == []
    errors, warnings = run(segments=segments(4, 96), thresholds=Thresholds(max_users_outside_error_share=0.96))
    assert errors == [] and codes(warnings) == ["USERS_NOT_IN_IDENTIFIERS"]


def test_low_matchable_share(run: Run) -> None:
    def ids(matchable: int) -> list[tuple[str, str, str]]:
        return [(f"u{n}", "hashed_email" if n < matchable else "maid", f"x{n}") for n in range(100)]

    assert run(identifiers=ids(20)) == ([], [])
    _, warnings = run(identifiers=ids(19))
    assert [(w.code, w.message) for w in warnings] == [
        ("LOW_MATCHABLE_SHARE", "hashed_email: 19 of 100 users are matchable (at least 0.2 expected)")
    ]


def test_shared_ids_of_matching_and_activation_ids_only(run: Run) -> None:
    entries = [
        {"idName": "userId", "idType": "STRING", "isMatchingId": True},
        {"idName": "hashed_email", "idType": "HASHED_EMAIL", "isMatchingId": True},
        {"idName": "no role", "idType": "MAID"},
    ]
    shared = [(f"u{n}", name, "x") for n in range(11) for name in ("hashed_email", "no role")]
    _, warnings = run(keys={"identifiersConfig": entries}, identifiers=[*IDS, *shared])
    assert [(w.code, w.message) for w in warnings] == [("SHARED_ID", "hashed_email: one id has 11 users (limit 10)")]
    assert run(keys={"identifiersConfig": entries}, identifiers=[*IDS, *shared[:20]]) == ([], [])


def test_invalid_share(run: Run) -> None:
    def summary(total: int) -> dict[DatasetKind, ValidatedDataset]:
        return {DatasetKind.SEGMENTS: ValidatedDataset(total_rows=total, valid_rows=95)}

    assert run(summaries=summary(100)) == ([], [])
    _, warnings = run(summaries=summary(101))
    assert [w.message for w in warnings] == ["segments: 6 of 101 rows are invalid (limit 0.05)"]


def test_counts_of_rows(run: Run) -> None:
    odd = [("u1", "Hashed_Email", "x"), ("u2", "unknown", "y"), ("u3", "userId", "u4"), ("u5", "userId", "u5")]
    empty = [embedding("u1", None), embedding("u2", float("inf")), ("u3", "s", None, 1.0, *[None] * 8)]
    errors, warnings = run(identifiers=[*IDS, *odd], embeddings=empty)
    assert errors == []
    assert [w.message for w in warnings] == [
        "identifiers: 2 valid rows have an unconfigured name (limit 0)",
        "identifiers: 1 valid rows have another userId (limit 0)",
        "embeddings: 1 valid rows have no value at all (limit 0)",
    ]
    assert codes(warnings) == ["UNKNOWN_ID_NAME", "USER_ID_MISMATCH", "EMPTY_EMBEDDINGS"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (DatasetFacts(rows=4, first_record_is_header=True), ["POSSIBLE_HEADER_ROW"]),
        (DatasetFacts(rows=4, first_record_is_header=True, is_csv=False), []),
        (DatasetFacts(rows=4, one_column_rows=4, foreign_separator_rows=3), ["POSSIBLE_WRONG_SEPARATOR"]),
        (DatasetFacts(rows=4, one_column_rows=4, foreign_separator_rows=2), []),
        (DatasetFacts(rows=4, one_column_rows=3, foreign_separator_rows=3), []),
        (DatasetFacts(rows=0), []),
        (DatasetFacts(rows=4, one_column_rows=4, foreign_separator_rows=4, is_csv=False), []),
    ],
)
def test_hints_of_the_input(run: Run, facts: DatasetFacts, expected: list[str]) -> None:
    _, warnings = run(summaries={DatasetKind.SEGMENTS: ValidatedDataset(total_rows=100, valid_rows=100, facts=facts)})
    assert codes(warnings) == expected


def test_messages_name_subject_figure_and_limit_and_no_row_value(run: Run) -> None:
    planted = "planted" * 30
    segments = [(f"{planted}{n}", planted) for n in range(3)] + [("u1", planted)]
    errors, warnings = run(
        identifiers=[(f"u{n}", planted, planted) for n in range(30)],
        segments=segments,
        embeddings=[embedding("u1", None)],
    )
    findings = [*errors, *warnings]
    assert len(findings) >= 6
    for finding in findings:
        assert planted not in finding.message
        assert re.match(r"\w+: .*\d.* \((limit|at least) \S+", finding.message), finding.message


def test_every_threshold_is_a_setting_within_its_range() -> None:
    with pytest.raises(ValidationError):
        Thresholds(min_matchable_share=20)
    with pytest.raises(ValidationError):
        Thresholds.model_validate({"min_segment": 3})


def test_thresholds_of_data_errors(run: Run) -> None:
    errors, _ = run(thresholds=Thresholds(min_segments=11, max_segment_name_length=1))
    assert codes(errors) == ["TOO_FEW_SEGMENTS", "SEGMENT_NAME_TOO_LONG"]


def test_statistics_wait_for_every_dataset(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any]
) -> None:
    summaries = {DatasetKind.IDENTIFIERS: ValidatedDataset(total_rows=1, valid_rows=1)}
    with pytest.raises(UsageError, match="missing: segments, demographics, embeddings"):
        compute_statistics(make_lab(), make_rows(), summaries, engine)
