"""Repairs of the datasets of a deployment in memory; the steps are the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalab.ingest.any_file import StoredFile
from datalab.ingest.repair import Plan, Repairing, plan
from datalab.validation.repairs import proposal
from datalab_dagster.service.models import RepairStep
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal
from datalab_dagster.service.repairs_protocol import RepairQuery, RowsProgress

if TYPE_CHECKING:
    from tests.fakes import MemoryService


class MemoryRepairs:
    """Repairs of datasets in memory; the steps are the real ones."""

    def __init__(self, service: MemoryService) -> None:
        self._service = service

    def propose(self, wanted: RepairQuery) -> RepairProposal:
        return RepairProposal.model_validate(proposal(self._plan(wanted), wanted.lab))

    def store(self, wanted: RepairQuery, *, progress: RowsProgress | None = None) -> RepairInfo:
        repairing = Repairing(self._plan(wanted), progress=progress)
        name = f"{self._service.dataset(wanted.manifest_hash).name} (repaired)"
        made = self._service.upload_dataset(repairing.as_file(), name)
        touched = [RepairStep(name=name.value, rows=rows) for name, rows in repairing.done.touched.items()]
        made = made.model_copy(update={"made_from": wanted.manifest_hash, "steps": touched})
        self._service._datasets[made.manifest_hash] = made
        done = repairing.done
        return RepairInfo(dataset=made, records=done.records, written=done.written, before=None, after=None)

    def _plan(self, wanted: RepairQuery) -> Plan:
        name = self._service.dataset(wanted.manifest_hash).name
        file = StoredFile(name, lambda: self._service.download_dataset(wanted.manifest_hash))
        return plan(file, kind=wanted.kind, lab=wanted.lab, chosen=wanted.steps)
