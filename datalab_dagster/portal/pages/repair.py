"""The page that proposes what to repair in a stored dataset, and the action that keeps the repaired copy."""

from __future__ import annotations

from collections.abc import Mapping

from anyio import to_thread
from fastapi import Request, Response
from pydantic import Field

from datalab.errors import UsageError
from datalab.formats import counted, number
from datalab.ingest.repair import KindUnknown, NotRepairable, StepName
from datalab.kinds import DatasetKind
from datalab_dagster.portal.access import Changer, Record, Service
from datalab_dagster.portal.pages.datasets import DatasetRow, row_of
from datalab_dagster.portal.pages.page import Fields, PageModel, go, render
from datalab_dagster.portal.pages.texts import lab_name
from datalab_dagster.portal.requests import repair_places
from datalab_dagster.service import KeyAccessDenied, LabInfo, LabService
from datalab_dagster.service.http_errors import status_of
from datalab_dagster.service.models import ServiceModel
from datalab_dagster.service.repair_models import RepairInfo, RepairProposal
from datalab_dagster.service.repairs_protocol import RepairQuery


class LabChoice(ServiceModel):
    """A lab whose definition the rows can be checked with."""

    id: str
    name: str
    kind: DatasetKind | None
    """The slot that holds the dataset; None: it does not use it."""


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
    """None: see `problem`."""
    problem: str
    """Why nothing can be proposed."""
    problems: list[str] = Field(default_factory=list)
    """Why the last action was refused."""


def show(dataset: str, request: Request, visitor: Changer, service: Service) -> Response:
    """The proposed steps with the rows they touch and the share of valid rows after each."""
    page = _page(service, dataset, visitor.email, request.query_params)
    asked = [step for step in StepName if step.value in request.query_params.getlist("step")]
    return render(request, "repair.html.j2", page.model_copy(update={"asked": asked}), kinds=DatasetKind)


async def store(
    dataset: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields
) -> Response:
    """Keeps a repaired copy as a new dataset and shows it."""

    def work() -> Response:
        page = _page(service, dataset, visitor.email, {key: str(form.get(key, "")) for key in ("lab", "kind")})
        chosen = [step for step in StepName if step.value in form.getlist("step")]
        try:
            if not chosen:
                raise UsageError("Choose at least one step.")
            made = _stored(service, page, chosen)
        except (UsageError, NotRepairable) as error:
            refused = page.model_copy(update={"problems": [str(error)]})
            return render(request, "repair.html.j2", refused, status=status_of(error), kinds=DatasetKind)
        steps = [step.name for step in made.dataset.steps]
        record("dataset.repair", page.dataset.manifest_hash, made=made.dataset.manifest_hash, steps=steps)
        return go(request, f"/datasets/{made.dataset.manifest_hash}", _said(made))

    places = repair_places(request)
    with places.one():
        return await to_thread.run_sync(work, limiter=places.threads)


def _stored(service: LabService, page: RepairPage, steps: list[StepName]) -> RepairInfo:
    lab = service.lab(page.lab).definition if page.lab else None
    return service.repairs.store(RepairQuery(page.dataset.manifest_hash, page.kind, lab, steps))


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
