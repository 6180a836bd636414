"""The matchable users of a lab, and how many of them have an id of their own; the report does not hold it."""

from __future__ import annotations

from datalab.lab import LabDefinition
from datalab.results.matchable import MatchableCounts, MatchableUsers
from datalab.statistics.panels import basic_statistics, id_profiles
from datalab.statistics.report import Values


def matchable_users(lab: LabDefinition, values: Values) -> MatchableUsers:
    """Return the numbers of every matching id, from the values of the panels.

    The rule: docs/spec/statistics.md#10-matchable-users. An id whose profile an earlier version computed is left out.
    """
    profiles = values[id_profiles.PANEL.name].root
    users = values[basic_statistics.PANEL.name].quality.matchable_users
    found = {}
    for entry in lab.matching_ids:
        without = profiles[entry.id_name].users_without_own_id
        if without is not None:
            every = users[entry.id_name]
            found[entry.id_name] = MatchableCounts(matchable_users=every, users_with_own_id=every - without)
    return MatchableUsers(found)
