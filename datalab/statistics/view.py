"""The view of a panel, or of a part of one, on a page: its texts, figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from datalab.collaboration import CollaborationType
from datalab.kinds import DatasetKind
from datalab.statistics.tables import Figure, ReportNumbers, Table

Tables = Callable[[Any, ReportNumbers], Sequence[Table]]
"""Returns the tables of a panel, given its part of the report as JSON, and the whole report."""


def _no_figures(part: Any) -> list[Figure]:
    return []


@dataclass(frozen=True, kw_only=True)
class View:
    """A panel, or a part of one, that a page shows under a title and a question."""

    key: str
    """Its name in the page."""
    dataset: DatasetKind
    title: str
    question: str
    use: str
    """What a reader learns from it."""
    path: tuple[str, ...]
    """The path of its numbers in the report."""
    tables: Tables
    figures: Callable[[Any], list[Figure]] = _no_figures
    types: tuple[CollaborationType, ...] = ()
    """The lab needs one of these collaboration types; empty: it needs none."""
    chart: str = ""
    """The chart of `datalab.dashboard.charts` that draws its first table; empty: none."""
    position: int = 100
    """Its place among the views of its dataset."""
