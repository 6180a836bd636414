"""Expected numbers beside found ones: a warning beyond 10%, and nothing before they are counted."""

from __future__ import annotations

import pytest

from datalab.dashboard.expected import expected_words
from datalab.kinds import DatasetKind
from datalab.statistics.expected import Compared, Expected, compared

SEGMENTS = DatasetKind.SEGMENTS


@pytest.mark.parametrize(
    ("expected", "found", "is_off"),
    [
        (100, 110, False),
        (100, 111, True),
        (100, 90, False),
        (100, 89, True),
        (0, 0, False),
        (0, 1, True),
        (5, None, False),
    ],
)
def test_a_deviation_of_more_than_ten_percent_is_a_warning(expected: int, found: int | None, is_off: bool) -> None:
    assert Compared(SEGMENTS, None, expected, found).is_off is is_off


def test_words() -> None:
    assert expected_words(Compared(DatasetKind.IDENTIFIERS, "maid", 2_000, 2_500)) == (
        "Identifiers: 2,500 different maid found, 2,000 expected (+25.0%)"
    )
    assert expected_words(Compared(SEGMENTS, None, 2_000, None)) == "Segments: 2,000 rows expected"


def test_without_a_result_nothing_is_found() -> None:
    wanted = {SEGMENTS: Expected(7, {}), DatasetKind.IDENTIFIERS: Expected(None, {"maid": 3})}
    assert [(one.dataset.value, one.id_name, one.found) for one in compared(wanted, None, None)] == [
        ("identifiers", "maid", None), ("segments", None, None),
    ]  # fmt: skip
