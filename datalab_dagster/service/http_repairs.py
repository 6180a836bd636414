"""Repairs of stored datasets over the HTTP API of a deployment, behind `Repairs`, which documents every call."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.lab import STORED, LabDefinition
from datalab_dagster.service.http_connection import Connection
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal
from datalab_dagster.service.repairs_protocol import RowsProgress


class HttpRepairs:
    """The repairs of the user of a connection; `address_of` returns the path of a dataset."""

    def __init__(self, connection: Connection, address_of: Callable[[str], str]) -> None:
        self._connection = connection
        self._address_of = address_of

    def propose(
        self,
        manifest_hash: str,
        *,
        kind: DatasetKind | None = None,
        lab: LabDefinition | None = None,
        steps: Collection[StepName] | None = None,
    ) -> RepairProposal:
        found = self._ask(manifest_hash, "repair-proposal", kind, lab, steps)
        return RepairProposal.model_validate(found, context=STORED)

    def store(
        self,
        manifest_hash: str,
        *,
        kind: DatasetKind | None = None,
        lab: LabDefinition | None = None,
        steps: Collection[StepName] | None = None,
        progress: RowsProgress | None = None,
    ) -> RepairInfo:
        # The answer comes when all is stored and validated, which may take minutes.
        found = self._ask(manifest_hash, "repair", kind, lab, steps, timeout=None)
        return RepairInfo.model_validate(found, context=STORED)

    def _ask(
        self,
        manifest_hash: str,
        what: str,
        kind: DatasetKind | None,
        lab: LabDefinition | None,
        steps: Collection[StepName] | None,
        **request: Any,
    ) -> Any:
        body = {
            "kind": kind and DatasetKind(kind).value,
            "lab": lab and lab.model_dump(mode="json", by_alias=True),
            "steps": None if steps is None else [StepName(step).value for step in steps],
        }
        return self._connection.json("POST", f"{self._address_of(manifest_hash)}/{what}", json=body, **request)
