"""The common part of the panels of activation potential: the number of activation ids of some users."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.results.statistics import ActivationIdStats
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.panels import id_profiles, identifiers_overview
from datalab.statistics.panels.id_profiles import IdProfile
from datalab.statistics.tables import Cell, Column, Json, NumberTable, ReportNumbers, Table, Unit, ratio


class ActivationPotential(RootModel[dict[str, ActivationIdStats]]):
    """Activation id → number of distinct ids of the panel's users."""


def activation_potential(
    dataset: DatasetKind, reach: Callable[[IdProfile], int], *, title: str, question: str, use: str, caption: str
) -> Panel[ActivationPotential]:
    """Return the panel of the activation ids that users of `dataset` have; `reach` reads them from a profile."""
    name = f"{dataset.value}_activation_potential"

    def compute(inputs: PanelInputs) -> ActivationPotential:
        profiles = inputs.value(id_profiles.PANEL).root
        return ActivationPotential(
            {
                entry.id_name: ActivationIdStats(reachable_activation_ids=reach(profiles[entry.id_name]))
                for entry in inputs.lab.activation_ids
            }
        )

    def tables(part: Json, report: ReportNumbers) -> list[Table]:
        rows = [[activation, *reachable(stats, activation, report)] for activation, stats in part.items()]
        return [Table(caption, [Column("Activation id", Unit.NAME, short="activated by"), *REACHABLE], rows)]

    return Panel(
        name=name,
        title=title,
        question=question,
        use=use,
        inputs=(id_profiles.PANEL,),
        model=ActivationPotential,
        compute=compute,
        table=_table,
        tables=tables,
        place=(name,),
        dataset=dataset,
        types=AUDIENCES,
        position=1,
    )


REACHABLE = [
    Column("Reachable ids", short="reachable activation ids"),
    Column("Share of its ids", Unit.SHARE, short="share of its ids"),
]
"""The columns of `reachable`."""


def reachable(stats: Json, activation: str, report: ReportNumbers) -> list[Cell]:
    """Return the reachable ids of an activation id, and their share of all ids of that name."""
    count: Cell = stats["reachable_activation_ids"]
    return [count, ratio(count, report.at((*identifiers_overview.PANEL.path, activation, "distinct_ids")))]


def _table(value: ActivationPotential) -> NumberTable:
    rows = [(activation, stats.reachable_activation_ids) for activation, stats in value.root.items()]
    return NumberTable(("activation id", "reachable activation ids"), rows)
