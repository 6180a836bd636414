"""The page that proposes what to repair in a stored dataset, the action that keeps the repaired copy, its progress."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import Field

from datalab.errors import DatalabError, UsageError
from datalab.formats import counted, number
from datalab.ingest.repair import KindUnknown, NotRepairable, StepName
from datalab.kinds import DatasetKind
from datalab_dagster.portal import limits
from datalab_dagster.portal.access import Changer, Record, Service
from datalab_dagster.portal.pages.datasets import DatasetRow, row_of
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.pages.texts import lab_name
from datalab_dagster.portal.repair_jobs import RepairJob, repair_jobs
from datalab_dagster.service import KeyAccessDenied, LabInfo, LabService
from datalab_dagster.service.http_errors import status_of
from datalab_dagster.service.models import ServiceModel
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal
from datalab_dagster.service.repairs_protocol import RepairQuery, RowsProgress

_FORGOTTEN = "The portal was restarted meanwhile. If the repair had ended, the page of the dataset names the copy."


class LabChoice(ServiceModel):
    """A lab whose definition the rows can be checked with."""

    id: str
    name: str
    kind: DatasetKind | None
    """The slot that holds the dataset; None: it does not use it."""


class RepairProgress(ServiceModel):
    """A repair that is running."""

    records: int
    """How many records were read."""
    share: float | None
    """How much of the dataset was read; None: all of it, and valid rows are counted now."""


class RepairPage(PageModel):
    """What would be changed in a stored dataset."""

    dataset: DatasetRow
    labs: list[LabChoice]
    """The labs of the visitor; those that use the dataset first."""
    lab: str
    """The id of the lab that decides which rows are valid; empty: a definition is proposed from the dataset."""
    kind: DatasetKind | None
    """As which kind it is repaired; None: what it looks like."""
    asked: list[StepName] = Field(default_factory=list)
    """The steps of `?step=`, which correct the finding that led here; they are marked, and all steps are chosen."""
    proposal: RepairProposal | None
    """None: see `problem`, or it is being repaired."""
    progress: RepairProgress | None = None
    """Of the repair of `?job=`."""
    problem: str
    """Why nothing can be proposed."""
    problems: list[str] = Field(default_factory=list)
    """Why the last action was refused."""


def show(dataset: str, request: Request, visitor: Changer, service: Service) -> Response:
    """The proposed steps with the rows they touch and the share of valid rows after each; of `?job=`, the progress."""
    wanted, problems = request.query_params, []
    if name := wanted.get("job"):
        row = row_of(service, dataset)
        job = repair_jobs(request).find(name, visitor.email, row.manifest_hash)
        if job is not None and not job.ended.is_set():
            return _running(request, row, job)
        if job is not None and job.made is not None:
            return go(request, f"/datasets/{job.made.dataset.manifest_hash}", _said(job.made))
        problems = [str(job.error) if job else _FORGOTTEN]
    page = _page(service, dataset, visitor.email, wanted)
    asked = [step for step in StepName if step.value in wanted.getlist("step")]
    shown = page.model_copy(update={"asked": asked, "problems": problems})
    return render(request, "repair.html.j2", shown, kinds=DatasetKind)


def store(dataset: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields) -> Response:
    """Keeps a repaired copy as a new dataset and shows it; if that takes long, shows the progress."""
    page = _page(service, dataset, visitor.email, {key: str(form.get(key, "")) for key in ("lab", "kind")})
    original = page.dataset.manifest_hash
    chosen = [step for step in StepName if step.value in form.getlist("step")]

    def work(progress: RowsProgress) -> RepairInfo:
        lab = service.lab(page.lab).definition if page.lab else None
        made = service.repairs.store(RepairQuery(original, page.kind, lab, chosen), progress=progress)
        steps = [step.name for step in made.dataset.steps]
        record("dataset.repair", original, made=made.dataset.manifest_hash, steps=steps)
        return made

    if not chosen:
        return _refused(request, page, UsageError("Choose at least one step."))
    job = repair_jobs(request).start(request, visitor.email, original, work)
    job.ended.wait(limits.LIMITS.repair_seconds)
    if isinstance(job.error, (UsageError, NotRepairable)):
        return _refused(request, page, job.error)
    if job.error is not None:
        raise job.error
    if job.made is None:
        choices = urlencode({"job": job.name, "lab": page.lab, "kind": page.kind or ""})
        return go(request, f"/datasets/{original}/repair?{choices}")
    return go(request, f"/datasets/{job.made.dataset.manifest_hash}", _said(job.made))


def _refused(request: Request, page: RepairPage, error: DatalabError) -> Response:
    refused = page.model_copy(update={"problems": [str(error)]})
    return render(request, "repair.html.j2", refused, status=status_of(error), kinds=DatasetKind)


def _running(request: Request, row: DatasetRow, job: RepairJob) -> Response:
    share = job.read / job.size if job.read < job.size else None
    progress = RepairProgress(records=job.records, share=share if job.size else 0.0)
    page = RepairPage(dataset=row, labs=[], lab="", kind=None, proposal=None, progress=progress, problem="")
    return render(request, "repair.html.j2", page, kinds=DatasetKind)


def _said(made: RepairInfo) -> str:
    said = f"Stored {made.dataset.name[:100]}: {counted(made.written, 'row')}."
    if made.before and made.after:
        valid = f"{number(made.after.valid)} of {counted(made.after.rows, 'row')} are valid"
        return f"{said} {valid}; of the original, {number(made.before.valid)} of {number(made.before.rows)}."
    return said


def _page(service: LabService, manifest_hash: str, user: str, wanted: Mapping[str, str]) -> RepairPage:
    row = row_of(service, manifest_hash)
    if row.your_role is None:
        raise KeyAccessDenied(row.manifest_hash, user, "read the content of")
    labs = _labs(service.labs(), row)
    used = labs[0].id if labs and labs[0].kind else ""
    chosen = next((lab for lab in labs if lab.id == wanted.get("lab", used)), None)
    asked = wanted.get("kind", "")
    kind = DatasetKind(asked) if asked in set(DatasetKind) else chosen.kind if chosen else None
    proposal, problem = None, ""
    try:
        lab = service.lab(chosen.id).definition if chosen else None
        if not row.has_key:
            problem = "Its key is not stored, so it cannot be read here."
        else:
            proposal = service.repairs.propose(RepairQuery(row.manifest_hash, kind, lab))
    except KindUnknown:
        problem = f"{row.sentence[:1].upper()}{row.sentence[1:]} Choose what it is."
    except NotRepairable as error:
        problem = str(error)
    return RepairPage(
        dataset=row,
        labs=labs,
        lab=chosen.id if chosen else "",
        kind=kind,
        proposal=proposal,
        problem=problem,
    )


def _labs(labs: list[LabInfo], row: DatasetRow) -> list[LabChoice]:
    found = [
        LabChoice(
            id=lab.id,
            name=lab_name(lab),
            kind=next((slot.kind for slot in lab.slots if slot.manifest_hash == row.manifest_hash), None),
        )
        for lab in labs
    ]
    return sorted(found, key=lambda lab: lab.kind is None)
