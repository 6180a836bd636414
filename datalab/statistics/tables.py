"""The tables and figures that panels are written as; how a terminal or a page draws them is not decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from datalab.results.statistics import StatisticsResultV2

Json = dict[str, Any]
Number = int | float
Cell = int | float | str | None
"""A number, or the text that hides one (such as "< 10"); a name; or nothing."""


@dataclass(frozen=True)
class NumberTable:
    """Rows that begin with a configured name; every other cell is a number."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | Number]]


class Unit(Enum):
    """What the cells of a column are."""

    NAME = auto()
    COUNT = auto()
    AVERAGE = auto()
    SHARE = auto()


@dataclass(frozen=True)
class Column:
    """One column; numbers stand at the right."""

    label: str
    unit: Unit = Unit.COUNT
    short: str = ""
    """The label where there is little room; empty: the same."""
    detail: str = ""
    """The matching id that the column is about."""
    again: bool = False
    """Whether the detail repeats that of the column before."""

    @property
    def numeric(self) -> bool:
        """Whether its cells are numbers."""
        return self.unit is not Unit.NAME


@dataclass(frozen=True)
class Table:
    """Rows of cells as people read them; it may hold values of rows of the data, such as segments."""

    caption: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    """Read once, and only as far as they are shown."""
    lead: int = 0
    """Columns before those of the matching ids (two each); 0: the table has no such columns."""
    total: int = 0
    """Rows there are, where the data decides how many; 0: the lab's definition does, and all of them are shown."""
    kept: str = "first"
    """Which are shown where there are too many: the first or the largest."""


@dataclass(frozen=True)
class Figure:
    """A number with its name."""

    label: str
    value: Cell
    share: float | None = None
    """Which share of the rows it is, if that says something."""
    metric: str = ""
    """Its name among the headline numbers."""


@dataclass(frozen=True)
class ReportNumbers:
    """A report as tables are written from it."""

    json: Json
    """As it is handed out; where it is made for sharing, texts stand for hidden counts."""
    matching_ids: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, report: StatisticsResultV2) -> ReportNumbers:
        """Return a whole report, of which nothing is hidden."""
        matching = [name for name, info in report.identifiers_overview.items() if info.is_matching_id]
        return cls(report.model_dump(mode="json", by_alias=True), matching)

    def at(self, path: Iterable[str]) -> Any:
        """Return what stands there; None where nothing does."""
        found: Any = self.json
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def ratio(part: Cell, whole: Cell) -> float | None:
    """Return part / whole where both are known and the whole is not 0."""
    return part / whole if isinstance(part, int) and isinstance(whole, int) and whole else None


def by_size(count: Cell, name: str) -> tuple[float, str]:
    """Sort the largest first; counts that are hidden come last, by name, so that their order tells nothing."""
    return (1 if count is None or isinstance(count, str) else -count, name)


def drawn(table: NumberTable, caption: str) -> Table:
    """Return a table of numbers by configured names as people read it."""

    def unit(index: int) -> Unit:
        if index == 0:
            return Unit.NAME
        return Unit.AVERAGE if any(isinstance(row[index], float) for row in table.rows) else Unit.COUNT

    columns = [Column(name[:1].upper() + name[1:], unit(index), short=name) for index, name in enumerate(table.header)]
    return Table(caption, columns, table.rows)
