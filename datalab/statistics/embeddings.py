"""The panel of embeddings: how many matchable users have one."""

from __future__ import annotations

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.statistics.identifiers import builds_audiences
from datalab.statistics.panels import MatchableEmbeddingsUsers
from datalab.statistics.users import UserGroups, user_groups


def matchable_embeddings_users(
    engine: Engine, lab: LabDefinition, groups: UserGroups | None = None
) -> MatchableEmbeddingsUsers:
    """Return, per matching id, users who are matchable, have embeddings, and both.

    See docs/spec/statistics.md#5-embeddings.

    Unlocked by LOOKALIKE or RULE_BASED. Needs the relation `users`.
    """
    if not lab.require_embeddings or not builds_audiences(lab):
        return MatchableEmbeddingsUsers(None)
    groups = user_groups(engine, lab) if groups is None else groups
    return MatchableEmbeddingsUsers(
        {
            entry.id_name: {
                "matchable_users": groups.users_in(matching=j),
                "users_with_embeddings": groups.users_in(DatasetKind.EMBEDDINGS),
                "matchable_users_with_embeddings": groups.users_in(DatasetKind.EMBEDDINGS, matching=j),
            }
            for j, entry in enumerate(lab.matching_ids)
        }
    )
