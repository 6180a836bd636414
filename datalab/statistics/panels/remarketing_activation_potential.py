"""Remarketing activation potential: the number of activation ids of matchable users.

The rules: docs/spec/statistics.md#2-identifiers.
"""

from __future__ import annotations

from pydantic import RootModel

from datalab.collaboration import CollaborationType
from datalab.results.statistics import ActivationIdStats
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels import id_profiles
from datalab.statistics.panels._activation import REACHABLE, reachable
from datalab.statistics.tables import Column, Json, NumberTable, ReportNumbers, Table, Unit

NAME = "remarketing_activation_potential"


class RemarketingActivationPotential(RootModel[dict[str, dict[str, ActivationIdStats]]]):
    """Matching id → activation id → reachable ids."""


def compute(inputs: PanelInputs) -> RemarketingActivationPotential:
    """Return, per matching and activation id, the number of activation ids of matchable users."""
    lab, profiles = inputs.lab, inputs.value(id_profiles.PANEL).root
    return RemarketingActivationPotential(
        {
            m.id_name: {
                a.id_name: ActivationIdStats(reachable_activation_ids=profiles[a.id_name].reach_matchable[m.id_name])
                for a in lab.activation_ids
            }
            for m in lab.matching_ids
        }
    )


def table(value: RemarketingActivationPotential) -> NumberTable:
    """Return reachable ids per pair of matching and activation id."""
    rows = [
        (f"{matching} → {activation}", stats.reachable_activation_ids)
        for matching, reach in value.root.items()
        for activation, stats in reach.items()
    ]
    return NumberTable(("matching → activation id", "reachable activation ids"), rows)


def tables(part: Json, report: ReportNumbers) -> list[Table]:
    """Return the same, with the share of all ids."""
    rows = [
        [matching, activation, *reachable(stats, activation, report)]
        for matching, potential in part.items()
        for activation, stats in potential.items()
    ]
    columns = [
        Column("Matched on", Unit.NAME, short="matched by"),
        Column("Activation id", Unit.NAME, short="activated by"),
        *REACHABLE,
    ]
    return [Table("Reachable activation ids", columns, rows)]


PANEL = Panel(
    name=NAME,
    title="Remarketing activation potential",
    question="When users are matched on one id, how many activation ids can be reached?",
    use="The ceiling of a remarketing campaign for each pair of matching id and activation id.",
    inputs=(id_profiles.PANEL,),
    model=RemarketingActivationPotential,
    compute=compute,
    table=table,
    tables=tables,
    place=(NAME,),
    types=(CollaborationType.REMARKETING,),
    position=3,
)
