"""The invalid rows of a deployment over HTTP, behind `InvalidRows`, which documents every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, cast

from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.http_download import Download
from datalab_dagster.service.invalid_rows import PAGE_ROWS, InvalidRowsInfo, RowsQuery


class HttpRows:
    """The invalid rows; `result_of` returns the path of a lab's result."""

    def __init__(self, connection: Connection, result_of: Callable[[str, str | None], str]) -> None:
        self._connection = connection
        self._result_of = result_of

    def page(self, wanted: RowsQuery, *, first: int = 0, count: int = PAGE_ROWS) -> InvalidRowsInfo:
        asked = {"first": first, "count": count, **_filter(wanted.reason)}
        return InvalidRowsInfo.model_validate(self._connection.json("GET", self._path(wanted), params=asked))

    def csv(self, wanted: RowsQuery) -> BinaryIO:
        response = self._connection.stream("GET", f"{self._path(wanted)}/download", params=_filter(wanted.reason))
        return cast("BinaryIO", Download(response, self._connection))

    def _path(self, wanted: RowsQuery) -> str:
        return f"{self._result_of(wanted.lab, wanted.run_id)}/rows/{wanted.kind.value}"


def _filter(reason: str | None) -> dict[str, Any]:
    return {} if reason is None else {"reason": reason}
