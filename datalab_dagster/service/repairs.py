"""Repairs of stored datasets on this machine, behind `Repairs`, which documents every call."""

from __future__ import annotations

from datalab.deployment import Deployment
from datalab.deployment import repairs as stored
from datalab.ingest.repair import StepNotProposed
from datalab.lab import require_limits
from datalab.registry.ownership import Verb
from datalab_dagster.service.infos import stored_info
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal, ValidRows
from datalab_dagster.service.repairs_protocol import RepairQuery, RowsProgress


class LocalRepairs:
    """The repairs of a user, who needs the key of a dataset."""

    def __init__(self, deployment: Deployment, user: str) -> None:
        self._deployment = deployment
        self._user = user

    def propose(self, wanted: RepairQuery) -> RepairProposal:
        _, found = self._repairs(wanted).propose(kind=wanted.kind, lab=wanted.lab, steps=wanted.steps)
        return RepairProposal.model_validate(found)

    def store(self, wanted: RepairQuery, *, progress: RowsProgress | None = None) -> RepairInfo:
        user = self._deployment.registry.ownership.check(self._user, Verb.MAKE)
        repairs = self._repairs(wanted)
        plan, proposal = repairs.propose(kind=wanted.kind, lab=wanted.lab, steps=wanted.steps)
        if not plan.steps:
            raise StepNotProposed(wanted.steps or [], [])
        made = repairs.store(plan, proposal.lab, by=self._user, progress=progress)
        return RepairInfo(
            dataset=stored_info(self._deployment.registry, made.dataset, user),
            records=made.done.records,
            written=made.done.written,
            before=ValidRows.model_validate(made.before) if made.before else None,
            after=ValidRows.model_validate(made.after) if made.after else None,
        )

    def _repairs(self, wanted: RepairQuery) -> stored.Repairs:
        if wanted.lab is not None:
            require_limits(wanted.lab)
        datasets = self._deployment.datasets
        key = datasets.key(wanted.manifest_hash, user=self._user)
        return stored.Repairs(datasets, wanted.manifest_hash, key, self._deployment.scratch)
