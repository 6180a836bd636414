"""Remarketing activation potential: the activation ids of users who can be matched.

The rules: docs/spec/statistics.md#2-identifiers.
"""

from __future__ import annotations

from pydantic import RootModel

from datalab.collaboration import CollaborationType
from datalab.results.statistics import ActivationIdStats
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels import id_profiles
from datalab.statistics.tables import NumberTable


class RemarketingActivationPotential(RootModel[dict[str, dict[str, ActivationIdStats]]]):
    """Matching id → activation id → reachable ids."""


def compute(inputs: PanelInputs) -> RemarketingActivationPotential:
    """Return, per matching and activation id, the activation ids of matchable users."""
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


PANEL = Panel(
    name="remarketing_activation_potential",
    question="When users are matched on one id, how many activation ids can be reached?",
    inputs=(id_profiles.PANEL,),
    model=RemarketingActivationPotential,
    compute=compute,
    table=table,
    types=(CollaborationType.REMARKETING,),
    position=3,
)
