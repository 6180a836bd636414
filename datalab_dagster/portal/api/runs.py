"""Routes of runs: start, status, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from datalab_dagster.portal.access import Changer, Reader, Record, Service
from datalab_dagster.portal.api.values import LabName, RunId
from datalab_dagster.service import RunInfo

router = APIRouter(tags=["runs"])


@router.post("/labs/{lab}/runs", status_code=202)
def start_run(
    lab: LabName,
    visitor: Changer,
    service: Service,
    record: Record,
    again: Annotated[bool, Query(description="Also when there is a current result")] = False,
) -> RunInfo:
    """Validate the datasets provisioned now; if a run does so or has done so, return that run."""
    run = service.validate(lab, again=again)
    record("lab.validate", run.lab_id, run=run.run_id, again=again)
    return run


@router.get("/labs/{lab}/runs")
def list_runs(lab: LabName, visitor: Reader, service: Service) -> list[RunInfo]:
    """Return the runs of a lab, the newest first."""
    return service.runs(lab)


@router.get("/runs/{run_id}")
def get_run(run_id: RunId, visitor: Reader, service: Service) -> RunInfo:
    """Return a run with its steps."""
    return service.run(run_id)


@router.post("/runs/{run_id}/cancel")
def cancel_run(run_id: RunId, visitor: Changer, service: Service, record: Record) -> RunInfo:
    """Stop a run; a run that has ended does not change."""
    run = service.cancel_run(run_id)
    record("run.cancel", run.run_id, lab=run.lab_id)
    return run
