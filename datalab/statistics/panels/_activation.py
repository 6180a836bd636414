"""What the panels of activation potential have in common: how many activation ids some users have."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.results.statistics import ActivationIdStats
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.panels import id_profiles
from datalab.statistics.panels.id_profiles import IdProfile
from datalab.statistics.tables import NumberTable


class ActivationPotential(RootModel[dict[str, ActivationIdStats]]):
    """Activation id → distinct ids of the users that the panel is about."""


def activation_potential(
    dataset: DatasetKind, question: str, reach: Callable[[IdProfile], int], position: int
) -> Panel[ActivationPotential]:
    """Return the panel of the activation ids that users of `dataset` have; `reach` reads them from a profile."""

    def compute(inputs: PanelInputs) -> ActivationPotential:
        profiles = inputs.value(id_profiles.PANEL).root
        return ActivationPotential(
            {
                entry.id_name: ActivationIdStats(reachable_activation_ids=reach(profiles[entry.id_name]))
                for entry in inputs.lab.activation_ids
            }
        )

    return Panel(
        name=f"{dataset.value}_activation_potential",
        question=question,
        inputs=(id_profiles.PANEL,),
        model=ActivationPotential,
        compute=compute,
        table=_table,
        dataset=dataset,
        types=AUDIENCES,
        position=position,
    )


def _table(value: ActivationPotential) -> NumberTable:
    rows = [(activation, stats.reachable_activation_ids) for activation, stats in value.root.items()]
    return NumberTable(("activation id", "reachable activation ids"), rows)
