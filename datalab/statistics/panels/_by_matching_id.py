"""The common part of panels whose tables have two columns per matching id: matchable users, and their share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datalab.statistics.tables import Cell, Column, Json, ReportNumbers, Unit


def user_columns(report: ReportNumbers) -> list[Column]:
    """Return the columns of all users and of the users of each matching id."""
    columns = [Column("All users", short="users"), Column("Share", Unit.SHARE, short="share")]
    for name in report.matching_ids:
        columns += [
            Column("Matchable", detail=name, short="matchable"),
            Column("Share", Unit.SHARE, detail=name, again=True, short="share"),
        ]
    return columns


def user_cells(report: ReportNumbers, everyone: Json, per_id: Mapping[str, Mapping[str, Any]], key: str) -> list[Cell]:
    """Return the cells of one row for `user_columns`; a matching id that is not in the panel has empty cells."""
    found = _counted(everyone.get(key))
    for name in report.matching_ids:
        found += _counted(per_id[name].get(key)) if name in per_id else [None, None]
    return found


def _counted(cell: Json | None) -> list[Cell]:
    """Return a number of users and its share; a missing cell means no users."""
    return [0, 0.0] if cell is None else [cell["absolute"], cell["relative"]]
