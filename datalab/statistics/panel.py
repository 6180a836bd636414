"""What a panel of the statistics is, and what it is computed from; the panels themselves are in `panels/`.

A panel is one object that says everything of it: the question that it answers, what it is computed from, what unlocks
it, its model, how it is computed, and how it is written as a table. The asset, the report, the terminal, the dashboard
and the portal walk the list of these objects, and none of them names a panel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from datalab.collaboration import CollaborationType
from datalab.engines import Engine
from datalab.kinds import MATCHING, DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import FURTHER_PANELS
from datalab.statistics.datasets import Summaries
from datalab.statistics.findings import Thresholds
from datalab.statistics.tables import NumberTable, ReportNumbers, Table, drawn
from datalab.statistics.users import UserGroups, user_groups
from datalab.statistics.view import Tables, View

Model = TypeVar("Model", bound=BaseModel)

AUDIENCES = (CollaborationType.LOOKALIKE, CollaborationType.RULE_BASED)
"""The types that build audiences, which unlock most panels."""


@dataclass(frozen=True, kw_only=True)
class Panel(Generic[Model]):
    """One panel: its words, what it is computed from, and how.

    A module of `datalab.statistics.panels` holds one as `PANEL`. A lab *unlocks* a panel when it has the panel's
    dataset and supports one of its collaboration types; a panel that is locked is computed from nothing and is null.
    """

    name: str
    """The name of the asset, and the key of the panel wherever it is handed out."""
    title: str
    question: str
    """What it answers, as people read it."""
    use: str = ""
    """What a reader learns from it."""
    inputs: tuple[str | DatasetKind | Panel[Any], ...]
    """What it is computed from: `USERS`, the valid rows of datasets, other panels."""
    model: type[Model]
    """What it hands on, as JSON: aggregates only."""
    compute: Callable[[PanelInputs], Model]
    """Computes it for a lab that unlocks it."""
    table: Callable[[Model], NumberTable]
    """Its numbers by configured names, for the asset catalogue: no value of a row, such as a segment or an age."""
    tables: Tables | None = None
    """Its numbers as people read them in the terminal and on the page; None: `table` says it all."""
    chart: str = ""
    """The chart of `datalab.dashboard.charts` that draws the first of `tables`; empty: none."""
    dataset: DatasetKind = MATCHING
    """The dataset that the panel is about."""
    types: tuple[CollaborationType, ...] = ()
    """Collaboration types of which the lab needs one; empty: none is needed."""
    position: int = 100
    """Its place among the panels of its dataset."""
    place: tuple[str, ...] = ()
    """Where the vendor's shape of the report holds it; empty: it is not the vendor's, and stands under `panels`."""
    internal: bool = False
    """Whether only other panels are read from it: the report does not hold it, and nobody sees it."""
    views: tuple[View, ...] = ()
    """How a page shows it, where that is more than one thing; empty: as one view with the panel's own words."""
    guard: Callable[[Model, int], Model] | None = None
    """Returns the panel without what counts below a minimum would tell, for reports that are shared.

    A panel that is not the vendor's and has no guard is left out of what is shared.
    """

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands in a report."""
        return self.place or (FURTHER_PANELS, self.name)

    @property
    def shown(self) -> tuple[View, ...]:
        """Everything that a page shows of it."""
        if self.internal or self.views:
            return self.views
        view = View(
            key=self.name,
            dataset=self.dataset,
            title=self.title,
            question=self.question,
            use=self.use,
            path=self.path,
            tables=self.written,
            types=self.types,
            chart=self.chart,
            position=self.position,
        )
        return (view,)

    def written(self, part: Any, report: ReportNumbers) -> Sequence[Table]:
        """Return its tables; `part` is what stands at `path` in the report."""
        if self.tables:
            return self.tables(part, report)
        return [drawn(self.table(self.model.model_validate(part)), self.title)]

    @property
    def reads_rows(self) -> bool:
        """Whether it needs an engine with the rows of the lab, and not only other panels."""
        return any(not isinstance(source, Panel) for source in self.inputs)

    def is_unlocked(self, lab: LabDefinition) -> bool:
        """Return whether the lab has the panel's dataset and supports one of its collaboration types."""
        return self.dataset in lab.datasets and (
            not self.types or not set(self.types).isdisjoint(lab.collaboration_types)
        )


class PanelInputs:
    """What panels of one lab are computed from.

    Args:
        lab: the definition of the lab.
        summaries: what validation found, per dataset of the lab.
        limits: the limits of the findings.
        engine: knows the valid rows of the datasets, and `users`; None where no panel that reads rows is computed.
        value_of: returns the value of another panel; None: the lab does not unlock it.
    """

    def __init__(
        self,
        lab: LabDefinition,
        summaries: Summaries,
        limits: Thresholds,
        engine: Engine | None,
        value_of: Callable[[Panel[Any]], BaseModel | None],
    ) -> None:
        self.lab = lab
        self.summaries = summaries
        self.limits = limits
        self._engine = engine
        self.value_of = value_of

    @property
    def engine(self) -> Engine:
        """The engine that knows the valid rows and `users`."""
        assert self._engine is not None, "a panel that reads rows names them in its inputs"
        return self._engine

    @cached_property
    def groups(self) -> UserGroups:
        """All users by kind, counted once however many panels ask."""
        return user_groups(self.engine, self.lab)

    def value(self, panel: Panel[Model]) -> Model:
        """Return the value of another panel, which is among the inputs."""
        value = self.value_of(panel)
        assert isinstance(value, panel.model), (
            f"{panel.name} is computed for every lab that unlocks what is read from it"
        )
        return value
