"""Expected numbers of rows and ids beside those that were found; figures only, no words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from datalab.kinds import MATCHING, DatasetKind
from datalab.results.statistics import StatisticsResultV2
from datalab.results.status import ValidationStatus

MOST_DEVIATION = 0.1
"""The share by which a number may differ from the expected one without a warning."""


@dataclass(frozen=True)
class Expected:
    """What the dataset of a slot should have."""

    rows: int | None
    ids: Mapping[str, int]


@dataclass(frozen=True)
class Compared:
    """An expected number and the number that was found."""

    dataset: DatasetKind
    id_name: str | None
    """None: it is about rows."""
    expected: int
    found: int | None
    """None: not counted yet."""

    @property
    def deviation(self) -> float | None:
        """By what share of the expected number the found one differs; None: not known."""
        if self.found is None or (not self.expected and self.found):
            return None
        return (self.found - self.expected) / self.expected if self.expected else 0.0

    @property
    def is_off(self) -> bool:
        """Whether the numbers differ by more than 10%.

        >>> Compared(MATCHING, None, 100, 110).is_off, Compared(MATCHING, None, 100, 89).is_off
        (False, True)
        """
        if self.found is None:
            return False
        return abs(self.found - self.expected) > MOST_DEVIATION * self.expected


def compared(
    expected: Mapping[DatasetKind, Expected],
    status: ValidationStatus | None,
    statistics: StatisticsResultV2 | None,
) -> Iterator[Compared]:
    """Yield every expected number of a lab with the one that its current result has, in the order of the slots."""
    for kind in DatasetKind:
        if kind not in expected:
            continue
        checked = status.datasets.get(kind.value) if status else None
        if expected[kind].rows is not None:
            rows = checked.valid_rows + checked.invalid_rows if checked else None
            yield Compared(kind, None, expected[kind].rows or 0, rows)
        overview = statistics.identifiers_overview if statistics and kind is MATCHING else {}
        for name, ids in expected[kind].ids.items():
            yield Compared(kind, name, ids, overview[name].distinct_ids if name in overview else None)
