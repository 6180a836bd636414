"""Large results are made without searches for garbage, and the collector is as before afterwards."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from datalab.results.large import parsed, uncollected
from datalab.results.statistics import SegmentStatistics

CELL = {"absolute": 1, "relative": 0.5}
SEGMENTS = SegmentStatistics.model_validate(
    {
        "segment_user_counts": {
            "hashed_email": {f"s{n}": {"matchable_users": CELL, "all_users": CELL} for n in range(3_000)}
        }
    }
)
JSON = SEGMENTS.model_dump_json().encode()


@pytest.fixture
def searches() -> Iterator[Callable[[], int]]:
    """Counts searches for garbage; it begins after one."""
    found = []

    def note(phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            found.append(info["generation"])

    gc.collect()
    gc.callbacks.append(note)
    yield lambda: len(found)
    gc.callbacks.remove(note)


def test_a_report_of_many_segments_is_read_without_a_search_for_garbage(searches: Callable[[], int]) -> None:
    found = parsed(SegmentStatistics, JSON)
    assert searches() <= 1  # the one that follows
    assert found == SEGMENTS


def test_pydantic_alone_searches_again_and_again(searches: Callable[[], int]) -> None:
    SegmentStatistics.model_validate_json(JSON)
    assert searches() > 5


def test_the_collector_is_as_before() -> None:
    with pytest.raises(ValidationError):
        parsed(SegmentStatistics, b"[]")
    assert gc.isenabled()
    with uncollected(), uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
