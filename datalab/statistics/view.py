"""What people see of a panel, or of a part of one, on a page: its words, and what its figures and tables are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from datalab.collaboration import CollaborationType
from datalab.kinds import DatasetKind
from datalab.statistics.tables import Figure, ReportNumbers, Table

Tables = Callable[[Any, ReportNumbers], Sequence[Table]]
"""Writes the part of a report that a panel is, as JSON, given the whole report beside it."""


def _no_figures(part: Any) -> list[Figure]:
    return []


@dataclass(frozen=True, kw_only=True)
class View:
    """A panel, or a part of one, as a page shows it under its title and question."""

    key: str
    """Its name in the page."""
    dataset: DatasetKind
    title: str
    question: str
    use: str
    """What a reader learns from it."""
    path: tuple[str, ...]
    """Where its numbers stand in the report."""
    tables: Tables
    figures: Callable[[Any], list[Figure]] = _no_figures
    types: tuple[CollaborationType, ...] = ()
    """Collaboration types of which the lab needs one; empty: none is needed."""
    chart: str = ""
    """The chart of `datalab.dashboard.charts` that draws its first table; empty: none."""
    position: int = 100
    """Its place among the views of its dataset."""
