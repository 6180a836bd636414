"""Writes the figures and tables of each panel as finished text; reads nothing but the (shareable) report.

A table is everything a chart shows: the browser draws charts from it, and without JavaScript it is what people read.
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
from datalab.statistics.tables import Cell, Figure, Json, Table, Unit

MAX_ROWS = 2000
"""So many rows of a table are shown, the largest."""
MAX_CELLS = 40_000
"""With many matching ids the rows are fewer, so that the file stays small."""
MAX_OTHER_CELLS = 8_000
"""The same for tables that are short unless something is wrong with the data."""
MAX_NAME = Thresholds().max_segment_name_length
"""Longer names of segments, ages and genders are cut on the page; they are a data error anyway."""
MAX_NAME_BYTES = 250_000
"""All names of segments together."""


@dataclass(frozen=True)
class PageTable:
    """Rows of text, each headed by its first cell; beyond its rows a table is as the panel made it."""

    table: Table
    rows: list[list[str]]


@dataclass
class PageFigure:
    """A number with its name, and what it means for the whole."""

    label: str
    value: str
    detail: str = ""
    metric: str = ""
    """Its name among the headline numbers, for the change since last time."""
    delta: str = ""


@dataclass
class PagePanel:
    """One panel of the page, or a part of one that stands there for itself."""

    view: View
    figures: list[PageFigure] = field(default_factory=list)
    tables: list[PageTable] = field(default_factory=list)
    largest: list[str] = field(default_factory=list)
    """The segments that are shown, in full."""


def panels(lab: LabDefinition, report: Json) -> list[PagePanel]:
    """Return the panels that the report holds, in the order of the page."""
    numbers = ReportNumbers(report, [entry.id_name for entry in lab.matching_ids])
    return [_panel(view, part, numbers) for view in VIEWS if (part := numbers.at(view.path)) is not None]


def absent(lab: LabDefinition, shown: Iterable[PagePanel]) -> list[tuple[View, str]]:
    """Return the panels that the page does not show, with the reason."""
    there = {panel.view.key for panel in shown}
    return [(view, absence(view, lab)) for view in VIEWS if view.key not in there]


def written(cell: Cell, unit: Unit) -> str:
    """Write a cell of a table; a text that stands for a hidden number passes through.

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
    """The rows that the page has room for."""
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
    """The cells as text; names that come from the data can be long."""
    cells = [written(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)]
    if not table.total:
        return cells
    return [cell if column.numeric else _cut(cell) for cell, column in zip(cells, table.columns, strict=True)]


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def shown_of(page: PageTable) -> str:
    """Return the sentence about rows that are not shown, or nothing."""
    table = page.table
    if table.total <= len(page.rows):
        return ""
    return f"The {table.kept} {number(len(page.rows))} of {counted(table.total, 'row')} are shown."
