"""Makes a report shareable: hides small counts, and counts that would reveal them.

The result has the shape of the report. The page and its JSON are written from this result only, so the file cannot
contain a hidden value. With a minimum of 10:

* A count of users, ids or rows below 10, also 0, becomes the text "< 10"; its share becomes null.
* The text "hidden" replaces a count that is large enough but would reveal another one: a matchable count that differs
  from the count of all users by 1 to 9; reachable ids likewise; the next smallest cells of a distribution until at
  least two cells, and together at least 10 users, are hidden; a total if one of its parts is hidden.
* A panel that is not in the vendor's report is left out unless it has its own guard.
* Outside the report, matchable users are a part of all users, and those with an id of their own a part of the matchable
  users, of all users and of the distinct ids.
* Figures in the messages of findings, and changes since the previous report, follow the same rule.

Not protected: the number of categories (segments, ages, genders, scopes, names of ids), averages, names of segments and
identifiers, the fact that a number of invalid rows is 0, the fact that there is a finding, differences between totals
of whole populations (users of two datasets, of two matching ids), and conclusions from comparing two shared pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from datalab.kinds import MATCHING
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import Finding, StatisticsResultV2
from datalab.statistics import PANELS
from datalab.statistics.compare import Change, headline_numbers

HIDDEN = "hidden"
ADMIN_MINIMUM = 10
"""What the vendor's admins get hides counts below it, whatever the publisher sees."""
_CATEGORY_CODES = frozenset(
    f"TOO_{amount}_{what}" for amount in ("FEW", "MANY") for what in ("SEGMENTS", "AGES", "GENDERS", "EMBEDDINGS")
) | {"SEGMENT_NAME_TOO_LONG", "NAMES_WITHHELD"}
_CATEGORIES = ("distinct_segments", "distinct_ages", "distinct_genders", "distinct_scopes")


def admin_minimum(configured: int) -> int:
    """Return the minimum of what the vendor's admins get; `configured` is that of the settings."""
    return max(ADMIN_MINIMUM, configured)


def below(minimum: int) -> str:
    """Return the text that replaces a count below the minimum."""
    return f"< {minimum}"


def shareable(statistics: StatisticsResultV2, minimum: int = 0, *, shared: bool = False) -> dict[str, Any]:
    """Return the report as a JSON-like dict; with a minimum, hide small counts and counts that reveal them.

    With a minimum, or if the report is `shared` with others than the publisher, panels that are not the vendor's are
    left out unless they have a guard. Counts are int, or the text "< minimum" or "hidden"; the share of a hidden count
    is None.
    """
    if minimum > 0 or shared:
        statistics = guarded(statistics, minimum)
    report = statistics.model_dump(mode="json", by_alias=True)
    if minimum <= 0:
        return report
    ids = {name: info["distinct_ids"] for name, info in report["identifiers_overview"].items()}
    for info in report["identifiers_overview"].values():
        if info["distinct_ids"] < minimum:
            info["avg_userids_per_id"] = None
        _hide(info, ["distinct_ids", "max_userids_per_id"], minimum)
    for dataset in report["basic_statistics"].values():
        if dataset:
            _hide_rows(dataset, minimum)
    identifiers = report["basic_statistics"][MATCHING]
    if any(count < minimum for count in ids.values()) and isinstance(identifiers["distinct_ids"], int):
        identifiers["distinct_ids"] = HIDDEN
    reaches = [report["segments_activation_potential"], report["embeddings_activation_potential"]]
    for reach in [*reaches, *(report["remarketing_activation_potential"] or {}).values()]:
        for name, stats in (reach or {}).items():
            stats["reachable_activation_ids"] = _part(stats["reachable_activation_ids"], ids.get(name), minimum)
    _hide_segments(report["segment_statistics"] or {}, minimum)
    _hide_demographics(report["demographic_statistics"] or {}, minimum)
    for users in (report["embeddings_statistics"] or {}).values():
        both, wholes = (
            users["matchable_users_with_embeddings"],
            (users["matchable_users"], users["users_with_embeddings"]),
        )
        users["matchable_users_with_embeddings"] = next(
            (cell for whole in wholes if isinstance(cell := _part(both, whole, minimum), str)), both
        )
        _hide(users, ["matchable_users", "users_with_embeddings"], minimum)
    for kind in ("data_errors", "quality_warnings"):
        report[kind] = [shareable_finding(finding, minimum).model_dump() for finding in getattr(statistics, kind)]
    report["minimum_count"] = minimum
    return report


def shareable_matchable(
    found: MatchableUsers | None, statistics: StatisticsResultV2, minimum: int = 0
) -> dict[str, dict[str, int | str]]:
    """Return the matchable users of a result as a dict, hidden by the same rules; empty: there are none."""
    counts: dict[str, dict[str, int | str]] = found.model_dump() if found else {}
    if found is None or minimum <= 0:
        return counts
    users = statistics.basic_statistics.identifiers.distinct_user_ids
    for name, entry in found.root.items():
        matchable, own = entry.matchable_users, entry.users_with_own_id
        ids = statistics.identifiers_overview[name].distinct_ids
        reveals = any(0 < whole - own < minimum for whole in (matchable, users, ids))
        counts[name] = {
            "matchable_users": _part(matchable, users, minimum),
            "users_with_own_id": HIDDEN if reveals and own >= minimum else _part(own, None, minimum),
        }
    return counts


def guarded(statistics: StatisticsResultV2, minimum: int = 0) -> StatisticsResultV2:
    """Return the report; of the panels that are not the vendor's, keep those with a guard, and apply the guard."""
    if not statistics.further_panels:
        return statistics
    panels = {panel.name: panel for panel in PANELS}
    found = {}
    for name, value in statistics.further_panels.items():
        if (panel := panels.get(name)) and panel.guard:
            kept = panel.model.model_validate(value)
            found[name] = (panel.guard(kept, minimum) if minimum > 0 else kept).model_dump(mode="json")
    return statistics.with_further_panels(found)


_WITHHELD = "are withheld"


def shareable_finding(finding: Finding, minimum: int) -> Finding:
    """Return the finding; withhold its figures if one of them, or a difference of two, is a small count."""
    subject, colon, rest = finding.message.partition(": ")
    if minimum <= 0 or finding.code in _CATEGORY_CODES or not colon:
        return finding
    figures, bracket, limit = rest.rpartition(" (")
    if not bracket:
        figures, limit = rest, ""
    numbers = sorted({int(text) for text in re.findall(r"\d+", figures)})
    if not any(0 < n < minimum for n in [*numbers, *(b - a for a, b in pairwise(numbers))]):
        return finding
    return Finding(code=finding.code, message=f"{subject}: figures below {minimum} {_WITHHELD}{bracket}{limit}")


def withheld(finding: Finding | None) -> str:
    """Return which figures of a finding are withheld; empty: none.

    >>> finding = Finding(code="SHARED_ID", message="maid: one id belongs to 12 users (limit 11)")
    >>> withheld(shareable_finding(finding, 20)), withheld(finding)
    ('figures below 20 are withheld', '')
    """
    text = finding.message.partition(": ")[2].partition(" (")[0] if finding else ""
    return text if text.endswith(_WITHHELD) else ""


def shareable_changes(
    changes: Iterable[Change], report: dict[str, Any], minimum: int
) -> list[dict[str, int | float | str | None]]:
    """Return changes as dicts with the keys of `Change`; `report` is the result of `shareable` for the current one."""
    current = _hidden_headlines(report, minimum) if minimum > 0 else {}
    found = []
    for change in changes:
        entry = change.model_dump()
        if minimum > 0 and not change.metric.endswith(_CATEGORIES):
            now = current.get(change.metric)
            small = [v for v in (change.previous, change.current) if v is not None and v < minimum]
            if now is not None or small or 0 < abs(change.absolute or 0) < minimum:
                entry["absolute"] = below(minimum) if 0 < abs(change.absolute or 0) < minimum else HIDDEN
                entry["previous"] = below(minimum) if (change.previous or 0) < minimum else HIDDEN
                entry["current"] = now or entry["current"]
                entry["relative"] = None
        found.append(entry)
    return found


def _hidden_headlines(report: dict[str, Any], minimum: int) -> dict[str, str]:
    """Return metric → the text that replaces it, for every headline number that `shareable` hid."""
    codes = {below(minimum): -1, HIDDEN: -2}
    texts = {code: text for text, code in codes.items()}

    def coded(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: coded(v, k) for k, v in value.items()}
        if key == "avg_userids_per_id":
            return 0.0
        return codes.get(value, value) if isinstance(value, str) else value

    slim = {**report, "segment_statistics": None, "demographic_statistics": None}
    numbers = headline_numbers(StatisticsResultV2.model_validate(coded(slim)))
    return {metric: texts[value] for metric, value in numbers.items() if value in texts}


def _hide(entry: dict[str, Any], keys: Iterable[str], minimum: int) -> None:
    for key in keys:
        if entry[key] < minimum:
            entry[key] = below(minimum)


def _part(part: int, whole: int | None, minimum: int) -> int | str:
    """Return the part of a whole, or the text that hides it."""
    if part < minimum:
        return below(minimum)
    return HIDDEN if whole is not None and 0 < whole - part < minimum else part


def _hide_rows(dataset: dict[str, Any], minimum: int) -> None:
    total, valid, invalid = dataset["total_rows"], dataset["valid_rows"], dataset["invalid_rows"]
    _hide(dataset, ["total_rows", "valid_rows", "distinct_user_ids"], minimum)
    if "distinct_ids" in dataset:
        _hide(dataset, ["distinct_ids"], minimum)
    if 0 < invalid < minimum:
        dataset["invalid_rows"] = below(minimum)
    if total >= minimum and (valid < minimum or 0 < invalid < minimum) and invalid:
        dataset["total_rows"] = HIDDEN
    reasons = {code: rows for code, rows in dataset["invalid_rows_by_reason"].items() if rows}
    hidden = _closed(reasons, {code for code, rows in reasons.items() if rows < minimum}, {}, minimum)
    dataset["invalid_rows_by_reason"] |= {code: _text(reasons[code], minimum) for code in hidden}


def _text(count: int, minimum: int) -> str:
    return below(minimum) if count < minimum else HIDDEN


def _hide_segments(statistics: dict[str, Any], minimum: int) -> None:
    if statistics.get("distinct_users_with_segments") is not None:
        _hide(statistics, ["distinct_users_with_segments"], minimum)
    for segments in (statistics.get("segment_user_counts") or {}).values():
        for counts in segments.values():
            everyone, matchable = counts["all_users"], counts["matchable_users"]
            for cell, shown in (
                (matchable, _part(matchable["absolute"], everyone["absolute"], minimum)),
                (everyone, _part(everyone["absolute"], None, minimum)),
            ):
                if isinstance(shown, str):
                    cell |= {"absolute": shown, "relative": None}
    for distribution in (statistics.get("segments_per_user_distribution") or {}).values():
        _hide_distribution(distribution["all_users"], [distribution["matchable"]], minimum)


def _hide_demographics(statistics: dict[str, Any], minimum: int) -> None:
    if not statistics:
        return
    _hide(statistics, ["distinct_users_with_demographics"], minimum)
    per_id = [v["matchable"] for k, v in statistics.items() if isinstance(v, dict) and k != "all_users"]
    _hide_distribution(statistics["all_users"], per_id, minimum)


def _hide_distribution(everyone: dict[str, Any], parts: list[dict[str, Any]], minimum: int) -> None:
    """Hide the small cells of a distribution and of its parts; a key missing in a part is a count of 0."""
    counts = {key: cell["absolute"] for key, cell in everyone.items()}
    for part in parts:
        for key in counts:
            part.setdefault(key, {"absolute": 0, "relative": 0.0})
        inside = {key: cell["absolute"] for key, cell in part.items()}
        outside = {key: counts.get(key, 0) - count for key, count in inside.items()}
        small = {k for k, n in inside.items() if n < minimum or 0 < outside[k] < minimum}
        _replace(part, inside, _closed(inside, small, outside, minimum), minimum)
    _replace(everyone, counts, _closed(counts, {k for k, n in counts.items() if n < minimum}, {}, minimum), minimum)


def _closed(counts: dict[str, int], hidden: set[str], outside: dict[str, int], minimum: int) -> set[str]:
    """Return `hidden` and the next smallest cells, until no total minus the shown cells reveals a small count."""
    rest = sorted((key for key in counts if key not in hidden), key=lambda key: (counts[key], key), reverse=True)
    closed = set(hidden)
    while closed and rest:
        others = sum(outside.get(key, 0) for key in closed)
        if len(closed) >= 2 and sum(counts[key] for key in closed) >= minimum and not 0 < others < minimum:
            break
        closed.add(rest.pop())
    return closed


def _replace(cells: dict[str, Any], counts: dict[str, int], hidden: set[str], minimum: int) -> None:
    for key in hidden:
        cells[key] = {"absolute": _text(counts[key], minimum), "relative": None}
