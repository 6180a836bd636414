"""Routes of repairs of stored datasets: what would be changed, and the repaired copy as a new dataset."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import Field

from datalab.ingest.repair import StepName
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab_dagster.portal.access import Changer, Insider, Record, Service
from datalab_dagster.portal.api.values import ManifestHash
from datalab_dagster.portal.requests import repair_places
from datalab_dagster.service.models import ServiceModel
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal
from datalab_dagster.service.repairs_protocol import RepairQuery

router = APIRouter(prefix="/datasets/{manifest_hash}", tags=["datasets"])


class RepairWanted(ServiceModel):
    """How a dataset is to be repaired."""

    kind: DatasetKind | None = None
    """Which kind it is; null: what it certainly looks like."""
    lab: LabDefinition | None = None
    """The definition that its rows must fit; null: types of ids are proposed from the dataset."""
    steps: Annotated[list[StepName], Field(max_length=len(StepName))] | None = None
    """Only these; null: all that are proposed."""

    def of(self, manifest_hash: str) -> RepairQuery:
        """Return this for a dataset."""
        return RepairQuery(manifest_hash, self.kind, self.lab, self.steps)


@router.post("/repair-proposal")
def propose_repair(
    manifest_hash: ManifestHash, wanted: RepairWanted, visitor: Insider, service: Service, record: Record
) -> RepairProposal:
    """Return the steps that a dataset needs, tried on its first records: counts only. Nothing is changed."""
    found = service.repairs.propose(wanted.of(manifest_hash))
    record("dataset.repair-proposal", manifest_hash)
    return found


@router.post("/repair", status_code=201)
async def repair_dataset(
    manifest_hash: ManifestHash,
    wanted: RepairWanted,
    request: Request,
    visitor: Changer,
    service: Service,
    record: Record,
) -> RepairInfo:
    """Do the steps, and keep the result as a new dataset; the answer comes when it is stored and validated."""

    def store() -> RepairInfo:
        made = service.repairs.store(wanted.of(manifest_hash))
        steps = [step.name for step in made.dataset.steps]
        record("dataset.repair", manifest_hash, made=made.dataset.manifest_hash, steps=steps)
        return made

    places = repair_places(request)
    with places.one():
        return await to_thread.run_sync(store, limiter=places.threads)
