"""What a lab can be used for: Yes only in a Ready lab, with a number; otherwise what stands in the way."""

from __future__ import annotations

from typing import Any

import pytest

from datalab.dashboard.disclosure import shareable
from datalab.dashboard.usable import usable
from datalab.lab import LabDefinition
from datalab.results.statistics import Finding, StatisticsResultV2
from datalab.statistics.causes import causes_of
from datalab.statistics.readiness import readiness
from tests.unit.dashboard.pages import MINIMUM, a_lab, statistics

ALL = ["OVERLAP", "INSIGHTS", "REMARKETING", "RULE_BASED", "LOOKALIKE", "EXCLUSION_TARGETING"]
EMPTY = Finding(code="EMPTY_DATASET", message="demographics: 0 valid rows (at least 1 needed)")
DISJOINT = Finding(code="NO_USER_ID_OVERLAP", message="segments: 0 of 3434 users are in identifiers (at least 1)")
NO_IDS = Finding(code="NO_MATCHING_IDS", message="hem: 0 ids of this matching id (at least 1 needed)")


def of(
    lab: LabDefinition | None = None, report: StatisticsResultV2 | None = None, errors: Any = (), minimum: int = 0
) -> dict[str, str]:
    lab, report = lab or a_lab(collaborationTypes=ALL), report or statistics()
    failed = report.model_copy(update={"data_errors": [*errors], "status": "FAILED" if errors else "SUCCESS"})
    found = usable(
        readiness(lab, report), shareable(report, minimum), causes_of(None, failed), is_ready=failed.status == "SUCCESS"
    )
    return {kind.value: str(words) for kind, words in found.items()}


def test_a_ready_lab_says_how_much_each_type_reaches() -> None:
    assert of() == {
        "OVERLAP": "Yes, 1,720 hem",
        "INSIGHTS": "Yes, 900 users with segments",
        "REMARKETING": "Yes, 900 userId",
        "RULE_BASED": "Yes, 900 userId",
        "LOOKALIKE": "Yes, 900 userId",
        "EXCLUSION_TARGETING": "Yes, 900 userId",
    }


def test_types_that_the_lab_does_not_support_are_left_out() -> None:
    lab = a_lab(collaborationTypes=["OVERLAP", "EXCLUSION_TARGETING"])
    report = statistics(remarketing_activation_potential=None)
    assert of(lab, report) == {"OVERLAP": "Yes, 1,720 hem", "EXCLUSION_TARGETING": "Yes, 1,720 hem"}


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([DISJOINT], {"Segments"}),
        ([EMPTY], {"Demographics"}),
        ([NO_IDS, EMPTY], {"Identifiers"}),
        ([DISJOINT, NO_IDS], {"Identifiers", "Segments"}),
    ],
)
def test_in_another_lab_nothing_can_be_used_and_the_dataset_is_named(errors: Any, expected: set[str]) -> None:
    found = of(errors=errors)
    assert set(found) == set(ALL) and {text.split()[1] for text in found.values()} == expected
    assert all(text.startswith("No: ") and text.endswith(" has a data error") for text in found.values())


def test_a_dataset_that_a_type_needs_is_named_first() -> None:
    found = of(errors=[EMPTY, DISJOINT])
    assert found["RULE_BASED"] == "No: Segments has a data error"
    assert found["OVERLAP"] == "No: Demographics has a data error"


def test_what_is_missing_is_named() -> None:
    report = statistics(segment_statistics=None)
    report.basic_statistics.segments = None
    assert of(a_lab(requireSegments=False), report)["INSIGHTS"].startswith("No: it needs a segments dataset")


def test_nothing_reached_is_no() -> None:
    none = {"userId": {"reachable_activation_ids": 0}, "maid": {"reachable_activation_ids": 0}}
    report = statistics(segments_activation_potential=none)
    assert of(None, report)["RULE_BASED"] == "No: no userId can be reached"
    assert of(None, report)["LOOKALIKE"] == "Yes, 900 userId"


def test_hidden_counts_stay_hidden() -> None:
    few = {"userId": {"reachable_activation_ids": 4}, "maid": {"reachable_activation_ids": 3}}
    report = statistics(segments_activation_potential=few)
    assert of(None, report, minimum=MINIMUM)["RULE_BASED"] == "Yes, < 10 userId"
