"""The lists of a deployment over HTTP, behind `Lists`, which documents every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from datalab.lab import STORED
from datalab.registry.wanted import DatasetQuery, HistoryQuery, LabQuery, ListQuery, ResultQuery
from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.lists import (
    DatasetListInfo,
    HistoryListInfo,
    LabListInfo,
    OtherLabListInfo,
    RefreshInfo,
    ResultListInfo,
)
from datalab_dagster.service.models import ServiceModel

Model = TypeVar("Model", bound=ServiceModel)


class HttpLists:
    """The lists; `path_of` returns the path of a lab."""

    def __init__(self, connection: Connection, path_of: Callable[[str], str]) -> None:
        self._connection = connection
        self._path_of = path_of

    def datasets(self, query: DatasetQuery) -> DatasetListInfo:
        return self._page(DatasetListInfo, "/lists/datasets", query)

    def labs(self, query: LabQuery) -> LabListInfo:
        return self._page(LabListInfo, "/lists/labs", query)

    def other_labs(self, query: LabQuery) -> OtherLabListInfo:
        return self._page(OtherLabListInfo, "/lists/other-labs", query)

    def history(self, lab: str, query: HistoryQuery) -> HistoryListInfo:
        return self._page(HistoryListInfo, f"{self._path_of(lab)}/lists/history", query)

    def results(self, lab: str, query: ResultQuery) -> ResultListInfo:
        return self._page(ResultListInfo, f"{self._path_of(lab)}/lists/results", query)

    def refreshes(self, lab: str) -> list[RefreshInfo]:
        found = self._connection.json("GET", f"{self._path_of(lab)}/lists/refreshes")
        return [RefreshInfo.model_validate(one, context=STORED) for one in found]

    def _page(self, model: type[Model], path: str, query: ListQuery) -> Model:
        params: dict[str, Any] = query.model_dump(mode="json", exclude_defaults=True)
        return model.model_validate(self._connection.json("GET", path, params=params), context=STORED)
