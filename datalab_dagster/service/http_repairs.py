"""Repairs of stored datasets over the HTTP API of a deployment, behind `Repairs`, which documents every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.lab import STORED
from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal
from datalab_dagster.service.repairs_protocol import RepairQuery, RowsProgress


class HttpRepairs:
    """The repairs of the user of a connection; `address_of` returns the path of a dataset."""

    def __init__(self, connection: Connection, address_of: Callable[[str], str]) -> None:
        self._connection = connection
        self._address_of = address_of

    def propose(self, wanted: RepairQuery) -> RepairProposal:
        found = self._ask("repair-proposal", wanted)
        return RepairProposal.model_validate(found, context=STORED)

    def store(self, wanted: RepairQuery, *, progress: RowsProgress | None = None) -> RepairInfo:
        # The answer comes when all is stored and validated, which may take minutes.
        found = self._ask("repair", wanted, timeout=None)
        return RepairInfo.model_validate(found, context=STORED)

    def _ask(self, what: str, wanted: RepairQuery, **request: Any) -> Any:
        body = {
            "kind": wanted.kind and DatasetKind(wanted.kind).value,
            "lab": wanted.lab and wanted.lab.model_dump(mode="json", by_alias=True),
            "steps": None if wanted.steps is None else [StepName(step).value for step in wanted.steps],
        }
        return self._connection.json("POST", f"{self._address_of(wanted.manifest_hash)}/{what}", json=body, **request)
