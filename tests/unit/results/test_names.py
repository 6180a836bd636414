"""Whether names in a result that an earlier version made may hold ids of users."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datalab.results.names import may_hold_ids

CASES = Path(__file__).parents[2] / "conformance" / "statistics"
CASE = CASES / "p03-three-columns-everything" / "expected"
BROKEN = "food\nsomebody,tea"


def content(name: str) -> Any:
    return json.loads((CASE / name).read_bytes())


STATUS = json.dumps(content("validation-status.json")).encode()


def in_segments(statistics: Any) -> None:
    for counts in statistics["segment_statistics"]["segment_user_counts"].values():
        counts[BROKEN] = counts.pop(next(iter(counts)))


def in_demographics(statistics: Any) -> None:
    everyone = statistics["demographic_statistics"]["all_users"]
    everyone[f"{BROKEN}||f"] = everyone.pop(next(iter(everyone)))


def in_old_segments(statistics: Any) -> None:
    statistics["share_of_users_per_segment_distribution"][BROKEN] = 0.5


def in_old_demographics(statistics: Any) -> None:
    statistics["demographics_distributions"][f"30||{BROKEN}"] = [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("statistics.json", (in_segments, in_demographics)),
        ("statistics-v1.json", (in_old_segments, in_old_demographics)),
    ],
)
def test_a_line_break_in_a_name_decides(name: str, changes: Any) -> None:
    assert not may_hold_ids(json.dumps(content(name)).encode(), STATUS)
    for change in changes:
        statistics = content(name)
        change(statistics)
        assert may_hold_ids(json.dumps(statistics).encode(), STATUS)


@pytest.mark.parametrize(("kind", "expected"), [("segments", True), ("demographics", True), ("embeddings", False)])
@pytest.mark.parametrize("name", ["statistics.json", "statistics-v1.json"])
def test_so_does_a_dataset_with_names_that_has_no_user_in_common(name: str, kind: str, expected: bool) -> None:
    status = content("validation-status.json")
    error = {"code": "NO_USER_ID_OVERLAP", "message": f"{kind}: 0 of 12 users are in identifiers (at least 1 needed)"}
    status["statistics"]["data_errors"].append(error)
    assert may_hold_ids(json.dumps(content(name)).encode(), json.dumps(status).encode()) is expected


def test_what_cannot_be_read_may_hold_anything() -> None:
    assert may_hold_ids(b"{}", STATUS) and may_hold_ids(json.dumps(content("statistics.json")).encode(), b"?")
