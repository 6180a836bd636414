"""The tables and figures of panels; the terminal and the page decide how to draw them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResultV2

Json = dict[str, Any]
Number = int | float
Cell = int | float | str | None
"""A number, the text that hides one (such as "< 10"), a name, or no value."""
Matchable = Mapping[str, Mapping[str, int | str]]
"""The JSON of `MatchableUsers`; a hidden count is a text."""


@dataclass(frozen=True)
class NumberTable:
    """A table whose rows have a configured name in the first cell, and numbers in all others."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | Number]]


class Unit(Enum):
    """The type of the cells of a column."""

    NAME = auto()
    COUNT = auto()
    AVERAGE = auto()
    SHARE = auto()


@dataclass(frozen=True)
class Column:
    """One column; numbers are aligned right."""

    label: str
    unit: Unit = Unit.COUNT
    short: str = ""
    """The label for narrow tables; empty: the same."""
    detail: str = ""
    """The matching id that the column is about."""
    again: bool = False
    """Whether the detail is the same as in the previous column."""

    @property
    def numeric(self) -> bool:
        """Whether its cells are numbers."""
        return self.unit is not Unit.NAME


@dataclass(frozen=True)
class Table:
    """A table for people; it may contain values of rows of the data, such as segments."""

    caption: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    """The rows, which can be read once; only the shown ones are read."""
    lead: int = 0
    """Number of columns before those of the matching ids (two each); 0: the table has no such columns."""
    total: int = 0
    """Number of rows if it depends on the data; 0: it depends on the lab's definition, and all rows are shown."""
    kept: str = "first"
    """The rows that are shown if there are too many: the first or the largest."""


@dataclass(frozen=True)
class Figure:
    """A number with its name."""

    label: str
    value: Cell
    share: float | None = None
    """Its share of the rows; None: the share has no meaning."""
    metric: str = ""
    """Its name among the headline numbers."""


@dataclass(frozen=True)
class ReportNumbers:
    """A report as the input of tables."""

    json: Json
    """The JSON of the report; in a report for sharing, hidden counts are texts."""
    matching_ids: list[str] = field(default_factory=list)
    matchable: Matchable = field(default_factory=dict)
    """The matchable users of the result; empty for results of earlier versions."""

    @classmethod
    def of(cls, report: StatisticsResultV2, matchable: MatchableUsers | None = None) -> ReportNumbers:
        """Return the numbers of a report, and its matchable users, without hiding any."""
        matching = [name for name, info in report.identifiers_overview.items() if info.is_matching_id]
        return cls(report.model_dump(mode="json", by_alias=True), matching, matchable.model_dump() if matchable else {})

    def at(self, path: Iterable[str]) -> Any:
        """Return the value at a path; None: there is no value."""
        found: Any = self.json
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def ratio(part: Cell, whole: Cell) -> float | None:
    """Return part / whole; None: one of them is hidden or missing, or the whole is 0."""
    return part / whole if isinstance(part, int) and isinstance(whole, int) and whole else None


def by_size(count: Cell, name: str) -> tuple[float, str]:
    """Return a sort key: the largest first; hidden counts last, by name, so that their order reveals nothing."""
    return (1 if count is None or isinstance(count, str) else -count, name)


def drawn(table: NumberTable, caption: str) -> Table:
    """Return a table of numbers by configured names as a table for people."""

    def unit(index: int) -> Unit:
        if index == 0:
            return Unit.NAME
        return Unit.AVERAGE if any(isinstance(row[index], float) for row in table.rows) else Unit.COUNT

    columns = [Column(name[:1].upper() + name[1:], unit(index), short=name) for index, name in enumerate(table.header)]
    return Table(caption, columns, table.rows)
