"""The numbers of a panel as metadata: some that plot over time, and a short Markdown table.

Only configured names and counts: a segment, an age or a gender is a value of a row and never gets here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

from pydantic import BaseModel

from datalab.results.statistics import ActivationIdStats
from datalab.statistics import (
    BasicPanel,
    DemographicUserCountsPanel,
    EmbeddingsActivationPotential,
    IdentifiersOverview,
    IdProfiles,
    MatchableEmbeddingsUsers,
    RemarketingActivationPotential,
    SegmentsActivationPotential,
    SegmentsPerUserPanel,
    SegmentUserCountsPanel,
)

LOCKED = "The lab's collaboration types or datasets do not unlock this panel."


@dataclass(frozen=True)
class PanelNumbers:
    """What the UI shows of a panel."""

    plotted: Mapping[str, int | float]
    markdown: str


@singledispatch
def numbers_of(value: BaseModel) -> PanelNumbers:
    """Return the numbers of a panel."""
    raise TypeError(f"no table for {type(value).__name__}")


@numbers_of.register
def _(value: IdProfiles) -> PanelNumbers:
    rows = [(name, profile.distinct_ids, profile.id_user_pairs) for name, profile in value.root.items()]
    return _numbers(("identifier", "distinct ids", "pairs of id and user"), rows)


@numbers_of.register
def _(value: IdentifiersOverview) -> PanelNumbers:
    rows = [
        (name, info.distinct_ids, info.max_userids_per_id, info.avg_userids_per_id) for name, info in value.root.items()
    ]
    return _numbers(("identifier", "distinct ids", "most users per id", "users per id"), rows)


@numbers_of.register
def _(value: BasicPanel) -> PanelNumbers:
    datasets = {name: getattr(value.statistics, name) for name in type(value.statistics).model_fields}
    rows = [
        (name, dataset.total_rows, dataset.valid_rows, dataset.invalid_rows, dataset.distinct_user_ids)
        for name, dataset in datasets.items()
        if dataset is not None
    ]
    return _numbers(("dataset", "rows", "valid rows", "invalid rows", "users"), rows)


@numbers_of.register
def _(value: RemarketingActivationPotential) -> PanelNumbers:
    if value.root is None:
        return PanelNumbers({}, LOCKED)
    rows = [
        (f"{matching} → {activation}", stats.reachable_activation_ids)
        for matching, reach in value.root.items()
        for activation, stats in reach.items()
    ]
    return _numbers(("matching → activation id", "reachable activation ids"), rows)


@numbers_of.register
def _(value: SegmentsActivationPotential) -> PanelNumbers:
    return _reach(value.root)


@numbers_of.register
def _(value: EmbeddingsActivationPotential) -> PanelNumbers:
    return _reach(value.root)


@numbers_of.register
def _(value: SegmentUserCountsPanel) -> PanelNumbers:
    if value.root is None:
        return PanelNumbers({}, LOCKED)
    rows = []
    for matching, segments in value.root.items():
        users = [counts.all_users.absolute for counts in segments.values()]
        matchable = [counts.matchable_users.absolute for counts in segments.values()]
        rows.append((matching, len(segments), max(users, default=0), max(matchable, default=0)))
    return _numbers(("matching id", "segments", "largest segment", "largest among matchable users"), rows)


@numbers_of.register
def _(value: SegmentsPerUserPanel) -> PanelNumbers:
    if value.root is None:
        return PanelNumbers({}, LOCKED)
    rows = [
        (matching, _mean(panel.all_users), _mean(panel.matchable), max(map(int, panel.all_users), default=0))
        for matching, panel in value.root.items()
    ]
    return _numbers(("matching id", "segments per user", "segments per matchable user", "most segments"), rows)


@numbers_of.register
def _(value: DemographicUserCountsPanel) -> PanelNumbers:
    if value.root is None:
        return PanelNumbers({}, LOCKED)
    parts = {name: part for name, part in value.root.model_dump().items() if name in (value.root.model_extra or {})}
    matchable = {name: sum(cell["absolute"] for cell in part["matchable"].values()) for name, part in parts.items()}
    rows: list[tuple[str, int]] = [("all users", value.root.distinct_users_with_demographics), *matchable.items()]
    return _numbers(("users", "with demographics"), rows)


@numbers_of.register
def _(value: MatchableEmbeddingsUsers) -> PanelNumbers:
    if value.root is None:
        return PanelNumbers({}, LOCKED)
    fields = ("matchable_users", "users_with_embeddings", "matchable_users_with_embeddings")
    rows: list[tuple[str | int, ...]] = [
        (matching, *(users[field] for field in fields)) for matching, users in value.root.items()
    ]
    return _numbers(("matching id", *(field.replace("_", " ") for field in fields)), rows)


def _reach(root: Mapping[str, ActivationIdStats] | None) -> PanelNumbers:
    if root is None:
        return PanelNumbers({}, LOCKED)
    rows = [(activation, stats.reachable_activation_ids) for activation, stats in root.items()]
    return _numbers(("activation id", "reachable activation ids"), rows)


def _mean(buckets: Mapping[str, object]) -> float:
    """The mean number of segments of a population, from its buckets."""
    users = {int(number): getattr(cell, "absolute", 0) for number, cell in buckets.items()}
    total = sum(users.values())
    return sum(number * count for number, count in users.items()) / total if total else 0.0


def _numbers(header: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> PanelNumbers:
    """A table whose first column names the subject; every other cell is a number that also plots over time."""
    rows = list(rows)
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    plotted = {
        f"datalab/{row[0]}/{name.replace(' ', '_')}": cell
        for row in rows
        for name, cell in zip(header[1:], row[1:], strict=True)
        if not isinstance(cell, str)
    }
    return PanelNumbers(plotted, "\n".join(lines))


def _cell(cell: str | int | float) -> str:
    if isinstance(cell, str):
        return cell.replace("|", "\\|")
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.2f}"
