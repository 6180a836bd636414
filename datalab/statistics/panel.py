"""The class of the statistics' panels, and the inputs that panels are computed from; the panels are in `panels/`.

A panel is declared by one object: the question that it answers, its inputs, the conditions that unlock it, its model,
its computation, and its tables. The asset, the report, the terminal, the dashboard and the portal iterate over these
objects, and none of them names a panel.
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
from datalab.statistics.names import Names
from datalab.statistics.tables import NumberTable, ReportNumbers, Table, drawn
from datalab.statistics.users import UserGroups, user_groups
from datalab.statistics.view import Tables, View

Model = TypeVar("Model", bound=BaseModel)

AUDIENCES = (CollaborationType.LOOKALIKE, CollaborationType.RULE_BASED)
"""The collaboration types that build audiences; they unlock most panels."""


@dataclass(frozen=True, kw_only=True)
class Panel(Generic[Model]):
    """One panel: its texts, its inputs, and its computation.

    A module of `datalab.statistics.panels` declares one as `PANEL`. A lab *unlocks* a panel if it has the panel's
    dataset and supports one of its collaboration types; a locked panel is not computed and is null.
    """

    name: str
    """The name of the asset, and the key of the panel in every output."""
    title: str
    question: str
    """The question that it answers."""
    use: str = ""
    """What a reader learns from it."""
    inputs: tuple[str | DatasetKind | Panel[Any], ...]
    """The inputs: `USERS`, the valid rows of datasets, other panels."""
    model: type[Model]
    """The model of its value: aggregates only."""
    compute: Callable[[PanelInputs], Model]
    """Computes the value for a lab that unlocks the panel."""
    table: Callable[[Model], NumberTable]
    """Its numbers by configured names, for the asset catalogue: no value of a row, such as a segment or an age."""
    tables: Tables | None = None
    """Its numbers in the terminal and on the page; None: `table` is used there too."""
    chart: str = ""
    """The chart of `datalab.dashboard.charts` that draws the first of `tables`; empty: none."""
    dataset: DatasetKind = MATCHING
    """The dataset that the panel is about."""
    types: tuple[CollaborationType, ...] = ()
    """The lab needs one of these collaboration types; empty: it needs none."""
    position: int = 100
    """Its place among the panels of its dataset."""
    place: tuple[str, ...] = ()
    """Its path in the vendor's report; empty: the panel is not the vendor's, and its path begins with `panels`."""
    in_report: Callable[[Model], Any] | None = None
    """Returns its value in the form of the vendor's report; None: it has that form."""
    internal: bool = False
    """Whether it is only an input of other panels: it is not in the report, and no page shows it."""
    views: tuple[View, ...] = ()
    """The views of it on a page, if there are several; empty: one view with the panel's texts."""
    guard: Callable[[Model, int], Model] | None = None
    """Returns the panel without information about counts below a minimum, for reports that are shared.

    A panel that is not the vendor's and has no guard is left out of shared reports.
    """
    code_version: str = "1"
    """Raised when its value of the same inputs changes."""

    @property
    def path(self) -> tuple[str, ...]:
        """Its path in a report."""
        return self.place or (FURTHER_PANELS, self.name)

    @property
    def shown(self) -> tuple[View, ...]:
        """All its views on a page."""
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
        """Return its tables; `part` is the value at `path` in the report."""
        if self.tables:
            return self.tables(part, report)
        return [drawn(self.table(self.model.model_validate(part)), self.title)]

    @property
    def reads_rows(self) -> bool:
        """Whether it needs an engine with the rows of the lab, in addition to other panels."""
        return any(not isinstance(source, Panel) for source in self.inputs)

    def is_unlocked(self, lab: LabDefinition) -> bool:
        """Return whether the lab has the panel's dataset and supports one of its collaboration types."""
        return self.dataset in lab.datasets and (
            not self.types or not set(self.types).isdisjoint(lab.collaboration_types)
        )


class PanelInputs:
    """The inputs of the panels of one lab.

    Args:
        lab: the definition of the lab.
        summaries: the summary of each dataset's validation.
        limits: the limits of the findings.
        engine: has the valid rows of the datasets, and `users`; None if no panel reads rows.
        value_of: returns the value of another panel, or None if the lab does not unlock it.
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
        """The engine with the valid rows and `users`."""
        assert self._engine is not None, "a panel that reads rows names them in its inputs"
        return self._engine

    @cached_property
    def groups(self) -> UserGroups:
        """All users by matching ids and datasets, counted once for all panels."""
        return user_groups(self.engine, self.lab)

    def names(self, kind: DatasetKind, panel: str) -> Names:
        """Return the names of a dataset; a panel that lists names must leave out those that are withheld."""
        return Names(self.engine, kind, self.summaries[kind].facts, panel)

    def value(self, panel: Panel[Model]) -> Model:
        """Return the value of another panel, which must be an input of the calling panel."""
        value = self.value_of(panel)
        assert isinstance(value, panel.model), (
            f"{panel.name} is computed for every lab that unlocks what is read from it"
        )
        return value
