"""Small lines of numbers over the refreshes of a lab; where a dataset was replaced, they have a mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from datalab.kinds import MATCHING, DatasetKind
from datalab.results.refreshes import MOST_REFRESHES, Refresh

_WIDTH, _HEIGHT, _EDGE = 132, 28, 4


@dataclass(frozen=True)
class Line:
    """A small line, to be drawn as SVG; it begins at 0."""

    width: int
    height: int
    points: str
    marks: list[float]
    """Where a dataset was replaced, from the left."""
    end: tuple[float, float] | None
    """The place of the newest number."""


@dataclass(frozen=True)
class Point:
    """One refresh."""

    run_id: str
    at: datetime
    value: int | None
    """None: the result has no such number."""
    replaced: bool
    """Whether the dataset of the number is another one than before."""


@dataclass(frozen=True)
class Trend:
    """One number over the refreshes, the oldest first."""

    metric: str
    dataset: DatasetKind | None
    points: list[Point] = field(default_factory=list)

    @property
    def line(self) -> Line:
        """The line of the numbers."""
        return line_of([point.value for point in self.points], [point.replaced for point in self.points])


def trends_of(refreshes: Sequence[Refresh]) -> list[Trend]:
    """Return the trend of every number that the newest of `refreshes` has, by dataset; the oldest refresh is first.

    Example:
        >>> from datetime import UTC
        >>> when = datetime(2026, 1, 1, tzinfo=UTC)
        >>> old = Refresh("a", when, {DatasetKind.SEGMENTS: "1"}, {"segments.valid_rows": 4})
        >>> new = Refresh("b", when, {DatasetKind.SEGMENTS: "2"}, {"segments.valid_rows": 5})
        >>> [(point.value, point.replaced) for point in trends_of([old, new])[0].points]
        [(4, False), (5, True)]
    """
    shown = refreshes[-MOST_REFRESHES:]
    found = [trend_of(metric, shown) for metric in sorted(shown[-1].numbers)] if shown else []
    return sorted(found, key=lambda trend: list(DatasetKind).index(trend.dataset or MATCHING))


def trend_of(metric: str, refreshes: Sequence[Refresh]) -> Trend:
    """Return the trend of one number."""
    name = metric.partition(".")[0]
    dataset = DatasetKind(name) if name in set(DatasetKind) else None
    points = []
    for place, refresh in enumerate(refreshes):
        before = refreshes[place - 1].datasets if place else refresh.datasets
        changed = [kind for kind in refresh.datasets if refresh.datasets[kind] != before.get(kind)]
        replaced = bool(changed) if dataset is None else dataset in changed
        points.append(Point(refresh.run_id, refresh.at, refresh.numbers.get(metric), replaced))
    return Trend(metric, dataset, points)


def line_of(values: Sequence[int | None], replaced: Sequence[bool]) -> Line:
    """Return the line of numbers; a missing one is a gap that the line crosses.

    >>> line_of([0, None, 10], [False, False, True]).points
    '4.0,24.0 128.0,4.0'
    """
    step = (_WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    most = max((value for value in values if value is not None), default=0) or 1
    places = [
        (round(_EDGE + step * number, 1), round(_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * value / most, 1))
        for number, value in enumerate(values)
        if value is not None
    ]
    marks = [round(_EDGE + step * number, 1) for number, is_new in enumerate(replaced) if is_new]
    return Line(_WIDTH, _HEIGHT, " ".join(f"{x},{y}" for x, y in places), marks, places[-1] if places else None)
