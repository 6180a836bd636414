"""Identifiers overview: the counts of every configured identifier."""

from __future__ import annotations

from pydantic import RootModel

from datalab.results.statistics import IdentifierInfo
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels import id_profiles
from datalab.statistics.tables import Column, Json, NumberTable, ReportNumbers, Table, Unit, ratio

NAME = "identifiers_overview"


class IdentifiersOverview(RootModel[dict[str, IdentifierInfo]]):
    """Configured identifier → its counts."""


def compute(inputs: PanelInputs) -> IdentifiersOverview:
    """Return every configured identifier's counts, in configuration order (docs/spec/statistics.md#2-identifiers)."""
    profiles = inputs.value(id_profiles.PANEL).root
    return IdentifiersOverview(
        {
            entry.id_name: IdentifierInfo(
                id_type=entry.id_type.value,
                is_matching_id=entry.is_matching_id,
                is_activation_id=entry.is_activation_id,
                distinct_ids=profile.distinct_ids,
                avg_userids_per_id=profile.id_user_pairs / profile.distinct_ids if profile.distinct_ids else 0.0,
                max_userids_per_id=profile.max_userids_per_id,
            )
            for entry in inputs.lab.identifiers_config
            for profile in [profiles[entry.id_name]]
        }
    )


def table(value: IdentifiersOverview) -> NumberTable:
    """Return the number of ids of every identifier, and how many users share them."""
    rows = [
        (name, info.distinct_ids, info.max_userids_per_id, info.avg_userids_per_id) for name, info in value.root.items()
    ]
    return NumberTable(("identifier", "distinct ids", "most users per id", "users per id"), rows)


def tables(part: Json, report: ReportNumbers) -> list[Table]:
    """Return the same, with the type and the roles of each identifier."""
    rows = [
        [
            name,
            info["id_type"],
            " + ".join(["matching"] * info["is_matching_id"] + ["activation"] * info["is_activation_id"]) or "–",
            info["distinct_ids"],
            info["avg_userids_per_id"],
            info["max_userids_per_id"],
        ]
        for name, info in part.items()
    ]
    columns = [
        Column("Identifier", Unit.NAME, short="identifier"),
        Column("Type", Unit.NAME, short="type"),
        Column("Used for", Unit.NAME, short="roles"),
        Column("Distinct ids", short="distinct ids"),
        Column("userIds per id, average", Unit.AVERAGE, short="users per id"),
        Column("userIds per id, most", short="most users per id"),
    ]
    return [Table("Identifiers of the lab", columns, rows), *_matchable(report)]


def _matchable(report: ReportNumbers) -> list[Table]:
    """Return the matchable users of each matching id, and how many have an id of their own; old results have none."""
    rows = [
        [name, users, own, ratio(own, users)]
        for name, counts in report.matchable.items()
        for users, own in [(counts["matchable_users"], counts["users_with_own_id"])]
    ]
    columns = [
        Column("Matching id", Unit.NAME, short="matching id"),
        Column("Matchable users", short="matchable users"),
        Column("With an id of their own", short="with an own id"),
        Column("Of matchable users", Unit.SHARE, short="of matchable"),
    ]
    return [Table("Matchable users, and those with an id that no other user has", columns, rows)] if rows else []


PANEL = Panel(
    name=NAME,
    title="Identifiers overview",
    question="Which ids are available, how many of each, and how many userIds share one?",
    use="Compare with the number of ids you expected to upload. An id that many userIds share is rarely of one person.",
    inputs=(id_profiles.PANEL,),
    model=IdentifiersOverview,
    compute=compute,
    table=table,
    tables=tables,
    place=(NAME,),
    position=1,
)
