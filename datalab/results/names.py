"""The names in results that an earlier version made, which withheld none: whether ids of users may be among them.

New results hold no such name; the rule needs the rows of the lab and is in `datalab.statistics.names`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datalab.kinds import KINDS
from datalab.results.statistics import StatisticsResult, StatisticsResultV2, parse_statistics_result
from datalab.results.status import ValidationStatus

_DISJOINT = "NO_USER_ID_OVERLAP"
_WITH_NAMES = {kind.value for kind, declared in KINDS.items() if any(column.is_name for column in declared.columns)}


def has_line_break(name: str) -> bool:
    """Return whether a name holds a line break.

    >>> has_line_break("Sports, outdoor"), has_line_break("Sports\\rHiking")
    (False, True)
    """
    return "\n" in name or "\r" in name


def may_hold_ids(statistics: bytes, status: bytes) -> bool:
    """Return whether names in the statistics of an earlier version may hold ids of users, or be ids.

    They may if one holds a line break, or if a dataset and identifiers have no user in common; also if the files do not
    have the expected shape.
    """
    try:
        parsed = parse_statistics_result(statistics)
        found = ValidationStatus.model_validate_json(status).statistics
    except ValueError:
        return True
    errors = found.data_errors if found else []
    disjoint = {error.message.partition(":")[0] for error in errors if error.code == _DISJOINT}
    return not disjoint.isdisjoint(_WITH_NAMES) or any(map(has_line_break, _names(parsed)))


def _names(statistics: StatisticsResult | StatisticsResultV2) -> Iterator[str]:
    if isinstance(statistics, StatisticsResult):
        yield from statistics.share_of_users_per_segment_distribution or {}
        yield from statistics.demographics_distributions or {}
        return
    segments = statistics.segment_statistics
    for counts in (segments.segment_user_counts or {}).values() if segments else ():
        yield from counts
    people: dict[str, Any] = statistics.demographic_statistics.model_dump() if statistics.demographic_statistics else {}
    for part in people.values():
        if isinstance(part, dict):
            yield from part.get("matchable", part)
