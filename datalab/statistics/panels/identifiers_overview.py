"""Identifiers overview: every configured identifier's counts."""

from __future__ import annotations

from pydantic import RootModel

from datalab.results.statistics import IdentifierInfo
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels import id_profiles
from datalab.statistics.tables import NumberTable


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
    """Return ids of every identifier and how they are shared."""
    rows = [
        (name, info.distinct_ids, info.max_userids_per_id, info.avg_userids_per_id) for name, info in value.root.items()
    ]
    return NumberTable(("identifier", "distinct ids", "most users per id", "users per id"), rows)


PANEL = Panel(
    name="identifiers_overview",
    question="Which ids are available, how many of each, and how many userIds share one?",
    inputs=(id_profiles.PANEL,),
    model=IdentifiersOverview,
    compute=compute,
    table=table,
    position=1,
)
