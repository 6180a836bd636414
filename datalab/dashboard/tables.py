"""Formats the figures and tables of each panel as text; reads only the (shareable) report.

A table contains everything that its chart shows: the browser draws the chart from it, and people without JavaScript
read the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from datalab.dashboard.texts import absence
from datalab.formats import counted, decimal, number, share
from datalab.lab import LabDefinition
from datalab.statistics import VIEWS, ReportNumbers, Thresholds, View
from datalab.statistics.tables import Cell, Figure, Json, Matchable, Table, Unit

MAX_ROWS = 2000
"""Maximum number of rows of a table that are shown."""
MAX_CELLS = 40_000
"""Maximum number of cells: a table with many matching ids shows fewer rows, so that the file stays small."""
MAX_OTHER_CELLS = 8_000
"""The same for tables that are long only if the data are wrong."""
MAX_NAME = Thresholds().max_segment_name_length
"""Maximum length of names of segments, ages and genders; longer ones are a data error and are cut on the page."""
MAX_NAME_BYTES = 250_000
"""Maximum size of all names of segments together."""


@dataclass(frozen=True)
class PageTable:
    """Rows of text, each with its first cell as header; caption and columns are those of the panel's table."""

    table: Table
    rows: list[list[str]]


@dataclass
class PageFigure:
    """A number with its name and its share of the whole."""

    label: str
    value: str
    detail: str = ""
    metric: str = ""
    """Its name among the headline numbers, to find its change since last time."""
    delta: str = ""


@dataclass
class PagePanel:
    """One panel of the page, or a part of a panel that the page shows separately."""

    view: View
    figures: list[PageFigure] = field(default_factory=list)
    tables: list[PageTable] = field(default_factory=list)
    largest: list[str] = field(default_factory=list)
    """The full names of the segments that are shown."""


def panels(lab: LabDefinition, report: Json, matchable: Matchable | None = None) -> list[PagePanel]:
    """Return the panels that the report contains, in the order of the page; `matchable` is not in the report."""
    numbers = ReportNumbers(report, [entry.id_name for entry in lab.matching_ids], matchable or {})
    return [_panel(view, part, numbers) for view in VIEWS if (part := numbers.at(view.path)) is not None]


def absent(lab: LabDefinition, shown: Iterable[PagePanel]) -> list[tuple[View, str]]:
    """Return the panels that the page does not show, with the reason."""
    there = {panel.view.key for panel in shown}
    return [(view, absence(view, lab)) for view in VIEWS if view.key not in there]


def written(cell: Cell, unit: Unit) -> str:
    """Write a cell of a table; text that replaces a hidden number is returned unchanged.

    Example:
        >>> written(1234, Unit.COUNT), written("< 10", Unit.COUNT), written(0.5, Unit.SHARE), written(None, Unit.SHARE)
        ('1,234', '< 10', '50.0%', '–')
    """
    if unit is Unit.SHARE and not isinstance(cell, str):
        return share(cell)
    return decimal(cell) if unit is Unit.AVERAGE else number(cell)


def _panel(view: View, part: Any, numbers: ReportNumbers) -> PagePanel:
    found = PagePanel(view, [_figure(figure) for figure in view.figures(part)])
    for table in view.tables(part, numbers):
        rows = list(_shown(table))
        found.tables.append(PageTable(table, [_row(table, row) for row in rows]))
        if table.kept == "largest":
            found.largest += [str(row[0]) for row in rows]
    return found


def _figure(figure: Figure) -> PageFigure:
    detail = f"{share(figure.share)} of rows" if figure.share is not None else ""
    return PageFigure(figure.label, written(figure.value, Unit.COUNT), detail, figure.metric)


def _shown(table: Table) -> Iterator[Sequence[Cell]]:
    """Yield the rows that fit on the page."""
    if not table.total:
        yield from table.rows
        return
    largest, size = table.kept == "largest", 0
    limit = (MAX_CELLS if largest else MAX_OTHER_CELLS) // len(table.columns)
    for row in islice(table.rows, min(MAX_ROWS, limit)):
        size += len(_cut(str(row[0])).encode())
        if largest and size > MAX_NAME_BYTES:
            return
        yield row


def _row(table: Table, row: Sequence[Cell]) -> list[str]:
    """Return the cells as text; cut long names, which come from the data."""
    cells = [written(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)]
    if not table.total:
        return cells
    return [cell if column.numeric else _cut(cell) for cell, column in zip(cells, table.columns, strict=True)]


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def shown_of(page: PageTable) -> str:
    """Return a sentence about rows that are not shown; empty: all are shown."""
    table = page.table
    if table.total <= len(page.rows):
        return ""
    return f"The {table.kept} {number(len(page.rows))} of {counted(table.total, 'row')} are shown."
