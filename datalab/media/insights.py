"""Insights: how the matched users of each audience type differ from the matchable ones.

The rules: docs/spec/media.md#32-insights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from datalab.kinds import DatasetKind
from datalab.media.base import AGE, GENDER, SEGMENTS, BaseAudience
from datalab.media.counts import by_type
from datalab.media.privacy import Noise, ratio
from datalab.statistics.sql import statements

_SQL = statements(__file__)
_PANEL = "insights"
NOT_AVAILABLE = "N/A"
INTEREST = SEGMENTS.cell
_NUMBERS = ("affinity_ratio", "share_in_overlap", "share_in_matchable_audience")
_SIZE = "addressable_audience_size"


class _Audience(NamedTuple):
    """The populations of an audience type, as counted or with noise."""

    name: str
    overlap: int
    matchable: int


def insights(base: BaseAudience, noise: Noise) -> dict[str, Any]:
    """Return the document segments.json."""
    room = base.room
    engine = base.engine
    engine.create_table("profiles", _SQL["profiles"].format(demographics=DatasetKind.DEMOGRAPHICS), panel=_PANEL)
    overlaps = by_type(base, "base_users_of_types")
    audiences = [
        _Audience(
            name,
            noise(overlaps[number], name, (), (), "overlap"),
            noise(base.matchable, name, (), (), "matchable_audience"),
        )
        for number, name in enumerate(base.seed_types)
    ]
    found: list[list[dict[str, Any]]] = [[] for _ in audiences]
    for columns in _aggregations(base):
        possible = [{"column": column, "possible_values": _possible_values(base, column)} for column in columns]
        _create_cells(base, columns)
        for number, audience in enumerate(audiences):
            enough = audience.overlap >= room.privacy.min_overlap
            rows = list(_rows(base, columns, number, audience, noise)) if enough else []
            found[number].append(
                {
                    "id": hashlib.sha256(json.dumps([room.dcr.id, audience.name, columns]).encode()).hexdigest(),
                    "aggregation": possible,
                    "audience_type": audience.name,
                    "columns": [*columns, *_NUMBERS, *([] if room.hides_counts else [_SIZE])],
                    "rows": sorted(rows, key=lambda row: row[: len(columns)]),
                }
            )
        engine.drop("cells")
    engine.drop("profiles")
    return {
        "total_publisher": None if room.hides_counts else room.privacy.audience(base.users),
        "audiences": [
            {"audience_type": audience.name, "aggregations": aggregations}
            for audience, aggregations in zip(audiences, found, strict=True)
        ],
    }


def _aggregations(base: BaseAudience) -> Iterator[Sequence[str]]:
    """Yield the columns of every aggregation, in the order of the document."""
    has_segments, has_demographics = SEGMENTS.name in base.names, AGE.name in base.names
    everything = [[INTEREST]]
    if has_demographics:
        age, gender = AGE.cell, GENDER.cell
        everything += [[age], [gender], [INTEREST, age], [INTEREST, gender], [age, gender]]
    yield from (columns for columns in everything if has_segments or INTEREST not in columns)


def _possible_values(base: BaseAudience, column: str) -> list[str]:
    if column == INTEREST:
        found = base.engine.query(_SQL["possible_interests"], panel=_PANEL)["name"].to_pylist()
        return sorted(name for value in found if (name := base.interests[value]) != NOT_AVAILABLE)
    return sorted(base.engine.query(_SQL["possible_values"].format(column=column), panel=_PANEL)["name"].to_pylist())


def _parts(columns: Sequence[str]) -> dict[str, str]:
    return {
        "columns": ", ".join(f"p.{column}" for column in columns),
        "of_cells": ", ".join(f"c.{column}" for column in columns),
        "same_cell": " AND ".join(f"t.{column} = c.{column}" for column in columns),
        "people": _SQL["with_interests"] if INTEREST in columns else "SELECT * FROM profiles",
    }


def _create_cells(base: BaseAudience, columns: Sequence[str]) -> None:
    base.engine.create_table("cells", _SQL["cells"].format(**_parts(columns)), panel=_PANEL)


def _rows(
    base: BaseAudience, columns: Sequence[str], number: int, audience: _Audience, noise: Noise
) -> Iterator[list[Any]]:
    """Yield the rows of one aggregation that may be shown."""
    privacy = base.room.privacy
    found = base.engine.query(_SQL["cells_of_type"].format(**_parts(columns)), [number], panel=_PANEL)
    for row in found.to_pylist():
        cell = [base.interests[row[column]] if column == INTEREST else row[column] for column in columns]
        everyone, matchable, matched = (
            noise(row[name], audience.name, columns, cell, name) for name in ("everyone", "matchable", "matched")
        )
        if INTEREST in columns and cell[0] == NOT_AVAILABLE:
            continue
        if privacy.hides_cell(matched) or privacy.is_empty(everyone) or not matchable:
            continue
        in_overlap, in_matchable = matched / audience.overlap, matchable / audience.matchable
        numbers = [ratio(in_overlap, in_matchable), round(in_overlap, 3), round(in_matchable, 3)]
        yield [*cell, *numbers, *([] if base.room.hides_counts else [privacy.audience(everyone)])]
