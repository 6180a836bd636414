"""The causes of a lab's state: which finding follows from which, and what is wrong with which dataset.

The table: docs/spec/portal.md#2-states.
"""

from __future__ import annotations

import pytest

from datalab.codes import FILE_ERRORS
from datalab.kinds import DatasetKind
from datalab.results.statistics import Finding
from datalab.results.status import DatasetStatus, StatisticsStatus, ValidationStatus
from datalab.statistics.cause import DROPS_OF_DATASET, WRONG_KIND, Cause, Evidence, Reason
from datalab.statistics.causes import causes_of, reasons_of
from datalab.statistics.compare import Comparison
from datalab.statistics.slots import RowsState, SlotState, rows_state, slot_states

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS, *_ = DatasetKind
NO_OVERLAP = "NO_USER_ID_OVERLAP {0}: 0 of 19007 users are in identifiers (at least 1 needed)"
EMPTY = "EMPTY_DATASET {0}: 0 valid rows (at least 1 needed)"
INVALID = "HIGH_INVALID_SHARE {0}: 3000 of 3000 rows are invalid (limit 0.05)"
SEPARATOR = (
    "POSSIBLE_WRONG_SEPARATOR {0}: all 3000 records have one column, 3000 of them hold a semicolon, tab or bar "
    "(limit 0.5)"
)
NO_IDS = "NO_MATCHING_IDS hem: 0 ids of this matching id (at least 1 needed)"
FEW_SEGMENTS = "TOO_FEW_SEGMENTS segments: 1 segments (at least 10 needed)"
DROP = "HEADLINE_DROP {0}: from 17492 to 0, -100.0% (limit -20.0%)"


def finding(text: str, subject: object = "") -> Finding:
    code, _, message = text.format(subject).partition(" ")
    return Finding(code=code, message=message)


def status(
    errors: list[Finding] | None = None,
    warnings: list[Finding] | None = None,
    *,
    valid: dict[DatasetKind, int] | None = None,
    of_datasets: dict[DatasetKind, list[Finding]] | None = None,
) -> ValidationStatus:
    own = of_datasets or {}
    datasets = {
        kind.value: DatasetStatus(
            status="FAILED" if own.get(kind) else "SUCCESS",
            errors=own.get(kind, []),
            valid_rows=(valid or {}).get(kind, 100),
            invalid_rows=3,
        )
        for kind in DatasetKind
    }
    block = StatisticsStatus(
        status="FAILED" if errors else "SUCCESS", data_errors=errors or [], quality_warnings=warnings or []
    )
    return ValidationStatus(status="FAILED" if errors or own else "SUCCESS", datasets=datasets, statistics=block)


def drops(*metrics: str) -> Comparison:
    return Comparison(changes=[], warnings=[finding(DROP, metric) for metric in metrics])


def shape(causes: list[Cause]) -> list[tuple[str, DatasetKind | None, list[str]]]:
    """Return every cause with its dataset and the codes of what follows from it."""
    return [(cause.code, cause.dataset, [one.code for one in cause.follows]) for cause in causes]


def test_the_cause_of_drops_is_a_dataset_without_users_in_common() -> None:
    found = causes_of(
        status([finding(NO_OVERLAP, "segments")], [finding("SHARED_ID maid: one id has 37 users (limit 10)")]),
        comparison=drops(
            "segments.userId.reachable_activation_ids", "segments.distinct_user_ids", "embeddings.valid_rows"
        ),
    )
    assert shape(found) == [
        ("NO_USER_ID_OVERLAP", SEGMENTS, ["HEADLINE_DROP", "HEADLINE_DROP"]),
        ("SHARED_ID", IDENTIFIERS, []),
        ("HEADLINE_DROP", EMBEDDINGS, []),
    ]
    assert found[0].figures == (0, 19007) and found[0].limit == "1"
    assert found[1].subject == "maid" and found[1].figures == (37,)


def test_hardly_any_user_in_common_explains_drops_and_follows_from_empty_identifiers() -> None:
    low = finding("LOW_USER_ID_OVERLAP segments: 96 of 100 users are not in identifiers (limit 0.95)")
    found = causes_of(status([low]), comparison=drops("segments.userId.reachable_activation_ids"))
    assert shape(found) == [("LOW_USER_ID_OVERLAP", SEGMENTS, ["HEADLINE_DROP"])]
    assert found[0].figures == (96, 100) and found[0].limit == "0.95"
    mixed = causes_of(status([low]), evidence=Evidence(looks_like={IDENTIFIERS: SEGMENTS}))
    assert shape(mixed) == [(WRONG_KIND, IDENTIFIERS, ["LOW_USER_ID_OVERLAP"])]


def test_an_empty_dataset_explains_what_is_missing_from_it() -> None:
    found = causes_of(
        status([finding(EMPTY, "segments"), finding(NO_OVERLAP, "demographics")], [finding(INVALID, "segments")]),
        comparison=drops("segments.distinct_segments"),
    )
    assert shape(found) == [
        ("EMPTY_DATASET", SEGMENTS, ["HIGH_INVALID_SHARE", "HEADLINE_DROP"]),
        ("NO_USER_ID_OVERLAP", DEMOGRAPHICS, []),
    ]


def test_empty_identifiers_explain_every_dataset_that_has_no_user_in_common() -> None:
    errors = [finding(NO_OVERLAP, "segments"), finding(NO_IDS), finding(EMPTY, "identifiers")]
    found = causes_of(status(errors, of_datasets={IDENTIFIERS: [finding(EMPTY, "identifiers")]}))
    assert shape(found) == [("EMPTY_DATASET", IDENTIFIERS, ["NO_USER_ID_OVERLAP", "NO_MATCHING_IDS"])]


def test_a_wrong_separator_explains_the_errors_of_its_dataset_and_no_others() -> None:
    found = causes_of(
        status(
            [finding(EMPTY, "segments"), finding(FEW_SEGMENTS), finding(NO_OVERLAP, "embeddings")],
            [finding(INVALID, "segments"), finding(SEPARATOR, "segments"), finding(INVALID, "embeddings")],
        )
    )
    assert shape(found) == [
        ("POSSIBLE_WRONG_SEPARATOR", SEGMENTS, ["EMPTY_DATASET", "TOO_FEW_SEGMENTS", "HIGH_INVALID_SHARE"]),
        ("NO_USER_ID_OVERLAP", EMBEDDINGS, []),
        ("HIGH_INVALID_SHARE", EMBEDDINGS, []),
    ]


@pytest.mark.parametrize("code", FILE_ERRORS)
def test_a_file_that_cannot_be_read_is_found_by_its_dataset_although_its_text_does_not_name_it(code: str) -> None:
    broken = finding(f"{code} Error: the file is damaged")
    found = causes_of(status([finding(EMPTY, "segments")], of_datasets={SEGMENTS: [broken]}))
    assert shape(found) == [(code, SEGMENTS, ["EMPTY_DATASET"])]


def test_a_dataset_of_another_kind_explains_everything_about_it() -> None:
    found = causes_of(
        status([finding(EMPTY, "identifiers"), finding(NO_IDS), finding(NO_OVERLAP, "segments")]),
        comparison=drops("identifiers.valid_rows", "segments.valid_rows"),
        evidence=Evidence(looks_like={IDENTIFIERS: SEGMENTS}),
    )
    codes = ["EMPTY_DATASET", "NO_USER_ID_OVERLAP", "NO_MATCHING_IDS", "HEADLINE_DROP"]
    assert shape(found) == [(WRONG_KIND, IDENTIFIERS, codes), ("HEADLINE_DROP", SEGMENTS, [])]


def test_a_hint_is_a_cause_only_of_a_finding_that_it_explains() -> None:
    errors = [finding(NO_IDS)]
    evidence = Evidence(hints={IDENTIFIERS: {"UPPER_CASE_IDS": 9}, SEGMENTS: {"BLANKS_AROUND": 9}})
    assert shape(causes_of(status(errors), evidence=evidence)) == [("UPPER_CASE_IDS", IDENTIFIERS, ["NO_MATCHING_IDS"])]
    assert causes_of(status(), evidence=evidence) == []


def test_the_drops_of_one_dataset_are_one_entry() -> None:
    metrics = ("segments.valid_rows", "segments.distinct_segments", "remarketing.hem.maid.reachable_activation_ids")
    found = causes_of(status(), comparison=drops(*metrics))
    assert shape(found) == [
        (DROPS_OF_DATASET, SEGMENTS, ["HEADLINE_DROP"] * 2),
        ("HEADLINE_DROP", IDENTIFIERS, []),
    ]
    assert found[0].figures == (2,)


def test_an_identifier_may_have_any_name() -> None:
    names = ["segments", "a: b", "c (limit 3)"]
    found = causes_of(status([finding(NO_IDS.replace("hem", name)) for name in names]))
    assert [(cause.subject, cause.dataset, cause.figures) for cause in found] == [
        (name, IDENTIFIERS, (0,)) for name in names
    ]


def test_withheld_figures_are_no_figures() -> None:
    hidden = lambda one: Finding(code=one.code, message="segments: figures below 10 are withheld (at least 1 needed)")  # noqa: E731
    assert causes_of(status([finding(NO_OVERLAP, "segments")]), shown=hidden)[0].figures == ()


def test_the_reason_of_most_invalid_rows_belongs_to_the_cause() -> None:
    reasons = reasons_of(
        {"segments": {"invalid_rows_by_reason": {"EMPTY_CELL": "< 10", "TOO_MANY_COLUMNS_PROVIDED": 70}}}
    )
    found = causes_of(status([finding(EMPTY, "segments")]), evidence=Evidence(reasons))
    assert found[0].reason == Reason("TOO_MANY_COLUMNS_PROVIDED", 70)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (status(), SlotState.GOOD),
        (status(warnings=[finding(INVALID, "segments")]), SlotState.WARNINGS),
        (status([finding(FEW_SEGMENTS)]), SlotState.PROBLEM),
        (status(valid={SEGMENTS: 0}), SlotState.PROBLEM),
        (status(of_datasets={SEGMENTS: [finding(EMPTY, "segments")]}), SlotState.PROBLEM),
        (None, SlotState.NOT_VALIDATED),
    ],
)
def test_the_state_of_a_slot(found: ValidationStatus | None, expected: SlotState) -> None:
    states = slot_states([IDENTIFIERS, SEGMENTS], [SEGMENTS], found, causes_of(found))
    assert states[SEGMENTS].state is expected and states[IDENTIFIERS].state is SlotState.EMPTY


def test_the_state_of_identifiers_follows_their_ids() -> None:
    found = status([finding(NO_IDS)])
    states = slot_states(list(DatasetKind), list(DatasetKind), found, causes_of(found))
    assert states[IDENTIFIERS].state is SlotState.PROBLEM and states[SEGMENTS].state is SlotState.GOOD
    wrong = causes_of(found, evidence=Evidence(looks_like={SEGMENTS: IDENTIFIERS}))
    assert slot_states([SEGMENTS], [SEGMENTS], found, wrong)[SEGMENTS].state is SlotState.WRONG_KIND
    assert slot_states([SEGMENTS], [SEGMENTS], None, [], checking=True)[SEGMENTS].state is SlotState.CHECKING


@pytest.mark.parametrize(
    ("outcome", "rows", "valid", "expected"),
    [
        ("PASSED", 0, 0, RowsState.NONE),
        ("PASSED", 20_000, 0, RowsState.NONE),
        ("PASSED", 3_000, 2, RowsState.FEW),
        ("PASSED", 100, 95, RowsState.MOST),
        ("PASSED", 100, 96, RowsState.ALL),
        ("FAILED", 100, 96, RowsState.FAILED),
    ],
)
def test_how_much_of_a_file_is_valid(outcome: str, rows: int, valid: int, expected: RowsState) -> None:
    assert rows_state(outcome, rows, valid) is expected
