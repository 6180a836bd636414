"""Turns each panel of a report into figures and tables of finished text; reads nothing but the (shareable) report.

A table is everything a chart shows: the browser draws charts from it, and without JavaScript it is what people read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from datalab.codes import explain
from datalab.dashboard.formats import NOTHING, Cell, counted, decimal, number, ratio, share
from datalab.dashboard.texts import FIELDS, PANELS, PanelText
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition

Json = dict[str, Any]

MAX_ROWS = 2000
"""So many rows of a table are shown, the largest."""
MAX_CELLS = 40_000
"""With many matching ids the rows are fewer, so that the file stays small."""
MAX_OTHER_CELLS = 8_000
"""The same for tables that are short unless something is wrong with the data."""
MAX_NAME = 128
"""Longer names of segments, ages and genders are cut on the page; they are a data error anyway."""
MAX_NAME_BYTES = 250_000
"""All names of segments together."""


@dataclass
class Column:
    """One column; numbers stand at the right."""

    label: str
    numeric: bool = True
    detail: str = ""
    again: bool = False
    """Whether the detail repeats that of the column before."""


@dataclass
class Table:
    """Rows of text, each headed by its first cell."""

    caption: str
    columns: list[Column]
    rows: list[list[str]]
    lead: int = 0
    """Columns before those of the matching ids (two each); 0: the table has no such columns."""
    total: int = 0
    """Rows there are, also those that are not shown; 0: all of them are."""
    kept: str = "first"
    """Which of them are shown: the first or the largest."""


@dataclass
class Figure:
    """A number with its name, and what it means for the whole."""

    label: str
    value: str
    detail: str = ""
    metric: str = ""
    """Its name among the headline numbers, for the change since last time."""
    delta: str = ""


@dataclass
class Panel:
    """One panel of the page."""

    key: str
    text: PanelText
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    chart: str = ""
    largest: list[str] = field(default_factory=list)
    """The segments that are shown, in full."""


def panels(lab: LabDefinition, report: Json) -> list[Panel]:
    """Return the panels that the report holds, in the order of the page."""
    matching = [entry.id_name for entry in lab.matching_ids]
    segments = report["segment_statistics"] or {}
    found = {
        "identifiers_overview": _overview(report["identifiers_overview"]),
        **{f"basic_{kind}": _basic(kind, numbers) for kind, numbers in report["basic_statistics"].items() if numbers},
        "remarketing_activation_potential": _remarketing(report),
        "segments_activation_potential": _potential(report, DatasetKind.SEGMENTS),
        "segment_user_counts": _segment_users(matching, segments.get("segment_user_counts")),
        "segments_per_user": _per_user(matching, segments.get("segments_per_user_distribution")),
        "demographic_user_counts": _demographics(matching, report["demographic_statistics"]),
        "embeddings_activation_potential": _potential(report, DatasetKind.EMBEDDINGS),
        "matchable_embeddings_users": _matchable(report["embeddings_statistics"]),
    }
    return [panel for key in PANELS if (panel := found.get(key)) is not None]


def _overview(overview: Json) -> Panel:
    rows = [
        [
            name,
            info["id_type"],
            " + ".join(["matching"] * info["is_matching_id"] + ["activation"] * info["is_activation_id"]) or "–",
            number(info["distinct_ids"]),
            decimal(info["avg_userids_per_id"]),
            number(info["max_userids_per_id"]),
        ]
        for name, info in overview.items()
    ]
    columns = [
        Column("Identifier", numeric=False),
        Column("Type", numeric=False),
        Column("Used for", numeric=False),
        Column("Distinct ids"),
        Column("userIds per id, average"),
        Column("userIds per id, most"),
    ]
    return _panel("identifiers_overview", tables=[Table("Identifiers of the lab", columns, rows)])


def _basic(kind: str, numbers: Json) -> Panel:
    figures = []
    for key, value in numbers.items():
        if key == "invalid_rows_by_reason":
            continue
        part = ratio(value, numbers["total_rows"]) if key in ("valid_rows", "invalid_rows") else None
        detail = f"{share(part)} of rows" if part is not None else ""
        figures.append(Figure(FIELDS[key], number(value), detail, f"{kind}.{key}"))
    reasons = [(code, rows) for code, rows in numbers["invalid_rows_by_reason"].items() if rows]
    reasons.sort(key=lambda item: _by_size(item[1], item[0]))
    tables = []
    if reasons:
        columns = [Column("Why rows are invalid", numeric=False), Column("Rows"), Column("Code", numeric=False)]
        rows = [[explain(code).label, number(rows), code] for code, rows in reasons]
        tables.append(Table(f"Invalid rows of {kind} by reason", columns, rows))
    return _panel(f"basic_{kind}", figures=figures, tables=tables)


def _remarketing(report: Json) -> Panel | None:
    reach = report["remarketing_activation_potential"]
    if reach is None:
        return None
    ids = report["identifiers_overview"]
    rows = [
        [matching, activation, *_reach(stats, ids, activation)]
        for matching, potential in reach.items()
        for activation, stats in potential.items()
    ]
    columns = [
        Column("Matched on", numeric=False),
        Column("Activation id", numeric=False),
        Column("Reachable ids"),
        Column("Share of its ids"),
    ]
    return _panel("remarketing_activation_potential", tables=[Table("Reachable activation ids", columns, rows)])


def _potential(report: Json, kind: DatasetKind) -> Panel | None:
    reach = report[f"{kind.value}_activation_potential"]
    if reach is None:
        return None
    rows = [
        [
            name,
            *_reach(stats, report["identifiers_overview"], name),
        ]
        for name, stats in reach.items()
    ]
    columns = [Column("Activation id", numeric=False), Column("Reachable ids"), Column("Share of its ids")]
    owners = "a segment" if kind is DatasetKind.SEGMENTS else "an embedding"
    return _panel(f"{kind.value}_activation_potential", tables=[Table(f"Ids of users with {owners}", columns, rows)])


def _reach(stats: Json, ids: Json, name: str) -> list[str]:
    """Reachable ids, and their share of all ids of that name."""
    count: Cell = stats["reachable_activation_ids"]
    return [number(count), share(ratio(count, ids.get(name, {}).get("distinct_ids")))]


def _segment_users(matching: list[str], counts: Json | None) -> Panel | None:
    if counts is None:
        return None
    everyone: Json = {}
    for segments in counts.values():
        everyone |= {name: cells["all_users"] for name, cells in segments.items()}
    order = sorted(everyone, key=lambda name: _by_size(everyone[name]["absolute"], name))
    largest, size = order[: min(MAX_ROWS, MAX_CELLS // (3 + 2 * len(matching)))], 0
    for at, name in enumerate(largest):
        size += len(_cut(name).encode())
        if size > MAX_NAME_BYTES:
            largest = largest[:at]
            break
    per_id = {m: {name: cells["matchable_users"] for name, cells in counts[m].items()} for m in counts}
    rows = [[_cut(name), *_counted_share(everyone[name]), *_per_id(matching, per_id, name)] for name in largest]
    columns = [Column("Segment", numeric=False), Column("All users"), Column("Share"), *_id_columns(matching)]
    table = Table("Users per segment", columns, rows, lead=3, total=len(order), kept="largest")
    return _panel("segment_user_counts", tables=[table], chart="segments", largest=largest)


def _per_user(matching: list[str], distributions: Json | None) -> Panel | None:
    if distributions is None:
        return None
    everyone: Json = {}
    for distribution in distributions.values():
        everyone |= distribution["all_users"]
    per_id = {m: distribution["matchable"] for m, distribution in distributions.items()}
    keys = sorted(set(everyone).union(*per_id.values()), key=int)
    shown = keys[: MAX_OTHER_CELLS // (3 + 2 * len(matching))]
    rows = [[number(int(key)), *_counted_share(everyone.get(key)), *_per_id(matching, per_id, key)] for key in shown]
    columns = [Column("Segments"), Column("All users"), Column("Share"), *_id_columns(matching)]
    table = Table("Users by number of segments", columns, rows, lead=3, total=len(keys))
    return _panel("segments_per_user", tables=[table], chart="per_user")


def _demographics(matching: list[str], statistics: Json | None) -> Panel | None:
    if statistics is None:
        return None
    everyone = statistics["all_users"]
    per_id = {m: statistics[m]["matchable"] for m in matching if m in statistics}
    pairs = sorted(everyone, key=lambda key: [_natural(part) for part in key.split("||", 1)])
    rows = []
    for key in pairs[: MAX_OTHER_CELLS // (4 + 2 * len(matching))]:
        age, _, gender = key.partition("||")
        rows.append([_cut(age), _cut(gender), *_counted_share(everyone[key]), *_per_id(matching, per_id, key)])
    columns = [Column("Age", numeric=False), Column("Gender", numeric=False), Column("All users"), Column("Share")]
    table = Table("Users by age and gender", [*columns, *_id_columns(matching)], rows, lead=4, total=len(pairs))
    return _panel("demographic_user_counts", tables=[table], chart="pyramid")


def _matchable(statistics: Json | None) -> Panel | None:
    if statistics is None:
        return None
    columns = [
        Column("Matching id", numeric=False),
        Column("Matchable users"),
        Column("Users with embedding"),
        Column("Both"),
        Column("Both, of matchable"),
        Column("Both, of embeddings"),
    ]
    rows = []
    for name, users in statistics.items():
        matchable, embedded = users["matchable_users"], users["users_with_embeddings"]
        both = users["matchable_users_with_embeddings"]
        shares = [share(ratio(both, matchable)), share(ratio(both, embedded))]
        rows.append([name, number(matchable), number(embedded), number(both), *shares])
    return _panel("matchable_embeddings_users", tables=[Table("Matchable users with an embedding", columns, rows)])


def _panel(key: str, **parts: Any) -> Panel:
    return Panel(key, PANELS[key], **parts)


def _counted_share(cell: Json | None) -> list[str]:
    return ["0", share(0.0)] if cell is None else [number(cell["absolute"]), share(cell["relative"])]


def _per_id(matching: list[str], cells: dict[str, Json], key: str) -> list[str]:
    """The cells of one row in the order of the lab's matching ids; an id that the report does not know has none."""
    found = [_counted_share(cells[m].get(key)) if m in cells else [NOTHING, NOTHING] for m in matching]
    return [text for pair in found for text in pair]


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def _id_columns(names: list[str]) -> list[Column]:
    return [column for m in names for column in (Column("Matchable", detail=m), Column("Share", detail=m, again=True))]


def _by_size(count: Cell, name: str) -> tuple[int, str]:
    """Sorts the largest first; counts that are hidden come last, by name, so that their order tells nothing."""
    return (-count if isinstance(count, int) else 1, name)


def _natural(text: str) -> tuple[bool, list[tuple[int, int, str]]]:
    """Sorts numbers inside text by size, and n/a last."""
    parts = re.findall(r"\d+|\D+", text)
    return text == "n/a", [(0, int(part[:300]), "") if part.isdecimal() else (1, 0, part) for part in parts]


def shown_of(table: Table) -> str:
    """Return the sentence about rows that are not shown, or nothing."""
    if table.total <= len(table.rows):
        return ""
    return f"The {table.kept} {len(table.rows):,} of {counted(table.total, 'row')} are shown."
