"""A `LabService` over the HTTP API of a deployment: the same answers and the same errors as on the machine itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar, cast

import httpx
from pydantic import BaseModel, TypeAdapter

from datalab.kinds import DatasetKind
from datalab.lab import STORED, LabDefinition
from datalab.registry import KeyRole
from datalab.registry.errors import DatasetNotFound, RunNotFound
from datalab.registry.ownership import Permission
from datalab.results.files import AGGREGATES
from datalab.results.validation import Hint
from datalab.storage import Key, size_of
from datalab_dagster.service.account_models import AuditInfo
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.http_connection import Connection, secret_for
from datalab_dagster.service.http_download import Download
from datalab_dagster.service.http_lists import HttpLists
from datalab_dagster.service.http_repairs import HttpRepairs
from datalab_dagster.service.http_rows import HttpRows
from datalab_dagster.service.http_schedules import HttpSchedules
from datalab_dagster.service.http_shared import HttpSharedLabs
from datalab_dagster.service.http_upload import HttpUploads, upload_by_parts, upload_in_one
from datalab_dagster.service.models import (
    DatasetInfo,
    EventInfo,
    ExpectedInfo,
    KeyAccess,
    KnownUsersInfo,
    LabInfo,
    OtherLabInfo,
    ResultInfo,
    RunInfo,
)
from datalab_dagster.service.protocol import Progress

_HASH = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,200}")
Model = TypeVar("Model", bound=BaseModel)


class HttpService:
    """A deployment that answers over HTTP; threads may share it.

    Args:
        url: of the portal, such as ``https://labs.publisher.example``.
        token: an API token; None: the secret of the `datalab up` of this home directory, if the URL is its portal.
        transport: for tests, or for settings of TLS.
        timeout: maximum seconds until an answer begins.

    Raises:
        ServiceUnreachable: nothing answers there.
        LoginNeeded: the token is not valid, or not any more.

    Example:
        >>> with HttpService("http://127.0.0.1:8000", token) as service:          # doctest: +SKIP
        ...     service.labs()
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 60,
    ) -> None:
        self._connection = Connection(url, token or secret_for(url), transport=transport, timeout=timeout)
        try:
            visitor = self._connection.json("GET", "/session")
        except BaseException:
            self._connection.close()
            raise
        self._user = str(visitor["email"])
        # A portal of an earlier version does not tell permissions: there, every person who signs in may read.
        self._reads = Permission.READ in visitor.get("permissions", [Permission.READ])

    @property
    def user(self) -> str:
        return self._user

    @property
    def shared_labs(self) -> HttpSharedLabs | None:
        return None if self._reads else HttpSharedLabs(self._connection)

    # ----------------------------------------------------------------------------------------------- datasets

    def upload_dataset(
        self,
        source: BinaryIO,
        name: str,
        *,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        store_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
        progress: Progress | None = None,
    ) -> DatasetInfo:
        size = size_of(source)
        if size is None:
            facts = {"name": name, "description": description, "usage": usage, "storeKey": store_key}
            return upload_in_one(self._connection, source, facts, key=key, access=access, progress=progress)
        return upload_by_parts(
            self.uploads,
            source,
            name,
            size,
            key=key,
            description=description,
            usage=usage,
            store_key=store_key,
            access=access,
            progress=progress,
        )

    @property
    def uploads(self) -> HttpUploads:
        return HttpUploads(self._connection)

    @property
    def repairs(self) -> HttpRepairs:
        return HttpRepairs(self._connection, _dataset)

    def datasets(self) -> list[DatasetInfo]:
        return self._list(DatasetInfo, "/datasets")

    def dataset(self, manifest_hash: str) -> DatasetInfo:
        return self._one(DatasetInfo, "GET", _dataset(manifest_hash))

    def inspect_dataset(self, manifest_hash: str) -> DatasetInfo:
        return self._one(DatasetInfo, "POST", f"{_dataset(manifest_hash)}/inspect")

    def download_dataset(self, manifest_hash: str, key: Key | None = None) -> BinaryIO:
        headers = {"X-Dataset-Key": key.to_text()} if key else {}
        response = self._connection.stream("GET", f"{_dataset(manifest_hash)}/content", headers=headers)
        return cast("BinaryIO", Download(response, self._connection))

    def delete_dataset(self, manifest_hash: str, *, force: bool = False) -> None:
        self._connection.json("DELETE", _dataset(manifest_hash), params={"force": force})

    def dataset_key(self, manifest_hash: str) -> Key:
        return Key.from_text(self._connection.json("GET", f"{_dataset(manifest_hash)}/key")["key"], "The key")

    def key_access(self, manifest_hash: str) -> KeyAccess:
        return self._one(KeyAccess, "GET", f"{_dataset(manifest_hash)}/access")

    def set_key_access(self, manifest_hash: str, access: Mapping[str, KeyRole]) -> KeyAccess:
        users = {user: KeyRole(role).value for user, role in access.items()}
        return self._one(KeyAccess, "PUT", f"{_dataset(manifest_hash)}/access", json={"users": users})

    # --------------------------------------------------------------------------------------------------- labs

    def create_lab(self, definition: LabDefinition) -> LabInfo:
        return self._one(LabInfo, "POST", "/labs", json=definition.model_dump(mode="json", by_alias=True))

    def labs(self) -> list[LabInfo]:
        return self._list(LabInfo, "/labs")

    def other_labs(self) -> list[OtherLabInfo]:
        return self._list(OtherLabInfo, "/other-labs")

    def lab(self, lab: str) -> LabInfo:
        if _PLAIN.fullmatch(lab):
            return self._one(LabInfo, "GET", f"/labs/{lab}")
        return self._one(LabInfo, "GET", "/lab-by-name", params={"name": lab})

    def set_lab_owners(self, lab: str, owners: Sequence[str]) -> LabInfo:
        return self._one(LabInfo, "PUT", f"{self._lab(lab)}/owners", json={"owners": list(owners)})

    def delete_lab(self, lab: str) -> None:
        self._connection.json("DELETE", self._lab(lab))

    def change(
        self, lab: str, changes: Mapping[DatasetKind, str | None], *, cause: str = "", check_kinds: bool = False
    ) -> LabInfo:
        wanted = {DatasetKind(kind).value: manifest_hash for kind, manifest_hash in changes.items()}
        params = {"cause": cause, "confirmKind": not check_kinds}
        return self._one(LabInfo, "PATCH", f"{self._lab(lab)}/slots", json=wanted, params=params)

    def expect(self, lab: str, expected: Mapping[DatasetKind, ExpectedInfo]) -> LabInfo:
        wanted = {kind.value: one.model_dump(mode="json", by_alias=True) for kind, one in expected.items()}
        return self._one(LabInfo, "PUT", f"{self._lab(lab)}/expected", json=wanted)

    def known_users(self, lab: str, chosen: Mapping[DatasetKind, str]) -> dict[DatasetKind, KnownUsersInfo]:
        params = {DatasetKind(kind).value: manifest_hash for kind, manifest_hash in chosen.items()}
        found = self._connection.json("GET", f"{self._lab(lab)}/known-users", params=params)
        return TypeAdapter(dict[DatasetKind, KnownUsersInfo]).validate_python(found)

    def events(self, lab: str) -> list[EventInfo]:
        return self._list(EventInfo, f"{self._lab(lab)}/events")

    @property
    def schedules(self) -> HttpSchedules:
        return HttpSchedules(self._connection, self._lab)

    # --------------------------------------------------------------------------------------------------- runs

    def validate(self, lab: str, *, again: bool = False) -> RunInfo:
        return self._one(RunInfo, "POST", f"{self._lab(lab)}/runs", params={"again": again})

    def run(self, run_id: str) -> RunInfo:
        return self._one(RunInfo, "GET", _run(run_id))

    def runs(self, lab: str) -> list[RunInfo]:
        return self._list(RunInfo, f"{self._lab(lab)}/runs")

    def cancel_run(self, run_id: str) -> RunInfo:
        return self._one(RunInfo, "POST", f"{_run(run_id)}/cancel")

    # ------------------------------------------------------------------------------------------------ results

    def results(self, lab: str) -> list[ResultInfo]:
        return self._list(ResultInfo, f"{self._lab(lab)}/results")

    def current_result(self, lab: str) -> ResultInfo | None:
        path = f"{self._lab(lab)}/results/current"
        try:
            return self._one(ResultInfo, "GET", path)
        except ResultNotFound:
            return None

    def result_file(self, lab: str, name: str, *, run_id: str | None = None) -> bytes:
        result = self._result(lab, run_id)
        if name not in AGGREGATES:
            raise ResultNotFound(self.lab(lab).id, f"file '{name}' in its result")
        return self._connection.content("GET", f"{result}/files/{name}")

    def validation_report(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> bytes:
        return self._connection.content("GET", f"{self._result(lab, run_id)}/reports/{DatasetKind(kind).value}")

    def hints(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> list[Hint]:
        return self._list(Hint, f"{self._result(lab, run_id)}/reports/{DatasetKind(kind).value}/hints")

    @property
    def invalid_rows(self) -> HttpRows:
        return HttpRows(self._connection, self._result)

    @property
    def lists(self) -> HttpLists:
        return HttpLists(self._connection, self._lab)

    def audit_log(self, *, limit: int = 100, before: int | None = None) -> list[AuditInfo]:
        params = {"limit": limit} | ({} if before is None else {"before": before})
        return self._list(AuditInfo, "/audit", params=params)

    # ---------------------------------------------------------------------------------------------------- end

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------- helpers

    def _one(self, model: type[Model], method: str, path: str, **request: Any) -> Model:
        return model.model_validate(self._connection.json(method, path, **request), context=STORED)

    def _list(self, model: type[Model], path: str, **request: Any) -> list[Model]:
        found = self._connection.json("GET", path, **request)
        return TypeAdapter(list[model]).validate_python(found, context=STORED)  # type: ignore[valid-type]

    def _lab(self, lab: str) -> str:
        """Return the path of a lab; first resolve a name that a path cannot contain."""
        return f"/labs/{lab if _PLAIN.fullmatch(lab) else self.lab(lab).id}"

    def _result(self, lab: str, run_id: str | None) -> str:
        if run_id is not None and not _PLAIN.fullmatch(run_id):
            raise ResultNotFound(self.lab(lab).id, f"result of run {run_id}")
        return f"{self._lab(lab)}/results/{run_id or 'current'}"


def _dataset(manifest_hash: str) -> str:
    if not _HASH.fullmatch(manifest_hash):
        raise DatasetNotFound(manifest_hash)
    return f"/datasets/{manifest_hash}"


def _run(run_id: str) -> str:
    if not _PLAIN.fullmatch(run_id):
        raise RunNotFound(run_id)
    return f"/runs/{run_id}"
