"""What the registry knows, in the models that a deployment answers with; nothing is looked up here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datalab.kinds import DatasetKind
from datalab.registry import Dataset, Event, Lab, Result, Run, Slot, Standing
from datalab_dagster.service.models import (
    DatasetInfo,
    EventInfo,
    LabInfo,
    ResultInfo,
    RunInfo,
    SlotInfo,
    StateInfo,
    StepInfo,
)


def lab_info(
    lab: Lab, standing: Standing, slots: Mapping[DatasetKind, Slot], datasets: Mapping[str, Dataset]
) -> LabInfo:
    return LabInfo(
        id=lab.id,
        name=lab.name,
        definition=lab.definition,
        created_at=lab.created_at,
        created_by=lab.created_by,
        state=StateInfo(state=standing.state, reason=standing.reason, next_step=standing.next_step),
        slots=[
            SlotInfo(
                kind=slot.kind,
                manifest_hash=slot.manifest_hash,
                dataset_name=datasets[slot.manifest_hash].name,
                size=datasets[slot.manifest_hash].size_bytes,
                sequence=slot.sequence,
                provisioned_by=slot.by,
                provisioned_at=slot.at,
            )
            for slot in slots.values()
            if slot.manifest_hash in datasets
        ],
    )


def dataset_info(dataset: Dataset) -> DatasetInfo:
    return DatasetInfo(
        manifest_hash=dataset.manifest_hash,
        name=dataset.name,
        description=dataset.description,
        size=dataset.size_bytes,
        rows=dataset.rows,
        usage="TEST" if dataset.usage == "TEST" else "PUBLISHED",
        created_at=dataset.created_at,
        created_by=dataset.created_by,
        secret_id=dataset.secret_id,
        labs=list(dataset.labs),
    )


def event_info(event: Event) -> EventInfo:
    return EventInfo(
        sequence=event.sequence,
        action=event.action,
        kind=event.kind,
        manifest_hash=event.manifest_hash,
        replaced=event.replaced,
        by=event.by,
        cause=event.cause,
        at=event.at,
    )


def run_info(run: Run, url: str | None, steps: Sequence[StepInfo]) -> RunInfo:
    return RunInfo(
        run_id=run.run_id,
        lab_id=run.lab_id,
        datasets=dict(run.datasets),
        cause=run.cause,
        state=run.state,
        reason=run.reason,
        started_at=run.started_at,
        ended_at=run.ended_at,
        url=url,
        steps=list(steps),
    )


def result_info(result: Result, reports: Sequence[DatasetKind], *, current: bool) -> ResultInfo:
    return ResultInfo(
        run_id=result.run_id,
        lab_id=result.lab_id,
        datasets=dict(result.datasets),
        status=result.status,
        current=current,
        files=sorted(result.paths),
        reports=list(reports),
        summary=dict(result.summary),
        created_at=result.created_at,
    )
