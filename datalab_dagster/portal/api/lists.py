"""Routes of the lists that have pages: `first`, `count`, `sort`, `text` and the filters of each list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from datalab_dagster.portal.access import Reader, Service
from datalab_dagster.portal.api.values import LabName
from datalab_dagster.service import (
    DatasetListInfo,
    DatasetQuery,
    HistoryListInfo,
    HistoryQuery,
    LabListInfo,
    LabQuery,
    OtherLabListInfo,
    RefreshInfo,
    ResultListInfo,
    ResultQuery,
)

router = APIRouter(tags=["lists"])


@router.get("/lists/datasets")
def dataset_list(visitor: Reader, service: Service, query: Annotated[DatasetQuery, Query()]) -> DatasetListInfo:
    """Return a page of the stored datasets, and the labs that use them."""
    return service.lists.datasets(query)


@router.get("/lists/labs")
def lab_list(visitor: Reader, service: Service, query: Annotated[LabQuery, Query()]) -> LabListInfo:
    """Return a page of your labs; of all to a viewer."""
    return service.lists.labs(query)


@router.get("/lists/other-labs")
def other_lab_list(visitor: Reader, service: Service, query: Annotated[LabQuery, Query()]) -> OtherLabListInfo:
    """Return a page of the labs of other publishers: name, state and owners."""
    return service.lists.other_labs(query)


@router.get("/labs/{lab}/lists/history")
def history_list(
    lab: LabName, visitor: Reader, service: Service, query: Annotated[HistoryQuery, Query()]
) -> HistoryListInfo:
    """Return a page of the provisioning events and runs of a lab."""
    return service.lists.history(lab, query)


@router.get("/labs/{lab}/lists/results")
def result_list(
    lab: LabName, visitor: Reader, service: Service, query: Annotated[ResultQuery, Query()]
) -> ResultListInfo:
    """Return a page of the results of a lab that are kept."""
    return service.lists.results(lab, query)


@router.get("/labs/{lab}/lists/refreshes")
def refresh_list(lab: LabName, visitor: Reader, service: Service) -> list[RefreshInfo]:
    """Return the newest 30 refreshes of a lab with their headline numbers, also those whose results are not kept."""
    return service.lists.refreshes(lab)
