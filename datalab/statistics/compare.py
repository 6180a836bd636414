"""Comparison of a report with the previous one of the same lab: changes of headline numbers, and warnings of drops."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from datalab.kinds import DatasetKind
from datalab.results.statistics import Finding, StatisticsResultV2
from datalab.statistics.findings import Thresholds


class Change(BaseModel):
    """One headline number, before and now."""

    metric: str
    """Such as ``segments.valid_rows``: the subject, a dot, and the name of the number."""
    previous: int | None
    """None: the previous report has no such number."""
    current: int | None
    """None: this report has no such number."""
    absolute: int | None
    """current − previous."""
    relative: float | None
    """absolute / previous; None if previous is 0 or None."""


class Comparison(BaseModel):
    """The changes since the previous report."""

    changes: list[Change]
    """Every headline number of either report, including unchanged ones."""
    warnings: list[Finding]
    """HEADLINE_DROP for a number that fell by more than the threshold, HEADLINE_GONE for one that no longer exists."""


def compare_statistics(
    previous: StatisticsResultV2, current: StatisticsResultV2, thresholds: Thresholds | None = None
) -> Comparison:
    """Return the change of every headline number, and a warning for each that dropped beyond `max_drop_share`.

    The warnings do not affect the status of the report: a lab may legitimately become smaller.
    """
    limit = (thresholds or Thresholds()).max_drop_share
    before, now = headline_numbers(previous), headline_numbers(current)
    changes, warnings = [], []
    for metric in dict.fromkeys([*now, *before]):
        change = _change(metric, before.get(metric), now.get(metric))
        changes.append(change)
        if metric.endswith(".invalid_rows"):
            continue
        if change.current is None and change.previous:
            warnings.append(
                Finding(
                    code="HEADLINE_GONE", message=f"{metric}: was {change.previous}, is not in this report (limit 0)"
                )
            )
        elif change.relative is not None and -change.relative > limit:
            figures = f"from {change.previous} to {change.current}, {change.relative:+.1%}"
            warnings.append(Finding(code="HEADLINE_DROP", message=f"{metric}: {figures} (limit -{limit:.1%})"))
    return Comparison(changes=changes, warnings=warnings)


def headline_numbers(report: StatisticsResultV2) -> dict[str, int]:
    """Return the numbers that are compared between reports, by metric name.

    Example metrics: ``identifiers.distinct_user_ids``, ``identifiers.hashed_email.distinct_ids``,
    ``remarketing.hashed_email.maid.reachable_activation_ids``.
    """
    return dict(_headline_numbers(report))


def _headline_numbers(report: StatisticsResultV2) -> Iterator[tuple[str, int]]:
    distinct = ("distinct_ids", "distinct_segments", "distinct_ages", "distinct_genders", "distinct_scopes")
    for kind in DatasetKind:
        dataset = report.basic_statistics.of(kind)
        if dataset is not None:
            for field in ("valid_rows", "invalid_rows", "distinct_user_ids", *distinct):
                if hasattr(dataset, field):
                    yield f"{kind.value}.{field}", getattr(dataset, field)
    for name, info in report.identifiers_overview.items():
        yield f"identifiers.{name}.distinct_ids", info.distinct_ids
    for matching, reach in (report.remarketing_activation_potential or {}).items():
        for activation, stats in reach.items():
            yield f"remarketing.{matching}.{activation}.reachable_activation_ids", stats.reachable_activation_ids
    for kind in DatasetKind:
        for activation, stats in (getattr(report, f"{kind.value}_activation_potential", None) or {}).items():
            yield f"{kind.value}.{activation}.reachable_activation_ids", stats.reachable_activation_ids
    for matching, users in (report.embeddings_statistics or {}).items():
        for field in ("matchable_users", "matchable_users_with_embeddings"):
            if field in users:
                yield f"embeddings.{matching}.{field}", users[field]


def _change(metric: str, previous: int | None, current: int | None) -> Change:
    absolute = current - previous if previous is not None and current is not None else None
    relative = absolute / previous if absolute is not None and previous else None
    return Change(metric=metric, previous=previous, current=current, absolute=absolute, relative=relative)
