"""The top of the page as text: verdict, headline figures, findings, readiness and changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datalab.collaboration import CollaborationType
from datalab.dashboard.disclosure import shareable_changes, withheld
from datalab.dashboard.sentences import advice, consequences, sentence
from datalab.dashboard.tables import PageFigure
from datalab.dashboard.texts import metric_name
from datalab.dashboard.usable import Usable
from datalab.dashboard.verdicts import first_cause, said, with_consequences
from datalab.formats import Cell, counted, listed, number, share, signed, signed_share
from datalab.kinds import KINDS, MATCHING, OPTIONAL
from datalab.lab import LabDefinition
from datalab.results.matchable import MatchableUsers
from datalab.results.status import ValidationStatus
from datalab.statistics.cause import DROPS_OF_DATASET, Cause
from datalab.statistics.compare import Comparison
from datalab.statistics.readiness import Readiness
from datalab.statistics.tables import Matchable, ratio

Json = dict[str, Any]


@dataclass
class Verdict:
    """Whether the lab is Ready, in one sentence."""

    ready: bool
    sentence: str


@dataclass
class Note:
    """A finding as text."""

    kind: str
    """`error`, `warning` or `change`."""
    title: str
    """What it says, with its dataset and figures, without a stop."""
    advice: str
    code: str
    follows: list[Note] = field(default_factory=list)
    """What follows from it."""
    heading: str = ""
    """Of `follows`."""
    number: int = 0
    """Of the finding in its result; 0: it has no page."""


@dataclass
class TypeRow:
    """A collaboration type in the readiness table."""

    name: str
    purpose: str
    state: str
    """`ready`, `missing`, `off` (the lab does not support it) or `off-missing` (and parts for it are missing)."""
    missing: str
    nice: str
    usable: bool = False
    """Whether it can be used now: the lab is Ready, and something is reached."""
    why: str = ""
    """How much it reaches, or what stands in the way; empty before a validation."""


@dataclass
class ChangeRow:
    """A headline number, before and now."""

    dataset: str
    name: str
    previous: str
    current: str
    absolute: str
    relative: str
    trend: str
    """`up`, `down`, `same`, `new`, `gone` or `unknown`."""


def notes(causes: Iterable[Cause]) -> list[Note]:
    """Return causes as text, the strongest first, each with what follows from it."""
    return [_note(cause) for cause in causes]


def _note(cause: Cause) -> Note:
    below = [_note(one) for one in cause.follows]
    title, heading = sentence(cause).removesuffix("."), consequences(cause).removesuffix(".") or "Which numbers"
    if hidden := withheld(cause.finding):
        title += f" ({hidden})"
    return Note(cause.severity.value, title, advice(cause), _code(cause), below, heading, cause.number)


def _code(cause: Cause) -> str:
    """Return the code of a group of findings: that of each of them."""
    return cause.follows[0].code if cause.code == DROPS_OF_DATASET else cause.code


def verdict(
    lab: LabDefinition, report: Json, status: ValidationStatus | None, causes: Sequence[Cause], ready: Readiness
) -> Verdict:
    """Return whether the lab is Ready, and why or why not."""
    is_ready = (status.status if status else report["status"]) == "SUCCESS"
    first = first_cause(causes, is_ready=is_ready)
    if not is_ready:
        return Verdict(False, with_consequences(first) if first else "Not ready: its validation failed.")
    warnings = sum(1 + len(cause.follows) for cause in causes if cause.code != DROPS_OF_DATASET)
    warnings += sum(len(cause.follows) for cause in causes if cause.code == DROPS_OF_DATASET)
    parts = [f"{said(first) if first else 'Ready.'} {_users(lab, report)}"]
    usable = [entry.ready for entry in ready.root.values() if entry.enabled]
    if not all(usable):
        parts.append(f"Data for {sum(usable)} of its {len(usable)} collaboration types")
    if warnings:
        parts.append(counted(warnings, "warning"))
    return Verdict(True, f"{'. '.join(parts)}.")


def _users(lab: LabDefinition, report: Json) -> str:
    """Return the number of users, which may be withheld, and how many the first matching id matches, in words."""
    users = report["basic_statistics"][MATCHING]["distinct_user_ids"]
    if isinstance(users, str):
        text = f"{'Fewer than ' + users[2:] if users.startswith('< ') else users} users"
    else:
        text = counted(users, "user")
    name = lab.matching_ids[0].id_name if lab.matching_ids else ""
    matchable = _matchable(report, name)
    if matchable is None:
        return text
    return f"{text}; {number(matchable)} ({share(ratio(matchable, users))}) matchable by {name}"


def headlines(lab: LabDefinition, report: Json, beside: Matchable | None = None) -> list[PageFigure]:
    """Return the figures at the top: users, how many of them can be matched, and users of each further dataset.

    `beside`: the matchable users of the result, which are not in the report; empty for results of earlier versions.
    """
    basic = report["basic_statistics"]
    users = basic[MATCHING]["distinct_user_ids"]
    found = [PageFigure("Users", number(users), "with identifiers", f"{MATCHING}.distinct_user_ids")]
    for entry in lab.matching_ids[:3]:
        matchable = _matchable(report, entry.id_name)
        if matchable is not None:
            part = share(ratio(matchable, users))
            metric = f"embeddings.{entry.id_name}.matchable_users"
            detail = f"by {entry.id_name}, {part}{_own(beside or {}, entry.id_name)}"
            found.append(PageFigure("Matchable users", number(matchable), detail, metric))
    there = {kind: basic[kind] for kind in OPTIONAL if basic.get(kind)}
    for kind, numbers in there.items():
        with_it = numbers["distinct_user_ids"]
        found.append(PageFigure(f"With {KINDS[kind].one}", number(with_it), "users", f"{kind}.distinct_user_ids"))
    for kind, numbers in there.items():
        if field := KINDS[kind].headline:
            found.append(PageFigure(KINDS[kind].title, number(numbers[field]), "", f"{kind}.{field}"))
    return found


def _own(beside: Matchable, name: str) -> str:
    """Return how many matchable users have an id of their own, in words; empty: it is not known."""
    counts = beside.get(name)
    return f"; {number(counts['users_with_own_id'])} with an id of their own" if counts else ""


def matchable_lines(found: MatchableUsers) -> list[str]:
    """Return a line per matching id: its matchable users, and how many have an id of their own.

    >>> matchable_lines(MatchableUsers.model_validate({"maid": {"matchable_users": 1200, "users_with_own_id": 1100}}))
    ['Matchable by maid: 1,200 users; 1,100 with an id of their own']
    """
    beside = found.model_dump()
    users = {name: counted(counts.matchable_users, "user") for name, counts in found.root.items()}
    return [f"Matchable by {name}: {users[name]}{_own(beside, name)}" for name in users]


def _matchable(report: Json, name: str) -> Cell:
    """Return the matchable users of an id from a panel that has them; None if no panel does."""
    embeddings = (report["embeddings_statistics"] or {}).get(name)
    if embeddings:
        cell: Cell = embeddings["matchable_users"]
        return cell
    per_user = ((report["segment_statistics"] or {}).get("segments_per_user_distribution") or {}).get(name)
    if not per_user:
        return None
    counts = [cell["absolute"] for cell in per_user["matchable"].values()]
    return sum(counts) if all(isinstance(count, int) for count in counts) else None


def readiness_rows(ready: Readiness, found: Mapping[CollaborationType, Usable] | None = None) -> list[TypeRow]:
    """Return the six collaboration types with what is missing; `found` says of validated data what can be used."""
    rows, nothing = [], Usable(False, "")
    for kind, entry in ready.root.items():
        state = ("ready" if entry.ready else "missing") if entry.enabled else ("off" if entry.ready else "off-missing")
        missing, nice = (listed([part.filled for part in parts]) for parts in (entry.missing, entry.nice_to_have))
        rows.append(TypeRow(kind.label, kind.purpose, state, missing, nice, *(found or {}).get(kind, nothing)))
    return rows


def change_rows(comparison: Comparison | None, report: Json, minimum: int) -> list[ChangeRow]:
    """Return every headline number with its change, those that changed first within each dataset."""
    if comparison is None:
        return []
    order = {kind.title: i for i, kind in enumerate(KINDS.values())}
    rows = [_change_row(change) for change in shareable_changes(comparison.changes, report, minimum)]
    return sorted(rows, key=lambda row: (row.trend == "same", order.get(row.dataset, len(order))))


def _change_row(change: dict[str, Any]) -> ChangeRow:
    absolute, dataset_and_name = change["absolute"], metric_name(change["metric"])
    if isinstance(absolute, int):
        trend = "up" if absolute > 0 else "down" if absolute else "same"
    elif isinstance(absolute, str):
        trend = "unknown"
    else:
        trend = "new" if change["previous"] is None else "gone"
    previous, current = number(change["previous"]), number(change["current"])
    return ChangeRow(*dataset_and_name, previous, current, signed(absolute), signed_share(change["relative"]), trend)


def deltas(comparison: Comparison | None, report: Json, minimum: int) -> dict[str, str]:
    """Return metric → its change as a short text, for figures; unchanged and unknown numbers are left out."""
    if comparison is None:
        return {}
    changes = shareable_changes(comparison.changes, report, minimum)
    return {
        str(change["metric"]): f"{signed(absolute)} since last time"
        for change in changes
        if isinstance(absolute := change["absolute"], int) and absolute
    }
