"""The interface of lists that have pages: filtered, sorted and cut where the data are. `wanted` has the queries."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from datalab.kinds import DatasetKind
from datalab.registry import LabState, Verdict
from datalab.registry.wanted import DatasetQuery, HistoryQuery, LabQuery, ResultQuery
from datalab.results.status import ValidationStatus
from datalab_dagster.service.models import (
    DatasetInfo,
    EventInfo,
    LabInfo,
    OtherLabInfo,
    ResultInfo,
    RunInfo,
    ServiceModel,
)


class UseInfo(ServiceModel):
    """A lab that uses a dataset."""

    lab_id: str
    lab_name: str
    lab_created_at: datetime
    kind: DatasetKind | None
    """Its slot; None: you may not read the lab."""


class DatasetListInfo(ServiceModel):
    """A page of stored datasets."""

    datasets: list[DatasetInfo]
    uses: dict[str, list[UseInfo]]
    """Manifest hash → the labs that use it."""
    found: int
    """How many match the filters."""
    total: int
    """How many there are; of those that you may provision, if only these are wanted."""
    size: int
    """Bytes of these, before any other filter."""
    without_key: int
    """Datasets of yours that cannot be provisioned, because their key was not kept."""


class LabListInfo(ServiceModel):
    """A page of labs that you may read."""

    labs: list[LabInfo]
    statuses: dict[str, ValidationStatus]
    """Id of a lab on the page → the status of its current result, if it has one that this version reads."""
    found: int
    total: int
    states: dict[LabState, int]
    """How many labs are in each state, before any filter."""


class OtherLabListInfo(ServiceModel):
    """A page of the labs of other publishers."""

    labs: list[OtherLabInfo]
    found: int
    total: int


class HappenedInfo(ServiceModel):
    """A provisioning event of a lab, or a run."""

    event: EventInfo | None
    run: RunInfo | None
    verdict: Verdict | None
    """Of the run's result, if it is kept."""


class HistoryListInfo(ServiceModel):
    """A page of what happened in a lab."""

    entries: list[HappenedInfo]
    names: dict[str, str]
    """Manifest hash → name, of the datasets that are still stored."""
    found: int
    total: int


class ResultListInfo(ServiceModel):
    """A page of the results of a lab that are kept."""

    results: list[ResultInfo]
    names: dict[str, str]
    """Manifest hash → name, of the datasets that are still stored."""
    found: int
    total: int


class RefreshInfo(ServiceModel):
    """One result of a lab with its headline numbers; its files may be removed."""

    run_id: str
    at: datetime
    datasets: dict[DatasetKind, str]
    numbers: dict[str, int]


class Lists(Protocol):
    """The lists, as you may see them. An entry that changes between two pages may be missed or come twice."""

    def datasets(self, query: DatasetQuery) -> DatasetListInfo:
        """Return a page of the stored datasets."""

    def labs(self, query: LabQuery) -> LabListInfo:
        """Return a page of the labs that you may read."""

    def other_labs(self, query: LabQuery) -> OtherLabListInfo:
        """Return a page of the labs of other publishers."""

    def history(self, lab: str, query: HistoryQuery) -> HistoryListInfo:
        """Return a page of the events and runs of a lab; raises LabNotFound, LabNotYours."""

    def results(self, lab: str, query: ResultQuery) -> ResultListInfo:
        """Return a page of the results of a lab; raises as `history`."""

    def refreshes(self, lab: str) -> list[RefreshInfo]:
        """Return the newest 30 refreshes of a lab, the oldest first, also those whose results are no longer kept."""
