"""The answers about repairs of stored datasets: counts and names of steps, no value of a row."""

from __future__ import annotations

from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab_dagster.service.models import DatasetInfo, ServiceModel


class ValidRows(ServiceModel):
    """How many rows are valid, and of how many."""

    rows: int
    valid: int

    @property
    def share(self) -> float:
        """The share of valid rows; 0 if there is no row."""
        return self.valid / self.rows if self.rows else 0.0


class ProposedStepInfo(ServiceModel):
    """A step that a dataset needs, tried on its first records."""

    name: StepName
    does: str
    """What it does, as an instruction."""
    touched: int
    """How many of these records, or rows, it touches."""
    after: ValidRows | None
    """Their valid rows after it; None if only a lab could say which are valid."""


class RepairProposal(ServiceModel):
    """The steps that a dataset needs; nothing was changed."""

    kind: DatasetKind
    looks_like: str
    """What its file looks like, as a sentence."""
    records: int
    """How many of its first records the steps were tried on."""
    before: ValidRows | None
    """The valid rows of these records as they are; None if no step is proposed, or as in a step."""
    steps: list[ProposedStepInfo]
    lab: LabDefinition | None
    """The definition that the rows were checked with: the given one, or one that the repaired records fit."""


class RepairInfo(ServiceModel):
    """A repaired dataset that was stored; its `steps` say how many rows each touched."""

    dataset: DatasetInfo
    records: int
    """How many records the original has."""
    written: int
    """How many records the repaired dataset has."""
    before: ValidRows | None
    """The valid rows of the original; None if only a lab could say which are valid."""
    after: ValidRows | None
    """The valid rows of the repaired dataset."""
